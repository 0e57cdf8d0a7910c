// SPDX-License-Identifier: GPL-2.0-only
/* The report as text: its tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "render.h"

/* Columns to the left of a fixed table's sums. */
#define NAME_WIDTH 46

void report_init(struct report *report, const struct analysis *analysis)
{
	memset(report, 0, sizeof(*report));
	query_init(&report->query);
	report->a = analysis;
	report->view.profile = &analysis->profile;
	report->view.symbols = analysis->symbols;
	report->top = 10;
}

size_t report_shown(const struct report *r, size_t count)
{
	return r->top && r->top + 1 < count ? r->top : count;
}

int report_rest(const struct rollup *rollup, size_t first,
		struct profile_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = first; i < rollup->count; i++) {
		if (profile_sum_merge(sum, &rollup->row[i].sum)) {
			profile_sum_free(sum);
			return -ENOMEM;
		}
	}
	return 0;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

void render_sum_head(FILE *out)
{
	fprintf(out, " %9s %6s %10s %10s %10s %9s %9s %9s %10s %8s", "count",
		"share", "total ms", "kernel ms", "user ms", "mean us",
		"p50 us", "p99 us", "max us", "to user");
}

void render_sum(FILE *out, const struct profile_sum *sum, uint64_t whole)
{
	fprintf(out, " %9" PRIu64 " %5.1f%%", sum->count,
		whole ? 100.0 * (double)sum->count / (double)whole : 0);
	if (sum->timed)
		fprintf(out, " %10.3f %10.3f %10.3f %9.2f %9.2f %9.2f %10.2f",
			ms(sum->ns), ms(sum->ns - sum->user_ns),
			ms(sum->user_ns), us(sum->ns) / (double)sum->timed,
			us(profile_sum_quantile(sum, 500)),
			us(profile_sum_quantile(sum, 990)), us(sum->max_ns));
	else
		fprintf(out, " %10s %10s %10s %9s %9s %9s %10s", "-", "-", "-",
			"-", "-", "-", "-");
	fprintf(out, " %8" PRIu64, sum->user);
}

static void print_row(FILE *out, const char *name,
		      const struct profile_sum *sum, uint64_t whole)
{
	fprintf(out, "  %-*s", NAME_WIDTH - 2, name);
	render_sum(out, sum, whole);
	fputc('\n', out);
}

/* One of the fixed tables, of the rows that @query lets through. */
static int print_table(FILE *out, const struct report *r,
		       const struct query *query, const char *title,
		       uint64_t whole)
{
	bool classes = query->by[0] == DIM_CLASS;
	struct profile_sum rest;
	struct rollup rollup;
	char name[DIM_NAME + 64];
	size_t shown;
	int ret = rollup_make(&rollup, &r->view, query);

	if (ret || !rollup.count)
		return ret;
	fprintf(out, "\n%-*s", NAME_WIDTH, title);
	render_sum_head(out);
	fputc('\n', out);
	shown = classes ? rollup.count : report_shown(r, rollup.count);
	for (size_t i = 0; i < shown; i++) {
		const struct rollup_row *row = &rollup.row[i];

		if (classes && row->most.class < EC_COUNT)
			snprintf(name, sizeof(name), "%-9s %s (0x%02x)",
				 row->name[0], class_text(row->most.class),
				 row->most.class);
		else if (classes)
			snprintf(name, sizeof(name), "%-9s %s", row->name[0],
				 class_text(row->most.class));
		else
			snprintf(name, sizeof(name), "%s", row->name[0]);
		print_row(out, name, &row->sum, whole);
	}
	if (shown < rollup.count) {
		ret = report_rest(&rollup, shown, &rest);
		if (!ret) {
			snprintf(name, sizeof(name), "(%zu more)",
				 rollup.count - shown);
			print_row(out, name, &rest, whole);
			profile_sum_free(&rest);
		}
	}
	if (classes)
		print_row(out, "all exits", &rollup.all, whole);
	rollup_free(&rollup);
	return ret;
}

