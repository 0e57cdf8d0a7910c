// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollup.h"

#define KEY_MAX (BY_MAX * DIM_NAME)

void query_init(struct query *query)
{
	memset(query, 0, sizeof(*query));
	query->vcpu = query->group = -1;
}

int query_by(struct query *query, const char *list, struct error *err)
{
	const char *word = list;

	query->nr_by = 0;
	for (;;) {
		size_t length = strcspn(word, ",");
		enum dim dim;

		if (dim_parse(word, length, &dim))
			return error_set(
				err, TL_USAGE, EINVAL,
				"--by %s: '%.*s' is no dimension; see --help",
				list, (int)length, word);
		if (query->nr_by == BY_MAX)
			return error_set(err, TL_USAGE, EINVAL,
					 "--by %s: more than %d dimensions",
					 list, BY_MAX);
		query->by[query->nr_by++] = dim;
		if (!word[length])
			return 0;
		word += length + 1;
	}
}

int query_filter(struct query *query, enum dim dim, char *patterns,
		 struct error *err)
{
	char *rest = patterns;

	while (rest) {
		const char *pattern = dim == DIM_CAUSE ? rest
						       : strsep(&rest, ",");

		if (dim == DIM_CAUSE)
			rest = NULL;
		if (!pattern[0])
			return error_set(err, TL_USAGE, EINVAL,
					 "--%s: empty; name what to show",
					 dim_word(dim));
		if (query->nr_filters == FILTER_MAX)
			return error_set(
				err, TL_USAGE, EINVAL,
				"--%s %s: more than %d filters; use patterns (*)",
				dim_word(dim), pattern, FILTER_MAX);
		query->filter[query->nr_filters++] =
			(struct filter){ dim, pattern };
	}
	return 0;
}

static const char *const sort_word[] = {
	[SORT_COUNT] = "count",
	[SORT_TOTAL] = "total",
	[SORT_USER] = "user",
	[SORT_MAX] = "max",
};

int query_sort(struct query *query, const char *word, struct error *err)
{
	for (size_t i = 0; i < sizeof(sort_word) / sizeof(sort_word[0]); i++) {
		if (!strcmp(word, sort_word[i])) {
			query->sort = (enum sort_key)i;
			return 0;
		}
	}
	return error_set(err, TL_USAGE, EINVAL,
			 "--sort %s: want count, total, user or max", word);
}

uint64_t sum_measure(const struct profile_sum *sum, enum sort_key key)
{
	switch (key) {
	case SORT_TOTAL:
		return sum->ns;
	case SORT_USER:
		return sum->user_ns;
	case SORT_MAX:
		return sum->max_ns;
	default:
		return sum->count;
	}
}

bool query_passes(const struct query *query, const struct view *view,
		  const struct profile_row *row)
{
	bool wanted[DIMS] = { false }, matched[DIMS] = { false };
	char name[DIM_NAME];

	if (query->vcpu >= 0 && row->vcpu != query->vcpu)
		return false;
	if (query->group >= 0 &&
	    view->profile->cause[row->cause].group != query->group)
		return false;
	for (size_t i = 0; i < query->nr_filters; i++) {
		const struct filter *f = &query->filter[i];

		if (matched[f->dim])
			continue;
		wanted[f->dim] = true;
		dim_name(view, f->dim, row, name, sizeof(name));
		matched[f->dim] = !fnmatch(f->pattern, name, FNM_CASEFOLD);
	}
	for (int d = 0; d < DIMS; d++) {
		if (wanted[d] && !matched[d])
			return false;
	}
	return true;
}

/* The names of @row, each with its NUL, in @key. Returns their length. */
static size_t make_key(const struct view *view, const struct query *query,
		       const struct profile_row *row, char key[KEY_MAX])
{
	size_t length = 0;

	for (size_t i = 0; i < query->nr_by; i++) {
		dim_name(view, query->by[i], row, key + length, DIM_NAME);
		length += strlen(key + length) + 1;
	}
	return length;
}

/* Rows found by key while they are made; @slot has index + 1. */
struct builder {
	struct rollup *rollup;
	size_t space;
	uint32_t *slot; /* 2 * @space */
};

