// SPDX-License-Identifier: GPL-2.0-only
/*
 * What spares exits: registers that a guest reads from a page, characters that
 * KVM keeps in its ring, and writes that KVM knows to do nothing.
 *
 * Such a character is noticed at the next exit of any vCPU, and if there is
 * none, by a timer.  The timer must not run for a guest that prints nothing, so
 * the zone exists only while output flows, and a while without any takes it away.
 * What sets it up is a write that KVM knows to do nothing (Linux has one before
 * each message), which wakes the timer's thread; else a character that exits.
 *
 * When the ring is full a character exits all the same, and takes the others
 * along.  So the timer follows the output: such a write, a tick that finds more
 * than three quarters of a ring, or a ring that was full, makes it faster, and a
 * tick that finds less than a quarter slower, as it costs as much as four
 * characters.
 *
 * The thread is made when a guest has run for a while, or with its first
 * character if that comes before: most bare-metal guests print nothing, and a
 * scheduler lets a new thread wait where others want the processor.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hw/pl011.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/worker.h"
#include "machine-parts.h"

/* Nobody sees whether a character is as late as the slowest tick. */
#define TICK_MAX_NS (4 * 1000 * 1000L)
#define TICK_MIN_NS (TICK_MAX_NS / 20)
#define IDLE_NS     (8 * TICK_MAX_NS)
/* Shorter than any boot of Linux takes to its first message. */
#define START_MS 10

/* The worker's descriptors. */
#define FD_TIMER    0
#define FD_WAKE     1
#define NR_FDS      2

#define UARTDR_SIZE 4

/* --- pages of registers ----------------------------------------------------*/

static bool show_uart(void *opaque, bool on)
{
	struct boot *boot = opaque;
	int ret = ropage_show(&boot->uart_page, on);

	if (ret)
		log_warn("KVM does not %s the page of the UART's registers: %s",
			 on ? "show" : "hide", strerror(-ret));
	return !ret;
}

/* The page with GPA @addr, made where there is none yet. */
static uint8_t *page_regs(struct boot *boot, struct ropage *rp, uint64_t addr)
{
	const uint64_t gpa = addr & ~(uint64_t)(ROPAGE_SIZE - 1);
	int ret;

	if (!arch_host_publish)
		return NULL;
	if (!rp->page) {
		ret = ropage_open(rp, &boot->vm, gpa);
		if (ret) {
			log_debug("no read-only page at 0x%llx: %s",
				  (unsigned long long)gpa, strerror(-ret));
			return NULL;
		}
	}
	return rp->page + (addr - gpa);
}

struct shadow machine_shadow(struct boot *boot, unsigned int i)
{
	const struct board_dev *dev = &boot->board.dev[i];
	struct shadow shadow = { .publish = arch_host_publish };
	uint64_t n;

	if (dev->kind == BOARD_PL011) {
		shadow.regs = page_regs(boot, &boot->uart_page, dev->base);
		shadow.show = show_uart;
		shadow.opaque = boot;
	} else if (dev->kind == BOARD_VIRTIO) {
		n = (dev->base - boot->board.map->virtio_base) / ROPAGE_SIZE;
		shadow.regs = page_regs(boot, &boot->virtio_page[n], dev->base);
	}
	return shadow;
}

/* --- characters in KVM's ring ----------------------------------------------*/

/* Under the lock, like the next three. */
static void set_tick(struct uart_out *out, long ns)
{
	const struct itimerspec spec = {
		.it_interval.tv_nsec = ns,
		.it_value.tv_nsec = ns,
	};

	if (ns == out->tick_ns)
		return;
	out->tick_ns = ns;
	timerfd_settime(out->timer_fd, 0, &spec, NULL);
}

static void follow(struct boot *boot, unsigned int found)
{
	struct uart_out *out = &boot->uart_out;
	long ns = out->tick_ns;

	if (found > boot->coalesced.max / 4 * 3)
		ns /= 2;
	else if (found < boot->coalesced.max / 4)
		ns *= 2;
	if (ns < TICK_MIN_NS)
		ns = TICK_MIN_NS;
	else if (ns > TICK_MAX_NS)
		ns = TICK_MAX_NS;
	set_tick(out, ns);
}

static void arm(struct boot *boot)
{
	struct uart_out *out = &boot->uart_out;

	if (coalesced_zone(&boot->coalesced, out->addr, UARTDR_SIZE, true))
		return;
	out->armed = true;
	out->idle_ns = 0;
	set_tick(out, TICK_MIN_NS);
}

/* What is in the ring by then is for the next exit or tick. */
static void disarm(struct boot *boot)
{
	struct uart_out *out = &boot->uart_out;

	coalesced_zone(&boot->coalesced, out->addr, UARTDR_SIZE, false);
	out->armed = false;
}

