// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of the build: prints the filters of rules.c for one architecture as
 * C.  libseccomp knows the calls' numbers; filter.c makes the instructions, as
 * few as it can, since a kernel takes hundreds of its own to check and translate
 * each of them in every thread that is started.
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

#include "sandbox/filter.h"
#include "sandbox/rules.h"

#define IOCTL_MASK (_IOC_TYPEMASK << _IOC_TYPESHIFT | _IOC_NRMASK)
/* Calls have small numbers, but for a handful of ARM's. */
#define MAX_CALLS  1024
#define MAX_VALUES 256 /* calls or requests of a filter */

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
static struct filter program;

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

#define ARG(n) (offsetof(struct seccomp_data, args) + (n) * sizeof(uint64_t))

/* Where all ways through a filter lead. */
struct ends {
	filter_label allow, trap, foreign;
};

/* A call that is allowed with some arguments, or fails. */
struct special {
	uint32_t call;
	const struct sandbox_rule *rule; /* the first; NULL: ioctl's table */
	filter_label label;
};

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * Each exit of a guest to user space passes this: KVM_RUN comes first.
 *
 * That an argument is looked at before the number has another reason, and holds
 * for all filters: a kernel would otherwise execute the filter for each of its
 * calls when it is installed, to learn which are allowed whatever their
 * arguments (seccomp_cache_prepare(), Linux 5.11), which takes longer than the
 * VM's start.
 */
