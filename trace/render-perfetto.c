// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace as a timeline, in the JSON trace event format that Perfetto and
 * chrome://tracing open: one track a vCPU, on it a slice for each exit, and in
 * that another one for the time in user space.  The trace is read once more, so
 * that memory does not grow with it.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "render.h"

struct timeline {
	FILE *out;
	const struct report *r;
	bool failed; /* out of memory */
	bool first;
};

static void put(struct timeline *t, json_t *event)
{
	if (!event) {
		t->failed = true;
		return;
	}
	if (!t->first)
		fputs(",\n", t->out);
	t->first = false;
	json_dumpf(event, t->out, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(event);
}

static void put_track(struct timeline *t, size_t index)
{
	const struct profile_vcpu *v = &t->r->a->profile.vcpu[index];
	char name[64];

	if (v->vcpu < 0)
		snprintf(name, sizeof(name), "thread %d", v->tid);
	else
		snprintf(name, sizeof(name), "vCPU %d (thread %d)", v->vcpu,
			 v->tid);
	put(t, json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "ph", "M", "name",
			 "thread_name", "pid", 1, "tid", (int)index + 1, "args",
			 "name", name));
	put(t, json_pack("{s:s, s:s, s:i, s:i, s:{s:i}}", "ph", "M", "name",
			 "thread_sort_index", "pid", 1, "tid", (int)index + 1,
			 "args", "sort_index", (int)index));
}

/* Beside the process's name, where it is always in view. */
static void put_lost(struct timeline *t)
{
	const struct reader_info *info = &t->r->a->info;
	char lost[56], label[64];

	if (!reader_lost(info))
		return;
	reader_lost_text(info, lost, sizeof(lost));
	snprintf(label, sizeof(label), "LOST %s", lost);
	put(t, json_pack("{s:s, s:s, s:i, s:{s:s}}", "ph", "M", "name",
			 "process_labels", "pid", 1, "args", "labels", label));
}

static double microseconds(uint64_t ns)
{
	return (double)ns / 1e3;
}

static json_t *make_args(struct timeline *t, const struct trap_exit *exit,
			 const struct profile_row *key)
{
	char pc[24], esr[24], ipa[24], symbol[DIM_NAME];
	json_t *args;

	snprintf(pc, sizeof(pc), "0x%" PRIx64, exit->pc);
	args = json_pack("{s:s}", "pc", pc);
	if (exit->have & HAVE_ESR) {
		snprintf(esr, sizeof(esr), "0x%" PRIx64, exit->esr);
		json_object_set_new(args, "esr", json_string(esr));
	}
	if (exit->have & HAVE_IPA) {
		snprintf(ipa, sizeof(ipa), "0x%" PRIx64, exit->ipa);
		json_object_set_new(args, "ipa", json_string(ipa));
	}
	if (t->r->view.symbols) {
		dim_name(&t->r->view, DIM_SYMBOL, key, symbol, sizeof(symbol));
		json_object_set_new(args, "symbol", render_json_text(symbol));
	}
	return args;
}

static void take(const struct trap_exit *exit, const struct profile_row *key,
		 void *opaque)
{
	struct timeline *t = opaque;
	const struct report *r = t->r;
	double at = microseconds(exit->ts - r->a->start);
	char name[DIM_NAME], reason[DIM_NAME];
	json_t *args;

	if (!query_passes(&r->query, &r->view, key))
		return;
	dim_name(&r->view, DIM_CAUSE, key, name, sizeof(name));
	args = make_args(t, exit, key);
	if (!(exit->have & HAVE_TIME)) {
		put(t,
		    json_pack("{s:s, s:s, s:o, s:s, s:i, s:i, s:f, s:o}", "ph",
			      "i", "s", "t", "name", render_json_text(name),
			      "cat", class_name(key->class), "pid", 1, "tid",
			      key->vcpu + 1, "ts", at, "args", args));
		return;
	}
	put(t,
	    json_pack("{s:s, s:o, s:s, s:i, s:i, s:f, s:f, s:o}", "ph", "X",
		      "name", render_json_text(name), "cat",
		      class_name(key->class), "pid", 1, "tid", key->vcpu + 1,
		      "ts", at, "dur", microseconds(exit->ns), "args", args));
	if (!(exit->have & HAVE_USER))
		return;
	dim_name(&r->view, DIM_USER, key, reason, sizeof(reason));
	snprintf(name, sizeof(name), "user space: %.64s", reason);
	put(t,
	    json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:f}", "ph", "X", "name",
		      name, "cat", "user", "pid", 1, "tid", key->vcpu + 1, "ts",
		      at + microseconds(exit->ns - exit->user_ns), "dur",
		      microseconds(exit->user_ns)));
}

int render_perfetto(FILE *out, const struct report *r, struct analysis *a,
		    struct error *err)
{
	struct timeline t = { .out = out, .r = r, .first = true };
	const char *name = a->map.name[0] ? a->map.name : "virtual machine";
	int ret;

	fputs("{\"displayTimeUnit\":\"ns\",\n", out);
	fputs("\"traceEvents\":[\n", out);
	put(&t, json_pack("{s:s, s:s, s:i, s:{s:o}}", "ph", "M", "name",
			  "process_name", "pid", 1, "args", "name",
			  render_json_text(name)));
	put_lost(&t);
	for (size_t i = 0; i < a->profile.count; i++)
		put_track(&t, i);
	ret = analysis_replay(a, take, &t, err);
	fputs("\n]}\n", out);
	if (!ret && t.failed)
		ret = error_set(err, TL_FAIL, ENOMEM, "out of memory");
	return ret;
}
