/* SPDX-License-Identifier: GPL-2.0-only */
/* `trapline record`: a trace of what a VM of any VMM's traps on. */
#ifndef TL_RECORD_H
#define TL_RECORD_H

#include <stdio.h>

#include "lib/error.h"

/* Run the subcommand; what it has to tell goes to @out. */
enum tl_status record_run(int argc, char **argv, FILE *out, struct error *err);

#endif
