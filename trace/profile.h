/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits added up in the finest rows that any report is made of: by vCPU, class,
 * cause, program counter, and where they were handled.  Memory grows with the
 * number of different rows, never with the number of events.
 */
#ifndef TL_TRACE_PROFILE_H
#define TL_TRACE_PROFILE_H

#include "cause.h"
#include "esr.h"
#include "hist.h"
#include "pair.h"
#include "vmmap.h"

struct profile_sum {
	uint64_t count;
	uint64_t timed;       /* of these, with a known time to re-entry */
	uint64_t ns, max_ns;  /* from the exit to the re-entry */
	uint64_t user;        /* left KVM for user space */
	uint64_t user_ns;     /* of @ns, from there to the re-entry */
	uint64_t cond_failed; /* of instructions that did not execute */
	struct hist hist;     /* of the times */
};

/* Add @other to @sum. -ENOMEM. */
int profile_sum_merge(struct profile_sum *sum, const struct profile_sum *other);
void profile_sum_free(struct profile_sum *sum);

/* The time that @permille thousandths of the exits did not exceed, in ns. */
uint64_t profile_sum_quantile(const struct profile_sum *sum,
			      unsigned int permille);

/* Classes: the 64 exception classes of a trap, then the other kinds of exit. */
#define PROFILE_CLASSES (EC_COUNT + EXIT_KINDS)

/* An exit that KVM handled alone; else profile_row.user is KVM's exit reason */
#define PROFILE_KERNEL 0xff

struct profile_row {
	uint64_t pc;
	uint32_t cause; /* index into profile.cause */
	uint16_t vcpu;  /* index into profile.vcpu */
	uint8_t class;
	uint8_t user; /* KVM_EXIT_*, or PROFILE_KERNEL */
	bool early;   /* before the vCPU's first @virt_base address */
	struct profile_sum sum;
};

struct profile_vcpu {
	int tid;
	int vcpu;   /* -1: not known */
	bool high;  /* has executed at @virt_base or above */
	int thread; /* the one that did */
};

struct profile_irq {
	int number;
	char name[24];
};

struct profile_memo;
struct profile_like;

struct profile {
	const struct vmmap *map;
	/* for the caller to set after profile_init(); times in ns, as in events */
	uint64_t from, to;  /* exits outside of [from, to) are not counted in */
	uint64_t virt_base; /* see profile_row.early; 0: do not tell */
	struct profile_vcpu *vcpu;
	size_t count, space, recent;
	struct cause *cause; /* each once; index 0 is none's */
	size_t nr_causes, cause_space;
	uint32_t *cause_slot;
	struct profile_row *row; /* by key; empty ones have a count of 0 */
	size_t used, row_space;
	struct profile_like *like;
	struct profile_memo *memo; /* of exits whose row is known, may be NULL */
	bool whole; /* neither a window nor early addresses to look at */
	struct profile_irq *irq;
	size_t nr_irqs;
	uint64_t foreign; /* exits of threads that are not of the map's VM */
	uint64_t outside; /* exits outside of [from, to) */
	bool oom;
};

void profile_init(struct profile *profile, const struct vmmap *map);
void profile_free(struct profile *profile);

/*
 * Add one exit; @opaque is the struct profile: a sink for pair_new().  What
 * goes wrong sets @oom.
 */
void profile_exit(const struct trap_exit *exit, void *opaque);

/*
 * The row that @exit was or would be counted in; its @sum is empty.  False if
 * it is not to be counted: of another VM, outside of the window, or no memory.
 */
bool profile_key(struct profile *profile, const struct trap_exit *exit,
		 struct profile_row *key);

/* Before the same exits are given to profile_key() once more. */
void profile_rewind(struct profile *profile);

/* Sort the vCPUs by number, then thread.  After the last profile_exit(). */
int profile_sort(struct profile *profile);

/* Name of a cause, with the interrupt's where it is known. */
void profile_cause_name(const struct profile *profile, uint32_t cause,
			char *buf, size_t size);

#endif
