// SPDX-License-Identifier: GPL-2.0-only
/* Profiles side by side, as text and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define FORMAT_NAME    "trapline-diff"
#define FORMAT_VERSION 1
#define COLUMN         20 /* of a guest, of several */

static double seconds(const struct analysis *a)
{
	return (double)(a->info.last_ts - a->info.first_ts) / 1e9;
}

static const char *side_name(const struct diff *diff, size_t side)
{
	static const char *const letter[] = { "A", "B" };

	return diff->judge ? letter[side] : diff->side[side].label;
}

static void print_head(FILE *out, const struct diff *diff)
{
	fputs(diff->judge ? "Trap profiles, A against B\n"
			  : "Trap profiles side by side\n",
	      out);
	for (size_t s = 0; s < diff->count; s++) {
		for (size_t i = 0; i < diff->side[s].count; i++) {
			const struct analysis *a = &diff->side[s].trace[i];
			const struct totals *t = &a->totals;
			char lost[64] = "";

			if (reader_lost(&a->info))
				reader_lost_text(&a->info, lost, sizeof(lost));
			fprintf(out,
				"  %-9s %s: %s%" PRIu64 " exits, %" PRIu64
				" traps in %.3f s%s%s%s\n",
				side_name(diff, s), a->path,
				t->complete ? "" : "at least ", t->all.exits,
				t->all.traps, seconds(a),
				lost[0] ? ", LOST " : "", lost,
				t->all.verdict == TOTALS_MISMATCH
					? ", MISMATCH with the kernel's counters"
					: "");
		}
	}
	if (diff_noise(diff) == NOISE_POISSON)
		fputs("  noise     estimated: one trace a side, so a count n is taken as good to the root of n;\n"
		      "            for a measured one give several runs of each: A1,A2,A3 B1,B2,B3\n",
		      out);
	else if (diff_noise(diff) == NOISE_MEASURED)
		fprintf(out,
			"  noise     measured, from %zu traces of A and %zu of B\n",
			diff->side[0].count, diff->side[1].count);
}

/* The mean of several is no whole number. */
static void print_count(FILE *out, const struct diff *diff, size_t side,
			int width, double count)
{
	fprintf(out, " %*.*f", width, diff->side[side].count > 1 ? 1 : 0,
		count);
}

static void print_columns(FILE *out, const struct diff *diff)
{
	if (diff->judge) {
		fprintf(out, " %10s %10s %10s %8s %10s %10s %10s %s", "A", "B",
			"change", "percent", "A ms", "B ms", "noise +-",
			"beyond");
		return;
	}
	for (size_t s = 0; s < diff->count; s++)
		fprintf(out, "  %*.*s", COLUMN, COLUMN, side_name(diff, s));
}

static void print_judged(FILE *out, const struct diff *diff,
			 const double *count, const double *ns, double noise,
			 bool beyond)
{
	double change = count[1] - count[0];

	print_count(out, diff, 0, 10, count[0]);
	print_count(out, diff, 1, 10, count[1]);
	fprintf(out, " %+10.*f",
		diff->side[0].count > 1 || diff->side[1].count > 1 ? 1 : 0,
		change);
	if (count[0] > 0)
		fprintf(out, " %+7.1f%%", 100 * change / count[0]);
	else
		fprintf(out, " %8s", "new");
	fprintf(out, " %10.3f %10.3f", ns[0] / 1e6, ns[1] / 1e6);
	if (noise >= 0)
		fprintf(out, " %10.1f %s", noise, beyond ? "yes" : "-");
}

static void print_values(FILE *out, const struct diff *diff,
			 const struct diff_table *table, const double *count,
			 const double *ns, double noise, bool beyond)
{
	if (diff->judge) {
		print_judged(out, diff, count, ns, noise, beyond);
	} else {
		for (size_t s = 0; s < diff->count; s++) {
			fputs("  ", out);
			print_count(out, diff, s, COLUMN - 8, count[s]);
			fprintf(out, " %5.1f%%",
				table->all[s] > 0
					? 100 * count[s] / table->all[s]
					: 0);
		}
	}
	fputc('\n', out);
}

static void row_name(const struct query *query, const struct diff_row *row,
		     char *buf, size_t size)
{
	size_t length = 0;

	if (query->nr_by == 1 && query->by[0] == DIM_CLASS) {
		snprintf(buf, size, "%-9s %s", row->name[0],
			 class_text(row->most.class));
		return;
	}
	buf[0] = '\0';
	for (size_t d = 0; d < query->nr_by && length < size; d++) {
		int n = snprintf(buf + length, size - length, "%s%s",
				 d ? "  " : "", row->name[d]);

		length += n > 0 ? (size_t)n : 0;
	}
}

