/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PrimeCell UART (PL011), ARM DDI 0183G: the register model with both FIFOs,
 * all interrupts and the identification registers.  Transmission is immediate;
 * baud rate and modem lines are stored and have no effect.
 */
#ifndef TL_HW_PL011_H
#define TL_HW_PL011_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/irq.h"
#include "core/mmio.h"
#include "core/shadow.h"

#define PL011_MMIO_SIZE 0x1000

struct pl011;

struct pl011_config {
	struct irq_line irq; /* level-sensitive, high while UARTMIS != 0 */
	/* Takes @len bytes that the guest sent.  Called with the UART's lock
	 * held, on a vCPU thread; must not call back into the UART. */
	void (*tx)(void *opaque, const uint8_t *buf, size_t len);
	/* The receive FIFO got room again after pl011_receive() took less than
	 * it was given; same rules as tx.  May be NULL. */
	void (*rx_room)(void *opaque);
	/*
	 * From now on a write to UARTDR sends and changes no register but, the
	 * first one, the masked INT_TX in UARTRIS, so that it may be late
	 * (pl011_send()), or does more again; at first it does more.  Under the
	 * UART's lock, before the access that changed it ends.  May be NULL.
	 */
	void (*tx_plain)(void *opaque, bool plain);
	/*
	 * Writes of @val to the register at @reg do nothing: they need not come
	 * here, until this is called with false and the same value.  For UARTCR
	 * and UARTIMSC.  Same rules.
	 */
	void (*inert)(void *opaque, bool inert, uint64_t reg, uint16_t val);
	void *opaque;
	/* Hidden while input waits: reading that has effects. */
	struct shadow shadow;
};

/* Registers for mmio_bus_add(); the device pointer is the struct pl011. */
extern const struct mmio_ops pl011_mmio_ops;

/* NULL only when out of memory. */
struct pl011 *pl011_new(const struct pl011_config *config);
void pl011_free(struct pl011 *uart);

/* Back to the state after power-on (DDI 0183G table 3-1); input is dropped. */
void pl011_reset(struct pl011 *uart);

/*
 * Offer @len bytes of input from the line.  Returns how many the receive FIFO
 * took, from 0 to @len; the caller keeps the rest until rx_room.  Input is
 * never dropped: nothing is taken while the UART or its receiver is disabled, or
 * while the guest neither unmasked a receive interrupt nor polls UARTFR.
 * Any thread.
 */
size_t pl011_receive(struct pl011 *uart, const uint8_t *buf, size_t len);

/*
 * As if the guest had written @buf to UARTDR, a character at a time.  Any
 * thread that tx may be called on.
 */
void pl011_send(struct pl011 *uart, const uint8_t *buf, size_t len);

/* A line break arrives (sets BE and raises the break interrupt). */
void pl011_receive_break(struct pl011 *uart);

#endif
