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
	/* of the value counted last: its power of two + 1, and which chunk */
	uint8_t power, index;
};

/* Values below HIST_SUB are exact: chunk 0, a bucket each. */
static inline unsigned int hist_chunk_of(uint64_t value)
{
	if (value < HIST_SUB)
		return 0;
	return 64 - (unsigned int)__builtin_clzll(value) - HIST_SUB_BITS;
}

static inline unsigned int hist_bucket_of(uint64_t value, unsigned int chunk)
{
	return (unsigned int)(value >> (chunk ? chunk - 1 : 0)) &
	       (HIST_SUB - 1);
}

/* No memory is needed to count @value: it is of the size of the last one. */
static inline bool hist_is_ready(const struct hist *hist, uint64_t value)
{
	return hist->power == hist_chunk_of(value) + 1;
}

int hist_add_other(struct hist *hist, uint64_t value);

/* Count @value. -ENOMEM, with the histogram as it was. */
static inline int hist_add(struct hist *hist, uint64_t value)
{
	uint32_t *count;

	if (!hist_is_ready(hist, value))
		return hist_add_other(hist, value);
	count = &hist->chunk[hist->index]
			 .count[hist_bucket_of(value, hist->power - 1u)];
	*count += *count != UINT32_MAX;
	return 0;
}

/* Add @from to @hist. -ENOMEM, with the histogram as it was. */
int hist_merge(struct hist *hist, const struct hist *from);

/*
 * The value that @permille thousandths of those counted do not exceed: the
 * middle of its bucket; 0 of an empty histogram.
 */
uint64_t hist_quantile(const struct hist *hist, unsigned int permille);

void hist_free(struct hist *hist);

#endif
