// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dat.h"
#include "reader.h"
#include "record-format.h"
#include "ring.h"

/* A stream, and the next event of it that matters. */
struct source {
	struct ring ring;
	/* NULL: only that events were lost */
	const struct record_format *format;
	uint64_t events; /* of any kind */
};

struct reader {
	char *path;
	struct dat dat;
	struct records records;
	struct reader_info info;
	struct source *source;
	size_t *heap; /* of sources, the earliest event on top */
	size_t nr_heap;
	struct reader_sink sink;
};

const struct reader_info *reader_info(const struct reader *reader)
{
	return &reader->info;
}

static int learn_format(const char *system, const char *text, size_t size,
			void *opaque)
{
	struct reader *reader = opaque;

	return record_learn(&reader->records, &reader->dat, system, text, size);
}

void reader_lost_text(const struct reader_info *info, char *buf, size_t size)
{
	if (!info->lost && info->lost_unknown)
		snprintf(buf, size, "events, nobody knows how many");
	else
		snprintf(buf, size, "%" PRIu64 " event%s%s", info->lost,
			 info->lost == 1 ? "" : "s",
			 info->lost_unknown ? " and more" : "");
}

struct reader *reader_open(const char *path, struct error *err)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader || !(reader->path = strdup(path))) {
		free(reader);
		error_set(err, TL_FAIL, ENOMEM, "out of memory");
		return NULL;
	}
	if (dat_open(&reader->dat, path, learn_format, reader, err))
		goto fail;
	if (!reader->records.tid.mask || !reader->records.id.mask) {
		error_set(
			err, TL_TRACE, ENODATA,
			"%s: no KVM events in it; record with: trapline run --trace FILE, or trace-cmd record -e kvm",
			path);
		goto fail;
	}
	records_finish(&reader->records);
	reader->info.host32 = reader->dat.host32;
	reader->info.cpus = reader->dat.cpus;
	return reader;
fail:
	reader_close(reader);
	return NULL;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	dat_close(&reader->dat);
	free(reader->source);
	free(reader->heap);
	records_free(&reader->records);
	free(reader->path);
	free(reader);
}

/*
 * To the next event that somebody wants to know of.  The others, the most of a
 * trace of all of KVM's events, only count: they take no part in the merging.
 */
static inline bool advance(struct reader *reader, struct source *source)
{
	struct reader_info *info = &reader->info;
	struct ring *ring = &source->ring;

	while (ring_next(ring)) {
		source->events++;
		if (ring->ts < info->first_ts)
			info->first_ts = ring->ts;
		if (ring->ts > info->last_ts)
			info->last_ts = ring->ts;
		source->format =
			record_format(&reader->records, ring->data, ring->size);
		if (source->format || ring->missed)
			return true;
	}
	return false;
}

static bool earlier(const struct reader *reader, size_t a, size_t b)
{
	uint64_t ta = reader->source[a].ring.ts, tb = reader->source[b].ring.ts;

	return ta < tb || (ta == tb && a < b);
}

/* Restore the heap below @at. */
static void sift(struct reader *reader, size_t at)
{
	size_t *heap = reader->heap;

	for (;;) {
		size_t child = 2 * at + 1, top;

		if (child >= reader->nr_heap)
			return;
		if (child + 1 < reader->nr_heap &&
		    earlier(reader, heap[child + 1], heap[child]))
			child++;
		if (!earlier(reader, heap[child], heap[at]))
			return;
		top = heap[child];
		heap[child] = heap[at];
		heap[at] = top;
		at = child;
	}
}

static int start(struct reader *reader, struct error *err)
{
	size_t count = reader->dat.nr_streams;

	reader->source = calloc(count + 1, sizeof(*reader->source));
	reader->heap = calloc(count + 1, sizeof(*reader->heap));
	if (!reader->source || !reader->heap)
		return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	reader->info.first_ts = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		ring_init(&reader->source[i].ring, &reader->dat,
			  &reader->dat.stream[i]);
		if (advance(reader, &reader->source[i]))
			reader->heap[reader->nr_heap++] = i;
	}
	for (size_t i = reader->nr_heap / 2; i--;)
		sift(reader, i);
	return 0;
}

