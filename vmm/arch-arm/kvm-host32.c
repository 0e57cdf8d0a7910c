// SPDX-License-Identifier: GPL-2.0-only
/* An ARMv7 host with the virtualization extensions: 32-bit guests only. */
#include <errno.h>
#include <linux/kvm.h>

#include "arch-arm/arch.h"

/* LPAE's stage 2 translates 40 bits of IPA. */
#define IPA_BITS 40

/* KVM_ARM_TARGET_CORTEX_A7 of a 32-bit host. */
#define TARGET_CORTEX_A7 1

#define REG_R0           0
#define REG_PC           15

enum guest_width arch_native_width(void)
{
	return GUEST_32BIT;
}

int arch_check_width(const struct vm *vm, enum guest_width width,
		     struct error *err)
{
	(void)vm;
	if (width == GUEST_64BIT)
		return error_set(err, TL_HOST, ENOTSUP,
				 "this is a 32-bit host: it cannot run 64-bit "
				 "guests; use a 32-bit kernel or an arm64 "
				 "host");
	return 0;
}

int arch_vm_type(const struct vm *vm, uint64_t ram_end, unsigned long *type,
		 struct error *err)
{
	(void)vm;
	*type = 0;
	if (ram_end > UINT64_C(1) << IPA_BITS)
		return error_set(err, TL_MEMORY, E2BIG,
				 "this host's KVM has %d address bits for "
				 "guests; RAM would need more: give less (-m)",
				 IPA_BITS);
	return 0;
}

static uint64_t core_reg(unsigned int word)
{
	return KVM_REG_ARM | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | word;
}

uint64_t arch_host_reg_id(unsigned int n)
{
	return core_reg(REG_R0 + n);
}

uint64_t arch_host_pc_id(void)
{
	return core_reg(REG_PC);
}

uint64_t arch_host_mpidr_id(void)
{
	/* MRC p15, 0, <Rt>, c0, c0, 5 */
	return KVM_REG_ARM | KVM_REG_SIZE_U32 |
	       15ULL << KVM_REG_ARM_COPROC_SHIFT |
	       0ULL << KVM_REG_ARM_32_CRN_SHIFT |
	       0ULL << KVM_REG_ARM_CRM_SHIFT | 0ULL << KVM_REG_ARM_OPC1_SHIFT |
	       5ULL << KVM_REG_ARM_32_OPC2_SHIFT;
}

uint64_t arch_host_counter_id(void)
{
	/* MRRC p15, 1, <Rt>, <Rt2>, c14 */
	return KVM_REG_ARM | KVM_REG_SIZE_U64 |
	       15ULL << KVM_REG_ARM_COPROC_SHIFT |
	       14ULL << KVM_REG_ARM_CRM_SHIFT | 1ULL << KVM_REG_ARM_OPC1_SHIFT;
}

uint32_t arch_host_nr_targets(void)
{
	return TARGET_CORTEX_A7 + 1;
}

uint32_t arch_host_width_feature(enum guest_width width)
{
	(void)width;
	return 0;
}

int arch_host_pmu_feature(const struct vm *vm, uint32_t *feature,
			  struct error *err)
{
	(void)vm;
	(void)feature;
	return error_set(err, TL_HOST, ENOTSUP,
			 "option --pmu: KVM on a 32-bit host has no PMU for "
			 "guests");
}

int arch_vcpu_init_pmu(const struct vcpu *vcpu, struct error *err)
{
	uint32_t feature;

	return arch_host_pmu_feature(vcpu->vm, &feature, err);
}

const char *arch_host_cpu_compatible(uint32_t target, enum guest_width width)
{
	(void)width;
	return target == TARGET_CORTEX_A7 ? "arm,cortex-a7" : "arm,cortex-a15";
}

/* Cache maintenance by address is for the kernel alone on ARMv7. */
void (*const arch_host_publish)(const void *word) = NULL;
