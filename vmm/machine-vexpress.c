// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices that only machine "vexpress-a15" has.  Its timers and counters
 * run on a clock that stands still while the guest is held, as the guest's own
 * counter does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "arch-arm/vexpress.h"
#include "hw/pl011.h"
#include "hw/sp804.h"
#include "hw/vexpress-sysreg.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "machine-parts.h"

struct vexpress_timer {
	struct vexpress *owner;
	struct sp804 *timers;
	struct evloop *loop;
	struct evloop_timer *alarm;
	int moved_fd; /* the deadline moved */
};

struct vexpress {
	pthread_mutex_t lock; /* the clock's */
	bool held;
	uint64_t held_at;   /* monotonic time, while held */
	uint64_t behind_ns; /* how long it was held, all in all */

	struct pl011 *uart[VEXPRESS_NR_UARTS - 1]; /* besides the console's */
	unsigned int nr_uarts;
	struct vexpress_timer timer[VEXPRESS_NR_TIMERS];
	unsigned int nr_timers;
	struct vexpress_sysreg *sysreg;
};

/* --- the clock -------------------------------------------------------------*/

static uint64_t board_now(void *opaque)
{
	struct vexpress *v = opaque;
	uint64_t now;

	pthread_mutex_lock(&v->lock);
	now = (v->held ? v->held_at : monotonic_ns()) - v->behind_ns;
	pthread_mutex_unlock(&v->lock);
	return now;
}

/* The deadline is the board's time; the loop's is monotonic. */
static void arm_alarm(struct vexpress_timer *t)
{
	struct vexpress *v = t->owner;
	uint64_t due = sp804_deadline_ns(t->timers);

	pthread_mutex_lock(&v->lock);
	if (v->held)
		due = UINT64_MAX;
	else if (due != UINT64_MAX)
		due += v->behind_ns;
	pthread_mutex_unlock(&v->lock);
	evloop_timer_set(t->alarm, due);
}

void machine_vexpress_hold(struct boot *boot)
{
	struct vexpress *v = boot->vexpress;
	unsigned int i;

	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	if (!v->held)
		v->held_at = monotonic_ns();
	v->held = true;
	pthread_mutex_unlock(&v->lock);
	for (i = 0; i < v->nr_timers; i++)
		arm_alarm(&v->timer[i]);
}

void machine_vexpress_release(struct boot *boot)
{
	struct vexpress *v = boot->vexpress;
	unsigned int i;

	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	if (v->held)
		v->behind_ns += monotonic_ns() - v->held_at;
	v->held = false;
	pthread_mutex_unlock(&v->lock);
	for (i = 0; i < v->nr_timers; i++)
		arm_alarm(&v->timer[i]);
}

/* --- SP804 -----------------------------------------------------------------*/

static void alarm_due(void *opaque)
{
	struct vexpress_timer *t = opaque;

	sp804_tick(t->timers);
	arm_alarm(t);
}

static void alarm_moved(void *opaque, uint32_t events)
{
	struct vexpress_timer *t = opaque;
	uint64_t count;

	(void)events;
	if (read(t->moved_fd, &count, sizeof(count)) == sizeof(count))
		arm_alarm(t);
}

/* On a vCPU thread, under the device's lock: leave it to the loop. */
static void alarm_changed(void *opaque)
{
	struct vexpress_timer *t = opaque;
	const uint64_t one = 1;

	if (write(t->moved_fd, &one, sizeof(one)) < 0)
		log_debug("sp804: %s", strerror(errno));
}

static int create_sp804(struct boot *boot, unsigned int i, struct error *err)
{
	struct vexpress *v = boot->vexpress;
	const struct sp804_config config = {
		.irq = machine_connect_spi(boot, i),
		.clock = { .now_ns = board_now, .opaque = v },
		.freq_hz = VEXPRESS_TIMER_HZ,
	};
	struct vexpress_timer *t = &v->timer[v->nr_timers];
	int ret;

	*t = (struct vexpress_timer){ .owner = v,
				      .loop = boot->session->loop,
				      .moved_fd = -1 };
	t->timers = sp804_new(&config);
	if (!t->timers)
		return error_set(err, TL_FAIL, ENOMEM, "no memory for a timer");
	v->nr_timers++;
	t->moved_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->moved_fd < 0)
		return error_set(err, TL_FAIL, errno, "timer: eventfd: %s",
				 strerror(errno));
	t->alarm = evloop_timer_new(t->loop, alarm_due, t, err);
	if (!t->alarm)
		return err ? -err->errnum : -ENOMEM;
	ret = evloop_add(t->loop, t->moved_fd, EPOLLIN, alarm_moved, t, err);
	if (ret)
		return ret;
	sp804_set_alarm_cb(t->timers, alarm_changed, t);
	return machine_add_to_bus(boot, i, &sp804_mmio_ops, t->timers, err);
}

static void destroy_sp804(struct vexpress_timer *t)
{
	if (t->moved_fd >= 0) {
		evloop_del(t->loop, t->moved_fd);
		close(t->moved_fd);
	}
	evloop_timer_free(t->alarm);
	sp804_free(t->timers);
}

/* --- the others ------------------------------------------------------------*/

/* Nothing is plugged into the other serial ports. */
static void discard(void *opaque, const uint8_t *buf, size_t len)
{
	(void)opaque;
	(void)buf;
	(void)len;
}

static int create_uart(struct boot *boot, unsigned int i, struct error *err)
{
	struct vexpress *v = boot->vexpress;
	const struct pl011_config config = {
		.irq = machine_connect_spi(boot, i),
		.tx = discard,
	};
	struct pl011 *uart = pl011_new(&config);

	if (!uart)
		return error_set(err, TL_FAIL, ENOMEM, "no memory for a UART");
	v->uart[v->nr_uarts++] = uart;
	return machine_add_to_bus(boot, i, &pl011_mmio_ops, uart, err);
}

static int create_sysreg(struct boot *boot, unsigned int i, struct error *err)
{
	struct vexpress *v = boot->vexpress;
	const struct vexpress_sysreg_config config = {
		.clock = { .now_ns = board_now, .opaque = v },
		.power = machine_power(boot),
	};

	v->sysreg = vexpress_sysreg_new(&config);
	if (!v->sysreg)
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory for the system registers");
	return machine_add_to_bus(boot, i, &vexpress_sysreg_mmio_ops, v->sysreg,
				  err);
}

int machine_vexpress_create(struct boot *boot, unsigned int i,
			    struct error *err)
{
	if (!boot->vexpress) {
		boot->vexpress = calloc(1, sizeof(*boot->vexpress));
		if (!boot->vexpress)
			return error_set(err, TL_FAIL, ENOMEM,
					 "no memory for the board");
		pthread_mutex_init(&boot->vexpress->lock, NULL);
	}
	switch (boot->board.dev[i].kind) {
	case BOARD_PL011:
		return create_uart(boot, i, err);
	case BOARD_SP804:
		return create_sp804(boot, i, err);
	default:
		return create_sysreg(boot, i, err);
	}
}

void machine_vexpress_destroy(struct boot *boot)
{
	struct vexpress *v = boot->vexpress;

	if (!v)
		return;
	vexpress_sysreg_free(v->sysreg);
	while (v->nr_timers)
		destroy_sp804(&v->timer[--v->nr_timers]);
	while (v->nr_uarts)
		pl011_free(v->uart[--v->nr_uarts]);
	pthread_mutex_destroy(&v->lock);
	free(v);
	boot->vexpress = NULL;
}
