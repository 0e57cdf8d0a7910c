// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/queue.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_ring.h>

int virtq_init(struct virtq *vq, uint16_t max, struct error *err)
{
	memset(vq, 0, sizeof(*vq));
	vq->iov = calloc(max, sizeof(*vq->iov));
	if (!vq->iov)
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtqueue of %u entries: out of memory", max);
	vq->max = max;
	return 0;
}

void virtq_destroy(struct virtq *vq)
{
	free(vq->iov);
	memset(vq, 0, sizeof(*vq));
}

void virtq_disable(struct virtq *vq)
{
	struct iovec *iov = vq->iov;
	uint16_t max = vq->max;

	memset(vq, 0, sizeof(*vq));
	vq->iov = iov;
	vq->max = max;
}

static int setup_fault(const char **why, const char *what)
{
	*why = what;
	return -EINVAL;
}

/* Sizes and alignments: 2.7, table "Virtqueue Part". */
int virtq_enable(struct virtq *vq, const struct gmem *gmem,
		 const struct virtq_setup *setup, const char **why)
{
	uint32_t num = setup->num;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vring_desc *desc;

	virtq_disable(vq);
	if (num == 0 || num > vq->max || (num & (num - 1)))
		return setup_fault(why, "queue size is no power of two within "
					"the maximum");
	if (setup->desc % VRING_DESC_ALIGN_SIZE ||
	    setup->driver % VRING_AVAIL_ALIGN_SIZE ||
	    setup->device % VRING_USED_ALIGN_SIZE)
		return setup_fault(why, "ring is not aligned");

	/* Each ring ends in an event index: 2 bytes more than its entries. */
	desc = gmem_ptr(gmem, setup->desc, num * sizeof(*desc));
	avail = gmem_ptr(gmem, setup->driver,
			 sizeof(*avail) + num * sizeof(avail->ring[0]) + 2);
	used = gmem_ptr(gmem, setup->device,
			sizeof(*used) + num * sizeof(used->ring[0]) + 2);
	if (!desc || !avail || !used)
		return setup_fault(why, "ring lies outside guest memory");

	vq->num = (uint16_t)num;
	vq->gmem = gmem;
	vq->desc = desc;
	vq->avail = avail;
	vq->used = used;
	vq->ready = true;
	return 0;
}

void virtq_set_features(struct virtq *vq, uint64_t features)
{
	vq->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	vq->indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
}

static int fault(struct virtq *vq, const char *what)
{
	vq->fault = what;
	return -EPROTO;
}

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* An indirect table has no alignment to rely on: copy bytes. */
static struct desc desc_fetch(const void *table, uint32_t i)
{
	struct vring_desc raw;

	memcpy(&raw, (const uint8_t *)table + i * sizeof(raw), sizeof(raw));
	/*
	 * For the compiler, not the CPU; no counterpart.  It keeps the copy a
	 * copy: without it a field could be loaded from guest memory again,
	 * after it was checked.
	 */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return (struct desc){
		.addr = le64toh(raw.addr),
		.len = le32toh(raw.len),
		.flags = le16toh(raw.flags),
		.next = le16toh(raw.next),
	};
}

static int chain_add(struct virtq *vq, struct virtq_chain *chain,
		     const struct desc *d)
{
	unsigned int n = chain->out.nr + chain->in.nr;
	void *ptr;

	if (!(d->flags & VRING_DESC_F_WRITE) && chain->in.nr)
		return fault(vq, "readable descriptor after a writable one");
	if (d->len == 0)
		return fault(vq, "descriptor of length zero");
	/* A used length, what is written of it, has 32 bits (2.7.5.2). */
	if (d->len > UINT32_MAX - chain->out_len - chain->in_len)
		return fault(vq, "chain of more than 4 GiB");
	/* 2.7.5.3.1 has this bound for indirect tables too. */
	if (n >= vq->max)
		return fault(vq, "chain longer than the queue");
	ptr = gmem_ptr(vq->gmem, d->addr, d->len);
	if (!ptr)
		return fault(vq, "buffer outside guest memory");

	vq->iov[n] = (struct iovec){ .iov_base = ptr, .iov_len = d->len };
	if (d->flags & VRING_DESC_F_WRITE) {
		chain->in.nr++;
		chain->in_len += d->len;
	} else {
		chain->out.nr++;
		chain->out_len += d->len;
	}
	return 0;
}

/* Follow a chain from entry @i of a table of @n descriptors. */
static int table_walk(struct virtq *vq, struct virtq_chain *chain,
		      const void *table, uint32_t n, uint32_t i, bool nested);

/* 2.7.5.3; the write flag has no meaning on an indirect descriptor. */
static int indirect_walk(struct virtq *vq, struct virtq_chain *chain,
			 const struct desc *d, bool nested)
{
	const void *table;

	if (!vq->indirect)
		return fault(vq, "indirect descriptor was not negotiated");
	if (nested)
		return fault(vq, "indirect descriptor in an indirect table");
	if (d->flags & VRING_DESC_F_NEXT)
		return fault(vq, "indirect descriptor with a next one");
	if (d->len == 0 || d->len % sizeof(struct vring_desc))
		return fault(vq, "indirect table of a bad length");
	table = gmem_ptr(vq->gmem, d->addr, d->len);
	if (!table)
		return fault(vq, "indirect table outside guest memory");
	return table_walk(vq, chain, table, d->len / sizeof(struct vring_desc),
			  0, true);
}

