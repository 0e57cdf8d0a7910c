/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cause of an exit: from its syndrome and from what the kernel said while
 * handling it, which register, device, call or fault it was.
 */
#ifndef TL_TRACE_CAUSE_H
#define TL_TRACE_CAUSE_H

#include "esr.h"
#include "pair.h"
#include "vmmap.h"

enum cause_group {
	CAUSE_CALL,   /* HVC, SMC */
	CAUSE_MMIO,   /* a device's register */
	CAUSE_SYSREG, /* a system or coprocessor register */
	CAUSE_MEMORY, /* stage-2 faults and addresses that nobody claims */
	CAUSE_OTHER,
	CAUSE_GROUPS
};

/*
 * A key: equal causes are equal bytes, so a cause starts out as all zeroes.
 * @value is an address, a register, a function identifier: see cause.c.
 */
struct cause {
	uint8_t group;
	uint8_t type; /* within the group */
	uint8_t dir;  /* enum esr_dir */
	uint8_t ec;   /* where the class makes a difference to the name */
	uint32_t index;
	uint64_t value;
};

void cause_of(const struct trap_exit *exit, const struct vmmap *map,
	      struct cause *cause);

const char *cause_group_name(enum cause_group group);

/*
 * Parts of a cause's name, for sums by these alone: the device ("" for an
 * address that none claims), its or the processor's register, the function that
 * a hypercall asked for.  False if the cause has no such part.
 */
bool cause_device(const struct cause *cause, const struct vmmap *map, char *buf,
		  size_t size);
bool cause_register(const struct cause *cause, const struct vmmap *map,
		    char *buf, size_t size);
bool cause_call(const struct cause *cause, char *buf, size_t size);

/* The host's interrupt, if it is one whose number is known. */
bool cause_irq(const struct cause *cause, int *number);

/* True if the trace has too little to say more than the exception class. */
bool cause_unknown(const struct cause *cause);

/* What the trace would need to have for a cause_unknown(). */
const char *cause_missing(const struct cause *cause);

void cause_name(const struct cause *cause, const struct vmmap *map, char *buf,
		size_t size);

#endif
