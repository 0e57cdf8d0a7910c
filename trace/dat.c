// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "dat-ahead.h"
#include "dat-io.h"

#define PAGE_MIN 1024u
#define PAGE_MAX (1u << 20)

static const char magic[] = "\x17\x08\x44tracing";

bool dat_page_size_ok(uint64_t size)
{
	return size >= PAGE_MIN && size <= PAGE_MAX && !(size & (size - 1));
}

void dat_take_header_info(struct dat_opening *o, struct dat_cursor *c)
{
	struct dat *dat = o->dat;
	const char *text;
	uint64_t size;

	dat_skip(c, strlen("header_page") + 1);
	size = dat_take_number(c, 8);
	text = dat_take_text(c, size);
	if (text) {
		dat->commit = format_field(text, (size_t)size, "commit");
		/* Behind a page is nobody's memory. */
		if (dat->commit.offset > PAGE_MIN) {
			dat->commit.offset = 8;
			c->failed = true;
		}
		dat->host32 = dat->commit.size == 4;
		dat->page_data =
			(uint16_t)(dat->commit.offset + dat->commit.size);
		o->have_pages =
			dat->commit.offset >= 8 &&
			(dat->commit.size == 4 || dat->commit.size == 8);
	}
	dat_skip(c, strlen("header_event") + 1);
	dat_skip(c, dat_take_number(c, 8));
}

void dat_take_formats(struct dat_opening *o, struct dat_cursor *c)
{
	uint64_t systems = dat_take_number(c, 4);

	while (systems-- && !c->failed && !o->ret) {
		const char *name = dat_take_string(c);
		char *system = name ? strdup(name) : NULL;
		uint64_t events = dat_take_number(c, 4);

		while (system && events-- && !c->failed && !o->ret) {
			uint64_t size = dat_take_number(c, 8);
			const char *text = dat_take_text(c, size);

			if (!text)
				break;
			o->have_formats = true;
			o->ret = o->fn(system, text, (size_t)size, o->opaque);
		}
		if (!system)
			c->failed = true;
		free(system);
	}
}

void dat_add_stream(struct dat *dat, const struct dat_stream *stream)
{
	struct dat_stream *grown;

	if (dat->nr_streams >= DAT_STREAMS_MAX) {
		dat_damaged(dat, "it names more than %d streams",
			    DAT_STREAMS_MAX);
		return;
	}
	grown = realloc(dat->stream, (dat->nr_streams + 1) * sizeof(*grown));
	if (!grown) {
		dat_damaged(dat, "out of memory for its streams");
		return;
	}
	dat->stream = grown;
	grown[dat->nr_streams++] = *stream;
}

void dat_add_cpu(struct dat *dat, struct dat_stream stream, uint64_t size)
{
	if (!size)
		return;
	stream.end = stream.offset + size;
	if (stream.offset >= dat->size || stream.end < stream.offset) {
		dat_damaged(dat, "the events of CPU %d are beyond its end",
			    stream.cpu);
		return;
	}
	if (stream.end > dat->size) {
		dat_damaged(dat,
			    "cut short within the events of CPU %d, by %" PRIu64
			    " bytes or more",
			    stream.cpu, stream.end - dat->size);
		stream.end = dat->size;
	}
	dat_add_stream(dat, &stream);
}

void dat_set_cpus(struct dat *dat, uint64_t cpus)
{
	if (cpus > DAT_STREAMS_MAX)
		dat_damaged(dat, "it says of a host with %" PRIu64 " CPUs",
			    cpus);
	else
		dat->cpus = (int)cpus;
}

/* --- open, close -----------------------------------------------------------*/

/* The files that people pass by mistake get a message of their own. */
static int open_file(struct dat *dat, const char *path, struct error *err)
{
	struct stat st;

	dat->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (dat->fd < 0)
		return error_set(
			err, TL_TRACE, errno, "%s: %s%s", path, strerror(errno),
			errno == ENOENT
				? "; record one with: trapline run --trace FILE, or trace-cmd record -e kvm"
				: "");
	if (fstat(dat->fd, &st) || !S_ISREG(st.st_mode))
		return error_set(err, TL_TRACE, EINVAL,
				 "%s: not a file; name a trace.dat", path);
	if (!st.st_size)
		return error_set(err, TL_TRACE, EINVAL,
				 "%s: empty; the recording did not finish",
				 path);
	dat->size = (uint64_t)st.st_size;
	return 0;
}

static int read_head(struct dat *dat, const char *path, struct dat_cursor *c,
		     struct error *err)
{
	static const uint16_t one = 1;
	bool we_are_big = !*(const uint8_t *)&one;
	char head[sizeof(magic) - 1], name[9];
	const char *version;
	uint8_t big;

	dat_at(c, dat, 0);
	if (!dat_take(c, head, sizeof(head)) ||
	    memcmp(head, magic, sizeof(head)))
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: not a trace.dat; record one with: trapline run --trace FILE, or trace-cmd record -e kvm",
			path);
	version = dat_take_string(c);
	if (version && (!strcmp(version, "6") || !strcmp(version, "7")))
		dat->version = version[0] - '0';
	else if (version) {
		snprintf(name, sizeof(name), "%s", version);
		dat_printable(name);
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: a trace.dat of version \"%s\"; 6 and 7 can be read",
			path, name);
	}
	big = (uint8_t)dat_take_number(c, 1);
	dat->big = big;
	dat->swap = dat->big != we_are_big;
	dat->host32 = dat_take_number(c, 1) == 4;
	dat->page_size = (uint32_t)dat_take_number(c, 4);
	if (c->failed || big > 1 || !dat_page_size_ok(dat->page_size))
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: truncated or damaged trace.dat: its head is incomplete; record again",
			path);
	/* what every kernel has had, until the file says it */
	dat->commit.offset = 8;
	dat->commit.size = dat->host32 ? 4 : 8;
	dat->page_data = (uint16_t)(8 + dat->commit.size);
	return 0;
}

int dat_open(struct dat *dat, const char *path, dat_format_fn fn, void *opaque,
	     struct error *err)
{
	struct dat_opening o = { .dat = dat, .fn = fn, .opaque = opaque };
	struct dat_cursor c = { 0 };
	int ret;

	memset(dat, 0, sizeof(*dat));
	ret = open_file(dat, path, err);
	if (!ret)
		ret = read_head(dat, path, &c, err);
	if (ret)
		goto out;
	if (dat->version == 6)
		dat_read_version6(&o, &c);
	else
		dat_read_version7(&o, &c);
	ret = o.ret;
	if (ret)
		error_set(err, TL_FAIL, -ret, "%s: %s", path, strerror(-ret));
	else if (dat->damage[0] && (!o.have_formats || !dat->nr_streams))
		ret = error_set(
			err, TL_TRACE, EINVAL,
			"%s: truncated or damaged trace.dat: %s; nothing of it can be read, record again",
			path, dat->damage);
out:
	dat_cursor_free(&c);
	if (ret)
		dat_close(dat);
	return ret;
}

void dat_close(struct dat *dat)
{
	dat_ahead_stop(dat);
	for (size_t i = 0; i < dat->nr_streams; i++) {
		free(dat->stream[i].data);
		free(dat->stream[i].packed);
	}
	free(dat->stream);
	ZSTD_freeDCtx(dat->unzstd);
	if (dat->fd >= 0)
		close(dat->fd);
	memset(dat, 0, sizeof(*dat));
	dat->fd = -1;
}
