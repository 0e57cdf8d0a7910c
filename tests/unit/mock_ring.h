/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of a split virtqueue, in a test's own guest memory: honest
 * enough to run requests with, and able to write every lie a driver can tell.
 * Used by unit tests and fuzzers.
 */
#ifndef TL_TESTS_MOCK_RING_H
#define TL_TESTS_MOCK_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_ring.h>

#include "core/gmem.h"
#include "virtio/queue.h"

/* Guest memory of a test: where the virt board has its RAM. */
#define MOCK_RAM_GPA  UINT64_C(0x40000000)
#define MOCK_RAM_SIZE UINT64_C(0x200000)

/* One buffer of a chain. */
struct mock_seg {
	uint64_t gpa;
	uint32_t len;
	bool write; /* by the device */
};

struct mock_ring {
	const struct gmem *gmem;
	struct virtq_setup setup; /* what the device has to be told */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t free;      /* next descriptor that mock_ring_chain() takes */
	uint16_t avail_idx; /* as stored in the ring */
	uint16_t last_used;
	uint64_t heap; /* next GPA that mock_ring_alloc() gives */
};

/* MOCK_RAM_SIZE bytes at MOCK_RAM_GPA; gmem_destroy() when done. */
void mock_gmem_init(struct gmem *gmem);

/* Empty rings for @num entries, and behind them a heap of buffers. */
void mock_ring_init(struct mock_ring *ring, const struct gmem *gmem,
		    uint16_t num);
/* The same from @gpa on, for a second ring. */
void mock_ring_init_at(struct mock_ring *ring, const struct gmem *gmem,
		       uint16_t num, uint64_t gpa);

/* The same from @gpa on, for a device with several queues. */
void mock_ring_init_at(struct mock_ring *ring, const struct gmem *gmem,
		       uint16_t num, uint64_t gpa);

/* @len bytes of guest memory, 16-byte aligned; never freed.  0 when out. */
uint64_t mock_ring_alloc(struct mock_ring *ring, uint32_t len);
/* Host pointer to what mock_ring_alloc() gave. */
void *mock_ring_ptr(const struct mock_ring *ring, uint64_t gpa);

/* Write descriptor @i as it is given. */
void mock_ring_desc(struct mock_ring *ring, uint16_t i, uint64_t gpa,
		    uint32_t len, uint16_t flags, uint16_t next);

/* Link @n buffers into a chain of descriptors; returns its head. */
uint16_t mock_ring_chain(struct mock_ring *ring, const struct mock_seg *seg,
			 unsigned int n);
/* The same through an indirect table: one descriptor of the ring. */
uint16_t mock_ring_indirect(struct mock_ring *ring, const struct mock_seg *seg,
			    unsigned int n);

/* Put @head in the available ring and move its index. */
void mock_ring_offer(struct mock_ring *ring, uint16_t head);

/* Take the next used element; false if there is none. */
bool mock_ring_take(struct mock_ring *ring, uint32_t *id, uint32_t *len);

/* The event indices behind the rings (virtio 1.2, 2.7.10). */
void mock_ring_set_used_event(struct mock_ring *ring, uint16_t idx);
uint16_t mock_ring_avail_event(const struct mock_ring *ring);

/* Start both indices at @idx, to get at their wrap-around.  Also in @vq. */
void mock_ring_wind(struct mock_ring *ring, struct virtq *vq, uint16_t idx);

#endif
