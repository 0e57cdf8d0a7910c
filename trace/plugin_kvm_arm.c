// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of libtraceevent: trace-cmd report, KernelShark and whatever else
 * reads traces with that library print the events of KVM on ARM decoded.
 *
 * libtraceevent's own plugin_kvm.so knows x86 and takes kvm_entry and kvm_exit
 * on any machine.  Both register for the same events and the last one wins; see
 * tep_plugin_loader() for how it is this one, and hand_back() for x86's traces.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event-parse.h>
#include <trace-seq.h>

#include "esr.h"
#include "smccc.h"
#include "sysreg.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int TEP_PLUGIN_LOADER(struct tep_handle *tep);
EXPORT void TEP_PLUGIN_UNLOADER(struct tep_handle *tep);

#define EVENT_IPA_NONE UINT64_MAX /* kvm_vcpu_exit: no address reported */

/* The kernel's numbers of kvm_vcpu_exit's kinds and of kvm_mmio's types. */
static const char *const kind_name[] = { "TRAP", "IRQ", "SERROR", "IL",
					 "OTHER" };
static const char *const mmio_name[] = { "read, not answered yet", "read",
					 "write" };

/* False, and nothing printed, where this kernel's event has no such field. */
static bool field(struct tep_event *event, struct tep_record *record,
		  const char *name, uint64_t *value)
{
	unsigned long long v;

	if (tep_get_any_field_val(NULL, event, name, record, &v, 0))
		return false;
	*value = v;
	return true;
}

/* The field by either of the names that kernels have had for it. */
static bool field2(struct tep_event *event, struct tep_record *record,
		   const char *name, const char *other, uint64_t *value)
{
	return field(event, record, name, value) ||
	       field(event, record, other, value);
}

#define FIELD(name, value)       field(event, record, name, value)
#define FIELD2(name, old, value) field2(event, record, name, old, value)

/* --- syndromes -------------------------------------------------------------*/

static enum sysreg_space space_of(uint8_t ec)
{
	switch (ec) {
	case EC_CP15_32:
		return SYSREG_CP15_32;
	case EC_CP15_64:
		return SYSREG_CP15_64;
	case EC_CP14_32:
		return SYSREG_CP14_32;
	case EC_CP14_64:
		return SYSREG_CP14_64;
	case EC_CP10_ID:
		return SYSREG_VFP;
	default:
		return SYSREG_A64;
	}
}

static void print_register(struct trace_seq *s, uint8_t ec, uint64_t esr)
{
	struct esr_reg reg = esr_reg(ec, esr);
	char name[64];

	sysreg_name(space_of(ec),
		    SYSREG(reg.op0, reg.op1, reg.crn, reg.crm, reg.op2), name,
		    sizeof(name));
	trace_seq_printf(s, "%s of %s", reg.write ? "write" : "read", name);
}

/* An address of a device faults for ever: no "first touch", as a page's is. */
static void print_abort(struct trace_seq *s, uint8_t ec, uint64_t esr)
{
	struct esr_abort abort = esr_abort(ec, esr);

	trace_seq_printf(s, "%s, %s",
			 abort.fault == FAULT_TRANSLATION
				 ? "translation fault"
				 : esr_fault_name(abort.fault),
			 esr_dir_name(abort.dir));
	if (abort.walk)
		trace_seq_puts(s, ", in a page table walk");
	else if (abort.valid)
		trace_seq_printf(s, " of %u byte%s, register %u", abort.bytes,
				 abort.bytes == 1 ? "" : "s", abort.reg);
}

/* "DABT_LOW (0x24): first touch, write" */
static void print_syndrome(struct trace_seq *s, uint64_t esr)
{
	uint8_t ec = esr >> 26 & 0x3f;

	trace_seq_printf(s, "%s (0x%02x): ", esr_class_name(ec), ec);
	switch (ec) {
	case EC_CP15_32:
	case EC_CP15_64:
	case EC_CP14_32:
	case EC_CP14_64:
	case EC_CP10_ID:
	case EC_SYS64:
		print_register(s, ec, esr);
		break;
	case EC_IABT_LOW:
	case EC_DABT_LOW:
		print_abort(s, ec, esr);
		break;
	case EC_WFX:
		trace_seq_puts(s, esr_wfx_name((unsigned int)esr));
		break;
	case EC_HVC32:
	case EC_HVC64:
	case EC_SMC32:
	case EC_SMC64:
		trace_seq_printf(s, "#%u", (unsigned int)(esr & 0xffff));
		break;
	default:
		trace_seq_puts(s, esr_class_text(ec));
		break;
	}
}

