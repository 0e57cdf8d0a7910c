/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a 32-bit ARM host adds to the KVM interface.  KVM for 32-bit ARM, and
 * this header with it, left Linux in 5.7; hosts up to 5.6 still speak it.
 * Numbers: Documentation/virt/kvm/api.rst, sections 4.68 (KVM_SET_ONE_REG),
 * 4.25 (KVM_IRQ_LINE), 4.82 (KVM_ARM_VCPU_INIT), 4.85
 * (KVM_ARM_SET_DEVICE_ADDR); devices/arm-vgic.rst and arm-vgic-v3.rst.
 */
#ifndef TL_UAPI_ARM32_ASM_KVM_H
#define TL_UAPI_ARM32_ASM_KVM_H

#include <linux/types.h>

/* KVM_ARM_VCPU_INIT: bits of features[0]. */
struct kvm_vcpu_init {
	__u32 target;
	__u32 features[7];
};

#define KVM_ARM_VCPU_POWER_OFF 0
#define KVM_ARM_VCPU_PSCI_0_2  1

/*
 * Register ids.  Core registers: the index is the offset in 32-bit words in
 * struct kvm_regs, which starts with r0..r15, then CPSR.
 */
#define KVM_REG_ARM_CORE          0x00100000ULL
#define KVM_REG_ARM_FW            0x00140000ULL
#define KVM_REG_ARM_COPROC_SHIFT  16
#define KVM_REG_ARM_32_OPC2_SHIFT 0
#define KVM_REG_ARM_OPC1_SHIFT    3
#define KVM_REG_ARM_CRM_SHIFT     7
#define KVM_REG_ARM_32_CRN_SHIFT  11
#define KVM_REG_ARM_PSCI_VERSION \
	(KVM_REG_ARM | KVM_REG_SIZE_U64 | KVM_REG_ARM_FW | 0)

/* KVM_IRQ_LINE */
#define KVM_ARM_IRQ_TYPE_SHIFT 24
#define KVM_ARM_IRQ_TYPE_SPI   1

/* KVM_ARM_SET_DEVICE_ADDR */
struct kvm_arm_device_addr {
	__u64 id;
	__u64 addr;
};

#define KVM_ARM_DEVICE_ID_SHIFT 16
#define KVM_ARM_DEVICE_VGIC_V2  0

/* The VGIC devices */
#define KVM_DEV_ARM_VGIC_GRP_ADDR           0
#define KVM_DEV_ARM_VGIC_GRP_NR_IRQS        3
#define KVM_DEV_ARM_VGIC_GRP_CTRL           4
#define KVM_DEV_ARM_VGIC_CTRL_INIT          0
#define KVM_VGIC_V2_ADDR_TYPE_DIST          0
#define KVM_VGIC_V2_ADDR_TYPE_CPU           1
#define KVM_VGIC_V3_ADDR_TYPE_DIST          2
#define KVM_VGIC_V3_ADDR_TYPE_REDIST        3
#define KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION 5

#endif
