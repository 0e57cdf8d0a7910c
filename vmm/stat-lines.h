/* SPDX-License-Identifier: GPL-2.0-only */
/* What VMs did between two samples, a line for each VM or vCPU. */
#ifndef TL_STAT_LINES_H
#define TL_STAT_LINES_H

#include <stdio.h>

#include "sample.h"

#define STAT_COLUMNS_MAX 32

/* Counters to show, by KVM's names. */
struct stat_columns {
	char name[STAT_COLUMNS_MAX][SAMPLE_NAME_MAX];
	unsigned int nr;
};

void stat_columns_default(struct stat_columns *columns);

/*
 * From @text, names with commas between.  TL_USAGE: too many, too long, or
 * none.
 */
int stat_columns_parse(struct stat_columns *columns, const char *text,
		       struct error *err);

/*
 * TL_USAGE with the first of @columns that no VM of @sample counts; no complaint
 * if there is no VM.
 */
int stat_columns_check(const struct stat_columns *columns,
		       const struct sample *sample, struct error *err);

void stat_print_head(FILE *out, const struct stat_columns *columns);

/*
 * The differences of each VM of @now that @before has too, @seconds since the
 * start; with @vcpus, of each vCPU that KVM counts apart.  "-" is what KVM does
 * not count.  A counter that was set back has counted since then.
 */
void stat_print(FILE *out, const struct stat_columns *columns,
		const struct sample *before, const struct sample *now,
		double seconds, bool vcpus);

/* What a counter that was @before and is @now has counted meanwhile. */
uint64_t stat_difference(uint64_t before, uint64_t now);

#endif
