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

/* What is asked by no option at all. */
void report_init(struct report *report, const struct analysis *analysis);

/*
 * Write the report to @out.  0, or -ENOMEM.  Write errors stay in @out for
 * ferror().
 */
int render_text(FILE *out, const struct report *report);

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
