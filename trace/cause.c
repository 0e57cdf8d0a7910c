// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cause.h"
#include "esr.h"
#include "smccc.h"
#include "sysreg.h"

/* CAUSE_CALL: value is the function identifier. */
enum { CALL_HVC, CALL_SMC, CALL_HVC_UNKNOWN, CALL_SMC_REFUSED };
/* CAUSE_SYSREG: value is the encoding, type the space. */
enum { SYSREG_UNKNOWN = SYSREG_SPACES };
/*
 * CAUSE_MEMORY: index is the esr_fault for a fault in memory, value the address
 * for one that nobody claims.
 */
enum { MEM_FAULT, MEM_WALK, MEM_UNCLAIMED, MEM_EXTERNAL, MEM_UNKNOWN };
/*
 * CAUSE_OTHER: value is the kind of exit, WFx's kind, or the class; index is the
 * interrupt's number.
 */
enum { OTHER_KIND, OTHER_IRQ, OTHER_WFX, OTHER_WFX_UNKNOWN, OTHER_CLASS };

static void call_cause(const struct trap_exit *exit, bool smc,
		       struct cause *cause)
{
	cause->group = CAUSE_CALL;
	if (exit->have & HAVE_HVC) {
		cause->type = smc ? CALL_SMC : CALL_HVC;
		cause->value = (uint32_t)exit->r0;
	} else {
		/* KVM's handle_smc() answers "not supported" before it looks */
		cause->type = smc ? CALL_SMC_REFUSED : CALL_HVC_UNKNOWN;
	}
}

static enum sysreg_space space_of(uint8_t ec)
{
	switch (ec) {
	case EC_CP15_32:
		return SYSREG_CP15_32;
	case EC_CP15_64:
		return SYSREG_CP15_64;
	case EC_CP14_32:
	case EC_CP14_LS:
		return SYSREG_CP14_32;
	case EC_CP14_64:
		return SYSREG_CP14_64;
	case EC_CP10_ID:
		return SYSREG_VFP;
	default:
		return SYSREG_A64;
	}
}

/*
 * kvm_sys_access names what KVM found in its tables: for a 32-bit guest's ID
 * registers that is the AArch64 register that they are views of.
 */
static uint32_t accessed_reg(enum sysreg_space space,
			     const struct ev_sysreg *sys)
{
	if (space == SYSREG_A64)
		return SYSREG(sys->op0, sys->op1, sys->crn, sys->crm, sys->op2);
	if (space == SYSREG_VFP) /* MVFR0..2_EL1 are S3_0_C0_C3_0..2 */
		return SYSREG(0, 7, 7 - (sys->op2 & 3), 0, 0);
	if (space == SYSREG_CP15_64 || space == SYSREG_CP14_64)
		return SYSREG(0, sys->op1, 0, sys->crm, 0);
	return SYSREG(0, sys->op1, sys->crn, sys->crm, sys->op2);
}

static void sysreg_cause(const struct trap_exit *exit, struct cause *cause)
{
	enum sysreg_space space = space_of(exit->ec);

	cause->group = CAUSE_SYSREG;
	cause->type = space;
	cause->dir = DIR_READ;
	if (exit->have & HAVE_ESR && exit->ec == EC_CP14_LS) {
		/* DDI 0487, ISS of 0x06: STC of DBGDTRRXint, LDC to DBGDTRTXint */
		if (exit->esr & 1)
			cause->dir = DIR_WRITE;
		cause->value = SYSREG(0, 0, 0, 5, 0);
	} else if (exit->have & HAVE_ESR) {
		struct esr_reg reg = esr_reg(exit->ec, exit->esr);

		if (reg.write)
			cause->dir = DIR_WRITE;
		cause->value =
			SYSREG(reg.op0, reg.op1, reg.crn, reg.crm, reg.op2);
	} else if (exit->have & HAVE_SYS) {
		if (exit->sys.write)
			cause->dir = DIR_WRITE;
		cause->value = accessed_reg(space, &exit->sys);
	} else {
		cause->type = SYSREG_UNKNOWN;
		cause->dir = DIR_NONE;
		cause->ec = exit->ec;
	}
}

static void address_cause(uint64_t address, enum esr_dir dir,
			  const struct vmmap *map, struct cause *cause)
{
	int index = vmmap_find(map, address);

	cause->dir = (uint8_t)dir;
	if (index >= 0 && !map->range[index].ram) {
		cause->group = CAUSE_MMIO;
		cause->index = (uint32_t)index;
		cause->value = address - map->range[index].base;
	} else {
		cause->group = CAUSE_MEMORY;
		cause->type = MEM_UNCLAIMED;
		cause->value = address;
	}
}

