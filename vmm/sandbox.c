// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "backend/console-tty.h"
#include "lib/log.h"
#include "lib/thread.h"
#include "sandbox-filters.h"
#include "sandbox.h"
#include "sandbox/rules.h"

/* A reader of messages that is slower does not get this one. */
#define MESSAGE_MS 200
/* Instructions; the largest has two thirds of these. */
#define FILTER_MAX 384
#define MAX_ARENAS 8
#define SIZE(name) (sizeof(filter_##name) / sizeof(filter_##name[0]))

_Static_assert(SIZE(parent) <= FILTER_MAX && SIZE(main) <= FILTER_MAX &&
		       SIZE(vcpu) <= FILTER_MAX && SIZE(worker) <= FILTER_MAX,
	       "room for each filter");

/* The main thread's. */
static struct {
	bool on;
	bool locked;
} sandbox;

/* Read by the signal handler: it may not be made on first use. */
static __thread enum thread_kind current
	__attribute__((tls_model("initial-exec"))) = THREAD_MAIN;

static const char *const kind_names[] = {
	[THREAD_MAIN] = "the main thread",
	[THREAD_VCPU] = "a vCPU thread",
	[THREAD_WORKER] = "a worker thread",
};

int sandbox_parse(const char *arg, enum sandbox_mode *mode, struct error *err)
{
	if (!strcmp(arg, "seccomp"))
		*mode = SANDBOX_SECCOMP;
	else if (!strcmp(arg, "full"))
		*mode = SANDBOX_FULL;
	else if (!strcmp(arg, "none"))
		*mode = SANDBOX_NONE;
	else
		return error_set(err, TL_USAGE, EINVAL,
				 "option --sandbox: '%.40s' is none of none, "
				 "seccomp and full",
				 arg);
	return 0;
}

/* --- a call that is not allowed --------------------------------------------*/

struct line {
	char text[256];
	size_t len;
};

static void add(struct line *line, const char *text)
{
	size_t len = strlen(text);

	if (len > sizeof(line->text) - line->len)
		len = sizeof(line->text) - line->len;
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void add_number(struct line *line, unsigned long n, unsigned int base)
{
	char digits[3 * sizeof(n) + 1];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	add(line, p);
}

static const char *name_of(int call)
{
	const char *name = filter_names;
	int i;

	if (call < 0 || call >= SANDBOX_NR_NAMES)
		return "";
	for (i = 0; i < call; i++)
		name += strlen(name) + 1;
	return name;
}

/* Only what a signal handler may call. */
static void say(const struct line *line)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&out, 1, MESSAGE_MS) == 1 &&
	    write(STDERR_FILENO, line->text, line->len) < 0)
		return;
}

/* Nothing that the thread would do next can be trusted. */
static void violated(int sig, siginfo_t *info, void *context)
{
	struct line line = { .len = 0 };
	const char *name = name_of(info->si_syscall);

	(void)sig;
	console_restore_terminal();
	add(&line, "trapline: error: the sandbox ended the VM: ");
	add(&line, kind_names[current]);
	add(&line, " called ");
	if (*name) {
		add(&line, name);
	} else {
		add(&line, "system call ");
		add_number(&line, (unsigned int)info->si_syscall, 10);
	}
	if (info->si_syscall == SYS_ioctl) {
		add(&line, " 0x");
		add_number(&line, SANDBOX_SECOND_ARG((ucontext_t *)context),
			   16);
	}
	add(&line, "; a guest may be breaking out, or report this as a bug "
		   "(docs/security.md)\n");
	say(&line);
	_exit(TL_SANDBOX);
}

/* --- giving up -------------------------------------------------------------*/

/*
 * That user 0 has capabilities by its number alone ends, for good.  Dropping the
 * bounding set takes a call for each of 41, and would add nothing to this and
 * to no_new_privs, under which a file's capabilities count for nothing.
 */
