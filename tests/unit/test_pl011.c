// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hw/pl011.h"
#include "hw/pl011-regs.h"

#define DEPTH      16
#define CR_ON      (CR_UARTEN | CR_TXE | CR_RXE)
#define MODEM_IDLE (FR_CTS | FR_DSR | FR_DCD)

struct fixture {
	struct pl011 *uart;
	uint8_t out[256];
	unsigned int out_len;
	unsigned int rx_room;
	int level;
	unsigned int edges;
	int inert; /* the value of UARTCR, or -1 */
	int imsc;  /* of UARTIMSC */
	unsigned int inert_changes;
};

static void fake_irq(void *opaque, bool level)
{
	struct fixture *f = opaque;

	assert_int_not_equal(f->level, level); /* driven on change only */
	f->level = level;
	f->edges++;
}

static void fake_tx(void *opaque, const uint8_t *buf, size_t len)
{
	struct fixture *f = opaque;

	assert_true(f->out_len + len <= sizeof(f->out));
	memcpy(f->out + f->out_len, buf, len);
	f->out_len += len;
}

static void fake_rx_room(void *opaque)
{
	((struct fixture *)opaque)->rx_room++;
}

static void fake_inert(void *opaque, bool inert, uint64_t reg, uint16_t val)
{
	struct fixture *f = opaque;
	int *now = reg == UARTCR ? &f->inert : &f->imsc;

	assert_true(reg == UARTCR || reg == UARTIMSC);
	/* Taken back as it was told. */
	assert_int_equal(*now, inert ? -1 : val);
	*now = inert ? val : -1;
	f->inert_changes++;
}

static int setup(void **state)
{
	static struct fixture f;
	const struct pl011_config config = {
		.irq = { .set = fake_irq, .opaque = &f },
		.tx = fake_tx,
		.rx_room = fake_rx_room,
		.inert = fake_inert,
		.opaque = &f,
	};

	memset(&f, 0, sizeof(f));
	f.inert = -1;
	f.imsc = -1;
	f.uart = pl011_new(&config);
	*state = &f;
	return f.uart ? 0 : -1;
}

static int teardown(void **state)
{
	pl011_free(((struct fixture *)*state)->uart);
	return 0;
}

static uint64_t rd_size(struct fixture *f, uint64_t offset, unsigned int size)
{
	return pl011_mmio_ops.read(f->uart, offset, size);
}

static uint32_t rd(struct fixture *f, uint64_t offset)
{
	return rd_size(f, offset, 4);
}

static void wr_size(struct fixture *f, uint64_t offset, unsigned int size,
		    uint64_t val)
{
	pl011_mmio_ops.write(f->uart, offset, size, val);
}

static void wr(struct fixture *f, uint64_t offset, uint32_t val)
{
	wr_size(f, offset, 4, val);
}

/* As a guest that waits for input by looking at the flags. */
static void poll_input(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < DEPTH; i++)
		rd(f, UARTFR);
}

/* As a driver leaves it: enabled, FIFOs on, triggers at one half. */
static void enable(struct fixture *f)
{
	wr(f, UARTLCR_H, 0x70);
	wr(f, UARTCR, CR_ON);
	poll_input(f);
}

/* What arrives while the guest listens. */
static size_t feed(struct fixture *f, const char *text)
{
	poll_input(f);
	return pl011_receive(f->uart, (const uint8_t *)text, strlen(text));
}

static void expect_out(struct fixture *f, const char *text)
{
	assert_int_equal(f->out_len, strlen(text));
	assert_memory_equal(f->out, text, f->out_len);
	f->out_len = 0;
}

/* --- registers --------------------------------------------------------------*/

/* DDI 0183G table 3-1, by number. */
static void expect_reset_values(struct fixture *f)
{
	assert_int_equal(rd(f, 0x004), 0);
	assert_int_equal(rd(f, 0x018) & ~0x107, 0x90);
	assert_int_equal(rd(f, 0x020), 0);
	assert_int_equal(rd(f, 0x024), 0);
	assert_int_equal(rd(f, 0x028), 0);
	assert_int_equal(rd(f, 0x02c), 0);
	assert_int_equal(rd(f, 0x030), 0x300);
	assert_int_equal(rd(f, 0x034), 0x12);
	assert_int_equal(rd(f, 0x038), 0);
	assert_int_equal(rd(f, 0x03c), 0);
	assert_int_equal(rd(f, 0x040), 0);
	assert_int_equal(rd(f, 0x044), 0);
	assert_int_equal(rd(f, 0x048), 0);
}

static void test_reset_values(void **state)
{
	struct fixture *f = *state;

	expect_reset_values(f);
	assert_int_equal(f->edges, 0);
}

