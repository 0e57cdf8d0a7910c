/* SPDX-License-Identifier: GPL-2.0-only */
/* Times as nanoseconds in 64 bits, whatever the host's time_t has. */
#ifndef TL_LIB_CLOCK_H
#define TL_LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

/* @ts is a time since an epoch, so never below 0. */
static inline uint64_t timespec_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec;
}

/* CLOCK_MONOTONIC now. */
static inline uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return timespec_ns(&ts);
}

/* The same in whole milliseconds; signed, as what is left to a deadline is. */
static inline int64_t monotonic_ms(void)
{
	return (int64_t)(monotonic_ns() / 1000000);
}

/* @ms milliseconds, of which a 32-bit time_t holds 2^32. */
static inline struct timespec timespec_of_ms(uint32_t ms)
{
	return (struct timespec){
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};
}

/* Or until a signal comes. */
static inline void sleep_ms(uint32_t ms)
{
	const struct timespec ts = timespec_of_ms(ms);

	nanosleep(&ts, NULL);
}

#endif
