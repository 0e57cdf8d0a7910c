/* SPDX-License-Identifier: GPL-2.0-only */
/* PrimeCell real-time clock (PL031), ARM DDI 0224C. */
#ifndef TL_HW_PL031_H
#define TL_HW_PL031_H

#include "core/clock.h"
#include "core/irq.h"
#include "core/mmio.h"

#define PL031_MMIO_SIZE 0x1000

struct pl031;

struct pl031_config {
	struct irq_line irq; /* level-sensitive, high while RTCMIS is set */
	struct clock clock;
};

extern const struct mmio_ops pl031_mmio_ops;

/* NULL only when out of memory. */
struct pl031 *pl031_new(const struct pl031_config *config);
void pl031_free(struct pl031 *rtc);
void pl031_reset(struct pl031 *rtc);

/*
 * The match interrupt: nanoseconds (on the injected clock's scale) at which it
 * comes due, or UINT64_MAX if none is pending; pl031_tick() is then called at
 * or after that time.  @changed in pl031_set_alarm_cb() tells the owner, under
 * the device's lock, that the deadline moved.
 */
uint64_t pl031_deadline_ns(struct pl031 *rtc);
void pl031_tick(struct pl031 *rtc);
void pl031_set_alarm_cb(struct pl031 *rtc, void (*changed)(void *opaque),
			void *opaque);

#endif
