/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One register by which a guest powers off or resets the board, where the
 * host's KVM has no PSCI 0.2 to do it with.  The device tree tells Linux about
 * it: power/reset/syscon-poweroff.yaml and syscon-reboot.yaml.
 */
#ifndef TL_HW_POWER_REG_H
#define TL_HW_POWER_REG_H

#include "core/mmio.h"
#include "hw/power.h"

/* What to write to offset 0; it reads as 0. */
#define POWER_REG_OFF   1
#define POWER_REG_RESET 2

struct power_reg {
	struct power_switch power;
};

/* The device is a struct power_reg. */
extern const struct mmio_ops power_reg_mmio_ops;

#endif
