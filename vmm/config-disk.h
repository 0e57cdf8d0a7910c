/* SPDX-License-Identifier: GPL-2.0-only */
/* The value of -d: FILE[,OPTION...]. */
#ifndef TL_CONFIG_DISK_H
#define TL_CONFIG_DISK_H

#include "config.h"

/*
 * Add the disk that @arg describes to @cfg; @arg is cut up and pointed into.
 * Options are taken from the end as long as they are options: any other comma
 * is part of the file's name.  TL_USAGE.
 */
int config_parse_disk(char *arg, struct run_config *cfg, struct error *err);

#endif
