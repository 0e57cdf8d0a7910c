// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

#define VCPUS_MAX UINT16_MAX
#define IRQS_MAX  1024

/* The part of a struct trap_exit that says which row it is counted in. */
#define EXIT_KEY     offsetof(struct trap_exit, pc)
#define EXIT_KEY_END offsetof(struct trap_exit, irq_name)
#define EXIT_WORDS   ((EXIT_KEY_END - EXIT_KEY) / sizeof(uint64_t))

_Static_assert(EXIT_KEY % sizeof(uint64_t) == 0 &&
		       EXIT_KEY_END == EXIT_KEY + EXIT_WORDS * sizeof(uint64_t),
	       "the key of an exit is whole words");

/*
 * Nearly all exits of a trace are like one before: the same instruction for the
 * same reason.  For these the row is found without working the reason out.
 */
#define MEMO 512

struct profile_memo {
	uint64_t exit[EXIT_WORDS];
	struct profile_row *row; /* NULL: empty */
};

/* And for those whose being alike has been seen before. */
struct profile_like {
	uint64_t like; /* 0: empty */
	struct profile_row *row;
};

void profile_init(struct profile *profile, const struct vmmap *map)
{
	memset(profile, 0, sizeof(*profile));
	profile->map = map;
	profile->to = UINT64_MAX;
}

void profile_free(struct profile *profile)
{
	for (size_t i = 0; i < profile->row_space; i++)
		profile_sum_free(&profile->row[i].sum);
	free(profile->row);
	free(profile->memo);
	free(profile->like);
	free(profile->cause);
	free(profile->cause_slot);
	free(profile->vcpu);
	free(profile->irq);
	memset(profile, 0, sizeof(*profile));
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15u ^
		     (b + 0x7f4a7c15u) * 0xc2b2ae3d27d4eb4fu;

	return h ^ h >> 29;
}

/* --- sums ----------------------------------------------------------------- */

static inline int add_exit(struct profile_sum *sum,
			   const struct trap_exit *exit)
{
	const unsigned int have = exit->have;
	const uint64_t ns = exit->ns;

	if (have & HAVE_TIME) {
		if (hist_add(&sum->hist, ns))
			return -ENOMEM;
		sum->timed++;
		sum->ns += ns;
		if (ns > sum->max_ns)
			sum->max_ns = ns;
	}
	if (have & (HAVE_USER | HAVE_COND_FAILED)) {
		sum->cond_failed += !!(have & HAVE_COND_FAILED);
		if (have & HAVE_USER) {
			sum->user++;
			sum->user_ns += exit->user_ns;
		}
	}
	sum->count++;
	return 0;
}

int profile_sum_merge(struct profile_sum *sum, const struct profile_sum *other)
{
	if (hist_merge(&sum->hist, &other->hist))
		return -ENOMEM;
	sum->count += other->count;
	sum->timed += other->timed;
	sum->ns += other->ns;
	if (other->max_ns > sum->max_ns)
		sum->max_ns = other->max_ns;
	sum->user += other->user;
	sum->user_ns += other->user_ns;
	sum->cond_failed += other->cond_failed;
	return 0;
}

void profile_sum_free(struct profile_sum *sum)
{
	hist_free(&sum->hist);
}

uint64_t profile_sum_quantile(const struct profile_sum *sum,
			      unsigned int permille)
{
	uint64_t value = hist_quantile(&sum->hist, permille);

	/* a bucket's middle may lie beyond the largest value in it */
	return value < sum->max_ns && sum->timed > 1 ? value : sum->max_ns;
}

/* --- vCPUs, causes, interrupts: each gets a small number ------------------- */

static struct profile_vcpu *vcpu_of(struct profile *profile, int tid, int vcpu)
{
	struct profile_vcpu *v, *more;
	size_t space;