/* --- another architecture's events -----------------------------------------*/

static int find_plugin(struct dl_phdr_info *info, size_t size, void *opaque)
{
	const char *slash = strrchr(info->dlpi_name, '/');

	(void)size;
	if (strcmp(slash ? slash + 1 : info->dlpi_name, "plugin_kvm.so"))
		return 0;
	*(char **)opaque = strdup(info->dlpi_name);
	return 1;
}

/*
 * kvm_entry and kvm_exit of a trace that is no ARM host's: give them back to
 * libtraceevent's plugin, if it is there, or else to the library's own printing
 * (that is what a handler's non-zero return means).  Its events are known by
 * now, so that its loader takes effect at once.
 */
static int hand_back(struct trace_seq *s, struct tep_record *record,
		     struct tep_event *event)
{
	tep_event_handler_func ours = event->handler;
	int (*load)(struct tep_handle * tep);
	char *path = NULL;
	void *object;

	event->handler = NULL;
	dl_iterate_phdr(find_plugin, &path);
	object = path ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
	free(path);
	if (!object)
		return -1;
	*(void **)&load = dlsym(object, TEP_PLUGIN_LOADER_NAME);
	if (load)
		load(event->tep);
	dlclose(object); /* the library's reference remains */
	if (!event->handler || event->handler == ours)
		return -1;
	return event->handler(s, record, event, event->context);
}

/* --- events ----------------------------------------------------------------*/

static int print_entry(struct trace_seq *s, struct tep_record *record,
		       struct tep_event *event, void *context)
{
	uint64_t pc;

	(void)context;
	if (!FIELD("vcpu_pc", &pc))
		return hand_back(s, record, event);
	trace_seq_printf(s, "PC 0x%" PRIx64, pc);
	return 0;
}

/*
 * What the exit was, for the events that follow it on the same thread and have
 * no class of their own: kvm_sys_access.  A viewer prints events in any order,
 * so it counts for the same PC only.
 */
#define RECENT 256
static struct {
	int pid;
	uint8_t ec;
	uint64_t pc;
} recent[RECENT];

static void remember(struct tep_record *record, struct tep_event *event,
		     uint64_t pc, uint8_t ec)
{
	int pid = tep_data_pid(event->tep, record);

	recent[pid % RECENT].pid = pid;
	recent[pid % RECENT].pc = pc;
	recent[pid % RECENT].ec = ec;
}

/*
 * The return code is the host architecture's (asm/kvm_asm.h): on arm64 IRQ 0,
 * SError 1, trap 2, illegal state 3; on arm up to Linux 5.6 the vector of HYP
 * mode, with the same meaning: data abort 4, IRQ 5, FIQ 6, HVC (any trap) 7.
 */
static const char *ret_name(uint64_t ret, bool host32)
{
	static const char *const arm64[] = { "IRQ", "SERROR", "TRAP", "IL" };
	static const char *const arm[] = { "SERROR", "IRQ", "IRQ", "TRAP" };

	ret &= 0x7fffffff; /* bit 31: an SError is pending, too */
	if (host32)
		return ret >= 4 && ret < 8 ? arm[ret - 4] : "OTHER";
	return ret < 4 ? arm64[ret] : "OTHER";
}

static int print_exit(struct trace_seq *s, struct tep_record *record,
		      struct tep_event *event, void *context)
{
	uint64_t pc, ret, ec;
	const char *name;

