/* SPDX-License-Identifier: GPL-2.0-only */
/* A clock as a device sees it, so that a test can set the time. */
#ifndef TL_CORE_CLOCK_H
#define TL_CORE_CLOCK_H

#include <stdint.h>

struct clock {
	/* Nanoseconds since the epoch (1970-01-01 00:00 UTC). */
	uint64_t (*now_ns)(void *opaque);
	void *opaque;
};

/* CLOCK_REALTIME of the host. */
extern const struct clock clock_realtime;

#endif