static int print_table(FILE *out, const struct diff *diff,
		       const struct query *query, const char *title,
		       unsigned int top)
{
	struct report report = { .top = top };
	struct diff_table table;
	char name[BY_MAX * DIM_NAME];
	size_t shown;
	int width = 44;
	int ret = diff_table_make(&table, diff, query);

	if (ret)
		return ret;
	shown = report_shown(&report, table.count);
	for (size_t i = 0; i < shown; i++) {
		row_name(query, &table.row[i], name, sizeof(name));
		if ((int)strlen(name) > width)
			width = (int)strlen(name);
	}
	fprintf(out, "\n%-*s", width + 2, title);
	print_columns(out, diff);
	fputc('\n', out);
	for (size_t i = 0; i < shown; i++) {
		const struct diff_row *row = &table.row[i];

		row_name(query, row, name, sizeof(name));
		fprintf(out, "  %-*s", width, name);
		print_values(out, diff, &table, row->count, row->ns, row->noise,
			     row->beyond);
	}
	if (shown < table.count)
		fprintf(out, "  (%zu more; --top N shows N, --top 0 all)\n",
			table.count - shown);
	fprintf(out, "  %-*s", width, "all exits");
	print_values(out, diff, &table, table.all, table.all_ns, -1, false);
	if (diff->judge)
		fprintf(out, "  %zu of %zu rows are beyond noise\n",
			table.beyond, table.count);
	diff_table_free(&table);
	return 0;
}

int render_diff_text(FILE *out, const struct diff *diff,
		     const struct query *query, unsigned int top)
{
	struct query by = *query;
	int ret;

	print_head(out, diff);
	if (query->nr_by)
		return print_table(out, diff, query, "Exits", top);
	by.nr_by = 1;
	by.by[0] = DIM_CLASS;
	ret = print_table(out, diff, &by, "Exits by exception class", 0);
	by.by[0] = DIM_CAUSE;
	if (!ret)
		ret = print_table(out, diff, &by, "Exits by cause", top);
	return ret;
}

static json_t *make_key(const struct query *query, const struct diff_row *row)
{
	json_t *key = json_object();

	for (size_t d = 0; d < query->nr_by; d++)
		json_object_set_new(key, dim_word(query->by[d]),
				    strcmp(row->name[d], "-")
					    ? render_json_text(row->name[d])
					    : json_null());
	return key;
}

static json_t *make_row(const struct diff *diff, const struct query *query,
			const struct diff_row *row)
{
	json_t *object = json_object();
	json_t *count = json_array(), *ns = json_array();

	for (size_t s = 0; s < diff->count; s++) {
		json_array_append_new(count, json_real(row->count[s]));
		json_array_append_new(ns, json_real(row->ns[s]));
	}
	json_object_set_new(object, "key", make_key(query, row));
	json_object_set_new(object, "count", count);
	json_object_set_new(object, "total_ns", ns);
	if (diff->judge) {
		json_object_set_new(object, "noise", json_real(row->noise));
		json_object_set_new(object, "beyond_noise",
				    json_boolean(row->beyond));
	}
	return object;
}

static json_t *make_sides(const struct diff *diff)
{
	json_t *sides = json_array();

	for (size_t s = 0; s < diff->count; s++) {
		json_t *side = json_object(), *traces = json_array();

		for (size_t i = 0; i < diff->side[s].count; i++) {
			const struct analysis *a = &diff->side[s].trace[i];

			json_array_append_new(
				traces,
				json_pack("{s:o, s:I, s:I, s:f, s:b}", "trace",
					  render_json_text(a->path), "exits",
					  (json_int_t)a->totals.all.exits,
					  "traps",
					  (json_int_t)a->totals.all.traps,
					  "seconds", seconds(a), "complete",
					  a->totals.complete));
		}
		json_object_set_new(side, "label",
				    render_json_text(side_name(diff, s)));
		json_object_set_new(side, "traces", traces);
		json_array_append_new(sides, side);
	}
	return sides;
}

static int add_table(json_t *tables, const struct diff *diff,
		     const struct query *query, unsigned int top)
{
	struct report report = { .top = top };
	struct diff_table table;
	json_t *rows, *by;
	int ret = diff_table_make(&table, diff, query);

	if (ret)
		return ret;
	rows = json_array();
	by = json_array();
	for (size_t d = 0; d < query->nr_by; d++)
		json_array_append_new(by, json_string(dim_word(query->by[d])));
	for (size_t i = 0; i < report_shown(&report, table.count); i++)
		json_array_append_new(rows,
				      make_row(diff, query, &table.row[i]));
	ret = json_array_append_new(tables, json_pack("{s:o, s:o}", "by", by,
						      "rows", rows))
		      ? -ENOMEM
		      : 0;
	diff_table_free(&table);
	return ret;
}

int render_diff_json(FILE *out, const struct diff *diff,
		     const struct query *query, unsigned int top)
{
	static const char *const noise[] = {
		[NOISE_NONE] = "none",
		[NOISE_POISSON] = "poisson",
		[NOISE_MEASURED] = "measured",
	};
	json_t *tables = json_array(), *root;
	struct query by = *query;
	int ret;

	if (query->nr_by) {
		ret = add_table(tables, diff, query, top);
	} else {
		by.nr_by = 1;
		by.by[0] = DIM_CLASS;
		ret = add_table(tables, diff, &by, top);
		by.by[0] = DIM_CAUSE;
		if (!ret)
			ret = add_table(tables, diff, &by, top);
	}
	root = json_pack("{s:s, s:i, s:s, s:o, s:o}", "format", FORMAT_NAME,
			 "version", FORMAT_VERSION, "noise",
			 noise[diff_noise(diff)], "sides", make_sides(diff),
			 "tables", tables);
	if (!root)
		return -ENOMEM;
	if (!ret)
		json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
	fputc('\n', out);
	json_decref(root);
	return ret;
}