static int pass_lost(struct reader *reader, const struct ring *ring)
{
	struct event ev = {
		.type = EV_LOST,
		.cpu = ring->stream->cpu,
		.ts = ring->ts,
	};

	/* the kernel's count, or -1 where it only knows that there are some */
	ev.lost.count = ring->missed;
	if (ring->missed > 0)
		reader->info.lost += (uint64_t)ring->missed;
	else
		reader->info.lost_unknown = true;
	return reader->sink.event(&ev, reader->sink.opaque);
}

/* The event that @source is at. */
static int pass(struct reader *reader, const struct source *source)
{
	const struct ring *ring = &source->ring;
	struct event ev;
	int ret = 0;

	if (ring->missed)
		ret = pass_lost(reader, ring);
	if (ret || !source->format)
		return ret;
	memset(&ev, 0, sizeof(ev));
	ev.cpu = ring->stream->cpu;
	ev.ts = ring->ts;
	record_read(source->format, ring->data, ring->size, &ev);
	reader->info.kvm[ev.type]++;
	return reader->sink.event(&ev, reader->sink.opaque);
}

/* The records that follow, for the sink to take as many as it wants. */
static int offer(struct reader *reader, struct source *source, uint64_t until)
{
	struct ring *ring = &source->ring;
	struct record_span span = {
		.records = &reader->records,
		.at = ring->page + ring->next,
		.end = ring->page + ring->quick,
		.ts = ring->ts,
		.until = until,
		.cpu = ring->stream->cpu,
		.seen = reader->info.kvm,
	};
	int ret = reader->sink.span(&span, reader->sink.opaque);

	/* from event to event of a page time does not go back */
	if (span.ts > reader->info.last_ts)
		reader->info.last_ts = span.ts;
	source->events += span.taken;
	ring->next = (size_t)(span.at - ring->page);
	ring->ts = span.ts;
	return ret;
}

/*
 * Pass on the events of @source, which is the heap's top, up to the first that
 * is not before @until.  1: there is none, the source has ended; 0; -errno.
 */
static int drain(struct reader *reader, struct source *source, uint64_t until)
{
	const bool spans = reader->sink.span && reader->records.usual;
	int ret;

	do {
		ret = pass(reader, source);
		if (!ret && spans && source->ring.quick)
			ret = offer(reader, source, until);
		if (ret)
			return ret;
		if (!advance(reader, source))
			return 1;
	} while (source->ring.ts < until);
	return 0;
}

/* When the first of the sources below the heap's top has its next event. */
static uint64_t runner_up(const struct reader *reader)
{
	uint64_t ts = UINT64_MAX;

	for (size_t i = 1; i < 3 && i < reader->nr_heap; i++) {
		uint64_t other = reader->source[reader->heap[i]].ring.ts;

		if (other < ts)
			ts = other;
	}
	return ts;
}

/* Called when all has been read. */
static void finish(struct reader *reader)
{
	struct reader_info *info = &reader->info;
	const struct dat *dat = &reader->dat;
	int last = -1;

	/* streams of a buffer are neighbours */
	for (size_t i = 0; i < dat->nr_streams; i++) {
		info->events += reader->source[i].events;
		if (!reader->source[i].events || dat->stream[i].buffer == last)
			continue;
		last = dat->stream[i].buffer;
		info->buffers++;
	}
	if (!info->events)
		info->first_ts = 0;
	memcpy(info->damage, dat->damage, sizeof(info->damage));
}

int reader_run(struct reader *reader, const struct reader_sink *sink,
	       struct error *err)
{
	int ret = start(reader, err);

	if (ret)
		return ret;
	reader->sink = *sink;
	while (reader->nr_heap) {
		struct source *source = &reader->source[reader->heap[0]];

		ret = drain(reader, source, runner_up(reader));
		if (ret < 0)
			return error_set(err, TL_FAIL, -ret, "%s: %s",
					 reader->path, strerror(-ret));
		if (ret)
			reader->heap[0] = reader->heap[--reader->nr_heap];
		sift(reader, 0);
	}
	finish(reader);
	return 0;
}
