/* SPDX-License-Identifier: GPL-2.0-only */
/* The lines of `trapline top`: what VMs and their vCPUs do a second. */
#ifndef TL_TOP_ROWS_H
#define TL_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sample.h"
#include "top-trace.h"

#define TOP_VALUES_MAX 12

/* A column: its title, and what it shows. */
struct top_column {
	const char *title;
	const char *counter; /* of KVM's, a second; NULL: see below */
	int trace_class;     /* from 0: enum top_class, a second; -1: none */
	int width;
};

/* Columns without a counter and a class: the first of each view. */
#define TOP_COLUMN_CPU 0 /* % of a processor */
/* Exits: KVM's counter, or all that were traced. */
#define TOP_COLUMN_EXITS 1

/* The columns of the view with or without tracing; @nr is set. */
const struct top_column *top_columns(bool traced, unsigned int *nr);

struct top_row {
	char name[64]; /* of the VM */
	int vcpu;      /* -1: the VM as a whole */
	pid_t id;      /* process or thread, 0: not known */
	/* NaN: not known */
	double value[TOP_VALUES_MAX];
};

struct top_table {
	struct top_row *row;
	size_t nr;
};

/* Processor time of a process or thread at one moment. */
struct top_usage {
	pid_t pid, tid; /* @tid 0: all of @pid */
	double seconds;
};

/* All that one refresh looks at. */
struct top_moment {
	struct sample sample;
	struct top_usage *usage;
	size_t nr_usages;
};

/* Read processor times of what is in moment->sample; the rest stays unknown. */
void top_usage_read(struct top_moment *moment);
void top_moment_free(struct top_moment *moment);

struct top_options {
	unsigned int sort;             /* column; the largest first */
	bool by_name;                  /* instead */
	bool vcpus;                    /* rows for them */
	const struct top_trace *trace; /* what was traced meanwhile, or NULL */
};

/*
 * A row for each VM that both moments have, each followed by those of its vCPUs
 * in their order.  -ENOMEM; @table is to be freed.
 */
int top_rows_make(struct top_table *table, const struct top_moment *before,
		  const struct top_moment *now,
		  const struct top_options *options);
void top_rows_free(struct top_table *table);

/* Text for one line, without its end. */
void top_head_format(const struct top_options *options, char *buf, size_t size);
void top_row_format(const struct top_row *row, bool traced, char *buf,
		    size_t size);

#endif
