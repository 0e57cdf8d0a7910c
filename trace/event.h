/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One KVM event of a trace, freed from its record's format: the reader fills
 * it in, the pairing consumes it.  The kernels' names differ (kvm_hvc on a
 * 32-bit host, kvm_hvc_arm64 on a 64-bit one), the meaning does not.
 */
#ifndef TL_TRACE_EVENT_H
#define TL_TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum ev_type {
	EV_ENTRY,      /* kvm_entry: about to run the guest */
	EV_EXIT,       /* kvm_exit: stock, no vCPU and no syndrome */
	EV_VCPU_EXIT,  /* kvm_vcpu_exit: the patched kernel's, both */
	EV_EXCHVC,     /* kvm_exchvc: the patched kernel's, traps only */
	EV_FAULT,      /* kvm_guest_fault */
	EV_MMIO,       /* kvm_mmio */
	EV_HVC,        /* kvm_hvc, kvm_hvc_arm64 */
	EV_WFX,        /* kvm_wfx, kvm_wfx_arm64 */
	EV_SYS_ACCESS, /* kvm_sys_access, kvm_emulate_cp15_imp */
	EV_SYS_ESR,    /* kvm_handle_sys_reg */
	EV_USER,       /* kvm_userspace_exit: KVM_RUN returns */
	EV_IRQ,        /* irq_handler_entry: the host's, if it was recorded */
	EV_LOST,       /* the ring buffer lost events before this point */
	EV_TYPES
};

/* Why the guest was left; the numbers of kvm_vcpu_exit's field "kind". */
enum exit_kind {
	EXIT_TRAP,   /* a synchronous exception, its class is the EC */
	EXIT_IRQ,    /* a physical interrupt for the host */
	EXIT_SERROR, /* an asynchronous abort */
	EXIT_IL,     /* illegal execution state */
	EXIT_OTHER,
	EXIT_KINDS
};

/* "No IPA": kvm_vcpu_exit's value for an exit that reported none. */
#define EV_NO_IPA UINT64_MAX

/* A system register as kvm_sys_access has it; op0 is 0 in CP14 and CP15. */
struct ev_sysreg {
	uint8_t op0, op1, crn, crm, op2;
	bool write;
};

struct event {
	enum ev_type type;
	int tid; /* common_pid: the thread that ran the vCPU */
	int cpu;
	uint64_t ts; /* ns */
	uint64_t pc; /* 0 where the event has none */
	union {
		struct {
			enum exit_kind kind;
			uint8_t ec;
		} exit;
		struct {
			uint32_t vcpu;
			uint32_t kind; /* as the file has it: unchecked */
			uint32_t ec;
			uint64_t nr; /* running number of the exit, from 1 */
			uint64_t esr, far, ipa;
		} vexit;
		struct {
			uint32_t vcpu;
			bool cond_valid;
			uint64_t nr; /* running number of the trap, from 1 */
			uint64_t esr;
		} exchvc;
		struct {
			uint64_t esr, far, ipa; /* @ipa: page address */
		} fault;
		struct {
			uint64_t gpa;
			bool write;
		} mmio;
		struct {
			uint64_t r0;
		} hvc;
		struct {
			bool wfe;
		} wfx;
		struct ev_sysreg sys;
		struct {
			uint64_t esr;
		} sys_esr;
		struct {
			uint32_t reason;
		} user;
		struct {
			uint32_t number;
			char name[16]; /* of its handler, may be cut */
		} irq;
		struct {
			int64_t count; /* negative: how many is unknown */
		} lost;
	};
};

#endif
