// SPDX-License-Identifier: GPL-2.0-only
/* The report as JSON, for programs: docs/profile-json.md describes it. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "render.h"

#define FORMAT_NAME    "trapline-profile"
#define FORMAT_VERSION 1

/*
 * Out of memory shows as a NULL somewhere inside: json_object_set_new() and
 * json_array_append_new() take it for an error, which is remembered here.
 */
struct builder {
	bool failed;
};

static void set(struct builder *b, json_t *object, const char *key,
		json_t *value)
{
	if (json_object_set_new(object, key, value))
		b->failed = true;
}

static void append(struct builder *b, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		b->failed = true;
}

static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

struct json_t *render_json_text(const char *string)
{
	json_t *value = json_string(string);
	char *copy, *to;

	if (value)
		return value;
	copy = malloc(2 * strlen(string) + 1);
	if (!copy)
		return NULL;
	to = copy;
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if (c >= 0x80) {
			*to++ = (char)(0xc0 | c >> 6);
			c = 0x80 | (c & 0x3f);
		}
		*to++ = (char)c;
	}
	*to = '\0';
	value = json_string(copy);
	free(copy);
	return value;
}

static void set_text(struct builder *b, json_t *object, const char *key,
		     const char *value)
{
	set(b, object, key, value[0] ? render_json_text(value) : json_null());
}

static void set_sum(struct builder *b, json_t *object,
		    const struct profile_sum *sum, uint64_t whole)
{
	set(b, object, "count", number(sum->count));
	set(b, object, "share",
	    json_real(whole ? (double)sum->count / (double)whole : 0));
	set(b, object, "to_user", number(sum->user));
	set(b, object, "condition_failed", number(sum->cond_failed));
	set(b, object, "timed", number(sum->timed));
	set(b, object, "total_ns", number(sum->ns));
	set(b, object, "kernel_ns", number(sum->ns - sum->user_ns));
	set(b, object, "user_ns", number(sum->user_ns));
	if (!sum->timed)
		return;
	set(b, object, "mean_ns", number(sum->ns / sum->timed));
	set(b, object, "p50_ns", number(profile_sum_quantile(sum, 500)));
	set(b, object, "p99_ns", number(profile_sum_quantile(sum, 990)));
	set(b, object, "max_ns", number(sum->max_ns));
}

static json_t *make_vm(struct builder *b, const struct vmmap *map)
{
	json_t *vm;

	if (!map->from_file)
		return json_null();
	vm = json_object();
	set_text(b, vm, "name", map->name);
	set_text(b, vm, "vmm", map->vmm);
	set_text(b, vm, "machine", map->machine);
	set_text(b, vm, "kernel", map->kernel);
	set_text(b, vm, "ended", map->ended);
	set(b, vm, "guest_width", json_integer(map->guest_width));
	set(b, vm, "gic_version", json_integer(map->gic_version));
	return vm;
}

static json_t *make_recording(struct builder *b, const struct analysis *a)
{
	const struct reader_info *info = &a->info;
	json_t *r = json_object();

	set(b, r, "duration_ns", number(info->last_ts - info->first_ts));
	set(b, r, "start_ns", number(a->start));
	set(b, r, "events", number(info->events));
	set(b, r, "lost", number(info->lost));
	set(b, r, "lost_unknown", json_boolean(info->lost_unknown));
	set(b, r, "cpus", json_integer(info->cpus));
	set(b, r, "host_width", json_integer(info->host32 ? 32 : 64));
	set(b, r, "patched", json_boolean(info->kvm[EV_VCPU_EXIT] > 0));
	return r;
}

static json_t *make_selection(struct builder *b, const struct report *r)
{
	const struct profile *profile = &r->a->profile;
	json_t *s = json_object(), *only = json_array();

	for (size_t i = 0; i < r->query.nr_filters; i++) {
		const struct filter *f = &r->query.filter[i];
		json_t *one = json_object();

		set(b, one, "dimension", json_string(dim_word(f->dim)));
		set(b, one, "pattern", render_json_text(f->pattern));
		append(b, only, one);
	}
	set(b, s, "from_ns",
	    profile->from ? number(profile->from - r->a->start) : json_null());
	set(b, s, "to_ns",
	    profile->to != UINT64_MAX ? number(profile->to - r->a->start)
				      : json_null());
	set(b, s, "only", only);
	return s;
}

static const char *verdict_name(enum totals_verdict verdict)
{
	static const char *const name[] = {
		[TOTALS_UNCHECKED] = "unchecked",
		[TOTALS_MATCH] = "match",
		[TOTALS_MISMATCH] = "mismatch",
	};

	return name[verdict];
}

static json_t *make_count(const struct vmmap_count *count)
{
	return count->known && !count->span ? number(count->value)
					    : json_null();
}

/* [low, high], high null where there is no upper bound. */
static void set_span(struct builder *b, json_t *object, const char *key,
		     const struct vmmap_count *count)
{
	json_t *pair;

	if (!count->known || !count->span)
		return;
	pair = json_array();
	append(b, pair, number(count->value));
	append(b, pair,
	       count->high == UINT64_MAX ? json_null() : number(count->high));
	set(b, object, key, pair);
}

