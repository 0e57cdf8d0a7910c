// SPDX-License-Identifier: GPL-2.0-only
/* The report for other tools that take a line a row: CSV, folded stacks. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "render.h"

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
static void put_lost_row(FILE *out, const struct report *r)
{
	const struct reader_info *info = &r->a->info;

	if (!reader_lost(info))
		return;
	fputs(info->lost_unknown ? "LOST events (and more)" : "LOST events",
	      out);
	for (size_t d = 0; d < r->query.nr_by; d++)
		fputc(',', out);
	/* no number rather than one that is none */
	if (info->lost)
		fprintf(out, "%" PRIu64, info->lost);
	fputs(",,,,,,,,,,\n", out);
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
	put_lost_row(out, r);
	rollup_free(&rollup);
	return 0;
}

/* A frame: ';' separates frames, and the last space the number. */
static void folded_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text == ';' ? ':' : *text, out);
}

/*
 * A stack needs a number, or it is not drawn: where there is none that is one,
 * of events lost by the kernel uncounted or of the time that exits among them
 * took, it is 1 and the name says so.  No semicolon: that would be two frames.
 */
static void put_lost_stack(FILE *out, const struct report *r)
{
	const struct reader_info *info = &r->a->info;
	char lost[64];

	if (!reader_lost(info))
		return;
	reader_lost_text(info, lost, sizeof(lost));
	if (r->query.sort != SORT_COUNT)
		fprintf(out, "LOST events (%s, time unknown) 1\n", lost);
	else if (info->lost_unknown)
		fprintf(out, "LOST events (%s) %" PRIu64 "\n", lost,
			info->lost ? info->lost : 1);
	else
		fprintf(out, "LOST events %" PRIu64 "\n", info->lost);
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
	put_lost_stack(out, r);
	rollup_free(&rollup);
	return 0;
}
