/* SPDX-License-Identifier: GPL-2.0-only */
/* `trapline top`: what VMs and their vCPUs exit for, live. */
#ifndef TL_TOP_H
#define TL_TOP_H

#include <stdio.h>

#include "lib/error.h"

/* The subcommand with its arguments; help and batch mode print to @out. */
enum tl_status top_run(int argc, char **argv, FILE *out, struct error *err);

#endif
