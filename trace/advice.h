/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What would remove exits: rules that look at causes, and say what to do about
 * them with the numbers of this trace.
 */
#ifndef TL_TRACE_ADVICE_H
#define TL_TRACE_ADVICE_H

#include "rollup.h"

struct advice {
	const char *rule; /* its name, for programs */
	struct profile_sum sum;
	char *cause, *where; /* the commonest of them, and its function or PC */
	uint64_t most;       /* how many these were */
	const char *text;    /* what to do */
};

struct advice_list {
	struct advice *item; /* the largest first */
	size_t count;
	uint64_t whole; /* exits that were looked at */
};

/*
 * The rules that have at least a hundredth of the exits, or of the time outside
 * of idling, among those that @query lets through.  -ENOMEM.
 */
int advice_make(struct advice_list *list, const struct view *view,
		const struct query *query);
void advice_free(struct advice_list *list);

/* "N exits (x%, y ms), most often CAUSE at WHERE (n)" */
void advice_evidence(const struct advice *advice, uint64_t whole, char *buf,
		     size_t size);

#endif
