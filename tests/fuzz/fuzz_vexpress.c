// SPDX-License-Identifier: GPL-2.0-only
/*
 * SP804 and the system registers of the Versatile Express under a hostile
 * guest: accesses of every size and alignment and steps of the clock.  What
 * must hold whatever the guest does is checked after each of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "core/mmio.h"
#include "hw/sp804.h"
#include "hw/vexpress-sysreg.h"

#define TIMER_BASE 0x1000
#define REGS_BASE  0x2000

#define SECOND     0x20
#define TIMER_RIS  0x10
#define TIMER_MIS  0x14

#define CFGCTRL    0xa4
#define CFGSTAT    0xa8

struct world {
	struct mmio_bus bus;
	struct sp804 *timers;
	struct vexpress_sysreg *regs;
	uint64_t now;
	bool level;
	uint64_t deadline; /* as known from the last sp804_deadline_ns() */
	bool moved;
	bool on_status; /* the write goes on into CFGSTAT */
	unsigned int ends;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void set_level(void *opaque, bool level)
{
	struct world *w = opaque;

	require(w->level != level);
	w->level = level;
}

static uint64_t now_ns(void *opaque)
{
	return ((struct world *)opaque)->now;
}

static void deadline_moved(void *opaque)
{
	((struct world *)opaque)->moved = true;
}

/* It may look at the device: no lock is held. */
static void ended(void *opaque)
{
	struct world *w = opaque;
	uint64_t val;

	require(mmio_bus_read(&w->bus, REGS_BASE + CFGSTAT, 4, &val));
	/* A write may start a transaction and then write its status. */
	require(w->on_status || val & 1);
	w->ends++;
}

static void world_init(struct world *w)
{
	const struct sp804_config timers = {
		.irq = { .set = set_level, .opaque = w },
		.clock = { .now_ns = now_ns, .opaque = w },
		.freq_hz = 1000000,
	};
	const struct vexpress_sysreg_config regs = {
		.clock = { .now_ns = now_ns, .opaque = w },
		.power = { .off = ended, .reset = ended, .opaque = w },
	};
	struct mmio_region region[] = {
		{ "timer", TIMER_BASE, SP804_MMIO_SIZE, &sp804_mmio_ops, NULL },
		{ "regs", REGS_BASE, VEXPRESS_SYSREG_SIZE,
		  &vexpress_sysreg_mmio_ops, NULL },
	};

	memset(w, 0, sizeof(*w));
	w->deadline = UINT64_MAX;
	w->timers = sp804_new(&timers);
	w->regs = vexpress_sysreg_new(&regs);
	require(w->timers && w->regs);
	sp804_set_alarm_cb(w->timers, deadline_moved, w);
	region[0].dev = w->timers;
	region[1].dev = w->regs;
	require(!mmio_bus_add(&w->bus, &region[0], NULL));
	require(!mmio_bus_add(&w->bus, &region[1], NULL));
}

static uint32_t peek(struct world *w, uint64_t addr)
{
	uint64_t val;

	require(mmio_bus_read(&w->bus, addr, 4, &val));
	return val;
}

static void check(struct world *w)
{
	const bool first = peek(w, TIMER_BASE + TIMER_MIS);
	const bool second = peek(w, TIMER_BASE + SECOND + TIMER_MIS);
	uint64_t deadline;

	require(w->level == (first || second));
	require(!first || peek(w, TIMER_BASE + TIMER_RIS));
	require(!second || peek(w, TIMER_BASE + SECOND + TIMER_RIS));
	require(!(peek(w, REGS_BASE + CFGCTRL) >> 31));

	deadline = sp804_deadline_ns(w->timers);
	require(deadline == w->deadline || w->moved);
	require(deadline == UINT64_MAX || deadline > w->now);
	w->deadline = deadline;
	w->moved = false;
}

/* A register's offset more often than any of the page. */
static uint64_t pick_addr(struct input *in)
{
	const unsigned int how = input_take(in, 1);

	if ((how & 7) == 0)
		return TIMER_BASE + (input_take(in, 2) & 0x1fff);
	return how & 0x80 ? REGS_BASE + (input_take(in, 1) & 0xff)
			  : TIMER_BASE + (how & 0x3f);
}

static void step(struct world *w, struct input *in)
{
	const unsigned int op = input_take(in, 1);
	const unsigned int size = 1u << ((op >> 4) & 3);
	uint64_t addr, val;

	switch (op & 7) {
	case 0 ... 1:
		mmio_bus_read(&w->bus, pick_addr(in), size, &val);
		require(size == 8 || !(val >> (8 * size)));
		break;
	case 2 ... 5:
		addr = pick_addr(in);
		w->on_status = addr + size > REGS_BASE + CFGSTAT;
		mmio_bus_write(&w->bus, addr, size, input_take(in, size));
		break;
	case 6:
		/* For a century at most: the clock does not wrap. */
		if (w->now < UINT64_C(3000000000000000000))
			w->now += input_take(in, op & 0x80 ? 6 : 3) * 1000;
		break;
	default:
		/* As the owner does: when it is due, early or late. */
		if (op & 0x80 && w->deadline != UINT64_MAX)
			w->now = w->deadline;
		sp804_tick(w->timers);
		break;
	}
	/* Time that passed is noticed by the access at the latest. */
	sp804_tick(w->timers);
	check(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	static struct world w;

	world_init(&w);
	while (in.left)
		step(&w, &in);
	sp804_free(w.timers);
	vexpress_sysreg_free(w.regs);
	return 0;
}
