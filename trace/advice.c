// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"

/* What rules look at, in the order of their patterns. */
static const enum dim looked_at[] = { DIM_CLASS, DIM_DEVICE, DIM_REGISTER,
				      DIM_DIR,   DIM_USER,   DIM_HYPERCALL,
				      DIM_CAUSE };

#define LOOKED (sizeof(looked_at) / sizeof(looked_at[0]))

/*
 * The first rule whose patterns (fnmatch(3), extended; NULL is any) all match
 * has the exit, so that none is counted twice.
 */
static const struct rule {
	const char *name;
	const char *pattern[LOOKED]; /* as in looked_at */
	const char *text;
} rules[] = {
	{ "console",
	  { NULL, "@(*pl011*|*uart*|*serial*)" },
	  "each character costs a status read and a write: use a virtio console, boot with quiet, or log less" },
	{ "virtio-notify-user",
	  { NULL, "*virtio*", "QueueNotify", "write", "MMIO" },
	  "doorbells return to the VMM: have it bind them to an ioeventfd, which KVM signals itself" },
	{ "virtio-notify",
	  { NULL, "*virtio*", "QueueNotify" },
	  "doorbells that KVM handles alone: fewer with more requests in flight, larger ones, or VIRTIO_F_EVENT_IDX" },
	{ "virtio-interrupt",
	  { NULL, "*virtio*", "Interrupt@(Status|ACK)" },
	  "an interrupt of virtio-mmio costs a read and a write: VIRTIO_F_EVENT_IDX makes fewer, virtio over PCI with MSI-X has none" },
	{ "virtio-setup",
	  { NULL, "*virtio*" },
	  "devices being set up, at boot: each device that the guest does not need is worth some, empty slots too" },
	{ "pci-scan",
	  { NULL, "pci-*" },
	  "PCI: a scan of the bus at boot, or registers of devices on it; without PCI in the device tree there is none" },
	{ "ipi",
	  { NULL, "*gic*", "GICD_SGIR", "write" },
	  "interrupts between vCPUs: fewer vCPUs or tasks that stay on theirs; no GICv2 or GICv3 sends them without an exit" },
	{ "gic",
	  { NULL, "@(*gic*)" },
	  "the interrupt controller is set up at boot, and masked or routed later: threaded and level interrupts cost two each" },
	{ "flash",
	  { NULL, "@(*flash*|fw-cfg*)" },
	  "firmware reads it access by access: boot the kernel directly (-k), or map it as read-only memory" },
	{ "device",
	  { NULL, "@(*pl0*|*rtc*|*gpio*)" },
	  "small devices, polled: look which driver does (--by device,register,pc), and lower its rate" },
	{ "unclaimed",
	  { NULL, "unclaimed" },
	  "no device is there: a driver probes for one; take it out of the guest's device tree, kernel or command line" },
	{ "set-way",
	  { NULL, NULL, "@(DC*SW|DC *SW)" },
	  "cache maintenance by set and way, for which KVM cleans all of the guest's memory: the zImage's decompressor and CPU hotplug do it; boot an uncompressed Image" },
	{ "id-cache",
	  { "CP15_32", NULL,
	    "@(CTR|CCSIDR*|CLIDR|CSSELR|AIDR|REVIDR|TCMTR|TLBTR)" },
	  "KVM traps the cache identification of every 32-bit guest (HCR_EL2.TID2), so do its flushes of the data cache by address: not avoidable on this host, a 64-bit guest does not have them" },
	{ "id-32",
	  { "@(CP15_32|CP10_ID)", NULL, "@(ID_*|MVFR*|MIDR|MPIDR|FPSID)" },
	  "KVM traps the ID registers of every 32-bit guest (HCR_EL2.TID0 to TID3): not avoidable on this host; where they come in numbers, the guest's program asks for what it could keep" },
	{ "id-64",
	  { "SYS64", NULL, "@(ID_*|*IDR*_EL1|CTR_EL0|MVFR*)" },
	  "ID registers, most at boot: KVM traps them all, to show each vCPU the same; not avoidable" },
	{ "mmu-setup",
	  { NULL, NULL,
	    "@(SCTLR|TTBR*|TTBCR*|DACR|*FSR|*FAR|PRRR|NMRR|MAIR*|AMAIR*|CONTEXTIDR|TCR*)*",
	    "write" },
	  "KVM traps these until the guest has its MMU and caches on (HCR_EL2.TVM): only at boot, not avoidable" },
	{ "sgi-sysreg",
	  { NULL, NULL, "ICC_@(SGI|ASGI)*" },
	  "interrupts between vCPUs: fewer vCPUs or tasks that stay on theirs; no GICv3 sends them without an exit" },
	{ "gic-sysreg",
	  { NULL, NULL, "@(ICC_*|ICH_*)" },
	  "the GICv3's CPU interface is trapped: the host works around an erratum, or has it emulated" },
	{ "physical-timer",
	  { NULL, NULL, "CNTP*" },
	  "KVM emulates the physical timer, the virtual one is the hardware's: give the guest that (its device tree's timer node, CONFIG_ARM_ARCH_TIMER)" },
	{ "timer",
	  { NULL, NULL, "CNT*" },
	  "the host traps the timer, for an erratum or a counter that it offsets: not avoidable by the VMM" },
	{ "pmu",
	  { NULL, NULL, "PM*" },
	  "performance counters are trapped: stop perf and the hard lockup detector in the guest (nmi_watchdog=0)" },
	{ "debug",
	  { NULL, NULL, "@(DBG*|OSL*|OSDLR*|MDSCR*|MDCCINT*)" },
	  "debug registers, at boot and when CPUs come up: a guest without CONFIG_HAVE_HW_BREAKPOINT does not touch them" },
	{ "auxiliary",
	  { NULL, NULL, "ACTLR*" },
	  "KVM traps ACTLR for every guest (HCR_EL2.TACR): not avoidable, and rare after boot" },
	{ "wfi",
	  { "WFx", NULL, NULL, NULL, NULL, NULL, "WFI*" },
	  "the guest is idle, its time here is sleep; where wake-ups must be fast, let the host poll first (halt_poll_ns of kvm)" },
	{ "wfe",
	  { "WFx", NULL, NULL, NULL, NULL, NULL, "WFE*" },
	  "a vCPU waits for a lock whose holder may not be running: no more vCPUs than CPUs, each on its own" },
	{ "first-touch",
	  { NULL, NULL, NULL, NULL, NULL, NULL, "stage-2 fault, first touch*" },
	  "memory is mapped when the guest first touches it: huge pages make few of many (transparent_hugepage=always, or hugetlbfs)" },
	{ "execute",
	  { NULL, NULL, NULL, "fetch", NULL, NULL,
	    "stage-2 fault, permission*" },
	  "code runs for the first time in pages that were written: one exit for each, fewer with huge pages" },
	{ "permission",
	  { NULL, NULL, NULL, NULL, NULL, NULL, "stage-2 fault, permission*" },
	  "pages are write-protected: by dirty logging (migration, snapshot), KSM, or copy-on-write of a file; end what does it" },
	{ "abort",
	  { NULL, NULL, NULL, NULL, NULL, NULL,
	    "@(stage-2 fault*|external abort*)" },
	  "faults in memory that are no first touch: page aging or a bad address; see the host's log" },
	{ "smc",
	  { "SMC*" },
	  "KVM does not take SMC: have the guest use HVC (\"method\" of the psci and firmware nodes)" },
	{ "random",
	  { NULL, NULL, NULL, NULL, NULL, "TRNG*" },
	  "the guest takes its random numbers by hypercall: a virtio-rng gives many at once" },
	{ "cpu-suspend",
	  { NULL, NULL, NULL, NULL, NULL, "PSCI_CPU_@(SUSPEND|OFF|ON)*" },
	  "CPUs come, go, or sleep by PSCI: boot with cpuidle.off=1 to sleep by WFI, and keep CPUs on line" },
	{ "hypercall",
	  { "HVC*" },
	  "hypercalls, which the guest makes on purpose: PSCI and SMCCC are asked at boot; see --by hypercall,pc for others" },
	{ "irq",
	  { "IRQ" },
	  "interrupts of the host: its timer ticks and devices; nohz_full and interrupts on other CPUs than the vCPUs' make them rare" },
	{ "fp",
	  { "@(FP_ASIMD|SVE|SME)" },
	  "the first use of FP or SVE after the host ran: rarer if vCPUs stay on their CPUs" },
	{ "breakpoint",
	  { "@(BREAKPT*|SOFTSTP*|WATCHPT*|BKPT32|BRK64)" },
	  "the guest is being debugged from outside: detach the debugger" },
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

static const struct rule *match(const struct rollup_row *row)
{
	for (size_t i = 0; i < RULES; i++) {
		size_t d = 0;

		while (d < LOOKED && (!rules[i].pattern[d] ||
				      !fnmatch(rules[i].pattern[d],
					       row->name[d], FNM_EXTMATCH)))
			d++;
		if (d == LOOKED)
			return &rules[i];
	}
	return NULL;
}

/*
 * A row's names but for where it was are those of its class, cause and who
 * handled it: what one rule takes, it takes at every program counter.
 */
struct matched {
	bool known;
	uint8_t class, user;
	uint32_t cause;
	const struct rule *rule;
};

#define MATCHED 256

static const struct rule *match_once(struct matched matched[MATCHED],
				     const struct rollup_row *row)
{
	const struct profile_row *like = &row->most;
	struct matched *m = &matched[(like->cause * 5u + like->user) % MATCHED];

	if (!m->known || m->cause != like->cause || m->class != like->class ||
	    m->user != like->user)
		*m = (struct matched){ true, like->class, like->user,
				       like->cause, match(row) };
	return m->rule;
}

static int add(struct advice *advice, const struct rule *rule,
	       const struct rollup_row *row)
{
	advice->rule = rule->name;
	advice->text = rule->text;
	if (row->sum.count > advice->most) {
		free(advice->cause);
		free(advice->where);
		advice->most = row->sum.count;
		advice->cause = strdup(row->name[LOOKED - 1]);
		advice->where = strdup(row->name[LOOKED]);
		if (!advice->cause || !advice->where)
			return -ENOMEM;
	}
	return profile_sum_merge(&advice->sum, &row->sum);
}

static void clear(struct advice *advice)
{
	free(advice->cause);
	free(advice->where);
	profile_sum_free(&advice->sum);
	memset(advice, 0, sizeof(*advice));
}

static int compare(const void *a, const void *b)
{
	const struct advice *x = a, *y = b;

	if (x->sum.count != y->sum.count)
		return x->sum.count > y->sum.count ? -1 : 1;
	return strcmp(x->rule, y->rule);
}

/* Keep what is worth a line, the largest first. */
static void sift(struct advice_list *list, uint64_t busy_ns)
{
	for (size_t i = 0; i < RULES; i++) {
		struct advice *a = &list->item[i];
		bool worth = a->rule && 100 * a->sum.count >= list->whole;

		/* the time of idling is no cost */
		if (a->rule && strcmp(a->rule, "wfi") != 0)
			worth |= a->sum.ns && a->sum.ns >= busy_ns / 100;
		if (worth) {
			struct advice keep = *a;

			memset(a, 0, sizeof(*a));
			list->item[list->count++] = keep;
		} else {
			clear(a);
		}
	}
	if (list->count)
		qsort(list->item, list->count, sizeof(*list->item), compare);
}

int advice_make(struct advice_list *list, const struct view *view,
		const struct query *query)
{
	struct query all = *query;
	struct matched matched[MATCHED] = { 0 };
	uint64_t busy_ns = 0;
	struct rollup rollup;
	int ret;

	memset(list, 0, sizeof(*list));
	memcpy(all.by, looked_at, sizeof(looked_at));
	all.by[LOOKED] = view->symbols ? DIM_SYMBOL : DIM_PC;
	all.nr_by = LOOKED + 1;
	list->item = calloc(RULES, sizeof(*list->item));
	if (!list->item)
		return -ENOMEM;
	ret = rollup_make(&rollup, view, &all);
	if (ret) {
		free(list->item);
		return ret;
	}
	list->whole = rollup.all.count;
	for (size_t i = 0; !ret && i < rollup.count; i++) {
		const struct rule *rule = match_once(matched, &rollup.row[i]);

		if (!rule || strcmp(rule->name, "wfi") != 0)
			busy_ns += rollup.row[i].sum.ns;
		if (rule)
			ret = add(&list->item[rule - rules], rule,
				  &rollup.row[i]);
	}
	rollup_free(&rollup);
	if (ret) {
		list->count = RULES;
		advice_free(list);
		return ret;
	}
	sift(list, busy_ns);
	return 0;
}

void advice_free(struct advice_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		clear(&list->item[i]);
	free(list->item);
	memset(list, 0, sizeof(*list));
}

void advice_evidence(const struct advice *a, uint64_t whole, char *buf,
		     size_t size)
{
	snprintf(buf, size,
		 "%" PRIu64
		 " exits (%.1f%%, %.3f ms), most often %s at %s (%" PRIu64 ")",
		 a->sum.count,
		 whole ? 100.0 * (double)a->sum.count / (double)whole : 0,
		 (double)a->sum.ns / 1e6, a->cause, a->where, a->most);
}
