// SPDX-License-Identifier: GPL-2.0-only
#include "mock_ring.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void mock_gmem_init(struct gmem *gmem)
{
	memset(gmem, 0, sizeof(*gmem));
	if (gmem_add_ram(gmem, MOCK_RAM_GPA, MOCK_RAM_SIZE, NULL))
		abort();
}

void mock_ring_init(struct mock_ring *ring, const struct gmem *gmem,
		    uint16_t num)
{
	mock_ring_init_at(ring, gmem, num, MOCK_RAM_GPA);
}

void mock_ring_init_at(struct mock_ring *ring, const struct gmem *gmem,
		       uint16_t num, uint64_t gpa)
{
	memset(ring, 0, sizeof(*ring));
	ring->gmem = gmem;
	ring->heap = gpa;
	ring->setup.num = num;
	ring->setup.desc = mock_ring_alloc(ring, 16 * num);
	ring->setup.driver = mock_ring_alloc(ring, 6 + 2 * num);
	ring->setup.device = mock_ring_alloc(ring, 6 + 8 * num);
	ring->desc = mock_ring_ptr(ring, ring->setup.desc);
	ring->avail = mock_ring_ptr(ring, ring->setup.driver);
	ring->used = mock_ring_ptr(ring, ring->setup.device);
	memset(ring->desc, 0, 16 * num);
	memset(ring->avail, 0, 6 + 2 * num);
	memset(ring->used, 0, 6 + 8 * num);
}

uint64_t mock_ring_alloc(struct mock_ring *ring, uint32_t len)
{
	uint64_t gpa = ring->heap;
	uint64_t left = MOCK_RAM_GPA + MOCK_RAM_SIZE - gpa;

	if (len > left)
		return 0;
	ring->heap = (gpa + len + 15) & ~UINT64_C(15);
	return gpa;
}

void *mock_ring_ptr(const struct mock_ring *ring, uint64_t gpa)
{
	return gmem_ptr(ring->gmem, gpa, 1);
}

static struct vring_desc make_desc(uint64_t gpa, uint32_t len, uint16_t flags,
				   uint16_t next)
{
	return (struct vring_desc){ .addr = htole64(gpa),
				    .len = htole32(len),
				    .flags = htole16(flags),
				    .next = htole16(next) };
}

void mock_ring_desc(struct mock_ring *ring, uint16_t i, uint64_t gpa,
		    uint32_t len, uint16_t flags, uint16_t next)
{
	ring->desc[i] = make_desc(gpa, len, flags, next);
}

static uint16_t seg_flags(const struct mock_seg *seg, bool last)
{
	return (seg->write ? VRING_DESC_F_WRITE : 0) |
	       (last ? 0 : VRING_DESC_F_NEXT);
}

static uint16_t take_desc(struct mock_ring *ring)
{
	return ring->free++ % ring->setup.num;
}

uint16_t mock_ring_chain(struct mock_ring *ring, const struct mock_seg *seg,
			 unsigned int n)
{
	uint16_t head = ring->free % ring->setup.num, i;
	unsigned int k;

	for (k = 0; k < n; k++) {
		i = take_desc(ring);
		mock_ring_desc(ring, i, seg[k].gpa, seg[k].len,
			       seg_flags(&seg[k], k == n - 1),
			       ring->free % ring->setup.num);
	}
	return head;
}

uint16_t mock_ring_indirect(struct mock_ring *ring, const struct mock_seg *seg,
			    unsigned int n)
{
	uint64_t gpa = mock_ring_alloc(ring, 16 * n);
	struct vring_desc *table = mock_ring_ptr(ring, gpa);
	uint16_t head = take_desc(ring);
	unsigned int k;

	for (k = 0; k < n; k++)
		table[k] = make_desc(seg[k].gpa, seg[k].len,
				     seg_flags(&seg[k], k == n - 1), k + 1);
	mock_ring_desc(ring, head, gpa, 16 * n, VRING_DESC_F_INDIRECT, 0);
	return head;
}

void mock_ring_offer(struct mock_ring *ring, uint16_t head)
{
	ring->avail->ring[ring->avail_idx % ring->setup.num] = htole16(head);
	ring->avail_idx++;
	/* Pairs with the acquire in the device's virtq_pop(). */
	__atomic_store_n(&ring->avail->idx, htole16(ring->avail_idx),
			 __ATOMIC_RELEASE);
}

bool mock_ring_take(struct mock_ring *ring, uint32_t *id, uint32_t *len)
{
	const vring_used_elem_t *elem;
	/* Pairs with the release in the device's virtq_push(). */
	uint16_t idx =
		le16toh(__atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE));

	if (idx == ring->last_used)
		return false;
	elem = &ring->used->ring[ring->last_used % ring->setup.num];
	*id = le32toh(elem->id);
	*len = le32toh(elem->len);
	ring->last_used++;
	return true;
}

void mock_ring_set_used_event(struct mock_ring *ring, uint16_t idx)
{
	__atomic_store_n(&ring->avail->ring[ring->setup.num], htole16(idx),
			 __ATOMIC_SEQ_CST);
}

uint16_t mock_ring_avail_event(const struct mock_ring *ring)
{
	const uint16_t *event =
		(const uint16_t *)&ring->used->ring[ring->setup.num];

	return le16toh(__atomic_load_n(event, __ATOMIC_SEQ_CST));
}

void mock_ring_wind(struct mock_ring *ring, struct virtq *vq, uint16_t idx)
{
	ring->avail_idx = idx;
	ring->last_used = idx;
	ring->avail->idx = htole16(idx);
	ring->used->idx = htole16(idx);
	vq->last_avail = idx;
	vq->used_idx = idx;
	vq->signalled = idx;
}
