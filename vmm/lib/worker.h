/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker: one thread that waits for file descriptors and calls a handler,
 * and that can be held still from outside.
 *
 * Holds nest.  A worker is created with one hold on it; it serves while no hold
 * is left.  A device reset and a pause of the whole VM can so overlap without
 * knowing of each other.
 */
#ifndef TL_LIB_WORKER_H
#define TL_LIB_WORKER_H

#include <stdbool.h>

#include "lib/error.h"

struct worker;

struct worker_config {
	/* Thread name, as ps and gdb show it; the kernel keeps 15 characters. */
	const char *name;
	/* Descriptors to wait on, fds[0..nr_fds-1]; they outlive the worker,
	 * the array need not. */
	const int *fds;
	unsigned int nr_fds;
	/*
	 * fds[@index] is readable, or what worker_watch() asks for.  The
	 * handler reads it empty before it looks for work, or it is called
	 * again at once.  Runs on the worker's thread.
	 */
	void (*ready)(void *opaque, unsigned int index);
	void *opaque;
};

/*
 * Start the thread, with one hold on it.  All signals are blocked in it.
 * -ENOMEM, -EMFILE, -EAGAIN (no more threads).
 */
int worker_new(const struct worker_config *config, struct worker **out,
	       struct error *err);

/*
 * Place a hold.  On return the handler is not running, and it does not run
 * again before worker_resume() takes the last hold off.  Waits for a running
 * handler, so the caller must hold no lock that the handler takes, and must not
 * be the handler.  What becomes readable meanwhile is served after the resume.
 */
void worker_quiesce(struct worker *worker);

/* Take one hold off; each call matches one hold. */
void worker_resume(struct worker *worker);

/*
 * Wait on fds[@index] for @events: POLLIN (as at first), POLLOUT, both, or 0 to
 * hear nothing of it, hang-up and errors included.  From the handler, or while
 * a hold is on the worker.
 */
void worker_watch(struct worker *worker, unsigned int index, short events);

/*
 * For a handler with much to do: someone wants the worker to hold still.  The
 * handler should return soon, leaving what is not done marked on its fd.
 */
bool worker_should_yield(const struct worker *worker);

/* Let a running handler finish, end the thread, join it.  NULL is fine. */
void worker_free(struct worker *worker);

#endif
