// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.dat, version 7: sections, which may be compressed, found by a chain of
 * options.  Without that chain, by their order in the file.
 */
#include <stdlib.h>
#include <string.h>

#include "dat-io.h"

#define SECTION_COMPRESSED 1

/* A limit no real trace comes near to, and a damaged one would. */
#define SECTIONS_MAX 1024

struct section {
	unsigned int id;
	bool compressed;
	uint64_t size, data;
};

static bool read_section(struct dat *dat, uint64_t offset, struct section *s)
{
	struct dat_cursor c;

	dat_at(&c, dat, offset);
	s->id = (unsigned int)dat_take_number(&c, 2);
	s->compressed = dat_take_number(&c, 2) & SECTION_COMPRESSED;
	dat_skip(&c, 4);
	s->size = dat_take_number(&c, 8);
	s->data = c.pos;
	return !c.failed;
}

/* The contents of the section @id at @offset; false and no cursor if not. */
static bool open_section(struct dat *dat, uint64_t offset, unsigned int id,
			 struct dat_cursor *c)
{
	struct section s;

	if (!read_section(dat, offset, &s) || s.id != id)
		return false;
	dat_at(c, dat, s.data);
	if (s.compressed)
		dat_unpack_block(c);
	else if (s.size <= c->end - c->pos)
		c->end = c->pos + s.size;
	if (!c->failed)
		return true;
	dat_cursor_free(c);
	return false;
}

static void read_header_info(struct dat_opening *o, uint64_t offset)
{
	struct dat_cursor c;

	if (!open_section(o->dat, offset, DAT_OPTION_HEADER_INFO, &c)) {
		dat_damaged(o->dat, "its header information is unreadable");
		return;
	}
	dat_take_header_info(o, &c);
	dat_cursor_free(&c);
}

static void read_formats(struct dat_opening *o, uint64_t offset)
{
	struct dat_cursor c;

	if (!open_section(o->dat, offset, DAT_OPTION_EVENT_FORMATS, &c)) {
		dat_damaged(o->dat, "its event formats are unreadable");
		return;
	}
	dat_take_formats(o, &c);
	if (c.failed)
		dat_damaged(o->dat, "its event formats are cut short");
	dat_cursor_free(&c);
}

static void take_buffer7(struct dat_opening *o, struct dat_cursor *c)
{
	struct dat *dat = o->dat;
	struct dat_stream stream = { .buffer = (int)dat->nr_buffers };
	uint64_t at = dat_take_number(c, 8), page, cpus;
	struct section s;

	dat_take_string(c); /* its name */
	dat_take_string(c); /* its clock */
	page = dat_take_number(c, 4);
	cpus = dat_take_number(c, 4);
	if (c->failed || !cpus)
		return;
	/* all or nothing: what is missing here may still be salvaged */
	if (cpus > (c->end - c->pos) / 20 ||
	    dat->nr_buffers >= DAT_BUFFERS_MAX) {
		c->failed = true;
		return;
	}
	if (!dat_page_size_ok(page) || !read_section(dat, at, &s) ||
	    s.id != DAT_OPTION_BUFFER) {
		dat_damaged(dat, "buffer %zu is not there", dat->nr_buffers);
		return;
	}
	o->buffer[dat->nr_buffers] = at;
	stream.page_size = (uint32_t)page;
	stream.compressed = s.compressed;
	while (cpus-- && !c->failed) {
		uint64_t size;

		stream.cpu = (int)(dat_take_number(c, 4) & 0x7fffffff);
		stream.offset = dat_take_number(c, 8);
		size = dat_take_number(c, 8);
		if (!c->failed)
			dat_add_cpu(dat, stream, size);
	}
	dat->nr_buffers++;
}

/* A section of options; 0 or where the next one is.  -1: it is damaged. */
static int64_t take_options7(struct dat_opening *o, uint64_t offset)
{
	struct dat_cursor c;
	int64_t next = -1;

	if (!open_section(o->dat, offset, DAT_OPTION_DONE, &c))
		return -1;
	for (int n = 0; n < DAT_OPTIONS_MAX && next < 0 && !c.failed && !o->ret;
	     n++) {
		unsigned int id = (unsigned int)dat_take_number(&c, 2);
		uint64_t size = dat_take_number(&c, 4), end = c.pos + size;

		switch (id) {
		case DAT_OPTION_DONE:
			next = (int64_t)(dat_take_number(&c, 8) & INT64_MAX);
			break;
		case DAT_OPTION_BUFFER:
			take_buffer7(o, &c);
			break;
		case DAT_OPTION_CPUCOUNT:
			dat_set_cpus(o->dat, dat_take_number(&c, 4));
			break;
		case DAT_OPTION_HEADER_INFO:
			if (!o->have_pages)
				read_header_info(o, dat_take_number(&c, 8));
			break;
		case DAT_OPTION_EVENT_FORMATS:
			if (!o->have_formats)
				read_formats(o, dat_take_number(&c, 8));
			break;
		default:
			break;
		}
		if (end < c.pos)
			c.failed = true;
		else
			dat_skip(&c, end - c.pos);
	}
	if (c.failed)
		next = -1;
	dat_cursor_free(&c);
	return next;
}

