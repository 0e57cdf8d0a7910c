// SPDX-License-Identifier: GPL-2.0-only
/*
 * PL011, PL031 and PL061 under a hostile guest: the input is a sequence of register
 * accesses of every size and alignment, of input from the line, of resets and
 * of steps of the clock.  What must hold whatever the guest does is checked
 * after each of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "core/mmio.h"
#include "hw/pl011-regs.h"
#include "hw/pl011.h"
#include "hw/pl031.h"
#include "hw/pl061.h"

#define UART_BASE 0x1000
#define RTC_BASE  0x2000
#define GPIO_BASE 0x3000

struct world {
	struct mmio_bus bus;
	struct pl011 *uart;
	struct pl031 *rtc;
	struct pl061 *gpio;
	uint64_t now;
	bool uart_level;
	bool rtc_level;
	bool gpio_level;
	bool rx_owed;
	uint64_t deadline; /* as known from the last pl031_deadline_ns() */
	bool moved;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void set_level(void *opaque, bool level)
{
	bool *line = opaque;

	require(*line != level);
	*line = level;
}

static void tx(void *opaque, const uint8_t *buf, size_t len)
{
	(void)opaque;
	(void)buf;
	require(len == 1);
}

static void rx_room(void *opaque)
{
	struct world *w = opaque;

	require(w->rx_owed);
	w->rx_owed = false;
}

static uint64_t now_ns(void *opaque)
{
	return ((struct world *)opaque)->now;
}

static void deadline_moved(void *opaque)
{
	((struct world *)opaque)->moved = true;
}

static void world_init(struct world *w)
{
	const struct pl011_config uart = {
		.irq = { .set = set_level, .opaque = &w->uart_level },
		.tx = tx,
		.rx_room = rx_room,
		.opaque = w,
	};
	const struct pl031_config rtc = {
		.irq = { .set = set_level, .opaque = &w->rtc_level },
		.clock = { .now_ns = now_ns, .opaque = w },
	};
	const struct pl061_config gpio = {
		.irq = { .set = set_level, .opaque = &w->gpio_level },
	};
	struct mmio_region region[] = {
		{ "uart", UART_BASE, PL011_MMIO_SIZE, &pl011_mmio_ops, NULL },
		{ "rtc", RTC_BASE, PL031_MMIO_SIZE, &pl031_mmio_ops, NULL },
		{ "gpio", GPIO_BASE, PL061_MMIO_SIZE, &pl061_mmio_ops, NULL },
	};

	memset(w, 0, sizeof(*w));
	w->deadline = UINT64_MAX;
	w->uart = pl011_new(&uart);
	w->rtc = pl031_new(&rtc);
	w->gpio = pl061_new(&gpio);
	require(w->uart && w->rtc && w->gpio);
	pl031_set_alarm_cb(w->rtc, deadline_moved, w);
	region[0].dev = w->uart;
	region[1].dev = w->rtc;
	region[2].dev = w->gpio;
	require(!mmio_bus_add(&w->bus, &region[0], NULL));
	require(!mmio_bus_add(&w->bus, &region[1], NULL));
	require(!mmio_bus_add(&w->bus, &region[2], NULL));
}

static uint32_t peek(struct world *w, uint64_t addr)
{
	uint64_t val;

	require(mmio_bus_read(&w->bus, addr, 4, &val));
	return val;
}

static void check(struct world *w)
{
	const uint32_t fr = peek(w, UART_BASE + UARTFR);
	uint64_t deadline;

	require(!(fr & FR_RXFE) || !(fr & FR_RXFF));
	require(!(fr & FR_TXFE) || !(fr & (FR_TXFF | FR_BUSY)));
	require(w->uart_level == !!peek(w, UART_BASE + UARTMIS));
	require(w->rtc_level == !!peek(w, RTC_BASE + 0x18));
	require(w->gpio_level == !!peek(w, GPIO_BASE + 0x418));
	require(!(peek(w, GPIO_BASE + 0x418) & ~peek(w, GPIO_BASE + 0x414)));

	deadline = pl031_deadline_ns(w->rtc);
	require(deadline == w->deadline || w->moved);
	require(deadline == UINT64_MAX || deadline > w->now);
	w->deadline = deadline;
	w->moved = false;
}

/* A register's offset more often than any of the page. */
static uint64_t pick_addr(struct input *in)
{
	const unsigned int how = input_take(in, 1);

	switch (how & 7) {
	case 0:
		return UART_BASE + (input_take(in, 2) & 0x1fff);
	case 1:
	case 2:
		return RTC_BASE + (how >> 3);
	case 3:
		return UART_BASE + 0xfe0 + (how >> 3);
	case 4:
		if (how & 0x80)
			return GPIO_BASE + (input_take(in, 2) & 0xfff);
		return GPIO_BASE + 0x400 + (input_take(in, 1) & 0x3f);
	default:
		return UART_BASE + (input_take(in, 1) & 0x7f);
	}
}

static void receive(struct world *w, struct input *in)
{
	uint8_t buf[32];
	size_t i, taken, len = input_take(in, 1) & 31;

	for (i = 0; i < len; i++)
		buf[i] = input_take(in, 1);
	taken = pl011_receive(w->uart, buf, len);
	require(taken <= len);
	if (taken < len)
		w->rx_owed = true;
}

static void step(struct world *w, struct input *in)
{
	const unsigned int op = input_take(in, 1);
	const unsigned int size = 1u << ((op >> 4) & 3);
	uint64_t val;

	switch (op & 15) {
	case 0 ... 4:
		mmio_bus_read(&w->bus, pick_addr(in), size, &val);
		require(size == 8 || !(val >> (8 * size)));
		break;
	case 5 ... 10: {
		const uint64_t addr = pick_addr(in);

		mmio_bus_write(&w->bus, addr, size, input_take(in, size));
		break;
	}
	case 11:
		receive(w, in);
		break;
	case 12:
		pl061_set_input(w->gpio, input_take(in, 1), op & 0x80);
		pl011_receive_break(w->uart);
		break;
	case 13:
		/* The host's clock may be set, backwards as well. */
		if (op & 0x80)
			w->now = input_take(in, 8);
		else
			w->now += input_take(in, 4) * 1000;
		pl031_tick(w->rtc);
		break;
	case 14:
		pl031_tick(w->rtc);
		break;
	default:
		if (op & 0x80)
			pl011_reset(w->uart);
		else if (op & 0x40)
			pl061_reset(w->gpio);
		else
			pl031_reset(w->rtc);
		break;
	}
	check(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	static struct world w;

	world_init(&w);
	while (in.left)
		step(&w, &in);
	pl011_free(w.uart);
	pl031_free(w.rtc);
	pl061_free(w.gpio);
	return 0;
}
