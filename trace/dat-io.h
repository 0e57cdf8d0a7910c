/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading pieces of a trace.dat: numbers, text, compressed blocks. */
#ifndef TL_TRACE_DAT_IO_H
#define TL_TRACE_DAT_IO_H

#include <string.h>

#include "dat.h"

/* The first thing that is wrong is what is said; the rest follows from it. */
void dat_damaged(struct dat *dat, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A message is one line, whatever the file has in its names. */
void dat_printable(char *text);

/* All @size bytes at @offset of the file. */
bool dat_read(const struct dat *dat, uint64_t offset, void *to, size_t size);

static inline uint64_t dat_number(const struct dat *dat, const void *from,
				  int bytes)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (bytes) {
	case 1:
		return *(const uint8_t *)from;
	case 2:
		memcpy(&v16, from, 2);
		return dat->swap ? __builtin_bswap16(v16) : v16;
	case 4:
		memcpy(&v32, from, 4);
		return dat->swap ? __builtin_bswap32(v32) : v32;
	default:
		memcpy(&v64, from, 8);
		return dat->swap ? __builtin_bswap64(v64) : v64;
	}
}

/* @to gets exactly @size bytes, or it is false: corrupt, or no such codec. */
bool dat_unpack(struct dat *dat, const void *from, size_t packed, void *to,
		size_t size);

/*
 * The next compressed chunk of @stream, to its data at @at: its length is that
 * of both then.  False: there is none, or it is damaged.
 */
bool dat_read_chunk(struct dat *dat, struct dat_stream *stream, size_t at);

/*
 * A place in the file or in an unpacked block of it.  After something that is
 * beyond @end, @failed is set and all that is read is 0 or NULL.
 */
struct dat_cursor {
	struct dat *dat;
	uint8_t *mem; /* NULL: the file */
	uint64_t pos, end;
	bool failed;
	char *text;
	size_t space;
};

void dat_at(struct dat_cursor *cursor, struct dat *dat, uint64_t offset);
void dat_cursor_free(struct dat_cursor *cursor);
bool dat_take(struct dat_cursor *cursor, void *to, uint64_t size);
uint64_t dat_take_number(struct dat_cursor *cursor, int bytes);
void dat_skip(struct dat_cursor *cursor, uint64_t size);
/* Valid until the next of these two; the first is terminated by a NUL. */
const char *dat_take_string(struct dat_cursor *cursor);
const char *dat_take_text(struct dat_cursor *cursor, uint64_t size);

/* Replace a cursor at a compressed block's head by one in its contents. */
void dat_unpack_block(struct dat_cursor *cursor);

/* --- opening ---------------------------------------------------------------*/

/* trace-cmd.dat(5): options of version 6, options and sections of version 7 */
enum {
	DAT_OPTION_DONE = 0,
	DAT_OPTION_BUFFER = 3,
	DAT_OPTION_CPUCOUNT = 8,
	DAT_OPTION_HEADER_INFO = 16,
	DAT_OPTION_EVENT_FORMATS = 18,
};

/* Limits no real trace comes near to, and a damaged one would. */
#define DAT_STREAMS_MAX 16384
#define DAT_OPTIONS_MAX 65536
#define DAT_BUFFERS_MAX 256

struct dat_opening {
	struct dat *dat;
	dat_format_fn fn;
	void *opaque;
	int ret;         /* what @fn returned */
	bool have_pages; /* the head of a ring buffer page is known */
	bool have_formats;
	/* where the buffers' sections are that an option told of */
	uint64_t buffer[DAT_BUFFERS_MAX];
};

bool dat_page_size_ok(uint64_t size);
void dat_set_cpus(struct dat *dat, uint64_t cpus);
/* "header_page" describes what each page of a ring buffer starts with. */
void dat_take_header_info(struct dat_opening *o, struct dat_cursor *cursor);
void dat_take_formats(struct dat_opening *o, struct dat_cursor *cursor);
void dat_add_stream(struct dat *dat, const struct dat_stream *stream);
/* One CPU's data, @size bytes, or as far as the file goes. */
void dat_add_cpu(struct dat *dat, struct dat_stream stream, uint64_t size);

/* The rest of the file; @cursor is behind what both versions start with. */
void dat_read_version6(struct dat_opening *o, struct dat_cursor *cursor);
void dat_read_version7(struct dat_opening *o, struct dat_cursor *cursor);

#endif
