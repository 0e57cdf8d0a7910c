/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace.dat as a stream of struct event in the order of time, whatever the
 * host's width and endianness, the file's version, its compression and the
 * number of buffers.  Of a damaged file it is what can still be read.
 */
#ifndef TL_TRACE_READER_H
#define TL_TRACE_READER_H

#include <stddef.h>

#include "event.h"
#include "lib/error.h"

struct reader;
struct record_span;

struct reader_info {
	uint64_t events;            /* records of any kind */
	uint64_t kvm[EV_TYPES];     /* KVM events by type */
	uint64_t first_ts, last_ts; /* ns */
	int cpus;                   /* of the host */
	int buffers;                /* with records in them */
	uint64_t lost;              /* events that the ring buffer dropped */
	bool lost_unknown;          /* ... and more, nobody knows how many */
	bool host32;                /* recorded on a 32-bit host */
	/* what is wrong with the file, "": nothing; the rest of it was read */
	char damage[128];
};

static inline bool reader_lost(const struct reader_info *info)
{
	return info->lost || info->lost_unknown;
}

/* In words: "7 events", "7 events and more", "events, nobody knows how many". */
void reader_lost_text(const struct reader_info *info, char *buf, size_t size);

/* NULL and one line in @err if @path cannot be read as a trace.dat. */
struct reader *reader_open(const char *path, struct error *err);
void reader_close(struct reader *reader);

/*
 * Who gets the events; both functions return 0, or -errno to stop.  @span may be
 * NULL.  If it is not, it is offered the records that follow an event, for as
 * long as they are the earliest, and takes as many as it wants: they are not
 * passed to @event then.
 */
struct reader_sink {
	int (*event)(const struct event *event, void *opaque);
	int (*span)(struct record_span *span, void *opaque);
	void *opaque;
};

/*
 * Pass every KVM event to @sink, once, in the order of time.  What makes it stop
 * is passed on.  To be called once.
 */
int reader_run(struct reader *reader, const struct reader_sink *sink,
	       struct error *err);

const struct reader_info *reader_info(const struct reader *reader);

#endif