/* Linux matches 0x00041011 under mask 0x000fffff; revision below 3: depth 16 */
static void test_ids(void **state)
{
	static const uint8_t id[] = { 0x11, 0x10, 0x14, 0x00,
				      0x0d, 0xf0, 0x05, 0xb1 };
	uint32_t periphid = 0;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		wr(*state, 0xfe0 + 4 * i, 0xffffffff);
		assert_int_equal(rd(*state, 0xfe0 + 4 * i), id[i]);
	}
	for (i = 0; i < 4; i++)
		periphid |= rd(*state, 0xfe0 + 4 * i) << (8 * i);
	assert_int_equal(periphid & 0xfffff, 0x41011);
	assert_true(((periphid >> 20) & 0xf) < 3);
}

static void test_writable_bits(void **state)
{
	static const struct {
		uint64_t reg;
		uint32_t bits;
	} plain[] = {
		{ UARTILPR, 0xff },  { UARTIBRD, 0xffff }, { UARTFBRD, 0x3f },
		{ UARTLCR_H, 0xff }, { UARTCR, 0xff87 },   { UARTIFLS, 0x3f },
		{ UARTIMSC, 0x7ff }, { UARTDMACR, 0x7 },   { UARTFR, 0 },
		{ UARTRIS, 0 },      { UARTMIS, 0 },       { UARTICR, 0 },
	};
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		const uint32_t before = rd(f, plain[i].reg);

		wr(f, plain[i].reg, 0xffffffff);
		if (plain[i].bits)
			assert_int_equal(rd(f, plain[i].reg), plain[i].bits);
		else
			assert_int_equal(rd(f, plain[i].reg), before);
		wr(f, plain[i].reg, 0);
		if (plain[i].bits)
			assert_int_equal(rd(f, plain[i].reg), 0);
		pl011_reset(f->uart);
	}
}

static void test_unknown_registers(void **state)
{
	struct fixture *f = *state;
	uint64_t offset;

	for (offset = 0x4c; offset < 0xfe0; offset += 4) {
		wr(f, offset, 0xffffffff);
		assert_int_equal(rd(f, offset), 0);
	}
	for (offset = 0x008; offset < 0x018; offset += 4) {
		wr(f, offset, 0xffffffff);
		assert_int_equal(rd(f, offset), 0);
	}
	wr(f, 0x1c, 0xffffffff);
	assert_int_equal(rd(f, 0x1c), 0);
	assert_int_equal(f->out_len, 0);
	assert_int_equal(rd(f, UARTCR), 0x300);
}

static void test_sizes(void **state)
{
	struct fixture *f = *state;

	/* A part of a register: the rest stays. */
	wr(f, UARTIBRD, 0x1234);
	wr_size(f, UARTIBRD, 1, 0xaa);
	assert_int_equal(rd(f, UARTIBRD), 0x12aa);
	wr_size(f, UARTIBRD + 1, 1, 0xbb);
	assert_int_equal(rd(f, UARTIBRD), 0xbbaa);
	assert_int_equal(rd_size(f, UARTIBRD, 1), 0xaa);
	assert_int_equal(rd_size(f, UARTIBRD + 1, 1), 0xbb);
	assert_int_equal(rd_size(f, UARTIBRD + 2, 2), 0);
	wr_size(f, UARTIBRD, 2, 0x4321);
	assert_int_equal(rd_size(f, UARTIBRD, 2), 0x4321);

	/* Two registers at once. */
	wr_size(f, UARTIBRD, 8, UINT64_C(0x0000001500000777));
	assert_int_equal(rd(f, UARTIBRD), 0x777);
	assert_int_equal(rd(f, UARTFBRD), 0x15);
	assert_true(rd_size(f, UARTIBRD, 8) == UINT64_C(0x0000001500000777));
	assert_int_equal(rd_size(f, UARTIBRD + 1, 4), 0x15000007);

	/* The last bytes of the page. */
	assert_int_equal(rd_size(f, 0xfff, 1), 0);
	assert_true(rd_size(f, 0xff8, 8) == UINT64_C(0x000000b100000005));
}

static void test_data_sizes(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr_size(f, UARTDR, 1, 'a');
	wr_size(f, UARTDR, 2, 'b');
	wr_size(f, UARTDR, 8, 'c');
	wr(f, UARTDR, 0xffffff00 | 'd');
	expect_out(f, "abcd");
	/* Bytes of UARTDR without the character send nothing ... */
	wr_size(f, UARTDR + 1, 1, 'x');
	wr_size(f, UARTDR + 2, 2, 'x');
	expect_out(f, "");
	/* ... and take nothing out. */
	assert_int_equal(feed(f, "12345"), 5);
	assert_int_equal(rd_size(f, UARTDR + 1, 1), 0);
	assert_int_equal(rd_size(f, UARTDR + 2, 2), 0);
	assert_int_equal(rd_size(f, UARTDR, 1), '1');
	assert_int_equal(rd_size(f, UARTDR, 2), '2');
	assert_int_equal(rd(f, UARTDR), '3');
	assert_int_equal(rd_size(f, UARTDR, 8), '4');
	assert_int_equal(rd(f, UARTDR), '5');
	assert_true(rd(f, UARTFR) & FR_RXFE);
}

/* --- transmitter ------------------------------------------------------------*/

