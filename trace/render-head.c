// SPDX-License-Identifier: GPL-2.0-only
/* What stands above and below the tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void print_line(FILE *out, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void print_line(FILE *out, const char *key, const char *fmt, ...)
{
	va_list ap;

	fprintf(out, "  %-9s ", key);
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	fputc('\n', out);
}

static void print_vm(FILE *out, const struct vmmap *map)
{
	fputs("  VM        ", out);
	if (!map->from_file) {
		fputs("not described; devices of QEMU's virt board assumed\n",
		      out);
		return;
	}
	fprintf(out, "%s", map->name[0] ? map->name : "unnamed");
	if (map->vmm[0])
		fprintf(out, ", %s", map->vmm);
	if (map->machine[0])
		fprintf(out, ", machine %s", map->machine);
	if (map->guest_width)
		fprintf(out, ", %u-bit guest", map->guest_width);
	if (map->gic_version)
		fprintf(out, ", GICv%u", map->gic_version);
	if (map->boots > 1)
		fprintf(out, ", %u boots", map->boots);
	fputc('\n', out);
	if (map->kernel[0])
		print_line(out, "kernel", "%s", map->kernel);
	if (map->ended[0])
		print_line(out, "ended", "%s", map->ended);
}

static bool patched(const struct reader_info *info)
{
	return info->kvm[EV_VCPU_EXIT] > 0;
}

static void print_header(FILE *out, const struct report *r)
{
	const struct reader_info *info = &r->a->info;
	uint64_t kvm = 0;
	char lost[64];

	for (int i = 0; i < EV_TYPES; i++)
		kvm += i == EV_IRQ ? 0 : info->kvm[i];
	fprintf(out, "Trap profile of %s\n", r->a->path);
	print_vm(out, &r->a->map);
	print_line(out, "recorded",
		   "%.3f s, %" PRIu64 " events, %" PRIu64
		   " of them about exits; %d-bit host, %d CPU%s",
		   seconds(info->last_ts - info->first_ts), info->events, kvm,
		   info->host32 ? 32 : 64, info->cpus,
		   info->cpus == 1 ? "" : "s");
	if (reader_lost(info)) {
		reader_lost_text(info, lost, sizeof(lost));
		print_line(
			out, "LOST",
			"%s: record with larger buffers (trapline record --buffer, trace-cmd record -b)",
			lost);
	} else {
		print_line(out, "lost", "no events");
	}
}

/* The exits that were counted into the profile. */
static uint64_t counted(const struct profile *profile)
{
	uint64_t count = 0;

	for (size_t i = 0; i < profile->row_space; i++)
		count += profile->row[i].sum.count;
	return count;
}

/* Which part of the trace the tables are of, if not all. */
static void print_selection(FILE *out, const struct report *r, uint64_t shown)
{
	const struct profile *profile = &r->a->profile;
	const struct query *query = &r->query;
	uint64_t start = r->a->start;

	if (profile->outside || query->nr_filters)
		print_line(out, "shown", "%" PRIu64 " of %" PRIu64 " exits",
			   shown, counted(profile) + profile->outside);
	if (profile->from)
		print_line(out, "from", "%.6f s",
			   seconds(profile->from - start));
	if (profile->to != UINT64_MAX)
		print_line(out, "to", "%.6f s", seconds(profile->to - start));
	for (size_t i = 0; i < query->nr_filters; i++)
		print_line(out, "only", "%s %s", dim_word(query->filter[i].dim),
			   query->filter[i].pattern);
}

/* Every kind of exit that is not explained, and why. */
static int print_unknown(FILE *out, const struct report *r)
{
	struct query query = r->query;
	struct rollup rollup;
	int ret;

	query.by[0] = DIM_CAUSE;
	query.nr_by = 1;
	ret = rollup_make(&rollup, &r->view, &query);
	if (ret)
		return ret;
	for (size_t i = 0; i < rollup.count; i++) {
		const struct rollup_row *row = &rollup.row[i];
		const struct cause *cause =
			&r->a->profile.cause[row->most.cause];

		if (cause_unknown(cause))
			print_line(out, "unknown", "%" PRIu64 " x %s: %s",
				   row->sum.count, row->name[0],
				   cause_missing(cause));
	}
	rollup_free(&rollup);
	return 0;
}

