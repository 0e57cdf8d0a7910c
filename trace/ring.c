// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "dat-io.h"
#include "ring.h"

/* The kernel's enum ring_buffer_type: the length in words, or one of these. */
#define TYPE_DATA_MAX    28
#define TYPE_PADDING     29
#define TYPE_TIME_EXTEND 30
#define TYPE_TIME_STAMP  31

#define TS_SHIFT         27
/* An absolute time stamp has no more bits; the page's has the others. */
#define TS_HIGH (0xf8ull << 56)

/* In a page's commit: its length, and that events before it were dropped. */
#define COMMIT_LENGTH ((1u << 27) - 1)
#define COMMIT_MISSED (1u << 31)
#define COMMIT_STORED (1u << 30) /* their number is after the data */

void ring_init(struct ring *ring, struct dat *dat, struct dat_stream *stream)
{
	memset(ring, 0, sizeof(*ring));
	ring->dat = dat;
	ring->plain = !dat->swap && !dat->big;
	ring->stream = stream;
}

static uint32_t word(const struct ring *ring, const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return ring->dat->swap ? __builtin_bswap32(v) : v;
}

static bool load_page(struct ring *ring)
{
	struct dat *dat = ring->dat;
	size_t start = dat->page_data, size;
	const uint8_t *page;
	uint64_t commit;

	page = dat_page(dat, ring->stream, &size);
	if (!page)
		return false;
	if (size < start) {
		dat_damaged(dat, "cut short within a page of CPU %d",
			    ring->stream->cpu);
		return false;
	}
	commit = dat_number(dat, page + dat->commit.offset, dat->commit.size);
	ring->ts = dat_number(dat, page, 8);
	ring->page = page;
	ring->page_length = size;
	ring->next = start;
	ring->end = start + (commit & COMMIT_LENGTH);
	if (ring->end > size) {
		if (size == ring->stream->page_size)
			dat_damaged(dat, "a page of CPU %d is damaged",
				    ring->stream->cpu);
		ring->end = size;
	} else if (commit & COMMIT_MISSED) {
		ring->lost = -1;
		if (commit & COMMIT_STORED &&
		    ring->end + dat->commit.size <= size)
			ring->lost = (int64_t)(dat_number(dat, page + ring->end,
							  dat->commit.size) &
					       INT64_MAX);
		if (!ring->lost)
			ring->lost = -1;
	}
	return true;
}

/*
 * As page_next() for what nearly all of a page is: a short event in the byte
 * order of this machine.  False if it is anything else; nothing is changed then.
 */
static inline bool page_next_short(struct ring *ring)
{
	const size_t next = ring->next, end = ring->end;
	const uint8_t *at = ring->page + next;
	uint32_t head, type;
	size_t size;

	if (!ring->plain || next + 4 > end)
		return false;
	memcpy(&head, at, sizeof(head));
	type = head & 0x1f;
	size = (size_t)type * 4;
	if (type - 1 >= TYPE_DATA_MAX || next + 4 + size > end)
		return false;
	ring->data = at + 4;
	ring->size = size;
	ring->ts += head >> 5;
	ring->next = next + 4 + size;
	return true;
}

/* The next event of the page; false if there is none. */
static bool page_next(struct ring *ring)
{
	while (ring->next + 4 <= ring->end) {
		const uint8_t *at = ring->page + ring->next;
		uint32_t head = word(ring, at), type, delta, extra = 0;
		size_t left = ring->end - ring->next, length;

		/* bit fields start at the end where the host's bytes do */
		if (ring->dat->big) {
			type = head >> 27;
			delta = head & ((1u << 27) - 1);
		} else {
			type = head & 0x1f;
			delta = head >> 5;
		}
		if (!type || type >= TYPE_PADDING) {
			if (left < 8)
				break;
			extra = word(ring, at + 4);
		}
		switch (type) {
		case TYPE_PADDING:
			/* without a delta: the rest of the page */
			if (!delta)
				return false;
			ring->ts += delta;
			ring->next += extra > left ? left
						   : 4 + ((extra + 3) & ~3u);
			continue;
		case TYPE_TIME_EXTEND:
			ring->ts += ((uint64_t)extra << TS_SHIFT) + delta;
			ring->next += 8;
			continue;
		case TYPE_TIME_STAMP:
			ring->ts = (ring->ts & TS_HIGH) |
				   (((uint64_t)extra << TS_SHIFT) + delta);
			ring->next += 8;
			continue;
		case 0:
			/* the length includes its own word */
			if (extra < 4 || extra > left)
				goto damaged;
			ring->data = at + 8;
			ring->size = extra - 4;
			length = 4 + ((extra + 3) & ~(size_t)3);
			break;
		default:
			ring->data = at + 4;
			ring->size = 4 * type;
			length = 4 + ring->size;
			break;
		}
		if (length > left)
			goto damaged;
		ring->ts += delta;
		ring->next += length;
		return true;
	}
	return false;
damaged:
	if (ring->page_length == ring->stream->page_size)
		dat_damaged(ring->dat, "a page of CPU %d is damaged",
			    ring->stream->cpu);
	return false;
}

/* Apart, so that what is called for each event stays short. */
static __attribute__((noinline)) bool next_of_any(struct ring *ring)
{
	while (!ring->page || !page_next(ring)) {
		ring->page = NULL;
		if (!load_page(ring))
			return false;
	}
	ring->missed = ring->lost;
	ring->lost = 0;
	return true;
}

bool ring_next(struct ring *ring)
{
	ring->missed = 0;
	if (ring->page && !ring->lost && page_next_short(ring))
		return true;
	return next_of_any(ring);
}
