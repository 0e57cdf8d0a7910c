/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters KVM keeps for a vCPU (KVM_GET_STATS_FD, 4.133; Linux 5.14). */
#ifndef TL_KVM_STATS_H
#define TL_KVM_STATS_H

#include <stdint.h>

#include "kvm/vcpu.h"
#include "lib/error.h"

#define STATS_MAX      128
#define STATS_NAME_MAX 48

struct stats_counter {
	char name[STATS_NAME_MAX];
	uint64_t value;
};

struct stats {
	unsigned int nr;
	struct stats_counter counter[STATS_MAX];
};

/*
 * Read @vcpu's counters and add them to those of the same name in @total, which
 * starts all zero; so sums over several boots come out.  What is not one
 * running count (histograms, instantaneous values) is left out.  The vCPU's
 * thread must have ended.  -ENOSYS where the host has no statistics descriptor
 * (@err stays empty), else status TL_HOST.
 */
int stats_add(const struct vcpu *vcpu, struct stats *total, struct error *err);

/* The counter called @name, or NULL. */
const struct stats_counter *stats_find(const struct stats *stats,
				       const char *name);

#endif
