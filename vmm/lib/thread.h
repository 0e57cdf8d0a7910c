/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TL_LIB_THREAD_H
#define TL_LIB_THREAD_H

#include <pthread.h>

/*
 * pthread_create() with a stack that is large enough for everything here and
 * too small for a transparent huge page: with the usual 8 MiB each thread
 * would take, clear and split one, 2 MiB for some 8 KiB.  Returns an error
 * number, 0 for success.
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *opaque);

enum thread_kind {
	THREAD_MAIN, /* the event loop, control */
	THREAD_VCPU,
	THREAD_WORKER, /* serves a device's queues */
};

/*
 * A thread says what it is before it does anything for a guest; what
 * thread_set_enter() was given, NULL for nothing, is then called in it.  Set it
 * before the first thread is started.
 */
void thread_enter(enum thread_kind kind);
void thread_set_enter(void (*enter)(enum thread_kind kind));

#endif
