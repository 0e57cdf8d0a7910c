/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What newer hosts have and older ones lack, by name.  Each is asked of KVM at
 * run time, has something that stands in for it, and can be switched off
 * (--disable-cap), so that what stands in is tested on any host.
 */
#ifndef TL_CORE_HOST_CAP_H
#define TL_CORE_HOST_CAP_H

#include "lib/error.h"

/* A bit each; the Linux version is the first that has it on 32-bit ARM. */
#define HOST_CAP_IRQFD            (1U << 0) /* 4.1 */
#define HOST_CAP_IOEVENTFD        (1U << 1) /* 4.1 */
#define HOST_CAP_READONLY_MEM     (1U << 2) /* 3.17 */
#define HOST_CAP_COALESCED_MMIO   (1U << 3)
#define HOST_CAP_PSCI_0_2         (1U << 4) /* 3.16 */
#define HOST_CAP_DEVICE_CTRL      (1U << 5) /* 3.13 */
#define HOST_CAP_PREFERRED_TARGET (1U << 6) /* 3.13 */
#define HOST_CAP_IMMEDIATE_EXIT   (1U << 7) /* 4.11 */
#define HOST_CAP_STATS_FD         (1U << 8) /* none: arm64, 5.14 */

/*
 * A list of names with commas between, to bits.  -EINVAL with status TL_USAGE
 * for a name that is none, and a line that lists them all.
 */
int host_cap_parse(const char *list, unsigned int *caps, struct error *err);

#endif