	if (profile->recent < profile->count) {
		v = &profile->vcpu[profile->recent];
		if (v->tid == tid && v->vcpu == vcpu)
			return v;
	}
	for (size_t i = 0; i < profile->count; i++) {
		v = &profile->vcpu[i];
		if (v->tid == tid && v->vcpu == vcpu) {
			profile->recent = i;
			return v;
		}
	}
	if (profile->count == VCPUS_MAX)
		return NULL;
	if (profile->count == profile->space) {
		space = profile->space ? 2 * profile->space : 8;
		more = realloc(profile->vcpu, space * sizeof(*more));
		if (!more)
			return NULL;
		profile->vcpu = more;
		profile->space = space;
	}
	profile->recent = profile->count;
	v = &profile->vcpu[profile->count++];
	memset(v, 0, sizeof(*v));
	v->tid = tid;
	v->vcpu = vcpu;
	return v;
}

_Static_assert(sizeof(struct cause) == 16, "a cause is a key of 16 bytes");

static size_t cause_hash(const struct cause *cause)
{
	uint64_t half[2];

	memcpy(half, cause, sizeof(half));
	return (size_t)mix(half[0], half[1]);
}

static int grow_causes(struct profile *profile)
{
	size_t space = profile->cause_space ? 2 * profile->cause_space : 64;
	struct cause *more = realloc(profile->cause, space * sizeof(*more));
	uint32_t *slot;

	if (!more)
		return -ENOMEM;
	profile->cause = more;
	slot = calloc(2 * space, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	if (!profile->nr_causes) {
		memset(more, 0, sizeof(*more));
		profile->nr_causes = 1;
	}
	for (size_t i = 1; i < profile->nr_causes; i++) {
		size_t at = cause_hash(&more[i]) & (2 * space - 1);

		while (slot[at])
			at = (at + 1) & (2 * space - 1);
		slot[at] = (uint32_t)i;
	}
	free(profile->cause_slot);
	profile->cause_slot = slot;
	profile->cause_space = space;
	return 0;
}

/* The number of @cause, from 1; 0 if out of memory. */
static uint32_t intern_cause(struct profile *profile, const struct cause *cause)
{
	size_t mask, at;

	if (profile->nr_causes >= profile->cause_space &&
	    (profile->nr_causes == UINT32_MAX || grow_causes(profile)))
		return 0;
	mask = 2 * profile->cause_space - 1;
	at = cause_hash(cause) & mask;
	while (profile->cause_slot[at]) {
		uint32_t number = profile->cause_slot[at];

		if (!memcmp(&profile->cause[number], cause, sizeof(*cause)))
			return number;
		at = (at + 1) & mask;
	}
	profile->cause[profile->nr_causes] = *cause;
	profile->cause_slot[at] = (uint32_t)profile->nr_causes;
	return (uint32_t)profile->nr_causes++;
}

/* Remember the name of the interrupt; a failure only costs the name. */
static void note_irq(struct profile *profile, const struct trap_exit *exit)
{
	struct profile_irq *more;

	for (size_t i = 0; i < profile->nr_irqs; i++) {
		if (profile->irq[i].number == exit->irq)
			return;
	}
	if (profile->nr_irqs == IRQS_MAX)
		return;
	more = realloc(profile->irq, (profile->nr_irqs + 1) * sizeof(*more));
	if (!more)
		return;
	profile->irq = more;
	more += profile->nr_irqs++;
	more->number = exit->irq;
	snprintf(more->name, sizeof(more->name), "%s", exit->irq_name);
}

void profile_cause_name(const struct profile *profile, uint32_t cause,
			char *buf, size_t size)
{
	const struct cause *c = &profile->cause[cause];
	size_t length;
	int number;

	cause_name(c, profile->map, buf, size);
	if (!cause_irq(c, &number))
		return;
	length = strlen(buf);
	for (size_t i = 0; i < profile->nr_irqs; i++) {
		if (profile->irq[i].number == number && profile->irq[i].name[0])
			snprintf(buf + length, size - length, " (%s)",
				 profile->irq[i].name);
	}
}

/* --- rows ------------------------------------------------------------------ */

static size_t row_hash(const struct profile_row *key)
{
	return (size_t)mix(key->pc, (uint64_t)key->cause << 32 |
					    (uint64_t)key->vcpu << 16 |
					    (uint64_t)key->class << 8 |
					    key->user) ^
	       key->early;
}

static bool same_key(const struct profile_row *a, const struct profile_row *b)
{
	return a->pc == b->pc && a->cause == b->cause && a->vcpu == b->vcpu &&
	       a->class == b->class && a->user == b->user &&
	       a->early == b->early;
}

static struct profile_row *probe(struct profile_row *row, size_t space,
				 const struct profile_row *key)
{
	size_t i = row_hash(key) & (space - 1);

	while (row[i].sum.count && !same_key(&row[i], key))
		i = (i + 1) & (space - 1);
	return &row[i];
}

static int grow_rows(struct profile *profile)
{
	size_t space = profile->row_space ? 2 * profile->row_space : 256;
	struct profile_row *more = calloc(space, sizeof(*more));

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < profile->row_space; i++) {
		if (profile->row[i].sum.count)
			*probe(more, space, &profile->row[i]) = profile->row[i];
	}
	free(profile->row);
	profile->row = more;
	profile->row_space = space;
	/* what it knew is elsewhere now; without it all goes on, slower */
	free(profile->memo);
	profile->memo = calloc(MEMO, sizeof(*profile->memo));
	free(profile->like);
	profile->like = calloc(PAIR_LIKES, sizeof(*profile->like));
	profile->whole = !profile->from && profile->to == UINT64_MAX &&
			 !profile->virt_base;
	return 0;
}

