/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits added up: by vCPU, and within one by class, by cause and by PC.  Memory
 * grows with the number of different keys, never with the number of events.
 */
#ifndef TL_TRACE_PROFILE_H
#define TL_TRACE_PROFILE_H

#include "cause.h"
#include "esr.h"
#include "pair.h"
#include "vmmap.h"

struct profile_sum {
	uint64_t count;
	uint64_t timed; /* of these, with a known time to re-entry */
	uint64_t ns, max_ns;
	uint64_t user;    /* left KVM for user space */
	uint64_t user_ns; /* time spent there */
};

/* Add @other to @sum. */
void profile_sum_merge(struct profile_sum *sum,
		       const struct profile_sum *other);

/* Classes: the 64 exception classes of a trap, then the other kinds of exit. */
#define PROFILE_CLASSES (EC_COUNT + EXIT_KINDS)

struct profile_row {
	union {
		struct cause cause;
		struct {
			uint64_t pc;
			uint64_t class;
		};
	};
	struct profile_sum sum;
	struct cause why; /* of a PC's row: the first cause seen there */
	bool mixed;       /* ... and it was not the only one */
};

/* Rows by key, in no order; empty slots have a count of 0. */
struct profile_table {
	struct profile_row *row;
	size_t used, space;
};

struct profile_vcpu {
	int tid;
	int vcpu; /* -1: not known */
	struct profile_sum all;
	struct profile_sum class[PROFILE_CLASSES];
	struct profile_table cause, pc;
	uint64_t traps;
	uint64_t unknown;     /* exits whose cause the trace does not tell */
	uint64_t cond_failed; /* traps of an instruction that did not execute */
};

struct profile {
	const struct vmmap *map;
	struct profile_vcpu **vcpu;
	size_t count, space, recent;
	uint64_t foreign; /* exits of threads that are not of the map's VM */
	bool oom;
};

void profile_init(struct profile *profile, const struct vmmap *map);
void profile_free(struct profile *profile);

/* Add one exit; @opaque is the struct profile: a sink for pair_new(). */
void profile_exit(const struct trap_exit *exit, void *opaque);

/* Sort the vCPUs by number, then thread. */
void profile_sort(struct profile *profile);

/* Everything of @profile in one @total, to be freed. -ENOMEM. */
int profile_total(const struct profile *profile, struct profile_vcpu *total);
void profile_vcpu_free(struct profile_vcpu *vcpu);

/*
 * The rows of @table that have group @group (-1: all), the most frequent first;
 * ties in the order of their keys.  NULL and @count 0 if there is none, NULL
 * and @count 1 if out of memory.
 */
const struct profile_row **profile_rank(const struct profile_table *table,
					int group, size_t *count);

#endif
