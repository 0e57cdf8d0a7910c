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

#endif
