/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page that the guest can read and whose writes exit (KVM_MEM_READONLY, 4.35
 * of the API): what is behind struct shadow.
 */
#ifndef TL_KVM_ROPAGE_H
#define TL_KVM_ROPAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "kvm/vm.h"

#define ROPAGE_SIZE 0x1000

struct ropage {
	const struct vm *vm;
	uint8_t *page; /* ROPAGE_SIZE bytes, NULL: there is none */
	uint64_t gpa;
	uint32_t slot;
	bool shown;
};

/*
 * A page of zeros for @gpa, not shown yet.  -ENOSYS if the host has no
 * read-only slots, or pages larger than ROPAGE_SIZE; -ENOMEM.
 */
int ropage_open(struct ropage *rp, struct vm *vm, uint64_t gpa);

/*
 * Put the page into the guest's address space or take it away.  It waits for
 * vCPUs that are handling a fault, so no caller may hold what they need there;
 * they need nothing of ours.  Not two calls at a time.  -errno: all is as it
 * was.
 */
int ropage_show(struct ropage *rp, bool on);

/* After vm_close(); all zero is fine. */
void ropage_close(struct ropage *rp);

#endif
