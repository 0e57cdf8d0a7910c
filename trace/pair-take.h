/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each event means to the exit that is open: the inside of pair.c, for
 * pair.c and for pair-span.c, which has it compiled into its loop.
 */
#ifndef TL_TRACE_PAIR_TAKE_H
#define TL_TRACE_PAIR_TAKE_H

#include <stdlib.h>
#include <string.h>

#include "pair.h"

/* ESR_ELx/HSR: exception class in bits 31:26 (DDI 0487, D17.2.37). */
#define ESR_EC(esr) ((uint8_t)((esr) >> 26 & 0x3f))

/* The part of a thread that only the pairing needs; index as in @thread. */
struct pairing {
	bool open;
	bool cut; /* its exit was handed on when events were lost */
	struct trap_exit exit;
	uint64_t user_ts; /* when KVM_RUN returned */
	struct event irq; /* EV_IRQ: the first since the last entry */
	uint64_t last_nr, last_trap_nr;
	/* exits and traps since then that came without a running number */
	uint64_t unnumbered, unnumbered_traps;
};

struct pair {
	void (*fn)(const struct trap_exit *exit, void *opaque);
	void *opaque;
	struct pair_thread *thread;
	struct pairing *pairing;
	size_t count, space;
	size_t *slot; /* hash of tid -> index + 1, 2 * space entries */
	size_t recent;
	struct repeat_slot *repeat; /* REPEAT_SLOTS */
	uint64_t learnt;            /* of these, since the beginning */
};

/*
 * Index of thread @tid; where it is new and @type is not of an exit's first
 * event, pair->count.  -ENOMEM.
 */
int pair_find(struct pair *pair, int tid, enum ev_type type, size_t *index);

/* Hand on the open exit; @entry_ts 0 where the re-entry was not seen. */
static inline void close_exit(struct pair *pair, struct pair_thread *thread,
			      struct pairing *p, uint64_t entry_ts)
{
	struct trap_exit *exit = &p->exit;

	if (!p->open)
		return;
	p->open = false;
	/* clocks of two CPUs may disagree by a little: no time before zero */
	if (entry_ts && entry_ts >= exit->ts) {
		exit->have |= HAVE_TIME;
		exit->ns = entry_ts - exit->ts;
		if (exit->have & HAVE_USER && p->user_ts >= exit->ts &&
		    p->user_ts <= entry_ts)
			exit->user_ns = entry_ts - p->user_ts;
	} else {
		thread->unpaired++;
	}
	thread->exits++;
	if (!(exit->have & HAVE_NUMBER))
		p->unnumbered++;
	if (exit->kind == EXIT_TRAP) {
		thread->traps++;
		if (!(exit->have & HAVE_TRAP_NUMBER))
			p->unnumbered_traps++;
	}
	pair->fn(exit, pair->opaque);
}

/* Hand on an exit whose re-entry was not seen. */
void pair_cut(struct pair *pair, struct pair_thread *thread, struct pairing *p);

static inline struct trap_exit *open_exit(struct pair *pair,
					  struct pair_thread *thread,
					  struct pairing *p,
					  const struct event *ev)
{
	if (p->open)
		pair_cut(pair, thread, p);
	/* the name goes with HAVE_IRQ */
	memset(&p->exit, 0, offsetof(struct trap_exit, irq_name));
	p->open = true;
	p->cut = false;
	p->exit.tid = ev->tid;
	p->exit.vcpu = thread->vcpu;
	p->exit.ts = ev->ts;
	p->exit.pc = ev->pc;
	return &p->exit;
}

/* Running numbers: what is missing between the last one seen and @nr. */
static inline uint64_t gap(uint64_t *last, uint64_t *unnumbered, uint64_t nr)
{
	uint64_t missing = 0;

	if (*last && nr > *last) {
		missing = nr - *last - 1;
		missing -= missing < *unnumbered ? missing : *unnumbered;
	}
	*last = nr;
	*unnumbered = 0;
	return missing;
}

