/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of config.c that is about consoles, serial port and named ports. */
#ifndef TL_CONFIG_PORTS_H
#define TL_CONFIG_PORTS_H

#include "config.h"

/* One option's argument, which may be cut into pieces.  Status TL_USAGE. */
int config_parse_console(char *arg, struct run_config *cfg, struct error *err);
int config_parse_serial(char *arg, struct run_config *cfg, struct error *err);
int config_parse_port(char *arg, struct run_config *cfg, struct error *err);

/* After the last option: do they fit together? */
int config_check_ports(const struct run_config *cfg, struct error *err);

#endif