	(void)context;
	if (!FIELD("vcpu_pc", &pc) ||
	    (!FIELD2("ret", "exit_code", &ret) && !FIELD("idx", &ret)) ||
	    (!FIELD2("esr_ec", "exit_reason", &ec) && !FIELD("hsr_ec", &ec)))
		return hand_back(s, record, event);
	name = ret_name(ret, tep_get_long_size(event->tep) == 4);
	trace_seq_puts(s, name);
	if (!strcmp(name, "TRAP")) {
		trace_seq_printf(s, " %s (0x%02x): %s",
				 esr_class_name((uint8_t)(ec & 0x3f)),
				 (unsigned int)(ec & 0x3f),
				 esr_class_text((uint8_t)(ec & 0x3f)));
		remember(record, event, pc, (uint8_t)(ec & 0x3f));
	}
	trace_seq_printf(s, ", PC 0x%" PRIx64, pc);
	return 0;
}

static int print_vcpu_exit(struct trace_seq *s, struct tep_record *record,
			   struct tep_event *event, void *context)
{
	uint64_t vcpu, kind, nr, esr, pc, value;

	(void)context;
	if (!FIELD("vcpu_id", &vcpu) || !FIELD("kind", &kind) ||
	    !FIELD("nr", &nr) || !FIELD("esr", &esr) || !FIELD("pc", &pc))
		return -1;
	trace_seq_printf(s, "vCPU %" PRIu64 " exit %" PRIu64 ": %s", vcpu, nr,
			 kind_name[kind < 5 ? kind : 4]);
	if (!kind) {
		trace_seq_putc(s, ' ');
		print_syndrome(s, esr);
		remember(record, event, pc, esr >> 26 & 0x3f);
	}
	if (FIELD("ipa", &value) && value != EVENT_IPA_NONE)
		trace_seq_printf(s, ", IPA 0x%" PRIx64, value);
	if (FIELD("far", &value) && value)
		trace_seq_printf(s, ", FAR 0x%" PRIx64, value);
	if (esr)
		trace_seq_printf(s, ", ESR 0x%" PRIx64, esr);
	trace_seq_printf(s, ", PC 0x%" PRIx64, pc);
	if (FIELD("cpsr", &value))
		trace_seq_printf(s, ", CPSR 0x%" PRIx64, value);
	return 0;
}

static int print_exchvc(struct trace_seq *s, struct tep_record *record,
			struct tep_event *event, void *context)
{
	uint64_t vcpu, nr, esr, pc, valid;

	(void)context;
	if (!FIELD("vcpu_id", &vcpu) || !FIELD("nr", &nr) ||
	    !FIELD("esr", &esr) || !FIELD("pc", &pc) ||
	    !FIELD("cond_valid", &valid))
		return -1;
	trace_seq_printf(s, "vCPU %" PRIu64 " trap %" PRIu64 ": ", vcpu, nr);
	print_syndrome(s, esr);
	trace_seq_printf(s, ", ESR 0x%" PRIx64 ", PC 0x%" PRIx64 "%s", esr, pc,
			 valid ? "" : ", its condition failed");
	remember(record, event, pc, esr >> 26 & 0x3f);
	return 0;
}

/* The event's IPA is that of the page; the offset is FAR's. */
static int print_fault(struct trace_seq *s, struct tep_record *record,
		       struct tep_event *event, void *context)
{
	uint64_t ipa, esr, far, pc;
	uint8_t ec;

	(void)context;
	if (!FIELD("ipa", &ipa) || !FIELD2("hsr", "esr", &esr) ||
	    !FIELD2("hxfar", "far", &far) || !FIELD("vcpu_pc", &pc))
		return -1;
	ec = esr >> 26 & 0x3f;
	if (!esr_abort(ec, esr).walk)
		ipa |= far & 0xfff;
	trace_seq_printf(s, "IPA 0x%" PRIx64 ", ", ipa);
	print_syndrome(s, esr);
	trace_seq_printf(s,
			 ", FAR 0x%" PRIx64 ", ESR 0x%" PRIx64
			 ", PC 0x%" PRIx64,
			 far, esr, pc);
	return 0;
}

static int print_access_fault(struct trace_seq *s, struct tep_record *record,
			      struct tep_event *event, void *context)
{
	uint64_t ipa;

	(void)context;
	if (!FIELD("ipa", &ipa))
		return -1;
	trace_seq_printf(s, "IPA 0x%" PRIx64 ", access flag", ipa);
	return 0;
}

static int print_mmio(struct trace_seq *s, struct tep_record *record,
		      struct tep_event *event, void *context)
{
	uint64_t type, len, gpa, val;

