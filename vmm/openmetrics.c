// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "openmetrics.h"

#define PREFIX "trapline_kvm_"

static const struct {
	const char *name, *help;
} helps[] = {
	{ "exits", "Returns from the guest to the host, interrupts included" },
	{ "trap_exits", "Exits by a synchronous exception" },
	{ "irq_exits", "Exits by a physical interrupt" },
	{ "serror_exits", "Exits by an SError" },
	{ "hyp_exits", "Exceptions that EL2 handled without the host" },
	{ "hvc_exit_stat", "HVC and SMC calls" },
	{ "wfe_exit_stat", "WFE instructions that were trapped" },
	{ "wfi_exit_stat", "WFI instructions that were trapped" },
	{ "mmio_exit_user", "Device accesses that the VMM handled" },
	{ "mmio_exit_kernel", "Device accesses that KVM handled" },
	{ "signal_exits", "KVM_RUN ended by a signal" },
	{ "halt_wakeup", "Ends of a halt by a wake-up" },
};

static const char *help_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(helps) / sizeof(helps[0]); i++)
		if (!strcmp(helps[i].name, name))
			return helps[i].help;
	return "A statistic of KVM's";
}

static bool is_histogram(const struct sample_stat *stat)
{
	return stat->type == SAMPLE_LINEAR_HIST ||
	       stat->type == SAMPLE_LOG_HIST;
}

/* A unit that the format's rules want as the end of the name, or "". */
static const char *unit_of(const struct sample_stat *stat)
{
	return strcmp(stat->unit, "boolean") != 0 ? stat->unit : "";
}

/*
 * The family: KVM's name, with the base unit for its end.  "_total" and the
 * like, which the format gives a meaning, end no name of KVM's.
 */
static void family_of(const struct sample_stat *stat, char *buf, size_t size)
{
	const char *unit = unit_of(stat);
	char name[SAMPLE_NAME_MAX];
	size_t i, len;

	snprintf(name, sizeof(name), "%s", stat->name);
	len = strlen(name);
	if (!strcmp(unit, "seconds") && len > 3 &&
	    !strcmp(name + len - 3, "_ns"))
		name[len - 3] = '\0';
	for (i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]))
			name[i] = '_';
	len = strlen(name);
	if (*unit && len > strlen(unit) &&
	    !strcmp(name + len - strlen(unit), unit))
		unit = "";
	snprintf(buf, size, PREFIX "%s%s%s", name, *unit ? "_" : "", unit);
}

static void print_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 ||
			 (unsigned char)*text > 0x7e)
			fputc('?', out);
		else
			fputc(*text, out);
	}
}

static void print_labels(FILE *out, const struct sample_vm *vm, int id,
			 const char *le)
{
	fputs("{vm=\"", out);
	print_label(out, vm->name);
	fprintf(out, "\",pid=\"%d\"", (int)vm->pid);
	if (id >= 0)
		fprintf(out, ",vcpu=\"%d\"", id);
	if (le)
		fprintf(out, ",le=\"%s\"", le);
	fputs("} ", out);
}

/* @value times the statistic's unit; integers stay exact. */
static void format_value(const struct sample_stat *stat, uint64_t value,
			 char *buf, size_t size)
{
	if (stat->exponent && stat->base)
		snprintf(buf, size, "%.15g",
			 (double)value * pow(stat->base, stat->exponent));
	else
		snprintf(buf, size, "%" PRIu64, value);
}

/* The largest value that counts in bucket @n, KVM's last of which is open. */
static void format_bound(const struct sample_stat *stat, unsigned int n,
			 char *buf, size_t size)
{
	uint64_t bound;

	if (n + 1 >= stat->nr) {
		snprintf(buf, size, "+Inf");
		return;
	}
	if (stat->type == SAMPLE_LOG_HIST)
		bound = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
	else
		bound = (uint64_t)stat->bucket_size * (n + 1) - 1;
	format_value(stat, bound, buf, size);
	/* a bound is a float, by the canonical rules */
	if (!strpbrk(buf, ".e"))
		snprintf(buf + strlen(buf), size - strlen(buf), ".0");
}

