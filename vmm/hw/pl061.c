// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdlib.h>

#include "hw/pl061.h"
#include "hw/reg32.h"

/* DDI 0190B table 3-1 */
enum {
	GPIODATA_FIRST = 0x000,
	GPIODATA_LAST = 0x3fc,
	GPIODIR = 0x400,
	GPIOIS = 0x404,
	GPIOIBE = 0x408,
	GPIOIEV = 0x40c,
	GPIOIE = 0x410,
	GPIORIS = 0x414,
	GPIOMIS = 0x418,
	GPIOIC = 0x41c,
	GPIOAFSEL = 0x420,
	GPIOID_FIRST = 0xfe0, /* GPIOPeriphID0-3, GPIOPCellID0-3 */
	GPIOID_LAST = 0xffc,
};

static const uint8_t pl061_id[] = {
	0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

/*
 * What changes something holds the lock.  What the guest reads does not: it may
 * find a register before or after a change that comes at the same time, as on a
 * board.
 */
struct pl061 {
	struct irq_line irq;
	pthread_mutex_t lock; /* protects everything below */

	_Atomic uint8_t in;    /* what drives the lines from outside */
	_Atomic uint8_t out;   /* what the guest wrote */
	_Atomic uint8_t dir;   /* 1: output */
	_Atomic uint8_t is;    /* 1: level-sensitive */
	_Atomic uint8_t ibe;   /* 1: both edges */
	_Atomic uint8_t iev;   /* 1: rising or high */
	_Atomic uint8_t ie;    /* 1: not masked */
	_Atomic uint8_t afsel; /* stored: there is no alternate function */
	_Atomic uint8_t edges; /* edges seen and not cleared */
	bool irq_level;
};

static uint8_t pins(const struct pl061 *gpio)
{
	return (gpio->out & gpio->dir) | (gpio->in & ~gpio->dir);
}

/*
 * 3.2.4: an edge stays until it is cleared, a level is there as long as its
 * source holds it.
 */
static uint8_t raw_status(const struct pl061 *gpio)
{
	const uint8_t active = ~(gpio->in ^ gpio->iev) & ~gpio->dir;

	return (gpio->edges & ~gpio->is) | (active & gpio->is);
}

static void update(struct pl061 *gpio)
{
	const bool level = raw_status(gpio) & gpio->ie;

	if (level != gpio->irq_level) {
		gpio->irq_level = level;
		irq_line_set(&gpio->irq, level);
	}
}

/* 3.3.1: address bits 9:2 are the mask of the bits that are accessed. */
static uint8_t data_mask(uint64_t reg)
{
	return reg >> 2 & 0xff;
}

static uint32_t reg_read(void *dev, uint64_t reg, uint32_t mask)
{
	struct pl061 *gpio = dev;

	(void)mask;
	switch (reg) {
	case GPIODATA_FIRST ... GPIODATA_LAST:
		return pins(gpio) & data_mask(reg);
	case GPIODIR:
		return gpio->dir;
	case GPIOIS:
		return gpio->is;
	case GPIOIBE:
		return gpio->ibe;
	case GPIOIEV:
		return gpio->iev;
	case GPIOIE:
		return gpio->ie;
	case GPIORIS:
		return raw_status(gpio);
	case GPIOMIS:
		return raw_status(gpio) & gpio->ie;
	case GPIOAFSEL:
		return gpio->afsel;
	case GPIOID_FIRST ... GPIOID_LAST:
		return pl061_id[(reg - GPIOID_FIRST) / 4];
	default:
		return 0;
	}
}

static void write_data(struct pl061 *gpio, uint8_t mask, uint8_t val)
{
	mask &= gpio->dir;
	gpio->out = (gpio->out & ~mask) | (val & mask);
}

static void reg_write(void *dev, uint64_t reg, uint32_t word, uint32_t mask)
{
	struct pl061 *gpio = dev;
	const uint8_t val = word & 0xff;

	/* All registers have eight bits: the other bytes mean nothing. */
	if (!(mask & 0xff))
		return;
	switch (reg) {
	case GPIODATA_FIRST ... GPIODATA_LAST:
		write_data(gpio, data_mask(reg), val);
		break;
	case GPIODIR:
		gpio->dir = val;
		break;
	case GPIOIS:
		gpio->is = val;
		break;
	case GPIOIBE:
		gpio->ibe = val;
		break;
	case GPIOIEV:
		gpio->iev = val;
		break;
	case GPIOIE:
		gpio->ie = val;
		break;
	case GPIOIC:
		gpio->edges &= ~val;
		break;
	case GPIOAFSEL:
		gpio->afsel = val;
		break;
	default:
		break;
	}
}

static uint64_t pl061_mmio_read(void *dev, uint64_t offset, unsigned int size)
{
	return reg32_read(dev, offset, size, reg_read);
}

static void pl061_mmio_write(void *dev, uint64_t offset, unsigned int size,
			     uint64_t val)
{
	struct pl061 *gpio = dev;

	pthread_mutex_lock(&gpio->lock);
	reg32_write(gpio, offset, size, val, reg_write);
	update(gpio);
	pthread_mutex_unlock(&gpio->lock);
}

const struct mmio_ops pl061_mmio_ops = {
	.read = pl061_mmio_read,
	.write = pl061_mmio_write,
};

void pl061_set_input(struct pl061 *gpio, unsigned int line, bool level)
{
	uint8_t bit, rising, wanted;

	if (line >= PL061_LINES)
		return;
	bit = 1u << line;
	pthread_mutex_lock(&gpio->lock);
	if (!!(gpio->in & bit) != level) {
		gpio->in ^= bit;
		rising = level ? bit : 0;
		wanted = gpio->ibe | ~(rising ^ gpio->iev);
		gpio->edges |= bit & wanted & ~gpio->dir & ~gpio->is;
		update(gpio);
	}
	pthread_mutex_unlock(&gpio->lock);
}

void pl061_reset(struct pl061 *gpio)
{
	pthread_mutex_lock(&gpio->lock);
	gpio->out = 0;
	gpio->dir = 0;
	gpio->is = 0;
	gpio->ibe = 0;
	gpio->iev = 0;
	gpio->ie = 0;
	gpio->afsel = 0;
	gpio->edges = 0;
	update(gpio);
	pthread_mutex_unlock(&gpio->lock);
}

struct pl061 *pl061_new(const struct pl061_config *config)
{
	struct pl061 *gpio;

	gpio = calloc(1, sizeof(*gpio));
	if (!gpio)
		return NULL;
	gpio->irq = config->irq;
	pthread_mutex_init(&gpio->lock, NULL);
	return gpio;
}

void pl061_free(struct pl061 *gpio)
{
	if (!gpio)
		return;
	pthread_mutex_destroy(&gpio->lock);
	free(gpio);
}
