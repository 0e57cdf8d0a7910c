/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU: its descriptor, its thread and the run loop around KVM_RUN. */
#ifndef TL_KVM_VCPU_H
#define TL_KVM_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/mmio.h"
#include "kvm/vm.h"
#include "lib/error.h"

struct vcpu;
struct kvm_run;

/* Why a vCPU left its run loop by itself. */
enum vcpu_end {
	VCPU_POWER_OFF, /* PSCI SYSTEM_OFF */
	VCPU_RESET,     /* PSCI SYSTEM_RESET */
	VCPU_CRASH,     /* KVM cannot go on, or the guest reported a crash */
};

/* What all vCPUs of a VM share. */
struct vcpu_env {
	const struct mmio_bus *bus;
	/* No device answered.  vCPU thread; must be quick. */
	void (*unclaimed)(void *opaque, uint64_t addr, unsigned int size,
			  bool is_write);
	/*
	 * The run loop ends; once a vCPU, on its thread, which may still read
	 * its registers.  @why is one phrase for VCPU_CRASH, else NULL.
	 */
	void (*ended)(void *opaque, struct vcpu *vcpu, enum vcpu_end end,
		      const char *why);
	void *opaque;
};

struct vcpu {
	const struct vm *vm;
	const struct vcpu_env *env;
	unsigned int id;
	int fd;
	struct kvm_run *run; /* shared with the kernel */
	pthread_t thread;
	pid_t tid; /* of the thread, valid once it has been joined */
	bool has_thread;
	atomic_bool stop;
};

/*
 * To be called once before vcpu_start(), with the signals as all threads of the
 * process shall have them: blocks the kick signal in the caller, and so in all
 * threads made from here on, and installs its handler.
 */
void vcpu_signals_init(void);

/* KVM_CREATE_VCPU (4.7) and the mapping of its kvm_run (5).  TL_HOST. */
int vcpu_create(struct vcpu *vcpu, const struct vm *vm, unsigned int id,
		const struct vcpu_env *env, struct error *err);

/* Start the thread; it enters the guest at once.  -EAGAIN. */
int vcpu_start(struct vcpu *vcpu, struct error *err);

/* Take the vCPU out of the guest, for good, and join its thread. */
void vcpu_stop(struct vcpu *vcpu);

/* Unmap and close; the thread must have been stopped. */
void vcpu_destroy(struct vcpu *vcpu);

/* KVM_GET_ONE_REG, KVM_SET_ONE_REG (4.68, 4.69); @val is as wide as @id says. */
int vcpu_get_reg(const struct vcpu *vcpu, uint64_t id, void *val);
int vcpu_set_reg(const struct vcpu *vcpu, uint64_t id, const void *val);

#endif
