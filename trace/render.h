/* SPDX-License-Identifier: GPL-2.0-only */
/* The report as text. */
#ifndef TL_TRACE_RENDER_H
#define TL_TRACE_RENDER_H

#include <stdio.h>

#include "analysis.h"

/*
 * Write the report to @out; @top: rows of each table, 0 for all.
 * 0, or -ENOMEM.  Write errors stay in @out for ferror().
 */
int render_text(FILE *out, const struct analysis *analysis, unsigned int top);

#endif
