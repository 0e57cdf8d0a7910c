/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread that unpacks the next part of each stream; see dat-ahead.c. */
#ifndef TL_TRACE_DAT_AHEAD_H
#define TL_TRACE_DAT_AHEAD_H

#include "dat.h"

/* Have what follows @stream's chunk unpacked, if there is enough of it. */
void dat_ahead_begin(struct dat *dat, struct dat_stream *stream);

/*
 * The next part, and have the one behind it unpacked.  False, with the stream
 * as it was: there is none, or it cannot be read.
 */
bool dat_ahead_take(struct dat *dat, struct dat_stream *stream);

/* Forget what was unpacked of @stream. */
void dat_ahead_end(struct dat *dat, struct dat_stream *stream);

/* The same for all streams; the thread ends. */
void dat_ahead_stop(struct dat *dat);

#endif
