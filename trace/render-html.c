// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report as one HTML file that needs no other and no network: the numbers as
 * JSON, d3 to draw them, and trace/html/.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "html-assets.h"
#include "render.h"

#define BINS     600
#define ROWS_MAX 500 /* of a table with a row for each function or PC */

static const struct table {
	const char *title;
	enum dim by[4];
	size_t nr_by;
	unsigned int top;
	bool symbols; /* only with these; or only without */
	bool pcs;
} tables[] = {
	{ "Exits by exception class", { DIM_CLASS }, 1, 0, false, false },
	{ "Causes", { DIM_GROUP, DIM_CAUSE }, 2, 0, false, false },
	{ "Functions of the guest", { DIM_SYMBOL }, 1, ROWS_MAX, true, false },
	{ "Functions and causes",
	  { DIM_SYMBOL, DIM_CLASS, DIM_CAUSE },
	  3,
	  ROWS_MAX,
	  true,
	  false },
	{ "Program counters",
	  { DIM_PC, DIM_CLASS, DIM_CAUSE },
	  3,
	  ROWS_MAX,
	  false,
	  true },
	{ "vCPUs and classes", { DIM_VCPU, DIM_CLASS }, 2, 0, false, false },
};

/* Exits by class and time; @from and @width in ns, from the start. */
struct timeline {
	const struct report *r;
	uint64_t from, width;
	uint64_t *count[PROFILE_CLASSES]; /* BINS of them, NULL: none */
	bool failed;
};

static void take(const struct trap_exit *exit, const struct profile_row *key,
		 void *opaque)
{
	struct timeline *t = opaque;
	uint64_t at = exit->ts - t->r->a->start - t->from;
	uint64_t bin = at / t->width;

	if (!query_passes(&t->r->query, &t->r->view, key))
		return;
	if (!t->count[key->class])
		t->count[key->class] = calloc(BINS, sizeof(uint64_t));
	if (t->count[key->class])
		t->count[key->class][bin < BINS ? bin : BINS - 1]++;
	else
		t->failed = true;
}

static int timeline_make(struct timeline *t, const struct report *r,
			 struct analysis *a, struct error *err)
{
	const struct profile *profile = &a->profile;
	uint64_t end = a->info.last_ts - a->start;

	memset(t, 0, sizeof(*t));
	t->r = r;
	if (profile->from)
		t->from = profile->from - a->start;
	if (profile->to - a->start < end)
		end = profile->to - a->start;
	t->width = end > t->from ? (end - t->from) / BINS + 1 : 1;
	if (analysis_replay(a, take, t, err))
		return -EINVAL;
	return t->failed ? error_set(err, TL_FAIL, ENOMEM, "out of memory") : 0;
}

static void timeline_free(struct timeline *t)
{
	for (int c = 0; c < PROFILE_CLASSES; c++)
		free(t->count[c]);
}

static json_t *timeline_json(const struct timeline *t)
{
	json_t *classes = json_array(), *counts = json_array();

	for (unsigned int c = 0; c < PROFILE_CLASSES; c++) {
		json_t *list;

		if (!t->count[c])
			continue;
		list = json_array();
		for (int i = 0; i < BINS; i++)
			json_array_append_new(
				list, json_integer((json_int_t)t->count[c][i]));
		json_array_append_new(classes, json_string(class_name(c)));
		json_array_append_new(counts, list);
	}
	return json_pack("{s:i, s:I, s:I, s:o, s:o}", "bins", BINS, "from_ns",
			 (json_int_t)t->from, "bin_ns", (json_int_t)t->width,
			 "classes", classes, "count", counts);
}

/* "by" and "rows" of the report by other dimensions. */
static json_t *rows_json(const struct report *r, const enum dim *by,
			 size_t nr_by, unsigned int top)
{
	struct report part = *r;
	json_t *whole, *object;

	memcpy(part.query.by, by, nr_by * sizeof(*by));
	part.query.nr_by = nr_by;
	part.top = top;
	if (render_json_object(&part, &whole))
		return NULL;
	object = json_pack("{s:O, s:O}", "by", json_object_get(whole, "by"),
			   "rows", json_object_get(whole, "rows"));
	json_decref(whole);
	return object;
}

