/* SPDX-License-Identifier: GPL-2.0-only */
/* Is trace-cmd ready to be stopped without losing what it should record? */
#ifndef TL_RECORDER_READERS_H
#define TL_RECORDER_READERS_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * trace-cmd makes a process for each CPU, which reads that CPU's ring buffer.
 * One that is told to end before it has begun to read ends without reading, and
 * without a complaint: all that its CPU recorded is lost.
 *
 * Look at the processes of the group @group and add to @seen the CPUs whose
 * buffers in the tracing instance @name are found to be read.  True once each
 * of this machine's CPUs has been.  To be called until then.
 */
bool recorder_readers_seen(cpu_set_t *seen, pid_t group, const char *name);

#endif
