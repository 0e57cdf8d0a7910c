// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis.h"

static int no_memory(struct error *err)
{
	return error_set(err, TL_FAIL, ENOMEM, "out of memory");
}

struct sink {
	struct analysis *a;
	const struct analysis_setup *setup;
	struct pair *pair;
	bool started;
};

static void start(struct sink *sink, const struct event *event)
{
	struct profile *profile = &sink->a->profile;
	uint64_t from = sink->setup->from, to = sink->setup->to;

	sink->started = true;
	sink->a->start = event->ts;
	if (from)
		profile->from = from < UINT64_MAX - event->ts ? event->ts + from
							      : UINT64_MAX;
	if (to && to < UINT64_MAX - event->ts)
		profile->to = event->ts + to;
}

static int to_pair(const struct event *event, void *opaque)
{
	struct sink *sink = opaque;

	if (!sink->started)
		start(sink, event);
	return pair_event(sink->pair, event);
}

/* Never the first events: these are handed over one by one. */
static int span_to_pair(struct record_span *span, void *opaque)
{
	struct sink *sink = opaque;

	return pair_span(sink->pair, span);
}

static int load_map(struct analysis *a, bool wanted, struct error *err)
{
	int ret = vmmap_read(&a->map, a->side_path, err);

	if (ret != -ENOENT)
		return ret;
	if (wanted)
		return error_set(err, TL_TRACE, ENOENT, "%s: %s", a->side_path,
				 strerror(ENOENT));
	return vmmap_default(&a->map, err);
}

static int make_totals(struct analysis *a, const struct pair *pair,
		       struct error *err)
{
	const struct pair_thread *thread;
	size_t count;
	int ret;

	thread = pair_threads(pair, &count);
	if (!count && a->info.damage[0])
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: truncated or damaged trace.dat: %s; no exit of it can be read, record again",
			a->path, a->info.damage);
	if (!count && a->info.kvm[EV_ENTRY])
		return error_set(
			err, TL_TRACE, ENODATA,
			"%s: no exit in it: no guest was left while it was recorded; record kvm:kvm_exit too",
			a->path);
	if (!count)
		return error_set(
			err, TL_TRACE, ENODATA,
			"%s: no KVM events in it; record with: trapline run --trace FILE, or trace-cmd record -e kvm",
			a->path);
	ret = totals_make(&a->totals, thread, count, &a->map, &a->info);
	if (ret == -ENOENT)
		return error_set(
			err, TL_TRACE, ENOENT,
			"%s: describes another VM: none of its vCPU threads is in %s; remove it to do without",
			a->side_path, a->path);
	return ret ? no_memory(err) : 0;
}

static int read_trace(struct analysis *a, const struct analysis_setup *setup,
		      struct error *err)
{
	struct reader *reader = reader_open(a->path, err);
	struct sink sink = { .a = a, .setup = setup };
	struct pair *pair;
	int ret;

	if (!reader)
		return -EINVAL;
	profile_init(&a->profile, &a->map);
	if (a->symbols)
		a->profile.virt_base = symbols_virt_base(a->symbols);
	pair = pair_new(profile_exit, &a->profile);
	if (!pair) {
		ret = no_memory(err);
		goto out;
	}
	sink.pair = pair;
	ret = reader_run(reader,
			 &(struct reader_sink){ to_pair, span_to_pair, &sink },
			 err);
	if (ret)
		goto out;
	pair_finish(pair);
	a->info = *reader_info(reader);
	if (a->profile.oom || profile_sort(&a->profile)) {
		ret = no_memory(err);
		goto out;
	}
	if (a->symbols)
		symbols_place(a->symbols, &a->profile, &setup->hint);
	ret = make_totals(a, pair, err);
out:
	pair_free(pair);
	reader_close(reader);
	return ret;
}

/* What `trapline record --symbols` leaves beside a trace. */
static char *symbols_beside(const char *path)
{
	char *file;

	if (asprintf(&file, "%s" ANALYSIS_SYMBOLS_SUFFIX, path) < 0)
		return NULL;
	if (access(file, F_OK)) {
		free(file);
		return NULL;
	}
	return file;
}

static int load_symbols(struct analysis *a, const struct analysis_setup *setup,
			struct error *err)
{
	char *beside = NULL;

	if (!setup->symbols)
		beside = symbols_beside(a->path);
	if (!setup->symbols && !beside)
		return 0;
	a->symbols = symbols_open(beside ? beside : setup->symbols, err);
	free(beside);
	return a->symbols ? 0 : -EINVAL;
}

int analysis_load(struct analysis *a, const char *path,
		  const struct analysis_setup *setup, struct error *err)
{
	static const struct analysis_setup none;
	int ret;

	if (!setup)
		setup = &none;
	memset(a, 0, sizeof(*a));
	a->path = strdup(path);
	if (setup->side)
		a->side_path = strdup(setup->side);
	else if (asprintf(&a->side_path, "%s.vm.json", path) < 0)
		a->side_path = NULL;
	if (!a->path || !a->side_path)
		ret = no_memory(err);
	else
		ret = load_map(a, setup->side, err);
	if (!ret)
		ret = load_symbols(a, setup, err);
	if (!ret)
		ret = read_trace(a, setup, err);
	if (ret)
		analysis_free(a);
	return ret;
}

struct replay {
	struct pair *pair;
	struct profile *profile;
	void (*fn)(const struct trap_exit *exit, const struct profile_row *key,
		   void *opaque);
	void *opaque;
};

static int replay_event(const struct event *event, void *opaque)
{
	struct replay *replay = opaque;

	return pair_event(replay->pair, event);
}

static int replay_span(struct record_span *span, void *opaque)
{
	struct replay *replay = opaque;

	return pair_span(replay->pair, span);
}

static void replay_exit(const struct trap_exit *exit, void *opaque)
{
	struct replay *replay = opaque;
	struct profile_row key;

	if (profile_key(replay->profile, exit, &key))
		replay->fn(exit, &key, replay->opaque);
}

int analysis_replay(struct analysis *a,
		    void (*fn)(const struct trap_exit *exit,
			       const struct profile_row *key, void *opaque),
		    void *opaque, struct error *err)
{
	struct replay replay = { NULL, &a->profile, fn, opaque };
	struct reader_sink sink = { replay_event, replay_span, &replay };
	struct reader *reader = reader_open(a->path, err);
	int ret;

	if (!reader)
		return -EINVAL;
	profile_rewind(&a->profile);
	replay.pair = pair_new(replay_exit, &replay);
	ret = replay.pair ? reader_run(reader, &sink, err) : no_memory(err);
	if (!ret)
		pair_finish(replay.pair);
	if (!ret && a->profile.oom)
		ret = no_memory(err);
	pair_free(replay.pair);
	reader_close(reader);
	return ret;
}

void analysis_free(struct analysis *a)
{
	totals_free(&a->totals);
	profile_free(&a->profile);
	symbols_free(a->symbols);
	vmmap_free(&a->map);
	free(a->side_path);
	free(a->path);
	memset(a, 0, sizeof(*a));
}
