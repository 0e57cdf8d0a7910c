// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest reads from a page instead of from the device: never another
 * value than the device would give, whatever is done to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "hw/pl011-regs.h"
#include "hw/pl011.h"
#include "virtio/device.h"
#include "virtio/mmio.h"

#define PAGE 0x1000

static struct {
	uint32_t page[PAGE / 4];
	bool shown;
	bool refuse; /* the host does not show or hide */
	unsigned int flips;
	unsigned int published;
	char out[4096];
	size_t out_len;
	bool plain;
	bool irq;
	struct pl011 *uart;
} f;

static void fake_publish(const void *word)
{
	assert_in_range((uintptr_t)word, (uintptr_t)f.page,
			(uintptr_t)f.page + PAGE - 4);
	f.published++;
}

static bool fake_show(void *opaque, bool on)
{
	(void)opaque;
	assert_int_not_equal(on, f.shown);
	if (f.refuse)
		return false;
	f.shown = on;
	f.flips++;
	return true;
}

static void fake_tx(void *opaque, const uint8_t *buf, size_t len)
{
	(void)opaque;
	if (len > sizeof(f.out) - f.out_len)
		f.out_len = 0;
	memcpy(f.out + f.out_len, buf, len);
	f.out_len += len;
}

static void fake_plain(void *opaque, bool plain)
{
	(void)opaque;
	assert_int_not_equal(plain, f.plain);
	f.plain = plain;
}

/* By the time that a guest hears of it, the registers say why. */
static void fake_irq(void *opaque, bool level)
{
	(void)opaque;
	f.irq = level;
	if (f.shown && !f.refuse)
		assert_int_equal(level, f.page[UARTMIS / 4] != 0);
}

static int setup(void **state)
{
	const struct pl011_config config = {
		.irq = { .set = fake_irq },
		.tx = fake_tx,
		.tx_plain = fake_plain,
		.shadow = {
			.regs = (uint8_t *)f.page,
			.publish = fake_publish,
			.show = fake_show,
		},
	};

	(void)state;
	memset(&f, 0, sizeof(f));
	f.uart = pl011_new(&config);
	return f.uart ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	pl011_free(f.uart);
	return 0;
}

static uint32_t rd(uint64_t offset)
{
	return pl011_mmio_ops.read(f.uart, offset, 4);
}

static void wr(uint64_t offset, uint32_t val)
{
	pl011_mmio_ops.write(f.uart, offset, 4, val);
}

/* As a guest reads: from the page where it sees it. */
static uint32_t guest_rd(uint64_t offset)
{
	return f.shown ? f.page[offset / 4] : rd(offset);
}

/* Nothing that a read changes is there while the page is shown. */
static void expect_true_page(void)
{
	uint32_t page[PAGE / 4];
	uint64_t offset;

	if (!f.shown)
		return;
	memcpy(page, f.page, PAGE);
	for (offset = 0; offset < PAGE; offset += 4) {
		const uint32_t val = rd(offset);

		if (val != page[offset / 4])
			fail_msg("register 0x%x: page 0x%x, device 0x%x",
				 (unsigned int)offset, page[offset / 4], val);
	}
}

static void test_reset_values(void **state)
{
	(void)state;
	assert_true(f.shown);
	assert_int_equal(f.page[UARTFR / 4] & (FR_RXFE | FR_TXFE),
			 FR_RXFE | FR_TXFE);
	assert_int_equal(f.page[UARTCR / 4], CR_RESET);
	assert_int_equal(f.page[UARTID_FIRST / 4], 0x11);
	assert_int_equal(f.page[UARTID_LAST / 4], 0xb1);
	expect_true_page();
	assert_true(f.published);
}

