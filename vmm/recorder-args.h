/* SPDX-License-Identifier: GPL-2.0-only */
/* What the recorder asks of trace-cmd: which events, of which threads. */
#ifndef TL_RECORDER_ARGS_H
#define TL_RECORDER_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct recorder_request {
	const char *path;       /* the trace.dat to write */
	const char *instance;   /* name of the tracing instance */
	const char *tracefs;    /* its mount point */
	unsigned int buffer_kb; /* a CPU; 0: chosen by the host's memory */
	pid_t pid;              /* whose threads; 0: ours */
	bool full;              /* all of KVM's events */
	bool irqs;              /* and irq_handler_entry, if there is one */
};

/* An argument vector; starts as all zeroes. */
struct recorder_args {
	char **arg; /* ends in NULL, as execv() wants it */
	size_t nr;
	bool failed; /* out of memory */
};

/* The command line of trace-cmd record; look at args->failed afterwards. */
void recorder_args_make(struct recorder_args *args,
			const struct recorder_request *req);
void recorder_args_free(struct recorder_args *args);

/* Has trace-cmd turned on all that it was asked for in @instance, a path? */
bool recorder_events_on(const char *instance, bool full);

/* Are the events of our patches in @instance, or in a tracefs? */
bool recorder_events_patched(const char *instance);

#endif
