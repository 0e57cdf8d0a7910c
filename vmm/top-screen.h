/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal of `trapline top`, by ncurses. */
#ifndef TL_TOP_SCREEN_H
#define TL_TOP_SCREEN_H

#include "lib/error.h"
#include "top-rows.h"

/* Take the terminal over.  TL_CONSOLE: it is none, or of an unknown type. */
int top_screen_open(struct error *err);
void top_screen_close(void);

/* @summary above the table, @note below it. */
void top_screen_draw(const char *summary, const struct top_table *table,
		     const struct top_options *options, const char *note);

enum top_key {
	TOP_NONE,   /* nothing came in time */
	TOP_REDRAW, /* the window has another size, or rows are scrolled */
	TOP_QUIT,
	TOP_VCPUS, /* with or without rows for them */
	TOP_LEFT,  /* sort by the next column to the left */
	TOP_RIGHT,
	TOP_BY_NAME,
	TOP_BY_CPU,
	TOP_BY_EXITS,
	TOP_TRACE,   /* tracing on or off */
	TOP_REFRESH, /* at once */
};

/* Wait @ms at most. */
enum top_key top_screen_key(int ms);

#endif
