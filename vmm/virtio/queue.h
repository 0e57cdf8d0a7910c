/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device's side of a split virtqueue (virtio 1.2, section 2.7), and every
 * check of what the driver put there.
 *
 *   descriptor table       available ring          used ring
 *   (driver writes)        (driver writes)         (device writes)
 *   addr len flags next    flags                   flags
 *   addr len flags next    idx                     idx
 *   ...                    ring[num]               ring[num] {id, len}
 *                          used_event              avail_event
 *
 * The driver may change any of it at any time, so each field is read once, into
 * a local copy, and only the copy is checked and used.  After a fault the queue
 * is not touched again until virtq_disable().  One thread at a time.
 */
#ifndef TL_VIRTIO_QUEUE_H
#define TL_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/gmem.h"
#include "lib/error.h"
#include "virtio/iov.h"

/* Largest queue size of a split ring (2.7). */
#define VIRTQ_SIZE_LIMIT 32768

struct vring_desc;
struct vring_avail;
struct vring_used;

/* Where the driver put a queue: guest physical addresses, as written. */
struct virtq_setup {
	uint32_t num; /* descriptors */
	uint64_t desc;
	uint64_t driver; /* available ring */
	uint64_t device; /* used ring */
};

struct virtq {
	/* Constant from virtq_init() on. */
	uint16_t max;
	struct iovec *iov; /* max segments, of the chain last popped */

	/* From virtq_enable() to virtq_disable(). */
	bool ready;
	bool event_idx; /* VIRTIO_F_EVENT_IDX was negotiated */
	bool indirect;  /* VIRTIO_F_INDIRECT_DESC was negotiated */
	bool quiet;     /* the driver was asked not to notify */
	uint16_t num;
	uint16_t last_avail; /* available ring index of the next chain */
	uint16_t used_idx;   /* used ring index of the next completion */
	uint16_t signalled;  /* used_idx when last asked about an interrupt */
	const struct gmem *gmem;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	const char *fault; /* what the driver did wrong, or NULL */
};

/* One request: first what the device reads, then what it writes. */
struct virtq_chain {
	uint16_t head;      /* the descriptor that names it in the used ring */
	struct iov_buf out; /* device-readable, validated host memory */
	struct iov_buf in;  /* device-writable */
	uint32_t out_len;   /* bytes */
	uint32_t in_len;    /* out_len + in_len <= UINT32_MAX */
};

/* @max is a power of two up to VIRTQ_SIZE_LIMIT.  -ENOMEM. */
int virtq_init(struct virtq *vq, uint16_t max, struct error *err);
void virtq_destroy(struct virtq *vq);

/*
 * Take the rings into use, from index 0 on.  -EINVAL where size, alignment or
 * place are not what 2.7 asks for; *@why then says which.
 */
int virtq_enable(struct virtq *vq, const struct gmem *gmem,
		 const struct virtq_setup *setup, const char **why);

/* Feature bits that were negotiated; valid until the next virtq_disable(). */
void virtq_set_features(struct virtq *vq, uint64_t features);

/* Forget rings, indices, features and fault.  Fine when not enabled. */
void virtq_disable(struct virtq *vq);

/*
 * Take the next chain.  1 and @chain (valid until the next call), 0 if there is
 * none, -EPROTO if the driver broke the rules: vq->fault says how, and so do
 * all later calls.
 */
int virtq_pop(struct virtq *vq, struct virtq_chain *chain);

/*
 * Give @chain back with @written bytes written from the start of its
 * device-writable part (2.7.8.2).
 */
void virtq_push(struct virtq *vq, const struct virtq_chain *chain,
		uint32_t written);

/* A finished chain. */
struct virtq_done {
	uint16_t head;
	uint32_t written;
};

/*
 * Give @nr chains back at once: the driver sees all of them or none, as a
 * packet in several buffers needs it (5.1.6.4).
 */
void virtq_push_many(struct virtq *vq, const struct virtq_done *done,
		     unsigned int nr);

/*
 * Put the last @nr chains back that were popped and not pushed; they are popped
 * again, and checked again, in the same order.
 */
void virtq_unpop(struct virtq *vq, unsigned int nr);

/* Ask once after one or more pushes: does the driver want an interrupt? */
bool virtq_should_interrupt(struct virtq *vq);

/*
 * While the device is at it, notifications only cost exits.  Asking for them
 * again returns true if a chain came in meanwhile, unannounced.
 */
void virtq_notify_off(struct virtq *vq);
bool virtq_notify_on(struct virtq *vq);

#endif
