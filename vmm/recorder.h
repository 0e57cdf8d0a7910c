/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording: a trace-cmd beside us writes those KVM events that a profile
 * needs and that our threads, or another process's, cause, in a tracing instance
 * of its own, so that neither another tracer nor another VM is disturbed or
 * mixed in.
 */
#ifndef TL_RECORDER_H
#define TL_RECORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

struct recorder;

struct recorder_config {
	const char *path;         /* the trace.dat to write */
	const char *tracefs;      /* its mount point; NULL: find it */
	const char *program;      /* NULL: trace-cmd, from PATH */
	unsigned int buffer_kb;   /* a CPU; 0: chosen by the host's memory */
	unsigned int patience_ms; /* for trace-cmd to start; 0: 20 s */
	pid_t pid;                /* whose threads; 0: ours */
	bool full;                /* all of KVM's events */
	bool irqs;                /* and irq_handler_entry */
};

/*
 * Start recording.  On return every event is being recorded that comes from
 * the process's present threads and, where the host's tracefs has event-fork
 * (Linux 4.8), from threads they make later; older hosts record all threads on
 * the machine.  Status TL_TRACE: no trace-cmd, no permission, no tracefs, no
 * kvm events, file not writable, or trace-cmd's own first line of complaint.
 * Nothing is left behind after an error.
 */
int recorder_start(const struct recorder_config *config, struct recorder **out,
		   struct error *err);

/* What the ring buffers have had until now, and what did not fit into them. */
struct recorder_counts {
	uint64_t events, lost;
};
struct recorder_counts recorder_count(const struct recorder *recorder);

/* Has the host's kernel the events of our patches? */
bool recorder_patched(const struct recorder *recorder);

/*
 * End the recording, wait until the file is complete, free @recorder.  Status
 * TL_TRACE if trace-cmd failed or does not end.  NULL is fine.
 */
int recorder_stop(struct recorder *recorder, struct error *err);

#endif
