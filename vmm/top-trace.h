/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits by class and thread, counted from the host's kvm_exit events as they
 * happen, in a tracing instance of our own.
 */
#ifndef TL_TOP_TRACE_H
#define TL_TOP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

enum top_class {
	TOP_DATA,   /* data aborts: devices, and memory not mapped yet */
	TOP_INSN,   /* instruction aborts */
	TOP_SYSREG, /* system registers, coprocessors, ID registers */
	TOP_CALL,   /* HVC, SMC */
	TOP_WAIT,   /* WFI, WFE */
	TOP_IRQ,    /* interrupts for the host */
	TOP_ELSE,
	TOP_CLASSES
};

struct top_thread {
	pid_t tid;
	uint64_t exits[TOP_CLASSES];
};

struct top_trace {
	struct top_thread *thread;
	size_t nr;
	uint64_t lost; /* events that nobody read in time */
	/* private */
	char *instance;
	int pipe;
	char line[512]; /* the beginning of one */
	size_t length;
};

/*
 * Start.  @tracefs NULL: find it.  TL_TRACE: no tracefs, no permission, no
 * events of KVM's.
 */
int top_trace_open(struct top_trace *trace, const char *tracefs,
		   struct error *err);
/* Count what has come; never waits.  Often enough, or events are lost. */
void top_trace_read(struct top_trace *trace);
/* Forget what was counted. */
void top_trace_reset(struct top_trace *trace);
/* End and remove the instance. */
void top_trace_close(struct top_trace *trace);

/* NULL: it did not exit. */
const struct top_thread *top_trace_of(const struct top_trace *trace, pid_t tid);

/* One line of trace_pipe, for top_trace_read(); false if it is no exit. */
bool top_trace_parse(const char *line, pid_t *tid, enum top_class *class);

#endif