	(void)context;
	if (!FIELD("type", &type) || !FIELD("len", &len) ||
	    !FIELD("gpa", &gpa) || !FIELD("val", &val) || type > 2)
		return -1;
	trace_seq_printf(s, "%s, %" PRIu64 " byte%s at 0x%" PRIx64,
			 mmio_name[type], len, len == 1 ? "" : "s", gpa);
	if (type)
		trace_seq_printf(s, ": 0x%" PRIx64, val);
	return 0;
}

static int print_hvc(struct trace_seq *s, struct tep_record *record,
		     struct tep_event *event, void *context)
{
	uint64_t r0, imm, pc;
	char name[64];

	(void)context;
	if (!FIELD("r0", &r0) || !FIELD("imm", &imm) || !FIELD("vcpu_pc", &pc))
		return -1;
	smccc_name((uint32_t)r0, name, sizeof(name));
	trace_seq_printf(s,
			 "%s, r0 0x%" PRIx64 ", HVC #%" PRIu64
			 ", PC 0x%" PRIx64,
			 name, r0, imm & 0xffff, pc);
	return 0;
}

static int print_wfx(struct trace_seq *s, struct tep_record *record,
		     struct tep_event *event, void *context)
{
	uint64_t wfe, pc;

	(void)context;
	if (!FIELD("is_wfe", &wfe) || !FIELD("vcpu_pc", &pc))
		return -1;
	trace_seq_printf(s, "%s, PC 0x%" PRIx64, esr_wfx_name(wfe != 0), pc);
	return 0;
}

/*
 * kvm_sys_access names the register that KVM found in its tables: Op0 is 0 for
 * CP14 and CP15, and the 64-bit accesses have CRn 0.  For the ID registers of
 * VFP it is the AArch64 register that they are views of.
 */
static enum sysreg_space access_space(struct tep_record *record,
				      struct tep_event *event, uint64_t pc,
				      const uint64_t op[5])
{
	int pid = tep_data_pid(event->tep, record);

	if (op[0])
		return SYSREG_A64;
	if (recent[pid % RECENT].pid == pid && recent[pid % RECENT].pc == pc) {
		enum sysreg_space space = space_of(recent[pid % RECENT].ec);

		if (space != SYSREG_A64 && space != SYSREG_VFP)
			return space;
	}
	return SYSREG_CP15_32;
}

static int print_sys_access(struct trace_seq *s, struct tep_record *record,
			    struct tep_event *event, void *context)
{
	static const char *const op_name[5] = { "Op0", "Op1", "CRn", "CRm",
						"Op2" };
	uint64_t pc, write, op[5];
	enum sysreg_space space;
	char name[64];
	uint32_t reg;

	(void)context;
	if (!FIELD("vcpu_pc", &pc) || !FIELD("is_write", &write))
		return -1;
	for (int i = 0; i < 5; i++)
		if (!FIELD(op_name[i], &op[i]) || op[i] > 0xf)
			return -1;
	space = access_space(record, event, pc, op);
	reg = SYSREG(op[0], op[1], op[2], op[3], op[4]);
	/* their encoding in a table of 64-bit registers leaves CRn and Op2 0 */
	if (space == SYSREG_CP15_64 || space == SYSREG_CP14_64)
		reg = SYSREG(0, op[1], 0, op[3], 0);
	sysreg_name(space, reg, name, sizeof(name));
	trace_seq_printf(s, "%s of %s (%u,%u,%u,%u,%u), PC 0x%" PRIx64,
			 write ? "write" : "read", name, (unsigned int)op[0],
			 (unsigned int)op[1], (unsigned int)op[2],
			 (unsigned int)op[3], (unsigned int)op[4], pc);
	return 0;
}

/* Of a 32-bit host: implementation-defined CP15 registers, CRn 11 and 15. */
static int print_cp15_imp(struct trace_seq *s, struct tep_record *record,
			  struct tep_event *event, void *context)
{
	uint64_t op1, crn, crm, op2, write;
	char name[64];

