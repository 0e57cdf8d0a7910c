// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sandbox: each kind of thread makes calls that it may and calls that it may
 * not, and tells what it has given up, in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/thread.h"
#include "sandbox.h"
#include "sandbox_child.h"

/* --- what they do ----------------------------------------------------------*/

static void open_a_file(void)
{
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void run_a_program(void)
{
	char *const argv[] = { (char *)"true", NULL };

	execv("/bin/true", argv);
}

static void open_tcp(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void open_unix(void)
{
	if (socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		_exit(1);
}

static void type_into_terminal(void)
{
	ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static void make_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	     0);
}

static void fork_off(void)
{
	if (!fork())
		_exit(0);
}

static void *nothing(void *opaque)
{
	return opaque;
}

static void start_thread(void)
{
	pthread_t thread;

	if (thread_start(&thread, nothing, NULL) || pthread_join(thread, NULL))
		_exit(1);
}

static void signal_parent(void)
{
	if (kill(sandbox_parent, 0))
		_exit(1);
}

static void signal_parent_thread(void)
{
	syscall(SYS_tgkill, sandbox_parent, sandbox_parent, 0);
}

static void signal_itself(void)
{
	if (syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), 0))
		_exit(1);
}

static void look_into_another(void)
{
	syscall(SYS_process_vm_readv, sandbox_parent, NULL, 0, NULL, 0, 0);
}

static void trace(void)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void what_has_no_name(void)
{
	syscall(1000);
}

static void everyday(void)
{
	char *p = malloc(1 << 20);
	int fd = eventfd(0, 0);
	struct timespec ts;

	if (!p || fd < 0 || clock_gettime(CLOCK_MONOTONIC, &ts))
		_exit(1);
	memset(p, 1, 1 << 20);
	free(p);
	usleep(1000);
	close(fd);
}

static void read_status(void)
{
	char line[256];
	bool privs = false, caps = false, filter = false;
	FILE *f = fopen("/proc/thread-self/status", "r");

	while (f && fgets(line, sizeof(line), f)) {
		privs |= !strcmp(line, "NoNewPrivs:\t1\n");
		filter |= !strcmp(line, "Seccomp:\t2\n");
		caps |= !strcmp(line, "CapPrm:\t0000000000000000\n");
	}
	if (!privs || !filter || !caps)
		_exit(1);
}

/* --- tests -----------------------------------------------------------------*/

static void test_vcpu(void **state)
{
	(void)state;
	sandbox_allowed(IN_VCPU_THREAD, everyday);
	sandbox_allowed(IN_VCPU_THREAD, signal_itself);
	sandbox_forbidden(IN_VCPU_THREAD, open_a_file,
			  "a vCPU thread called openat");
	sandbox_forbidden(IN_VCPU_THREAD, open_unix,
			  "a vCPU thread called socket");
	sandbox_forbidden(IN_VCPU_THREAD, type_into_terminal,
			  "a vCPU thread called ioctl 0x5412");
	sandbox_forbidden(IN_VCPU_THREAD, make_code,
			  "a vCPU thread called mmap");
}

static void test_worker(void **state)
{
	(void)state;
	sandbox_allowed(IN_WORKER_THREAD, everyday);
	sandbox_allowed(IN_WORKER_THREAD, open_unix);
	sandbox_forbidden(IN_WORKER_THREAD, open_a_file,
			  "a worker thread called openat");
	sandbox_forbidden(IN_WORKER_THREAD, open_tcp,
			  "a worker thread called socket");
	sandbox_forbidden(IN_WORKER_THREAD, signal_parent,
			  "a worker thread called kill");
	sandbox_forbidden(IN_WORKER_THREAD, type_into_terminal,
			  "a worker thread called ioctl 0x5412");
}

static void test_main(void **state)
{
	(void)state;
	sandbox_allowed(IN_MAIN_THREAD, everyday);
	sandbox_allowed(IN_MAIN_THREAD, open_a_file);
	sandbox_allowed(IN_MAIN_THREAD, start_thread);
	sandbox_allowed(IN_MAIN_THREAD, read_status);
	sandbox_allowed(IN_A_PARENT, read_status);
	sandbox_allowed(IN_A_PARENT, signal_parent);
	sandbox_forbidden(IN_MAIN_THREAD, signal_parent,
			  "the main thread called kill");
	sandbox_forbidden(IN_A_PARENT, signal_parent_thread,
			  "the main thread called tgkill");
	sandbox_forbidden(IN_A_PARENT, run_a_program,
			  "the main thread called execve");
	sandbox_forbidden(IN_A_PARENT, fork_off,
			  "the main thread called clone");
	sandbox_forbidden(IN_MAIN_THREAD, open_tcp,
			  "the main thread called socket");
	sandbox_forbidden(IN_MAIN_THREAD, look_into_another,
			  "the main thread called process_vm_readv");
	sandbox_forbidden(IN_MAIN_THREAD, trace,
			  "the main thread called ptrace");
	sandbox_forbidden(IN_MAIN_THREAD, make_code,
			  "the main thread called mmap");
	sandbox_forbidden(IN_MAIN_THREAD, what_has_no_name,
			  "the main thread called system call 1000");
}

