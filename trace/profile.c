// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

void profile_init(struct profile *profile, const struct vmmap *map)
{
	memset(profile, 0, sizeof(*profile));
	profile->map = map;
}

void profile_vcpu_free(struct profile_vcpu *vcpu)
{
	free(vcpu->cause.row);
	free(vcpu->pc.row);
	memset(vcpu, 0, sizeof(*vcpu));
}

void profile_free(struct profile *profile)
{
	for (size_t i = 0; i < profile->count; i++) {
		profile_vcpu_free(profile->vcpu[i]);
		free(profile->vcpu[i]);
	}
	free(profile->vcpu);
	memset(profile, 0, sizeof(*profile));
}

/* Keys are 16 bytes: a struct cause, or a PC and a class. */
_Static_assert(sizeof(struct cause) == 16, "a cause is a key of 16 bytes");

static size_t hash(const struct profile_row *key)
{
	uint64_t h = key->pc * 0x9e3779b97f4a7c15u ^
		     (key->class + 0x7f4a7c15u) * 0xc2b2ae3d27d4eb4fu;

	return (size_t)(h ^ h >> 29);
}

static bool same_key(const struct profile_row *a, const struct profile_row *b)
{
	return a->pc == b->pc && a->class == b->class;
}

static struct profile_row *probe(struct profile_row *row, size_t space,
				 const struct profile_row *key)
{
	size_t i = hash(key) & (space - 1);

	while (row[i].sum.count && !same_key(&row[i], key))
		i = (i + 1) & (space - 1);
	return &row[i];
}

/* The row of @key, for the caller to count into; NULL if out of memory. */
static struct profile_row *row_of(struct profile_table *table,
				  const struct profile_row *key)
{
	struct profile_row *row;

	if (4 * table->used >= 3 * table->space) {
		size_t space = table->space ? 2 * table->space : 64;
		struct profile_row *more = calloc(space, sizeof(*more));

		if (!more)
			return NULL;
		for (size_t i = 0; i < table->space; i++) {
			if (table->row[i].sum.count)
				*probe(more, space, &table->row[i]) =
					table->row[i];
		}
		free(table->row);
		table->row = more;
		table->space = space;
	}
	row = probe(table->row, table->space, key);
	if (!row->sum.count) {
		*row = *key;
		table->used++;
	}
	return row;
}

static void add_exit(struct profile_sum *sum, const struct trap_exit *exit)
{
	sum->count++;
	if (exit->have & HAVE_TIME) {
		sum->timed++;
		sum->ns += exit->ns;
		if (exit->ns > sum->max_ns)
			sum->max_ns = exit->ns;
	}
	if (exit->have & HAVE_USER) {
		sum->user++;
		sum->user_ns += exit->user_ns;
	}
}

void profile_sum_merge(struct profile_sum *sum, const struct profile_sum *other)
{
	sum->count += other->count;
	sum->timed += other->timed;
	sum->ns += other->ns;
	if (other->max_ns > sum->max_ns)
		sum->max_ns = other->max_ns;
	sum->user += other->user;
	sum->user_ns += other->user_ns;
}

static struct profile_vcpu *vcpu_of(struct profile *profile, int tid, int vcpu)
{
	struct profile_vcpu *v, **list;
	size_t space;