void machine_uart_plain(void *opaque, bool plain)
{
	struct boot *boot = opaque;
	struct uart_out *out = &boot->uart_out;

	pthread_mutex_lock(&out->lock);
	out->plain = plain;
	if (!plain && out->armed)
		disarm(boot);
	pthread_mutex_unlock(&out->lock);
}

/* A message may begin; the rest of its writes come with the ticks. */
static void wake(struct boot *boot)
{
	struct uart_out *out = &boot->uart_out;

	coalesced_drain(&boot->coalesced);
	pthread_mutex_lock(&out->lock);
	if (out->armed)
		set_tick(out, TICK_MIN_NS);
	else if (out->plain)
		arm(boot);
	pthread_mutex_unlock(&out->lock);
}

static void tick(struct boot *boot)
{
	struct uart_out *out = &boot->uart_out;
	unsigned int found;

	found = coalesced_drain(&boot->coalesced);
	pthread_mutex_lock(&out->lock);
	out->idle_ns = found ? 0 : out->idle_ns + out->tick_ns;
	if (out->armed && out->idle_ns >= IDLE_NS)
		disarm(boot);
	if (out->armed)
		follow(boot, found);
	else
		set_tick(out, 0);
	pthread_mutex_unlock(&out->lock);
	/* What came before the zone went. */
	coalesced_drain(&boot->coalesced);
}

static void uart_out_ready(void *opaque, unsigned int index)
{
	struct boot *boot = opaque;
	struct uart_out *out = &boot->uart_out;
	const int fd = index == FD_WAKE ? out->wake_fd : out->timer_fd;
	eventfd_t count;
	bool fast;

	/* A timer's descriptor is read like an eventfd. */
	if (eventfd_read(fd, &count))
		return;
	if (index == FD_WAKE)
		wake(boot);
	else
		tick(boot);
	/* While the timer is at its fastest there is nothing to be woken for. */
	pthread_mutex_lock(&out->lock);
	fast = out->tick_ns == TICK_MIN_NS;
	pthread_mutex_unlock(&out->lock);
	if (fast == out->deaf)
		return;
	out->deaf = fast;
	if (!fast)
		eventfd_read(out->wake_fd, &count);
	worker_watch(out->worker, FD_WAKE, fast ? 0 : POLLIN);
}

/* On the loop's thread, which alone may start others. */
static void start_worker(void *opaque)
{
	struct session *session = opaque;
	struct boot *boot = session->boot;
	struct worker_config config = {
		.name = "uart-out",
		.nr_fds = NR_FDS,
		.ready = uart_out_ready,
		.opaque = boot,
	};
	struct error err = { 0 };
	int fds[NR_FDS];

	/* A boot that has ended since may have asked. */
	if (!boot || boot->uart_out.state != UART_OUT_ASKED)
		return;
	fds[FD_TIMER] = boot->uart_out.timer_fd;
	fds[FD_WAKE] = boot->uart_out.wake_fd;
	config.fds = fds;
	if (worker_new(&config, &boot->uart_out.worker, &err)) {
		log_debug("uart-out: %s", err.text);
		return;
	}
	worker_resume(boot->uart_out.worker);
	boot->uart_out.state = UART_OUT_READY;
}

static void start_due(void *opaque)
{
	struct boot *boot = opaque;
	int unasked = UART_OUT_UNASKED;

	if (atomic_compare_exchange_strong(&boot->uart_out.state, &unasked,
					   UART_OUT_ASKED))
		start_worker(boot->session);
}

void machine_uart_busy(struct boot *boot)
{
	struct uart_out *out = &boot->uart_out;
	int unasked = UART_OUT_UNASKED;

	if (out->armed)
		return;
	if (out->state != UART_OUT_READY) {
		if (atomic_compare_exchange_strong(&out->state, &unasked,
						   UART_OUT_ASKED))
			evloop_post(boot->session->loop, start_worker,
				    boot->session);
		return;
	}
	pthread_mutex_lock(&out->lock);
	if (out->plain && !out->armed)
		arm(boot);
	pthread_mutex_unlock(&out->lock);
}

/*
 * To an eventfd: KVM compares the value, and a write of any other still comes to
 * us.
 */
static void set_inert(const struct boot *boot, uint64_t addr, uint32_t size,
		      uint32_t val, int fd, bool inert)
{
	if (fd >= 0)
		vm_ioeventfd(&boot->vm, addr, size, val, fd, inert);
}

void machine_virtio_inert(void *opaque, bool inert)
{
	const struct virtio_ack *ack = opaque;

	set_inert(ack->boot, ack->addr, 4, VIRTIO_MMIO_INT_VRING,
		  ack->boot->inert_fd, inert);
}

