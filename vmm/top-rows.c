// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stat-lines.h"
#include "top-rows.h"

/* --- columns ---------------------------------------------------------------*/

static const struct top_column counted[] = {
	{ "%CPU", NULL, -1, 6 },
	{ "EXITS", "exits", -1, 9 },
	{ "TRAPS", "trap_exits", -1, 9 },
	{ "IRQ", "irq_exits", -1, 8 },
	{ "HVC", "hvc_exit_stat", -1, 8 },
	{ "WFI", "wfi_exit_stat", -1, 8 },
	{ "WFE", "wfe_exit_stat", -1, 8 },
	{ "MMIO-KVM", "mmio_exit_kernel", -1, 9 },
	{ "MMIO-VMM", "mmio_exit_user", -1, 9 },
};

static const struct top_column traced[] = {
	{ "%CPU", NULL, -1, 6 },           { "EXITS", NULL, -1, 9 },
	{ "DABT", NULL, TOP_DATA, 9 },     { "IABT", NULL, TOP_INSN, 8 },
	{ "SYSREG", NULL, TOP_SYSREG, 8 }, { "HVC/SMC", NULL, TOP_CALL, 8 },
	{ "WFx", NULL, TOP_WAIT, 8 },      { "IRQ", NULL, TOP_IRQ, 8 },
	{ "OTHER", NULL, TOP_ELSE, 8 },
};

const struct top_column *top_columns(bool is_traced, unsigned int *nr)
{
	*nr = is_traced ? sizeof(traced) / sizeof(traced[0])
			: sizeof(counted) / sizeof(counted[0]);
	return is_traced ? traced : counted;
}

/* --- processor time --------------------------------------------------------*/

static double usage_of(pid_t pid, pid_t tid)
{
	char path[80], text[1024];
	unsigned long long user, kernel;
	const char *p;
	FILE *file;
	size_t n;

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid,
			 (int)tid);
	else
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return NAN;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	/* the command's name, in parentheses, may hold anything */
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1,
			 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu "
			 "%llu",
			 &user, &kernel) != 2)
		return NAN;
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void add_usage(struct top_moment *moment, pid_t pid, pid_t tid)
{
	struct top_usage *usage = realloc(
		moment->usage, (moment->nr_usages + 1) * sizeof(*usage));

	if (!usage)
		return;
	moment->usage = usage;
	usage[moment->nr_usages++] = (struct top_usage){
		.pid = pid,
		.tid = tid,
		.seconds = usage_of(pid, tid),
	};
}

void top_usage_read(struct top_moment *moment)
{
	const struct sample *sample = &moment->sample;
	size_t i, k;

	for (i = 0; i < sample->nr; i++) {
		const struct sample_vm *vm = &sample->vm[i];

		add_usage(moment, vm->pid, 0);
		for (k = 0; k < vm->nr; k++)
			if (vm->object[k].tid)
				add_usage(moment, vm->pid, vm->object[k].tid);
	}
}

void top_moment_free(struct top_moment *moment)
{
	sample_free(&moment->sample);
	free(moment->usage);
	*moment = (struct top_moment){ 0 };
}

static double seconds_of(const struct top_moment *moment, pid_t pid, pid_t tid)
{
	size_t i;

	for (i = 0; i < moment->nr_usages; i++)
		if (moment->usage[i].pid == pid && moment->usage[i].tid == tid)
			return moment->usage[i].seconds;
	return NAN;
}

/* --- rows ------------------------------------------------------------------*/

/* What one row is made of. */
struct making {
	const struct top_moment *before, *now;
	const struct top_options *options;
	const struct sample_vm *old, *vm;
	double seconds;
};

/* Exits of @class, or all (-1), of a thread. */
static uint64_t traced_of(const struct top_thread *thread, int class)
{
	uint64_t sum = 0;
	int i;

	if (!thread)
		return 0;
	if (class >= 0)
		return thread->exits[class];
	for (i = 0; i < TOP_CLASSES; i++)
		sum += thread->exits[i];
	return sum;
}

static bool is_thread_of(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	return !access(path, F_OK);
}

static double traced_value(const struct making *making,
			   const struct top_row *row, int class)
{
	const struct top_trace *trace = making->options->trace;
	uint64_t sum = 0;
	size_t i;

	if (row->vcpu >= 0 && !row->id)
		return NAN;
	if (row->vcpu >= 0)
		sum = traced_of(top_trace_of(trace, row->id), class);
	for (i = 0; row->vcpu < 0 && i < trace->nr; i++)
		if (is_thread_of(row->id, trace->thread[i].tid))
			sum += traced_of(&trace->thread[i], class);
	return (double)sum / making->seconds;
}

static double counter_value(const struct making *making, int vcpu,
			    const char *name)
{
	const int id = vcpu < 0 ? SAMPLE_SUM : vcpu;
	uint64_t old, new;

	if (!sample_counter(making->old, id, name, &old) ||
	    !sample_counter(making->vm, id, name, &new))
		return NAN;
	return (double)stat_difference(old, new) / making->seconds;
}

