// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hw/muldiv.h"
#include "hw/reg32.h"
#include "hw/sp804.h"

#define NR_TIMERS  2
#define NS_PER_SEC UINT64_C(1000000000)

/* DDI 0271D, 3.2; the second timer's are 0x20 higher. */
enum {
	LOAD = 0x00,
	VALUE = 0x04,
	CONTROL = 0x08,
	INTCLR = 0x0c,
	RIS = 0x10,
	MIS = 0x14,
	BGLOAD = 0x18,
	TIMER_STRIDE = 0x20,
	ID_FIRST = 0xfe0, /* TimerPeriphID0-3, TimerPCellID0-3 */
	ID_LAST = 0xffc,
};

/* Its TimerXControl */
#define CTRL_ONESHOT  0x01
#define CTRL_32BIT    0x02
#define CTRL_PRESCALE 0x0c
#define CTRL_IE       0x20
#define CTRL_PERIODIC 0x40
#define CTRL_ENABLE   0x80
#define CTRL_MASK     0xef

static const uint8_t sp804_id[] = {
	0x04, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

struct timer {
	uint8_t control;
	bool ris;
	bool halted;   /* a one-shot that has reached zero */
	uint32_t load; /* what a periodic timer starts again from */
	/* The counter had @from at @base_ns and counts down from there. */
	uint64_t base_ns;
	uint64_t from;
};

struct sp804 {
	struct irq_line irq;
	struct clock clock;
	uint32_t freq_hz;
	pthread_mutex_t lock; /* protects everything below */

	struct timer timer[NR_TIMERS];
	bool irq_level;
	void (*changed)(void *opaque);
	void *changed_opaque;
	uint64_t told_ns; /* deadline at the last call of changed() */
};

/* --- counting --------------------------------------------------------------*/

static bool counts(const struct timer *t)
{
	return t->control & CTRL_ENABLE && !t->halted;
}

static unsigned int prescale(const struct timer *t)
{
	/* 3 is not defined; it is taken for 2. */
	static const uint16_t by[] = { 1, 16, 256, 256 };

	return by[(t->control & CTRL_PRESCALE) >> 2];
}

/* Rounded up: never early. */
static uint64_t ticks_ns(const struct sp804 *s, const struct timer *t,
			 uint64_t ticks)
{
	ticks *= prescale(t);
	return ticks / s->freq_hz * NS_PER_SEC +
	       (ticks % s->freq_hz * NS_PER_SEC + s->freq_hz - 1) / s->freq_hz;
}

static uint64_t ns_ticks(const struct sp804 *s, const struct timer *t,
			 uint64_t ns)
{
	return muldiv(ns, s->freq_hz, NS_PER_SEC) / prescale(t);
}

static uint32_t width_mask(const struct timer *t)
{
	return t->control & CTRL_32BIT ? UINT32_MAX : UINT16_MAX;
}

/*
 * From one time at zero to the next: a periodic timer loads again as it gets
 * there, a free-running one goes through all of its range.
 */
static uint64_t period(const struct timer *t)
{
	if (t->control & CTRL_PERIODIC)
		return t->load & width_mask(t);
	return (uint64_t)width_mask(t) + 1;
}

static uint64_t zero_ns(const struct sp804 *s, const struct timer *t)
{
	return t->base_ns + ticks_ns(s, t, t->from);
}

/* Let what has happened by @now happen. */
static void advance(const struct sp804 *s, struct timer *t, uint64_t now)
{
	uint64_t over, each;

	if (!counts(t) || now < zero_ns(s, t))
		return;
	t->ris = true;
	each = period(t);
	if (t->control & CTRL_ONESHOT || !each) {
		/* A period of nothing would never move on. */
		t->halted = true;
		t->from = 0;
		return;
	}
	over = ns_ticks(s, t, now - t->base_ns) - t->from;
	t->base_ns += ticks_ns(s, t, t->from + over / each * each);
	t->from = each;
}

static uint32_t value(const struct sp804 *s, const struct timer *t,
		      uint64_t now)
{
	uint64_t gone = counts(t) ? ns_ticks(s, t, now - t->base_ns) : 0;
	uint64_t left = gone < t->from ? t->from - gone : 0;

	/* A free-running counter is at zero before it is at its highest. */
	return left > width_mask(t) && left == period(t) ? 0 : (uint32_t)left;
}

/* Count on from @from as of @now. */
static void restart(struct timer *t, uint64_t now, uint32_t from)
{
	t->base_ns = now;
	t->from = t->control & CTRL_ENABLE ? from & width_mask(t) : from;
	t->halted = false;
}

/* --- registers -------------------------------------------------------------*/

static uint64_t now_ns(struct sp804 *s)
{
	return s->clock.now_ns(s->clock.opaque);
}

static bool masked_status(const struct timer *t)
{
	return t->ris && t->control & CTRL_IE;
}

static uint64_t deadline(const struct sp804 *s)
{
	uint64_t first = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < NR_TIMERS; i++) {
		const struct timer *t = &s->timer[i];

		/* With its status set already, zero changes nothing. */
		if (counts(t) && t->control & CTRL_IE && !t->ris &&
		    zero_ns(s, t) < first)
			first = zero_ns(s, t);
	}
	return first;
}