/*
 * What a file without its end still has: sections lie one after another, and in
 * a buffer's each CPU's data starts at a page boundary.
 */
static uint64_t salvage_packed(struct dat *dat, uint64_t offset, uint64_t end)
{
	struct dat_stream stream = {
		.buffer = (int)dat->nr_buffers,
		.cpu = -1,
		.compressed = true,
		.page_size = dat->page_size,
		.offset = offset,
		.end = end,
	};
	uint64_t at = offset + 4, chunks;
	uint8_t head[8];

	if (!dat_read(dat, offset, head, 4))
		return end;
	chunks = dat_number(dat, head, 4);
	if (!chunks)
		return end;
	dat_add_stream(dat, &stream);
	while (chunks-- && at < end && dat_read(dat, at, head, 8))
		at += 8 + dat_number(dat, head, 4);
	return at;
}

/*
 * A section's size is written when it is complete, so 0 may mean that it is
 * not; but then there is padding up to a page's boundary.
 */
static bool is_empty(const struct dat *dat, const struct section *s)
{
	uint8_t head[16];
	uint64_t left = dat->size - s->data;

	if (s->size || s->data % dat->page_size == 0)
		return false;
	if (!dat_read(dat, s->data, head, left < 16 ? (size_t)left : 16))
		return true;
	for (uint64_t i = 0; i < 16 && i < left; i++)
		if (head[i] && (s->data + i) % dat->page_size)
			return true;
	return false;
}

/* Pages of one CPU after another: a new one where time goes backwards. */
static void salvage_pages(struct dat *dat, uint64_t offset, uint64_t end)
{
	struct dat_stream stream = {
		.buffer = (int)dat->nr_buffers,
		.cpu = -1,
		.page_size = dat->page_size,
		.offset = offset,
	};
	uint64_t last = 0;
	uint8_t head[8];

	for (uint64_t at = offset; at < end && dat_read(dat, at, head, 8);
	     at += dat->page_size) {
		uint64_t ts = dat_number(dat, head, 8);

		if (ts < last && at > stream.offset) {
			stream.end = at;
			dat_add_stream(dat, &stream);
			stream.offset = at;
		}
		last = ts;
	}
	stream.end = end;
	dat_add_stream(dat, &stream);
}

static void salvage_buffer(struct dat_opening *o, uint64_t section,
			   const struct section *s)
{
	struct dat *dat = o->dat;
	uint64_t page = dat->page_size, end = dat->size;
	uint64_t at = (s->data + page - 1) / page * page;

	/* its size is written when it is complete */
	if (s->size && s->size < end - s->data)
		end = s->data + s->size;
	if (at >= end)
		return;
	if (!s->compressed)
		salvage_pages(dat, at, end);
	else
		while (at < end && dat->nr_streams < DAT_STREAMS_MAX)
			at = (salvage_packed(dat, at, end) + page - 1) / page *
			     page;
	o->buffer[dat->nr_buffers++] = section;
}

static bool is_known(const struct dat_opening *o, uint64_t section)
{
	for (size_t i = 0; i < o->dat->nr_buffers; i++)
		if (o->buffer[i] == section)
			return true;
	return false;
}

static void salvage(struct dat_opening *o, uint64_t at)
{
	struct dat *dat = o->dat;
	struct section s;

	for (int n = 0; n < SECTIONS_MAX && !o->ret; n++) {
		if (!read_section(dat, at, &s))
			return;
		if (s.id == DAT_OPTION_HEADER_INFO && !o->have_pages)
			read_header_info(o, at);
		else if (s.id == DAT_OPTION_EVENT_FORMATS && !o->have_formats)
			read_formats(o, at);
		else if (s.id == DAT_OPTION_BUFFER && !is_known(o, at) &&
			 !is_empty(dat, &s) &&
			 dat->nr_buffers < DAT_BUFFERS_MAX)
			salvage_buffer(o, at, &s);
		if (s.size > dat->size - s.data)
			return;
		at = s.data + s.size;
	}
}

void dat_read_version7(struct dat_opening *o, struct dat_cursor *c)
{
	struct dat *dat = o->dat;
	const char *text = dat_take_string(c);
	uint64_t first, from;
	int64_t next;
	int n = 0;

	if (text && !strcmp(text, "zstd"))
		dat->codec = DAT_ZSTD;
	else if (text && !strcmp(text, "zlib"))
		dat->codec = DAT_ZLIB;
	else if (text && strcmp(text, "none")) {
		dat_damaged(dat, "compressed with \"%.32s\", which is unknown",
			    text);
		return;
	}
	dat_take_string(c); /* the codec's version */
	first = dat_take_number(c, 8);
	from = c->pos;
	if (c->failed) {
		dat_damaged(dat, "cut short before its events");
		return;
	}
	next = (int64_t)(first & INT64_MAX);
	while (next > 0 && n++ < SECTIONS_MAX && !o->ret)
		next = take_options7(o, (uint64_t)next);
	if (next) {
		dat_damaged(dat, "its end is missing");
		salvage(o, from);
	}
}
