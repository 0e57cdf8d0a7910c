// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sandbox: each kind of thread makes calls that it may and calls that it may
 * not, in a process of its own, and the filters for ARM are executed here, as the
 * kernel would, on calls that a list of its kind has or has not.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define SANDBOX(name) arm64_##name
#include "arm64/sandbox-filters.h"
static const int arm64_nr = SANDBOX_NR_NAMES;
#undef SANDBOX
#define SANDBOX(name) arm_##name
#include "arm/sandbox-filters.h"
static const int arm_nr = SANDBOX_NR_NAMES;
#undef SANDBOX

#include "lib/thread.h"
#include "lib/worker.h"
#include "sandbox-root.h"
#include "sandbox.h"
#include "sandbox/rules.h"

#define PATIENCE_S 20

/* --- in a process of its own -----------------------------------------------*/

enum place {
	IN_THE_OPEN,
	IN_VCPU_THREAD,
	IN_WORKER_THREAD,
	IN_MAIN_THREAD,
	IN_A_PARENT
};

static void (*act)(void);
static pid_t parent;

static void worker_ready(void *opaque, unsigned int index)
{
	(void)opaque;
	(void)index;
	act();
	_exit(0);
}

/* The kind that VMs have, with all signals blocked. */
static void act_in_worker(void)
{
	const int fd = eventfd(1, EFD_NONBLOCK);
	const struct worker_config config = {
		.name = "test",
		.fds = &fd,
		.nr_fds = 1,
		.ready = worker_ready,
	};
	struct worker *worker;

	if (worker_new(&config, &worker, NULL))
		_exit(99);
	worker_resume(worker);
	for (;;)
		sleep(1);
}

static void *vcpu_thread(void *opaque)
{
	thread_enter(THREAD_VCPU);
	act();
	_exit(0);
	return opaque;
}

static void run(enum place place)
{
	pthread_t thread;

	if (place == IN_THE_OPEN) {
		act();
		_exit(0);
	}
	if (sandbox_open(SANDBOX_SECCOMP, NULL))
		_exit(98);
	if (place == IN_MAIN_THREAD || place == IN_A_PARENT) {
		if (sandbox_lock(place == IN_A_PARENT, NULL))
			_exit(97);
		act();
		_exit(0);
	}
	if (place == IN_WORKER_THREAD)
		act_in_worker();
	if (thread_start(&thread, vcpu_thread, NULL))
		_exit(96);
	for (;;)
		sleep(1);
}

