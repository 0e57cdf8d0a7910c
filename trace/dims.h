/* SPDX-License-Identifier: GPL-2.0-only */
/* What exits can be told apart by: the words of --by, and of the filters. */
#ifndef TL_TRACE_DIMS_H
#define TL_TRACE_DIMS_H

#include "symbols.h"

enum dim {
	DIM_VCPU,
	DIM_THREAD,
	DIM_CLASS,
	DIM_GROUP,
	DIM_CAUSE,
	DIM_DEVICE,
	DIM_REGISTER,
	DIM_DIR,
	DIM_HYPERCALL,
	DIM_IRQ,
	DIM_USER,
	DIM_SYMBOL,
	DIM_PC,
	DIMS
};

#define DIM_NAME 192 /* bytes that any name fits in */

/* What names are made from. */
struct view {
	const struct profile *profile;
	const struct symbols *symbols; /* NULL: none */
};

/* The word for --by; what it means. */
const char *dim_word(enum dim dim);
const char *dim_text(enum dim dim);

/* True if its names are decimal numbers (or "-"). */
bool dim_is_number(enum dim dim);

/* -EINVAL if @word, of @length bytes, is none. */
int dim_parse(const char *word, size_t length, enum dim *dim);

/*
 * What @row is by @dim; "-" where that says nothing of it.  A @buf of DIM_NAME
 * bytes is enough.
 */
void dim_name(const struct view *view, enum dim dim,
	      const struct profile_row *row, char *buf, size_t size);

/* A class's short name (IRQ, DABT_LOW), and its long one. */
const char *class_name(unsigned int class);
const char *class_text(unsigned int class);

#endif
