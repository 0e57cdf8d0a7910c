// SPDX-License-Identifier: GPL-2.0-only
/* An arm64 host: 64-bit guests, and 32-bit ones where a core has AArch32. */
#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch-arm/arch.h"
#include "arch-arm/virt.h"

/* Linux's default for type 0, and the least that machine type may name. */
#define DEFAULT_IPA_BITS 40
#define SMALL_IPA_BITS   36

enum guest_width arch_native_width(void)
{
	return GUEST_64BIT;
}

int arch_check_width(const struct vm *vm, enum guest_width width,
		     struct error *err)
{
	if (width == GUEST_32BIT && !vm_check(vm, KVM_CAP_ARM_EL1_32BIT))
		return error_set(err, TL_HOST, ENOTSUP,
				 "this host cannot run 32-bit guests: its "
				 "cores have no AArch32 at EL1; use a 64-bit "
				 "kernel or another host");
	return 0;
}

int arch_vm_type(const struct vm *vm, uint64_t ram_end, unsigned long *type,
		 struct error *err)
{
	/* 0 before Linux 4.20, where 40 bits are fixed. */
	int limit = vm_check(vm, KVM_CAP_ARM_VM_IPA_SIZE);
	/* No fewer levels of tables than for 40 bits, but smaller ones. */
	int bits = limit ? SMALL_IPA_BITS : DEFAULT_IPA_BITS;

	*type = 0;
	while (bits < 52 && ram_end > UINT64_C(1) << bits)
		bits++;
	/* There are cores with 32 bits. */
	if (limit && limit < bits && ram_end <= UINT64_C(1) << limit)
		bits = limit;
	if (bits > (limit ? limit : DEFAULT_IPA_BITS))
		return error_set(err, TL_MEMORY, E2BIG,
				 "this host's KVM has %d address bits for "
				 "guests; RAM would need more: give less (-m)",
				 limit ? limit : DEFAULT_IPA_BITS);
	if (bits != DEFAULT_IPA_BITS)
		*type = KVM_VM_TYPE_ARM_IPA_SIZE(bits);
	return 0;
}

/* The index of a core register counts 32-bit words in struct kvm_regs. */
#define CORE_REG(offset)                                       \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 (offset) / sizeof(uint32_t))

uint64_t arch_host_reg_id(unsigned int n)
{
	return CORE_REG(offsetof(struct kvm_regs, regs.regs) +
			n * sizeof(uint64_t));
}

uint64_t arch_host_pc_id(void)
{
	return CORE_REG(offsetof(struct kvm_regs, regs.pc));
}

uint64_t arch_host_mpidr_id(void)
{
	/* MPIDR_EL1; also what a 32-bit guest's MPIDR reads as. */
	return ARM64_SYS_REG(3, 0, 0, 0, 5);
}

uint64_t arch_host_counter_id(void)
{
	return KVM_REG_ARM_TIMER_CNT;
}

uint32_t arch_host_nr_targets(void)
{
	return KVM_ARM_NUM_TARGETS;
}

uint32_t arch_host_width_feature(enum guest_width width)
{
	return width == GUEST_32BIT ? 1U << KVM_ARM_VCPU_EL1_32BIT : 0;
}

int arch_host_pmu_feature(const struct vm *vm, uint32_t *feature,
			  struct error *err)
{
	if (!vm_check(vm, KVM_CAP_ARM_PMU_V3))
		return error_set(err, TL_HOST, ENOTSUP,
				 "option --pmu: this host's KVM has no PMU for "
				 "guests");
	*feature = 1U << KVM_ARM_VCPU_PMU_V3;
	return 0;
}

int arch_vcpu_init_pmu(const struct vcpu *vcpu, struct error *err)
{
	int intid = VIRT_PPI_PMU + 16; /* a PPI as an INTID */
	const struct kvm_device_attr irq = {
		.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		.attr = KVM_ARM_VCPU_PMU_V3_IRQ,
		.addr = (uintptr_t)&intid,
	};
	const struct kvm_device_attr init = {
		.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		.attr = KVM_ARM_VCPU_PMU_V3_INIT,
	};

	if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &irq) < 0 ||
	    ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &init) < 0)
		return error_set(err, TL_HOST, errno,
				 "cannot connect the PMU of vCPU %u: %s",
				 vcpu->id, strerror(errno));
	return 0;
}

const char *arch_host_cpu_compatible(uint32_t target, enum guest_width width)
{
	(void)target;
	/* Linux for ARM knows no generic name; this one it has for virt. */
	return width == GUEST_32BIT ? "arm,cortex-a15" : "arm,armv8";
}

/* Linux lets programs clean by address to the point of coherency (SCTLR_EL1.UCI).
 */
static void clean_to_poc(const void *word)
{
	__asm__ volatile("dc cvac, %0\n\tdsb sy" : : "r"(word) : "memory");
}

void (*const arch_host_publish)(const void *word) = clean_to_poc;
