// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading ahead: unpacking takes longer than reading what was packed, so a
 * thread does the next part of a stream meanwhile.  It does what the reader
 * would do, on a stream of its own; where that fails the reader comes to the
 * same place by itself, and says what is wrong.
 */
#include <pthread.h>
#include <stdlib.h>

#include <zstd.h>

#include "dat-ahead.h"
#include "dat-io.h"
#include "lib/thread.h"

/* Unpacked at a time, so that threads seldom wait for each other. */
#define PART_MAX (512u << 10)
/* For all streams together; with many it is not worth it. */
#define PARTS_MAX (16u << 20)

struct dat_part {
	struct dat_stream stream; /* as the reader's will be then */
	bool busy, good;
	struct dat_part *next; /* that is to be unpacked */
};

struct dat_ahead {
	struct dat dat; /* the file, and codecs and complaints of its own */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct dat_part *first, **last; /* to be unpacked */
	bool stop;
};

static bool unpack(struct dat *dat, struct dat_part *part)
{
	struct dat_stream *s = &part->stream;
	size_t length = 0;

	/* whole pages only, or else the next part begins amid one */
	while (s->chunks && length < PART_MAX && !(length % s->page_size)) {
		const struct dat_stream before = *s;

		if (!dat_read_chunk(dat, s, length)) {
			s->chunks = before.chunks;
			s->offset = before.offset;
			break;
		}
		length = s->length;
	}
	s->length = length;
	return length;
}

static void *run(void *opaque)
{
	struct dat_ahead *ahead = opaque;

	pthread_mutex_lock(&ahead->lock);
	for (;;) {
		struct dat_part *part;
		bool good;

		while (!ahead->first && !ahead->stop)
			pthread_cond_wait(&ahead->changed, &ahead->lock);
		if (ahead->stop)
			break;
		part = ahead->first;
		ahead->first = part->next;
		if (!ahead->first)
			ahead->last = &ahead->first;
		pthread_mutex_unlock(&ahead->lock);
		good = unpack(&ahead->dat, part);
		pthread_mutex_lock(&ahead->lock);
		part->good = good;
		part->busy = false;
		pthread_cond_broadcast(&ahead->changed);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

static struct dat_ahead *start(const struct dat *dat)
{
	struct dat_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return NULL;
	ahead->dat = *dat;
	ahead->dat.unzstd = NULL;
	ahead->dat.ahead = NULL;
	ahead->last = &ahead->first;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	if (!thread_start(&ahead->thread, run, ahead))
		return ahead;
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
	return NULL;
}

static void give(struct dat_ahead *ahead, struct dat_part *part)
{
	part->next = NULL;
	pthread_mutex_lock(&ahead->lock);
	part->busy = true;
	*ahead->last = part;
	ahead->last = &part->next;
	pthread_cond_broadcast(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
}

static void wait_for(struct dat_ahead *ahead, const struct dat_part *part)
{
	pthread_mutex_lock(&ahead->lock);
	while (part->busy)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	pthread_mutex_unlock(&ahead->lock);
}

void dat_ahead_begin(struct dat *dat, struct dat_stream *s)
{
	struct dat_part *part;

	if (s->part || s->chunks * s->length < 2 * PART_MAX ||
	    dat->nr_streams * 2 * PART_MAX > PARTS_MAX)
		return;
	if (!dat->ahead)
		dat->ahead = start(dat);
	part = dat->ahead ? calloc(1, sizeof(*part)) : NULL;
	if (!part)
		return;
	part->stream = *s;
	part->stream.data = part->stream.packed = NULL;
	part->stream.space = part->stream.packed_space = 0;
	s->part = part;
	give(dat->ahead, part);
}

bool dat_ahead_take(struct dat *dat, struct dat_stream *s)
{
	struct dat_part *part = s->part;
	struct dat_stream mine = *s;

	if (!part)
		return false;
	wait_for(dat->ahead, part);
	if (!part->good) {
		dat_ahead_end(dat, s);
		return false;
	}
	s->data = part->stream.data;
	s->space = part->stream.space;
	s->length = part->stream.length;
	s->next = 0;
	s->chunks = part->stream.chunks;
	s->offset = part->stream.offset;
	part->stream.data = mine.data;
	part->stream.space = mine.space;
	if (s->chunks)
		give(dat->ahead, part);
	else
		dat_ahead_end(dat, s);
	return true;
}

void dat_ahead_end(struct dat *dat, struct dat_stream *s)
{
	struct dat_part *part = s->part;

	if (!part)
		return;
	wait_for(dat->ahead, part);
	free(part->stream.data);
	free(part->stream.packed);
	free(part);
	s->part = NULL;
}

void dat_ahead_stop(struct dat *dat)
{
	struct dat_ahead *ahead = dat->ahead;

	for (size_t i = 0; i < dat->nr_streams; i++)
		dat_ahead_end(dat, &dat->stream[i]);
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_broadcast(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	ZSTD_freeDCtx(ahead->dat.unzstd);
	free(ahead);
	dat->ahead = NULL;
}
