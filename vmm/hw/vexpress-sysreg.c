// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hw/muldiv.h"
#include "hw/reg32.h"
#include "hw/vexpress-sysreg.h"

#define NS_PER_SEC UINT64_C(1000000000)

/* DUI 0447J, 4.3 */
enum {
	SYS_ID = 0x000,
	SYS_SW = 0x004,
	SYS_LED = 0x008,
	SYS_100HZ = 0x024,
	SYS_FLAGS = 0x030, /* and SYS_FLAGSSET */
	SYS_FLAGSCLR = 0x034,
	SYS_NVFLAGS = 0x038, /* and SYS_NVFLAGSSET */
	SYS_NVFLAGSCLR = 0x03c,
	SYS_MCI = 0x048,
	SYS_FLASH = 0x04c,
	SYS_CFGSW = 0x058,
	SYS_24MHZ = 0x05c,
	SYS_MISC = 0x060,
	SYS_DMA = 0x064,
	SYS_PROCID0 = 0x084,
	SYS_PROCID1 = 0x088,
	SYS_CFGDATA = 0x0a0,
	SYS_CFGCTRL = 0x0a4,
	SYS_CFGSTAT = 0x0a8,
};

/* Board revision D (HBI-0190D), AXI, FPGA build 0. */
#define ID_V2M_P1 0x1190f500
/* HBI-0237 with a Cortex-A15; and no tile on site 2. */
#define PROCID_CA15      0x14000237
#define PROCID_NONE      0xff000000

#define CFGCTRL_START    (UINT32_C(1) << 31)
#define CFGCTRL_WRITE    (UINT32_C(1) << 30)
#define CFGSTAT_COMPLETE 1
#define CFGSTAT_ERROR    2

/* Sites: the motherboard and the tile. */
#define SITE_MB  0
#define SITE_DB1 1

/* Functions of SYS_CFGCTRL */
enum cfg_function {
	CFG_OSC = 1,
	CFG_VOLT = 2,
	CFG_RESET = 5,
	CFG_MUXFPGA = 7,
	CFG_SHUTDOWN = 8,
	CFG_REBOOT = 9,
	CFG_DVIMODE = 11,
};

/* A setting that can be read back; nothing here depends on it. */
struct setting {
	uint8_t site, function;
	uint16_t device;
	uint32_t value;
};

/*
 * Oscillators in Hz and voltages in microvolts, within the ranges that Linux's
 * device tree gives for each.
 */
static const struct setting defaults[] = {
	{ SITE_MB, CFG_OSC, 0, 50000000 },  { SITE_MB, CFG_OSC, 1, 23750000 },
	{ SITE_MB, CFG_OSC, 2, 24000000 },  { SITE_MB, CFG_VOLT, 0, 3300000 },
	{ SITE_MB, CFG_MUXFPGA, 0, 0 },     { SITE_MB, CFG_DVIMODE, 0, 0 },
	{ SITE_DB1, CFG_OSC, 0, 50000000 }, { SITE_DB1, CFG_OSC, 4, 40000000 },
	{ SITE_DB1, CFG_OSC, 5, 23750000 }, { SITE_DB1, CFG_OSC, 6, 50000000 },
	{ SITE_DB1, CFG_OSC, 7, 60000000 }, { SITE_DB1, CFG_OSC, 8, 40000000 },
	{ SITE_DB1, CFG_VOLT, 0, 900000 },
};

#define NR_SETTINGS (sizeof(defaults) / sizeof(defaults[0]))

struct vexpress_sysreg {
	struct clock clock;
	struct power_switch power;
	pthread_mutex_t lock; /* protects everything below */

	uint64_t start_ns; /* the counters' zero */
	uint32_t value[NR_SETTINGS];
	uint32_t led, flags, nvflags, cfgsw, dma;
	uint32_t cfgdata, cfgctrl, cfgstat;
	/* Called once the lock is gone. */
	void (*then)(void *opaque);
};

static uint32_t counter(struct vexpress_sysreg *s, uint32_t hz)
{
	const uint64_t ns = s->clock.now_ns(s->clock.opaque) - s->start_ns;

	return (uint32_t)muldiv(ns, hz, NS_PER_SEC);
}

/* --- SYS_CFG ---------------------------------------------------------------*/

/* The index into defaults[] and value[], or -1. */
static int find_setting(uint32_t ctrl)
{
	const uint32_t function = ctrl >> 20 & 0x3f, site = ctrl >> 16 & 3,
		       device = ctrl & 0xfff;
	size_t i;

	for (i = 0; i < NR_SETTINGS; i++)
		if (defaults[i].function == function &&
		    defaults[i].site == site && defaults[i].device == device)
			return (int)i;
	return -1;
}

