// SPDX-License-Identifier: GPL-2.0-only
/* The devices of a boot: what the board's table says, in its order. */
#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "arch-arm/virt.h"
#include "backend/vsock-uds.h"
#include "hw/pl011-regs.h"
#include "hw/pl011.h"
#include "hw/pl031.h"
#include "hw/pl061.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "machine-parts.h"
#include "virtio/blk.h"
#include "virtio/mmio.h"
#include "virtio/net.h"
#include "virtio/rng.h"
#include "virtio/vsock.h"

static void spi_set(void *opaque, bool level)
{
	struct spi_line *line = opaque;

	vm_irq_line(line->vm, line->irq, level);
}

static void spi_pulse(void *opaque)
{
	struct spi_line *line = opaque;

	vm_irq_line(line->vm, line->irq, true);
	vm_irq_line(line->vm, line->irq, false);
}

struct irq_line machine_connect_spi(struct boot *boot, unsigned int i)
{
	struct spi_line *line = &boot->line[i];

	line->vm = &boot->vm;
	line->irq = arch_spi_line(boot->board.dev[i].spi);
	return (struct irq_line){ .set = spi_set,
				  .pulse = spi_pulse,
				  .opaque = line };
}

int machine_add_to_bus(struct boot *boot, unsigned int i,
		       const struct mmio_ops *ops, void *dev, struct error *err)
{
	const struct board_dev *row = &boot->board.dev[i];
	const struct mmio_region region = {
		.name = row->name,
		.base = row->base,
		.size = row->size,
		.ops = ops,
		.dev = dev,
	};

	return mmio_bus_add(&boot->bus, &region, err);
}

/* --- PL011 -----------------------------------------------------------------*/

static void uart_tx(void *opaque, const uint8_t *buf, size_t len)
{
	struct boot *boot = opaque;

	panic_watch_feed(&boot->panic, buf, len);
	chardev_write_all(boot->session->serial, buf, len);
	machine_uart_busy(boot);
}

static void uart_rx_room(void *opaque)
{
	struct boot *boot = opaque;

	chardev_room(boot->session->serial);
}

static size_t uart_input(void *opaque, const uint8_t *buf, size_t len)
{
	struct boot *boot = opaque;

	if (boot->session->paused)
		return 0;
	return pl011_receive(boot->uart, buf, len);
}

/*
 * What firmware would leave behind: enabled, 115200 8N1 from 24 MHz.  Linux then
 * writes UARTCR around each early message as it was, which need not exit.  The
 * receiver is off: Linux unmasks its interrupt for a moment before it empties
 * the FIFO and begins, and what was typed ahead would be gone.
 */
static void set_up_pl011(struct pl011 *uart)
{
	pl011_mmio_ops.write(uart, UARTIBRD, 4, 13);
	pl011_mmio_ops.write(uart, UARTFBRD, 4, 1);
	pl011_mmio_ops.write(uart, UARTLCR_H, 4, LCR_H_8BIT | LCR_H_FEN);
	pl011_mmio_ops.write(uart, UARTCR, 4, CR_TXE | CR_UARTEN);
}

static int create_pl011(struct boot *boot, unsigned int i, struct error *err)
{
	const struct pl011_config config = {
		.irq = machine_connect_spi(boot, i),
		.tx = uart_tx,
		.rx_room = uart_rx_room,
		.tx_plain = machine_uart_plain,
		.inert = machine_uart_inert,
		.opaque = boot,
		.shadow = machine_shadow(boot, i),
	};
	const struct chardev_front front = {
		.input = uart_input,
		.opaque = boot,
	};

	machine_uart_open(boot, i);
	boot->uart = pl011_new(&config);
	if (!boot->uart)
		return error_set(err, TL_FAIL, ENOMEM, "no memory for a UART");
	set_up_pl011(boot->uart);
	/* What the virtio console shares with it is the output alone. */
	if (boot->session->serial != boot->session->console)
		chardev_attach(boot->session->serial, &front);
	return machine_add_to_bus(boot, i, &pl011_mmio_ops, boot->uart, err);
}

