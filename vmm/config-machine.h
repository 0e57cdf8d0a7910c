/* SPDX-License-Identifier: GPL-2.0-only */
/* `trapline run --machine`. */
#ifndef TL_CONFIG_MACHINE_H
#define TL_CONFIG_MACHINE_H

#include "arch-arm/memmap.h"
#include "lib/error.h"

/* *@machine is NULL for virt.  -EINVAL with TL_USAGE for a name that is none. */
int config_parse_machine(const char *arg, const struct memmap **machine,
			 struct error *err);

#endif
