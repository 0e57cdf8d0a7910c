// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader of trace.dat, with files that no trace-cmd has written.  An input
 * that starts as a trace.dat does is one; of any other the first byte says
 * which kind of host it is from, and the rest are ring buffer pages in a file
 * that is otherwise in order.  Paired by spans of records or event by event, the
 * exits are the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis.h"
#include "make_dat.h"
#include "record-format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct exits {
	struct pair *pair;
	uint64_t count, hash;
};

static void mix(struct exits *e, uint64_t value)
{
	e->hash = (e->hash ^ value) * 0x9e3779b97f4a7c15u;
	e->hash ^= e->hash >> 32;
}

static void take(const struct trap_exit *exit, void *opaque)
{
	struct trap_exit copy = *exit;
	const uint8_t *bytes = (const uint8_t *)&copy;
	struct exits *e = opaque;

	copy.like = 0; /* the one thing that may be different */
	e->count++;
	for (size_t i = 0; i < offsetof(struct trap_exit, irq_name); i++)
		mix(e, bytes[i]);
}

static int to_pair(const struct event *event, void *opaque)
{
	return pair_event(((struct exits *)opaque)->pair, event);
}

static int span_to_pair(struct record_span *span, void *opaque)
{
	return pair_span(((struct exits *)opaque)->pair, span);
}

static struct exits read_exits(const char *path, bool spans)
{
	struct exits e = { 0 };
	struct reader_sink sink = { to_pair, spans ? span_to_pair : NULL, &e };
	struct error err = { 0 };
	struct reader *reader = reader_open(path, &err);

	e.pair = pair_new(take, &e);
	if (!reader || !e.pair || reader_run(reader, &sink, &err))
		abort();
	pair_finish(e.pair);
	mix(&e, reader_info(reader)->events);
	mix(&e, reader_info(reader)->lost);
	mix(&e, reader_info(reader)->lost_unknown);
	for (int i = 0; i < EV_TYPES; i++)
		mix(&e, reader_info(reader)->kvm[i]);
	pair_free(e.pair);
	reader_close(reader);
	return e;
}

static void load(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct error err = { 0 };
	struct exits fast, slow;
	uint64_t exits = 0;
	struct analysis a;
	char path[64];

	if (fd < 0)
		fd = memfd_create("trace.dat", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (analysis_load(&a, path, NULL, &err)) {
		if (!err.text[0] || strchr(err.text, '\n'))
			abort();
		return;
	}
	for (size_t i = 0; i < a.totals.count; i++)
		exits += a.totals.vcpu[i].exits;
	if (exits != a.totals.all.exits || exits > a.info.events)
		abort();
	analysis_free(&a);
	fast = read_exits(path, true);
	slow = read_exits(path, false);
	if (fast.count != slow.count || fast.hash != slow.hash ||
	    fast.count != exits)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct make_dat m;
	size_t part;

	if (size < 2)
		return 0;
	if (data[0] == 0x17) {
		load(data, size);
		return 0;
	}
	make_init(&m);
	m.big = data[0] & 1;
	m.host32 = data[0] & 2;
	m.version = data[0] & 4 ? 7 : 6;
	m.packed = data[0] & 8;
	m.cpus = 2;
	part = (size - 1) / 3 + 1;
	for (int i = 0; i < 3 && size > 1; i++) {
		if (part > size - 1)
			part = size - 1;
		make_page(&m, i & 1, 1000, data + 1, part);
		data += part;
		size -= part;
	}
	make_finish(&m);
	load(m.data, m.size);
	make_free(&m);
	return 0;
}
