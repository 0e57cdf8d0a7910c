// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "dat-io.h"
#include "ring.h"

#define TS_SHIFT 27
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
		if (!type || type >= RING_PADDING) {
			if (left < 8)
				break;
			extra = word(ring, at + 4);
		}
		switch (type) {
		case RING_PADDING:
			/* without a delta: the rest of the page */
			if (!delta)
				return false;
			ring->ts += delta;
			ring->next += extra > left ? left
						   : 4 + ((extra + 3) & ~3u);
			continue;
		case RING_TIME_EXTEND:
			ring->ts += ((uint64_t)extra << TS_SHIFT) + delta;
			ring->next += 8;
			continue;
		case RING_TIME_STAMP:
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

bool ring_next_any(struct ring *ring)
{
	ring->quick = 0;
	while (!ring->page || !page_next(ring)) {
		ring->page = NULL;
		if (!load_page(ring))
			return false;
	}
	ring->missed = ring->lost;
	ring->lost = 0;
	if (ring->plain)
		ring->quick = ring->end;
	return true;
}