/* Has the thread been at the kernel's own addresses? */
static void see_address(const struct profile *profile,
			struct profile_vcpu *vcpu, const struct trap_exit *exit)
{
	if (profile->virt_base && vcpu->thread != exit->tid) {
		vcpu->thread = exit->tid;
		vcpu->high = false;
	}
	vcpu->high |= exit->pc >= profile->virt_base;
}

bool profile_key(struct profile *profile, const struct trap_exit *exit,
		 struct profile_row *key)
{
	const struct vmmap_vcpu *known = NULL;
	struct profile_vcpu *vcpu;
	struct cause cause;

	if (profile->map->nr_vcpus) {
		known = vmmap_vcpu_of(profile->map, exit->tid);
		if (!known && !profile->map->only) {
			profile->foreign++;
			return false;
		}
	}
	/* a vCPU has another thread after each reboot: one entry all the same */
	vcpu = known ? vcpu_of(profile, known->tid[0], known->id)
		     : vcpu_of(profile, exit->tid, exit->vcpu);
	if (!vcpu) {
		profile->oom = true;
		return false;
	}
	see_address(profile, vcpu, exit);
	if (exit->ts < profile->from || exit->ts >= profile->to) {
		profile->outside++;
		return false;
	}
	cause_of(exit, profile->map, &cause);
	memset(key, 0, sizeof(*key));
	key->pc = exit->pc;
	key->vcpu = (uint16_t)(vcpu - profile->vcpu);
	key->class = exit->kind == EXIT_TRAP
			     ? exit->ec % EC_COUNT
			     : (uint8_t)(EC_COUNT + (exit->kind < EXIT_KINDS
							     ? exit->kind
							     : EXIT_OTHER));
	key->user = PROFILE_KERNEL;
	if (exit->have & HAVE_USER)
		key->user = exit->user_reason < PROFILE_KERNEL
				    ? (uint8_t)exit->user_reason
				    : PROFILE_KERNEL - 1;
	key->early = !vcpu->high;
	key->cause = intern_cause(profile, &cause);
	if (exit->have & HAVE_IRQ)
		note_irq(profile, exit);
	profile->oom |= !key->cause;
	return key->cause;
}

static inline const uint64_t *exit_words(const struct trap_exit *exit)
{
	return (const uint64_t *)(const void *)((const char *)exit + EXIT_KEY);
}

static inline struct profile_memo *memo_of(const struct profile *profile,
					   const struct trap_exit *exit)
{
	/* the syndrome and the address, where the kernel has them */
	uint64_t h = exit->pc ^ exit->esr ^ exit->ipa;

	return &profile->memo[(h >> 2 ^ h >> 12) % MEMO];
}

static inline bool remembers(const struct profile_memo *memo,
			     const struct trap_exit *exit)
{
	const uint64_t *words = exit_words(exit);
	uint64_t differ = 0;

#pragma GCC unroll 8
	for (size_t i = 0; i < EXIT_WORDS; i++)
		differ |= words[i] ^ memo->exit[i];
	return !differ;
}

