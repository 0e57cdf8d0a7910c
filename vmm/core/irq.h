/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An interrupt line as a device sees it: something that can be raised, lowered
 * or pulsed.  The machine injects what stands behind it (KVM_IRQ_LINE, an
 * irqfd, a counter in a unit test).
 */
#ifndef TL_CORE_IRQ_H
#define TL_CORE_IRQ_H

#include <stdbool.h>

struct irq_line {
	/* Drive the line; called with the device's lock held, any thread. */
	void (*set)(void *opaque, bool level);
	/* One rising edge, for an edge-triggered line; any thread. */
	void (*pulse)(void *opaque);
	void *opaque;
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
	if (line->set)
		line->set(line->opaque, level);
}

static inline void irq_line_pulse(const struct irq_line *line)
{
	if (line->pulse)
		line->pulse(line->opaque);
}

#endif
