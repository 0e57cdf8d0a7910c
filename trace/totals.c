// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "totals.h"

static struct totals_vcpu *find(struct totals *totals, int vcpu)
{
	for (size_t i = 0; i < totals->count; i++) {
		if (totals->vcpu[i].vcpu == vcpu)
			return &totals->vcpu[i];
	}
	return NULL;
}

/* There is room for one entry a thread and one a vCPU of the side file. */
static struct totals_vcpu *add(struct totals *totals, int vcpu, int tid)
{
	struct totals_vcpu *v = &totals->vcpu[totals->count++];

	memset(v, 0, sizeof(*v));
	v->vcpu = vcpu;
	v->tid = tid;
	return v;
}

static void add_count(struct vmmap_count *to, const struct vmmap_count *from,
		      bool first)
{
	const uint64_t more = from->span ? from->high : from->value;

	to->known = from->known && (first || to->known);
	to->span = to->span || from->span;
	to->value += from->value;
	to->high = more > UINT64_MAX - to->high ? UINT64_MAX : to->high + more;
}

/* Within a span there is room for what the trace knows that it lost. */
static bool agrees(const struct vmmap_count *kernel, uint64_t seen,
		   uint64_t lost)
{
	if (!kernel->known)
		return true;
	return kernel->span ? seen + lost >= kernel->value &&
				      seen + lost <= kernel->high
			    : seen == kernel->value;
}

static enum totals_verdict judge(const struct totals_vcpu *v)
{
	if (!v->kernel_exits.known && !v->kernel_traps.known)
		return TOTALS_UNCHECKED;
	if (!agrees(&v->kernel_exits, v->exits, v->lost_exits) ||
	    !agrees(&v->kernel_traps, v->traps, v->lost_traps))
		return TOTALS_MISMATCH;
	return TOTALS_MATCH;
}

static int compare(const void *a, const void *b)
{
	const struct totals_vcpu *x = a, *y = b;

	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* One entry a vCPU of the side file, whose counters are over all boots. */
static void add_kernel(struct totals *totals, const struct vmmap *map)
{
	for (size_t i = 0; i < map->nr_vcpus; i++) {
		const struct vmmap_vcpu *side = &map->vcpu[i];
		struct totals_vcpu *v = find(totals, side->id);
		bool first = !v;

		if (first)
			v = add(totals, side->id, side->tid[0]);
		add_count(&v->kernel_exits, &side->exits, first);
		add_count(&v->kernel_traps, &side->trap_exits, first);
		add_count(&v->kernel_hyp, &side->hyp_exits, first);
	}
}

static void add_trace(struct totals_vcpu *v, const struct pair_thread *thread)
{
	v->exits += thread->exits;
	v->traps += thread->traps;
	v->lost_exits += thread->lost_exits;
	v->lost_traps += thread->lost_traps;
	if (thread->first_nr)
		v->before += thread->first_nr - 1;
	v->unpaired += thread->unpaired;
}

/* Sums that the host counted, where it does not count each vCPU. */
static void use_sums(struct totals_vcpu *all, const struct vmmap *map)
{
	if (!all->kernel_exits.known)
		all->kernel_exits = map->exits;
	if (!all->kernel_traps.known)
		all->kernel_traps = map->trap_exits;
}

static void sum_up(struct totals *totals, const struct vmmap *map)
{
	struct totals_vcpu *all = &totals->all;

	all->vcpu = all->tid = -1;
	for (size_t i = 0; i < totals->count; i++) {
		struct totals_vcpu *v = &totals->vcpu[i];

		v->verdict = judge(v);
		all->exits += v->exits;
		all->traps += v->traps;
		all->lost_exits += v->lost_exits;
		all->lost_traps += v->lost_traps;
		all->before += v->before;
		all->unpaired += v->unpaired;
		add_count(&all->kernel_exits, &v->kernel_exits, !i);
		add_count(&all->kernel_traps, &v->kernel_traps, !i);
		add_count(&all->kernel_hyp, &v->kernel_hyp, !i);
		/* two vCPUs' errors may cancel out: one mismatch is enough */
		if (v->verdict == TOTALS_MISMATCH)
			all->verdict = TOTALS_MISMATCH;
	}
	use_sums(all, map);
	if (all->verdict != TOTALS_MISMATCH)
		all->verdict = judge(all);
}

int totals_make(struct totals *totals, const struct pair_thread *thread,
		size_t count, const struct vmmap *map,
		const struct reader_info *info)
{
	bool seen = false;

	memset(totals, 0, sizeof(*totals));
	totals->vcpu = calloc(count + map->nr_vcpus + 1, sizeof(*totals->vcpu));
	if (!totals->vcpu)
		return -ENOMEM;
	add_kernel(totals, map);
	for (size_t i = 0; i < count; i++) {
		const struct vmmap_vcpu *side =
			vmmap_vcpu_of(map, thread[i].tid);
		struct totals_vcpu *v;

		if (map->nr_vcpus && !side && !map->only) {
			totals->foreign_exits += thread[i].exits;
			continue;
		}
		seen = true;
		v = side ? find(totals, side->id)
			 : add(totals, thread[i].vcpu, thread[i].tid);
		add_trace(v, &thread[i]);
	}
	qsort(totals->vcpu, totals->count, sizeof(*totals->vcpu), compare);
	sum_up(totals, map);
	/* A span that what is there lies in does not say that it is all. */
	totals->complete = (totals->all.verdict == TOTALS_MATCH &&
			    !totals->all.kernel_exits.span) ||
			   (!reader_lost(info) && !totals->all.lost_exits &&
			    !totals->all.lost_traps);
	return map->nr_vcpus && !seen ? -ENOENT : 0;
}

void totals_free(struct totals *totals)
{
	free(totals->vcpu);
	memset(totals, 0, sizeof(*totals));
}
