// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "stat-lines.h"

/* Those that say most of an ARM guest, stock counters and ours. */
static const char *const preset[] = {
	"exits",         "trap_exits",    "irq_exits",        "hvc_exit_stat",
	"wfi_exit_stat", "wfe_exit_stat", "mmio_exit_kernel", "mmio_exit_user",
	"signal_exits",
};

#define NR_PRESET (sizeof(preset) / sizeof(preset[0]))

void stat_columns_default(struct stat_columns *columns)
{
	size_t i;

	*columns = (struct stat_columns){ .nr = NR_PRESET };
	for (i = 0; i < NR_PRESET; i++)
		snprintf(columns->name[i], SAMPLE_NAME_MAX, "%s", preset[i]);
}

int stat_columns_parse(struct stat_columns *columns, const char *text,
		       struct error *err)
{
	columns->nr = 0;
	for (;;) {
		const size_t len = strcspn(text, ",");

		if (!len || len >= SAMPLE_NAME_MAX)
			return error_set(err, TL_USAGE, EINVAL,
					 "stat: -e wants names of counters "
					 "with commas between, not '%.60s'",
					 text);
		if (columns->nr == STAT_COLUMNS_MAX)
			return error_set(err, TL_USAGE, EINVAL,
					 "stat: -e takes %d counters, no more",
					 STAT_COLUMNS_MAX);
		snprintf(columns->name[columns->nr++], SAMPLE_NAME_MAX, "%.*s",
			 (int)len, text);
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

int stat_columns_check(const struct stat_columns *columns,
		       const struct sample *sample, struct error *err)
{
	unsigned int i;
	uint64_t value;
	size_t k;

	for (i = 0; sample->nr && i < columns->nr; i++) {
		for (k = 0; k < sample->nr; k++)
			if (sample_counter(&sample->vm[k], SAMPLE_SUM,
					   columns->name[i], &value))
				break;
		if (k == sample->nr)
			return error_set(err, TL_USAGE, EINVAL,
					 "stat: KVM has no counter '%s' here; "
					 "trapline stat -z NAME shows all",
					 columns->name[i]);
	}
	return 0;
}

/* "mmio_exit_user" is wide enough for the numbers below it. */
static int width_of(const char *name)
{
	const int len = (int)strlen(name);

	return len < 10 ? 10 : len;
}

void stat_print_head(FILE *out, const struct stat_columns *columns)
{
	unsigned int i;

	fprintf(out, "#%9s %-20s %4s", "time", "vm", "vcpu");
	for (i = 0; i < columns->nr; i++)
		fprintf(out, " %*s", width_of(columns->name[i]),
			columns->name[i]);
	fputc('\n', out);
}

uint64_t stat_difference(uint64_t before, uint64_t now)
{
	return now < before ? now : now - before;
}

static void print_line(FILE *out, const struct stat_columns *columns,
		       const struct sample_vm *before,
		       const struct sample_vm *now, double seconds, int id)
{
	char vcpu[16] = "all";
	unsigned int i;

	if (id >= 0)
		snprintf(vcpu, sizeof(vcpu), "%d", id);
	fprintf(out, "%10.3f %-20s %4s", seconds, now->name, vcpu);
	for (i = 0; i < columns->nr; i++) {
		const char *name = columns->name[i];
		uint64_t old, new;

		if (sample_counter(before, id, name, &old) &&
		    sample_counter(now, id, name, &new))
			fprintf(out, " %*" PRIu64, width_of(name),
				stat_difference(old, new));
		else
			fprintf(out, " %*s", width_of(name), "-");
	}
	fputc('\n', out);
}

void stat_print(FILE *out, const struct stat_columns *columns,
		const struct sample *before, const struct sample *now,
		double seconds, bool vcpus)
{
	size_t i, k;

	for (i = 0; i < now->nr; i++) {
		const struct sample_vm *vm = &now->vm[i];
		const struct sample_vm *old =
			sample_find(before, vm->pid, vm->name);

		if (!old)
			continue;
		print_line(out, columns, old, vm, seconds, SAMPLE_SUM);
		for (k = 0; vcpus && k < vm->nr; k++)
			if (vm->object[k].id >= 0 && vm->object[k].nr)
				print_line(out, columns, old, vm, seconds,
					   vm->object[k].id);
	}
}
