/* SPDX-License-Identifier: GPL-2.0-only */
/* The report, in the forms that it comes in. */
#ifndef TL_TRACE_RENDER_H
#define TL_TRACE_RENDER_H

#include <stdio.h>

#include "analysis.h"
#include "rollup.h"

struct report {
	const struct analysis *a;
	struct view view;
	struct query query; /* without dimensions: the fixed tables */
	unsigned int top;   /* rows of each table, 0 for all */
};

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_FOLDED,
	FORMAT_PERFETTO,
	FORMAT_HTML,
	FORMATS
};

/* What is asked by no option at all. */
void report_init(struct report *report, const struct analysis *analysis);

/*
 * Write the report to @out.  0, or -ENOMEM.  Write errors stay in @out for
 * ferror().
 */
int render_text(FILE *out, const struct report *report);

/* The same as JSON: a document, and as an object to go into another one. */
int render_json(FILE *out, const struct report *report);
struct json_t;
int render_json_object(const struct report *report, struct json_t **result);

/* A string of it; what a file brought may be no UTF-8, then as Latin-1. */
struct json_t *render_json_text(const char *string);

/* A line a row, for spreadsheets and for flame graphs. */
int render_csv(FILE *out, const struct report *report);
int render_folded(FILE *out, const struct report *report);

/*
 * A timeline for Perfetto.  It reads the trace again: -errno, with one line in
 * @err.  @a is the report's.
 */
int render_perfetto(FILE *out, const struct report *report, struct analysis *a,
		    struct error *err);

/* The one of these that @format says. -errno, perhaps with a line in @err. */
int render(FILE *out, enum format format, const struct report *report,
	   struct analysis *a, struct error *err);

/* A page with charts; as render_perfetto(), and -ENOTSUP built without d3. */
int render_html(FILE *out, const struct report *report, struct analysis *a,
		struct error *err);

/* --- parts of it ---------------------------------------------------------- */

/* How many of a table's @count rows --top lets through; "1 more" saves none. */
size_t report_shown(const struct report *report, size_t count);

/* The rows of @rollup from @first on in one @sum. -ENOMEM. */
int report_rest(const struct rollup *rollup, size_t first,
		struct profile_sum *sum);

/* The trace, the VM, what was lost, what could be explained. -ENOMEM. */
int render_head(FILE *out, const struct report *report);

/* Exits and traps, against the kernel's counters. */
void render_totals(FILE *out, const struct report *report);

/* Titles of the sum's columns, and the sum; the caller ends the line. */
void render_sum_head(FILE *out);
void render_sum(FILE *out, const struct profile_sum *sum, uint64_t whole);

#endif
