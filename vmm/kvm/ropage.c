// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/ropage.h"

int ropage_open(struct ropage *rp, struct vm *vm, uint64_t gpa)
{
	void *page;

	*rp = (struct ropage){ 0 };
	/* A slot is made of the host's pages, and a larger one would cover
	 * addresses beside the device's. */
	if (sysconf(_SC_PAGESIZE) != ROPAGE_SIZE ||
	    !vm_check(vm, KVM_CAP_READONLY_MEM))
		return -ENOSYS;
	/* Shared, so that a fork() of ours does not leave it copy-on-write. */
	page = mmap(NULL, ROPAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	*rp = (struct ropage){
		.vm = vm,
		.page = page,
		.gpa = gpa,
		.slot = vm->nr_slots++,
	};
	return 0;
}

int ropage_show(struct ropage *rp, bool on)
{
	const struct kvm_userspace_memory_region region = {
		.slot = rp->slot,
		.flags = on ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = rp->gpa,
		.memory_size = on ? ROPAGE_SIZE : 0, /* 0 deletes */
		.userspace_addr = (uintptr_t)rp->page,
	};

	if (on == rp->shown)
		return 0;
	if (ioctl(rp->vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	rp->shown = on;
	return 0;
}

void ropage_close(struct ropage *rp)
{
	if (rp->page)
		munmap(rp->page, ROPAGE_SIZE);
	*rp = (struct ropage){ 0 };
}
