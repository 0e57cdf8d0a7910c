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
#include "lib/thread.h"

/* The signal's only job is to make KVM_RUN, or a system call, return EINTR. */
#define KICK_SIGNAL   (SIGRTMIN + 1)

#define NS_PER_SEC    1000000000L
#define NS_PER_MS     1000000L
#define KICK_AGAIN_NS 20000000L

/* Bits of vcpu->request. */
#define REQUEST_HOLD 1U
#define REQUEST_STOP 2U

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

/*
 * KVM_RUN leaves the signal pending that it unblocked: taken away here, or the
 * next one would return at once, and the one after that.
 */
static void take_kick(const struct vcpu *vcpu)
{
	const struct timespec now = { 0 };
	sigset_t set;

	if (vcpu->vm->has_immediate_exit)
		return;
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	sigtimedwait(&set, NULL, &now);
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

/* Its timed waits must not follow the wall clock. */
static void init_changed(struct vcpu *vcpu)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vcpu->changed, &attr);
	pthread_condattr_destroy(&attr);
}

int vcpu_create(struct vcpu *vcpu, const struct vm *vm, unsigned int id,
		const struct vcpu_env *env, struct error *err)
{
	int ret;

	*vcpu = (struct vcpu){
		.vm = vm,
		.env = env,
		.id = id,
		.fd = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	init_changed(vcpu);

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
	pthread_cond_destroy(&vcpu->changed);
	pthread_mutex_destroy(&vcpu->lock);
}

static void handle_mmio(const struct vcpu *vcpu, struct kvm_run *run)
{
	const struct vcpu_env *env = vcpu->env;
	unsigned int size = run->mmio.len;
	uint64_t addr = run->mmio.phys_addr;
	uint64_t val = 0;
	bool claimed;

	/*
	 * mmio.data holds the bytes in memory order, and so does @val: KVM on
	 * ARM and this file are little-endian.  All eight are there, and the
	 * bus and KVM look at @size of them.
	 */
	if (run->mmio.is_write) {
		memcpy(&val, run->mmio.data, sizeof(val));
		claimed = mmio_bus_write(env->bus, addr, size, val);
	} else {
		claimed = mmio_bus_read(env->bus, addr, size, &val);
		memcpy(run->mmio.data, &val, sizeof(val));
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
		take_kick(vcpu);
		return true;
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

/* Under the lock. */
static void set_parked(struct vcpu *vcpu, bool parked)
{
	vcpu->parked = parked;
	pthread_cond_broadcast(&vcpu->changed);
}

/* Sleep while held.  False: stop. */
static bool park(struct vcpu *vcpu)
{
	unsigned int request;

	pthread_mutex_lock(&vcpu->lock);
	set_parked(vcpu, true);
	while ((request = vcpu->request) == REQUEST_HOLD)
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	set_parked(vcpu, false);
	/* Under the lock: a hold that comes next sets it again. */
	if (!request)
		vcpu->run->immediate_exit = 0;
	pthread_mutex_unlock(&vcpu->lock);
	return !(request & REQUEST_STOP);
}

static void *run_loop(void *opaque)
{
	struct vcpu *vcpu = opaque;
	struct coalesced *coalesced = vcpu->env->coalesced;
	bool go = true;
	int ret, errnum;
	char name[16];

	vcpu->tid = gettid();
	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	pthread_setname_np(pthread_self(), name);
	thread_enter(THREAD_VCPU);
	ret = arm_kick(vcpu);
	if (ret)
		go = handle_error(vcpu, -ret);
	while (go) {
		if (atomic_load_explicit(&vcpu->request,
					 memory_order_relaxed)) {
			go = park(vcpu);
			continue;
		}
		errnum = ioctl(vcpu->fd, KVM_RUN, 0UL) ? errno : 0;
		/* The guest wrote this before what it exited for. */
		if (coalesced_pending(coalesced))
			coalesced_drain(coalesced);
		go = errnum ? handle_error(vcpu, errnum) : handle_exit(vcpu);
	}
	pthread_mutex_lock(&vcpu->lock);
	set_parked(vcpu, true);
	pthread_mutex_unlock(&vcpu->lock);
	return NULL;
}

int vcpu_start(struct vcpu *vcpu, struct error *err)
{
	int ret;

	ret = thread_start(&vcpu->thread, run_loop, vcpu);
	if (ret)
		return error_set(err, TL_FAIL, ret, "no thread for vCPU %u: %s",
				 vcpu->id, strerror(ret));
	vcpu->has_thread = true;
	return 0;
}

int vcpu_pin(struct vcpu *vcpu, const cpu_set_t *cpus, struct error *err)
{
	int ret = pthread_setaffinity_np(vcpu->thread, sizeof(*cpus), cpus);

	if (ret)
		return error_set(err, TL_HOST, ret,
				 "option --cpu-pin: none of the CPUs for vCPU "
				 "%u can be used on this host: %s",
				 vcpu->id, strerror(ret));
	return 0;
}

/* Set @request where the thread will see it; a signal still has to follow. */
static void ask(struct vcpu *vcpu, unsigned int request)
{
	pthread_mutex_lock(&vcpu->lock);
	vcpu->request |= request;
	/* Pairs with KVM's READ_ONCE() after the signal interrupted it. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_hold(struct vcpu *vcpu)
{
	ask(vcpu, REQUEST_HOLD);
	if (vcpu->has_thread)
		pthread_kill(vcpu->thread, KICK_SIGNAL);
}

bool vcpu_wait_held(struct vcpu *vcpu, unsigned int ms)
{
	struct timespec until;
	bool parked;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * NS_PER_MS;
	if (until.tv_nsec >= NS_PER_SEC) {
		until.tv_nsec -= NS_PER_SEC;
		until.tv_sec++;
	}
	pthread_mutex_lock(&vcpu->lock);
	while (vcpu->has_thread && !vcpu->parked && !ret)
		ret = pthread_cond_timedwait(&vcpu->changed, &vcpu->lock,
					     &until);
	parked = vcpu->parked || !vcpu->has_thread;
	pthread_mutex_unlock(&vcpu->lock);
	return parked;
}

void vcpu_resume(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	vcpu->request &= ~REQUEST_HOLD;
	/* It may not have slept yet and then does not pass by park(). */
	if (!vcpu->request)
		vcpu->run->immediate_exit = 0;
	pthread_cond_broadcast(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
}

pid_t vcpu_tid(struct vcpu *vcpu)
{
	/* Its first act, so this is a matter of microseconds. */
	while (vcpu->has_thread && !vcpu->tid)
		usleep(100);
	return vcpu->tid;
}

void vcpu_stop(struct vcpu *vcpu)
{
	struct timespec until;

	if (!vcpu->has_thread)
		return;
	ask(vcpu, REQUEST_STOP);
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
