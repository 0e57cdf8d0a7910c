// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dims.h"

static const struct {
	const char *word, *text;
	bool number;
} dims[DIMS] = {
	[DIM_VCPU] = { "vcpu", "vCPU", true },
	[DIM_THREAD] = { "thread", "thread of the VMM", true },
	[DIM_CLASS] = { "class", "exception class", false },
	[DIM_GROUP] = { "group", "kind of cause", false },
	[DIM_CAUSE] = { "cause", "cause", false },
	[DIM_DEVICE] = { "device", "device", false },
	[DIM_REGISTER] = { "register", "register", false },
	[DIM_DIR] = { "dir", "direction", false },
	[DIM_HYPERCALL] = { "hypercall", "function called", false },
	[DIM_IRQ] = { "irq", "interrupt of the host", true },
	[DIM_USER] = { "user", "reason to leave KVM", false },
	[DIM_SYMBOL] = { "symbol", "function of the guest", false },
	[DIM_PC] = { "pc", "program counter", false },
};

const char *dim_word(enum dim dim)
{
	return dims[dim].word;
}

const char *dim_text(enum dim dim)
{
	return dims[dim].text;
}

bool dim_is_number(enum dim dim)
{
	return dims[dim].number;
}

int dim_parse(const char *word, size_t length, enum dim *dim)
{
	for (int i = 0; i < DIMS; i++) {
		if (strlen(dims[i].word) == length &&
		    !memcmp(dims[i].word, word, length)) {
			*dim = (enum dim)i;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *const kind_name[EXIT_KINDS] = {
	[EXIT_TRAP] = "TRAP", [EXIT_IRQ] = "IRQ",     [EXIT_SERROR] = "SERROR",
	[EXIT_IL] = "IL",     [EXIT_OTHER] = "OTHER",
};

const char *class_name(unsigned int class)
{
	return class < EC_COUNT ? esr_class_name((uint8_t) class)
				: kind_name[class - EC_COUNT];
}

const char *class_text(unsigned int class)
{
	static const char *const kind[EXIT_KINDS] = {
		[EXIT_TRAP] = "trap",
		[EXIT_IRQ] = "interrupt for the host",
		[EXIT_SERROR] = "asynchronous abort",
		[EXIT_IL] = "illegal execution state",
		[EXIT_OTHER] = "other reason",
	};

	return class < EC_COUNT ? esr_class_text((uint8_t) class)
				: kind[class - EC_COUNT];
}

/* KVM_EXIT_* of <linux/kvm.h>, those that an ARM host can give. */
static void user_name(uint8_t reason, char *buf, size_t size)
{
	static const char *const name[] = {
		[0] = "UNKNOWN",       [4] = "DEBUG",
		[6] = "MMIO",          [9] = "FAIL_ENTRY",
		[10] = "INTR",         [17] = "INTERNAL_ERROR",
		[24] = "SYSTEM_EVENT", [28] = "ARM_NISV",
		[31] = "DIRTY_RING",   [38] = "MEMORY_FAULT",
		[3] = "HYPERCALL",
	};

	if (reason == PROFILE_KERNEL)
		snprintf(buf, size, "-");
	else if (reason < sizeof(name) / sizeof(name[0]) && name[reason])
		snprintf(buf, size, "%s", name[reason]);
	else
		snprintf(buf, size, "KVM_EXIT %u", reason);
}

static void vcpu_name(const struct profile_vcpu *vcpu, bool thread, char *buf,
		      size_t size)
{
	if (thread)
		snprintf(buf, size, "%d", vcpu->tid);
	else if (vcpu->vcpu >= 0)
		snprintf(buf, size, "%d", vcpu->vcpu);
}

void dim_name(const struct view *view, enum dim dim,
	      const struct profile_row *row, char *buf, size_t size)
{
	const struct profile *profile = view->profile;
	const struct cause *cause = &profile->cause[row->cause];
	int number;

	snprintf(buf, size, "-");
	switch (dim) {
	case DIM_VCPU:
	case DIM_THREAD:
		vcpu_name(&profile->vcpu[row->vcpu], dim == DIM_THREAD, buf,
			  size);
		break;
	case DIM_CLASS:
		snprintf(buf, size, "%s", class_name(row->class));
		break;
	case DIM_GROUP:
		snprintf(buf, size, "%s", cause_group_name(cause->group));
		break;
	case DIM_CAUSE:
		profile_cause_name(profile, row->cause, buf, size);
		break;
	case DIM_DEVICE:
		if (cause_device(cause, profile->map, buf, size) && !buf[0])
			snprintf(buf, size, "unclaimed");
		else if (!buf[0])
			snprintf(buf, size, "-");
		break;
	case DIM_REGISTER:
		cause_register(cause, profile->map, buf, size);
		break;
	case DIM_DIR:
		if (cause->dir != DIR_NONE)
			snprintf(buf, size, "%s", esr_dir_name(cause->dir));
		break;
	case DIM_HYPERCALL:
		cause_call(cause, buf, size);
		break;
	case DIM_IRQ:
		if (cause_irq(cause, &number))
			snprintf(buf, size, "%d", number);
		break;
	case DIM_USER:
		user_name(row->user, buf, size);
		break;
	case DIM_SYMBOL:
		if (view->symbols)
			symbols_name(view->symbols, row->pc, row->early, buf,
				     size, NULL);
		break;
	default:
		snprintf(buf, size, "0x%" PRIx64, row->pc);
		break;
	}
}
