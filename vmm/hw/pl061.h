/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PrimeCell GPIO (PL061), ARM DDI 0190B: eight lines, their direction, data and
 * interrupts.  Nothing listens to the lines that the guest drives.
 */
#ifndef TL_HW_PL061_H
#define TL_HW_PL061_H

#include <stdbool.h>

#include "core/irq.h"
#include "core/mmio.h"

#define PL061_MMIO_SIZE 0x1000
#define PL061_LINES     8

struct pl061;

struct pl061_config {
	struct irq_line irq; /* level-sensitive, high while GPIOMIS != 0 */
};

extern const struct mmio_ops pl061_mmio_ops;

/* All inputs are low.  NULL only when out of memory. */
struct pl061 *pl061_new(const struct pl061_config *config);
void pl061_free(struct pl061 *gpio);

/* Registers as after power-on; what drives the inputs goes on doing so. */
void pl061_reset(struct pl061 *gpio);

/*
 * Drive input @line, below PL061_LINES; other numbers are ignored.  What the
 * guest has made an output does not show it.  Any thread.
 */
void pl061_set_input(struct pl061 *gpio, unsigned int line, bool level);

#endif