static void test_after_reset(void **state)
{
	(void)state;
	sandbox_allowed(IN_LATER_WORKER, everyday);
	sandbox_forbidden(IN_LATER_WORKER, open_a_file,
			  "a worker thread called openat");
}

static void test_none(void **state)
{
	struct error err = { 0 };
	enum sandbox_mode mode;

	(void)state;
	assert_int_equal(sandbox_open(SANDBOX_NONE, NULL), 0);
	assert_int_equal(sandbox_lock(false, NULL), 0);
	thread_enter(THREAD_VCPU);
	assert_int_equal(prctl(PR_GET_SECCOMP), 0);
	assert_int_equal(sandbox_parse("none", &mode, NULL), 0);
	assert_int_equal(mode, SANDBOX_NONE);
	assert_int_equal(sandbox_parse("seccomp", &mode, NULL), 0);
	assert_int_equal(mode, SANDBOX_SECCOMP);
	assert_true(sandbox_parse("maybe", &mode, &err) < 0);
	assert_int_equal(err.status, TL_USAGE);
}

/* As a kernel without filters does, but that it needs one here to say so. */
static void without_filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]),
					    code };
	struct error err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL))
		_exit(90);
	if (sandbox_open(SANDBOX_SECCOMP, &err) != -ENOSYS)
		_exit(91);
	if (err.status != TL_HOST)
		_exit(92);
	fprintf(stderr, "%s\n", err.text);
	if (sandbox_open(SANDBOX_FULL, NULL) != -ENOSYS)
		_exit(93);
	/* The default goes on, and all is as without it. */
	if (sandbox_open(SANDBOX_AUTO, NULL) || sandbox_lock(false, NULL))
		_exit(94);
	thread_enter(THREAD_VCPU);
	open_a_file();
}

static void test_host_without_filters(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(sandbox_child(IN_THE_OPEN, without_filters, text,
				       sizeof(text)),
			 0);
	assert_non_null(strstr(text, "option --sandbox: this host's kernel has "
				     "no system call filters"));
	assert_non_null(strstr(text, "the guest runs without a sandbox"));
}

/* --- what they have given up -----------------------------------------------*/

/*
 * A filter with which those of the sandbox count as installed and are not: a
 * thread can still ask for what no list has.
 */
static bool install_no_filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_prctl, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]),
					    code };

	return !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL);
}

static bool has_no_capability(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	unsigned long cap;
	size_t i;

	if (syscall(SYS_capget, &header, data))
		return false;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted ||
		    data[i].inheritable)
			return false;
	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) >= 0; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0UL, 0UL))
			return false;
	return cap > CAP_SYS_ADMIN;
}

static void look_at_itself(void)
{
	const int locked =
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) != 1)
		_exit(1);
	if (!has_no_capability())
		_exit(2);
	if (prctl(PR_GET_SECUREBITS, 0UL, 0UL, 0UL, 0UL) != locked)
		_exit(3);
	/* Not to be taken back; and a program has no more, user 0's neither. */
	if (!prctl(PR_SET_SECUREBITS, 0UL, 0UL, 0UL, 0UL))
		_exit(4);
	execlp("grep", "grep", "-q", "^CapEff:[[:space:]]*0*$",
	       "/proc/self/status", (char *)NULL);
	_exit(5);
}

static enum place look_in;

static void give_up(void)
{
	/* Root of a namespace has as much to give up. */
	if (geteuid() && unshare(CLONE_NEWUSER))
		_exit(77);
	if (!install_no_filters())
		_exit(90);
	sandbox_run(look_in, look_at_itself);
}

static void test_given_up(void **state)
{
	static const enum place places[] = {
		IN_MAIN_THREAD,   IN_A_PARENT,     IN_VCPU_THREAD,
		IN_WORKER_THREAD, IN_LATER_WORKER,
	};
	char text[512];
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		look_in = places[i];
		status =
			sandbox_child(IN_THE_OPEN, give_up, text, sizeof(text));
		if (status == 77)
			skip(); /* an ordinary user without namespaces */
		assert_string_equal(text, "");
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_vcpu),
		cmocka_unit_test(test_worker),
		cmocka_unit_test(test_main),
		cmocka_unit_test(test_after_reset),
		cmocka_unit_test(test_host_without_filters),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
