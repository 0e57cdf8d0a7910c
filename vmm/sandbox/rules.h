/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each kind of thread may ask of the kernel: the table from which
 * generate.c makes the filters when trapline is built.  docs/security.md says
 * how they are applied.
 */
#ifndef TL_SANDBOX_RULES_H
#define TL_SANDBOX_RULES_H

#include <stdint.h>

/* Who may; the main thread has every rule of the others, whom it starts. */
#define IN_MAIN   0U
#define IN_VCPU   1U
#define IN_WORKER 2U
#define IN_ALL    (IN_VCPU | IN_WORKER)
/* The main thread of a VM that has child processes: passt, trace-cmd. */
#define IN_PARENT 4U

/* Stands for our process id, which is known when the filter is installed. */
#define RULE_OWN_PID 0x7ead0001

struct sandbox_rule {
	/* As Linux has it; one that an architecture has not is passed over. */
	const char *call;
	unsigned int in;
	/* Only if argument @arg, 0 and up, and-ed with @mask is @value; @mask
	 * 0: whatever the arguments. */
	unsigned int arg;
	uint32_t mask;
	uint32_t value;
	/* Not 0: it is not executed and fails with this error. */
	unsigned int fails;
};

/* ioctl() by request, of which type and number count (_IOC_TYPE, _IOC_NR). */
struct sandbox_ioctl {
	unsigned int request;
	unsigned int in;
};

/* Both end with a row of zeros. */
extern const struct sandbox_rule sandbox_rules[];
extern const struct sandbox_ioctl sandbox_ioctls[];

/* KVM_RUN: the first that a filter looks for. */
extern const unsigned int sandbox_fast_ioctl;

#endif