	(void)context;
	if (!FIELD("Op1", &op1) || !FIELD("CRn", &crn) || !FIELD("CRm", &crm) ||
	    !FIELD("Op2", &op2) || !FIELD("is_write", &write))
		return -1;
	sysreg_name(SYSREG_CP15_32,
		    SYSREG(0, op1 & 0xf, crn & 0xf, crm & 0xf, op2 & 0xf), name,
		    sizeof(name));
	trace_seq_printf(s, "%s of %s", write ? "write" : "read", name);
	return 0;
}

static int print_sys_reg(struct trace_seq *s, struct tep_record *record,
			 struct tep_event *event, void *context)
{
	uint64_t esr;

	(void)context;
	if (!FIELD2("hsr", "esr", &esr))
		return -1;
	print_syndrome(s, esr);
	trace_seq_printf(s, ", ESR 0x%" PRIx64, esr);
	return 0;
}

/* Their "%s" is a pointer into the recorded kernel, whose text is not here. */
static int print_trap_reg(struct trace_seq *s, struct tep_record *record,
			  struct tep_event *event, void *context)
{
	uint64_t fn, reg, write, value;

	(void)context;
	if (!FIELD("fn", &fn) || !FIELD("reg", &reg) ||
	    !FIELD("is_write", &write) || !FIELD("write_value", &value))
		return -1;
	trace_seq_printf(s,
			 "debug register %" PRIu64 " %s, value 0x%" PRIx64
			 ", function named at 0x%" PRIx64,
			 reg, write ? "write" : "read", value, fn);
	return 0;
}

static int print_dreg32(struct trace_seq *s, struct tep_record *record,
			struct tep_event *event, void *context)
{
	uint64_t name, value;

	(void)context;
	if (!FIELD("name", &name) || !FIELD("value", &value))
		return -1;
	trace_seq_printf(s,
			 "debug register set to 0x%" PRIx64
			 ", named at 0x%" PRIx64,
			 value, name);
	return 0;
}

/* --- registration ----------------------------------------------------------*/

static const struct {
	const char *event;
	tep_event_handler_func print;
} handler[] = {
	{ "kvm_entry", print_entry },
	{ "kvm_exit", print_exit },
	{ "kvm_vcpu_exit", print_vcpu_exit },
	{ "kvm_exchvc", print_exchvc },
	{ "kvm_guest_fault", print_fault },
	{ "kvm_access_fault", print_access_fault },
	{ "kvm_mmio", print_mmio },
	{ "kvm_hvc", print_hvc },
	{ "kvm_hvc_arm64", print_hvc },
	{ "kvm_wfx", print_wfx },
	{ "kvm_wfx_arm64", print_wfx },
	{ "kvm_sys_access", print_sys_access },
	{ "kvm_emulate_cp15_imp", print_cp15_imp },
	{ "kvm_handle_sys_reg", print_sys_reg },
	{ "trap_reg", print_trap_reg },
	{ "kvm_arm_set_dreg32", print_dreg32 },
};

#define HANDLERS (sizeof(handler) / sizeof(handler[0]))

/* Where this file was loaded from; false where that cannot be told. */
static bool own_directory(char *dir, size_t size)
{
	char path[PATH_MAX];
	Dl_info info;
	int n;

	if (!dladdr(handler, &info) || !info.dli_fname)
		return false;
	n = snprintf(path, sizeof(path), "%s", info.dli_fname);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	n = snprintf(dir, size, "%s/kvm_arm", dirname(path));
	return n > 0 && (size_t)n < size;
}

/*
 * Plugins are loaded in the order of their directory's entries, which is any.
 * One that is loaded after ours and wants the same events gets them; so this
 * asks for a directory that comes last, in which there is a link to this file:
 * it is then called a second time, after all others.
 */
int TEP_PLUGIN_LOADER(struct tep_handle *tep)
{
	char dir[PATH_MAX];

	for (size_t i = 0; i < HANDLERS; i++)
		tep_register_event_handler(tep, -1, "kvm", handler[i].event,
					   handler[i].print, NULL);
	if (own_directory(dir, sizeof(dir)))
		tep_add_plugin_path(tep, dir, TEP_PLUGIN_LAST);
	return 0;
}

void TEP_PLUGIN_UNLOADER(struct tep_handle *tep)
{
	for (size_t i = 0; i < HANDLERS; i++)
		tep_unregister_event_handler(tep, -1, "kvm", handler[i].event,
					     handler[i].print, NULL);
}
