/* SPDX-License-Identifier: GPL-2.0-only */
/* A profile's rows added up by the dimensions that a report asks for. */
#ifndef TL_TRACE_ROLLUP_H
#define TL_TRACE_ROLLUP_H

#include "dims.h"
#include "lib/error.h"

#define BY_MAX     8
#define FILTER_MAX 64

enum sort_key { SORT_COUNT, SORT_TOTAL, SORT_USER, SORT_MAX };

/* An exit passes if each dimension that has patterns matches one of them. */
struct filter {
	enum dim dim;
	const char *pattern; /* fnmatch(3), any case */
};

struct query {
	enum dim by[BY_MAX];
	size_t nr_by;
	struct filter filter[FILTER_MAX];
	size_t nr_filters;
	enum sort_key sort;
	/* for the fixed tables: of one vCPU or group of causes, -1 for all */
	int vcpu, group;
};

/* No dimension, no filter. */
void query_init(struct query *query);

/* Take the list of --by, "vcpu,class".  -EINVAL and one line in @err. */
int query_by(struct query *query, const char *list, struct error *err);

/*
 * Let only what matches @patterns by @dim pass.  They are separated by commas,
 * except where names have commas themselves (causes).  -EINVAL.
 */
int query_filter(struct query *query, enum dim dim, char *patterns,
		 struct error *err);

int query_sort(struct query *query, const char *word, struct error *err);

/* True if the filters of @query let @row through. */
bool query_passes(const struct query *query, const struct view *view,
		  const struct profile_row *row);

struct rollup_row {
	char *key;                /* its names, one behind the other */
	const char *name[BY_MAX]; /* by dimension, in the order of --by */
	struct profile_sum sum;
	struct profile_row most; /* the commonest of its parts; sum.count only */
	bool mixed;              /* its exits had more than one cause */
};

struct rollup {
	struct rollup_row *row; /* the largest first, ties by name */
	size_t count;
	struct profile_sum all;
	uint64_t traps;
	uint64_t unknown; /* exits whose cause the trace does not tell */
};

/* -ENOMEM, and nothing to free. */
int rollup_make(struct rollup *rollup, const struct view *view,
		const struct query *query);
void rollup_free(struct rollup *rollup);

/* What a sum is sorted by: exits or ns. */
uint64_t sum_measure(const struct profile_sum *sum, enum sort_key key);

#endif