static void test_tx(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTDR, 'h');
	expect_out(f, "h");
	assert_int_equal(rd(f, UARTFR), FR_TXFE | FR_RXFE | MODEM_IDLE);
	wr(f, UARTDR, 0);
	wr(f, UARTDR, 0xff);
	assert_int_equal(f->out_len, 2);
	assert_int_equal(f->out[0], 0);
	assert_int_equal(f->out[1], 0xff);
}

/* No firmware enabled the UART, and an early console does not either. */
static void test_tx_without_uarten(void **state)
{
	struct fixture *f = *state;

	wr(f, UARTDR, 'e');
	expect_out(f, "e");
	assert_false(rd(f, UARTFR) & (FR_TXFF | FR_BUSY));
	wr(f, UARTCR, CR_TXE);
	wr(f, UARTDR, 'f');
	expect_out(f, "f");
}

static void test_tx_interrupt(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTIMSC, INT_TX);
	/* An edge: nothing was sent, so no level was passed. */
	assert_int_equal(f->level, 0);
	assert_int_equal(rd(f, UARTRIS), 0);
	wr(f, UARTDR, 'x');
	assert_int_equal(f->level, 1);
	assert_int_equal(rd(f, UARTRIS), INT_TX);
	assert_int_equal(rd(f, UARTMIS), INT_TX);
	wr(f, UARTDR, 'y');
	assert_int_equal(f->edges, 1);

	wr(f, UARTICR, INT_RX); /* another */
	assert_int_equal(f->level, 1);
	wr(f, UARTICR, INT_TX);
	assert_int_equal(f->level, 0);
	assert_int_equal(rd(f, UARTRIS), 0);

	/* Masked it is still raised, and unmasking shows it. */
	wr(f, UARTIMSC, 0);
	wr(f, UARTDR, 'z');
	assert_int_equal(rd(f, UARTRIS), INT_TX);
	assert_int_equal(rd(f, UARTMIS), 0);
	assert_int_equal(f->level, 0);
	wr(f, UARTIMSC, INT_TX);
	assert_int_equal(f->level, 1);
	assert_int_equal(f->edges, 3);
}

static void test_tx_interrupt_without_fifo(void **state)
{
	struct fixture *f = *state;

	wr(f, UARTCR, CR_ON);
	wr(f, UARTIMSC, INT_TX);
	wr(f, UARTDR, 'x');
	assert_int_equal(f->level, 1);
	wr(f, UARTICR, INT_TX);
	assert_int_equal(f->level, 0);
}

static void test_tx_disabled(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	enable(f);
	wr(f, UARTCR, CR_UARTEN | CR_RXE);
	wr(f, UARTIMSC, INT_TX);
	for (i = 0; i < DEPTH; i++) {
		assert_false(rd(f, UARTFR) & FR_TXFF);
		wr(f, UARTDR, 'a' + i);
		assert_true(rd(f, UARTFR) & FR_BUSY);
		assert_false(rd(f, UARTFR) & FR_TXFE);
	}
	assert_true(rd(f, UARTFR) & FR_TXFF);
	wr(f, UARTDR, '!'); /* full: lost */
	expect_out(f, "");
	assert_int_equal(f->level, 0);

	wr(f, UARTCR, CR_ON);
	expect_out(f, "abcdefghijklmnop");
	assert_int_equal(rd(f, UARTFR), FR_TXFE | FR_RXFE | MODEM_IDLE);
	assert_int_equal(f->level, 1);
}

/* Filling it above the trigger takes the interrupt back. */
static void test_tx_refill_clears(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	enable(f);
	wr(f, UARTDR, 'x');
	assert_int_equal(rd(f, UARTRIS), INT_TX);
	wr(f, UARTCR, CR_UARTEN);
	for (i = 0; i < DEPTH / 2; i++)
		wr(f, UARTDR, 'x');
	assert_int_equal(rd(f, UARTRIS), INT_TX);
	wr(f, UARTDR, 'x');
	assert_int_equal(rd(f, UARTRIS), 0);
}

static void test_tx_holding_register(void **state)
{
	struct fixture *f = *state;

	wr(f, UARTCR, CR_UARTEN);
	wr(f, UARTDR, 'a');
	assert_true(rd(f, UARTFR) & FR_TXFF);
	wr(f, UARTDR, 'b');
	wr(f, UARTCR, CR_ON);
	expect_out(f, "a");
}

/* 3.3.8: clearing FEN is how the transmit FIFO is flushed. */
static void test_tx_flush(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTCR, CR_UARTEN);
	wr(f, UARTDR, 'a');
	wr(f, UARTDR, 'b');
	wr(f, UARTLCR_H, 0x60);
	assert_true(rd(f, UARTFR) & FR_TXFE);
	assert_false(rd(f, UARTFR) & FR_BUSY);
	wr(f, UARTCR, CR_ON);
	expect_out(f, "");
}

/* --- receiver ---------------------------------------------------------------*/

