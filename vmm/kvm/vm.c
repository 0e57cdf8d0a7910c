// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/host-cap.h"
#include "kvm/vm.h"

#define KVM_PATH "/dev/kvm"

/* Without KVM_CAP_MAX_VCPUS the maximum is 4 (4.4 and 4.7 of the API). */
#define DEFAULT_MAX_VCPUS 4

static int open_error(int errnum, struct error *err)
{
	switch (errnum) {
	case ENOENT:
		return error_set(err, TL_HOST, errnum,
				 KVM_PATH
				 " does not exist: this host's kernel "
				 "has no KVM, or was not started in HYP mode "
				 "(EL2); see \"dmesg | grep kvm\"");
	case EACCES:
	case EPERM:
		return error_set(err, TL_HOST, errnum,
				 "no permission to open " KVM_PATH
				 ": become root, or join the group that owns "
				 "it (\"ls -l " KVM_PATH "\")");
	case ENODEV:
	case ENXIO:
		return error_set(err, TL_HOST, errnum,
				 KVM_PATH
				 " has no driver behind it: this host "
				 "has no KVM, or was not started in HYP mode "
				 "(EL2); see \"dmesg | grep kvm\"");
	default:
		return error_set(err, TL_HOST, errnum,
				 "cannot open " KVM_PATH ": %s",
				 strerror(errnum));
	}
}

static const struct {
	unsigned int host_cap;
	int cap;
} disableable[] = {
	{ HOST_CAP_IRQFD, KVM_CAP_IRQFD },
	{ HOST_CAP_IOEVENTFD, KVM_CAP_IOEVENTFD },
	{ HOST_CAP_READONLY_MEM, KVM_CAP_READONLY_MEM },
	{ HOST_CAP_COALESCED_MMIO, KVM_CAP_COALESCED_MMIO },
	{ HOST_CAP_PSCI_0_2, KVM_CAP_ARM_PSCI_0_2 },
	{ HOST_CAP_DEVICE_CTRL, KVM_CAP_DEVICE_CTRL },
	{ HOST_CAP_IMMEDIATE_EXIT, KVM_CAP_IMMEDIATE_EXIT },
	{ HOST_CAP_STATS_FD, KVM_CAP_BINARY_STATS_FD },
};

static bool is_disabled(const struct vm *vm, int cap)
{
	size_t i;

	for (i = 0; i < sizeof(disableable) / sizeof(disableable[0]); i++)
		if (disableable[i].cap == cap)
			return vm->disabled & disableable[i].host_cap;
	return false;
}

int vm_check(const struct vm *vm, int cap)
{
	int ret;

	if (vm->disabled && is_disabled(vm, cap))
		return 0;
	ret = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, (unsigned long)cap);
	return ret < 0 ? 0 : ret;
}

static void probe_caps(struct vm *vm)
{
	vm->has_ioeventfd = vm_check(vm, KVM_CAP_IOEVENTFD);
	vm->has_irqfd = vm_check(vm, KVM_CAP_IRQFD);
	vm->has_immediate_exit = vm_check(vm, KVM_CAP_IMMEDIATE_EXIT);
	vm->has_stats = vm_check(vm, KVM_CAP_BINARY_STATS_FD);
}

void vm_disable(struct vm *vm, unsigned int caps)
{
	vm->disabled = caps;
	probe_caps(vm);
}

int vm_open(struct vm *vm, struct error *err)
{
	int ret;

	*vm = (struct vm){ .kvm_fd = -1, .fd = -1 };

	vm->kvm_fd = open(KVM_PATH, O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return open_error(errno, err);

	ret = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0UL);
	if (ret < 0) {
		ret = error_set(err, TL_HOST, errno,
				KVM_PATH " is not a KVM device: %s",
				strerror(errno));
		goto close_kvm;
	}
	if (ret != KVM_API_VERSION) {
		ret = error_set(err, TL_HOST, 0,
				KVM_PATH " speaks API version %d; trapline "
					 "needs version %d",
				ret, KVM_API_VERSION);
		goto close_kvm;
	}

	ret = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	if (ret < (int)sizeof(struct kvm_run)) {
		ret = error_set(err, TL_HOST, ret < 0 ? errno : 0,
				KVM_PATH ": KVM_GET_VCPU_MMAP_SIZE gives %d",
				ret);
		goto close_kvm;
	}
	vm->run_size = (size_t)ret;

	ret = vm_check(vm, KVM_CAP_MAX_VCPUS);
	if (!ret)
		ret = vm_check(vm, KVM_CAP_NR_VCPUS);
	vm->max_vcpus = ret ? (unsigned int)ret : DEFAULT_MAX_VCPUS;
	probe_caps(vm);
	return 0;

close_kvm:
	close(vm->kvm_fd);
	vm->kvm_fd = -1;
	return ret;
}

int vm_create(struct vm *vm, unsigned long type, struct error *err)
{
	do {
		vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, type);
		/* An mmu notifier's registration is interruptible. */
	} while (vm->fd < 0 && errno == EINTR);

	if (vm->fd < 0)
		return error_set(err, errno == ENOMEM ? TL_MEMORY : TL_HOST,
				 errno, "KVM cannot create a VM: %s",
				 strerror(errno));
	return 0;
}

int vm_add_memory(struct vm *vm, const struct gmem *gmem, struct error *err)
{
	unsigned int i;

	for (i = 0; i < gmem->nr; i++) {
		const struct gmem_region *region = &gmem->region[i];
		struct kvm_userspace_memory_region slot = {
			.slot = vm->nr_slots,
			.guest_phys_addr = region->gpa,
			.memory_size = region->size,
			.userspace_addr = (uintptr_t)region->hva,
		};

		if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return error_set(err, TL_MEMORY, errno,
					 "KVM refuses %" PRIu64 " MiB of "
					 "memory at 0x%" PRIx64 ": %s",
					 region->size >> 20, region->gpa,
					 strerror(errno));
		vm->nr_slots++;
	}
	return 0;
}

void vm_irq_line(const struct vm *vm, uint32_t irq, bool level)
{
	struct kvm_irq_level line = { .irq = irq, .level = level };

	ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

int vm_bind_ioeventfd(const struct vm *vm, uint64_t addr, uint32_t data, int fd)
{
	return vm_ioeventfd(vm, addr, 4, data, fd, true);
}

int vm_ioeventfd(const struct vm *vm, uint64_t addr, uint32_t len,
		 uint32_t data, int fd, bool on)
{
	struct kvm_ioeventfd io = {
		.addr = addr,
		.len = len,
		.datamatch = data,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH |
			 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};

	if (!vm->has_ioeventfd)
		return -ENOSYS;
	return ioctl(vm->fd, KVM_IOEVENTFD, &io) < 0 ? -errno : 0;
}

int vm_bind_irqfd(const struct vm *vm, uint32_t gsi, int fd)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = gsi };

	if (!vm->has_irqfd)
		return -ENOSYS;
	return ioctl(vm->fd, KVM_IRQFD, &irqfd) < 0 ? -errno : 0;
}

void vm_close(struct vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	vm->fd = vm->kvm_fd = -1;
}
