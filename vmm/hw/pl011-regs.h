/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of the PL011 and their bits, ARM DDI 0183G chapter 3. */
#ifndef TL_HW_PL011_REGS_H
#define TL_HW_PL011_REGS_H

/* Offsets, table 3-1 */
enum {
	UARTDR = 0x000,
	UARTRSR = 0x004, /* UARTECR when written */
	UARTFR = 0x018,
	UARTILPR = 0x020,
	UARTIBRD = 0x024,
	UARTFBRD = 0x028,
	UARTLCR_H = 0x02c,
	UARTCR = 0x030,
	UARTIFLS = 0x034,
	UARTIMSC = 0x038,
	UARTRIS = 0x03c,
	UARTMIS = 0x040,
	UARTICR = 0x044,
	UARTDMACR = 0x048,
	UARTID_FIRST = 0xfe0, /* UARTPeriphID0-3, UARTPCellID0-3 */
	UARTID_LAST = 0xffc,
};

/* UARTDR, receive side; UARTRSR has the same bits 8 lower. */
enum {
	DR_FE = 1 << 8,
	DR_PE = 1 << 9,
	DR_BE = 1 << 10,
	DR_OE = 1 << 11,
	DR_ERRORS = DR_FE | DR_PE | DR_BE | DR_OE,
	RSR_OE = DR_OE >> 8,
};

enum {
	FR_CTS = 1 << 0,
	FR_DSR = 1 << 1,
	FR_DCD = 1 << 2,
	FR_BUSY = 1 << 3,
	FR_RXFE = 1 << 4,
	FR_TXFF = 1 << 5,
	FR_RXFF = 1 << 6,
	FR_TXFE = 1 << 7,
	FR_RI = 1 << 8,
};

enum {
	LCR_H_BRK = 1 << 0,
	LCR_H_FEN = 1 << 4,
	LCR_H_8BIT = 3 << 5,
};

enum {
	CR_UARTEN = 1 << 0,
	CR_LBE = 1 << 7,
	CR_TXE = 1 << 8,
	CR_RXE = 1 << 9,
	CR_DTR = 1 << 10,
	CR_RTS = 1 << 11,
	CR_OUT1 = 1 << 12,
	CR_OUT2 = 1 << 13,
	CR_RESET = CR_RXE | CR_TXE,
	CR_MASK = 0xff87,
};

#define IFLS_RESET 0x12

/* UARTIMSC, UARTRIS, UARTMIS, UARTICR */
enum {
	INT_RI = 1 << 0,
	INT_CTS = 1 << 1,
	INT_DCD = 1 << 2,
	INT_DSR = 1 << 3,
	INT_RX = 1 << 4,
	INT_TX = 1 << 5,
	INT_RT = 1 << 6,
	INT_FE = 1 << 7,
	INT_PE = 1 << 8,
	INT_BE = 1 << 9,
	INT_OE = 1 << 10,
	INT_MASK = 0x7ff,
};

#endif