	if (profile->recent < profile->count) {
		v = profile->vcpu[profile->recent];
		if (v->tid == tid && v->vcpu == vcpu)
			return v;
	}
	for (size_t i = 0; i < profile->count; i++) {
		v = profile->vcpu[i];
		if (v->tid == tid && v->vcpu == vcpu) {
			profile->recent = i;
			return v;
		}
	}
	if (profile->count == profile->space) {
		space = profile->space ? 2 * profile->space : 8;
		list = realloc(profile->vcpu,
			       space * sizeof(struct profile_vcpu *));
		if (!list)
			return NULL;
		profile->vcpu = list;
		profile->space = space;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->tid = tid;
	v->vcpu = vcpu;
	profile->recent = profile->count;
	profile->vcpu[profile->count++] = v;
	return v;
}

static bool same_cause(const struct cause *a, const struct cause *b)
{
	return !memcmp(a, b, sizeof(*a));
}

void profile_exit(const struct trap_exit *exit, void *opaque)
{
	struct profile *profile = opaque;
	const struct vmmap_vcpu *known = NULL;
	struct profile_row key, *by_cause, *by_pc;
	struct profile_vcpu *vcpu;
	unsigned int class;
	bool first;

	if (profile->map->nr_vcpus) {
		known = vmmap_vcpu_of(profile->map, exit->tid);
		if (!known) {
			profile->foreign++;
			return;
		}
	}
	/* a vCPU has another thread after each reboot: one entry all the same */
	vcpu = known ? vcpu_of(profile, known->tid[0], known->id)
		     : vcpu_of(profile, exit->tid, exit->vcpu);
	if (!vcpu) {
		profile->oom = true;
		return;
	}
	class = exit->kind == EXIT_TRAP ? exit->ec % EC_COUNT
					: EC_COUNT + (unsigned int)exit->kind;
	memset(&key, 0, sizeof(key));
	cause_of(exit, profile->map, &key.cause);
	by_cause = row_of(&vcpu->cause, &key);
	key.why = key.cause;
	key.pc = exit->pc;
	key.class = class;
	by_pc = row_of(&vcpu->pc, &key);
	if (!by_cause || !by_pc) {
		profile->oom = true;
		return;
	}
	first = !by_pc->sum.count;
	if (!first && !same_cause(&by_pc->why, &key.why))
		by_pc->mixed = true;
	add_exit(&vcpu->all, exit);
	add_exit(&vcpu->class[class], exit);
	add_exit(&by_cause->sum, exit);
	add_exit(&by_pc->sum, exit);
	vcpu->traps += exit->kind == EXIT_TRAP;
	vcpu->unknown += cause_unknown(&key.why);
	vcpu->cond_failed += !!(exit->have & HAVE_COND_FAILED);
}

static int compare_vcpu(const void *a, const void *b)
{
	const struct profile_vcpu *x = *(struct profile_vcpu *const *)a;
	const struct profile_vcpu *y = *(struct profile_vcpu *const *)b;

	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

void profile_sort(struct profile *profile)
{
	if (profile->count)
		qsort(profile->vcpu, profile->count,
		      sizeof(struct profile_vcpu *), compare_vcpu);
	profile->recent = 0;
}

static int add_table(struct profile_table *to, const struct profile_table *from)
{
	for (size_t i = 0; i < from->space; i++) {
		struct profile_row key = from->row[i], *row;

		if (!key.sum.count)
			continue;
		memset(&key.sum, 0, sizeof(key.sum));
		row = row_of(to, &key);
		if (!row)
			return -ENOMEM;
		if (row->sum.count && !same_cause(&row->why, &key.why))
			row->mixed = true;
		row->mixed |= key.mixed;
		profile_sum_merge(&row->sum, &from->row[i].sum);
	}
	return 0;
}

int profile_total(const struct profile *profile, struct profile_vcpu *total)
{
	int ret = 0;

	memset(total, 0, sizeof(*total));
	for (size_t i = 0; !ret && i < profile->count; i++) {
		const struct profile_vcpu *vcpu = profile->vcpu[i];

		profile_sum_merge(&total->all, &vcpu->all);
		for (unsigned int c = 0; c < PROFILE_CLASSES; c++)
			profile_sum_merge(&total->class[c], &vcpu -> class[c]);
		total->traps += vcpu->traps;
		total->unknown += vcpu->unknown;
		total->cond_failed += vcpu->cond_failed;
		ret = add_table(&total->cause, &vcpu->cause);
		if (!ret)
			ret = add_table(&total->pc, &vcpu->pc);
	}
	if (ret)
		profile_vcpu_free(total);
	return ret;
}

static int compare_rank(const void *a, const void *b)
{
	const struct profile_row *x = *(const struct profile_row *const *)a;
	const struct profile_row *y = *(const struct profile_row *const *)b;

	if (x->sum.count != y->sum.count)
		return x->sum.count > y->sum.count ? -1 : 1;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

const struct profile_row **profile_rank(const struct profile_table *table,
					int group, size_t *count)
{
	const struct profile_row **list;
	size_t n = 0;

	*count = 0;
	if (!table->used)
		return NULL;
	list = calloc(table->used, sizeof(*list));
	if (!list) {
		*count = 1;
		return NULL;
	}
	for (size_t i = 0; i < table->space; i++) {
		const struct profile_row *row = &table->row[i];

		if (row->sum.count && (group < 0 || row->cause.group == group))
			list[n++] = row;
	}
	if (!n) {
		free(list);
		return NULL;
	}
	qsort(list, n, sizeof(*list), compare_rank);
	*count = n;
	return list;
}