static void add_fast_path(struct filter *f, unsigned int arch)
{
	const int call = resolve(archs[arch].token, "ioctl");
	const filter_label other = filter_label_new(f);

	filter_load(f, ARG(1));
	filter_jump(f, BPF_JEQ, sandbox_fast_ioctl, FILTER_NEXT, other);
	filter_load(f, offsetof(struct seccomp_data, nr));
	filter_jump(f, BPF_JEQ, (uint32_t)call, FILTER_NEXT, other);
	filter_load(f, offsetof(struct seccomp_data, arch));
	filter_jump(f, BPF_JEQ, archs[arch].audit, FILTER_NEXT, other);
	filter_add(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter_here(f, other);
}

static void add_ioctls(struct filter *f, unsigned int filter,
		       const struct ends *ends)
{
	static const struct filter_number request = { ARG(1), IOCTL_MASK };
	const struct sandbox_ioctl *io;
	uint32_t value[MAX_VALUES] = { 0 };
	size_t nr = 0;

	for (io = sandbox_ioctls; io->request; io++) {
		if (nr == MAX_VALUES)
			die("too many requests");
		if (is_in(filter, io->in))
			value[nr++] = io->request & IOCTL_MASK;
	}
	qsort(value, nr, sizeof(value[0]), by_value);
	filter_one_of(f, &request, value, nr, ends->allow, ends->trap);
}

/* All rules of the call of @rule, which is the first. */
static void add_rules(struct filter *f, unsigned int filter,
		      const struct sandbox_rule *rule, const struct ends *ends)
{
	const struct sandbox_rule *last = NULL;
	const char *call = rule->call;

	for (; rule->call; rule++) {
		if (strcmp(rule->call, call) || !is_in(filter, rule->in))
			continue;
		if (rule->fails) {
			filter_add(f, BPF_RET | BPF_K,
				   SECCOMP_RET_ERRNO | rule->fails);
			return;
		}
		if (!last || last->arg != rule->arg ||
		    last->mask != rule->mask) {
			filter_load(f, ARG(rule->arg));
			if (rule->mask != UINT32_MAX)
				filter_add(f, BPF_ALU | BPF_AND | BPF_K,
					   rule->mask);
		}
		filter_jump(f, BPF_JEQ, rule->value, ends->allow, FILTER_NEXT);
		last = rule;
	}
	filter_jump(f, BPF_JA, 0, ends->trap, ends->trap);
}

/* Whether @rule's call has one that lets it pass whatever the arguments. */
static bool is_plain(unsigned int filter, const struct sandbox_rule *rule)
{
	const struct sandbox_rule *other;

	for (other = sandbox_rules; other->call; other++)
		if (!strcmp(other->call, rule->call) &&
		    is_in(filter, other->in) && !other->mask && !other->fails)
			return true;
	return false;
}

/* Whether the two calls' first rules are all they have, and are the same. */
static bool is_same(unsigned int filter, const struct sandbox_rule *a,
		    const struct sandbox_rule *b)
{
	const struct sandbox_rule *other;

	for (other = sandbox_rules; other->call; other++)
		if (other != a && other != b && is_in(filter, other->in) &&
		    (!strcmp(other->call, a->call) ||
		     !strcmp(other->call, b->call)))
			return false;
	return a->arg == b->arg && a->mask == b->mask && a->value == b->value &&
	       a->fails == b->fails;
}

static void add_specials(struct filter *f, unsigned int filter,
			 struct special *special, size_t nr,
			 const struct ends *ends)
{
	size_t i, k;

	filter_load(f, offsetof(struct seccomp_data, nr));
	for (i = 0; i < nr; i++) {
		special[i].label = filter_label_new(f);
		for (k = 0; k < i; k++)
			if (special[k].rule && special[i].rule &&
			    is_same(filter, special[k].rule, special[i].rule))
				special[i].label = special[k].label;
		filter_jump(f, BPF_JEQ, special[i].call, special[i].label,
			    i + 1 < nr ? FILTER_NEXT : ends->trap);
	}
	for (i = 0; i < nr; i++) {
		for (k = 0; k < i; k++)
			if (special[k].label == special[i].label)
				break;
		if (k < i)
			continue;
		filter_here(f, special[i].label);
		if (special[i].rule)
			add_rules(f, filter, special[i].rule, ends);
		else
			add_ioctls(f, filter, ends);
	}
}

/* Calls that pass whatever their arguments first: most are of these. */
static void add_calls(struct filter *f, unsigned int arch, unsigned int filter,
		      const struct ends *ends)
{
	static const struct filter_number number = {
		offsetof(struct seccomp_data, nr), UINT32_MAX
	};
	const filter_label others = filter_label_new(f);
	struct special special[MAX_VALUES];
	uint32_t plain[MAX_VALUES] = { 0 };
	const struct sandbox_rule *rule;
	size_t nr_plain = 0, nr_special = 0, i;
	int call;

	special[nr_special++].call =
		(uint32_t)resolve(archs[arch].token, "ioctl");
	special[0].rule = NULL;
	for (rule = sandbox_rules; rule->call; rule++) {
		call = resolve(archs[arch].token, rule->call);
		if (call < 0 || !is_in(filter, rule->in))
			continue;
		if (nr_plain == MAX_VALUES || nr_special == MAX_VALUES)
			die("too many calls");
		if (is_plain(filter, rule)) {
			plain[nr_plain++] = (uint32_t)call;
			continue;
		}
		for (i = 0; i < nr_special; i++)
			if (special[i].call == (uint32_t)call)
				break;
		if (i == nr_special)
			special[nr_special++] =
				(struct special){ (uint32_t)call, rule, 0 };
	}
	qsort(plain, nr_plain, sizeof(plain[0]), by_value);
	filter_one_of(f, &number, plain, nr_plain, ends->allow, others);
	filter_here(f, others);
	add_specials(f, filter, special, nr_special, ends);
}

static void print_filter(unsigned int arch, unsigned int filter)
{
	struct filter *f = &program;
	const char *wrong;
	struct ends ends;
	unsigned int i;

	filter_init(f);
	ends.allow = filter_label_new(f);
	ends.trap = filter_label_new(f);
	ends.foreign = filter_label_new(f);
	/* Workers enter no guest. */
	if (is_in(filter, IN_VCPU))
		add_fast_path(f, arch);
	else
		filter_load(f, ARG(1));
	filter_load(f, offsetof(struct seccomp_data, arch));
	filter_jump(f, BPF_JEQ, archs[arch].audit, FILTER_NEXT, ends.foreign);
	add_calls(f, arch, filter, &ends);
	filter_here(f, ends.allow);
	filter_add(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter_here(f, ends.trap);
	filter_add(f, BPF_RET | BPF_K, SECCOMP_RET_TRAP);
	filter_here(f, ends.foreign);
	filter_add(f, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	doing = filters[filter].name;
	wrong = filter_finish(f);
	if (wrong)
		die(wrong);

	printf("static const struct sock_filter SANDBOX(%s)[] = {\n",
	       filters[filter].name);
	for (i = 0; i < f->nr; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", f->insn[i].code,
		       f->insn[i].jt, f->insn[i].jf, f->insn[i].k);
	printf("};\n\n");
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
