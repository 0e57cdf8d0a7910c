/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A histogram of durations in log-linear buckets (as HdrHistogram has them):
 * each power of two is cut into HIST_SUB equal parts, so that a quantile is
 * wrong by at most half a bucket, 1.6 % of its value.  Memory is that of the
 * powers of two that occur, however many values there are.
 */
#ifndef TL_TRACE_HIST_H
#define TL_TRACE_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define HIST_SUB_BITS 5
#define HIST_SUB      (1u << HIST_SUB_BITS)

struct hist_chunk {
	uint32_t count[HIST_SUB]; /* stays at its maximum, never wraps */
};

/* All zeroes: empty. */
struct hist {
	uint64_t mask;            /* powers of two that have a chunk */
	struct hist_chunk *chunk; /* of each bit of @mask, from the lowest */
};

/* Count @value. -ENOMEM, with the histogram as it was. */
int hist_add(struct hist *hist, uint64_t value);

/* Add @from to @hist. -ENOMEM, with the histogram as it was. */
int hist_merge(struct hist *hist, const struct hist *from);

/*
 * The value that @permille thousandths of those counted do not exceed: the
 * middle of its bucket; 0 of an empty histogram.
 */
uint64_t hist_quantile(const struct hist *hist, unsigned int permille);

void hist_free(struct hist *hist);

#endif
