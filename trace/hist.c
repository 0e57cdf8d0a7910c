// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"

/* Values below HIST_SUB are exact: chunk 0, a bucket each. */
static unsigned int chunk_of(uint64_t value)
{
	unsigned int top;

	if (value < HIST_SUB)
		return 0;
	top = 63 - (unsigned int)__builtin_clzll(value);
	return top - HIST_SUB_BITS + 1;
}

static unsigned int bucket_of(uint64_t value, unsigned int chunk)
{
	if (!chunk)
		return (unsigned int)value;
	return (unsigned int)(value >> (chunk - 1)) & (HIST_SUB - 1);
}

static uint64_t middle_of(unsigned int chunk, unsigned int bucket)
{
	uint64_t width;

	if (!chunk)
		return bucket;
	width = 1ull << (chunk - 1);
	return (HIST_SUB + bucket) * width + width / 2;
}

/* Index of @chunk among those that are there, or where it would go. */
static unsigned int index_of(const struct hist *hist, unsigned int chunk)
{
	uint64_t below = hist->mask & ((1ull << chunk) - 1);

	return (unsigned int)__builtin_popcountll(below);
}

static struct hist_chunk *get(struct hist *hist, unsigned int chunk)
{
	unsigned int count = (unsigned int)__builtin_popcountll(hist->mask);
	unsigned int i = index_of(hist, chunk);
	struct hist_chunk *more;

	if (hist->mask >> chunk & 1)
		return &hist->chunk[i];
	more = realloc(hist->chunk, (count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	hist->chunk = more;
	memmove(&more[i + 1], &more[i], (count - i) * sizeof(*more));
	memset(&more[i], 0, sizeof(*more));
	hist->mask |= 1ull << chunk;
	return &more[i];
}

static void raise_count(uint32_t *count, uint32_t by)
{
	*count = *count > UINT32_MAX - by ? UINT32_MAX : *count + by;
}

int hist_add(struct hist *hist, uint64_t value)
{
	unsigned int number = chunk_of(value);
	struct hist_chunk *chunk = get(hist, number);

	if (!chunk)
		return -ENOMEM;
	raise_count(&chunk->count[bucket_of(value, number)], 1);
	return 0;
}

int hist_merge(struct hist *hist, const struct hist *from)
{
	const struct hist_chunk *source = from->chunk;

	/* first all the memory, so that a failure leaves the sums alone */
	for (unsigned int c = 0; c < 64; c++) {
		if (from->mask >> c & 1 && !get(hist, c))
			return -ENOMEM;
	}
	for (unsigned int c = 0; c < 64; c++) {
		struct hist_chunk *chunk;

		if (!(from->mask >> c & 1))
			continue;
		chunk = get(hist, c);
		for (unsigned int b = 0; b < HIST_SUB; b++)
			raise_count(&chunk->count[b], source->count[b]);
		source++;
	}
	return 0;
}

uint64_t hist_quantile(const struct hist *hist, unsigned int permille)
{
	const struct hist_chunk *chunk = hist->chunk;
	uint64_t whole = 0, seen = 0, rank, last = 0;
	unsigned int chunks = (unsigned int)__builtin_popcountll(hist->mask);

	for (unsigned int i = 0; i < chunks; i++) {
		for (unsigned int b = 0; b < HIST_SUB; b++)
			whole += chunk[i].count[b];
	}
	/* the nearest rank, from 1 */
	rank = whole / 1000 * permille + (whole % 1000 * permille + 999) / 1000;
	if (!rank)
		rank = 1;
	for (unsigned int c = 0; c < 64; c++) {
		if (!(hist->mask >> c & 1))
			continue;
		for (unsigned int b = 0; b < HIST_SUB; b++) {
			if (!chunk->count[b])
				continue;
			last = middle_of(c, b);
			seen += chunk->count[b];
			if (seen >= rank)
				return last;
		}
		chunk++;
	}
	return last;
}

void hist_free(struct hist *hist)
{
	free(hist->chunk);
	hist->chunk = NULL;
	hist->mask = 0;
}
