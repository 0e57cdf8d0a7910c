// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

static void make_label(struct diff_side *side)
{
	const struct analysis *a = &side->trace[0];
	const char *slash = strrchr(a->path, '/');

	snprintf(side->label, sizeof(side->label), "%s",
		 a->map.name[0] ? a->map.name
		 : slash        ? slash + 1
				: a->path);
}

int diff_add(struct diff *diff, const char *paths,
	     const struct analysis_setup *setup, struct error *err)
{
	struct diff_side *side = &diff->side[diff->count];
	char *copy, *rest, *path;
	int ret = 0;

	if (diff->count == SIDES_MAX)
		return error_set(err, TL_USAGE, EINVAL,
				 "more than %d traces side by side", SIDES_MAX);
	copy = strdup(paths);
	side->trace = calloc(TRACES_MAX, sizeof(*side->trace));
	diff->count++;
	if (!copy || !side->trace) {
		free(copy);
		return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	}
	rest = copy;
	while (!ret && (path = strsep(&rest, ","))) {
		if (side->count == TRACES_MAX)
			ret = error_set(err, TL_USAGE, EINVAL,
					"%.60s...: more than %d traces", paths,
					TRACES_MAX);
		else
			ret = analysis_load(&side->trace[side->count], path,
					    setup, err);
		if (!ret)
			side->count++;
	}
	free(copy);
	if (!ret)
		make_label(side);
	return ret;
}

void diff_free(struct diff *diff)
{
	for (size_t s = 0; s < diff->count; s++) {
		for (size_t i = 0; i < diff->side[s].count; i++)
			analysis_free(&diff->side[s].trace[i]);
		free(diff->side[s].trace);
	}
	memset(diff, 0, sizeof(*diff));
}

enum diff_noise diff_noise(const struct diff *diff)
{
	if (!diff->judge)
		return NOISE_NONE;
	return diff->side[0].count > 1 || diff->side[1].count > 1
		       ? NOISE_MEASURED
		       : NOISE_POISSON;
}

/* Student's t, 99 %, two-sided, by degrees of freedom. */
static double quantile(size_t freedom)
{
	static const double t[] = { 0,     63.66, 9.925, 5.841, 4.604, 4.032,
				    3.707, 3.499, 3.355, 3.250, 3.169, 3.106,
				    3.055, 3.012, 2.977, 2.947 };

	if (freedom < sizeof(t) / sizeof(t[0]))
		return t[freedom];
	return freedom < 30 ? 2.947 : freedom < 60 ? 2.750 : 2.660;
}

static double mean_of(const double *value, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += value[i];
	return count ? sum / (double)count : 0;
}

/* The sum of the squares of what each is off by. */
static double scatter(const double *value, size_t count)
{
	double mean = mean_of(value, count), sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (value[i] - mean) * (value[i] - mean);
	return sum;
}

double diff_noise_of(const double *a, size_t nr_a, const double *b, size_t nr_b)
{
	size_t freedom = nr_a + nr_b - 2;
	double share = 1.0 / (double)nr_a + 1.0 / (double)nr_b;
	double poisson = mean_of(a, nr_a) / (double)nr_a +
			 mean_of(b, nr_b) / (double)nr_b;
	double least = 2.576 * sqrt(poisson), measured;

	if (!freedom)
		return least;
	measured =
		quantile(freedom) * sqrt((scatter(a, nr_a) + scatter(b, nr_b)) /
					 (double)freedom * share);
	return measured < least && nr_a < 3 && nr_b < 3 ? least : measured;
}

/* A row of one trace, on its way into the table. */
struct part {
	struct rollup_row *row;
	size_t side, trace;
};

struct parts {
	struct part *part;
	size_t count;
	size_t nr_by;
};

static int compare_names(const char *const *a, const char *const *b,
			 size_t nr_by)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < nr_by; i++)
		ret = strcmp(a[i], b[i]);
	return ret;
}

static int compare_part(const void *a, const void *b, void *opaque)
{
	const struct part *x = a, *y = b;
	const struct parts *parts = opaque;

	return compare_names((const char *const *)x->row->name,
			     (const char *const *)y->row->name, parts->nr_by);
}

/* The largest change; of several guests, the largest count. */
static double weight(const struct diff_row *row)
{
	double low = row->count[0], high = row->count[0];

	for (size_t s = 1; s < SIDES_MAX; s++) {
		low = row->count[s] < low ? row->count[s] : low;
		high = row->count[s] > high ? row->count[s] : high;
	}
	return high - low;
}

struct order {
	bool judge;
	size_t nr_by;
};