/* --- PL031 -----------------------------------------------------------------*/

/* Translate the deadline, wall-clock time, to the loop's monotonic time. */
static void arm_alarm(struct rtc_alarm *alarm)
{
	uint64_t due = pl031_deadline_ns(alarm->rtc);
	uint64_t now = clock_realtime.now_ns(clock_realtime.opaque);
	uint64_t when = UINT64_MAX;

	if (due != UINT64_MAX)
		when = monotonic_ns() + (due > now ? due - now : 0);
	evloop_timer_set(alarm->timer, when);
}

static void alarm_due(void *opaque)
{
	struct rtc_alarm *alarm = opaque;

	pl031_tick(alarm->rtc);
	arm_alarm(alarm);
}

static void alarm_moved(void *opaque)
{
	const struct session *session = opaque;
	struct boot *boot = session->boot;

	/* A boot that has ended since may have asked. */
	if (!boot)
		return;
	atomic_store(&boot->alarm.is_posted, false);
	arm_alarm(&boot->alarm);
}

/* On a vCPU thread, under the device's lock: leave it to the loop. */
static void alarm_changed(void *opaque)
{
	struct boot *boot = opaque;
	struct rtc_alarm *alarm = &boot->alarm;

	if (!atomic_exchange(&alarm->is_posted, true) &&
	    evloop_post(alarm->loop, alarm_moved, boot->session))
		atomic_store(&alarm->is_posted, false);
}

static int create_pl031(struct boot *boot, unsigned int i, struct error *err)
{
	const struct pl031_config config = {
		.irq = machine_connect_spi(boot, i),
		.clock = clock_realtime,
	};
	struct rtc_alarm *alarm = &boot->alarm;

	alarm->loop = boot->session->loop;
	alarm->rtc = pl031_new(&config);
	if (!alarm->rtc)
		return error_set(err, TL_FAIL, ENOMEM, "no memory for an RTC");
	alarm->timer = evloop_timer_new(alarm->loop, alarm_due, alarm, err);
	if (!alarm->timer)
		return err ? -err->errnum : -ENOMEM;
	pl031_set_alarm_cb(alarm->rtc, alarm_changed, boot);
	return machine_add_to_bus(boot, i, &pl031_mmio_ops, alarm->rtc, err);
}

static void destroy_pl031(struct rtc_alarm *alarm)
{
	evloop_timer_free(alarm->timer);
	if (alarm->rtc)
		pl031_free(alarm->rtc);
}

/* --- PL061 and what is on its lines ----------------------------------------*/

static int create_pl061(struct boot *boot, unsigned int i, struct error *err)
{
	const struct pl061_config config = { .irq = machine_connect_spi(boot,
									i) };
	int ret;

	boot->gpio = pl061_new(&config);
	if (!boot->gpio)
		return error_set(err, TL_FAIL, ENOMEM, "no memory for a GPIO");
	ret = power_key_new(boot->session->loop, boot->gpio, VIRT_GPIO_POWER,
			    &boot->power_key, err);
	if (ret)
		return ret;
	return machine_add_to_bus(boot, i, &pl061_mmio_ops, boot->gpio, err);
}

/* --- power -----------------------------------------------------------------*/

static void power_off(void *opaque)
{
	struct boot *boot = opaque;

	session_end(boot->session, END_POWER_OFF, NULL);
}

static void power_reset(void *opaque)
{
	struct boot *boot = opaque;

	session_end(boot->session, END_RESET, NULL);
}

struct power_switch machine_power(struct boot *boot)
{
	return (struct power_switch){ .off = power_off,
				      .reset = power_reset,
				      .opaque = boot };
}

/* --- virtio ----------------------------------------------------------------*/

