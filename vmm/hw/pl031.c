// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hw/pl031.h"
#include "hw/reg32.h"

#define NS_PER_SEC UINT64_C(1000000000)

/* DDI 0224C table 3-1 */
enum {
	RTCDR = 0x000,
	RTCMR = 0x004,
	RTCLR = 0x008,
	RTCCR = 0x00c,
	RTCIMSC = 0x010,
	RTCRIS = 0x014,
	RTCMIS = 0x018,
	RTCICR = 0x01c,
	RTCID_FIRST = 0xfe0, /* RTCPeriphID0-3, RTCPCellID0-3 */
	RTCID_LAST = 0xffc,
};

static const uint8_t pl031_id[] = {
	0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

struct pl031 {
	struct irq_line irq;
	struct clock clock;
	pthread_mutex_t lock; /* protects everything below */

	uint32_t offset; /* what RTCDR is ahead of the clock, seconds */
	uint32_t match;  /* RTCMR */
	uint32_t load;   /* RTCLR */
	bool ris;
	bool imsc;
	bool irq_level;

	/*
	 * When RTCDR will equal RTCMR; UINT64_MAX once it did.  The comparator
	 * sees the counter arrive at the value, so a match that was cleared
	 * does not come back within the same second.
	 */
	uint64_t match_ns;

	void (*changed)(void *opaque);
	void *changed_opaque;
	uint64_t told_ns; /* deadline at the last call of changed() */
};

static uint64_t now_ns(struct pl031 *rtc)
{
	return rtc->clock.now_ns(rtc->clock.opaque);
}

static uint32_t counter(struct pl031 *rtc, uint64_t now)
{
	return (uint32_t)(now / NS_PER_SEC) + rtc->offset;
}

static uint64_t deadline(struct pl031 *rtc)
{
	/* With the line high already, another match changes nothing. */
	return rtc->imsc && !rtc->ris ? rtc->match_ns : UINT64_MAX;
}

static void arm(struct pl031 *rtc, uint64_t now)
{
	/* A value that has passed is met again after the counter wraps. */
	uint32_t wait = rtc->match - counter(rtc, now);
	uint64_t sec = now / NS_PER_SEC + wait;

	if (sec > UINT64_MAX / NS_PER_SEC)
		rtc->match_ns = UINT64_MAX;
	else
		rtc->match_ns = sec * NS_PER_SEC;
}

static void check_match(struct pl031 *rtc, uint64_t now)
{
	if (rtc->match_ns == UINT64_MAX || now < rtc->match_ns)
		return;
	rtc->ris = true;
	rtc->match_ns = UINT64_MAX;
}

/* Let the interrupt line and the owner's timer follow the registers. */
static void update(struct pl031 *rtc)
{
	const bool level = rtc->ris && rtc->imsc;
	const uint64_t when = deadline(rtc);

	if (level != rtc->irq_level) {
		rtc->irq_level = level;
		irq_line_set(&rtc->irq, level);
	}
	if (when != rtc->told_ns) {
		rtc->told_ns = when;
		if (rtc->changed)
			rtc->changed(rtc->changed_opaque);
	}
}

static uint32_t reg_read(void *dev, uint64_t reg, uint32_t mask)
{
	struct pl031 *rtc = dev;

	(void)mask;
	switch (reg) {
	case RTCDR:
		return counter(rtc, now_ns(rtc));
	case RTCMR:
		return rtc->match;
	case RTCLR:
		return rtc->load;
	case RTCCR:
		/*
		 * The clock runs on a battery: it was started long before the
		 * guest, and once started it cannot be stopped.
		 */
		return 1;
	case RTCIMSC:
		return rtc->imsc;
	case RTCRIS:
		return rtc->ris;
	case RTCMIS:
		return rtc->ris && rtc->imsc;
	case RTCID_FIRST ... RTCID_LAST:
		return pl031_id[(reg - RTCID_FIRST) / 4];
	default:
		return 0;
	}
}

static void reg_write(void *dev, uint64_t reg, uint32_t val, uint32_t mask)
{
	struct pl031 *rtc = dev;
	const uint64_t now = now_ns(rtc);

	switch (reg) {
	case RTCMR:
		rtc->match = reg32_merge(rtc->match, val, mask);
		break;
	case RTCLR:
		rtc->load = reg32_merge(rtc->load, val, mask);
		rtc->offset = rtc->load - (uint32_t)(now / NS_PER_SEC);
		break;
	case RTCIMSC:
		rtc->imsc = reg32_merge(rtc->imsc, val, mask) & 1;
		return;
	case RTCICR:
		if (val & 1)
			rtc->ris = false;
		return;
	default:
		return;
	}
	arm(rtc, now);
	check_match(rtc, now);
}

static uint64_t pl031_mmio_read(void *dev, uint64_t offset, unsigned int size)
{
	struct pl031 *rtc = dev;
	uint64_t val;

	pthread_mutex_lock(&rtc->lock);
	/* The match may have come and pl031_tick() not yet. */
	check_match(rtc, now_ns(rtc));
	val = reg32_read(rtc, offset, size, reg_read);
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
	return val;
}

static void pl031_mmio_write(void *dev, uint64_t offset, unsigned int size,
			     uint64_t val)
{
	struct pl031 *rtc = dev;

	pthread_mutex_lock(&rtc->lock);
	check_match(rtc, now_ns(rtc));
	reg32_write(rtc, offset, size, val, reg_write);
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

const struct mmio_ops pl031_mmio_ops = {
	.read = pl031_mmio_read,
	.write = pl031_mmio_write,
};

struct pl031 *pl031_new(const struct pl031_config *config)
{
	struct pl031 *rtc;

	rtc = calloc(1, sizeof(*rtc));
	if (!rtc)
		return NULL;
	rtc->irq = config->irq;
	rtc->clock = config->clock;
	rtc->match_ns = UINT64_MAX;
	rtc->told_ns = UINT64_MAX;
	pthread_mutex_init(&rtc->lock, NULL);
	return rtc;
}

void pl031_free(struct pl031 *rtc)
{
	if (!rtc)
		return;
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

void pl031_reset(struct pl031 *rtc)
{
	pthread_mutex_lock(&rtc->lock);
	/*
	 * The counter has a reset of its own, in the battery's power domain
	 * (nRTCRST): a time that the guest set outlives its reboot.
	 */
	rtc->match = 0;
	rtc->load = 0;
	rtc->ris = false;
	rtc->imsc = false;
	rtc->match_ns = UINT64_MAX;
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

uint64_t pl031_deadline_ns(struct pl031 *rtc)
{
	uint64_t when;

	pthread_mutex_lock(&rtc->lock);
	when = deadline(rtc);
	pthread_mutex_unlock(&rtc->lock);
	return when;
}

void pl031_tick(struct pl031 *rtc)
{
	pthread_mutex_lock(&rtc->lock);
	check_match(rtc, now_ns(rtc));
	/* Too early, as after the host's clock was set back: ask again. */
	if (deadline(rtc) != UINT64_MAX)
		rtc->told_ns = UINT64_MAX;
	update(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

void pl031_set_alarm_cb(struct pl031 *rtc, void (*changed)(void *opaque),
			void *opaque)
{
	pthread_mutex_lock(&rtc->lock);
	rtc->changed = changed;
	rtc->changed_opaque = opaque;
	pthread_mutex_unlock(&rtc->lock);
}
