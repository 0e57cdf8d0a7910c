/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events of one CPU's ring buffer pages, in their order (the kernel's
 * include/linux/ring_buffer.h and Documentation/trace/ring-buffer-design).
 */
#ifndef TL_TRACE_RING_H
#define TL_TRACE_RING_H

#include <string.h>

#include "dat.h"

/* The kernel's enum ring_buffer_type: the length in words, or one of these. */
#define RING_DATA_MAX    28
#define RING_PADDING     29
#define RING_TIME_EXTEND 30
#define RING_TIME_STAMP  31

struct ring {
	struct dat *dat;
	bool plain; /* bytes and bit fields as on a little-endian machine */
	struct dat_stream *stream;
	const uint8_t *page;
	size_t page_length;
	size_t next, end; /* in @page */
	size_t quick;     /* @end, or 0 where ring_next() has more to look at */
	int64_t lost;     /* before @page: how many, -1: some; 0 once told */
	/* the event */
	uint64_t ts; /* ns */
	const uint8_t *data;
	size_t size;
	/* lost events before this one, as @lost */
	int64_t missed;
};

void ring_init(struct ring *ring, struct dat *dat, struct dat_stream *stream);

/* Go to the next event; false at the end of the stream. */
bool ring_next_any(struct ring *ring);

/* The same, and at once for what nearly all of a page is: short events. */
static inline bool ring_next(struct ring *ring)
{
	const uint8_t *at;
	uint32_t head, type;
	size_t next;

	if (ring->next + 4 > ring->quick)
		return ring_next_any(ring);
	at = ring->page + ring->next;
	memcpy(&head, at, sizeof(head));
	type = head & 0x1f;
	next = ring->next + 4 + 4 * (size_t)type;
	if (type - 1 >= RING_DATA_MAX || next > ring->quick)
		return ring_next_any(ring);
	ring->data = at + 4;
	ring->size = 4 * (size_t)type;
	ring->ts += head >> 5;
	ring->next = next;
	ring->missed = 0;
	return true;
}

#endif
