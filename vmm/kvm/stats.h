/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters KVM keeps for a vCPU: from KVM_GET_STATS_FD (4.133; Linux 5.14),
 * or from debugfs where the host is older.
 */
#ifndef TL_KVM_STATS_H
#define TL_KVM_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "kvm/vcpu.h"
#include "kvm/vm.h"
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

/* How one statistic is to be read: struct kvm_stats_desc, told apart. */
enum stats_type {
	STATS_CUMULATIVE,
	STATS_INSTANT,
	STATS_PEAK,
	STATS_LINEAR_HIST,
	STATS_LOG_HIST,
};

enum stats_unit {
	STATS_NO_UNIT,
	STATS_BYTES,
	STATS_SECONDS,
	STATS_CYCLES,
	STATS_BOOLEAN,
};

struct stats_desc {
	char name[STATS_NAME_MAX];
	enum stats_type type;
	enum stats_unit unit;
	unsigned int base; /* 2 or 10: a value counts @base^@exponent units */
	int exponent;
	unsigned int bucket_size; /* STATS_LINEAR_HIST */
	unsigned int nr;          /* values: 1, or the buckets of a histogram */
};

/*
 * Statistics descriptors of the VM and of a vCPU.  The vCPU must not be
 * running; afterwards its descriptor can be read at any time.  A descriptor, or
 * -ENOSYS where the host has none, or -errno.
 */
int stats_open_vm(const struct vm *vm);
int stats_open_vcpu(const struct vcpu *vcpu);

/*
 * Call @fn for each statistic of descriptor @fd, with desc->nr values, until it
 * returns other than 0, and return that.  Statistics of a type or unit that is
 * not in the lists above are left out.  -errno where @fd cannot be read.
 */
int stats_walk(int fd,
	       int (*fn)(void *opaque, const struct stats_desc *desc,
			 const uint64_t *value),
	       void *opaque);

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
