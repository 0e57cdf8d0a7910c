// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of the build: prints the filters of rules.c for one architecture as
 * C, with libseccomp.  Compiling them when a VM starts would take longer than
 * the VM's whole life can.
 */
#include <asm/ioctl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/rules.h"

#define IOCTL_MASK (_IOC_TYPEMASK << _IOC_TYPESHIFT | _IOC_NRMASK)
#define LOW_WORD   0xffffffffu
/* Calls have small numbers, but for a handful of ARM's. */
#define MAX_CALLS 1024

static const struct {
	const char *name;
	uint32_t token;
	uint32_t audit;
	/* A call's second argument, where a signal handler finds it. */
	const char *second;
} archs[] = {
	{ "arm64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64,
	  "(uc)->uc_mcontext.regs[1]" },
	{ "arm", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, "(uc)->uc_mcontext.arm_r1" },
	{ "x86_64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64,
	  "(uc)->uc_mcontext.gregs[REG_RSI]" },
};

#define NR_ARCHS (sizeof(archs) / sizeof(archs[0]))

static const struct {
	const char *name;
	unsigned int in; /* rules with none of these are left out */
} filters[] = {
	{ "main", 0 },
	{ "parent", 0 },
	{ "vcpu", IN_VCPU },
	{ "worker", IN_WORKER },
};

static const char *doing;

static void die(const char *what)
{
	fprintf(stderr, "sandbox filters: %s: %s\n", doing, what);
	exit(1);
}

static bool is_in(unsigned int filter, unsigned int in)
{
	if (filters[filter].in)
		return in & filters[filter].in;
	return !(in & IN_PARENT) || !strcmp(filters[filter].name, "parent");
}

/* Its number, or negative where the architecture has it not. */
static int resolve(uint32_t token, const char *call)
{
	bool known = false;
	size_t i;

	for (i = 0; i < NR_ARCHS; i++)
		known |= seccomp_syscall_resolve_name_arch(archs[i].token,
							   call) >= 0;
	doing = call;
	if (!known)
		die("no architecture has such a call");
	return seccomp_syscall_resolve_name_arch(token, call);
}

static void add_rule(scmp_filter_ctx ctx, uint32_t token,
		     const struct sandbox_rule *rule)
{
	const uint32_t action = rule->fails ? SCMP_ACT_ERRNO(rule->fails)
					    : SCMP_ACT_ALLOW;
	/* libseccomp translates from the build machine's numbers. */
	const int call = seccomp_syscall_resolve_name(rule->call);
	struct scmp_arg_cmp cmp;
	int ret;

	if (resolve(token, rule->call) < 0)
		return;
	if (rule->mask) {
		cmp = SCMP_CMP(rule->arg, SCMP_CMP_MASKED_EQ, rule->mask,
			       rule->value);
		ret = seccomp_rule_add_exact_array(ctx, action, call, 1, &cmp);
	} else {
		ret = seccomp_rule_add_exact(ctx, action, call, 0);
	}
	if (ret)
		die(strerror(-ret));
}

static void add_ioctl(scmp_filter_ctx ctx, uint32_t token, unsigned int request)
{
	struct sandbox_rule rule = {
		.call = "ioctl",
		.arg = 1,
		.mask = IOCTL_MASK,
		.value = request & IOCTL_MASK,
	};

	add_rule(ctx, token, &rule);
}

static void print_insn(struct sock_filter insn)
{
	printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", insn.code, insn.jt, insn.jf,
	       insn.k);
}

#define LOAD(field)                        \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
		 (uint32_t)offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))

/*
 * Each exit of a guest to user space passes this: KVM_RUN comes first.
 *
 * That an argument is looked at before the number has another reason, and holds
 * for all filters: a kernel would otherwise execute the filter for each of its
 * calls when it is installed, to learn which are allowed whatever their
 * arguments (seccomp_cache_prepare(), Linux 5.11), which takes longer than the
 * VM's start.
 */
