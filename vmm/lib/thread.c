// SPDX-License-Identifier: GPL-2.0-only
#include "lib/thread.h"

#define STACK_SIZE (256 * 1024)

static void (*on_enter)(enum thread_kind kind);

void thread_enter(enum thread_kind kind)
{
	if (on_enter)
		on_enter(kind);
}

void thread_set_enter(void (*enter)(enum thread_kind kind))
{
	on_enter = enter;
}

int thread_start(pthread_t *thread, void *(*run)(void *), void *opaque)
{
	pthread_attr_t attr;
	int ret;

	ret = pthread_attr_init(&attr);
	if (ret)
		return ret;
	ret = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (!ret)
		ret = pthread_create(thread, &attr, run, opaque);
	pthread_attr_destroy(&attr);
	return ret;
}
