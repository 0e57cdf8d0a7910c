/* SPDX-License-Identifier: GPL-2.0-only */
/* What a register that switches the board off does it with. */
#ifndef TL_HW_POWER_H
#define TL_HW_POWER_H

/* Called on a vCPU thread, under no lock; the guest runs on for a while. */
struct power_switch {
	void (*off)(void *opaque);
	void (*reset)(void *opaque);
	void *opaque;
};

#endif