/* Let the interrupt line and the owner's timer follow the registers. */
static void update(struct sp804 *s)
{
	const bool level = masked_status(&s->timer[0]) ||
			   masked_status(&s->timer[1]);
	const uint64_t when = deadline(s);

	if (level != s->irq_level) {
		s->irq_level = level;
		irq_line_set(&s->irq, level);
	}
	if (when != s->told_ns) {
		s->told_ns = when;
		if (s->changed)
			s->changed(s->changed_opaque);
	}
}

static void advance_all(struct sp804 *s)
{
	const uint64_t now = now_ns(s);
	unsigned int i;

	for (i = 0; i < NR_TIMERS; i++)
		advance(s, &s->timer[i], now);
}

static uint32_t reg_read(void *dev, uint64_t reg, uint32_t mask)
{
	struct sp804 *s = dev;
	const struct timer *t = &s->timer[reg / TIMER_STRIDE % NR_TIMERS];

	(void)mask;
	if (reg >= ID_FIRST && reg <= ID_LAST)
		return sp804_id[(reg - ID_FIRST) / 4];
	if (reg >= NR_TIMERS * TIMER_STRIDE)
		return 0;
	switch (reg % TIMER_STRIDE) {
	case LOAD:
	case BGLOAD:
		return t->load;
	case VALUE:
		return value(s, t, now_ns(s));
	case CONTROL:
		return t->control;
	case RIS:
		return t->ris;
	case MIS:
		return masked_status(t);
	default:
		return 0;
	}
}

static void write_control(struct sp804 *s, struct timer *t, uint32_t control)
{
	const uint64_t now = now_ns(s);
	const bool was_there = t->halted || (counts(t) && !value(s, t, now));
	const bool halted = t->halted && control & CTRL_ONESHOT;
	const uint32_t from = value(s, t, now);

	t->control = control & CTRL_MASK;
	restart(t, now, from);
	t->halted = halted;
	/* Zero was reached before: it goes on from there. */
	if (was_there && !halted)
		t->from = period(t);
}

static void reg_write(void *dev, uint64_t reg, uint32_t val, uint32_t mask)
{
	struct sp804 *s = dev;
	struct timer *t = &s->timer[reg / TIMER_STRIDE % NR_TIMERS];

	if (reg >= NR_TIMERS * TIMER_STRIDE)
		return;
	switch (reg % TIMER_STRIDE) {
	case LOAD:
		t->load = reg32_merge(t->load, val, mask);
		restart(t, now_ns(s), t->load);
		/* A load of 0 interrupts at once. */
		advance(s, t, t->base_ns);
		break;
	case BGLOAD:
		t->load = reg32_merge(t->load, val, mask);
		break;
	case CONTROL:
		write_control(s, t, reg32_merge(t->control, val, mask));
		break;
	case INTCLR:
		/* Any write clears. */
		t->ris = false;
		break;
	default:
		break;
	}
}

static uint64_t sp804_mmio_read(void *dev, uint64_t offset, unsigned int size)
{
	struct sp804 *s = dev;
	uint64_t val;

	pthread_mutex_lock(&s->lock);
	/* Zero may have come and sp804_tick() not yet. */
	advance_all(s);
	val = reg32_read(s, offset, size, reg_read);
	update(s);
	pthread_mutex_unlock(&s->lock);
	return val;
}

static void sp804_mmio_write(void *dev, uint64_t offset, unsigned int size,
			     uint64_t val)
{
	struct sp804 *s = dev;

	pthread_mutex_lock(&s->lock);
	advance_all(s);
	reg32_write(s, offset, size, val, reg_write);
	advance_all(s);
	update(s);
	pthread_mutex_unlock(&s->lock);
}

const struct mmio_ops sp804_mmio_ops = {
	.read = sp804_mmio_read,
	.write = sp804_mmio_write,
};

struct sp804 *sp804_new(const struct sp804_config *config)
{
	struct sp804 *s;
	unsigned int i;

	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->irq = config->irq;
	s->clock = config->clock;
	s->freq_hz = config->freq_hz;
	s->told_ns = UINT64_MAX;
	/* The counters start full, and 16 bits of them count. */
	for (i = 0; i < NR_TIMERS; i++) {
		s->timer[i].control = CTRL_IE;
		s->timer[i].from = UINT32_MAX;
	}
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void sp804_free(struct sp804 *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

uint64_t sp804_deadline_ns(struct sp804 *s)
{
	uint64_t when;

	pthread_mutex_lock(&s->lock);
	when = deadline(s);
	pthread_mutex_unlock(&s->lock);
	return when;
}

void sp804_tick(struct sp804 *s)
{
	pthread_mutex_lock(&s->lock);
	advance_all(s);
	/* Too early: ask again. */
	if (deadline(s) != UINT64_MAX)
		s->told_ns = UINT64_MAX;
	update(s);
	pthread_mutex_unlock(&s->lock);
}

void sp804_set_alarm_cb(struct sp804 *s, void (*changed)(void *opaque),
			void *opaque)
{
	pthread_mutex_lock(&s->lock);
	s->changed = changed;
	s->changed_opaque = opaque;
	pthread_mutex_unlock(&s->lock);
}
