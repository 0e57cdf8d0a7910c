/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The container: a trace.dat file (trace-cmd.dat(5), versions 6 and 7, zlib and
 * zstd) as the formats of its events and a stream of ring buffer pages for each
 * CPU of each buffer.
 *
 * The file is not trusted and is never mapped: whatever its bytes and however
 * short it is, it is an error or it is read as far as it goes.  Memory is
 * bounded by the number of streams and independent of their length.
 */
#ifndef TL_TRACE_DAT_H
#define TL_TRACE_DAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"
#include "lib/error.h"

struct dat_part;
struct dat_ahead;

enum dat_codec { DAT_PLAIN, DAT_ZLIB, DAT_ZSTD };

struct dat_stream {
	int buffer;             /* 0: the top one, then tracing instances */
	int cpu;                /* -1: lost with the rest of the file */
	bool compressed, begun; /* begun: @chunks is known */
	uint32_t page_size;
	uint64_t offset, end; /* in the file */
	uint64_t chunks;      /* compressed: how many more */
	uint8_t *data;        /* what of it is in memory, from @next on */
	uint8_t *packed;
	size_t space, packed_space, next, length;
	struct dat_part *part; /* what comes next; NULL: nothing is done */
};

struct dat {
	int fd;
	uint64_t size;
	int version;
	bool swap; /* the host's endianness is not ours */
	bool big;  /* the host is big-endian */
	bool host32;
	uint32_t page_size;
	enum dat_codec codec;
	void *unzstd;
	struct dat_ahead *ahead;
	/* the head of a ring buffer page: a time stamp first, then these */
	struct field commit;
	uint16_t page_data;
	int cpus;
	struct dat_stream *stream;
	size_t nr_streams, nr_buffers;
	char damage[128]; /* what is wrong with the file, "" if nothing is */
};

/* Behind a page so many bytes can be read, which are of no meaning. */
#define DAT_SLACK 64

/* Called for each event format of the file. */
typedef int (*dat_format_fn)(const char *system, const char *text, size_t size,
			     void *opaque);

/*
 * Read all but the events from @path.  @fn returns 0, or -errno to stop.  On
 * failure -errno, one line in @err and nothing to close.  A file that is
 * damaged but of some use is a success; it has dat->damage.
 */
int dat_open(struct dat *dat, const char *path, dat_format_fn fn, void *opaque,
	     struct error *err);
void dat_close(struct dat *dat);

/*
 * The next page of a stream and how much of it there is, which is less than
 * stream->page_size only at the end of a file that was cut short.  NULL at the
 * end, and where nothing more of it can be read (then there is dat->damage).
 * Valid until the next call for the same stream.  The memory of a stream that
 * has ended is freed.
 */
const uint8_t *dat_page(struct dat *dat, struct dat_stream *stream,
			size_t *size);

#endif