static void test_rx(void **state)
{
	struct fixture *f = *state;

	enable(f);
	assert_int_equal(rd(f, UARTDR), 0); /* empty: nothing, no error */
	assert_int_equal(rd(f, UARTRSR), 0);
	assert_int_equal(feed(f, "ok"), 2);
	assert_false(rd(f, UARTFR) & (FR_RXFE | FR_RXFF));
	assert_int_equal(rd(f, UARTDR), 'o');
	assert_int_equal(rd(f, UARTRSR), 0);
	assert_int_equal(rd(f, UARTDR), 'k');
	assert_true(rd(f, UARTFR) & FR_RXFE);
	assert_int_equal(pl011_receive(f->uart, (const uint8_t *)"\xff\0", 2),
			 2);
	assert_int_equal(rd(f, UARTDR), 0xff);
	assert_int_equal(rd(f, UARTDR), 0);
	assert_int_equal(feed(f, ""), 0);
	assert_int_equal(pl011_receive(f->uart, NULL, 0), 0);
	assert_int_equal(f->rx_room, 0);
}

static void test_rx_gating(void **state)
{
	static const uint32_t closed[] = { 0, CR_UARTEN, CR_RXE,
					   CR_TXE | CR_RXE,
					   CR_UARTEN | CR_TXE };
	struct fixture *f = *state;
	unsigned int i;

	assert_int_equal(feed(f, "x"), 0);
	wr(f, UARTLCR_H, 0x70);
	for (i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		wr(f, UARTCR, closed[i]);
		assert_int_equal(feed(f, "x"), 0);
		pl011_receive_break(f->uart);
		assert_true(rd(f, UARTFR) & FR_RXFE);
	}
	assert_int_equal(f->rx_room, 0);
	/* What was refused is asked for as soon as it can be taken, once. */
	wr(f, UARTCR, CR_UARTEN | CR_RXE);
	assert_int_equal(f->rx_room, 1);
	wr(f, UARTCR, CR_ON);
	assert_int_equal(f->rx_room, 1);
	assert_int_equal(feed(f, "x"), 1);
	assert_int_equal(rd(f, UARTDR), 'x');
	assert_int_equal(f->rx_room, 1);
}

/*
 * A driver that starts up empties the FIFO: what was typed before anyone
 * listens waits outside.
 */
static void test_rx_listening(void **state)
{
	static const uint8_t text[] = "ls";
	struct fixture *f = *state;
	unsigned int i;

	wr(f, UARTLCR_H, 0x70);
	wr(f, UARTCR, CR_ON);
	/* A console that prints looks at the flags between characters. */
	for (i = 0; i < 100; i++) {
		rd(f, UARTFR);
		rd(f, UARTFR);
		wr(f, UARTDR, 'x');
		f->out_len = 0;
		assert_int_equal(pl011_receive(f->uart, text, 2), 0);
	}
	assert_int_equal(f->rx_room, 0);
	wr(f, UARTIMSC, INT_TX | INT_OE);
	assert_int_equal(f->rx_room, 0);

	/* Either interrupt will do, and asks for what waits. */
	wr(f, UARTIMSC, INT_RX);
	assert_int_equal(f->rx_room, 1);
	wr(f, UARTIMSC, 0);
	assert_int_equal(pl011_receive(f->uart, text, 2), 0);
	wr(f, UARTIMSC, INT_RT);
	assert_int_equal(f->rx_room, 2);
	assert_int_equal(pl011_receive(f->uart, text, 2), 2);

	/* So does polling, until something is sent again. */
	wr(f, UARTIMSC, 0);
	assert_int_equal(pl011_receive(f->uart, text, 2), 0);
	poll_input(f);
	assert_int_equal(f->rx_room, 3);
	assert_int_equal(pl011_receive(f->uart, text, 2), 2);
	wr(f, UARTDR, 'x');
	assert_int_equal(pl011_receive(f->uart, text, 2), 0);
}

static void test_rx_room(void **state)
{
	struct fixture *f = *state;

	enable(f);
	assert_int_equal(feed(f, "0123456789abcdefXYZ"), DEPTH);
	assert_true(rd(f, UARTFR) & FR_RXFF);
	assert_int_equal(feed(f, "XYZ"), 0);
	assert_int_equal(f->rx_room, 0);

	assert_int_equal(rd(f, UARTDR), '0');
	assert_int_equal(f->rx_room, 1);
	assert_false(rd(f, UARTFR) & FR_RXFF);
	assert_int_equal(rd(f, UARTDR), '1');
	assert_int_equal(f->rx_room, 1);
	assert_int_equal(feed(f, "XYZ"), 2);
	assert_int_equal(rd(f, UARTDR), '2');
	assert_int_equal(f->rx_room, 2);
	/* Nothing was refused, so nobody waits. */
	assert_int_equal(feed(f, "Z"), 1);
	assert_int_equal(rd(f, UARTDR), '3');
	assert_int_equal(f->rx_room, 2);
	/* Input that does not fit is no overrun. */
	assert_int_equal(rd(f, UARTRIS) & INT_OE, 0);
	assert_int_equal(rd(f, UARTRSR), 0);
}