static int print_causes(FILE *out, const struct report *r, struct query query,
			uint64_t whole)
{
	static const char *const title[CAUSE_GROUPS] = {
		[CAUSE_CALL] = "HVC and SMC calls",
		[CAUSE_MMIO] = "MMIO by device and register",
		[CAUSE_SYSREG] = "System register accesses",
		[CAUSE_MEMORY] = "Memory faults",
		[CAUSE_OTHER] = "Other causes",
	};
	int ret = 0;

	query.by[0] = DIM_CAUSE;
	query.nr_by = 1;
	for (int group = 0; !ret && group < CAUSE_GROUPS; group++) {
		query.group = group;
		ret = print_table(out, r, &query, title[group], whole);
	}
	return ret;
}

static void print_symbol(FILE *out, const struct report *r,
			 const struct profile_row *row)
{
	char name[DIM_NAME];
	uint64_t offset;

	if (!r->view.symbols)
		return;
	symbols_name(r->view.symbols, row->pc, row->early, name, sizeof(name),
		     &offset);
	if (name[0] == '[')
		fprintf(out, ", %s", name);
	else
		fprintf(out, ", %s+0x%" PRIx64, name, offset);
}

static int print_pcs(FILE *out, const struct report *r, struct query query,
		     uint64_t whole)
{
	struct rollup rollup;
	char name[DIM_NAME];
	size_t shown;
	int ret;

	query.by[0] = DIM_PC;
	query.by[1] = DIM_CLASS;
	query.nr_by = 2;
	ret = rollup_make(&rollup, &r->view, &query);
	if (ret || !rollup.count)
		return ret;
	fprintf(out, "\n%-18s %9s %7s %10s  %-11s %s%s\n", "Top PCs", "count",
		"share", "mean us", "class", "cause",
		r->view.symbols ? ", and where" : "");
	shown = report_shown(r, rollup.count);
	for (size_t i = 0; i < shown; i++) {
		const struct rollup_row *row = &rollup.row[i];

		fprintf(out, "  %-16s %9" PRIu64 " %6.1f%%", row->name[0],
			row->sum.count,
			100.0 * (double)row->sum.count / (double)whole);
		if (row->sum.timed)
			fprintf(out, " %10.2f",
				us(row->sum.ns) / (double)row->sum.timed);
		else
			fprintf(out, " %10s", "-");
		profile_cause_name(r->view.profile, row->most.cause, name,
				   sizeof(name));
		fprintf(out, "  %-11s %s%s", row->name[1], name,
			row->mixed ? " and others" : "");
		print_symbol(out, r, &row->most);
		fputc('\n', out);
	}
	if (rollup.count > shown)
		fprintf(out, "  (%zu more; --top N shows N, --top 0 all)\n",
			rollup.count - shown);
	rollup_free(&rollup);
	return 0;
}

/* The fixed tables of one vCPU, of the profile's index @vcpu; -1: of all. */
static int print_vcpu(FILE *out, const struct report *r, int vcpu)
{
	struct query query = r->query;
	struct rollup all;
	uint64_t whole, failed;
	int ret;

	query.vcpu = vcpu;
	query.nr_by = 0;
	ret = rollup_make(&all, &r->view, &query);
	if (ret)
		return ret;
	whole = all.all.count;
	failed = all.all.cond_failed;
	rollup_free(&all);
	if (!whole)
		return 0;
	if (vcpu < 0) {
		fputs("\n== all vCPUs ==\n", out);
	} else {
		const struct profile_vcpu *v = &r->a->profile.vcpu[vcpu];

		if (v->vcpu < 0)
			fprintf(out, "\n== thread %d ==\n", v->tid);
		else
			fprintf(out, "\n== vCPU %d (thread %d) ==\n", v->vcpu,
				v->tid);
	}
	query.by[0] = DIM_CLASS;
	query.nr_by = 1;
	ret = print_table(out, r, &query, "Exits by exception class", whole);
	if (!ret)
		ret = print_causes(out, r, query, whole);
	if (!ret && r->view.symbols) {
		query.by[0] = DIM_SYMBOL;
		query.nr_by = 1;
		ret = print_table(out, r, &query, "Functions of the guest",
				  whole);
	}
	if (!ret)
		ret = print_pcs(out, r, query, whole);
	if (failed)
		fprintf(out,
			"\n%" PRIu64
			" of the traps were instructions whose condition failed: KVM skipped them\n",
			failed);
	return ret;
}

