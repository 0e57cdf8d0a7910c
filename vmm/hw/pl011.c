// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hw/pl011-again.h"
#include "hw/pl011-fifo.h"
#include "hw/pl011-regs.h"
#include "hw/pl011.h"
#include "hw/reg32.h"

/*
 * Revision r1p1, as UARTPeriphID2 says with its upper digit: from r1p5 on
 * (3 there) the FIFOs have 32 entries, and drivers count on it.
 */
static const uint8_t pl011_id[] = {
	0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

struct pl011 {
	struct pl011_config config;
	pthread_mutex_t lock; /* protects everything below */

	struct fifo rx; /* as UARTDR shows it, errors included */
	struct fifo tx; /* fills up only while the transmitter is disabled */

	uint32_t rsr;
	uint32_t ilpr;
	uint32_t ibrd;
	uint32_t fbrd;
	uint32_t lcr_h;
	uint32_t cr;
	uint32_t ifls;
	uint32_t imsc;
	uint32_t ris;
	uint32_t dmacr;

	bool overrun;   /* the next character received carries OE (2.4) */
	bool irq_level; /* what the line was driven to */
	bool rx_owed;   /* pl011_receive() took less than it was given */
	bool plain;     /* what tx_plain was told */
	bool tx_acked;  /* the guest cleared INT_TX once, so it may go by it */
	struct again cr_again;
	struct again imsc_again;
	bool shown;         /* the shadow */
	unsigned int idle;  /* accesses since input was there, if hidden */
	unsigned int polls; /* reads of UARTFR since UARTDR was written */
};

/*
 * A hidden shadow is shown again when that many accesses found no input: a
 * burst of it comes in pieces, and each change of the shadow costs more than
 * such a number of exits.
 */
#define SHOW_IDLE 16

/*
 * A transmitting driver reads UARTFR about once a character; one that reads it
 * this often in a row is waiting for input.
 */
#define POLLS_LISTENING 16

/* With FEN clear the FIFOs are one-entry holding registers. */
static unsigned int fifo_depth(const struct pl011 *uart)
{
	return uart->lcr_h & LCR_H_FEN ? FIFO_DEPTH : 1;
}

/* 3.3.9: the fill level that a field of UARTIFLS selects. */
static unsigned int trigger_level(unsigned int field)
{
	static const uint8_t level[] = {
		FIFO_DEPTH / 8,     FIFO_DEPTH / 4,     FIFO_DEPTH / 2,
		FIFO_DEPTH * 3 / 4, FIFO_DEPTH * 7 / 8,
	};

	/* The other three values are reserved. */
	return field < sizeof(level) ? level[field] : level[4];
}

static unsigned int rx_trigger(const struct pl011 *uart)
{
	if (!(uart->lcr_h & LCR_H_FEN))
		return 1;
	return trigger_level((uart->ifls >> 3) & 7);
}

static unsigned int tx_trigger(const struct pl011 *uart)
{
	if (!(uart->lcr_h & LCR_H_FEN))
		return 0;
	return trigger_level(uart->ifls & 7);
}

static bool rx_triggered(const struct pl011 *uart)
{
	return uart->rx.level >= rx_trigger(uart);
}

static bool rx_enabled(const struct pl011 *uart)
{
	return (uart->cr & (CR_UARTEN | CR_RXE)) == (CR_UARTEN | CR_RXE);
}

/*
 * UARTEN is not asked for.  On a board it is firmware that enables the UART;
 * here there is none, and early consoles and bare-metal programs write to
 * UARTDR as they found it, or wait for TXFF to go away that never would.
 */
static bool tx_enabled(const struct pl011 *uart)
{
	return uart->cr & CR_TXE;
}

/*
 * The receive interrupts after the level or the trigger moved (2.8).
 * UARTRXINTR comes when the trigger is reached, @was_triggered tells from
 * where.  The 32 bit periods of silence before UARTRTINTR are over at once, as
 * no later character is known of: it is raised wherever data is left waiting.
 */
static void rx_moved(struct pl011 *uart, bool was_triggered)
{
	if (!rx_triggered(uart))
		uart->ris &= ~(uint32_t)INT_RX;
	else if (!was_triggered)
		uart->ris |= INT_RX;

	if (uart->rx.level)
		uart->ris |= INT_RT;
	else
		uart->ris &= ~(uint32_t)INT_RT;
}

/* A character, with its DR_* errors, arrives from the line. */
static void rx_push(struct pl011 *uart, uint16_t entry)
{
	const bool was_triggered = rx_triggered(uart);

	uart->ris |= (entry & DR_BE ? INT_BE : 0) |
		     (entry & DR_PE ? INT_PE : 0) |
		     (entry & DR_FE ? INT_FE : 0);

	if (uart->rx.level >= fifo_depth(uart)) {
		uart->overrun = true;
		uart->rsr |= RSR_OE;
		uart->ris |= INT_OE;
		return;
	}
	if (uart->overrun) {
		uart->overrun = false;
		entry |= DR_OE;
	}
	fifo_push(&uart->rx, entry);
	rx_moved(uart, was_triggered);
}

static uint32_t rx_pop(struct pl011 *uart)
{
	const bool was_triggered = rx_triggered(uart);
	uint32_t entry;

	if (!uart->rx.level)
		return 0;
	entry = fifo_pop(&uart->rx);
	/* OE is not of this character: only UARTECR clears it (3.3.2). */
	uart->rsr = (uart->rsr & RSR_OE) | (entry & DR_ERRORS) >> 8;
	rx_moved(uart, was_triggered);
	return entry;
}

static void tx_char(struct pl011 *uart, uint8_t c)
{
	if (uart->cr & CR_LBE) {
		if (rx_enabled(uart))
			rx_push(uart, c);
	} else if (uart->config.tx) {
		uart->config.tx(uart->config.opaque, &c, 1);
	}
}

/* Send what is in the transmit FIFO, if the transmitter may. */
static void tx_drain(struct pl011 *uart)
{
	if (!uart->tx.level || !tx_enabled(uart))
		return;
	while (uart->tx.level)
		tx_char(uart, (uint8_t)fifo_pop(&uart->tx));
	/*
	 * The FIFO emptied and so went through its trigger level, which is when
	 * UARTTXINTR comes (2.8).  One character is enough for that: a driver
	 * that fills the FIFO from the interrupt waits for no more.
	 */
	uart->ris |= INT_TX;
}

static void tx_write(struct pl011 *uart, uint8_t c)
{
	/* What is written to a full FIFO is lost, TXFF told so. */
	if (uart->tx.level >= fifo_depth(uart))
		return;
	fifo_push(&uart->tx, c);
	if (uart->tx.level > tx_trigger(uart))
		uart->ris &= ~(uint32_t)INT_TX;
	tx_drain(uart);
}

/*
 * The modem inputs as UARTFR has them.  The far end is there and ready; in
 * loopback the outputs are fed to them (3.3.8).
 */
static uint32_t modem_lines(const struct pl011 *uart)
{
	if (!(uart->cr & CR_LBE))
		return FR_CTS | FR_DSR | FR_DCD;
	return (uart->cr & CR_RTS ? FR_CTS : 0) |
	       (uart->cr & CR_DTR ? FR_DSR : 0) |
	       (uart->cr & CR_OUT1 ? FR_DCD : 0) |
	       (uart->cr & CR_OUT2 ? FR_RI : 0);
}

static uint32_t flags(const struct pl011 *uart)
{
	uint32_t fr = modem_lines(uart);

	if (uart->rx.level == 0)
		fr |= FR_RXFE;
	if (uart->rx.level >= fifo_depth(uart))
		fr |= FR_RXFF;
	if (uart->tx.level == 0)
		fr |= FR_TXFE;
	else
		fr |= FR_BUSY;
	if (uart->tx.level >= fifo_depth(uart))
		fr |= FR_TXFF;
	return fr;
}

static void write_lcr_h(struct pl011 *uart, uint32_t val)
{
	const bool was_triggered = rx_triggered(uart);
	const uint32_t changed = uart->lcr_h ^ val;

	uart->lcr_h = val;
	/*
	 * Clearing FEN flushes the transmit FIFO (3.3.8).  Input stays, even
	 * where it is now more than the holding register could have taken.
	 */
	if (changed & ~val & LCR_H_FEN)
		uart->tx.level = 0;
	if (changed & LCR_H_FEN)
		rx_moved(uart, was_triggered);
	if (changed & val & LCR_H_BRK && uart->cr & CR_LBE && rx_enabled(uart))
		rx_push(uart, DR_BE);
}

static void write_cr(struct pl011 *uart, uint32_t val)
{
	const uint32_t before = modem_lines(uart);
	uint32_t changed;

	val &= CR_MASK;
	again_count(&uart->cr_again, uart->cr, val);
	uart->cr = val;

	changed = before ^ modem_lines(uart);
	uart->ris |= (changed & FR_RI ? INT_RI : 0) |
		     (changed & FR_CTS ? INT_CTS : 0) |
		     (changed & FR_DCD ? INT_DCD : 0) |
		     (changed & FR_DSR ? INT_DSR : 0);
	tx_drain(uart);
}

static void write_ifls(struct pl011 *uart, uint32_t val)
{
	const bool was_triggered = rx_triggered(uart);

	uart->ifls = val & 0x3f;
	rx_moved(uart, was_triggered);
}

/* A register without the effects of reading it; 0 for UARTDR. */
static uint32_t reg_peek(const struct pl011 *uart, uint64_t reg)
{
	switch (reg) {
	case UARTRSR:
		return uart->rsr;
	case UARTFR:
		return flags(uart);
	case UARTILPR:
		return uart->ilpr;
	case UARTIBRD:
		return uart->ibrd;
	case UARTFBRD:
		return uart->fbrd;
	case UARTLCR_H:
		return uart->lcr_h;
	case UARTCR:
		return uart->cr;
	case UARTIFLS:
		return uart->ifls;
	case UARTIMSC:
		return uart->imsc;
	case UARTRIS:
		return uart->ris;
	case UARTMIS:
		return uart->ris & uart->imsc;
	case UARTDMACR:
		return uart->dmacr;
	case UARTID_FIRST ... UARTID_LAST:
		return pl011_id[(reg - UARTID_FIRST) / 4];
	default:
		return 0;
	}
}

static uint32_t reg_read(void *dev, uint64_t reg, uint32_t mask)
{
	struct pl011 *uart = dev;

	/* Only what takes the character removes it from the FIFO. */
	if (reg == UARTDR && mask & 0xff)
		return rx_pop(uart);
	if (reg == UARTDR && uart->rx.level)
		return uart->rx.entry[uart->rx.first];
	if (reg == UARTFR && uart->polls < POLLS_LISTENING)
		uart->polls++;
	return reg_peek(uart, reg);
}

static void reg_write(void *dev, uint64_t reg, uint32_t val, uint32_t mask)
{
	struct pl011 *uart = dev;

	switch (reg) {
	case UARTDR:
		if (mask & 0xff)
			tx_write(uart, val & 0xff);
		uart->polls = 0;
		break;
	case UARTRSR:
		/* UARTECR: any value clears. */
		uart->rsr = 0;
		break;
	case UARTILPR:
		uart->ilpr = reg32_merge(uart->ilpr, val, mask) & 0xff;
		break;
	case UARTIBRD:
		uart->ibrd = reg32_merge(uart->ibrd, val, mask) & 0xffff;
		break;
	case UARTFBRD:
		uart->fbrd = reg32_merge(uart->fbrd, val, mask) & 0x3f;
		break;
	case UARTLCR_H:
		write_lcr_h(uart, reg32_merge(uart->lcr_h, val, mask) & 0xff);
		break;
	case UARTCR:
		write_cr(uart, reg32_merge(uart->cr, val, mask));
		break;
	case UARTIFLS:
		write_ifls(uart, reg32_merge(uart->ifls, val, mask));
		break;
	case UARTIMSC:
		val = reg32_merge(uart->imsc, val, mask) & INT_MASK;
		again_count(&uart->imsc_again, uart->imsc, val);
		uart->imsc = val;
		break;
	case UARTICR:
		uart->tx_acked |= uart->ris & val & INT_TX;
		uart->ris &= ~val;
		break;
	case UARTDMACR:
		uart->dmacr = reg32_merge(uart->dmacr, val, mask) & 7;
		break;
	default:
		break;
	}
}

/*
 * A driver empties the receive FIFO while it starts up (Linux does), and what
 * was typed ahead would be gone.  So the line waits until somebody listens: by
 * interrupt, or by polling.
 */
static bool listening(const struct pl011 *uart)
{
	return uart->imsc & (INT_RX | INT_RT) || uart->polls >= POLLS_LISTENING;
}

/* How many characters the line could deliver now. */
static size_t rx_room(const struct pl011 *uart)
{
	const unsigned int depth = fifo_depth(uart);

	/* In loopback the receiver hears the transmitter only. */
	if (!rx_enabled(uart) || uart->cr & CR_LBE || !listening(uart) ||
	    uart->rx.level >= depth)
		return 0;
	return depth - uart->rx.level;
}

/*
 * A write to UARTDR that only sends: to a transmitter that takes it at once,
 * not back to the receiver, with the interrupt raised already that it raises.
 * Before the first character that may be raised late, when it is masked and the
 * guest does not wait for it in UARTRIS: on a board it comes with the last bit.
 */
static bool is_plain(const struct pl011 *uart)
{
	return tx_enabled(uart) && !(uart->cr & CR_LBE) && !uart->tx.level &&
	       (uart->ris & INT_TX || !(uart->imsc & INT_TX || uart->tx_acked));
}

/*
 * With input in the FIFO a read of UARTDR takes it, and with input held back
 * reads of UARTFR are counted: then they must come here.
 */
static void update_shadow(struct pl011 *uart)
{
	const struct shadow *shadow = &uart->config.shadow;
	uint64_t reg;

	if (!shadow->regs)
		return;
	if (uart->rx.level || uart->rx_owed) {
		uart->idle = 0;
		if (uart->shown)
			uart->shown = !shadow->show(shadow->opaque, false);
		return;
	}
	if (!uart->shown && uart->idle++ < SHOW_IDLE)
		return;
	for (reg = UARTRSR; reg <= UARTDMACR; reg += 4)
		shadow_set(shadow, reg, reg_peek(uart, reg));
	if (!uart->shown)
		uart->shown = shadow->show(shadow->opaque, true);
}

static void update_inert(struct pl011 *uart, struct again *again, uint64_t reg)
{
	if (again_turned(again, reg_peek(uart, reg)) && uart->config.inert)
		uart->config.inert(uart->config.opaque, again->inert, reg,
				   again->val);
}

/* Let all that is outside follow the registers. */
static void update(struct pl011 *uart)
{
	const bool level = uart->ris & uart->imsc;

	update_shadow(uart);
	if (uart->plain != is_plain(uart)) {
		uart->plain = !uart->plain;
		if (uart->config.tx_plain)
			uart->config.tx_plain(uart->config.opaque, uart->plain);
	}
	update_inert(uart, &uart->cr_again, UARTCR);
	update_inert(uart, &uart->imsc_again, UARTIMSC);
	if (level != uart->irq_level) {
		uart->irq_level = level;
		irq_line_set(&uart->config.irq, level);
	}
	if (uart->rx_owed && rx_room(uart)) {
		uart->rx_owed = false;
		if (uart->config.rx_room)
			uart->config.rx_room(uart->config.opaque);
	}
}

static uint64_t pl011_mmio_read(void *dev, uint64_t offset, unsigned int size)
{
	struct pl011 *uart = dev;
	uint64_t val;

	pthread_mutex_lock(&uart->lock);
	val = reg32_read(uart, offset, size, reg_read);
	update(uart);
	pthread_mutex_unlock(&uart->lock);
	return val;
}

static void pl011_mmio_write(void *dev, uint64_t offset, unsigned int size,
			     uint64_t val)
{
	struct pl011 *uart = dev;

	pthread_mutex_lock(&uart->lock);
	reg32_write(uart, offset, size, val, reg_write);
	update(uart);
	pthread_mutex_unlock(&uart->lock);
}

const struct mmio_ops pl011_mmio_ops = {
	.read = pl011_mmio_read,
	.write = pl011_mmio_write,
};

static void set_reset_state(struct pl011 *uart)
{
	uart->rx.level = 0;
	uart->tx.level = 0;
	uart->rsr = 0;
	uart->ilpr = 0;
	uart->ibrd = 0;
	uart->fbrd = 0;
	uart->lcr_h = 0;
	uart->cr = CR_RESET;
	uart->ifls = IFLS_RESET;
	uart->imsc = 0;
	uart->ris = 0;
	uart->dmacr = 0;
	uart->overrun = false;
	uart->tx_acked = false;
	uart->cr_again.times = 0;
	uart->imsc_again.times = 0;
	uart->polls = 0;
}

struct pl011 *pl011_new(const struct pl011_config *config)
{
	struct pl011 *uart;
	uint64_t reg;

	uart = calloc(1, sizeof(*uart));
	if (!uart)
		return NULL;
	uart->config = *config;
	pthread_mutex_init(&uart->lock, NULL);
	set_reset_state(uart);
	for (reg = UARTID_FIRST; reg <= UARTID_LAST; reg += 4)
		shadow_set(&config->shadow, reg, reg_peek(uart, reg));
	uart->idle = SHOW_IDLE;
	update(uart);
	return uart;
}

void pl011_free(struct pl011 *uart)
{
	if (!uart)
		return;
	pthread_mutex_destroy(&uart->lock);
	free(uart);
}

void pl011_reset(struct pl011 *uart)
{
	pthread_mutex_lock(&uart->lock);
	set_reset_state(uart);
	update(uart);
	pthread_mutex_unlock(&uart->lock);
}

void pl011_send(struct pl011 *uart, const uint8_t *buf, size_t len)
{
	size_t i;

	pthread_mutex_lock(&uart->lock);
	uart->polls = 0;
	if (is_plain(uart)) {
		uart->config.tx(uart->config.opaque, buf, len);
		if (!(uart->ris & INT_TX)) {
			uart->ris |= INT_TX;
			update(uart);
		}
	} else {
		for (i = 0; i < len; i++)
			tx_write(uart, buf[i]);
		update(uart);
	}
	pthread_mutex_unlock(&uart->lock);
}

size_t pl011_receive(struct pl011 *uart, const uint8_t *buf, size_t len)
{
	size_t i, n;

	pthread_mutex_lock(&uart->lock);
	n = rx_room(uart);
	if (n > len)
		n = len;
	for (i = 0; i < n; i++)
		rx_push(uart, buf[i]);
	if (n < len)
		uart->rx_owed = true;
	update(uart);
	pthread_mutex_unlock(&uart->lock);
	return n;
}

void pl011_receive_break(struct pl011 *uart)
{
	pthread_mutex_lock(&uart->lock);
	if (rx_enabled(uart) && !(uart->cr & CR_LBE))
		rx_push(uart, DR_BE);
	update(uart);
	pthread_mutex_unlock(&uart->lock);
}
