// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pair-repeat.h"

struct pair *pair_new(void (*fn)(const struct trap_exit *exit, void *opaque),
		      void *opaque)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return NULL;
	pair->repeat = calloc(REPEAT_SLOTS, sizeof(*pair->repeat));
	if (!pair->repeat) {
		free(pair);
		return NULL;
	}
	pair->fn = fn;
	pair->opaque = opaque;
	return pair;
}

void pair_free(struct pair *pair)
{
	if (!pair)
		return;
	free(pair->thread);
	free(pair->pairing);
	free(pair->slot);
	free(pair->repeat);
	free(pair);
}

const struct pair_thread *pair_threads(const struct pair *pair, size_t *count)
{
	*count = pair->count;
	return pair->thread;
}

static size_t slot_of(const struct pair *pair, int tid)
{
	size_t mask = 2 * pair->space - 1;
	size_t i = (uint32_t)tid * 2654435761u & mask;

	while (pair->slot[i] && pair->thread[pair->slot[i] - 1].tid != tid)
		i = (i + 1) & mask;
	return i;
}

static int grow(struct pair *pair)
{
	size_t space = pair->space ? 2 * pair->space : 16;
	struct pair_thread *thread;
	struct pairing *pairing;
	size_t *slot;

	thread = realloc(pair->thread, space * sizeof(*thread));
	if (!thread)
		return -ENOMEM;
	pair->thread = thread;
	pairing = realloc(pair->pairing, space * sizeof(*pairing));
	if (!pairing)
		return -ENOMEM;
	pair->pairing = pairing;
	slot = calloc(2 * space, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	free(pair->slot);
	pair->slot = slot;
	pair->space = space;
	for (size_t i = 0; i < pair->count; i++)
		slot[slot_of(pair, thread[i].tid)] = i + 1;
	return 0;
}

int pair_find(struct pair *pair, int tid, enum ev_type type, size_t *index)
{
	size_t slot;
	int ret;

	if (pair->recent < pair->count &&
	    pair->thread[pair->recent].tid == tid) {
		*index = pair->recent;
		return 0;
	}
	if (pair->count == pair->space) {
		ret = grow(pair);
		if (ret)
			return ret;
	}
	slot = slot_of(pair, tid);
	if (!pair->slot[slot]) {
		*index = pair->count;
		if (type != EV_EXIT && type != EV_VCPU_EXIT &&
		    type != EV_EXCHVC)
			return 0;
		memset(&pair->thread[pair->count], 0, sizeof(*pair->thread));
		memset(&pair->pairing[pair->count], 0, sizeof(*pair->pairing));
		pair->thread[pair->count].tid = tid;
		pair->thread[pair->count].vcpu = -1;
		pair->slot[slot] = ++pair->count;
	}
	pair->recent = *index = pair->slot[slot] - 1;
	return 0;
}

void pair_cut(struct pair *pair, struct pair_thread *thread, struct pairing *p)
{
	close_exit(pair, thread, p, 0);
}

int pair_event(struct pair *pair, const struct event *ev)
{
	size_t i;
	int ret;

	if (ev->type == EV_LOST) {
		take_lost(pair);
		return 0;
	}
	ret = pair_find(pair, ev->tid, ev->type, &i);
	if (ret)
		return ret;
	/* or else no vCPU's thread, or before its first exit */
	if (i != pair->count)
		pair_take(pair, &pair->thread[i], &pair->pairing[i], ev->type,
			  ev);
	return 0;
}

void pair_finish(struct pair *pair)
{
	for (size_t i = 0; i < pair->count; i++)
		close_exit(pair, &pair->thread[i], &pair->pairing[i], 0);
}