static inline void set_vcpu(struct pair_thread *thread, struct pairing *p,
			    uint32_t vcpu)
{
	if (vcpu <= INT32_MAX && thread->vcpu != (int)vcpu) {
		/* another vCPU's numbers say nothing about this one's */
		if (thread->vcpu >= 0) {
			p->last_nr = p->last_trap_nr = 0;
			thread->restarts++;
		}
		thread->vcpu = (int)vcpu;
	}
	p->exit.vcpu = thread->vcpu;
}

static inline void set_irq(struct trap_exit *exit, const struct event *ev)
{
	if (exit->kind != EXIT_IRQ || exit->have & HAVE_IRQ ||
	    ev->type != EV_IRQ || ev->irq.number > INT32_MAX)
		return;
	exit->have |= HAVE_IRQ;
	exit->irq = (int)ev->irq.number;
	memcpy(exit->irq_name, ev->irq.name, sizeof(exit->irq_name) - 1);
	exit->irq_name[sizeof(exit->irq_name) - 1] = '\0';
}

/*
 * The host takes the interrupt as soon as it unmasks them.  Kernels do so
 * before they trace the exit (6.1) or after it.
 */
static inline void take_irq(struct pairing *p, const struct event *ev)
{
	if (p->open)
		set_irq(&p->exit, ev);
	else if (p->irq.type != EV_IRQ)
		p->irq = *ev;
}

static inline void take_exit(struct pair *pair, struct pair_thread *thread,
			     struct pairing *p, const struct event *ev)
{
	struct trap_exit *exit = open_exit(pair, thread, p, ev);

	exit->have |= HAVE_STOCK;
	exit->kind = ev->exit.kind;
	exit->ec = exit->kind == EXIT_TRAP ? ev->exit.ec & 0x3f : 0;
	set_irq(exit, &p->irq);
}

static inline void take_vcpu_exit(struct pair *pair, struct pair_thread *thread,
				  struct pairing *p, const struct event *ev)
{
	struct trap_exit *exit = &p->exit;

	/* the patched kernel sends kvm_exit just before, for the same exit */
	if (!p->open || (exit->have & ~HAVE_IRQ) != HAVE_STOCK ||
	    exit->pc != ev->pc)
		exit = open_exit(pair, thread, p, ev);
	set_vcpu(thread, p, ev->vexit.vcpu);
	exit->have |= HAVE_NUMBER;
	exit->kind = ev->vexit.kind < EXIT_KINDS ? (uint8_t)ev->vexit.kind
						 : EXIT_OTHER;
	exit->ec = exit->kind == EXIT_TRAP ? ev->vexit.ec & 0x3f : 0;
	set_irq(exit, &p->irq);
	if (exit->kind == EXIT_TRAP || exit->kind == EXIT_SERROR) {
		exit->have |= HAVE_ESR;
		exit->esr = ev->vexit.esr;
	}
	if (ev->vexit.ipa != EV_NO_IPA) {
		exit->have |= HAVE_IPA;
		exit->ipa = ev->vexit.ipa;
	}
	if (ev->vexit.nr <= p->last_nr) {
		p->last_nr = p->last_trap_nr = 0;
		thread->restarts++;
	}
	if (!thread->first_nr)
		thread->first_nr = ev->vexit.nr;
	thread->lost_exits += gap(&p->last_nr, &p->unnumbered, ev->vexit.nr);
}

static inline void take_exchvc(struct pair *pair, struct pair_thread *thread,
			       struct pairing *p, const struct event *ev)
{
	struct trap_exit *exit = &p->exit;

	/* it follows kvm_exit and kvm_vcpu_exit, unless they were lost */
	if (!p->open || exit->have & HAVE_TRAP_NUMBER || exit->pc != ev->pc ||
	    exit->kind != EXIT_TRAP)
		exit = open_exit(pair, thread, p, ev);
	set_vcpu(thread, p, ev->exchvc.vcpu);
	exit->have |= HAVE_TRAP_NUMBER | HAVE_ESR;
	exit->kind = EXIT_TRAP;
	exit->esr = ev->exchvc.esr;
	exit->ec = ESR_EC(exit->esr);
	if (!ev->exchvc.cond_valid)
		exit->have |= HAVE_COND_FAILED;
	if (ev->exchvc.nr <= p->last_trap_nr)
		p->last_trap_nr = 0;
	thread->lost_traps +=
		gap(&p->last_trap_nr, &p->unnumbered_traps, ev->exchvc.nr);
}