/* The order survives the ring's end. */
static void test_rx_wrap(void **state)
{
	struct fixture *f = *state;
	uint8_t in = 0, want = 0;
	unsigned int i;

	enable(f);
	for (i = 0; i < 200; i++) {
		uint8_t buf[7];
		unsigned int j;

		for (j = 0; j < sizeof(buf); j++)
			buf[j] = in + j;
		in += pl011_receive(f->uart, buf, sizeof(buf));
		for (j = 0; j < 1 + i % 8; j++)
			if (!(rd(f, UARTFR) & FR_RXFE))
				assert_int_equal(rd(f, UARTDR), want++);
	}
	while (!(rd(f, UARTFR) & FR_RXFE))
		assert_int_equal(rd(f, UARTDR), want++);
	assert_int_equal(in, want);
}

static void test_rx_trigger_levels(void **state)
{
	static const unsigned int level[] = { 2, 4, 8, 12, 14, 14, 14, 14 };
	struct fixture *f = *state;
	unsigned int field, i;

	for (field = 0; field < 8; field++) {
		pl011_reset(f->uart);
		enable(f);
		wr(f, UARTIFLS, field << 3);
		wr(f, UARTIMSC, INT_RX);
		for (i = 1; i <= DEPTH; i++) {
			assert_int_equal(feed(f, "x"), 1);
			assert_int_equal(!!(rd(f, UARTRIS) & INT_RX),
					 i >= level[field]);
			assert_int_equal(f->level, i >= level[field]);
		}
		for (; i-- > 1;) {
			assert_int_equal(f->level, i >= level[field]);
			rd(f, UARTDR);
		}
		assert_int_equal(f->level, 0);
		assert_int_equal(rd(f, UARTRIS), 0);
	}
}

static void test_rx_holding_register(void **state)
{
	struct fixture *f = *state;

	wr(f, UARTCR, CR_ON);
	wr(f, UARTIMSC, INT_RX);
	assert_int_equal(feed(f, "ab"), 1);
	assert_true(rd(f, UARTFR) & FR_RXFF);
	assert_int_equal(f->level, 1);
	assert_int_equal(rd(f, UARTDR), 'a');
	assert_int_equal(f->level, 0);
	assert_int_equal(f->rx_room, 1);
	assert_true(rd(f, UARTFR) & FR_RXFE);
}

static void test_rx_timeout(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTIMSC, INT_RT);
	assert_int_equal(feed(f, "abc"), 3);
	assert_int_equal(f->level, 1);
	assert_int_equal(rd(f, UARTRIS), INT_RT);
	/* Reading all of it clears. */
	rd(f, UARTDR);
	rd(f, UARTDR);
	assert_int_equal(f->level, 1);
	rd(f, UARTDR);
	assert_int_equal(f->level, 0);
	assert_int_equal(rd(f, UARTRIS), 0);

	/* So does the register, until more comes. */
	feed(f, "d");
	wr(f, UARTICR, INT_RT);
	assert_int_equal(f->level, 0);
	assert_int_equal(rd(f, UARTRIS), 0);
	feed(f, "e");
	assert_int_equal(f->level, 1);
}

/* A driver that leaves some below the trigger hears of the rest. */
static void test_rx_timeout_after_partial_read(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTIMSC, INT_RX | INT_RT);
	assert_int_equal(feed(f, "0123456789"), 10);
	wr(f, UARTICR, INT_RX | INT_RT);
	assert_int_equal(f->level, 0);
	rd(f, UARTDR);
	assert_int_equal(rd(f, UARTMIS), INT_RT);
	assert_int_equal(f->level, 1);
}

/* Linux's comment on it: RXIS comes when the level passes the trigger. */
static void test_rx_interrupt_is_an_edge(void **state)
{
	struct fixture *f = *state;

	enable(f);
	assert_int_equal(feed(f, "12345678"), 8);
	assert_true(rd(f, UARTRIS) & INT_RX);
	wr(f, UARTICR, INT_RX);
	feed(f, "9");
	assert_false(rd(f, UARTRIS) & INT_RX);
	rd(f, UARTDR);
	rd(f, UARTDR);
	assert_false(rd(f, UARTRIS) & INT_RX);
	feed(f, "a");
	assert_true(rd(f, UARTRIS) & INT_RX);
}

static void test_ifls_moves_trigger(void **state)
{
	struct fixture *f = *state;

	enable(f);
	assert_int_equal(feed(f, "1234"), 4);
	assert_false(rd(f, UARTRIS) & INT_RX);
	wr(f, UARTIFLS, 1 << 3);
	assert_true(rd(f, UARTRIS) & INT_RX);
	wr(f, UARTIFLS, 4 << 3);
	assert_false(rd(f, UARTRIS) & INT_RX);
}

