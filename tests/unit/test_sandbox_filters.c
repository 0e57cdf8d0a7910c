// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filters for ARM, executed here as the kernel would, on calls that a list of
 * its kind has or has not.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <cmocka.h>

#define SANDBOX(name) arm64_##name
#include "arm64/sandbox-filters.h"
static const int arm64_nr = SANDBOX_NR_NAMES;
#undef SANDBOX
#define SANDBOX(name) arm_##name
#include "arm/sandbox-filters.h"
static const int arm_nr = SANDBOX_NR_NAMES;
#undef SANDBOX

#include "sandbox/rules.h"

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
		cmocka_unit_test(test_arm64_lists),
		cmocka_unit_test(test_arm_lists),
		cmocka_unit_test(test_all_calls),
		cmocka_unit_test(test_foreign_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