static void set_totals(struct builder *b, json_t *object,
		       const struct totals_vcpu *v)
{
	set(b, object, "exits", number(v->exits));
	set(b, object, "traps", number(v->traps));
	set(b, object, "lost_exits", number(v->lost_exits));
	set(b, object, "lost_traps", number(v->lost_traps));
	set(b, object, "before", number(v->before));
	set(b, object, "without_reentry", number(v->unpaired));
	set(b, object, "kernel_exits", make_count(&v->kernel_exits));
	set(b, object, "kernel_trap_exits", make_count(&v->kernel_traps));
	set(b, object, "kernel_hyp_exits", make_count(&v->kernel_hyp));
	set_span(b, object, "counted_exits", &v->kernel_exits);
	set_span(b, object, "counted_trap_exits", &v->kernel_traps);
	set(b, object, "verdict", json_string(verdict_name(v->verdict)));
}

static json_t *make_totals(struct builder *b, const struct totals *totals)
{
	json_t *t = json_object(), *list = json_array();

	set_totals(b, t, &totals->all);
	set(b, t, "complete", json_boolean(totals->complete));
	set(b, t, "foreign_exits", number(totals->foreign_exits));
	for (size_t i = 0; i < totals->count; i++) {
		const struct totals_vcpu *v = &totals->vcpu[i];
		json_t *one = json_object();

		set(b, one, "vcpu",
		    v->vcpu < 0 ? json_null() : json_integer(v->vcpu));
		set(b, one, "thread", json_integer(v->tid));
		set_totals(b, one, v);
		append(b, list, one);
	}
	set(b, t, "vcpus", list);
	return t;
}

static json_t *make_key(struct builder *b, const struct query *query,
			const struct rollup_row *row)
{
	json_t *key = json_object();

	for (size_t d = 0; d < query->nr_by; d++) {
		const char *name = row->name[d];
		json_t *value;

		if (!strcmp(name, "-"))
			value = json_null();
		else if (dim_is_number(query->by[d]))
			value = json_integer(strtoll(name, NULL, 10));
		else
			value = render_json_text(name);
		set(b, key, dim_word(query->by[d]), value);
	}
	return key;
}

static int set_rows(struct builder *b, json_t *root, const struct report *r,
		    const struct rollup *rollup)
{
	json_t *by = json_array(), *list = json_array(), *object;
	size_t shown = report_shown(r, rollup->count);
	struct profile_sum rest;

	for (size_t d = 0; d < r->query.nr_by; d++)
		append(b, by, json_string(dim_word(r->query.by[d])));
	set(b, root, "by", by);
	object = json_object();
	set_sum(b, object, &rollup->all, rollup->all.count);
	set(b, root, "all", object);
	set(b, root, "unknown", number(rollup->unknown));
	for (size_t i = 0; i < shown; i++) {
		object = json_object();
		set(b, object, "key", make_key(b, &r->query, &rollup->row[i]));
		set_sum(b, object, &rollup->row[i].sum, rollup->all.count);
		append(b, list, object);
	}
	set(b, root, "rows", list);
	if (shown == rollup->count) {
		set(b, root, "rest", json_null());
		return 0;
	}
	if (report_rest(rollup, shown, &rest))
		return -ENOMEM;
	object = json_object();
	set(b, object, "rows", number(rollup->count - shown));
	set_sum(b, object, &rest, rollup->all.count);
	set(b, root, "rest", object);
	profile_sum_free(&rest);
	return 0;
}

static int set_advice(struct builder *b, json_t *root, const struct report *r)
{
	json_t *list = json_array();
	struct advice_list advice;
	int ret = advice_make(&advice, &r->view, &r->query);

	for (size_t i = 0; !ret && i < advice.count; i++) {
		const struct advice *a = &advice.item[i];
		json_t *one = json_object();

		set(b, one, "rule", json_string(a->rule));
		set(b, one, "text", json_string(a->text));
		set(b, one, "most_cause", render_json_text(a->cause));
		set(b, one, "most_at", render_json_text(a->where));
		set(b, one, "most_count", number(a->most));
		set_sum(b, one, &a->sum, advice.whole);
		append(b, list, one);
	}
	set(b, root, "advice", list);
	if (!ret)
		advice_free(&advice);
	return ret;
}

int render_json_object(const struct report *r, struct json_t **result)
{
	struct builder b = { false };
	struct rollup rollup;
	json_t *root;
	int ret = rollup_make(&rollup, &r->view, &r->query);

	if (ret)
		return ret;
	root = json_object();
	set(&b, root, "format", json_string(FORMAT_NAME));
	set(&b, root, "version", json_integer(FORMAT_VERSION));
	set(&b, root, "trace", render_json_text(r->a->path));
	set(&b, root, "vm", make_vm(&b, &r->a->map));
	set(&b, root, "recording", make_recording(&b, r->a));
	set(&b, root, "selection", make_selection(&b, r));
	set(&b, root, "totals", make_totals(&b, &r->a->totals));
	ret = set_rows(&b, root, r, &rollup);
	rollup_free(&rollup);
	if (!ret)
		ret = set_advice(&b, root, r);
	if (ret || b.failed) {
		json_decref(root);
		return -ENOMEM;
	}
	*result = root;
	return 0;
}

int render_json(FILE *out, const struct report *r)
{
	json_t *root;
	int ret = render_json_object(r, &root);

	if (ret)
		return ret;
	/* a write error is in @out */
	json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	fputc('\n', out);
	json_decref(root);
	return 0;
}
