// SPDX-License-Identifier: GPL-2.0-only
#include <time.h>

#include "core/clock.h"

static uint64_t realtime_now_ns(void *opaque)
{
	struct timespec ts;

	(void)opaque;
	/* Cannot fail with a clock that exists and a pointer that is good. */
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

const struct clock clock_realtime = { .now_ns = realtime_now_ns };
