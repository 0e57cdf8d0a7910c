/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits like one before.  Nearly all of a trace are a few exits, again and
 * again: records of the same events with the same fields, but for the times and
 * the running numbers.  Where the bytes are those of an exit that was read
 * before, so is what is known of it.
 */
#ifndef TL_TRACE_PAIR_REPEAT_H
#define TL_TRACE_PAIR_REPEAT_H

#include <string.h>

#include "pair-take.h"
#include "record-format.h"

#define REPEAT_WAYS    2
#define REPEAT_SLOTS   (PAIR_LIKES / REPEAT_WAYS)
#define REPEAT_RECORDS 12
#define REPEAT_BYTES   448

/* So many are compared at once; behind a span's end they can be read. */
#define REPEAT_BLOCK DAT_SLACK

/* The records of an exit, from the first to the entry that ends it. */
struct repeat {
	uint16_t length; /* bytes; 0: none */
	uint8_t records;
	uint8_t user;                   /* which is kvm_userspace_exit; or 0 */
	uint16_t start[REPEAT_RECORDS]; /* bytes */
	uint8_t type[REPEAT_RECORDS];   /* EV_TYPES: none */
	uint16_t nr, trap_nr;           /* where running numbers are; or 0 */
	/* in the span that is being read: how often it was of use, and others */
	uint32_t used;
	struct repeat *also;
	struct trap_exit exit;
	/* 16 bytes that are compared, and 16 that say which of their bits */
	uint64_t bytes[REPEAT_BYTES / 16][2][2];
};

/* Of one PC; the same instruction may leave the guest in more ways than one. */
struct repeat_slot {
	uint64_t pc;
	uint32_t misses; /* since it last was of use */
	uint32_t recent; /* the way that was of use last */
	struct repeat way[REPEAT_WAYS];
};

/*
 * Remember the exit that has just been handed on: its records are from @from to
 * before @to, all of @span.  Does nothing with one that is not worth it.
 */
void repeat_learn(struct pair *pair, const struct record_span *span,
		  const uint8_t *from, const uint8_t *to,
		  const struct trap_exit *exit);

/*
 * Hand on the exits whose records, from @at on, are those of some that are
 * remembered; the first record is an exit's, as @format has it, and @thread's.
 * Where that ends; @span's time and number of records taken are moved along.
 */
const uint8_t *repeat_take(struct pair *pair, struct pair_thread *thread,
			   struct pairing *p,
			   const struct record_format *format,
			   const uint8_t *at, struct record_span *span);

#endif
