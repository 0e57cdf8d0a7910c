/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes that KVM keeps in a ring instead of exiting (KVM_CAP_COALESCED_MMIO,
 * 4.116 of the API).  One ring a VM; it comes with each vCPU's kvm_run.
 *
 * What keeps the order: whoever handles an exit drains first, and a batch stays
 * in the ring until it has been delivered, so that a vCPU that finds the ring
 * empty finds everything before it done.
 */
#ifndef TL_KVM_COALESCED_H
#define TL_KVM_COALESCED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kvm/vm.h"

struct kvm_coalesced_mmio_ring;

struct coalesced_ops {
	/* One write, in the order of the guest's. */
	void (*write)(void *opaque, uint64_t addr, unsigned int size,
		      uint64_t val);
	/* That was all for now. */
	void (*end)(void *opaque);
	/* There was no room: a write may have exited for that. */
	void (*full)(void *opaque);
};

struct coalesced {
	const struct vm *vm;
	struct kvm_coalesced_mmio_ring *ring; /* NULL: the host has none */
	uint32_t max;                         /* entries of the ring */
	const struct coalesced_ops *ops;
	void *opaque;
	pthread_mutex_t lock; /* of who drains, while ops are called */
};

/*
 * @run: the mapped kvm_run of any vCPU, which stays mapped while the ring is
 * used.  -ENOSYS if the host cannot; all other calls are fine then.
 */
int coalesced_init(struct coalesced *c, const struct vm *vm, void *run,
		   const struct coalesced_ops *ops, void *opaque);

/*
 * Writes that lie in the @size bytes from @addr go into the ring from now on,
 * or exit again.  On return of the latter all that were kept are in the ring.
 * -ENOSYS, -errno.
 */
int coalesced_zone(const struct coalesced *c, uint64_t addr, uint32_t size,
		   bool on);

/* Whether a write waits.  No lock. */
bool coalesced_pending(const struct coalesced *c);

/*
 * Deliver all that wait; returns how many there were.  Any thread, unless it
 * holds what the ops need.
 */
unsigned int coalesced_drain(struct coalesced *c);

void coalesced_destroy(struct coalesced *c);

#endif