static void print_histogram(FILE *out, const char *family,
			    const struct sample_vm *vm, int id,
			    const struct sample_stat *stat)
{
	uint64_t sum = 0;
	char bound[40];
	unsigned int i;

	for (i = 0; i < stat->nr; i++) {
		sum += stat->value[i];
		format_bound(stat, i, bound, sizeof(bound));
		fprintf(out, "%s_bucket", family);
		print_labels(out, vm, id, bound);
		fprintf(out, "%" PRIu64 "\n", sum);
	}
}

static void print_stat(FILE *out, const char *family,
		       const struct sample_vm *vm, int id,
		       const struct sample_stat *stat)
{
	char value[40];

	if (is_histogram(stat)) {
		print_histogram(out, family, vm, id, stat);
		return;
	}
	fprintf(out, "%s%s", family,
		stat->type == SAMPLE_COUNTER ? "_total" : "");
	print_labels(out, vm, id, NULL);
	format_value(stat, stat->value[0], value, sizeof(value));
	fprintf(out, "%s\n", value);
}

/* --- families, each in one piece, as the format wants it -------------------*/

struct line {
	char family[SAMPLE_NAME_MAX + 32];
	size_t order; /* in which the samples come */
	const struct sample_vm *vm;
	const struct sample_stat *stat;
	int id;
};

static int by_family(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int ret = strcmp(x->family, y->family);

	return ret ? ret : (x->order > y->order) - (x->order < y->order);
}

static size_t count(const struct sample *sample)
{
	size_t i, k, nr = 0;

	for (i = 0; i < sample->nr; i++)
		for (k = 0; k < sample->vm[i].nr; k++)
			nr += sample->vm[i].object[k].nr;
	return nr;
}

static void fill(struct line *line, const struct sample *sample)
{
	size_t i, k, n, nr = 0;

	for (i = 0; i < sample->nr; i++) {
		const struct sample_vm *vm = &sample->vm[i];

		for (k = 0; k < vm->nr; k++) {
			const struct sample_object *object = &vm->object[k];

			for (n = 0; n < object->nr; n++) {
				line[nr] = (struct line){
					.order = nr,
					.vm = vm,
					.stat = &object->stat[n],
					.id = object->id,
				};
				family_of(&object->stat[n], line[nr].family,
					  sizeof(line[nr].family));
				nr++;
			}
		}
	}
}

static void print_family(FILE *out, const struct line *line)
{
	const struct sample_stat *stat = line->stat;
	const char *unit = unit_of(stat);

	fprintf(out, "# TYPE %s %s\n", line->family,
		is_histogram(stat)             ? "histogram"
		: stat->type == SAMPLE_COUNTER ? "counter"
					       : "gauge");
	if (*unit)
		fprintf(out, "# UNIT %s %s\n", line->family, unit);
	fprintf(out, "# HELP %s %s.\n", line->family, help_of(stat->name));
}

void openmetrics_print(FILE *out, const struct sample *sample)
{
	const size_t nr = count(sample);
	struct line *line = calloc(nr + 1, sizeof(*line));
	const struct line *first = NULL;
	size_t i;

	if (!line)
		return;
	fill(line, sample);
	qsort(line, nr, sizeof(*line), by_family);
	for (i = 0; i < nr; i++) {
		if (!first || strcmp(first->family, line[i].family)) {
			first = &line[i];
			print_family(out, first);
		}
		/* What two sources describe differently cannot be one family. */
		if (line[i].stat->type == first->stat->type)
			print_stat(out, line[i].family, line[i].vm, line[i].id,
				   line[i].stat);
	}
	fputs("# EOF\n", out);
	free(line);
}
