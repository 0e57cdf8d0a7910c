// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

struct report {
	const struct analysis *a;
	unsigned int top;
};

/* Columns to the right of a row's name. */
#define NAME_WIDTH 48

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static void print_head(FILE *out, const char *title)
{
	fprintf(out, "\n%-*s %9s %7s %11s %10s %11s %8s\n", NAME_WIDTH, title,
		"count", "share", "total ms", "mean us", "max us", "to user");
}

static void print_row(FILE *out, const char *name,
		      const struct profile_sum *sum, uint64_t whole)
{
	fprintf(out, "  %-*s %9" PRIu64 " %6.1f%%", NAME_WIDTH - 2, name,
		sum->count, percent(sum->count, whole));
	if (sum->timed)
		fprintf(out, " %11.3f %10.2f %11.2f", us(sum->ns) / 1e3,
			us(sum->ns) / (double)sum->timed, us(sum->max_ns));
	else
		fprintf(out, " %11s %10s %11s", "-", "-", "-");
	fprintf(out, " %8" PRIu64 "\n", sum->user);
}

static void class_name(unsigned int class, char *buf, size_t size)
{
	static const char *const kind[EXIT_KINDS] = {
		[EXIT_TRAP] = "TRAP",
		[EXIT_IRQ] = "IRQ       interrupt for the host",
		[EXIT_SERROR] = "SERROR    asynchronous abort",
		[EXIT_IL] = "IL        illegal execution state",
		[EXIT_OTHER] = "OTHER     other reason",
	};

	if (class < EC_COUNT)
		snprintf(buf, size, "%-9s %s (0x%02x)",
			 esr_class_name((uint8_t) class),
			 esr_class_text((uint8_t) class), class);
	else
		snprintf(buf, size, "%s", kind[class - EC_COUNT]);
}

static void print_classes(FILE *out, const struct profile_vcpu *vcpu)
{
	bool done[PROFILE_CLASSES] = { false };
	char name[80];

	print_head(out, "Exits by exception class");
	for (;;) {
		int best = -1;

		for (int c = 0; c < PROFILE_CLASSES; c++) {
			if (!done[c] && vcpu->class[c].count &&
			    (best < 0 ||
			     vcpu->class[c].count > vcpu->class[best].count))
				best = c;
		}
		if (best < 0)
			break;
		done[best] = true;
		class_name((unsigned int)best, name, sizeof(name));
		print_row(out, name, &vcpu->class[best], vcpu -> all.count);
	}
	print_row(out, "all exits", &vcpu->all, vcpu->all.count);
}

/* How many of a table's @count rows --top lets through; "1 more" saves none. */
static size_t shown(const struct report *r, size_t count)
{
	return r->top && r->top + 1 < count ? r->top : count;
}

/* The rows from @first on in one, so that a table's sum stays whole. */
static void print_rest(FILE *out, const struct profile_row *const *row,
		       size_t first, size_t count, uint64_t whole)
{
	struct profile_sum sum = { 0 };
	char name[32];

	if (first == count)
		return;
	for (size_t i = first; i < count; i++)
		profile_sum_merge(&sum, &row[i]->sum);
	snprintf(name, sizeof(name), "(%zu more)", count - first);
	print_row(out, name, &sum, whole);
}

static int print_causes(FILE *out, const struct report *r,
			const struct profile_vcpu *vcpu)
{
	static const char *const title[CAUSE_GROUPS] = {
		[CAUSE_CALL] = "HVC and SMC calls",
		[CAUSE_MMIO] = "MMIO by device and register",
		[CAUSE_SYSREG] = "System register accesses",
		[CAUSE_MEMORY] = "Memory faults",
		[CAUSE_OTHER] = "Other causes",
	};
	char name[160];

	for (int group = 0; group < CAUSE_GROUPS; group++) {
		const struct profile_row **row;
		size_t count;

		row = profile_rank(&vcpu->cause, group, &count);
		if (!row && count)
			return -ENOMEM;
		if (!row)
			continue;
		print_head(out, title[group]);
		for (size_t i = 0; i < shown(r, count); i++) {
			cause_name(&row[i]->cause, &r->a->map, name,
				   sizeof(name));
			print_row(out, name, &row[i]->sum, vcpu->all.count);
		}
		print_rest(out, row, shown(r, count), count, vcpu->all.count);
		free(row);
	}
	return 0;
}

