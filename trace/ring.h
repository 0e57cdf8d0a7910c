/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events of one CPU's ring buffer pages, in their order (the kernel's
 * include/linux/ring_buffer.h and Documentation/trace/ring-buffer-design).
 */
#ifndef TL_TRACE_RING_H
#define TL_TRACE_RING_H

#include "dat.h"

struct ring {
	struct dat *dat;
	bool plain; /* bytes and bit fields as on a little-endian machine */
	struct dat_stream *stream;
	const uint8_t *page;
	size_t page_length;
	size_t next, end; /* in @page */
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
bool ring_next(struct ring *ring);

#endif