static void print_fast_path(unsigned int arch)
{
	const int call = resolve(archs[arch].token, "ioctl");
	const struct sock_filter fast[] = {
		LOAD(args[1]),
		UNLESS(sandbox_fast_ioctl, 5),
		LOAD(nr),
		UNLESS((uint32_t)call, 3),
		LOAD(arch),
		UNLESS(archs[arch].audit, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	size_t i;

	for (i = 0; i < sizeof(fast) / sizeof(fast[0]); i++)
		print_insn(fast[i]);
}

static void print_program(scmp_filter_ctx ctx)
{
	struct sock_filter insn;
	FILE *f = tmpfile();

	if (!f || seccomp_export_bpf(ctx, fileno(f)))
		die("cannot export it");
	rewind(f);
	while (fread(&insn, sizeof(insn), 1, f) == 1)
		print_insn(insn);
	fclose(f);
}

static void print_filter(unsigned int arch, unsigned int filter)
{
	const uint32_t token = archs[arch].token;
	const struct sandbox_rule *rule;
	const struct sandbox_ioctl *io;
	scmp_filter_ctx ctx;

	doing = filters[filter].name;
	ctx = seccomp_init(SCMP_ACT_TRAP);
	if (!ctx || (token != seccomp_arch_native() &&
		     (seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE) ||
		      seccomp_arch_add(ctx, token))))
		die("cannot begin it");
	/* 2: a binary search for the call's number. */
	if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
			     SCMP_ACT_KILL_PROCESS))
		die("this libseccomp is older than 2.5");
	for (rule = sandbox_rules; rule->call; rule++)
		if (is_in(filter, rule->in))
			add_rule(ctx, token, rule);
	for (io = sandbox_ioctls; io->request; io++)
		if (is_in(filter, io->in))
			add_ioctl(ctx, token, io->request);

	printf("static const struct sock_filter SANDBOX(%s)[] = {\n",
	       filters[filter].name);
	/* Workers enter no guest. */
	if (is_in(filter, IN_VCPU))
		print_fast_path(arch);
	else
		print_insn((struct sock_filter)LOAD(args[1]));
	print_program(ctx);
	printf("};\n\n");
	seccomp_release(ctx);
}

/* One after the other: an array of pointers would want relocation. */
static void print_names(uint32_t token)
{
	int call, last = 0;
	char *name;

	for (call = 0; call < MAX_CALLS; call++) {
		name = seccomp_syscall_resolve_num_arch(token, call);
		if (name)
			last = call;
		free(name);
	}
	printf("static const char SANDBOX(names)[] =\n");
	for (call = 0; call <= last; call++) {
		name = seccomp_syscall_resolve_num_arch(token, call);
		printf("\t\"%s\\0\"\n", name ? name : "");
		free(name);
	}
	printf("\t\"\";\n");
	printf("#define SANDBOX_NR_NAMES %d\n\n", last + 1);
}

int main(int argc, char **argv)
{
	unsigned int i, filter;

	for (i = 0; i < NR_ARCHS; i++)
		if (argc == 2 && !strcmp(argv[1], archs[i].name))
			break;
	if (i == NR_ARCHS) {
		fprintf(stderr, "usage: %s arm64|arm|x86_64\n", argv[0]);
		return 2;
	}
	printf("/* Made by vmm/sandbox/generate.c for %s. */\n", argv[1]);
	printf("#ifndef SANDBOX\n#define SANDBOX(name) filter_##name\n"
	       "#define SANDBOX_SECOND_ARG(uc) ((unsigned long)%s)\n"
	       "#endif\n\n",
	       archs[i].second);
	for (filter = 0; filter < sizeof(filters) / sizeof(filters[0]);
	     filter++)
		print_filter(i, filter);
	printf("#undef SANDBOX_NR_NAMES\n");
	print_names(archs[i].token);
	return fflush(stdout) || ferror(stdout);
}