/* The row of @exit, where one like it was counted before; or NULL. */
static struct profile_row *recall(struct profile *profile,
				  const struct trap_exit *exit,
				  const struct profile_memo *memo)
{
	struct profile_row *row = memo->row;
	struct profile_vcpu *vcpu;

	if (!row || !remembers(memo, exit) || exit->ts < profile->from ||
	    exit->ts >= profile->to)
		return NULL;
	if (!profile->virt_base)
		return row;
	vcpu = &profile->vcpu[row->vcpu];
	see_address(profile, vcpu, exit);
	return row->early == vcpu->high ? NULL : row;
}

static struct profile_row *find_row(struct profile *profile,
				    const struct trap_exit *exit)
{
	struct profile_row key, *row;

	if (!profile_key(profile, exit, &key))
		return NULL;
	if (4 * profile->used >= 3 * profile->row_space && grow_rows(profile)) {
		profile->oom = true;
		return NULL;
	}
	row = probe(profile->row, profile->row_space, &key);
	if (!row->sum.count) {
		*row = key;
		profile->used++;
	}
	return row;
}

/* As find_row(), and remember it. */
static struct profile_row *learn_row(struct profile *profile,
				     const struct trap_exit *exit)
{
	struct profile_row *row = find_row(profile, exit);
	struct profile_memo *memo;

	if (row && profile->memo) {
		memo = memo_of(profile, exit);
		memcpy(memo->exit, exit_words(exit), sizeof(memo->exit));
		memo->row = row;
	}
	return row;
}

/* Apart, so that the function below needs no registers saved. */
static __attribute__((noinline)) void count_exit(struct profile *profile,
						 const struct trap_exit *exit)
{
	struct profile_row *row = NULL;
	struct profile_like *like;

	if (profile->memo)
		row = recall(profile, exit, memo_of(profile, exit));
	if (!row)
		row = learn_row(profile, exit);
	if (row && add_exit(&row->sum, exit))
		profile->oom = true;
	if (row && exit->like && profile->whole && profile->like) {
		like = &profile->like[exit->like % PAIR_LIKES];
		like->like = exit->like;
		like->row = row;
	}
}

static __attribute__((noinline)) void count_other(struct profile *profile,
						  struct profile_row *row,
						  const struct trap_exit *exit)
{
	if (add_exit(&row->sum, exit))
		profile->oom = true;
}

void profile_exit(const struct trap_exit *exit, void *opaque)
{
	struct profile *profile = opaque;
	const struct profile_like *like;

	if (!exit->like || !profile->like)
		goto other;
	like = &profile->like[exit->like % PAIR_LIKES];
	if (like->like != exit->like)
		goto other;
	if (exit->have & HAVE_TIME &&
	    hist_is_ready(&like->row->sum.hist, exit->ns))
		add_exit(&like->row->sum, exit);
	else
		count_other(profile, like->row, exit);
	return;
other:
	count_exit(profile, exit);
}

void profile_rewind(struct profile *profile)
{
	profile->foreign = profile->outside = 0;
	for (size_t i = 0; i < profile->count; i++) {
		profile->vcpu[i].high = false;
		profile->vcpu[i].thread = 0;
	}
}

static int compare_vcpu(const void *a, const void *b)
{
	const struct profile_vcpu *x = a, *y = b;

	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

int profile_sort(struct profile *profile)
{
	struct profile_vcpu *old;
	uint16_t *to;

	if (!profile->count)
		return 0;
	old = malloc(profile->count * sizeof(*old));
	to = calloc(profile->count, sizeof(*to));
	if (!old || !to) {
		free(old);
		free(to);
		return -ENOMEM;
	}
	memcpy(old, profile->vcpu, profile->count * sizeof(*old));
	qsort(profile->vcpu, profile->count, sizeof(*old), compare_vcpu);
	for (size_t i = 0; i < profile->count; i++) {
		for (size_t j = 0; j < profile->count; j++) {
			if (!compare_vcpu(&old[i], &profile->vcpu[j]))
				to[i] = (uint16_t)j;
		}
	}
	/* renumbered in place: the rows are no longer where probe() looks */
	for (size_t i = 0; i < profile->row_space; i++) {
		if (profile->row[i].sum.count)
			profile->row[i].vcpu = to[profile->row[i].vcpu];
	}
	profile->recent = 0;
	free(old);
	free(to);
	return 0;
}