/* Input is never dropped, by a change of FEN neither. */
static void test_rx_survives_fen(void **state)
{
	struct fixture *f = *state;

	enable(f);
	assert_int_equal(feed(f, "abc"), 3);
	wr(f, UARTLCR_H, 0x60);
	assert_true(rd(f, UARTFR) & FR_RXFF);
	assert_true(rd(f, UARTRIS) & INT_RX);
	assert_int_equal(feed(f, "d"), 0);
	assert_int_equal(rd(f, UARTDR), 'a');
	assert_int_equal(f->rx_room, 0); /* still more than one */
	assert_int_equal(rd(f, UARTDR), 'b');
	wr(f, UARTLCR_H, 0x70);
	assert_int_equal(f->rx_room, 1);
	assert_false(rd(f, UARTRIS) & INT_RX);
	assert_int_equal(rd(f, UARTDR), 'c');
}

/* --- errors -----------------------------------------------------------------*/

static void test_break(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTIMSC, INT_BE);
	feed(f, "a");
	pl011_receive_break(f->uart);
	feed(f, "b");
	assert_int_equal(f->level, 1);
	assert_true(rd(f, UARTRIS) & INT_BE);

	/* The error goes with its own character. */
	assert_int_equal(rd(f, UARTDR), 'a');
	assert_int_equal(rd(f, UARTRSR), 0);
	assert_int_equal(rd_size(f, UARTDR + 1, 1), DR_BE >> 8);
	assert_int_equal(rd(f, UARTDR), DR_BE);
	assert_int_equal(rd(f, UARTRSR), DR_BE >> 8);
	assert_int_equal(rd(f, UARTDR), 'b');
	assert_int_equal(rd(f, UARTRSR), 0);

	/* Reading does not clear the interrupt. */
	assert_int_equal(f->level, 1);
	wr(f, UARTICR, INT_BE);
	assert_int_equal(f->level, 0);
}

static void test_overrun(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	enable(f);
	wr(f, UARTIMSC, INT_OE);
	assert_int_equal(feed(f, "0123456789abcdef"), DEPTH);
	pl011_receive_break(f->uart); /* what cannot be held back */
	assert_int_equal(f->level, 1);
	/* At once in UARTRSR, with the next character in UARTDR. */
	assert_int_equal(rd(f, UARTRSR), 8);
	for (i = 0; i < DEPTH; i++)
		assert_int_equal(rd(f, UARTDR), "0123456789abcdef"[i]);
	assert_int_equal(rd(f, UARTRSR), 8);
	feed(f, "xy");
	assert_int_equal(rd(f, UARTDR), DR_OE | 'x');
	assert_int_equal(rd(f, UARTDR), 'y');
	assert_int_equal(rd(f, UARTRSR), 8);
	wr(f, UARTRSR, 0); /* UARTECR: any value */
	assert_int_equal(rd(f, UARTRSR), 0);
	wr(f, UARTICR, INT_OE);
	assert_int_equal(f->level, 0);
}

/* --- loopback and modem lines -----------------------------------------------*/

static void test_loopback(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTCR, CR_ON | CR_LBE);
	wr(f, UARTDR, 'l');
	expect_out(f, "");
	assert_int_equal(rd(f, UARTRIS) & (INT_TX | INT_RT), INT_TX | INT_RT);
	assert_int_equal(rd(f, UARTDR), 'l');

	/* The line is not connected meanwhile. */
	assert_int_equal(feed(f, "x"), 0);
	pl011_receive_break(f->uart);
	assert_true(rd(f, UARTFR) & FR_RXFE);
	wr(f, UARTCR, CR_ON);
	assert_int_equal(f->rx_room, 1);
	assert_int_equal(feed(f, "x"), 1);
}

static void test_loopback_overrun(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	enable(f);
	wr(f, UARTCR, CR_ON | CR_LBE);
	for (i = 0; i < DEPTH + 3; i++)
		wr(f, UARTDR, i);
	assert_true(rd(f, UARTRIS) & INT_OE);
	for (i = 0; i < DEPTH; i++)
		assert_int_equal(rd(f, UARTDR), i);
	assert_true(rd(f, UARTFR) & FR_RXFE);
}

static void test_loopback_gating(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTCR, CR_UARTEN | CR_TXE | CR_LBE);
	wr(f, UARTDR, 'x');
	assert_true(rd(f, UARTFR) & FR_RXFE);
	wr(f, UARTCR, CR_TXE | CR_RXE | CR_LBE);
	wr(f, UARTDR, 'x');
	assert_true(rd(f, UARTFR) & FR_RXFE);
	expect_out(f, "");
}

static void test_loopback_break(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTLCR_H, 0x71);
	assert_true(rd(f, UARTFR) & FR_RXFE);
	wr(f, UARTLCR_H, 0x70);
	wr(f, UARTCR, CR_ON | CR_LBE);
	wr(f, UARTLCR_H, 0x71);
	assert_int_equal(rd(f, UARTDR), DR_BE);
	wr(f, UARTLCR_H, 0x71); /* it is one break as long as it lasts */
	assert_true(rd(f, UARTFR) & FR_RXFE);
}

