// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>

#include "sandbox/filter.h"

#define UNPLACED ~0U
#define BITS     32U /* of a word, in which a block of numbers is a bit each */
#define FAR      255 /* the most that a conditional jump can skip */

/* Instructions: for a block that is a word; and for there to be any. */
#define WORD_COST 3
#define BITS_COST 5

void filter_init(struct filter *f)
{
	f->nr = 0;
	f->nr_labels = FILTER_NEXT + 1;
}

filter_label filter_label_new(struct filter *f)
{
	if (f->nr_labels < FILTER_MAX_LABELS)
		f->at[f->nr_labels] = UNPLACED;
	return f->nr_labels++;
}

void filter_here(struct filter *f, filter_label label)
{
	if (label < FILTER_MAX_LABELS)
		f->at[label] = f->nr;
}

void filter_jump(struct filter *f, uint16_t op, uint32_t k, filter_label yes,
		 filter_label no)
{
	if (f->nr < FILTER_MAX_INSNS) {
		f->insn[f->nr] = (struct sock_filter){
			.code = BPF_JMP | BPF_K | op,
			.k = k,
		};
		f->yes[f->nr] = yes;
		f->no[f->nr] = no;
	}
	f->nr++;
}

void filter_add(struct filter *f, uint16_t code, uint32_t k)
{
	filter_jump(f, BPF_JA, k, FILTER_NEXT, FILTER_NEXT);
	if (f->nr <= FILTER_MAX_INSNS)
		f->insn[f->nr - 1].code = code;
}

void filter_load(struct filter *f, size_t offset)
{
	filter_add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static void load(struct filter *f, const struct filter_number *number)
{
	filter_load(f, number->offset);
	if (number->mask != UINT32_MAX)
		filter_add(f, BPF_ALU | BPF_AND | BPF_K, number->mask);
}

/* How many of those at @value are in the block of the first. */
static size_t block(const uint32_t *value, size_t nr)
{
	size_t n = 0;

	while (n < nr && value[n] / BITS == value[0] / BITS)
		n++;
	return n;
}

static size_t saved_by_bits(const uint32_t *value, size_t nr)
{
	size_t saved = 0, i, n;

	for (i = 0; i < nr; i += n) {
		n = block(value + i, nr - i);
		if (n > WORD_COST)
			saved += n - WORD_COST;
	}
	return saved;
}

void filter_one_of(struct filter *f, const struct filter_number *number,
		   const uint32_t *value, size_t nr, filter_label yes,
		   filter_label no)
{
	const filter_label test = filter_label_new(f);
	const bool bits = saved_by_bits(value, nr) > BITS_COST;
	filter_label next;
	uint32_t word;
	size_t i, k, n;

	load(f, number);
	for (i = 0; i < nr; i += n) {
		n = block(value + i, nr - i);
		for (k = 0; k < n && !(bits && n > WORD_COST); k++)
			filter_jump(f, BPF_JEQ, value[i + k], yes, FILTER_NEXT);
	}
	if (!bits) {
		filter_jump(f, BPF_JA, 0, no, no);
		return;
	}
	/* X is which bit, and A becomes which word. */
	filter_add(f, BPF_ALU | BPF_AND | BPF_K, BITS - 1);
	filter_add(f, BPF_MISC | BPF_TAX, 0);
	load(f, number);
	filter_add(f, BPF_ALU | BPF_RSH | BPF_K, 5);
	for (i = 0; i < nr; i += n) {
		n = block(value + i, nr - i);
		if (n <= WORD_COST)
			continue;
		for (k = 0, word = 0; k < n; k++)
			word |= 1U << value[i + k] % BITS;
		next = filter_label_new(f);
		filter_jump(f, BPF_JEQ, value[i] / BITS, FILTER_NEXT, next);
		filter_add(f, BPF_LD | BPF_IMM, word);
		filter_jump(f, BPF_JA, 0, test, test);
		filter_here(f, next);
	}
	filter_jump(f, BPF_JA, 0, no, no);
	filter_here(f, test);
	filter_add(f, BPF_ALU | BPF_RSH | BPF_X, 0);
	filter_jump(f, BPF_JSET, 1, yes, no);
}

static unsigned int distance(const struct filter *f, unsigned int from,
			     filter_label to)
{
	return to == FILTER_NEXT ? 0 : f->at[to] - (from + 1);
}

const char *filter_finish(struct filter *f)
{
	unsigned int i, yes, no;

	if (f->nr > FILTER_MAX_INSNS || f->nr_labels > FILTER_MAX_LABELS)
		return "it is too long";
	for (i = 0; i < f->nr; i++) {
		if (BPF_CLASS(f->insn[i].code) != BPF_JMP)
			continue;
		yes = distance(f, i, f->yes[i]);
		no = distance(f, i, f->no[i]);
		if (BPF_OP(f->insn[i].code) == BPF_JA) {
			f->insn[i].k = yes;
			yes = no = 0;
		}
		/* Backwards, or to nowhere, is far, too. */
		if (yes > FAR || no > FAR)
			return "a jump is too far";
		f->insn[i].jt = (uint8_t)yes;
		f->insn[i].jf = (uint8_t)no;
	}
	return NULL;
}
