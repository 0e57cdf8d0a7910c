/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk over the device tree that a guest was given (Devicetree Specification
 * 0.4, chapter 5), for a payload with neither MMU nor libc: a byte at a time, as
 * nothing is aligned for sure, and none behind the tree's own size; what would be
 * there reads as 0, which ends the walk.
 */
#ifndef TESTS_GUESTS_TREE_H
#define TESTS_GUESTS_TREE_H

#include <stdint.h>

enum { TREE_DEPTH = 12, TREE_MAX = 2 << 20 }; /* no more for Linux, either */

/* A property's value: where in the tree, and how many bytes. */
struct tree_value {
	uint32_t at, len;
};

struct tree_node {
	uint32_t address_cells, size_cells; /* of its children */
	uint32_t told;
	struct tree_value compatible, device_type, reg, ranges, interrupts;
};

struct tree {
	const volatile uint8_t *bytes;
	uint32_t size, at, strings;
	int depth; /* the node that was found is node[depth - 1] */
	struct tree_node node[TREE_DEPTH];
};

static inline uint32_t tree_byte(const struct tree *tree, uint32_t at)
{
	return at < tree->size ? tree->bytes[at] : 0;
}

static inline uint32_t tree_u32(const struct tree *tree, uint32_t at)
{
	if (at > tree->size || tree->size - at < 4)
		return 0;
	return tree_byte(tree, at) << 24 | tree_byte(tree, at + 1) << 16 |
	       tree_byte(tree, at + 2) << 8 | tree_byte(tree, at + 3);
}

/* 0 if there is a tree at @address. */
static inline int tree_open(struct tree *tree, uintptr_t address)
{
	tree->bytes = (const volatile uint8_t *)address;
	tree->size = 40; /* its header */
	tree->depth = 0;
	if (!address || address % 8 || tree_u32(tree, 0) != 0xd00dfeed)
		return -1;
	tree->size = tree_u32(tree, 4);
	if (tree->size < 40 || tree->size > TREE_MAX)
		return -1;
	tree->at = tree_u32(tree, 8);
	tree->strings = tree_u32(tree, 12);
	return 0;
}

/* Is @text, with its end, what stands at @at? */
static inline int tree_equal(const struct tree *tree, uint32_t at,
			     const char *text)
{
	for (;; at++, text++) {
		if (at >= tree->size || tree_byte(tree, at) != (uint8_t)*text)
			return 0;
		if (!*text)
			return 1;
	}
}

/* Is @text one of the strings of @list? */
static inline int tree_lists(const struct tree *tree, struct tree_value list,
			     const char *text)
{
	uint32_t i;

	for (i = 0; i < list.len; i++)
		if ((!i || !tree_byte(tree, list.at + i - 1)) &&
		    tree_equal(tree, list.at + i, text))
			return 1;
	return 0;
}

static inline void tree_push(struct tree *tree)
{
	struct tree_node *node = &tree->node[tree->depth++];

	node->address_cells = 2;
	node->size_cells = 1;
	node->told = 0;
	node->compatible.len = node->device_type.len = node->reg.len = 0;
	node->ranges.at = node->ranges.len = node->interrupts.len = 0;
}

static inline void tree_property(struct tree *tree, struct tree_node *node,
				 uint32_t name, struct tree_value value)
{
	name += tree->strings;
	if (tree_equal(tree, name, "compatible"))
		node->compatible = value;
	else if (tree_equal(tree, name, "device_type"))
		node->device_type = value;
	else if (tree_equal(tree, name, "reg"))
		node->reg = value;
	else if (tree_equal(tree, name, "ranges"))
		node->ranges = value;
	else if (tree_equal(tree, name, "interrupts"))
		node->interrupts = value;
	else if (tree_equal(tree, name, "#address-cells"))
		node->address_cells = tree_u32(tree, value.at) & 7;
	else if (tree_equal(tree, name, "#size-cells"))
		node->size_cells = tree_u32(tree, value.at) & 7;
}

/* The next node, as soon as all its properties are read; NULL after the last. */
static inline const struct tree_node *tree_next(struct tree *tree)
{
	for (;;) {
		struct tree_node *top =
			tree->depth ? &tree->node[tree->depth - 1] : 0;
		uint32_t token = tree_u32(tree, tree->at);
		struct tree_value value;

		if ((token == 1 || token == 2) && top && !top->told) {
			top->told = 1;
			return top;
		}
		tree->at += 4;
		if (token == 1) {
			if (tree->depth == TREE_DEPTH)
				return 0;
			while (tree_byte(tree, tree->at))
				tree->at++;
			tree->at++;
			tree_push(tree);
		} else if (token == 2 && top) {
			tree->depth--;
		} else if (token == 3 && top) {
			value.len = tree_u32(tree, tree->at);
			value.at = tree->at + 8;
			if (value.at > tree->size ||
			    value.len > tree->size - value.at)
				return 0;
			tree_property(tree, top, tree_u32(tree, tree->at + 4),
				      value);
			tree->at = value.at + value.len;
		} else if (token != 4) {
			return 0;
		}
		tree->at = (tree->at + 3) & ~3u;
	}
}

/* A number of @cells at @at; of more than two, the last two. */
static inline uint64_t tree_number(const struct tree *tree, uint32_t at,
				   uint32_t cells)
{
	uint64_t value = 0;

	for (; cells; cells--, at += 4)
		value = value << 32 | tree_u32(tree, at);
	return value;
}

/*
 * Item @index of the found node's "reg": its address as the processor sees it
 * (2.3.8, "ranges"), and its size.  0 if it has one, else -1.
 */
static inline int tree_reg(const struct tree *tree, uint32_t index,
			   uint64_t *address, uint64_t *size)
{
	const struct tree_node *node = &tree->node[tree->depth - 1];
	int level = tree->depth - 2;
	uint32_t ac, sc, pc, at, step;

	if (level < 0)
		return -1;
	ac = node[-1].address_cells;
	sc = node[-1].size_cells;
	step = (ac + sc) * 4;
	if (!ac || node->reg.len / step <= index)
		return -1;
	at = node->reg.at + index * step;
	*address = tree_number(tree, at, ac);
	*size = tree_number(tree, at + ac * 4, sc);
	for (; level > 0; level--) {
		const struct tree_value ranges = tree->node[level].ranges;

		if (!ranges.len && ranges.at)
			continue; /* the same addresses above */
		ac = tree->node[level].address_cells;
		sc = tree->node[level].size_cells;
		pc = tree->node[level - 1].address_cells;
		step = (ac + pc + sc) * 4;
		for (at = 0; step && at + step <= ranges.len; at += step) {
			uint32_t entry = ranges.at + at;
			uint64_t from = tree_number(tree, entry, ac);
			uint64_t offset = *address - from;

			if (*address < from ||
			    offset >= tree_number(tree, entry + (ac + pc) * 4,
						  sc))
				continue;
			*address =
				tree_number(tree, entry + ac * 4, pc) + offset;
			break;
		}
		if (!step || at + step > ranges.len)
			return -1;
	}
	return 0;
}

/* The found node's first interrupt as a GIC numbers them; 0 if it is none. */
static inline uint32_t tree_irq(const struct tree *tree)
{
	const struct tree_value irq = tree->node[tree->depth - 1].interrupts;

	/* one of three cells, the first 0 (interrupt-controller/arm,gic.yaml) */
	if (irq.len < 12 || irq.len % 12 || tree_u32(tree, irq.at) > 0)
		return 0;
	return tree_u32(tree, irq.at + 4) + 32;
}

#endif
