// SPDX-License-Identifier: GPL-2.0-only
/*
 * bare-kvm [--filter] PAYLOAD: the floor that an exit's cost is compared with.  A
 * thread, as every VMM has one, that does nothing but KVM_RUN, for bare-metal
 * guests of 64 bits with a GICv2: every read of what is no memory is 0, every
 * write is lost, and it ends with the guest's PSCI call.  --filter: behind the
 * system call filter that trapline has for its vCPU threads.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SANDBOX(name) __attribute__((unused)) filter_##name
#include "sandbox-filters.h"

#define RAM_BASE 0x40000000u
#define RAM_SIZE (2u << 20)

/* Where machine virt has it; the guests never look. */
#define GIC_DIST 0x08000000u
#define GIC_CPU  0x08010000u

#define REG_PC                                                 \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 offsetof(struct kvm_regs, regs.pc) / sizeof(uint32_t))

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int load(void *ram, const char *path)
{
	const int fd = open(path, O_RDONLY);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, ram, RAM_SIZE);
		close(fd);
	}
	return n > 0 ? 0 : -1;
}

static int set_attr(int gic, uint32_t group, uint64_t attr, uint64_t val)
{
	const struct kvm_device_attr set = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)&val,
	};

	return ioctl(gic, KVM_SET_DEVICE_ATTR, &set);
}

static int make_gic(int vm)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V2 };

	if (ioctl(vm, KVM_CREATE_DEVICE, &device))
		return -1;
	if (set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
		     KVM_VGIC_V2_ADDR_TYPE_DIST, GIC_DIST) ||
	    set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
		     KVM_VGIC_V2_ADDR_TYPE_CPU, GIC_CPU))
		return -1;
	return set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
			KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

/* The descriptor of a vCPU that is about to execute what is in @ram; or -1. */
static int make_vcpu(int kvm, void *ram)
{
	uint64_t pc = RAM_BASE;
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = RAM_BASE,
		.memory_size = RAM_SIZE,
		.userspace_addr = (uintptr_t)ram,
	};
	struct kvm_one_reg reg = { .id = REG_PC, .addr = (uintptr_t)&pc };
	struct kvm_vcpu_init init;
	int vm, vcpu;

	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return -1;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0 || ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init))
		return -1;
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) ||
	    ioctl(vcpu, KVM_SET_ONE_REG, &reg) || make_gic(vm))
		return -1;
	return vcpu;
}

static int shut_in(void)
{
	const struct sock_fprog program = {
		.len = sizeof(filter_vcpu) / sizeof(filter_vcpu[0]),
		.filter = (struct sock_filter *)filter_vcpu,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL);
}

struct loop {
	struct kvm_run *run;
	int vcpu;
	int filter;
};

/* What a read finds is what is there: 0. */
static void *loop(void *opaque)
{
	const struct loop *l = opaque;

	if (l->filter && shut_in())
		_exit(fail("seccomp"));
	do {
		if (ioctl(l->vcpu, KVM_RUN, 0))
			_exit(fail("KVM_RUN"));
	} while (l->run->exit_reason == KVM_EXIT_MMIO);
	return NULL;
}

int main(int argc, char **argv)
{
	const int filter = argc > 1 && !strcmp(argv[1], "--filter");
	struct loop l = { .filter = filter };
	pthread_t thread;
	int kvm, size;
	void *ram;

	if (argc != 2 + filter)
		return 2;
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED || load(ram, argv[1 + filter]))
		return fail(argv[1 + filter]);
	kvm = open("/dev/kvm", O_RDWR);
	l.vcpu = kvm < 0 ? -1 : make_vcpu(kvm, ram);
	size = l.vcpu < 0 ? -1 : ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0)
		return fail("KVM");
	l.run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     l.vcpu, 0);
	if (l.run == MAP_FAILED)
		return fail("kvm_run");
	if (pthread_create(&thread, NULL, loop, &l) ||
	    pthread_join(thread, NULL))
		return fail("thread");
	return l.run->exit_reason != KVM_EXIT_SYSTEM_EVENT;
}
