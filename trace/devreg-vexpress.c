// SPDX-License-Identifier: GPL-2.0-only
/* What only machine "vexpress-a15" has: DDI 0271 and DUI 0447. */
#include <stddef.h>

#include "devreg-row.h"

const struct reg devreg_sp804[] = {
	ONE(0x00, "Timer1Load"),      ONE(0x04, "Timer1Value"),
	ONE(0x08, "Timer1Control"),   ONE(0x0c, "Timer1IntClr"),
	ONE(0x10, "Timer1RIS"),       ONE(0x14, "Timer1MIS"),
	ONE(0x18, "Timer1BGLoad"),    ONE(0x20, "Timer2Load"),
	ONE(0x24, "Timer2Value"),     ONE(0x28, "Timer2Control"),
	ONE(0x2c, "Timer2IntClr"),    ONE(0x30, "Timer2RIS"),
	ONE(0x34, "Timer2MIS"),       ONE(0x38, "Timer2BGLoad"),
	ROW(0xfe0, 4, 4, "PeriphID"), ROW(0xff0, 4, 4, "PCellID"),
	{ 0, 0, 0, NULL, 0 },
};

const struct reg devreg_vexpress_sysreg[] = {
	ONE(0x00, "SYS_ID"),           ONE(0x04, "SYS_SW"),
	ONE(0x08, "SYS_LED"),          ONE(0x24, "SYS_100HZ"),
	ONE(0x30, "SYS_FLAGS"),        ONE(0x34, "SYS_FLAGSCLR"),
	ONE(0x38, "SYS_NVFLAGS"),      ONE(0x3c, "SYS_NVFLAGSCLR"),
	ONE(0x48, "SYS_MCI"),          ONE(0x4c, "SYS_FLASH"),
	ONE(0x58, "SYS_CFGSW"),        ONE(0x5c, "SYS_24MHZ"),
	ONE(0x60, "SYS_MISC"),         ONE(0x64, "SYS_DMA"),
	ROW(0x84, 4, 2, "SYS_PROCID"), ONE(0xa0, "SYS_CFGDATA"),
	ONE(0xa4, "SYS_CFGCTRL"),      ONE(0xa8, "SYS_CFGSTAT"),
	{ 0, 0, 0, NULL, 0 },
};
