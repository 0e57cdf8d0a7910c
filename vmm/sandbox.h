/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process gives up what a running VM does not need: new privileges,
 * capabilities, and all system calls but those that sandbox/rules.c lists for
 * each kind of thread.  docs/security.md is the whole of it.
 */
#ifndef TL_SANDBOX_H
#define TL_SANDBOX_H

#include <stdbool.h>

#include "lib/error.h"

enum sandbox_mode {
	SANDBOX_AUTO, /* SECCOMP, with a warning where the host has none */
	SANDBOX_NONE,
	SANDBOX_SECCOMP,
	SANDBOX_FULL, /* and namespaces of its own: sandbox-root.h */
};

/* The value of --sandbox.  -EINVAL with status TL_USAGE. */
int sandbox_parse(const char *arg, enum sandbox_mode *mode, struct error *err);

/*
 * Before the first thread: from here on each thread that comes to
 * thread_enter() has its own list.  A thread that asks for something else ends
 * the process with status TL_SANDBOX and one line that names the call and the
 * thread.  -ENOSYS with status TL_HOST if the host's kernel has no filters and
 * @mode is SANDBOX_SECCOMP or SANDBOX_FULL.
 */
int sandbox_open(enum sandbox_mode mode, struct error *err);

/*
 * The VM is built, its helpers run: the calling thread, the main one, is shut
 * in, too, and so is every thread that it starts from now on.  Once a process;
 * later calls do nothing.  @parent: it may send signals, as it has processes to
 * end.  -errno with status TL_HOST.
 */
int sandbox_lock(bool parent, struct error *err);

#endif
