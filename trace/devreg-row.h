/* SPDX-License-Identifier: GPL-2.0-only */
/* How devreg*.c write a device's registers down. */
#ifndef TL_TRACE_DEVREG_ROW_H
#define TL_TRACE_DEVREG_ROW_H

#include <stdint.h>

/*
 * A register, or a row of them: @count registers of @stride bytes, called
 * @name and a number from @first on.
 */
struct reg {
	uint32_t offset;
	uint16_t stride, count;
	const char *name;
	uint8_t first;
};

#define ONE(offset, name)             \
	{                             \
		offset, 4, 0, name, 0 \
	}
#define WIDE(offset, size, name)         \
	{                                \
		offset, size, 0, name, 0 \
	}
#define ROW(offset, stride, count, name)       \
	{                                      \
		offset, stride, count, name, 0 \
	}

/* devreg-vexpress.c's; they end with a row that has no name. */
extern const struct reg devreg_sp804[];
extern const struct reg devreg_vexpress_sysreg[];

#endif
