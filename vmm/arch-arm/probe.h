/* SPDX-License-Identifier: GPL-2.0-only */
/* What this host's KVM can do, for `trapline doctor`; no VM is left behind. */
#ifndef TL_ARCH_ARM_PROBE_H
#define TL_ARCH_ARM_PROBE_H

#include <stdbool.h>

#include "lib/error.h"

struct host_probe {
	bool can_open;         /* /dev/kvm, with the interface's version 12 */
	bool can_create;       /* a VM; what follows is valid only then */
	struct error why;      /* the first of the two that failed */
	unsigned int ipa_bits; /* of guest-physical addresses, at most */
	bool guest32;          /* AArch32 at EL1, or an ARMv7 host */
	bool guest64;
	bool gicv2, gicv3;
	unsigned int max_vcpus;
	bool irqfd, ioeventfd;
	bool readonly_mem;
	bool coalesced_mmio;
	bool immediate_exit;
	bool stats;   /* KVM_GET_STATS_FD */
	bool patched; /* it has the counters of kernel-patches/ */
};

void host_probe(struct host_probe *probe);

#endif
