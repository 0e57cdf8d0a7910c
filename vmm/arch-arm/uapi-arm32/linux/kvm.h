/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of the KVM interface that trapline uses, for 32-bit ARM: without an
 * <asm/kvm.h> the toolchain's kernel headers leave <linux/kvm.h> out as well.
 * Documentation/virt/kvm/api.rst; the section of each item is named.
 */
#ifndef TL_UAPI_ARM32_LINUX_KVM_H
#define TL_UAPI_ARM32_LINUX_KVM_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <asm/kvm.h>

#define KVM_API_VERSION 12 /* 4.1 */
#define KVMIO           0xAE

/* 4.4 KVM_CHECK_EXTENSION */
#define KVM_CAP_NR_VCPUS        9
#define KVM_CAP_COALESCED_MMIO  15
#define KVM_CAP_IRQFD           32
#define KVM_CAP_IOEVENTFD       36
#define KVM_CAP_MAX_VCPUS       66
#define KVM_CAP_READONLY_MEM    81
#define KVM_CAP_DEVICE_CTRL     89
#define KVM_CAP_ARM_EL1_32BIT   93
#define KVM_CAP_ARM_PSCI_0_2    102
#define KVM_CAP_IMMEDIATE_EXIT  136
#define KVM_CAP_ARM_VM_IPA_SIZE 165
#define KVM_CAP_BINARY_STATS_FD 203

/* 4.2 KVM_CREATE_VM: machine type */
#define KVM_VM_TYPE_ARM_IPA_SIZE(bits) ((bits)&0xffULL)

/* 4.35 KVM_SET_USER_MEMORY_REGION */
struct kvm_userspace_memory_region {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
};

#define KVM_MEM_READONLY (1UL << 1)

/* 4.116 KVM_REGISTER_COALESCED_MMIO */
struct kvm_coalesced_mmio_zone {
	__u64 addr;
	__u32 size;
	__u32 pad;
};

struct kvm_coalesced_mmio {
	__u64 phys_addr;
	__u32 len;
	__u32 pad;
	__u8 data[8];
};

struct kvm_coalesced_mmio_ring {
	__u32 first, last;
	struct kvm_coalesced_mmio coalesced_mmio[];
};

/* 4.25 KVM_IRQ_LINE */
struct kvm_irq_level {
	union {
		__u32 irq;
		__s32 status;
	};
	__u32 level;
};

/* 4.75 KVM_IRQFD */
struct kvm_irqfd {
	__u32 fd;
	__u32 gsi;
	__u32 flags;
	__u32 resamplefd;
	__u8 pad[16];
};

/* 4.59 KVM_IOEVENTFD */
#define KVM_IOEVENTFD_FLAG_DATAMATCH (1 << 0)
#define KVM_IOEVENTFD_FLAG_DEASSIGN  (1 << 2)

struct kvm_ioeventfd {
	__u64 datamatch;
	__u64 addr;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u8 pad[36];
};

/* 4.79 KVM_CREATE_DEVICE, 4.80 KVM_SET_DEVICE_ATTR */
#define KVM_CREATE_DEVICE_TEST   1
#define KVM_DEV_TYPE_ARM_VGIC_V2 5
#define KVM_DEV_TYPE_ARM_VGIC_V3 7

struct kvm_create_device {
	__u32 type;
	__u32 fd;
	__u32 flags;
};

struct kvm_device_attr {
	__u32 flags;
	__u32 group;
	__u64 attr;
	__u64 addr;
};

/* 4.21 KVM_SET_SIGNAL_MASK */
struct kvm_signal_mask {
	__u32 len;
	__u8 sigset[];
};

/* 4.68 KVM_SET_ONE_REG */
struct kvm_one_reg {
	__u64 id;
	__u64 addr;
};

#define KVM_REG_ARM      0x4000000000000000ULL
#define KVM_REG_SIZE_U32 0x0020000000000000ULL
#define KVM_REG_SIZE_U64 0x0030000000000000ULL

/* 5. The kvm_run structure */
#define KVM_EXIT_UNKNOWN          0
#define KVM_EXIT_MMIO             6
#define KVM_EXIT_FAIL_ENTRY       9
#define KVM_EXIT_INTR             10
#define KVM_EXIT_INTERNAL_ERROR   17
#define KVM_EXIT_SYSTEM_EVENT     24
#define KVM_EXIT_ARM_NISV         28

#define KVM_SYSTEM_EVENT_SHUTDOWN 1
#define KVM_SYSTEM_EVENT_RESET    2
#define KVM_SYSTEM_EVENT_CRASH    3