static int print_pcs(FILE *out, const struct report *r,
		     const struct profile_vcpu *vcpu)
{
	const struct profile_row **row;
	size_t count;
	char name[160];

	row = profile_rank(&vcpu->pc, -1, &count);
	if (!row)
		return count ? -ENOMEM : 0;
	fprintf(out, "\n%-18s %9s %7s %10s  %-11s %s\n", "Top PCs", "count",
		"share", "mean us", "class", "cause");
	for (size_t i = 0; i < shown(r, count); i++) {
		const struct profile_row *pc = row[i];

		fprintf(out, "  0x%-14" PRIx64 " %9" PRIu64 " %6.1f%%", pc->pc,
			pc->sum.count, percent(pc->sum.count, vcpu->all.count));
		if (pc->sum.timed)
			fprintf(out, " %10.2f",
				us(pc->sum.ns) / (double)pc->sum.timed);
		else
			fprintf(out, " %10s", "-");
		class_name((unsigned int)pc->class, name, sizeof(name));
		name[strcspn(name, " ")] = '\0';
		fprintf(out, "  %-11s ", name);
		cause_name(&pc->why, &r->a->map, name, sizeof(name));
		fprintf(out, "%s%s\n", name, pc->mixed ? " and others" : "");
	}
	if (count > shown(r, count))
		fprintf(out, "  (%zu more; --top N shows N, --top 0 all)\n",
			count - shown(r, count));
	free(row);
	return 0;
}

static int print_vcpu(FILE *out, const struct report *r,
		      const struct profile_vcpu *vcpu)
{
	int ret;

	print_classes(out, vcpu);
	ret = print_causes(out, r, vcpu);
	if (!ret)
		ret = print_pcs(out, r, vcpu);
	if (vcpu->cond_failed)
		fprintf(out,
			"\n%" PRIu64
			" of the traps were instructions whose condition failed: KVM skipped them\n",
			vcpu->cond_failed);
	return ret;
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

	for (int i = 0; i < EV_TYPES; i++)
		kvm += info->kvm[i];
	fprintf(out, "Trap profile of %s\n", r->a->path);
	print_vm(out, &r->a->map);
	print_line(out, "recorded",
		   "%.3f s, %" PRIu64 " events, %" PRIu64
		   " of them about exits; %d-bit host, %d CPU%s",
		   us(info->last_ts - info->first_ts) / 1e6, info->events, kvm,
		   info->host32 ? 32 : 64, info->cpus,
		   info->cpus == 1 ? "" : "s");
	if (info->lost_unknown)
		print_line(
			out, "LOST",
			"%" PRIu64
			" events and more: record with larger buffers (trace-cmd record -b)",
			info->lost);
	else if (info->lost)
		print_line(
			out, "LOST",
			"%" PRIu64
			" events: record with larger buffers (trace-cmd record -b)",
			info->lost);
	else
		print_line(out, "lost", "no events");
}

static void print_notes(FILE *out, const struct report *r,
			const struct profile_vcpu *total)
{
	const struct totals *totals = &r->a->totals;
	uint64_t known = total->all.count - total->unknown;

	if (patched(&r->a->info))
		print_line(out, "causes", "from each exit's own syndrome");
	else
		print_line(
			out, "causes",
			"stock kernel: no syndrome in its events, causes are from companion events");
	print_line(out, "explained",
		   "%" PRIu64 " of %" PRIu64 " exits (%.1f%%)", known,
		   total->all.count,
		   /* rounded down: 100.0% means all */
		   (int)(10 * percent(known, total->all.count)) / 10.0);
	if (!patched(&r->a->info) && !r->a->map.nr_vcpus)
		print_line(out, "vCPUs",
			   "no vCPU number in stock events: grouped by thread");
	if (totals->foreign_exits)
		print_line(out, "others",
			   "%" PRIu64
			   " exits of threads that are not of this VM left out",
			   totals->foreign_exits);
}

static void print_label(FILE *out, int vcpu, int tid)
{
	if (vcpu < 0)
		fprintf(out, "thread %d", tid);
	else
		fprintf(out, "vCPU %d", vcpu);
}

static void print_kernel(FILE *out, const struct totals_vcpu *v)
{
	const char *comma = "";

	fputc('(', out);
	if (v->kernel_exits.known) {
		fprintf(out, "exits %" PRIu64, v->kernel_exits.value);
		comma = ", ";
	}
	if (v->kernel_traps.known)
		fprintf(out, "%strap_exits %" PRIu64, comma,
			v->kernel_traps.value);
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

static void print_totals(FILE *out, const struct report *r)
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
		fputs("matches the kernel's counters ", out);
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

int render_text(FILE *out, const struct analysis *analysis, unsigned int top)
{
	const struct report report = { .a = analysis, .top = top };
	const struct report *r = &report;
	const struct profile *profile = &r->a->profile;
	struct profile_vcpu total;
	int ret = profile_total(profile, &total);

	if (ret)
		return ret;
	print_header(out, r);
	print_notes(out, r, &total);
	for (size_t i = 0; !ret && i < profile->count; i++) {
		const struct profile_vcpu *vcpu = profile->vcpu[i];

		fputs("\n== ", out);
		print_label(out, vcpu->vcpu, vcpu->tid);
		if (vcpu->vcpu >= 0)
			fprintf(out, " (thread %d)", vcpu->tid);
		fputs(" ==\n", out);
		ret = print_vcpu(out, r, vcpu);
	}
	if (!ret && profile->count > 1) {
		fputs("\n== all vCPUs ==\n", out);
		ret = print_vcpu(out, r, &total);
	}
	if (!ret)
		print_totals(out, r);
	profile_vcpu_free(&total);
	return ret;
}
