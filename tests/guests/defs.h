/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bare-metal payloads for machine "virt": flat images, no header, entered where
 * they are loaded with the MMU off.
 */
#ifndef TESTS_GUESTS_DEFS_H
#define TESTS_GUESTS_DEFS_H

#define UART_DR  0x09000000
#define UART_FR  0x09000018
#define RTC_DR   0x09010000
#define GPIO_DIR 0x09030400
#define NOBODY   0x09800000 /* no device here */

/* PSCI 0.2, SMC32 calling convention (ARM DEN 0022) */
#define PSCI_VERSION      0x84000000
#define PSCI_SYSTEM_OFF   0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

/* SMCCC (ARM DEN 0028) */
#define ARCH_WORKAROUND_1 0x80008000

#endif
