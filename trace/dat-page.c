// SPDX-License-Identifier: GPL-2.0-only
/* A CPU's ring buffer pages, one after another. */
#include <stdlib.h>
#include <string.h>

#include "dat-ahead.h"
#include "dat-io.h"

/* Read at once of what is not compressed; trace-cmd packs some ten pages. */
#define READ_SIZE (128u << 10)
#define CHUNK_MAX (16u << 20)

static bool make_space(uint8_t **data, size_t *space, size_t size)
{
	uint8_t *grown;

	size += DAT_SLACK;
	if (size <= *space)
		return true;
	grown = realloc(*data, size);
	if (!grown)
		return false;
	*data = grown;
	*space = size;
	return true;
}

static bool read_plain(struct dat *dat, struct dat_stream *s)
{
	uint64_t left = s->end - s->offset;
	size_t size = READ_SIZE > s->page_size ? READ_SIZE : s->page_size;

	if (!left)
		return false;
	if (size > left)
		size = (size_t)left;
	if (!make_space(&s->data, &s->space, size) ||
	    !dat_read(dat, s->offset, s->data, size)) {
		dat_damaged(dat, "the events of CPU %d cannot be read at %llu",
			    s->cpu, (unsigned long long)s->offset);
		return false;
	}
	s->offset += size;
	s->next = 0;
	s->length = size;
	return true;
}

/* Compressed: a count, then as many of (packed size, size, bytes). */
bool dat_read_chunk(struct dat *dat, struct dat_stream *s, size_t at)
{
	size_t packed, size;
	uint8_t head[8];

	if (!s->begun) {
		s->begun = true;
		if (!dat_read(dat, s->offset, head, 4))
			goto damaged;
		s->chunks = dat_number(dat, head, 4);
		s->offset += 4;
	}
	if (!s->chunks)
		return false;
	s->chunks--;
	if (s->offset >= s->end || !dat_read(dat, s->offset, head, 8))
		goto damaged;
	packed = (size_t)dat_number(dat, head, 4);
	size = (size_t)dat_number(dat, head + 4, 4);
	s->offset += 8;
	if (!packed || !size || packed > CHUNK_MAX || size > CHUNK_MAX ||
	    !make_space(&s->packed, &s->packed_space, packed) ||
	    !make_space(&s->data, &s->space, at + size) ||
	    !dat_read(dat, s->offset, s->packed, packed) ||
	    !dat_unpack(dat, s->packed, packed, s->data + at, size))
		goto damaged;
	s->offset += packed;
	s->next = 0;
	s->length = at + size;
	return true;
damaged:
	dat_damaged(dat, "the events of CPU %d cannot be unpacked at %llu",
		    s->cpu, (unsigned long long)s->offset);
	return false;
}

static bool read_packed(struct dat *dat, struct dat_stream *s)
{
	if (dat_ahead_take(dat, s))
		return true;
	if (!dat_read_chunk(dat, s, 0))
		return false;
	dat_ahead_begin(dat, s);
	return true;
}

const uint8_t *dat_page(struct dat *dat, struct dat_stream *s, size_t *size)
{
	const uint8_t *page;

	if (s->next >= s->length &&
	    !(s->compressed ? read_packed(dat, s) : read_plain(dat, s))) {
		dat_ahead_end(dat, s);
		free(s->data);
		free(s->packed);
		s->data = s->packed = NULL;
		s->space = s->packed_space = 0;
		s->next = s->length = 0;
		s->compressed = false;
		s->offset = s->end;
		return NULL;
	}
	page = s->data + s->next;
	*size = s->length - s->next;
	if (*size > s->page_size)
		*size = s->page_size;
	s->next += *size;
	return page;
}