static void fill_row(const struct making *making, struct top_row *row, int vcpu,
		     pid_t id)
{
	const pid_t tid = vcpu < 0 ? 0 : id;
	const struct top_column *column;
	unsigned int i, nr;

	column = top_columns(making->options->trace, &nr);
	*row = (struct top_row){ .vcpu = vcpu, .id = id };
	memcpy(row->name, making->vm->name, sizeof(row->name));
	for (i = 0; i < nr; i++) {
		if (i == TOP_COLUMN_CPU)
			row->value[i] =
				id || vcpu < 0
					? (seconds_of(making->now,
						      making->vm->pid, tid) -
					   seconds_of(making->before,
						      making->vm->pid, tid)) /
						  making->seconds * 100
					: NAN;
		else if (column[i].counter)
			row->value[i] =
				counter_value(making, vcpu, column[i].counter);
		else
			row->value[i] = traced_value(making, row,
						     column[i].trace_class);
	}
}

static struct top_row *add_row(struct top_table *table)
{
	struct top_row *row =
		realloc(table->row, (table->nr + 1) * sizeof(*row));

	if (!row)
		return NULL;
	table->row = row;
	return row + table->nr++;
}

static int add_rows(struct top_table *table, const struct making *making)
{
	const struct sample_vm *vm = making->vm;
	struct top_row *row = add_row(table);
	size_t i;

	if (!row)
		return -ENOMEM;
	fill_row(making, row, -1, vm->pid);
	for (i = 0; making->options->vcpus && i < vm->nr; i++) {
		if (vm->object[i].id < 0)
			continue;
		row = add_row(table);
		if (!row)
			return -ENOMEM;
		fill_row(making, row, vm->object[i].id, vm->object[i].tid);
	}
	return 0;
}

/* --- order -----------------------------------------------------------------*/

/* A VM's row with those of its vCPUs, which stay together. */
struct block {
	const struct top_row *row;
	size_t nr;
	const struct top_options *options;
};

static int by_key(const void *a, const void *b)
{
	const struct block *x = a, *y = b;
	const unsigned int sort = x->options->sort;
	double u = x->row->value[sort], v = y->row->value[sort];
	int ret = strcmp(x->row->name, y->row->name);

	/* what is not known is less than nothing */
	u = isnan(u) ? -1 : u;
	v = isnan(v) ? -1 : v;
	if (!x->options->by_name && u != v)
		return u < v ? 1 : -1;
	return ret ? ret
		   : (x->row->id > y->row->id) - (x->row->id < y->row->id);
}

static int order(struct top_table *table, const struct top_options *options)
{
	struct block *block = calloc(table->nr + 1, sizeof(*block));
	struct top_row *sorted = calloc(table->nr + 1, sizeof(*sorted));
	size_t i, nr = 0, at = 0;

	if (!block || !sorted) {
		free(block);
		free(sorted);
		return -ENOMEM;
	}
	for (i = 0; i < table->nr; i++) {
		if (table->row[i].vcpu < 0)
			block[nr++] = (struct block){ .row = &table->row[i],
						      .options = options };
		block[nr - 1].nr++;
	}
	qsort(block, nr, sizeof(*block), by_key);
	for (i = 0; i < nr; i++) {
		memcpy(&sorted[at], block[i].row,
		       block[i].nr * sizeof(*sorted));
		at += block[i].nr;
	}
	free(block);
	free(table->row);
	table->row = sorted;
	return 0;
}

int top_rows_make(struct top_table *table, const struct top_moment *before,
		  const struct top_moment *now,
		  const struct top_options *options)
{
	size_t i;
	int ret = 0;

	*table = (struct top_table){ 0 };
	for (i = 0; !ret && i < now->sample.nr; i++) {
		struct making making = {
			.before = before,
			.now = now,
			.options = options,
			.vm = &now->sample.vm[i],
		};

		making.old = sample_find(&before->sample, making.vm->pid,
					 making.vm->name);
		if (!making.old || making.vm->ns <= making.old->ns)
			continue;
		making.seconds = (double)(making.vm->ns - making.old->ns) / 1e9;
		ret = add_rows(table, &making);
	}
	return ret ? ret : order(table, options);
}

void top_rows_free(struct top_table *table)
{
	free(table->row);
	*table = (struct top_table){ 0 };
}

/* --- text ------------------------------------------------------------------*/

void top_head_format(const struct top_options *options, char *buf, size_t size)
{
	const struct top_column *column;
	unsigned int i, nr;
	size_t len;

	column = top_columns(options->trace, &nr);
	len = (size_t)snprintf(buf, size, "%-20s %8s",
			       options->by_name ? "NAME*" : "NAME", "PID");
	for (i = 0; i < nr && len < size; i++) {
		const bool sorted = !options->by_name && options->sort == i;

		len += (size_t)snprintf(buf + len, size - len, " %*s%s",
					column[i].width - sorted,
					column[i].title, sorted ? "*" : "");
	}
}

void top_row_format(const struct top_row *row, bool is_traced, char *buf,
		    size_t size)
{
	const struct top_column *column;
	unsigned int i, nr;
	char name[80], id[16] = "-";
	size_t len;

	if (row->vcpu < 0)
		snprintf(name, sizeof(name), "%s", row->name);
	else
		snprintf(name, sizeof(name), "  vCPU %d", row->vcpu);
	if (row->id)
		snprintf(id, sizeof(id), "%d", (int)row->id);
	len = (size_t)snprintf(buf, size, "%-20.20s %8s", name, id);
	column = top_columns(is_traced, &nr);
	for (i = 0; i < nr && len < size; i++) {
		if (isnan(row->value[i]))
			len += (size_t)snprintf(buf + len, size - len, " %*s",
						column[i].width, "-");
		else
			len += (size_t)snprintf(buf + len, size - len, " %*.*f",
						column[i].width,
						i == TOP_COLUMN_CPU ? 1 : 0,
						row->value[i]);
	}
}