static inline void take_fault(struct trap_exit *exit, const struct event *ev)
{
	if (!(exit->have & HAVE_ESR)) {
		exit->have |= HAVE_ESR;
		exit->esr = ev->fault.esr;
	}
	if (exit->have & HAVE_IPA)
		return;
	exit->have |= HAVE_IPA;
	exit->ipa = ev->fault.ipa;
	/* FAR is the access's address, not that of a stage-1 walk (S1PTW). */
	if (!(exit->esr >> 7 & 1))
		exit->ipa |= ev->fault.far & 0xfff;
}

/* What the kernel says about the exit that it is handling. */
static inline void take_companion(struct pair_thread *thread, struct pairing *p,
				  const enum ev_type type,
				  const struct event *ev)
{
	struct trap_exit *exit = &p->exit;

	if (!p->open) {
		thread->stray++;
		return;
	}
	switch (type) {
	case EV_FAULT:
		take_fault(exit, ev);
		break;
	case EV_MMIO:
		/*
		 * A read answered in user space shows twice, when it is asked
		 * for and when the answer is in.
		 */
		exit->have |= HAVE_MMIO;
		exit->gpa = ev->mmio.gpa;
		exit->mmio_write = ev->mmio.write;
		break;
	case EV_HVC:
		exit->have |= HAVE_HVC;
		exit->r0 = ev->hvc.r0;
		break;
	case EV_WFX:
		exit->have |= HAVE_WFX;
		exit->wfe = ev->wfx.wfe;
		break;
	case EV_SYS_ACCESS:
		exit->have |= HAVE_SYS;
		exit->sys = ev->sys;
		break;
	case EV_SYS_ESR:
		if (!(exit->have & HAVE_ESR)) {
			exit->have |= HAVE_ESR;
			exit->esr = ev->sys_esr.esr;
		}
		break;
	case EV_USER:
		exit->have |= HAVE_USER;
		exit->user_reason = ev->user.reason < UINT8_MAX
					    ? (uint8_t)ev->user.reason
					    : UINT8_MAX;
		p->user_ts = ev->ts;
		break;
	default:
		break;
	}
}

static inline void take_entry(struct pair *pair, struct pair_thread *thread,
			      struct pairing *p, const struct event *ev)
{

	if (!p->open) {
		thread->stray++;
		/* a second entry: the exit between is lost, numbers know better */
		if (!p->cut && !p->last_nr)
			thread->lost_exits++;
	}
	p->cut = false;
	p->irq.type = EV_ENTRY;
	close_exit(pair, thread, p, ev->ts);
}

/* An entry may be among the lost events: do not pair across the gap. */
static inline void take_lost(struct pair *pair)
{
	for (size_t i = 0; i < pair->count; i++) {
		pair->pairing[i].cut |= pair->pairing[i].open;
		close_exit(pair, &pair->thread[i], &pair->pairing[i], 0);
	}
}

/* @type is @ev's, a constant where it matters. */
static inline __attribute__((always_inline)) void
pair_take(struct pair *pair, struct pair_thread *thread, struct pairing *p,
	  const enum ev_type type, const struct event *ev)
{
	switch (type) {
	case EV_EXIT:
		take_exit(pair, thread, p, ev);
		break;
	case EV_VCPU_EXIT:
		take_vcpu_exit(pair, thread, p, ev);
		break;
	case EV_EXCHVC:
		take_exchvc(pair, thread, p, ev);
		break;
	case EV_ENTRY:
		take_entry(pair, thread, p, ev);
		break;
	case EV_IRQ:
		take_irq(p, ev);
		break;
	case EV_LOST:
		take_lost(pair);
		break;
	default:
		take_companion(thread, p, type, ev);
		break;
	}
}

#endif
