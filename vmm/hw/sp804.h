/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dual-timer module (SP804), ARM DDI 0271D: two down-counters with one
 * interrupt line, as the Versatile Express motherboard wires them (TIMINTC).
 */
#ifndef TL_HW_SP804_H
#define TL_HW_SP804_H

#include "core/clock.h"
#include "core/irq.h"
#include "core/mmio.h"

#define SP804_MMIO_SIZE 0x1000

struct sp804;

struct sp804_config {
	struct irq_line irq; /* level-sensitive, high while a TimerMIS is set */
	struct clock clock;  /* any origin; must not go backwards */
	uint32_t freq_hz;    /* of TIMCLK, 1 kHz to 1 GHz */
};

extern const struct mmio_ops sp804_mmio_ops;

/* NULL only when out of memory. */
struct sp804 *sp804_new(const struct sp804_config *config);
void sp804_free(struct sp804 *timers);

/*
 * The next interrupt: nanoseconds on the injected clock's scale, or UINT64_MAX
 * if none is to come; sp804_tick() is then called at or after that time.
 * @changed in sp804_set_alarm_cb() tells the owner, under the device's lock,
 * that it moved.
 */
uint64_t sp804_deadline_ns(struct sp804 *timers);
void sp804_tick(struct sp804 *timers);
void sp804_set_alarm_cb(struct sp804 *timers, void (*changed)(void *opaque),
			void *opaque);

#endif
