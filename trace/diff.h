/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Profiles side by side: two runs, of which it is asked what changed beyond
 * the noise between runs, or several guests.
 */
#ifndef TL_TRACE_DIFF_H
#define TL_TRACE_DIFF_H

#include "analysis.h"
#include "render.h"

#define SIDES_MAX  8
#define TRACES_MAX 64 /* of one side */

/* One side: a run, or several runs of the same to know their noise. */
struct diff_side {
	char label[64];
	struct analysis *trace;
	size_t count;
};

struct diff {
	struct diff_side side[SIDES_MAX];
	size_t count;
	bool judge; /* two sides: say what is beyond the noise */
};

/* How the noise of a row is known; none of several guests. */
enum diff_noise { NOISE_NONE, NOISE_POISSON, NOISE_MEASURED };
enum diff_noise diff_noise(const struct diff *diff);

struct diff_row {
	char *key;
	const char *name[BY_MAX];
	struct profile_row most; /* a part of it, for its class */
	double count[SIDES_MAX]; /* exits, the mean of the side's traces */
	double ns[SIDES_MAX];    /* time to re-entry, likewise */
	double noise; /* a change of @count by less says nothing (99 %) */
	bool beyond;
};

struct diff_table {
	struct diff_row *row; /* the largest changes first, beyond noise first */
	size_t count, beyond;
	double all[SIDES_MAX], all_ns[SIDES_MAX]; /* of all exits */
};

/*
 * Read @paths, separated by commas, as one more side.  -errno and one line in @err; diff_free() is still due.
 */
int diff_add(struct diff *diff, const char *paths,
	     const struct analysis_setup *setup, struct error *err);
void diff_free(struct diff *diff);

/* By the dimensions of @query. -ENOMEM, and nothing to free. */
int diff_table_make(struct diff_table *table, const struct diff *diff,
		    const struct query *query);
void diff_table_free(struct diff_table *table);

/*
 * What may be noise at 99 %, given the counts of each trace of two sides: from
 * their pooled variance, taken as at least a Poisson process's as long as no
 * side has three traces.
 */
double diff_noise_of(const double *a, size_t nr_a, const double *b,
		     size_t nr_b);

/* Both by class and by cause, or by @query's dimensions. 0, or -ENOMEM. */
int render_diff_text(FILE *out, const struct diff *diff,
		     const struct query *query, unsigned int top);
int render_diff_json(FILE *out, const struct diff *diff,
		     const struct query *query, unsigned int top);

#endif
