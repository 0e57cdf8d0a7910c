/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From events to exits: an exit is what happens between the guest being left
 * and the same thread entering it again.  Everything that the kernel said about
 * it in between (its syndrome, the emulation's own events) is put together here.
 * Nothing is kept of an exit once it has been handed on.
 */
#ifndef TL_TRACE_PAIR_H
#define TL_TRACE_PAIR_H

#include <stddef.h>

#include "event.h"

/* What is known of an exit. */
enum {
	HAVE_ESR = 1 << 0,
	HAVE_IPA = 1 << 1, /* an address, not only a page */
	HAVE_MMIO = 1 << 2,
	HAVE_HVC = 1 << 3,
	HAVE_WFX = 1 << 4,
	HAVE_SYS = 1 << 5,
	HAVE_TIME = 1 << 6,        /* the re-entry was seen */
	HAVE_USER = 1 << 7,        /* KVM_RUN returned to user space */
	HAVE_COND_FAILED = 1 << 8, /* the instruction's condition failed */
	HAVE_NUMBER = 1 << 9,      /* kvm_vcpu_exit with its running number */
	HAVE_TRAP_NUMBER = 1 << 10,
	HAVE_STOCK = 1 << 11, /* kvm_exit */
	HAVE_IRQ = 1 << 12,
};

/* Of the numbers of likes that are equal modulo this only one is in use. */
#define PAIR_LIKES 256

/*
 * What an exit was, and how long it took.  From @pc up to @irq_name is what says
 * where it is counted: equal bytes are equal exits but for the times, so that
 * all that is not known is 0.
 */
struct trap_exit {
	uint64_t ts;      /* ns, when the guest was left */
	uint64_t ns;      /* HAVE_TIME: until it was entered again */
	uint64_t user_ns; /* HAVE_TIME and HAVE_USER: of these, outside KVM */
	/* not 0: an exit of the same number has differed in the times only */
	uint64_t like;
	uint64_t pc;
	uint64_t esr;
	uint64_t ipa;
	uint64_t gpa; /* HAVE_MMIO */
	uint64_t r0;  /* HAVE_HVC */
	int tid;
	int vcpu;      /* -1: not recorded */
	int irq;       /* HAVE_IRQ: the host's that ended the guest's run */
	uint16_t have; /* HAVE_... */
	uint8_t kind;  /* enum exit_kind */
	uint8_t ec;    /* exception class, EXIT_TRAP only */
	struct ev_sysreg sys;
	uint8_t user_reason; /* UINT8_MAX: that or more */
	bool mmio_write : 1, wfe : 1;
	char irq_name[16];
};

/* One thread's bookkeeping, for the totals' honesty. */
struct pair_thread {
	int tid;
	int vcpu;            /* -1: not recorded */
	uint64_t exits;      /* handed on */
	uint64_t traps;      /* of these EXIT_TRAP */
	uint64_t first_nr;   /* 0: no running numbers in the trace */
	uint64_t lost_exits; /* gaps in the running numbers */
	uint64_t lost_traps;
	uint64_t restarts; /* the numbers began anew: the VM was rebuilt */
	uint64_t stray;    /* entries and companions without an exit */
	uint64_t unpaired; /* exits without a re-entry */
};

struct pair;
struct record_span;

/* @fn gets each exit once it is complete. NULL if out of memory. */
struct pair *pair_new(void (*fn)(const struct trap_exit *exit, void *opaque),
		      void *opaque);
void pair_free(struct pair *pair);

/*
 * Take the next event in the order of time.  Any order and any omission is
 * survived: an exit is counted once if any of its events is there.  -ENOMEM.
 */
int pair_event(struct pair *pair, const struct event *event);

/*
 * The same for as many records as are of the short kind.  Nothing is different
 * but that it is faster.  -ENOMEM.
 */
int pair_span(struct pair *pair, struct record_span *span);

/* The trace has ended: hand on the exits that are still open. */
void pair_finish(struct pair *pair);

/* The threads seen, @count of them; valid until the next pair_event(). */
const struct pair_thread *pair_threads(const struct pair *pair, size_t *count);

#endif
