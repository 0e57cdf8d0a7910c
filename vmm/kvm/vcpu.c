// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kvm/vcpu.h"

/* The signal's only job is to make KVM_RUN, or a system call, return EINTR. */
#define KICK_SIGNAL   (SIGRTMIN + 1)

#define NS_PER_SEC    1000000000L
#define KICK_AGAIN_NS 20000000L

/* Bytes of the kernel's signal set: 64 signals, whatever libc's size is. */
#define KERNEL_SIGSET_SIZE 8

static void kicked(int sig)
{
	(void)sig;
}

void vcpu_signals_init(void)
{
	struct sigaction sa = { .sa_handler = kicked };
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	sigaction(KICK_SIGNAL, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/*
 * A kick that arrives just before KVM_RUN must not be lost.  With
 * KVM_CAP_IMMEDIATE_EXIT the flag in kvm_run, set before the signal is sent,
 * makes KVM_RUN return; hosts before Linux 4.11 get the signal unblocked by
 * KVM_RUN itself, so that it stays pending until then.
 */
static int arm_kick(const struct vcpu *vcpu)
{
	struct {
		struct kvm_signal_mask mask;
		uint8_t set[KERNEL_SIGSET_SIZE];
	} arg = { .mask.len = KERNEL_SIGSET_SIZE };
	sigset_t set;

	if (vcpu->vm->has_immediate_exit) {
		sigemptyset(&set);
		sigaddset(&set, KICK_SIGNAL);
		return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	}
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	sigdelset(&set, KICK_SIGNAL);
	memcpy(arg.mask.sigset, &set, KERNEL_SIGSET_SIZE);
	return ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &arg.mask) < 0 ? -errno : 0;
}

int vcpu_get_reg(const struct vcpu *vcpu, uint64_t id, void *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) < 0 ? -errno : 0;
}

int vcpu_set_reg(const struct vcpu *vcpu, uint64_t id, const void *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) < 0 ? -errno : 0;
}

int vcpu_create(struct vcpu *vcpu, const struct vm *vm, unsigned int id,
		const struct vcpu_env *env, struct error *err)
{
	int ret;

	*vcpu = (struct vcpu){ .vm = vm, .env = env, .id = id, .fd = -1 };

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (vcpu->fd < 0)
		return error_set(err, TL_HOST, errno,
				 "KVM cannot create vCPU %u: %s", id,
				 strerror(errno));
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		ret = error_set(err, TL_HOST, errno,
				"cannot map the kvm_run of vCPU %u: %s", id,
				strerror(errno));
		close(vcpu->fd);
		vcpu->fd = -1;
		vcpu->run = NULL;
		return ret;
	}
	return 0;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->vm->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

static void handle_mmio(const struct vcpu *vcpu, struct kvm_run *run)
{
	const struct vcpu_env *env = vcpu->env;
	unsigned int size = run->mmio.len;
	uint64_t addr = run->mmio.phys_addr;
	uint64_t val = 0;
	bool claimed;

	if (size > sizeof(val))
		size = sizeof(val);
	/* mmio.data holds the bytes in memory order, and so does @val: KVM on
	 * ARM and this file are little-endian. */
	if (run->mmio.is_write) {
		memcpy(&val, run->mmio.data, size);
		claimed = mmio_bus_write(env->bus, addr, size, val);
	} else {
		claimed = mmio_bus_read(env->bus, addr, size, &val);
		memcpy(run->mmio.data, &val, size);
	}
	if (!claimed)
		env->unclaimed(env->opaque, addr, size, run->mmio.is_write);
}

static void ended(struct vcpu *vcpu, enum vcpu_end end, const char *why)
{
	vcpu->env->ended(vcpu->env->opaque, vcpu, end, why);
}

