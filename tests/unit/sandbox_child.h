/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests of the sandbox: something that is done in a thread of a kind, in
 * a process of its own, which it may end.
 */
#ifndef TESTS_SANDBOX_CHILD_H
#define TESTS_SANDBOX_CHILD_H

#include <stddef.h>
#include <sys/types.h>

enum place {
	IN_THE_OPEN,
	IN_VCPU_THREAD,
	IN_WORKER_THREAD,
	IN_LATER_WORKER, /* of a guest's reset: the main thread is shut in */
	IN_MAIN_THREAD,
	IN_A_PARENT /* the main thread of a VM that has child processes */
};

/* In the child: who started it. */
extern pid_t sandbox_parent;

/*
 * Do @fn in such a thread of this process, which ends with status 0 if it
 * returns: for a child that has something to do before.
 */
void sandbox_run(enum place place, void (*fn)(void));

/* Its exit status, and in @text what it wrote to stderr.  0 where @fn returns. */
int sandbox_child(enum place place, void (*fn)(void), char *text, size_t size);

/* @fn returns, and nothing is said. */
void sandbox_allowed(enum place place, void (*fn)(void));

/* @fn ends the process with one line, that @says who called what. */
void sandbox_forbidden(enum place place, void (*fn)(void), const char *says);

#endif
