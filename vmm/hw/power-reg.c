// SPDX-License-Identifier: GPL-2.0-only
#include "hw/power-reg.h"

static uint64_t power_reg_read(void *dev, uint64_t offset, unsigned int size)
{
	(void)dev;
	(void)offset;
	(void)size;
	return 0;
}

static void power_reg_write(void *dev, uint64_t offset, unsigned int size,
			    uint64_t val)
{
	const struct power_switch *power = &((struct power_reg *)dev)->power;

	(void)size;
	if (offset)
		return;
	if (val == POWER_REG_OFF)
		power->off(power->opaque);
	else if (val == POWER_REG_RESET)
		power->reset(power->opaque);
}

const struct mmio_ops power_reg_mmio_ops = {
	.read = power_reg_read,
	.write = power_reg_write,
};