static void abort_cause(const struct trap_exit *exit, const struct vmmap *map,
			struct cause *cause)
{
	struct esr_abort abort = esr_abort(exit->ec, exit->esr);
	int index;

	if (!(exit->have & HAVE_ESR)) {
		/* kvm_mmio alone: the access is known, the fault is not */
		if (exit->have & HAVE_MMIO) {
			address_cause(exit->gpa,
				      exit->mmio_write ? DIR_WRITE : DIR_READ,
				      map, cause);
			return;
		}
		cause->group = CAUSE_MEMORY;
		cause->type = MEM_UNKNOWN;
		cause->ec = exit->ec;
		return;
	}
	cause->dir = (uint8_t)abort.dir;
	cause->group = CAUSE_MEMORY;
	if (abort.fault == FAULT_EXTERNAL || !(exit->have & HAVE_IPA)) {
		cause->type = MEM_EXTERNAL;
		cause->index = abort.fault;
		return;
	}
	index = vmmap_find(map, exit->ipa);
	if (index >= 0 && map->range[index].ram && !(exit->have & HAVE_MMIO)) {
		cause->type = abort.walk ? MEM_WALK : MEM_FAULT;
		cause->index = abort.fault;
		return;
	}
	address_cause(exit->have & HAVE_MMIO ? exit->gpa : exit->ipa, abort.dir,
		      map, cause);
}

static void wfx_cause(const struct trap_exit *exit, struct cause *cause)
{
	cause->group = CAUSE_OTHER;
	cause->type = OTHER_WFX;
	if (exit->have & HAVE_ESR)
		cause->value = exit->esr & 3;
	else if (exit->have & HAVE_WFX)
		cause->value = exit->wfe;
	else
		cause->type = OTHER_WFX_UNKNOWN;
}

void cause_of(const struct trap_exit *exit, const struct vmmap *map,
	      struct cause *cause)
{
	memset(cause, 0, sizeof(*cause));
	if (exit->kind != EXIT_TRAP) {
		cause->group = CAUSE_OTHER;
		cause->type = OTHER_KIND;
		cause->value = exit->kind;
		if (exit->have & HAVE_IRQ) {
			cause->type = OTHER_IRQ;
			cause->index = (uint32_t)exit->irq;
		}
		return;
	}
	switch (exit->ec) {
	case EC_HVC32:
	case EC_HVC64:
		call_cause(exit, false, cause);
		break;
	case EC_SMC32:
	case EC_SMC64:
		call_cause(exit, true, cause);
		break;
	case EC_CP15_32:
	case EC_CP15_64:
	case EC_CP14_32:
	case EC_CP14_LS:
	case EC_CP14_64:
	case EC_CP10_ID:
	case EC_SYS64:
		sysreg_cause(exit, cause);
		break;
	case EC_IABT_LOW:
	case EC_DABT_LOW:
		abort_cause(exit, map, cause);
		break;
	case EC_WFX:
		wfx_cause(exit, cause);
		break;
	default:
		cause->group = CAUSE_OTHER;
		cause->type = OTHER_CLASS;
		cause->ec = exit->ec;
		break;
	}
}

bool cause_unknown(const struct cause *cause)
{
	switch (cause->group) {
	case CAUSE_CALL:
		return cause->type == CALL_HVC_UNKNOWN;
	case CAUSE_SYSREG:
		return cause->type == SYSREG_UNKNOWN;
	case CAUSE_MEMORY:
		return cause->type == MEM_UNKNOWN;
	case CAUSE_OTHER:
		return cause->type == OTHER_WFX_UNKNOWN;
	default:
		return false;
	}
}

const char *cause_missing(const struct cause *cause)
{
	switch (cause->group) {
	case CAUSE_CALL:
		return "no kvm_hvc or kvm_hvc_arm64 with it";
	case CAUSE_SYSREG:
		return "no kvm_sys_access or kvm_emulate_cp15_imp with it; KVM has none for instructions that it skips";
	case CAUSE_MEMORY:
		return "no kvm_guest_fault or kvm_mmio with it";
	default:
		return "no kvm_wfx or kvm_wfx_arm64 with it";
	}
}

static void memory_name(const struct cause *cause, char *buf, size_t size)
{
	const char *dir = esr_dir_name(cause->dir);

	switch (cause->type) {
	case MEM_FAULT:
		snprintf(buf, size, "stage-2 fault, %s, %s",
			 esr_fault_name(cause->index), dir);
		break;
	case MEM_WALK:
		snprintf(buf, size, "stage-2 fault, %s, page table walk",
			 esr_fault_name(cause->index));
		break;
	case MEM_UNCLAIMED:
		snprintf(buf, size, "unclaimed address 0x%" PRIx64 " %s",
			 cause->value, dir);
		break;
	case MEM_EXTERNAL:
		snprintf(buf, size, "%s, address not reported, %s",
			 esr_fault_name(cause->index), dir);
		break;
	default:
		snprintf(buf, size, "%s, address not recorded",
			 cause->ec == EC_IABT_LOW ? "instruction abort"
						  : "data abort");
		break;
	}
}