static double measure(const struct diff_row *row, bool judge)
{
	double sum = 0;

	if (judge)
		return fabs(row->count[1] - row->count[0]);
	for (size_t s = 0; s < SIDES_MAX; s++)
		sum += row->count[s];
	return sum;
}

static int compare_row(const void *a, const void *b, void *opaque)
{
	const struct diff_row *x = a, *y = b;
	const struct order *order = opaque;
	double m = measure(x, order->judge), n = measure(y, order->judge);

	if (x->beyond != y->beyond)
		return x->beyond ? -1 : 1;
	if (m < n || m > n)
		return m > n ? -1 : 1;
	m = weight(x);
	n = weight(y);
	if (m < n || m > n)
		return m > n ? -1 : 1;
	return compare_names((const char *const *)x->name,
			     (const char *const *)y->name, order->nr_by);
}

/* Make one row of @parts from @first to before @end, which have its names. */
static void fold(struct diff_row *row, const struct diff *diff,
		 struct parts *parts, size_t first, size_t end)
{
	double count[2][TRACES_MAX] = { { 0 } };

	memset(row, 0, sizeof(*row));
	/* the names move over: the rollup no longer needs them */
	row->key = parts->part[first].row->key;
	memcpy(row->name, parts->part[first].row->name, sizeof(row->name));
	row->most = parts->part[first].row->most;
	parts->part[first].row->key = NULL;
	for (size_t i = first; i < end; i++) {
		const struct part *p = &parts->part[i];
		double n = (double)diff->side[p->side].count;

		row->count[p->side] += (double)p->row->sum.count / n;
		row->ns[p->side] += (double)p->row->sum.ns / n;
		if (p->side < 2)
			count[p->side][p->trace] = (double)p->row->sum.count;
	}
	if (!diff->judge)
		return;
	row->noise = diff_noise_of(count[0], diff->side[0].count, count[1],
				   diff->side[1].count);
	row->beyond = fabs(row->count[1] - row->count[0]) > row->noise;
}

static int collect(struct parts *parts, const struct rollup *rollup,
		   size_t side, size_t trace)
{
	struct part *more;

	if (!rollup->count)
		return 0;
	more = realloc(parts->part,
		       (parts->count + rollup->count) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	parts->part = more;
	for (size_t i = 0; i < rollup->count; i++)
		parts->part[parts->count++] =
			(struct part){ &rollup->row[i], side, trace };
	return 0;
}

static int fold_all(struct diff_table *table, const struct diff *diff,
		    struct parts *parts)
{
	struct order order = { diff->judge, parts->nr_by };

	if (!parts->count)
		return 0;
	table->row = calloc(parts->count, sizeof(*table->row));
	if (!table->row)
		return -ENOMEM;
	qsort_r(parts->part, parts->count, sizeof(*parts->part), compare_part,
		parts);
	for (size_t i = 0, end; i < parts->count; i = end) {
		end = i + 1;
		while (end < parts->count &&
		       !compare_part(&parts->part[i], &parts->part[end], parts))
			end++;
		fold(&table->row[table->count], diff, parts, i, end);
		table->beyond += table->row[table->count++].beyond;
	}
	qsort_r(table->row, table->count, sizeof(*table->row), compare_row,
		&order);
	return 0;
}

int diff_table_make(struct diff_table *table, const struct diff *diff,
		    const struct query *query)
{
	struct rollup rollup[SIDES_MAX][TRACES_MAX];
	struct parts parts = { .nr_by = query->nr_by };
	int ret = 0;

	memset(table, 0, sizeof(*table));
	memset(rollup, 0, sizeof(rollup));
	for (size_t s = 0; s < diff->count; s++) {
		const struct diff_side *side = &diff->side[s];

		for (size_t i = 0; !ret && i < side->count; i++) {
			const struct view view = {
				&side->trace[i].profile,
				side->trace[i].symbols,
			};
			struct rollup *r = &rollup[s][i];

			ret = rollup_make(r, &view, query);
			if (!ret)
				ret = collect(&parts, r, s, i);
			table->all[s] +=
				(double)r->all.count / (double)side->count;
			table->all_ns[s] +=
				(double)r->all.ns / (double)side->count;
		}
	}
	if (!ret)
		ret = fold_all(table, diff, &parts);
	for (size_t s = 0; s < SIDES_MAX; s++) {
		for (size_t i = 0; i < TRACES_MAX; i++)
			rollup_free(&rollup[s][i]);
	}
	free(parts.part);
	return ret;
}

void diff_table_free(struct diff_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->row[i].key);
	free(table->row);
	memset(table, 0, sizeof(*table));
}