/* Hidden before the flags tell of input, shown when all of it was read. */
static void test_hidden_while_input_waits(void **state)
{
	unsigned int i;

	(void)state;
	wr(UARTIMSC, INT_RX | INT_RT);
	wr(UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
	assert_true(f.shown);
	assert_int_equal(pl011_receive(f.uart, (const uint8_t *)"ab", 2), 1);
	assert_false(f.shown);
	assert_true(f.irq);
	assert_int_equal(rd(UARTDR), 'a');
	assert_int_equal(pl011_receive(f.uart, (const uint8_t *)"b", 1), 1);
	assert_false(f.shown);
	assert_int_equal(rd(UARTDR), 'b');
	for (i = 0; i < 64 && !f.shown; i++)
		rd(UARTFR);
	assert_true(f.shown);
	assert_true(f.page[UARTFR / 4] & FR_RXFE);
	assert_int_equal(f.flips, 3);
	expect_true_page();
}

/* A guest that polls gets its input although its reads are not heard of. */
static void test_polling_guest(void **state)
{
	unsigned int i;

	(void)state;
	wr(UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
	for (i = 0; i < 100; i++)
		assert_true(guest_rd(UARTFR) & FR_RXFE);
	assert_int_equal(pl011_receive(f.uart, (const uint8_t *)"x", 1), 0);
	assert_false(f.shown);
	for (i = 0; i < 100; i++)
		guest_rd(UARTFR);
	assert_int_equal(pl011_receive(f.uart, (const uint8_t *)"x", 1), 1);
	assert_false(guest_rd(UARTFR) & FR_RXFE);
	assert_int_equal(guest_rd(UARTDR), 'x');
}

static void test_host_refuses(void **state)
{
	(void)state;
	wr(UARTIMSC, INT_RX | INT_RT);
	wr(UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
	f.refuse = true;
	pl011_receive(f.uart, (const uint8_t *)"x", 1);
	assert_true(f.shown);
	/* It is tried again at the next occasion. */
	f.refuse = false;
	wr(UARTIBRD, 1);
	assert_false(f.shown);
	assert_int_equal(rd(UARTDR), 'x');
}

/* A write that may be late changes no register, but for one masked bit. */
static void expect_plain_is_plain(void)
{
	uint32_t before[PAGE / 4];

	if (!f.plain || !f.shown)
		return;
	memcpy(before, f.page, PAGE);
	if (!(before[UARTIMSC / 4] & INT_TX))
		before[UARTRIS / 4] |= INT_TX;
	wr(UARTDR, 'p');
	assert_true(f.plain);
	assert_memory_equal(before, f.page, PAGE);
}

static void test_plain(void **state)
{
	(void)state;
	/* The first character raises the interrupt: late only where that is
	 * masked. */
	assert_true(f.plain);
	wr(UARTIMSC, INT_TX);
	assert_false(f.plain);
	wr(UARTIMSC, 0);
	assert_true(f.plain);
	/* To clear what is not raised is to set up, not to wait for it. */
	wr(UARTICR, 0xffff);
	assert_true(f.plain);
	wr(UARTDR, 'a');
	assert_true(f.plain);
	assert_true(f.page[UARTRIS / 4] & INT_TX);
	expect_plain_is_plain();
	/* Cleared, so the next one will raise it again. */
	wr(UARTICR, INT_TX);
	assert_false(f.plain);
	wr(UARTDR, 'b');
	assert_true(f.plain);
	wr(UARTIMSC, INT_TX);
	assert_true(f.plain && f.irq);
	wr(UARTIMSC, 0);
	/* Loopback: it would come back. */
	wr(UARTCR, CR_UARTEN | CR_TXE | CR_RXE | CR_LBE);
	assert_false(f.plain);
	wr(UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
	assert_true(f.plain);
	/* Transmitter off: it would stay in the FIFO. */
	wr(UARTCR, CR_UARTEN);
	assert_false(f.plain);
}

static void test_send(void **state)
{
	(void)state;
	/* The first of all: the interrupt is raised by then, for who unmasks it. */
	pl011_send(f.uart, (const uint8_t *)"one ", 4);
	assert_true(f.plain);
	assert_true(f.page[UARTRIS / 4] & INT_TX);
	wr(UARTIMSC, INT_TX);
	assert_true(f.irq);
	wr(UARTIMSC, 0);
	/* Also what was plain when the guest wrote it and is not any more. */
	pl011_send(f.uart, (const uint8_t *)"two", 3);
	assert_int_equal(f.out_len, 7);
	assert_memory_equal(f.out, "one two", 7);
	expect_true_page();
	wr(UARTCR, CR_UARTEN);
	pl011_send(f.uart, (const uint8_t *)"z", 1);
	assert_int_equal(f.out_len, 7);
	assert_false(f.page[UARTFR / 4] & FR_TXFE);
	expect_true_page();
	wr(UARTCR, CR_RESET);
	assert_int_equal(f.out_len, 8);
}

/* Anything at all, in any order. */
static void test_random(void **state)
{
	static const uint16_t regs[] = {
		UARTDR, UARTRSR,  UARTILPR, UARTIBRD, UARTFBRD,  UARTLCR_H,
		UARTCR, UARTIFLS, UARTIMSC, UARTICR,  UARTDMACR, UARTFR,
	};
	const size_t nr = sizeof(regs) / sizeof(regs[0]);
	uint8_t text[8] = "sequence";
	unsigned int i, n, shown = 0;

	(void)state;
	srandom(1);
	for (i = 0; i < 20000; i++) {
		switch (random() % 8) {
		case 0:
			if (random() % 20 == 0)
				pl011_receive(f.uart, text, random() % 8 + 1);
			break;
		case 1:
			rd(regs[random() % nr]);
			break;
		case 2:
			rd(UARTDR);
			break;
		case 3:
			if (random() % 50 == 0)
				pl011_reset(f.uart);
			/* A driver that takes all there is. */
			for (n = 0; random() % 4 && n < 40; n++)
				rd(n % 2 ? UARTDR : UARTFR);
			break;
		case 4:
			wr(UARTDR, 'c');
			break;
		case 5:
			pl011_send(f.uart, text, random() % 8 + 1);
			break;
		default:
			wr(regs[random() % nr], random());
		}
		shown += f.shown;
		expect_true_page();
		expect_plain_is_plain();
	}
	assert_in_range(shown, 100, 19900);
}

/* --- virtio-mmio -----------------------------------------------------------*/

#define SLOT 0x400 /* where in the page */

static struct {
	struct virtio_device vdev;
	struct virtio_mmio *mmio;
	struct gmem gmem;
	uint32_t page[PAGE / 4];
	uint8_t config[8];
	bool offload;
	unsigned int pulses;
} v;

static void v_publish(const void *word)
{
	(void)word;
}

static void v_config_read(struct virtio_device *vdev, uint64_t offset,
			  void *buf, size_t len)
{
	(void)vdev;
	memset(buf, 0, len);
	if (offset < sizeof(v.config))
		memcpy(buf, v.config + offset,
		       len < sizeof(v.config) - offset
			       ? len
			       : sizeof(v.config) - offset);
}

static void v_config_write(struct virtio_device *vdev, uint64_t offset,
			   const void *buf, size_t len)
{
	(void)vdev;
	if (offset < sizeof(v.config) && len <= sizeof(v.config) - offset)
		memcpy(v.config + offset, buf, len);
}

static void v_activate(struct virtio_device *vdev)
{
	vdev->offloaded = v.offload;
}

static void v_process(struct virtio_device *vdev, unsigned int q)
{
	(void)vdev;
	(void)q;
}

static void v_nothing(struct virtio_device *vdev)
{
	(void)vdev;
}

static void v_pulse(void *opaque)
{
	(void)opaque;
	v.pulses++;
	/* The cause is there before the edge. */
	assert_int_not_equal(v.page[(SLOT + VIRTIO_MMIO_INTERRUPT_STATUS) / 4],
			     0);
}

static const struct virtio_device_ops v_ops = {
	.name = "virtio-test",
	.id = 42,
	.config_read = v_config_read,
	.config_write = v_config_write,
	.activate = v_activate,
	.process = v_process,
	.stop_offload = v_nothing,
	.free = v_nothing,
};

static int v_setup(void **state)
{
	struct error err = { 0 };
	const struct virtio_mmio_config config = {
		.gmem = &v.gmem,
		.irq = { .pulse = v_pulse },
		.irq_fd = -1,
		.shadow = {
			.regs = (uint8_t *)v.page + SLOT,
			.publish = v_publish,
		},
	};

	(void)state;
	memset(&v, 0, sizeof(v));
	if (gmem_add_ram(&v.gmem, 0, 0x200000, &err))
		return -1;
	v.vdev = (struct virtio_device){
		.ops = &v_ops,
		.offered = 0x500000001,
		.nr_queues = 2,
		.queue_max = 64,
		.label = "x",
	};
	memcpy(v.config, "\1\2\3\4\5\6\7\10", 8);
	return virtio_mmio_new(&v.vdev, &config, &v.mmio, &err);
}

static int v_teardown(void **state)
{
	(void)state;
	virtio_mmio_free(v.mmio);
	gmem_destroy(&v.gmem);
	return 0;
}

static uint32_t v_rd(uint64_t offset)
{
	return virtio_mmio_ops.read(v.mmio, offset, 4);
}

static uint32_t v_page(uint64_t offset)
{
	return v.page[(SLOT + offset) / 4];
}

static void v_expect_true(void)
{
	uint64_t offset;

	for (offset = 0; offset < VIRTIO_MMIO_SIZE; offset += 4)
		if (v_rd(offset) != v_page(offset))
			fail_msg("register 0x%x: page 0x%x, device 0x%x",
				 (unsigned int)offset, v_page(offset),
				 v_rd(offset));
	/* The neighbours' registers are theirs. */
	for (offset = 0; offset < PAGE; offset += 4)
		if (offset - SLOT >= VIRTIO_MMIO_SIZE)
			assert_int_equal(v.page[offset / 4], 0);
}

static void v_wr(uint64_t offset, uint32_t val)
{
	virtio_mmio_ops.write(v.mmio, offset, 4, val);
	v_expect_true();
}

static void v_drive(void)
{
	unsigned int q;

	v_wr(VIRTIO_MMIO_STATUS, 0);
	v_wr(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	v_wr(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_DRIVER);
	v_wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	v_wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	v_wr(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	v_wr(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK);
	for (q = 0; q < 3; q++) {
		v_wr(VIRTIO_MMIO_QUEUE_SEL, q);
		v_wr(VIRTIO_MMIO_QUEUE_NUM, 8);
		v_wr(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000 * q);
		v_wr(VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x1000 * q + 0x400);
		v_wr(VIRTIO_MMIO_QUEUE_USED_LOW, 0x1000 * q + 0x800);
		v_wr(VIRTIO_MMIO_QUEUE_READY, 1);
		assert_int_equal(v_page(VIRTIO_MMIO_QUEUE_READY), q < 2);
	}
	v_wr(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_DRIVER_OK);
	assert_true(v_page(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_DRIVER_OK);
}

static void test_virtio(void **state)
{
	(void)state;
	v_expect_true();
	assert_int_equal(v_page(VIRTIO_MMIO_DEVICE_ID), 42);
	v_drive();
	virtio_mmio_ops.write(v.mmio, VIRTIO_MMIO_CONFIG + 2, 1, 0x77);
	v_expect_true();
	assert_int_equal(v_page(VIRTIO_MMIO_CONFIG), 0x04770201);
	v_wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(v_page(VIRTIO_MMIO_STATUS), 0);
}

/* From another thread than the driver's, without an access. */
static void test_virtio_changes_by_itself(void **state)
{
	(void)state;
	v_drive();
	v.config[4] = 99;
	virtio_device_config_changed(&v.vdev);
	assert_int_equal(v.pulses, 1);
	assert_int_equal(v_page(VIRTIO_MMIO_CONFIG + 4) & 0xff, 99);
	assert_int_equal(v_page(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_int_equal(v_page(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_CONFIG);
	v_expect_true();
	v_wr(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(v_page(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	virtio_device_fail(&v.vdev, 0, "for a test");
	assert_true(v_page(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	v_expect_true();
}

/* vhost interrupts behind our back: the driver always finds a cause. */
static void test_virtio_offloaded(void **state)
{
	(void)state;
	v.offload = true;
	v_drive();
	assert_int_equal(v_page(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_VRING);
	v_wr(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_int_equal(v_page(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_VRING);
	v_wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(v_page(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reset_values, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_hidden_while_input_waits,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_polling_guest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_host_refuses, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_send, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
		cmocka_unit_test_setup_teardown(test_virtio, v_setup,
						v_teardown),
		cmocka_unit_test_setup_teardown(test_virtio_changes_by_itself,
						v_setup, v_teardown),
		cmocka_unit_test_setup_teardown(test_virtio_offloaded, v_setup,
						v_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
