/* SPDX-License-Identifier: GPL-2.0-only */
/* Options that are unknown here, and those of lkvm among them. */
#ifndef TL_CONFIG_LKVM_H
#define TL_CONFIG_LKVM_H

#include "lib/error.h"

/* @arg is what getopt stopped at: the whole word.  -EINVAL with TL_USAGE. */
int config_unknown_option(const char *arg, struct error *err);

#endif