/* An irqfd spares the worker an ioctl; without one it pulses the line. */
static int bind_irqfd(struct boot *boot, unsigned int i)
{
	unsigned int spi = boot->board.dev[i].spi;
	int fd, ret;

	if (!boot->vm.has_irqfd)
		return -1;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -1;
	ret = vm_bind_irqfd(&boot->vm, arch_spi_gsi(spi), fd);
	if (ret) {
		log_debug("%s: no irqfd for SPI %u: %s",
			  boot->board.dev[i].name, spi, strerror(-ret));
		close(fd);
		return -1;
	}
	return fd;
}

/* A queue without an ioeventfd is notified by the register write's exit. */
static void bind_ioeventfds(struct boot *boot, unsigned int i)
{
	const struct board_dev *row = &boot->board.dev[i];
	struct virtio_mmio *dev = boot->virtio[i];
	unsigned int q;
	int ret;

	for (q = 0; q < virtio_mmio_nr_queues(dev); q++) {
		ret = vm_bind_ioeventfd(&boot->vm,
					row->base + VIRTIO_MMIO_QUEUE_NOTIFY, q,
					virtio_mmio_kick_fd(dev, q));
		if (ret)
			log_debug("%s: no ioeventfd for queue %u: %s",
				  row->name, q, strerror(-ret));
	}
}

static int new_blk(struct session *session, unsigned int index,
		   struct virtio_device **vdev, struct error *err)
{
	struct disk *disk;
	int ret;

	ret = session_disk(session, index, &disk, err);
	if (ret)
		return ret;
	return virtio_blk_new(disk, session->cfg->disk[index].queues, vdev,
			      err);
}

int machine_net_open(const struct config_net *cfg, struct net **net,
		     struct error *err)
{
	const struct net_passt_config passt = {
		.program = "passt",
		.mac = cfg->mac,
		.mtu = cfg->mtu,
		.fwd = cfg->fwd,
		.nr_fwd = cfg->nr_fwd,
	};

	if (cfg->mode == CONFIG_NET_TAP)
		return net_tap_open(&cfg->tap, net, err);
	return net_passt_open(&passt, net, err);
}

static int new_net(struct session *session, unsigned int index,
		   struct virtio_device **vdev, struct error *err)
{
	const struct config_net *cfg = &session->cfg->net[index];
	struct virtio_net_options options = { .mtu = cfg->mtu };

	memcpy(options.mac, cfg->mac, sizeof(options.mac));
	return virtio_net_new(net_get(session->net[index]), &options, vdev,
			      err);
}

static int new_vsock(struct boot *boot, struct virtio_device **vdev,
		     struct error *err)
{
	const struct config_vsock *cfg = &boot->cfg->vsock;
	struct vsock_host *host;
	int ret;

	if (cfg->uds) {
		ret = vsock_uds_open(cfg->uds, &host, err);
		return ret ? ret : virtio_vsock_new(host, cfg->cid, vdev, err);
	}
	if (!boot->vm.has_irqfd)
		return error_set(err, TL_HOST, ENOTSUP,
				 "vsock: the host's kernel cannot serve it "
				 "without irqfd: give a path (uds=PATH)");
	return virtio_vsock_vhost_new(cfg->cid, vdev, err);
}

static int vdev_new(struct boot *boot, unsigned int i,
		    struct virtio_device **out, struct error *err)
{
	const unsigned int index = boot->board.index[i];

	switch (boot->board.virtio[i]) {
	case BOARD_VIRTIO_BLK:
		return new_blk(boot->session, index, out, err);
	case BOARD_VIRTIO_NET:
		return new_net(boot->session, index, out, err);
	case BOARD_VIRTIO_CONSOLE:
		return machine_console_new(boot, out, err);
	case BOARD_VIRTIO_RNG:
		return virtio_rng_new(NULL, out, err);
	case BOARD_VIRTIO_BALLOON:
		return machine_balloon_new(boot->session, out, err);
	case BOARD_VIRTIO_VSOCK:
		return new_vsock(boot, out, err);
	}
	return error_set(err, TL_FAIL, ENOTSUP, "no such virtio device: %s",
			 boot->board.dev[i].name);
}