static int print_notes(FILE *out, const struct report *r,
		       const struct rollup *total)
{
	const struct totals *totals = &r->a->totals;
	uint64_t known = total->all.count - total->unknown;
	int ret = 0;

	if (patched(&r->a->info))
		print_line(out, "causes", "from each exit's own syndrome");
	else
		print_line(
			out, "causes",
			"stock kernel: no syndrome in its events, causes are from companion events");
	print_selection(out, r, total->all.count);
	print_line(out, "explained",
		   "%" PRIu64 " of %" PRIu64 " exits (%.1f%%)", known,
		   total->all.count,
		   /* rounded down: 100.0% means all */
		   (int)(10 * percent(known, total->all.count)) / 10.0);
	if (total->unknown)
		ret = print_unknown(out, r);
	if (r->a->symbols) {
		char text[512];

		symbols_describe(r->a->symbols, text, sizeof(text));
		print_line(out, "symbols", "%s", text);
	}
	if (!patched(&r->a->info) && !r->a->map.nr_vcpus)
		print_line(out, "vCPUs",
			   "no vCPU number in stock events: grouped by thread");
	if (totals->foreign_exits)
		print_line(out, "others",
			   "%" PRIu64
			   " exits of threads that are not of this VM left out",
			   totals->foreign_exits);
	return ret;
}

int render_head(FILE *out, const struct report *r)
{
	struct query query = r->query;
	struct rollup total;
	int ret;

	query.nr_by = 0;
	ret = rollup_make(&total, &r->view, &query);
	if (ret)
		return ret;
	print_header(out, r);
	ret = print_notes(out, r, &total);
	rollup_free(&total);
	return ret;
}

static void print_label(FILE *out, int vcpu, int tid)
{
	if (vcpu < 0)
		fprintf(out, "thread %d", tid);
	else
		fprintf(out, "vCPU %d", vcpu);
}

static void print_count(FILE *out, const char *name,
			const struct vmmap_count *count)
{
	fprintf(out, "%s %" PRIu64, name, count->value);
	if (count->span && count->high == UINT64_MAX)
		fputs(" or more", out);
	else if (count->span && count->high != count->value)
		fprintf(out, " to %" PRIu64, count->high);
}

static void print_kernel(FILE *out, const struct totals_vcpu *v)
{
	fputc('(', out);
	if (v->kernel_exits.known)
		print_count(out, "exits", &v->kernel_exits);
	if (v->kernel_exits.known && v->kernel_traps.known)
		fputs(", ", out);
	if (v->kernel_traps.known)
		print_count(out, "trap_exits", &v->kernel_traps);
	fputc(')', out);
}

/* Why the trace may have fewer exits than there were. */
static void print_why(FILE *out, const struct totals_vcpu *v)
{
	if (v->before)
		fprintf(out, ", %" PRIu64 " exits before the recording began",
			v->before);
	if (v->lost_exits)
		fprintf(out, ", %" PRIu64 " exits lost", v->lost_exits);
	if (v->lost_traps && v->lost_traps != v->lost_exits)
		fprintf(out, ", %" PRIu64 " traps lost", v->lost_traps);
}

static void print_totals_vcpu(FILE *out, const struct totals_vcpu *v)
{
	fputs("  ", out);
	if (v->verdict == TOTALS_MISMATCH)
		fputs("MISMATCH ", out);
	print_label(out, v->vcpu, v->tid);
	fprintf(out, ": exits %" PRIu64 ", traps %" PRIu64, v->exits, v->traps);
	print_why(out, v);
	if (v->unpaired)
		fprintf(out, ", %" PRIu64 " without a re-entry", v->unpaired);
	if (v->verdict == TOTALS_MATCH) {
		fputs(": matches the kernel's counters ", out);
		print_kernel(out, v);
	} else if (v->verdict == TOTALS_MISMATCH) {
		fputs(": the kernel counted ", out);
		print_kernel(out, v);
	}
	fputc('\n', out);
}

void render_totals(FILE *out, const struct report *r)
{
	const struct totals *totals = &r->a->totals;
	const struct totals_vcpu *all = &totals->all;
	const char *least = totals->complete ? "" : "at least ";

	fputs("\nTotals\n", out);
	for (size_t i = 0; i < totals->count; i++)
		print_totals_vcpu(out, &totals->vcpu[i]);
	if (all->kernel_hyp.known)
		fprintf(out,
			"  handled at EL2 without the host: %" PRIu64
			" (hyp_exits, not in the totals)\n",
			all->kernel_hyp.value);
	fprintf(out,
		"\nexit count: %s%" PRIu64
		"\ntrap count (HVC trap count): %s%" PRIu64 "\n",
		least, all->exits, least, all->traps);
	switch (all->verdict) {
	case TOTALS_MATCH:
		fprintf(out, "matches the kernel's counters%s ",
			totals->complete ? "" : ", with what was lost");
		print_kernel(out, all);
		fputc('\n', out);
		break;
	case TOTALS_MISMATCH:
		fputs("MISMATCH with the kernel's counters ", out);
		print_kernel(out, all);
		fputs(": do not trust this profile\n", out);
		break;
	default:
		fprintf(out, "not compared with the kernel's counters: %s%s\n",
			r->a->map.from_file ? "none in " : "there is no ",
			r->a->side_path);
		break;
	}
}