/* 16 bits wide, as Linux's driver writes. */
void machine_uart_inert(void *opaque, bool inert, uint64_t reg, uint16_t val)
{
	struct boot *boot = opaque;
	struct uart_out *out = &boot->uart_out;

	set_inert(boot, out->addr + reg, sizeof(val), val, out->wake_fd, inert);
	/* What it is written before comes next. */
	if (inert)
		machine_uart_busy(boot);
}

static void ring_end(void *opaque)
{
	struct boot *boot = opaque;
	struct uart_out *out = &boot->uart_out;

	if (out->len)
		pl011_send(boot->uart, out->buf, out->len);
	out->len = 0;
}

static void ring_write(void *opaque, uint64_t addr, unsigned int size,
		       uint64_t val)
{
	struct boot *boot = opaque;
	struct uart_out *out = &boot->uart_out;

	if (addr == out->addr) {
		out->buf[out->len++] = (uint8_t)val;
		if (out->len == sizeof(out->buf))
			ring_end(boot);
		return;
	}
	ring_end(boot);
	/* Beside the lowest byte, UARTDR has none that does anything. */
	if (addr - out->addr >= UARTDR_SIZE)
		mmio_bus_write(&boot->bus, addr, size, val);
}

static void ring_full(void *opaque)
{
	struct boot *boot = opaque;
	struct uart_out *out = &boot->uart_out;

	pthread_mutex_lock(&out->lock);
	if (out->armed)
		set_tick(out, TICK_MIN_NS);
	pthread_mutex_unlock(&out->lock);
}

void machine_exits_open(struct boot *boot)
{
	static const struct coalesced_ops ops = {
		.write = ring_write,
		.end = ring_end,
		.full = ring_full,
	};

	if (coalesced_init(&boot->coalesced, &boot->vm, boot->vcpu[0].run, &ops,
			   boot))
		log_debug("KVM does not coalesce writes here");
}

void machine_uart_open(struct boot *boot, unsigned int i)
{
	struct uart_out *out = &boot->uart_out;
	struct error err = { 0 };

	*out = (struct uart_out){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.addr = boot->board.dev[i].base,
		.timer_fd = -1,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	if (!boot->coalesced.ring)
		return;
	out->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (out->timer_fd < 0 || out->wake_fd < 0)
		return;
	out->state = UART_OUT_UNASKED;
	out->start =
		evloop_timer_new(boot->session->loop, start_due, boot, &err);
	/* Without, the first character starts it. */
	if (out->start)
		evloop_timer_set(out->start,
				 monotonic_ns() + START_MS * 1000000ULL);
}

void machine_uart_close(struct boot *boot)
{
	struct uart_out *out = &boot->uart_out;

	if (!out->addr)
		return;
	worker_free(out->worker);
	evloop_timer_free(out->start);
	if (out->timer_fd >= 0)
		close(out->timer_fd);
	if (out->wake_fd >= 0)
		close(out->wake_fd);
	*out = (struct uart_out){ 0 };
}

/* --- all of it -------------------------------------------------------------*/

/*
 * Writes that may be late or get lost: first, what a driver writes before it sets
 * FEATURES_OK or QueueReady, and that no register tells of.
 */
void machine_virtio_zones(struct boot *boot, unsigned int i)
{
	static const struct {
		uint16_t first, last;
	} zone[] = {
		{ VIRTIO_MMIO_DRIVER_FEATURES,
		  VIRTIO_MMIO_DRIVER_FEATURES_SEL },
		{ VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_NUM },
		{ VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH },
	};
	const uint64_t base = boot->board.dev[i].base;
	size_t n;

	if (boot->inert_fd < 0)
		boot->inert_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (n = 0; n < sizeof(zone) / sizeof(zone[0]); n++)
		coalesced_zone(&boot->coalesced, base + zone[n].first,
			       zone[n].last + 4u - zone[n].first, true);
}

void machine_exits_show(struct boot *boot)
{
	unsigned int i;

	for (i = 0; i < BOOT_VIRTIO_PAGES; i++)
		if (boot->virtio_page[i].page &&
		    ropage_show(&boot->virtio_page[i], true))
			log_debug("virtio: KVM does not show the page");
}

void machine_exits_close(struct boot *boot)
{
	unsigned int i;

	coalesced_destroy(&boot->coalesced);
	if (boot->inert_fd >= 0)
		close(boot->inert_fd);
	ropage_close(&boot->uart_page);
	for (i = 0; i < BOOT_VIRTIO_PAGES; i++)
		ropage_close(&boot->virtio_page[i]);
}
