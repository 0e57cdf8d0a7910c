/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine that a payload runs on, by its device tree.  An address of 0 stands
 * for what it lacks.  Who includes this has mmio_read().
 */
#ifndef TESTS_GUESTS_MACHINE_H
#define TESTS_GUESTS_MACHINE_H

#include "tree.h"

struct gic {
	uintptr_t dist;
	uintptr_t cpu; /* 0 for a GICv3: that has system registers instead */
};

struct machine {
	uintptr_t ram, ram_size;
	uintptr_t uart;
	int uart_8250;  /* else a PL011 */
	uintptr_t gpio; /* PL061 */
	uintptr_t rtc;  /* PL031 */
	struct gic gic;
	uintptr_t redist; /* of a GICv3 */
	uintptr_t virtio; /* the first device on virtio-mmio */
	uintptr_t rng; /* the first that is virtio-rng and no legacy device */
	uint32_t rng_irq;
};

/* virtio 1.2, 4.2.2: magic value, version, device ID (4 is entropy) */
static inline int machine_is_rng(uintptr_t base)
{
	return mmio_read(base) == 0x74726976 && mmio_read(base + 4) == 2 &&
	       mmio_read(base + 8) == 4;
}

static inline int machine_is(const struct tree *tree,
			     const struct tree_node *node, const char *what)
{
	return tree_lists(tree, node->compatible, what);
}

static inline void machine_add(struct machine *m, const struct tree *tree,
			       const struct tree_node *node)
{
	uint64_t address, size, cpu = 0, ignored;
	uintptr_t base;

	if (tree_reg(tree, 0, &address, &size) || address > UINTPTR_MAX ||
	    size > UINTPTR_MAX - address)
		return;
	base = (uintptr_t)address;
	if (tree_lists(tree, node->device_type, "memory") && !m->ram_size) {
		m->ram = base;
		m->ram_size = (uintptr_t)size;
	} else if (machine_is(tree, node, "arm,pl011") && !m->uart) {
		m->uart = base;
	} else if (machine_is(tree, node, "ns16550a") && !m->uart) {
		m->uart = base;
		m->uart_8250 = 1;
	} else if (machine_is(tree, node, "arm,pl061") && !m->gpio) {
		m->gpio = base;
	} else if (machine_is(tree, node, "arm,pl031") && !m->rtc) {
		m->rtc = base;
	} else if (machine_is(tree, node, "virtio,mmio")) {
		if (!m->virtio)
			m->virtio = base;
		if (!m->rng && tree_irq(tree) && machine_is_rng(base)) {
			m->rng = base;
			m->rng_irq = tree_irq(tree);
		}
	} else if (!m->gic.dist && !tree_reg(tree, 1, &cpu, &ignored)) {
		if (machine_is(tree, node, "arm,gic-v3")) {
			m->gic.dist = base;
			m->redist = (uintptr_t)cpu;
		} else if (machine_is(tree, node, "arm,cortex-a15-gic") ||
			   machine_is(tree, node, "arm,gic-400")) {
			m->gic.dist = base;
			m->gic.cpu = (uintptr_t)cpu;
		}
	}
}

/* What the tree at @address tells of; nothing if there is none. */
static inline void machine_find(struct machine *m, uintptr_t address)
{
	const struct tree_node *node;
	struct tree tree;

	m->ram = m->ram_size = m->uart = m->gpio = m->rtc = 0;
	m->gic.dist = m->gic.cpu = m->redist = m->virtio = m->rng = 0;
	m->uart_8250 = 0;
	m->rng_irq = 0;
	if (tree_open(&tree, address))
		return;
	while ((node = tree_next(&tree)))
		machine_add(m, &tree, node);
}

#endif