static void handle_system_event(struct vcpu *vcpu, const struct kvm_run *run)
{
	char why[64];

	switch (run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		ended(vcpu, VCPU_POWER_OFF, NULL);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		ended(vcpu, VCPU_RESET, NULL);
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		ended(vcpu, VCPU_CRASH, "the guest reported a crash");
		break;
	default:
		snprintf(why, sizeof(why), "unknown system event %u from KVM",
			 run->system_event.type);
		ended(vcpu, VCPU_CRASH, why);
	}
}

/* KVM_RUN returned 0.  False: the run loop ends. */
static bool handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	char why[160];

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu, run);
		return true;
	case KVM_EXIT_INTR:
		return true;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(vcpu, run);
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(
			why, sizeof(why),
			"the processor refused to enter the guest (reason 0x%" PRIx64
			")",
			(uint64_t)run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		snprintf(why, sizeof(why), "KVM internal error %u",
			 run->internal.suberror);
		break;
	case KVM_EXIT_UNKNOWN:
		snprintf(why, sizeof(why),
			 "exit unknown to KVM (hardware reason 0x%" PRIx64 ")",
			 (uint64_t)run->hw.hardware_exit_reason);
		break;
	default:
		snprintf(why, sizeof(why), "unexpected exit reason %u from KVM",
			 run->exit_reason);
	}
	ended(vcpu, VCPU_CRASH, why);
	return false;
}

/* KVM_RUN failed with @errnum.  False: the run loop ends. */
static bool handle_error(struct vcpu *vcpu, int errnum)
{
	char why[160];

	switch (errnum) {
	case EINTR:
	case EAGAIN:
		return true;
	case ENOSYS:
		/*
		 * A data abort outside memory whose syndrome does not say what
		 * the instruction did (ESR_EL2.ISV = 0).
		 */
		snprintf(why, sizeof(why),
			 "it accessed an address without memory by an "
			 "instruction that KVM cannot emulate");
		break;
	case EFAULT:
		snprintf(why, sizeof(why),
			 "the host could not provide a page of guest memory");
		break;
	case ENOEXEC:
		snprintf(why, sizeof(why),
			 "KVM refuses to run it (vCPU not initialised, or not "
			 "supported on this core)");
		break;
	default:
		snprintf(why, sizeof(why), "KVM_RUN: %s", strerror(errnum));
	}
	ended(vcpu, VCPU_CRASH, why);
	return false;
}

static void *run_loop(void *opaque)
{
	struct vcpu *vcpu = opaque;
	bool go = true;
	int ret;

	vcpu->tid = gettid();
	ret = arm_kick(vcpu);
	if (ret) {
		handle_error(vcpu, -ret);
		return NULL;
	}
	while (go && !atomic_load_explicit(&vcpu->stop, memory_order_relaxed)) {
		if (!ioctl(vcpu->fd, KVM_RUN, 0UL))
			go = handle_exit(vcpu);
		else
			go = handle_error(vcpu, errno);
	}
	return NULL;
}

int vcpu_start(struct vcpu *vcpu, struct error *err)
{
	char name[16];
	int ret;

	ret = pthread_create(&vcpu->thread, NULL, run_loop, vcpu);
	if (ret)
		return error_set(err, TL_FAIL, ret, "no thread for vCPU %u: %s",
				 vcpu->id, strerror(ret));
	vcpu->has_thread = true;
	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	pthread_setname_np(vcpu->thread, name);
	return 0;
}

void vcpu_stop(struct vcpu *vcpu)
{
	struct timespec until;

	if (!vcpu->has_thread)
		return;
	atomic_store(&vcpu->stop, true);
	/* Pairs with KVM's READ_ONCE() after the signal interrupted it. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	/*
	 * Again and again: the thread may have been about to enter a system
	 * call that blocks, other than KVM_RUN, when the signal came.
	 */
	do {
		pthread_kill(vcpu->thread, KICK_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += KICK_AGAIN_NS;
		if (until.tv_nsec >= NS_PER_SEC) {
			until.tv_nsec -= NS_PER_SEC;
			until.tv_sec++;
		}
	} while (pthread_timedjoin_np(vcpu->thread, NULL, &until));
	vcpu->has_thread = false;
}