struct kvm_run {
	__u8 request_interrupt_window;
	__u8 immediate_exit;
	__u8 padding1[6];
	__u32 exit_reason;
	__u8 ready_for_interrupt_injection;
	__u8 if_flag;
	__u16 flags;
	__u64 cr8;
	__u64 apic_base;
	union {
		struct {
			__u64 hardware_exit_reason;
		} hw;
		struct {
			__u64 hardware_entry_failure_reason;
		} fail_entry;
		struct {
			__u64 phys_addr;
			__u8 data[8];
			__u32 len;
			__u8 is_write;
		} mmio;
		struct {
			__u32 suberror;
			__u32 ndata;
			__u64 data[16];
		} internal;
		struct {
			__u32 type;
			__u64 flags;
		} system_event;
		struct {
			__u64 esr_iss;
			__u64 fault_ipa;
		} arm_nisv;
		char padding[256];
	};
};

/* 4.133 KVM_GET_STATS_FD.  No 32-bit host has it; the reader says so. */
struct kvm_stats_header {
	__u32 flags;
	__u32 name_size;
	__u32 num_desc;
	__u32 id_offset;
	__u32 desc_offset;
	__u32 data_offset;
};

#define KVM_STATS_TYPE_MASK       0xf
#define KVM_STATS_TYPE_CUMULATIVE 0x0
#define KVM_STATS_TYPE_INSTANT    0x1
#define KVM_STATS_TYPE_PEAK       0x2
#define KVM_STATS_UNIT_SHIFT      4
#define KVM_STATS_UNIT_MASK       0xf0
#define KVM_STATS_BASE_MASK       0xf00

struct kvm_stats_desc {
	__u32 flags;
	__s16 exponent;
	__u16 size;
	__u32 offset;
	__u32 bucket_size;
	char name[];
};

/* /dev/kvm */
#define KVM_GET_API_VERSION    _IO(KVMIO, 0x00)
#define KVM_CREATE_VM          _IO(KVMIO, 0x01)
#define KVM_CHECK_EXTENSION    _IO(KVMIO, 0x03)
#define KVM_GET_VCPU_MMAP_SIZE _IO(KVMIO, 0x04)

/* VM */
#define KVM_CREATE_VCPU _IO(KVMIO, 0x41)
#define KVM_SET_USER_MEMORY_REGION \
	_IOW(KVMIO, 0x46, struct kvm_userspace_memory_region)
#define KVM_CREATE_IRQCHIP _IO(KVMIO, 0x60)
#define KVM_IRQ_LINE       _IOW(KVMIO, 0x61, struct kvm_irq_level)
#define KVM_REGISTER_COALESCED_MMIO \
	_IOW(KVMIO, 0x67, struct kvm_coalesced_mmio_zone)
#define KVM_UNREGISTER_COALESCED_MMIO \
	_IOW(KVMIO, 0x68, struct kvm_coalesced_mmio_zone)
#define KVM_IRQFD                _IOW(KVMIO, 0x76, struct kvm_irqfd)
#define KVM_IOEVENTFD            _IOW(KVMIO, 0x79, struct kvm_ioeventfd)
#define KVM_ARM_SET_DEVICE_ADDR  _IOW(KVMIO, 0xab, struct kvm_arm_device_addr)
#define KVM_ARM_PREFERRED_TARGET _IOR(KVMIO, 0xaf, struct kvm_vcpu_init)
#define KVM_CREATE_DEVICE        _IOWR(KVMIO, 0xe0, struct kvm_create_device)

/* device */
#define KVM_SET_DEVICE_ATTR _IOW(KVMIO, 0xe1, struct kvm_device_attr)
#define KVM_HAS_DEVICE_ATTR _IOW(KVMIO, 0xe3, struct kvm_device_attr)

/* vCPU */
#define KVM_RUN             _IO(KVMIO, 0x80)
#define KVM_SET_SIGNAL_MASK _IOW(KVMIO, 0x8b, struct kvm_signal_mask)
#define KVM_GET_ONE_REG     _IOW(KVMIO, 0xab, struct kvm_one_reg)
#define KVM_SET_ONE_REG     _IOW(KVMIO, 0xac, struct kvm_one_reg)
#define KVM_ARM_VCPU_INIT   _IOW(KVMIO, 0xae, struct kvm_vcpu_init)
#define KVM_GET_STATS_FD    _IO(KVMIO, 0xce)

#endif