static void lock_securebits(void)
{
	/* Fails without the right to: then there is nothing to give up. */
	prctl(PR_SET_SECUREBITS,
	      (unsigned long)(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
			      SECBIT_NO_SETUID_FIXUP |
			      SECBIT_NO_SETUID_FIXUP_LOCKED |
			      SECBIT_KEEP_CAPS_LOCKED),
	      0UL, 0UL, 0UL);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
		{ 0 },
	};

	lock_securebits();
	/* Ambient ones go with the permitted. */
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int install(const struct sock_filter *filter, size_t nr)
{
	struct sock_filter own[FILTER_MAX];
	const struct sock_fprog program = { .len = (unsigned short)nr,
					    .filter = own };
	const uint32_t pid = (uint32_t)getpid();
	size_t i;

	memcpy(own, filter, nr * sizeof(own[0]));
	for (i = 0; i < nr; i++)
		if (BPF_CLASS(own[i].code) == BPF_JMP &&
		    own[i].k == RULE_OWN_PID)
			own[i].k = pid;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL))
		return -errno;
	return 0;
}

#define INSTALL(name) install(filter_##name, SIZE(name))

static int shut_in(enum thread_kind kind, bool parent)
{
	sigset_t set;
	int ret = 0;

	/* A thread of one that is shut in has them no more. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) != 1) {
		ret = drop_capabilities();
		if (!ret && prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL))
			ret = -errno;
	}
	if (ret)
		return ret;
	/* Blocked, the signal would kill without a word. */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	switch (kind) {
	case THREAD_VCPU:
		return INSTALL(vcpu);
	case THREAD_WORKER:
		return INSTALL(worker);
	case THREAD_MAIN:
		break;
	}
	return parent ? INSTALL(parent) : INSTALL(main);
}

/* A thread that cannot be shut in does not run; it has nobody to tell. */
static void enter(enum thread_kind kind)
{
	int ret;

	current = kind;
	ret = shut_in(kind, false);
	if (ret) {
		log_error("the sandbox cannot have %s: %s", kind_names[kind],
			  strerror(-ret));
		_exit(TL_HOST);
	}
}

/* --- open, lock ------------------------------------------------------------*/

/* It complains of the address, or does not know the request. */
static bool host_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0UL, 0UL, 0UL) &&
	       errno == EFAULT;
}

int sandbox_open(enum sandbox_mode mode, struct error *err)
{
	struct sigaction sa = { .sa_sigaction = violated,
				.sa_flags = SA_SIGINFO };

	sandbox.on = false;
	thread_set_enter(NULL);
	if (mode == SANDBOX_NONE)
		return 0;
	if (!host_has_filters()) {
		if (mode != SANDBOX_AUTO)
			return error_set(err, TL_HOST, ENOSYS,
					 "option --sandbox: this host's kernel "
					 "has no system call filters "
					 "(CONFIG_SECCOMP_FILTER): use "
					 "--sandbox=none");
		log_warn("this host's kernel has no system call filters "
			 "(CONFIG_SECCOMP_FILTER): the guest runs without a "
			 "sandbox");
		return 0;
	}
	/* Or libc opens a file, in any thread, to count the CPUs. */
	mallopt(M_ARENA_MAX, MAX_ARENAS);
	sigfillset(&sa.sa_mask);
	sigaction(SIGSYS, &sa, NULL);
	sandbox.on = true;
	thread_set_enter(enter);
	return 0;
}

int sandbox_lock(bool parent, struct error *err)
{
	int ret;

	if (!sandbox.on || sandbox.locked)
		return 0;
	ret = shut_in(THREAD_MAIN, parent);
	if (ret)
		return error_set(err, TL_HOST, -ret,
				 "the sandbox cannot have %s: %s "
				 "(--sandbox=none runs without)",
				 kind_names[THREAD_MAIN], strerror(-ret));
	sandbox.locked = true;
	return 0;
}
