/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the trace counted against what the kernel counted.  A trace that lost
 * events is never called complete.
 */
#ifndef TL_TRACE_TOTALS_H
#define TL_TRACE_TOTALS_H

#include "pair.h"
#include "reader.h"
#include "vmmap.h"

enum totals_verdict {
	TOTALS_UNCHECKED, /* the kernel's counters are not known */
	TOTALS_MATCH,
	TOTALS_MISMATCH
};

struct totals_vcpu {
	int vcpu; /* -1: thread @tid, whose vCPU is not known */
	int tid;
	uint64_t exits, traps;           /* in the trace */
	uint64_t lost_exits, lost_traps; /* known to be missing */
	uint64_t before;                 /* exits before the recording began */
	uint64_t unpaired;               /* exits without a re-entry */
	struct vmmap_count kernel_exits, kernel_traps, kernel_hyp;
	enum totals_verdict verdict;
};

struct totals {
	struct totals_vcpu *vcpu; /* by number, then thread */
	size_t count;
	struct totals_vcpu all;
	uint64_t foreign_exits; /* of threads that the side file does not name */
	bool complete; /* nothing was lost, or the kernel's counters agree */
};

/*
 * Add up @thread by vCPU.  -ENOMEM; -ENOENT if the side file names threads and
 * none of them left the guest in this trace.
 */
int totals_make(struct totals *totals, const struct pair_thread *thread,
		size_t count, const struct vmmap *map,
		const struct reader_info *info);
void totals_free(struct totals *totals);

#endif
