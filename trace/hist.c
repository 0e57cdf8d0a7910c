// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"

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

	hist->power = 0;
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

int hist_add_other(struct hist *hist, uint64_t value)
{
	unsigned int number = hist_chunk_of(value);
	struct hist_chunk *chunk = get(hist, number);

	if (!chunk)
		return -ENOMEM;
	hist->power = (uint8_t)(number + 1);
	hist->index = (uint8_t)(chunk - hist->chunk);
	raise_count(&chunk->count[hist_bucket_of(value, number)], 1);
	return 0;
}

int hist_merge(struct hist *hist, const struct hist *from)
{
	const struct hist_chunk *source = from->chunk;

	/* first all the memory, so that a failure leaves the sums alone */
	for (uint64_t mask = from->mask; mask; mask &= mask - 1) {
		if (!get(hist, (unsigned int)__builtin_ctzll(mask)))
			return -ENOMEM;
	}
	for (uint64_t mask = from->mask; mask; mask &= mask - 1) {
		struct hist_chunk *chunk =
			get(hist, (unsigned int)__builtin_ctzll(mask));

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
	memset(hist, 0, sizeof(*hist));
}