static int create_virtio(struct boot *boot, unsigned int i, struct error *err)
{
	struct virtio_mmio_config config = {
		.gmem = &boot->gmem,
		.irq = machine_connect_spi(boot, i),
		.shadow = machine_shadow(boot, i),
		.ack_inert = machine_virtio_inert,
		.opaque = &boot->ack[i],
		.legacy = boot->cfg->virtio_legacy,
	};
	struct virtio_device *vdev;
	int ret;

	ret = vdev_new(boot, i, &vdev, err);
	if (ret)
		return ret;
	boot->ack[i] = (struct virtio_ack){
		.boot = boot,
		.addr = boot->board.dev[i].base + VIRTIO_MMIO_INTERRUPT_ACK,
	};
	boot->irq_fd[i] = bind_irqfd(boot, i);
	config.irq_fd = boot->irq_fd[i];
	ret = virtio_mmio_new(vdev, &config, &boot->virtio[i], err);
	if (ret)
		return ret;
	if (boot->board.virtio[i] == BOARD_VIRTIO_BALLOON)
		boot->balloon = vdev;
	bind_ioeventfds(boot, i);
	machine_virtio_zones(boot, i);
	return machine_add_to_bus(boot, i, &virtio_mmio_ops, boot->virtio[i],
				  err);
}

/* --- the table -------------------------------------------------------------*/

int machine_devs_create(struct boot *boot, struct error *err)
{
	unsigned int i;
	int ret = 0;

	machine_exits_open(boot);
	for (i = 0; i < BOARD_MAX_DEVS; i++)
		boot->irq_fd[i] = -1;

	for (i = 0; !ret && i < boot->board.nr_devs; i++) {
		switch (boot->board.dev[i].kind) {
		case BOARD_PL011:
			ret = boot->uart ? machine_vexpress_create(boot, i, err)
					 : create_pl011(boot, i, err);
			break;
		case BOARD_PL031:
			ret = create_pl031(boot, i, err);
			break;
		case BOARD_PL061:
			ret = create_pl061(boot, i, err);
			break;
		case BOARD_VIRTIO:
			ret = create_virtio(boot, i, err);
			break;
		case BOARD_POWER:
			boot->power_reg.power = machine_power(boot);
			ret = machine_add_to_bus(boot, i, &power_reg_mmio_ops,
						 &boot->power_reg, err);
			break;
		case BOARD_SP804:
		case BOARD_VEXPRESS_SYSREG:
			ret = machine_vexpress_create(boot, i, err);
			break;
		default:
			ret = error_set(err, TL_FAIL, ENOTSUP,
					"the board has a device that this "
					"machine does not: %s",
					boot->board.dev[i].name);
		}
	}
	if (ret)
		machine_devs_destroy(boot);
	else
		machine_exits_show(boot);
	return ret;
}

void machine_devs_destroy(struct boot *boot)
{
	unsigned int i;

	for (i = boot->board.nr_devs; i-- > 0;) {
		if (boot->virtio[i])
			virtio_mmio_free(boot->virtio[i]);
		boot->virtio[i] = NULL;
		if (boot->irq_fd[i] >= 0)
			close(boot->irq_fd[i]);
		boot->irq_fd[i] = -1;
	}
	boot->balloon = NULL;
	machine_vexpress_destroy(boot);
	power_key_free(boot->power_key);
	boot->power_key = NULL;
	pl061_free(boot->gpio);
	boot->gpio = NULL;
	destroy_pl031(&boot->alarm);
	boot->alarm = (struct rtc_alarm){ .rtc = NULL };
	if (boot->uart && boot->session->serial != boot->session->console)
		chardev_attach(boot->session->serial, NULL);
	machine_uart_close(boot);
	pl011_free(boot->uart);
	boot->uart = NULL;
}
