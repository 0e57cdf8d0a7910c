/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cause of an exit: from its syndrome and from what the kernel said while
 * handling it, which register, device, call or fault it was.
 */
#ifndef TL_TRACE_CAUSE_H
#define TL_TRACE_CAUSE_H

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

/* True if the trace has too little to say more than the exception class. */
bool cause_unknown(const struct cause *cause);

void cause_name(const struct cause *cause, const struct vmmap *map, char *buf,
		size_t size);

#endif
