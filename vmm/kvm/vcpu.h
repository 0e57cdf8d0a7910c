/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU: its descriptor, its thread and the run loop around KVM_RUN. */
#ifndef TL_KVM_VCPU_H
#define TL_KVM_VCPU_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/mmio.h"
#include "kvm/coalesced.h"
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
	struct coalesced *coalesced; /* drained at each exit to us */
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
	bool has_thread;
	_Atomic pid_t tid;    /* of the thread; 0 until it runs */
	atomic_uint request;  /* what the thread shall do; 0 is to run */
	pthread_mutex_t lock; /* the thread sleeps on @changed while held */
	pthread_cond_t changed;
	bool parked; /* under @lock: it sleeps, or has ended */
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

/* Let the thread run on these CPUs of the host only.  TL_HOST: -EINVAL. */
int vcpu_pin(struct vcpu *vcpu, const cpu_set_t *cpus, struct error *err);

/*
 * Kick the vCPU out of the guest and hold it there until vcpu_resume().  It may
 * still be on its way when this returns.  Before vcpu_start(): the thread will
 * begin by waiting.
 */
void vcpu_hold(struct vcpu *vcpu);

/*
 * Wait until the thread sleeps, at most @ms milliseconds.  False: it is busy,
 * not with the guest but with an access to a device that waits for something,
 * and will sleep before it enters the guest again.
 */
bool vcpu_wait_held(struct vcpu *vcpu, unsigned int ms);

/* Let a held vCPU go on. */
void vcpu_resume(struct vcpu *vcpu);

/* The thread's ID, as soon as it has one: for a vCPU that was started. */
pid_t vcpu_tid(struct vcpu *vcpu);

/* Take the vCPU out of the guest, for good, and join its thread. */
void vcpu_stop(struct vcpu *vcpu);

/* Unmap and close; the thread must have been stopped. */
void vcpu_destroy(struct vcpu *vcpu);

/* KVM_GET_ONE_REG, KVM_SET_ONE_REG (4.68, 4.69); @val is as wide as @id says. */
int vcpu_get_reg(const struct vcpu *vcpu, uint64_t id, void *val);
int vcpu_set_reg(const struct vcpu *vcpu, uint64_t id, const void *val);

#endif
