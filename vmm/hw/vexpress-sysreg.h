/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System registers of the Versatile Express motherboard (V2M-P1), ARM DUI
 * 0447J, chapter 4: identification, flags, counters, and the configuration
 * transactions (SYS_CFG) by which Linux sets clocks, powers off and reboots.
 */
#ifndef TL_HW_VEXPRESS_SYSREG_H
#define TL_HW_VEXPRESS_SYSREG_H

#include "core/clock.h"
#include "core/mmio.h"
#include "hw/power.h"

#define VEXPRESS_SYSREG_SIZE 0x1000

struct vexpress_sysreg;

struct vexpress_sysreg_config {
	struct clock clock; /* any origin; must not go backwards */
	struct power_switch power;
};

extern const struct mmio_ops vexpress_sysreg_mmio_ops;

/* As with the CA15 tile (V2P-CA15) on site 1.  NULL only when out of memory. */
struct vexpress_sysreg *
vexpress_sysreg_new(const struct vexpress_sysreg_config *config);
void vexpress_sysreg_free(struct vexpress_sysreg *regs);

#endif
