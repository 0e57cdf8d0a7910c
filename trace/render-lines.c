// SPDX-License-Identifier: GPL-2.0-only
/* The report for other tools that take a line a row: CSV, folded stacks. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "render.h"

#define LOST_NAME "LOST events"

/* As in RFC 4180, but for the ends of lines: quoted where it has to be. */
static void csv_text(FILE *out, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/*
 * What is missing is a row like any other: whoever adds up what is here would
 * take it for complete.
 */
static bool has_lost(const struct report *r)
{
	return r->a->info.lost || r->a->info.lost_unknown;
}

int render_csv(FILE *out, const struct report *r)
{
	const struct query *query = &r->query;
	struct rollup rollup;
	int ret = rollup_make(&rollup, &r->view, query);

	if (ret)
		return ret;
	for (size_t d = 0; d < query->nr_by; d++)
		fprintf(out, "%s,", dim_word(query->by[d]));
	fputs("count,to_user,condition_failed,timed,total_ns,kernel_ns,user_ns,mean_ns,p50_ns,p99_ns,max_ns\n",
	      out);
	for (size_t i = 0; i < report_shown(r, rollup.count); i++) {
		const struct profile_sum *sum = &rollup.row[i].sum;

		for (size_t d = 0; d < query->nr_by; d++) {
			const char *name = rollup.row[i].name[d];

			if (strcmp(name, "-") != 0)
				csv_text(out, name);
			fputc(',', out);
		}
		fprintf(out,
			"%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
			",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
			sum->count, sum->user, sum->cond_failed, sum->timed,
			sum->ns, sum->ns - sum->user_ns, sum->user_ns);
		if (sum->timed)
			fprintf(out,
				",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
				sum->ns / sum->timed,
				profile_sum_quantile(sum, 500),
				profile_sum_quantile(sum, 990), sum->max_ns);
		else
			fputs(",,,,", out);
		fputs("\n", out);
	}
	if (has_lost(r)) {
		fputs(LOST_NAME, out);
		for (size_t d = 0; d < query->nr_by; d++)
			fputc(',', out);
		fprintf(out, "%" PRIu64 ",,,,,,,,,,\n", r->a->info.lost);
	}
	rollup_free(&rollup);
	return 0;
}

/* A frame: ';' separates frames, and the last space the number. */
static void folded_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text == ';' ? ':' : *text, out);
}

int render_folded(FILE *out, const struct report *r)
{
	const struct query *query = &r->query;
	struct rollup rollup;
	int ret = rollup_make(&rollup, &r->view, query);

	if (ret)
		return ret;
	for (size_t i = 0; i < report_shown(r, rollup.count); i++) {
		const struct rollup_row *row = &rollup.row[i];
		uint64_t value = sum_measure(&row->sum, query->sort);

		if (query->sort != SORT_COUNT)
			value = (value + 500) / 1000;
		if (!value)
			continue;
		for (size_t d = 0; d < query->nr_by; d++) {
			if (d)
				fputc(';', out);
			if (dim_is_number(query->by[d]))
				fprintf(out, "%s ", dim_word(query->by[d]));
			folded_text(out, row->name[d]);
		}
		fprintf(out, " %" PRIu64 "\n", value);
	}
	if (has_lost(r) && query->sort == SORT_COUNT)
		fprintf(out, LOST_NAME " %" PRIu64 "\n",
			r->a->info.lost ? r->a->info.lost : 1);
	rollup_free(&rollup);
	return 0;
}