static uint64_t hash_key(const char *key, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		h = (h ^ (uint8_t)key[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

static size_t key_length(const struct rollup_row *row, size_t nr_by)
{
	const char *last = nr_by ? row->name[nr_by - 1] : row->key;

	return nr_by ? (size_t)(last - row->key) + strlen(last) + 1 : 0;
}

static int grow(struct builder *b, size_t nr_by)
{
	size_t space = b->space ? 2 * b->space : 64;
	struct rollup_row *row;
	uint32_t *slot;

	row = realloc(b->rollup->row, space * sizeof(*row));
	if (!row)
		return -ENOMEM;
	b->rollup->row = row;
	slot = calloc(2 * space, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < b->rollup->count; i++) {
		size_t at = (size_t)hash_key(row[i].key,
					     key_length(&row[i], nr_by)) &
			    (2 * space - 1);

		while (slot[at])
			at = (at + 1) & (2 * space - 1);
		slot[at] = (uint32_t)i + 1;
	}
	free(b->slot);
	b->slot = slot;
	b->space = space;
	return 0;
}

static struct rollup_row *row_of(struct builder *b, const char *key,
				 size_t length, size_t nr_by)
{
	struct rollup *r = b->rollup;
	struct rollup_row *row;
	char *name;
	size_t at;

	if (r->count == b->space && grow(b, nr_by))
		return NULL;
	at = (size_t)hash_key(key, length) & (2 * b->space - 1);
	while (b->slot[at]) {
		row = &r->row[b->slot[at] - 1];
		if (key_length(row, nr_by) == length &&
		    !memcmp(row->key, key, length))
			return row;
		at = (at + 1) & (2 * b->space - 1);
	}
	row = &r->row[r->count];
	memset(row, 0, sizeof(*row));
	row->key = malloc(length + 1);
	if (!row->key)
		return NULL;
	memcpy(row->key, key, length);
	name = row->key;
	for (size_t i = 0; i < nr_by; i++) {
		row->name[i] = name;
		name += strlen(name) + 1;
	}
	b->slot[at] = (uint32_t)++r->count;
	return row;
}

static int add(struct builder *b, const struct view *view,
	       const struct query *query, const struct profile_row *from)
{
	char key[KEY_MAX];
	size_t length = make_key(view, query, from, key);
	struct rollup_row *row = row_of(b, key, length, query->nr_by);
	struct rollup *r = b->rollup;

	if (!row)
		return -ENOMEM;
	if (row->sum.count && row->most.cause != from->cause)
		row->mixed = true;
	if (from->sum.count > row->most.sum.count) {
		row->most = *from;
		/* not ours to free */
		memset(&row->most.sum.hist, 0, sizeof(row->most.sum.hist));
	}
	r->traps += from->class < EC_COUNT ? from->sum.count : 0;
	if (cause_unknown(&view->profile->cause[from->cause]))
		r->unknown += from->sum.count;
	return profile_sum_merge(&row->sum, &from->sum);
}

struct order {
	enum sort_key sort;
	size_t nr_by;
};

static int compare(const void *a, const void *b, void *opaque)
{
	const struct rollup_row *x = a, *y = b;
	const struct order *order = opaque;
	uint64_t m = sum_measure(&x->sum, order->sort);
	uint64_t n = sum_measure(&y->sum, order->sort);
	int ret = 0;

	if (m != n)
		return m > n ? -1 : 1;
	if (x->sum.count != y->sum.count)
		return x->sum.count > y->sum.count ? -1 : 1;
	for (size_t i = 0; !ret && i < order->nr_by; i++)
		ret = strverscmp(x->name[i], y->name[i]);
	return ret;
}

int rollup_make(struct rollup *rollup, const struct view *view,
		const struct query *query)
{
	const struct profile *profile = view->profile;
	struct builder b = { .rollup = rollup };
	struct order order = { query->sort, query->nr_by };
	int ret = 0;

	memset(rollup, 0, sizeof(*rollup));
	for (size_t i = 0; !ret && i < profile->row_space; i++) {
		const struct profile_row *row = &profile->row[i];

		if (row->sum.count && query_passes(query, view, row))
			ret = add(&b, view, query, row);
	}
	for (size_t i = 0; !ret && i < rollup->count; i++)
		ret = profile_sum_merge(&rollup->all, &rollup->row[i].sum);
	free(b.slot);
	if (ret) {
		rollup_free(rollup);
		return ret;
	}
	if (rollup->count)
		qsort_r(rollup->row, rollup->count, sizeof(*rollup->row),
			compare, &order);
	return 0;
}

void rollup_free(struct rollup *rollup)
{
	for (size_t i = 0; i < rollup->count; i++) {
		free(rollup->row[i].key);
		profile_sum_free(&rollup->row[i].sum);
	}
	free(rollup->row);
	profile_sum_free(&rollup->all);
	memset(rollup, 0, sizeof(*rollup));
}