static int print_advice(FILE *out, const struct report *r)
{
	struct advice_list list;
	char text[512];
	int ret = advice_make(&list, &r->view, &r->query);

	if (ret)
		return ret;
	if (list.count)
		fputs("\nAdvice\n", out);
	for (size_t i = 0; i < report_shown(r, list.count); i++) {
		advice_evidence(&list.item[i], list.whole, text, sizeof(text));
		fprintf(out, "  %s: %s\n", text, list.item[i].text);
	}
	advice_free(&list);
	return 0;
}

/* One table by the dimensions of --by, each in a column of its own. */
static int print_by(FILE *out, const struct report *r)
{
	const struct query *query = &r->query;
	int width[BY_MAX] = { 0 }, names = 0;
	struct profile_sum rest;
	struct rollup rollup;
	char more[32];
	size_t shown;
	int ret = rollup_make(&rollup, &r->view, query);

	if (ret)
		return ret;
	shown = report_shown(r, rollup.count);
	for (size_t d = 0; d < query->nr_by; d++) {
		width[d] = (int)strlen(dim_word(query->by[d]));
		for (size_t i = 0; i < shown; i++) {
			int length = (int)strlen(rollup.row[i].name[d]);

			if (width[d] < length)
				width[d] = length;
		}
		names += width[d] + 2;
	}
	fputc('\n', out);
	for (size_t d = 0; d < query->nr_by; d++)
		fprintf(out, "%-*s", width[d] + 2, dim_word(query->by[d]));
	render_sum_head(out);
	fputc('\n', out);
	for (size_t i = 0; i < shown; i++) {
		for (size_t d = 0; d < query->nr_by; d++)
			fprintf(out, "%-*s", width[d] + 2,
				rollup.row[i].name[d]);
		render_sum(out, &rollup.row[i].sum, rollup.all.count);
		fputc('\n', out);
	}
	if (shown < rollup.count) {
		ret = report_rest(&rollup, shown, &rest);
		if (!ret) {
			snprintf(more, sizeof(more), "(%zu more)",
				 rollup.count - shown);
			fprintf(out, "%-*s", names, more);
			render_sum(out, &rest, rollup.all.count);
			fputc('\n', out);
			profile_sum_free(&rest);
		}
	}
	fprintf(out, "%-*s", names, "all");
	render_sum(out, &rollup.all, rollup.all.count);
	fputc('\n', out);
	rollup_free(&rollup);
	return ret;
}

int render_text(FILE *out, const struct report *r)
{
	const struct profile *profile = &r->a->profile;
	int ret = render_head(out, r);

	if (!ret && r->query.nr_by) {
		ret = print_by(out, r);
	} else if (!ret) {
		for (size_t i = 0; !ret && i < profile->count; i++)
			ret = print_vcpu(out, r, (int)i);
		if (!ret && profile->count > 1)
			ret = print_vcpu(out, r, -1);
		if (!ret)
			ret = print_advice(out, r);
	}
	if (!ret)
		render_totals(out, r);
	return ret;
}

int render(FILE *out, enum format format, const struct report *report,
	   struct analysis *a, struct error *err)
{
	switch (format) {
	case FORMAT_JSON:
		return render_json(out, report);
	case FORMAT_CSV:
		return render_csv(out, report);
	case FORMAT_FOLDED:
		return render_folded(out, report);
	case FORMAT_PERFETTO:
		return render_perfetto(out, report, a, err);
	case FORMAT_HTML:
		return render_html(out, report, a, err);
	default:
		return render_text(out, report);
	}
}