static void test_loopback_modem(void **state)
{
	static const struct {
		uint32_t out, in, irq;
	} line[] = {
		{ CR_RTS, FR_CTS, INT_CTS },
		{ CR_DTR, FR_DSR, INT_DSR },
		{ CR_OUT1, FR_DCD, INT_DCD },
		{ CR_OUT2, FR_RI, INT_RI },
	};
	const uint32_t all = FR_CTS | FR_DSR | FR_DCD | FR_RI;
	struct fixture *f = *state;
	unsigned int i;

	/* Outputs have no effect otherwise. */
	wr(f, UARTCR, CR_ON | CR_RTS | CR_DTR | CR_OUT1 | CR_OUT2);
	assert_int_equal(rd(f, UARTFR) & all, MODEM_IDLE);
	assert_int_equal(rd(f, UARTRIS), 0);

	wr(f, UARTCR, CR_ON | CR_LBE);
	assert_int_equal(rd(f, UARTFR) & all, 0);
	assert_int_equal(rd(f, UARTRIS), INT_CTS | INT_DSR | INT_DCD);
	wr(f, UARTIMSC, 0xf);
	for (i = 0; i < 4; i++) {
		wr(f, UARTICR, 0x7ff);
		assert_int_equal(f->level, 0);
		wr(f, UARTCR, CR_ON | CR_LBE | line[i].out);
		assert_int_equal(rd(f, UARTFR) & all, line[i].in);
		assert_int_equal(rd(f, UARTRIS), line[i].irq);
		assert_int_equal(f->level, 1);
		wr(f, UARTCR, CR_ON | CR_LBE);
	}
}

/* --- the rest ---------------------------------------------------------------*/

static void test_reset(void **state)
{
	struct fixture *f = *state;

	enable(f);
	wr(f, UARTIMSC, 0x7ff);
	assert_int_equal(feed(f, "0123456789abcdefgh"), DEPTH);
	pl011_receive_break(f->uart);
	wr(f, UARTCR, CR_UARTEN);
	wr(f, UARTDR, 'x');
	assert_int_equal(f->level, 1);
	pl011_reset(f->uart);
	assert_int_equal(f->level, 0);
	expect_reset_values(f);
	/* The two that were refused are still waiting. */
	assert_int_equal(f->rx_room, 0);
	enable(f);
	assert_int_equal(f->rx_room, 1);
	expect_out(f, "");
	assert_int_equal(feed(f, "z"), 1);
	assert_int_equal(rd(f, UARTDR), 'z'); /* no OE from before */
}

/* The sequence of Linux's driver: start up, a line out, a line in. */
static void test_as_linux_does(void **state)
{
	struct fixture *f = *state;
	const char *text = "login: ";
	unsigned int n = 0;
	char in[8] = { 0 };

	wr_size(f, UARTICR, 2, 0x7d0);
	wr_size(f, UARTIMSC, 2, INT_RT | INT_RX);
	wr_size(f, UARTIFLS, 2, 0x12);
	wr_size(f, UARTCR, 2, CR_ON);
	wr_size(f, UARTICR, 2, INT_RT | INT_RX);
	while (!(rd_size(f, UARTFR, 2) & FR_RXFE))
		rd_size(f, UARTDR, 2);
	wr_size(f, UARTFBRD, 2, 1);
	wr_size(f, UARTIBRD, 2, 13);
	wr_size(f, UARTLCR_H, 2, 0x70);
	assert_int_equal(f->level, 0);

	for (; *text; text++) {
		assert_false(rd_size(f, UARTFR, 2) & FR_TXFF);
		wr_size(f, UARTDR, 2, *text);
	}
	expect_out(f, "login: ");
	assert_int_equal(f->level, 0);

	feed(f, "root\r");
	assert_int_equal(f->level, 1);
	while (!(rd_size(f, UARTFR, 2) & FR_RXFE))
		in[n++] = rd_size(f, UARTDR, 2);
	assert_string_equal(in, "root\r");
	assert_int_equal(f->level, 0);
	assert_int_equal(f->edges, 2);
}

/* No line, no callbacks: nothing to call. */
static void test_bare(void **state)
{
	const struct pl011_config config = { .opaque = NULL };
	struct pl011 *uart = pl011_new(&config);

	(void)state;
	assert_non_null(uart);
	pl011_mmio_ops.write(uart, UARTCR, 4, CR_ON);
	pl011_mmio_ops.write(uart, UARTIMSC, 4, 0x7ff);
	pl011_mmio_ops.write(uart, UARTDR, 4, 'x');
	assert_int_equal(pl011_receive(uart, (const uint8_t *)"ab", 2), 1);
	assert_int_equal(pl011_mmio_ops.read(uart, UARTDR, 4), 'a');
	pl011_free(uart);
	pl011_free(NULL);
}

/* One thread types, one reads: all of it arrives, in order. */
#define TYPED 20000