static int table_walk(struct virtq *vq, struct virtq_chain *chain,
		      const void *table, uint32_t n, uint32_t i, bool nested)
{
	uint32_t steps;
	struct desc d;
	int ret;

	for (steps = 0; steps < n; steps++) {
		if (i >= n)
			return fault(vq, "descriptor index out of range");
		d = desc_fetch(table, i);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return indirect_walk(vq, chain, &d, nested);
		ret = chain_add(vq, chain, &d);
		if (ret)
			return ret;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
	return fault(vq, "descriptor chain is a loop");
}

static uint16_t load_avail_idx(const struct virtq *vq)
{
	/*
	 * Acquire: ring entries and descriptors are read after the index that
	 * covers them.  Pairs with the driver's barrier between filling them
	 * and storing idx (2.7.13.3.1).
	 */
	return le16toh(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE));
}

int virtq_pop(struct virtq *vq, struct virtq_chain *chain)
{
	uint16_t pending, head;
	int ret;

	if (vq->fault)
		return -EPROTO;
	if (!vq->ready)
		return 0;
	pending = load_avail_idx(vq) - vq->last_avail;
	if (!pending)
		return 0;
	if (pending > vq->num)
		return fault(vq, "available index is ahead by more than the "
				 "queue size");
	head = le16toh(__atomic_load_n(
		&vq->avail->ring[vq->last_avail & (vq->num - 1)],
		__ATOMIC_RELAXED));

	*chain = (struct virtq_chain){ .head = head };
	ret = table_walk(vq, chain, vq->desc, vq->num, head, false);
	if (ret)
		return ret;
	chain->out.iov = vq->iov;
	chain->in.iov = vq->iov + chain->out.nr;
	vq->last_avail++;
	return 1;
}

void virtq_push_many(struct virtq *vq, const struct virtq_done *done,
		     unsigned int nr)
{
	vring_used_elem_t *elem;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		elem = &vq->used->ring[vq->used_idx++ & (vq->num - 1)];
		elem->id = htole32(done[i].head);
		elem->len = htole32(done[i].written);
	}
	/*
	 * Release: data and entries are visible before the index that covers
	 * them.  Pairs with the driver's barrier between reading idx and the
	 * entry (2.7.14).
	 */
	__atomic_store_n(&vq->used->idx, htole16(vq->used_idx),
			 __ATOMIC_RELEASE);
}

void virtq_push(struct virtq *vq, const struct virtq_chain *chain,
		uint32_t written)
{
	const struct virtq_done done = { chain->head, written };

	virtq_push_many(vq, &done, 1);
}

void virtq_unpop(struct virtq *vq, unsigned int nr)
{
	vq->last_avail = (uint16_t)(vq->last_avail - nr);
}

bool virtq_should_interrupt(struct virtq *vq)
{
	uint16_t old = vq->signalled, event;

	vq->signalled = vq->used_idx;
	/*
	 * Full: used idx is stored before used_event or flags are read.  Pairs
	 * with the driver's barrier between asking for interrupts and looking
	 * at the used index once more (2.7.14).
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vq->event_idx)
		return !(le16toh(__atomic_load_n(&vq->avail->flags,
						 __ATOMIC_RELAXED)) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	/* used_event sits behind the last ring entry (2.7.6, 2.7.7.2). */
	event = le16toh(
		__atomic_load_n(&vq->avail->ring[vq->num], __ATOMIC_RELAXED));
	return vring_need_event(event, vq->used_idx, old);
}

/* avail_event sits behind the last ring entry (2.7.8). */
static uint16_t *avail_event(const struct virtq *vq)
{
	return (uint16_t *)&vq->used->ring[vq->num];
}

void virtq_notify_off(struct virtq *vq)
{
	if (vq->quiet)
		return;
	vq->quiet = true;
	/* An avail_event left behind is already silent for a whole lap. */
	if (!vq->event_idx)
		__atomic_store_n(&vq->used->flags,
				 htole16(VRING_USED_F_NO_NOTIFY),
				 __ATOMIC_RELAXED);
}

bool virtq_notify_on(struct virtq *vq)
{
	vq->quiet = false;
	if (vq->event_idx)
		__atomic_store_n(avail_event(vq), htole16(vq->last_avail),
				 __ATOMIC_RELAXED);
	else
		__atomic_store_n(&vq->used->flags, 0, __ATOMIC_RELAXED);
	/*
	 * Full: the request for notifications is visible before the index is
	 * read again.  Pairs with the driver's barrier between storing avail
	 * idx and reading avail_event or flags (2.7.13.4.1).
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load_avail_idx(vq) != vq->last_avail;
}