/* Its exit status, and in @text what it wrote to stderr. */
static int child(enum place place, void (*fn)(void), char *text, size_t size)
{
	int fd[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		alarm(PATIENCE_S);
		act = fn;
		parent = getppid();
		run(place);
	}
	close(fd[1]);
	while (len < size - 1 &&
	       (n = read(fd[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void allowed(enum place place, void (*fn)(void))
{
	char text[1024];

	assert_int_equal(child(place, fn, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void forbidden(enum place place, void (*fn)(void), const char *says)
{
	char text[1024], want[256];

	assert_int_equal(child(place, fn, text, sizeof(text)), TL_SANDBOX);
	snprintf(want, sizeof(want),
		 "trapline: error: the sandbox ended the VM: %s; ", says);
	assert_memory_equal(text, want, strlen(want));
	/* One line. */
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

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
	if (kill(parent, 0))
		_exit(1);
}

static void signal_parent_thread(void)
{
	syscall(SYS_tgkill, parent, parent, 0);
}

static void signal_itself(void)
{
	if (syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), 0))
		_exit(1);
}

static void look_into_another(void)
{
	syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0);
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
	allowed(IN_VCPU_THREAD, everyday);
	allowed(IN_VCPU_THREAD, signal_itself);
	forbidden(IN_VCPU_THREAD, open_a_file, "a vCPU thread called openat");
	forbidden(IN_VCPU_THREAD, open_unix, "a vCPU thread called socket");
	forbidden(IN_VCPU_THREAD, type_into_terminal,
		  "a vCPU thread called ioctl 0x5412");
	forbidden(IN_VCPU_THREAD, make_code, "a vCPU thread called mmap");
}

static void test_worker(void **state)
{
	(void)state;
	allowed(IN_WORKER_THREAD, everyday);
	allowed(IN_WORKER_THREAD, open_unix);
	forbidden(IN_WORKER_THREAD, open_a_file,
		  "a worker thread called openat");
	forbidden(IN_WORKER_THREAD, open_tcp, "a worker thread called socket");
	forbidden(IN_WORKER_THREAD, signal_parent,
		  "a worker thread called kill");
	forbidden(IN_WORKER_THREAD, type_into_terminal,
		  "a worker thread called ioctl 0x5412");
}

static void test_main(void **state)
{
	(void)state;
	allowed(IN_MAIN_THREAD, everyday);
	allowed(IN_MAIN_THREAD, open_a_file);
	allowed(IN_MAIN_THREAD, start_thread);
	allowed(IN_MAIN_THREAD, read_status);
	allowed(IN_A_PARENT, read_status);
	allowed(IN_A_PARENT, signal_parent);
	forbidden(IN_MAIN_THREAD, signal_parent, "the main thread called kill");
	forbidden(IN_A_PARENT, signal_parent_thread,
		  "the main thread called tgkill");
	forbidden(IN_A_PARENT, run_a_program, "the main thread called execve");
	forbidden(IN_A_PARENT, fork_off, "the main thread called clone");
	forbidden(IN_MAIN_THREAD, open_tcp, "the main thread called socket");
	forbidden(IN_MAIN_THREAD, look_into_another,
		  "the main thread called process_vm_readv");
	forbidden(IN_MAIN_THREAD, trace, "the main thread called ptrace");
	forbidden(IN_MAIN_THREAD, make_code, "the main thread called mmap");
	forbidden(IN_MAIN_THREAD, what_has_no_name,
		  "the main thread called system call 1000");
}

/* What a guest's reset does: threads that a thread starts which is shut in. */
static void worker_after_lock(void)
{
	act = open_a_file;
	act_in_worker();
}

static void test_after_reset(void **state)
{
	(void)state;
	forbidden(IN_MAIN_THREAD, worker_after_lock,
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
	assert_int_equal(
		child(IN_THE_OPEN, without_filters, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "option --sandbox: this host's kernel has "
				     "no system call filters"));
	assert_non_null(strstr(text, "the guest runs without a sandbox"));
}

/* --- a root of its own -----------------------------------------------------*/

static char place[64];

static bool exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	return !access(path, F_OK);
}

static void make(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, "kernel", 6) != 6)
		_exit(95);
	close(fd);
}

/* In a chroot the root is no mount, and cannot be exchanged; see proc(5). */
static bool in_chroot(void)
{
	char line[512], at[256];
	bool found = false;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");

	assert_non_null(mounts);
	while (!found && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%*d %*d %*s %*s %255s", at) == 1 &&
			!strcmp(at, "/");
	fclose(mounts);
	return !found;
}

static void enter_root(void)
{
	struct sandbox_root root = { .nr = 0 };
	struct error err = { 0 };
	char text[16] = "";
	int fd;

	if (mkdir(place, 0700) || chdir(place) || mkdir("run", 0700))
		_exit(94);
	make("kernel");
	make("other");
	make("run/here");
	fd = open("other", O_RDONLY);
	sandbox_root_add(&root, "kernel");
	sandbox_root_add(&root, "missing");
	sandbox_root_add(&root, "/dev/null");
	sandbox_root_add(&root, NULL);
	sandbox_root_add_parent(&root, "run/socket");
	if (sandbox_root_enter(&root, &err)) {
		dprintf(STDERR_FILENO, "%s\n", err.text);
		/* ENOSPC: the host's limit of namespaces, which can be none */
		_exit(err.errnum == EPERM || err.errnum == EACCES ||
				      err.errnum == ENOSPC
			      ? 77
			      : 1);
	}
	sandbox_root_free(&root);
	/* What was named, at its place, by either kind of path; and no more. */
	if (!exists("kernel") || access("kernel", R_OK) || exists("other") ||
	    exists("missing") || !exists("run/here") ||
	    access("/dev/null", R_OK) || !access("/etc", F_OK) ||
	    !access("/proc/self", F_OK) || !access("/dev/zero", F_OK))
		_exit(2);
	/* A directory is the real one, the root cannot be written to. */
	make("run/socket");
	if (open("new", O_WRONLY | O_CREAT, 0600) >= 0)
		_exit(3);
	/* What is open stays open. */
	if (read(fd, text, sizeof(text)) != 6 || strcmp(text, "kernel"))
		_exit(4);
	/* No way to any network. */
	if (if_nametoindex("lo") != 1 || if_nametoindex("eth0"))
		_exit(5);
}

/* Also that the other half goes with it. */
static void enter_root_and_lock(void)
{
	enter_root();
	if (sandbox_open(SANDBOX_FULL, NULL) || sandbox_lock(false, NULL))
		_exit(6);
	open_a_file();
	run_a_program();
}

static void remove_all(void)
{
	static const char *const names[] = { "run/here", "run/socket", "run",
					     "kernel",   "other",      "" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place, names[i]);
		remove(path);
	}
}

static void test_root(void **state)
{
	char text[1024], path[128];
	int status;

	(void)state;
	snprintf(place, sizeof(place), "/tmp/trapline-root-%d", (int)getpid());
	status = child(IN_THE_OPEN, enter_root_and_lock, text, sizeof(text));
	snprintf(path, sizeof(path), "%s/run/socket", place);
	if (status == TL_SANDBOX)
		assert_int_equal(unlink(path), 0);
	remove_all();
	if (status == 77)
		skip(); /* no namespaces for this user */
	if (in_chroot()) {
		assert_int_equal(status, 1);
		assert_non_null(strstr(text, "in a chroot it cannot"));
		skip();
	}
	assert_int_equal(status, TL_SANDBOX);
	assert_non_null(strstr(text, "called execve"));
}

/* --- the filters for ARM ---------------------------------------------------*/

/* Classic BPF as seccomp has it; the filters use nothing else. */
static uint32_t execute(const struct sock_filter *pc,
			const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0;
	bool yes;

	for (;; pc++) {
		switch (pc->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + pc->k, sizeof(a));
			continue;
		case BPF_LD | BPF_IMM:
			a = pc->k;
			continue;
		case BPF_MISC | BPF_TAX:
			x = a;
			continue;
		case BPF_ALU | BPF_RSH | BPF_K:
			a >>= pc->k;
			continue;
		case BPF_ALU | BPF_RSH | BPF_X:
			a >>= x;
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= pc->k;
			continue;
		case BPF_RET | BPF_K:
			return pc->k;
		case BPF_JMP | BPF_JA:
			pc += pc->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == pc->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = a & pc->k;
			break;
		default:
			fail_msg("instruction 0x%x", pc->code);
			return 0;
		}
		pc += yes ? pc->jt : pc->jf;
	}
}

static int number_of(const char *names, int nr, const char *call)
{
	int i;

	for (i = 0; i < nr; i++, names += strlen(names) + 1)
		if (!strcmp(names, call))
			return i;
	return -1;
}

struct call {
	const char *name;
	uint64_t arg[3];
	bool vcpu, worker, main, parent;
};

#define KVM_RUN_REQUEST       0xae80
#define KVM_CREATE_VM_REQUEST 0xae01
#define KVM_IRQ_LINE_REQUEST  0x4008ae61
#define KVM_VCPU_INIT_REQUEST 0x4020aeae
#define VHOST_OWNER_REQUEST   0xaf01
#define VHOST_BACKEND_REQUEST 0x4008af30

static const struct call calls[] = {
	{ "write", { 1 }, true, true, true, true },
	{ "ioctl", { 3, KVM_RUN_REQUEST }, true, false, true, true },
	{ "ioctl", { 3, KVM_IRQ_LINE_REQUEST }, true, true, true, true },
	{ "ioctl", { 3, VHOST_BACKEND_REQUEST }, true, true, true, true },
	{ "ioctl", { 3, KVM_CREATE_VM_REQUEST }, false, false, true, true },
	{ "ioctl", { 3, KVM_VCPU_INIT_REQUEST }, false, false, true, true },
	{ "ioctl", { 3, VHOST_OWNER_REQUEST }, false, false, true, true },
	{ "ioctl", { 0, TIOCSTI }, false, false, false, false },
	{ "openat", { 0 }, false, false, true, true },
	{ "socket", { AF_UNIX }, false, true, true, true },
	{ "socket", { AF_INET }, false, false, false, false },
	{ "socket", { AF_NETLINK }, false, false, false, false },
	{ "kill", { 1 }, false, false, false, true },
	{ "tgkill", { RULE_OWN_PID }, true, true, true, true },
	{ "tgkill", { 1 }, false, false, false, false },
	{ "clone", { CLONE_VM | CLONE_THREAD }, false, false, true, true },
	{ "clone", { SIGCHLD }, false, false, false, false },
	{ "mprotect", { 0, 0, PROT_READ | PROT_WRITE }, true, true, true, true },
	{ "mprotect", { 0, 0, PROT_EXEC }, false, false, false, false },
	{ "execve", { 0 }, false, false, false, false },
	{ "execveat", { 0 }, false, false, false, false },
	{ "ptrace", { 0 }, false, false, false, false },
	{ "mount", { 0 }, false, false, false, false },
	{ "unshare", { 0 }, false, false, false, false },
	{ "bpf", { 0 }, false, false, false, false },
	{ "io_uring_setup", { 0 }, false, false, false, false },
	{ "perf_event_open", { 0 }, false, false, false, false },
	{ "process_vm_writev", { 0 }, false, false, false, false },
	{ "setuid", { 0 }, false, false, false, false },
	{ "fdatasync", { 3 }, false, true, true, true },
	{ "fallocate", { 3 }, false, true, true, true },
};

/* Those of 64-bit time are on 32-bit ARM alone. */
static const struct call arm_calls[] = {
	{ "futex_time64", { 0 }, true, true, true, true },
	{ "clock_gettime64", { 0 }, true, true, true, true },
	{ "ppoll_time64", { 0 }, true, true, true, true },
	{ "sigreturn", { 0 }, true, true, true, true },
	{ "restart_syscall", { 0 }, true, true, true, true },
	{ "mmap2", { 0, 0, PROT_READ }, true, true, true, true },
	{ "_llseek", { 0 }, true, true, true, true },
	{ "fcntl64", { 0, F_GETFL }, true, true, true, true },
	{ "fork", { 0 }, false, false, false, false },
	{ "vfork", { 0 }, false, false, false, false },
};

static void judge(const struct call *call, int nr, uint32_t arch,
		  const struct sock_filter *filter, bool want)
{
	const struct seccomp_data data = {
		.nr = nr,
		.arch = arch,
		.args = { call->arg[0], call->arg[1], call->arg[2] },
	};
	const uint32_t verdict = execute(filter, &data);

	if (verdict != (want ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRAP))
		fail_msg("%s(0x%llx, 0x%llx): verdict 0x%x", call->name,
			 (unsigned long long)call->arg[0],
			 (unsigned long long)call->arg[1], verdict);
}

static void test_arm64_lists(void **state)
{
	const struct call *call;
	size_t i;
	int nr;

	(void)state;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		call = &calls[i];
		nr = number_of(arm64_names, arm64_nr, call->name);
		if (nr < 0)
			fail_msg("arm64 has no %s", call->name);
		judge(call, nr, AUDIT_ARCH_AARCH64, arm64_vcpu, call->vcpu);
		judge(call, nr, AUDIT_ARCH_AARCH64, arm64_worker, call->worker);
		judge(call, nr, AUDIT_ARCH_AARCH64, arm64_main, call->main);
		judge(call, nr, AUDIT_ARCH_AARCH64, arm64_parent, call->parent);
	}
}

static void judge_arm(const struct call *call, size_t n)
{
	int nr;

	for (; n--; call++) {
		nr = number_of(arm_names, arm_nr, call->name);
		if (nr < 0)
			fail_msg("arm has no %s", call->name);
		judge(call, nr, AUDIT_ARCH_ARM, arm_vcpu, call->vcpu);
		judge(call, nr, AUDIT_ARCH_ARM, arm_worker, call->worker);
		judge(call, nr, AUDIT_ARCH_ARM, arm_main, call->main);
		judge(call, nr, AUDIT_ARCH_ARM, arm_parent, call->parent);
	}
}

static void test_arm_lists(void **state)
{
	(void)state;
	judge_arm(calls, sizeof(calls) / sizeof(calls[0]));
	judge_arm(arm_calls, sizeof(arm_calls) / sizeof(arm_calls[0]));
}

/* --- against the table, call by call ---------------------------------------*/

#define REQUEST_BITS 0xffffU /* of an ioctl's: type and number */

static const struct {
	const char *name;
	unsigned int in; /* a rule with one of these; 0: all but IN_PARENT's */
	const struct sock_filter *arm64, *arm;
} lists[] = {
	{ "main", 0, arm64_main, arm_main },
	{ "parent", 0, arm64_parent, arm_parent },
	{ "vcpu", IN_VCPU, arm64_vcpu, arm_vcpu },
	{ "worker", IN_WORKER, arm64_worker, arm_worker },
};

#define NR_LISTS (sizeof(lists) / sizeof(lists[0]))

static bool is_listed(size_t list, unsigned int in)
{
	if (lists[list].in)
		return in & lists[list].in;
	return !(in & IN_PARENT) || !strcmp(lists[list].name, "parent");
}

/* What the table says. */
static uint32_t want(size_t list, const char *call,
		     const struct seccomp_data *data)
{
	const struct sandbox_rule *rule;
	const struct sandbox_ioctl *io;

	for (io = sandbox_ioctls; !strcmp(call, "ioctl") && io->request; io++)
		if (is_listed(list, io->in) &&
		    !((io->request ^ data->args[1]) & REQUEST_BITS))
			return SECCOMP_RET_ALLOW;
	for (rule = sandbox_rules; rule->call; rule++)
		if (!strcmp(rule->call, call) && is_listed(list, rule->in) &&
		    ((uint32_t)data->args[rule->arg] & rule->mask) ==
			    rule->value)
			return rule->fails ? SECCOMP_RET_ERRNO | rule->fails
					   : SECCOMP_RET_ALLOW;
	return SECCOMP_RET_TRAP;
}

static void compare(size_t list, const char *call, uint32_t arch,
		    const struct seccomp_data *data)
{
	const struct sock_filter *filter =
		arch == AUDIT_ARCH_ARM ? lists[list].arm : lists[list].arm64;
	const uint32_t is = execute(filter, data);

	if (is != want(list, call, data))
		fail_msg("%s: %s %d(0x%llx, 0x%llx, 0x%llx): verdict 0x%x",
			 lists[list].name, call, data->nr,
			 (unsigned long long)data->args[0],
			 (unsigned long long)data->args[1],
			 (unsigned long long)data->args[2], is);
}

/* @call with what any rule looks for in its arguments, and with what none does. */
static void compare_arguments(size_t list, const char *call, int nr,
			      uint32_t arch)
{
	struct seccomp_data data = { .nr = nr, .arch = arch };
	const struct sandbox_rule *rule;

	compare(list, call, arch, &data);
	for (rule = sandbox_rules; rule->call; rule++) {
		if (!rule->mask)
			continue;
		memset(data.args, 0, sizeof(data.args));
		data.args[rule->arg] = rule->value;
		compare(list, call, arch, &data);
		data.args[rule->arg] = ~(uint64_t)rule->value;
		compare(list, call, arch, &data);
		data.args[rule->arg] = (uint64_t)rule->value << 32;
		compare(list, call, arch, &data);
		memset(data.args, 0xff, sizeof(data.args));
		data.args[rule->arg] = rule->mask;
		compare(list, call, arch, &data);
	}
}

static void compare_all(const char *names, int nr_names, uint32_t arch)
{
	struct seccomp_data data = { .arch = arch };
	const char *name = names;
	size_t list;
	int nr;

	for (nr = 0; nr < nr_names; nr++, name += strlen(name) + 1)
		for (list = 0; list < NR_LISTS; list++)
			compare_arguments(list, name, nr, arch);
	/* Numbers that are no call's. */
	for (nr = nr_names; nr < 0x10000; nr += 31)
		for (list = 0; list < NR_LISTS; list++)
			compare_arguments(list, "", nr, arch);
	data.nr = number_of(names, nr_names, "ioctl");
	for (data.args[1] = 0; data.args[1] <= REQUEST_BITS; data.args[1]++)
		for (list = 0; list < NR_LISTS; list++)
			compare(list, "ioctl", arch, &data);
}

static void test_all_calls(void **state)
{
	(void)state;
	compare_all(arm64_names, arm64_nr, AUDIT_ARCH_AARCH64);
	compare_all(arm_names, arm_nr, AUDIT_ARCH_ARM);
}

/* A 32-bit call of an arm64 process, say, whose numbers are others. */
static void test_foreign_calls(void **state)
{
	const struct seccomp_data data = {
		.nr = 4, /* write */
		.arch = AUDIT_ARCH_ARM,
	};

	(void)state;
	assert_int_equal(execute(arm64_vcpu, &data), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(execute(arm64_main, &data), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(execute(arm64_worker, &data),
			 SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(execute(arm64_parent, &data),
			 SECCOMP_RET_KILL_PROCESS);
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
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_arm64_lists),
		cmocka_unit_test(test_arm_lists),
		cmocka_unit_test(test_all_calls),
		cmocka_unit_test(test_foreign_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