static void other_name(const struct cause *cause, char *buf, size_t size)
{
	static const char *const kind[] = {
		"trap",
		"interrupt for the host",
		"SError from the guest",
		"illegal execution state",
		"other reason",
	};

	switch (cause->type) {
	case OTHER_KIND:
		snprintf(buf, size, "%s",
			 kind[cause->value < EXIT_KINDS ? cause->value
							: EXIT_OTHER]);
		break;
	case OTHER_IRQ:
		snprintf(buf, size, "interrupt %u for the host", cause->index);
		break;
	case OTHER_WFX:
		snprintf(buf, size, "%s",
			 esr_wfx_name((unsigned int)cause->value));
		break;
	case OTHER_WFX_UNKNOWN:
		snprintf(buf, size, "WFI or WFE, which is not recorded");
		break;
	default:
		snprintf(buf, size, "%s", esr_class_text(cause->ec));
		break;
	}
}

void cause_name(const struct cause *cause, const struct vmmap *map, char *buf,
		size_t size)
{
	char name[64];

	switch (cause->group) {
	case CAUSE_CALL:
		if (cause_unknown(cause)) {
			snprintf(buf, size, "HVC, function not recorded");
			break;
		}
		if (cause->type == CALL_SMC_REFUSED) {
			snprintf(buf, size, "SMC, which KVM does not support");
			break;
		}
		smccc_name((uint32_t)cause->value, name, sizeof(name));
		snprintf(buf, size, "%s 0x%08" PRIx64 " %s",
			 cause->type == CALL_SMC ? "SMC" : "HVC", cause->value,
			 name);
		break;
	case CAUSE_MMIO:
		devreg_name(map->range[cause->index].type, cause->value, name,
			    sizeof(name));
		snprintf(buf, size, "%s %s %s", map->range[cause->index].name,
			 name, esr_dir_name(cause->dir));
		break;
	case CAUSE_SYSREG:
		if (cause_unknown(cause)) {
			snprintf(buf, size, "%s, register not recorded",
				 esr_class_text(cause->ec));
			break;
		}
		sysreg_name(cause->type, (uint32_t)cause->value, name,
			    sizeof(name));
		snprintf(buf, size, "%s %s", name, esr_dir_name(cause->dir));
		break;
	case CAUSE_MEMORY:
		memory_name(cause, buf, size);
		break;
	default:
		other_name(cause, buf, size);
		break;
	}
}

const char *cause_group_name(enum cause_group group)
{
	static const char *const name[CAUSE_GROUPS] = {
		[CAUSE_CALL] = "call",     [CAUSE_MMIO] = "mmio",
		[CAUSE_SYSREG] = "sysreg", [CAUSE_MEMORY] = "memory",
		[CAUSE_OTHER] = "other",
	};

	return name[group];
}

bool cause_device(const struct cause *cause, const struct vmmap *map, char *buf,
		  size_t size)
{
	buf[0] = '\0';
	if (cause->group == CAUSE_MMIO)
		snprintf(buf, size, "%s", map->range[cause->index].name);
	return cause->group == CAUSE_MMIO ||
	       (cause->group == CAUSE_MEMORY && cause->type == MEM_UNCLAIMED);
}

bool cause_register(const struct cause *cause, const struct vmmap *map,
		    char *buf, size_t size)
{
	if (cause->group == CAUSE_MMIO) {
		devreg_name(map->range[cause->index].type, cause->value, buf,
			    size);
		return true;
	}
	if (cause->group != CAUSE_SYSREG || cause_unknown(cause))
		return false;
	sysreg_name(cause->type, (uint32_t)cause->value, buf, size);
	return true;
}

bool cause_call(const struct cause *cause, char *buf, size_t size)
{
	char name[64];

	if (cause->group != CAUSE_CALL ||
	    (cause->type != CALL_HVC && cause->type != CALL_SMC))
		return false;
	smccc_name((uint32_t)cause->value, name, sizeof(name));
	if (strncmp(name, "unnamed", 7) != 0)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "0x%08" PRIx64, cause->value);
	return true;
}

bool cause_irq(const struct cause *cause, int *number)
{
	*number = (int)cause->index;
	return cause->group == CAUSE_OTHER && cause->type == OTHER_IRQ;
}
