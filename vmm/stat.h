/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `trapline stat`: KVM's counters of VMs, once for each vCPU (client.h), again
 * and again, or for a monitoring system.
 */
#ifndef TL_STAT_H
#define TL_STAT_H

#include <stdio.h>

#include "lib/error.h"

/* The subcommand with its arguments; prints to @out. */
enum tl_status stat_run(int argc, char **argv, FILE *out, struct error *err);

#endif