/* False for what there is not. */
static bool transact(struct vexpress_sysreg *s, uint32_t ctrl)
{
	const uint32_t dcc = ctrl >> 26 & 0xf, site = ctrl >> 16 & 3,
		       position = ctrl >> 12 & 0xf;
	const bool write = ctrl & CFGCTRL_WRITE;
	int i;

	/* One controller and one tile a site. */
	if (dcc || position)
		return false;
	switch (ctrl >> 20 & 0x3f) {
	case CFG_RESET:
	case CFG_REBOOT:
		if (!write || site != SITE_MB)
			return false;
		s->then = s->power.reset;
		return true;
	case CFG_SHUTDOWN:
		if (!write || site != SITE_MB)
			return false;
		s->then = s->power.off;
		return true;
	default:
		i = find_setting(ctrl);
		if (i < 0)
			return false;
		if (write)
			s->value[i] = s->cfgdata;
		else
			s->cfgdata = s->value[i];
		return true;
	}
}

/* A transaction here ends before the write that starts it does. */
static void write_cfgctrl(struct vexpress_sysreg *s, uint32_t ctrl)
{
	s->cfgctrl = ctrl & ~CFGCTRL_START;
	if (!(ctrl & CFGCTRL_START))
		return;
	s->cfgstat = CFGSTAT_COMPLETE;
	if (!transact(s, ctrl))
		s->cfgstat |= CFGSTAT_ERROR;
}

/* --- registers -------------------------------------------------------------*/

static uint32_t reg_read(void *dev, uint64_t reg, uint32_t mask)
{
	struct vexpress_sysreg *s = dev;

	(void)mask;
	switch (reg) {
	case SYS_ID:
		return ID_V2M_P1;
	case SYS_LED:
		return s->led;
	case SYS_100HZ:
		return counter(s, 100);
	case SYS_FLAGS:
		return s->flags;
	case SYS_NVFLAGS:
		return s->nvflags;
	case SYS_CFGSW:
		return s->cfgsw;
	case SYS_24MHZ:
		return counter(s, 24000000);
	case SYS_DMA:
		return s->dma;
	case SYS_PROCID0:
		return PROCID_CA15;
	case SYS_PROCID1:
		return PROCID_NONE;
	case SYS_CFGDATA:
		return s->cfgdata;
	case SYS_CFGCTRL:
		return s->cfgctrl;
	case SYS_CFGSTAT:
		return s->cfgstat;
	/*
	 * No switch is on, no card is in, and the tile on site 1 is the master
	 * (SYS_MISC bit 14).
	 */
	case SYS_SW:
	case SYS_MCI:
	case SYS_FLASH:
	case SYS_MISC:
	default:
		return 0;
	}
}

static void reg_write(void *dev, uint64_t reg, uint32_t val, uint32_t mask)
{
	struct vexpress_sysreg *s = dev;

	switch (reg) {
	case SYS_LED:
		s->led = reg32_merge(s->led, val, mask) & 0xff;
		break;
	case SYS_FLAGS:
		s->flags |= val;
		break;
	case SYS_FLAGSCLR:
		s->flags &= ~val;
		break;
	case SYS_NVFLAGS:
		s->nvflags |= val;
		break;
	case SYS_NVFLAGSCLR:
		s->nvflags &= ~val;
		break;
	case SYS_CFGSW:
		s->cfgsw = reg32_merge(s->cfgsw, val, mask);
		break;
	case SYS_DMA:
		s->dma = reg32_merge(s->dma, val, mask);
		break;
	case SYS_CFGDATA:
		s->cfgdata = reg32_merge(s->cfgdata, val, mask);
		break;
	case SYS_CFGCTRL:
		write_cfgctrl(s, reg32_merge(s->cfgctrl, val, mask));
		break;
	case SYS_CFGSTAT:
		s->cfgstat = reg32_merge(s->cfgstat, val, mask) & 3;
		break;
	default:
		break;
	}
}

static uint64_t sysreg_read(void *dev, uint64_t offset, unsigned int size)
{
	struct vexpress_sysreg *s = dev;
	uint64_t val;

	pthread_mutex_lock(&s->lock);
	val = reg32_read(s, offset, size, reg_read);
	pthread_mutex_unlock(&s->lock);
	return val;
}

static void sysreg_write(void *dev, uint64_t offset, unsigned int size,
			 uint64_t val)
{
	struct vexpress_sysreg *s = dev;
	void (*then)(void *opaque);

	pthread_mutex_lock(&s->lock);
	reg32_write(s, offset, size, val, reg_write);
	then = s->then;
	s->then = NULL;
	pthread_mutex_unlock(&s->lock);
	if (then)
		then(s->power.opaque);
}

const struct mmio_ops vexpress_sysreg_mmio_ops = {
	.read = sysreg_read,
	.write = sysreg_write,
};

struct vexpress_sysreg *
vexpress_sysreg_new(const struct vexpress_sysreg_config *config)
{
	struct vexpress_sysreg *s;
	size_t i;

	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->clock = config->clock;
	s->power = config->power;
	s->start_ns = s->clock.now_ns(s->clock.opaque);
	for (i = 0; i < NR_SETTINGS; i++)
		s->value[i] = defaults[i].value;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void vexpress_sysreg_free(struct vexpress_sysreg *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}
