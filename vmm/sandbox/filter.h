/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A seccomp filter in the making: classic BPF with labels to jump to, and the
 * shortest way to ask whether a number is one of many.
 */
#ifndef TL_SANDBOX_FILTER_H
#define TL_SANDBOX_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_MAX_INSNS  512
#define FILTER_MAX_LABELS 256

typedef unsigned int filter_label;

/* The instruction that follows. */
#define FILTER_NEXT 0U

struct filter {
	struct sock_filter insn[FILTER_MAX_INSNS];
	/* Where a conditional jump goes, or BPF_JA (@yes). */
	filter_label yes[FILTER_MAX_INSNS], no[FILTER_MAX_INSNS];
	unsigned int nr;
	unsigned int at[FILTER_MAX_LABELS];
	unsigned int nr_labels;
};

void filter_init(struct filter *f);

/* A label; filter_here() says that it is for what comes next. */
filter_label filter_label_new(struct filter *f);
void filter_here(struct filter *f, filter_label label);

/* @code with operand @k; no jump. */
void filter_add(struct filter *f, uint16_t code, uint32_t k);
/* A = the word at @offset of struct seccomp_data. */
void filter_load(struct filter *f, size_t offset);
/* BPF_JEQ, BPF_JSET against @k, or BPF_JA. */
void filter_jump(struct filter *f, uint16_t op, uint32_t k, filter_label yes,
		 filter_label no);

/* A number of the call: the word at @offset, and-ed with @mask. */
struct filter_number {
	size_t offset;
	uint32_t mask; /* 0xffffffff: as it is */
};

/* To @yes if it is one of @value[0..@nr-1], which are sorted, or to @no. */
void filter_one_of(struct filter *f, const struct filter_number *number,
		   const uint32_t *value, size_t nr, filter_label yes,
		   filter_label no);

/* Make the labels into distances.  NULL, or what is wrong. */
const char *filter_finish(struct filter *f);

#endif
