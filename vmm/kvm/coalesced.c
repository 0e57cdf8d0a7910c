// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm/coalesced.h"

int coalesced_init(struct coalesced *c, const struct vm *vm, void *run,
		   const struct coalesced_ops *ops, void *opaque)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t at;

	*c = (struct coalesced){
		.vm = vm,
		.ops = ops,
		.opaque = opaque,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	/* The capability's value is the ring's page behind kvm_run. */
	at = page * (size_t)vm_check(vm, KVM_CAP_COALESCED_MMIO);
	if (!at || at + page > vm->run_size)
		return -ENOSYS;
	c->ring = (void *)((uint8_t *)run + at);
	c->max = (uint32_t)((page - sizeof(*c->ring)) /
			    sizeof(c->ring->coalesced_mmio[0]));
	return 0;
}

int coalesced_zone(const struct coalesced *c, uint64_t addr, uint32_t size,
		   bool on)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size };

	if (!c->ring)
		return -ENOSYS;
	return ioctl(c->vm->fd,
		     on ? KVM_REGISTER_COALESCED_MMIO
			: KVM_UNREGISTER_COALESCED_MMIO,
		     &zone) < 0
		       ? -errno
		       : 0;
}

bool coalesced_pending(const struct coalesced *c)
{
	/* Acquire pairs with the release in coalesced_drain(). */
	return c->ring &&
	       __atomic_load_n(&c->ring->first, __ATOMIC_ACQUIRE) !=
		       __atomic_load_n(&c->ring->last, __ATOMIC_ACQUIRE);
}

static void deliver(const struct coalesced *c,
		    const struct kvm_coalesced_mmio *entry)
{
	unsigned int size = entry->len;
	uint64_t val = 0;

	if (size > sizeof(val))
		size = sizeof(val);
	/* In memory order, as in kvm_run. */
	memcpy(&val, entry->data, size);
	c->ops->write(c->opaque, entry->phys_addr, size, val);
}

unsigned int coalesced_drain(struct coalesced *c)
{
	struct kvm_coalesced_mmio_ring *ring = c->ring;
	unsigned int batch, total = 0;
	bool full = false;
	uint32_t at, last;

	if (!coalesced_pending(c))
		return 0;
	pthread_mutex_lock(&c->lock);
	at = ring->first;
	/* Acquire pairs with smp_wmb() in KVM's coalesced_mmio_write(). */
	while (at != (last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE))) {
		for (batch = 0; at != last; at = (at + 1) % c->max, batch++)
			deliver(c, &ring->coalesced_mmio[at]);
		c->ops->end(c->opaque);
		__atomic_store_n(&ring->first, at, __ATOMIC_RELEASE);
		full |= batch == c->max - 1;
		total += batch;
	}
	pthread_mutex_unlock(&c->lock);
	if (full)
		c->ops->full(c->opaque);
	return total;
}

void coalesced_destroy(struct coalesced *c)
{
	if (c->vm)
		pthread_mutex_destroy(&c->lock);
	*c = (struct coalesced){ 0 };
}