static void *typist(void *opaque)
{
	struct pl011 *uart = opaque;
	unsigned int i;

	for (i = 0; i < TYPED;) {
		uint8_t c = i;

		i += pl011_receive(uart, &c, 1);
	}
	return NULL;
}

static void test_threads(void **state)
{
	const struct pl011_config config = { .opaque = NULL };
	struct pl011 *uart = pl011_new(&config);
	pthread_t thread;
	unsigned int i;

	(void)state;
	assert_non_null(uart);
	pl011_mmio_ops.write(uart, UARTLCR_H, 4, LCR_H_FEN);
	pl011_mmio_ops.write(uart, UARTCR, 4, CR_ON);
	assert_int_equal(pthread_create(&thread, NULL, typist, uart), 0);
	for (i = 0; i < TYPED;) {
		if (pl011_mmio_ops.read(uart, UARTFR, 4) & FR_RXFE)
			continue;
		assert_int_equal(pl011_mmio_ops.read(uart, UARTDR, 4),
				 i & 0xff);
		i++;
	}
	pthread_join(thread, NULL);
	pl011_free(uart);
}

/* Writes that leave UARTCR as it is are told of, after some of them. */
static void test_inert(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	wr_size(f, UARTCR, 2, CR_ON);
	for (i = 0; i < 2; i++) {
		assert_int_equal(f->inert, -1);
		wr_size(f, UARTCR, 2, CR_ON);
	}
	assert_int_equal(f->inert, CR_ON);
	/* As often as it likes, and other registers do not matter. */
	wr(f, UARTCR, CR_ON);
	wr(f, UARTIMSC, INT_RX);
	wr(f, UARTDR, 'x');
	assert_int_equal(f->inert_changes, 1);
	/* Any other value counts at once, be it in a part of the register. */
	wr_size(f, UARTCR, 1, CR_UARTEN | CR_LBE);
	assert_int_equal(f->inert, -1);
	assert_int_equal(rd(f, UARTCR), CR_ON | CR_LBE);
	for (i = 0; i < 2; i++) {
		assert_int_equal(f->inert, -1);
		wr_size(f, UARTCR, 1, CR_UARTEN | CR_LBE);
	}
	assert_int_equal(f->inert, CR_ON | CR_LBE);
	pl011_reset(f->uart);
	assert_int_equal(f->inert, -1);
	assert_int_equal(f->inert_changes, 4);
}

/* The mask: its writes are inert while it stays, whatever is pending. */
static void test_inert_mask(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	wr_size(f, UARTIMSC, 2, INT_RX | INT_RT);
	assert_int_equal(f->imsc, -1);
	for (i = 0; i < 4; i++)
		wr_size(f, UARTIMSC, 2, INT_RX | INT_RT);
	assert_int_equal(f->imsc, INT_RX | INT_RT);
	assert_int_equal(f->inert, -1);
	/* The transmit interrupt is raised, and so comes as soon as unmasked. */
	wr(f, UARTDR, 'x');
	assert_false(f->level);
	wr_size(f, UARTIMSC, 2, INT_RX | INT_RT | INT_TX);
	assert_int_equal(f->imsc, -1);
	assert_true(f->level);
	wr_size(f, UARTIMSC, 2, INT_RX | INT_RT);
	assert_false(f->level);
	assert_int_equal(f->imsc, -1);
	/* In turns it never is. */
	for (i = 0; i < 10; i++)
		wr_size(f, UARTIMSC, 2, i & 1 ? INT_RX : INT_TX);
	assert_int_equal(f->inert_changes, 2);
}

#define uart_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		uart_test(test_reset_values),
		uart_test(test_ids),
		uart_test(test_writable_bits),
		uart_test(test_unknown_registers),
		uart_test(test_sizes),
		uart_test(test_data_sizes),
		uart_test(test_tx),
		uart_test(test_tx_without_uarten),
		uart_test(test_tx_interrupt),
		uart_test(test_tx_interrupt_without_fifo),
		uart_test(test_tx_disabled),
		uart_test(test_tx_refill_clears),
		uart_test(test_tx_holding_register),
		uart_test(test_tx_flush),
		uart_test(test_rx),
		uart_test(test_rx_gating),
		uart_test(test_rx_listening),
		uart_test(test_rx_room),
		uart_test(test_rx_wrap),
		uart_test(test_rx_trigger_levels),
		uart_test(test_rx_holding_register),
		uart_test(test_rx_timeout),
		uart_test(test_rx_timeout_after_partial_read),
		uart_test(test_rx_interrupt_is_an_edge),
		uart_test(test_ifls_moves_trigger),
		uart_test(test_rx_survives_fen),
		uart_test(test_break),
		uart_test(test_overrun),
		uart_test(test_loopback),
		uart_test(test_loopback_overrun),
		uart_test(test_loopback_gating),
		uart_test(test_loopback_break),
		uart_test(test_loopback_modem),
		uart_test(test_reset),
		uart_test(test_as_linux_does),
		uart_test(test_inert),
		uart_test(test_inert_mask),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
