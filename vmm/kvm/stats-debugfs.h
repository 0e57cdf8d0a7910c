/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The statistics of a host without KVM_GET_STATS_FD (before Linux 5.14), from
 * debugfs: kvm/PID-FD/NAME is a sum over the vCPUs of the VM, and the patches
 * add kvm/PID-FD/vcpuN/NAME.  For stats.c alone.
 */
#ifndef TL_KVM_STATS_DEBUGFS_H
#define TL_KVM_STATS_DEBUGFS_H

#include <stdbool.h>
#include <stdint.h>

#include "kvm/stats.h"

/*
 * The directory with @vcpu's statistics.  -ENOSYS where there is none: debugfs
 * is not mounted or not ours to read, or the host has only sums and the VM more
 * than one vCPU.
 */
int stats_debugfs_open(const struct vcpu *vcpu);

/* Whether @fd came from there. */
bool stats_is_debugfs(int fd);

/* See stats_walk(): each file that has a number is a cumulative counter. */
int stats_debugfs_walk(int fd,
		       int (*fn)(void *opaque, const struct stats_desc *desc,
				 const uint64_t *value),
		       void *opaque);

#endif
