/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TL_CONFIG_PANIC_H
#define TL_CONFIG_PANIC_H

#include "config.h"

/* The value of --panic.  -EINVAL with status TL_USAGE and one line. */
int config_panic_parse(const char *arg, enum config_panic *panic,
		       struct error *err);

#endif
