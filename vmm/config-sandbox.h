/* SPDX-License-Identifier: GPL-2.0-only */
/* What --sandbox=full does not go with. */
#ifndef TL_CONFIG_SANDBOX_H
#define TL_CONFIG_SANDBOX_H

#include "config.h"

/* -EINVAL with TL_USAGE. */
int config_check_sandbox(const struct run_config *cfg, struct error *err);

#endif