static json_t *tables_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct table *table = &tables[i];
		json_t *object;

		if (table->symbols && !r->view.symbols)
			continue;
		if (table->pcs && r->view.symbols)
			continue;
		object = rows_json(r, table->by, table->nr_by, table->top);
		if (!object ||
		    json_object_set_new(object, "title",
					json_string(table->title)) ||
		    json_array_append_new(list, object)) {
			json_decref(object);
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *make_data(const struct report *r, const struct timeline *t)
{
	static const enum dim with[] = { DIM_VCPU, DIM_SYMBOL, DIM_CLASS,
					 DIM_CAUSE };
	static const enum dim without[] = { DIM_VCPU, DIM_CLASS, DIM_CAUSE };
	struct report top = *r;
	json_t *profile = NULL;

	top.query.nr_by = 1;
	top.query.by[0] = DIM_CLASS;
	top.top = 0;
	if (render_json_object(&top, &profile))
		return NULL;
	return json_pack("{s:o, s:o, s:o, s:o}", "profile", profile, "timeline",
			 timeline_json(t), "flame",
			 r->view.symbols ? rows_json(r, with, 4, 0)
					 : rows_json(r, without, 3, 0),
			 "tables", tables_json(r));
}

/* '<' would end the script that the numbers are in. */
static int put_json(const char *text, size_t size, void *opaque)
{
	FILE *out = opaque;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '<')
			fputs("\\u003c", out);
		else
			fputc(text[i], out);
	}
	return 0;
}

static void put_page(FILE *out, const json_t *data)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	      "<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width\">\n"
	      "<title>Trap profile</title>\n<style>\n",
	      out);
	fputs(html_css, out);
	fputs("</style>\n</head>\n<body>\n<h1>Trap profile</h1>\n"
	      "<dl class=\"facts\" id=\"facts\"></dl>\n"
	      "<section id=\"advice-part\"><h2>Advice</h2>\n"
	      "<ul class=\"advice\" id=\"advice\"></ul></section>\n"
	      "<h2>Timeline</h2>\n<div class=\"bar\">"
	      "<button type=\"button\" id=\"timeline-reset\">whole</button>"
	      "<span id=\"legend\" class=\"bar\"></span></div>\n"
	      "<svg id=\"timeline\" role=\"img\" aria-label=\"exits over time, by class\"></svg>\n"
	      "<p class=\"note\" id=\"timeline-note\">wheel to zoom, drag to move</p>\n"
	      "<h2>Flame graph</h2>\n<div class=\"bar\">"
	      "<button type=\"button\" id=\"flame-count\">by count</button>"
	      "<button type=\"button\" id=\"flame-time\">by time</button>"
	      "<button type=\"button\" id=\"flame-reset\">whole</button></div>\n"
	      "<svg id=\"flame\" role=\"img\" aria-label=\"exits by vCPU, function, class and cause\"></svg>\n"
	      "<p class=\"note\" id=\"flame-note\"></p>\n"
	      "<div id=\"tables\"></div>\n"
	      "<script type=\"application/json\" id=\"data\">",
	      out);
	json_dump_callback(data, put_json, out,
			   JSON_COMPACT | JSON_REAL_PRECISION(6));
	fputs("</script>\n<script>\n", out);
	fputs(html_d3, out);
	fputs("</script>\n<script>\n", out);
	fputs(html_js, out);
	fputs("</script>\n</body>\n</html>\n", out);
}

int render_html(FILE *out, const struct report *r, struct analysis *a,
		struct error *err)
{
	struct timeline timeline;
	json_t *data;
	int ret;

	if (!html_complete)
		return error_set(
			err, TL_FAIL, ENOTSUP,
			"this trapline-report was built without d3.js: install libjs-d3 and build again, or take another --format");
	ret = timeline_make(&timeline, r, a, err);
	if (!ret) {
		data = make_data(r, &timeline);
		if (data)
			put_page(out, data);
		else
			ret = error_set(err, TL_FAIL, ENOMEM, "out of memory");
		json_decref(data);
	}
	timeline_free(&timeline);
	return ret;
}
