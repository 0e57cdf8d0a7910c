/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process between us and trace-cmd that cleans up when we cannot.  trace-cmd
 * takes a second to start, and until it handles signals one that ends it leaves
 * its tracing instance with events on; later it removes that itself.
 */
#ifndef TL_RECORDER_GUARD_H
#define TL_RECORDER_GUARD_H

#include <sys/types.h>

struct recorder_guard {
	const char *program;
	char *const *argv;
	int stderr_fd; /* of @program */
	/* Removes what @program leaves.  It runs in a copy of this process, of
	 * which guest memory and descriptors other than 0 to 2 are no part. */
	void (*sweep)(void *opaque);
	void *opaque;
};

/*
 * Start @guard's program in a process group of its own, which has the id that is
 * returned; -1 and errno if there is no process to be had.  The process of that
 * id hands SIGINT and SIGTERM to the program as SIGINT, as it does when the thread
 * that called this ends.  It ends when the program did and @sweep has run, with
 * the program's status or 128 and the signal's number (127: the program could not
 * be executed).
 */
pid_t recorder_guard_start(const struct recorder_guard *guard);

#endif
