// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>

#include "lib/log.h"
#include "mock_chardev.h"
#include "mock_vdev.h"
#include "virtio/console.h"

#define F_SIZE  BIT64(VIRTIO_CONSOLE_F_SIZE)
#define F_MULTI BIT64(VIRTIO_CONSOLE_F_MULTIPORT)
#define F_EMERG BIT64(VIRTIO_CONSOLE_F_EMERG_WRITE)

enum { RX0, TX0, CRX, CTX, RX1, TX1, RX2, TX2 };

struct fixture {
	struct mock_vdev m;
	struct evloop *loop;
	struct mock_chardev console;
	struct mock_chardev port[2];
	char seen[64];
	size_t seen_len;
};

static struct fixture f;

static void watch(void *opaque, const uint8_t *buf, size_t len)
{
	assert_ptr_equal(opaque, &f);
	if (f.seen_len + len <= sizeof(f.seen)) {
		memcpy(f.seen + f.seen_len, buf, len);
		f.seen_len += len;
	}
}

static int make(bool console, unsigned int ports, bool size)
{
	const struct virtio_console_port port[] = {
		{ "first", &f.port[0].dev },
		{ "org.example.second", &f.port[1].dev },
	};
	const struct virtio_console_params params = {
		.console = console ? &f.console.dev : NULL,
		.port = port,
		.nr_ports = ports,
		.watch = watch,
		.opaque = &f,
	};
	struct virtio_device *vdev;
	unsigned int i;

	memset(&f, 0, sizeof(f));
	log_set_level(LOG_ERROR);
	f.loop = evloop_new(NULL);
	mock_chardev_init(&f.console, f.loop);
	if (size) {
		f.console.columns = 80;
		f.console.rows = 24;
	}
	for (i = 0; i < 2; i++)
		mock_chardev_init(&f.port[i], f.loop);
	chardev_set_connected(&f.port[1].dev, true);
	if (virtio_console_new(&params, &vdev, NULL) ||
	    mock_vdev_init(&f.m, vdev))
		return -1;
	/* A driver that knows of ports uses them. */
	return mock_vdev_drive(&f.m, ports ? vdev->offered : 0) ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return make(true, 0, true);
}

static int setup_ports(void **state)
{
	(void)state;
	return make(true, 2, true);
}

static int setup_only_ports(void **state)
{
	(void)state;
	return make(false, 1, false);
}

static int teardown(void **state)
{
	(void)state;
	mock_vdev_free(&f.m);
	/* It let go of its chardevs. */
	assert_null(f.console.dev.front.input);
	assert_null(f.port[0].dev.front.input);
	mock_chardev_fini(&f.console);
	mock_chardev_fini(&f.port[0]);
	mock_chardev_fini(&f.port[1]);
	evloop_free(f.loop);
	return 0;
}

static size_t type(struct mock_chardev *dev, const char *text)
{
	size_t n =
		chardev_offer(&dev->dev, (const uint8_t *)text, strlen(text));

	mock_vdev_settle(&f.m);
	return n;
}

/* A buffer for the guest's input; what came is compared later. */
static uint64_t give(unsigned int q, uint32_t len)
{
	uint64_t gpa = mock_vdev_alloc(&f.m, q, len);

	memset(mock_vdev_ptr(&f.m, gpa), 0, len);
	mock_vdev_offer(&f.m, q, gpa, len, true);
	mock_vdev_kick(&f.m, q);
	return gpa;
}

static void expect_out(struct mock_chardev *dev, const char *text)
{
	assert_int_equal(dev->out_len, strlen(text));
	assert_memory_equal(dev->out, text, dev->out_len);
	dev->out_len = 0;
}

static void control(uint32_t id, uint16_t event, uint16_t value)
{
	const struct virtio_console_control msg = { htole32(id), htole16(event),
						    htole16(value) };

	assert_int_equal(mock_vdev_send(&f.m, CTX, &msg, sizeof(msg)), 0);
	mock_vdev_settle(&f.m);
}

/* The next message to the guest is this one. */
static void expect_control(uint32_t id, uint16_t event, uint16_t value,
			   const void *extra, size_t extra_len)
{
	uint64_t gpa = give(CRX, 128);
	const struct virtio_console_control *msg = mock_vdev_ptr(&f.m, gpa);

	assert_int_equal(mock_vdev_take(&f.m, CRX), sizeof(*msg) + extra_len);
	assert_int_equal(msg->id, id);
	assert_int_equal(msg->event, event);
	assert_int_equal(msg->value, value);
	assert_memory_equal(msg + 1, extra, extra_len);
}

static void expect_no_control(void)
{
	give(CRX, 128);
	assert_int_equal(mock_vdev_take(&f.m, CRX), -1);
}

/* --- one console -------------------------------------------------------------*/

static void identity(void **state)
{
	struct virtio_console_config config;
	uint8_t buf[4];

	(void)state;
	assert_int_equal(f.m.vdev->ops->id, 3);
	assert_int_equal(f.m.vdev->offered, F_SIZE | F_EMERG | F_MULTI);
	assert_int_equal(f.m.vdev->nr_queues, 4);
	f.m.vdev->ops->config_read(f.m.vdev, 0, &config, sizeof(config));
	assert_int_equal(config.cols, 80);
	assert_int_equal(config.rows, 24);
	assert_int_equal(config.max_nr_ports, 1);
	f.m.vdev->ops->config_read(f.m.vdev, 11, buf, 4);
	assert_memory_equal(buf, "\0\0\0\0", 4);
	f.m.vdev->ops->config_read(f.m.vdev, UINT64_MAX, buf, 4);
}

static void output(void **state)
{
	(void)state;
	assert_int_equal(mock_vdev_send(&f.m, TX0, "hello", 5), 0);
	assert_int_equal(mock_vdev_send(&f.m, TX0, " world", 6), 0);
	expect_out(&f.console, "hello world");
	assert_int_equal(f.seen_len, 11);
	assert_memory_equal(f.seen, "hello world", 11);
}

/* The buffer stays the guest's until all of it is out. */
static void slow_output(void **state)
{
	(void)state;
	f.console.room = 3;
	assert_int_equal(mock_vdev_send(&f.m, TX0, "hello", 5), -1);
	expect_out(&f.console, "hel");
	assert_int_equal(mock_vdev_send(&f.m, TX0, " world", 6), -1);
	mock_vdev_settle(&f.m);
	expect_out(&f.console, "");
	mock_chardev_drain(&f.console, 1);
	mock_vdev_settle(&f.m);
	expect_out(&f.console, "l");
	assert_int_equal(mock_vdev_take(&f.m, TX0), -1);
	mock_chardev_drain(&f.console, 100);
	mock_vdev_settle(&f.m);
	expect_out(&f.console, "o world");
	assert_int_equal(mock_vdev_take(&f.m, TX0), 0);
	assert_int_equal(mock_vdev_take(&f.m, TX0), 0);
	assert_memory_equal(f.seen, "hello world", 11);
}

static void reset_drops_output_underway(void **state)
{
	(void)state;
	f.console.room = 1;
	assert_int_equal(mock_vdev_send(&f.m, TX0, "hello", 5), -1);
	assert_true(mock_vdev_drive(&f.m, 0));
	mock_chardev_drain(&f.console, 100);
	mock_vdev_settle(&f.m);
	expect_out(&f.console, "h");
	assert_int_equal(mock_vdev_take(&f.m, TX0), -1);
	assert_int_equal(mock_vdev_send(&f.m, TX0, "again", 5), 0);
	expect_out(&f.console, "again");
}

static void input(void **state)
{
	uint64_t gpa = give(RX0, 8), second;

	(void)state;
	assert_int_equal(type(&f.console, "abc"), 3);
	assert_int_equal(mock_vdev_take(&f.m, RX0), 3);
	assert_string_equal(mock_vdev_ptr(&f.m, gpa), "abc");
	/* Without a buffer it waits. */
	assert_int_equal(type(&f.console, "defgh"), 5);
	assert_int_equal(mock_vdev_take(&f.m, RX0), -1);
	gpa = give(RX0, 3);
	second = give(RX0, 4);
	assert_int_equal(mock_vdev_take(&f.m, RX0), 3);
	assert_int_equal(mock_vdev_take(&f.m, RX0), 2);
	assert_memory_equal(mock_vdev_ptr(&f.m, gpa), "def", 3);
	assert_string_equal(mock_vdev_ptr(&f.m, second), "gh");
}

/* What there is no room for stays with the chardev, which is told of room. */
static void much_input(void **state)
{
	uint8_t text[10000], *got;
	size_t sent = 0, have = 0, n;
	unsigned int wakes;
	uint64_t gpa;
	int64_t len;

	(void)state;
	for (n = 0; n < sizeof(text); n++)
		text[n] = n * 7 + n / 256;
	n = chardev_offer(&f.console.dev, text, sizeof(text));
	assert_in_range(n, 1, sizeof(text) - 1);
	sent = n;
	assert_int_equal(chardev_offer(&f.console.dev, text + sent,
				       sizeof(text) - sent),
			 0);
	while (have < sizeof(text)) {
		mock_chardev_spin(f.loop);
		wakes = f.console.wakes;
		gpa = give(RX0, 700);
		len = mock_vdev_take(&f.m, RX0);
		assert_in_range(len, 1, 700);
		got = mock_vdev_ptr(&f.m, gpa);
		assert_memory_equal(got, text + have, len);
		have += len;
		mock_chardev_spin(f.loop);
		if (sent < sizeof(text)) {
			assert_true(f.console.wakes > wakes);
			sent += chardev_offer(&f.console.dev, text + sent,
					      sizeof(text) - sent);
			mock_vdev_settle(&f.m);
		}
	}
	assert_int_equal(sent, sizeof(text));
	give(RX0, 10);
	assert_int_equal(mock_vdev_take(&f.m, RX0), -1);
}

static void no_driver_no_input(void **state)
{
	unsigned int wakes;
	uint64_t gpa;

	(void)state;
	assert_int_equal(type(&f.console, "before"), 6);
	virtio_device_set_status(f.m.vdev, 0);
	assert_int_equal(type(&f.console, "lost?"), 0);
	mock_chardev_spin(f.loop);
	wakes = f.console.wakes;
	assert_true(mock_vdev_drive(&f.m, 0));
	mock_chardev_spin(f.loop);
	assert_int_equal(f.console.wakes, wakes + 1);
	/* What had been taken is delivered to whoever comes. */
	gpa = give(RX0, 20);
	mock_vdev_settle(&f.m);
	assert_int_equal(mock_vdev_take(&f.m, RX0), 6);
	assert_string_equal(mock_vdev_ptr(&f.m, gpa), "before");
}

static void emergency_write(void **state)
{
	const uint32_t val = htole32('!' | 0x100);

	(void)state;
	virtio_device_set_status(f.m.vdev, 0);
	f.m.vdev->ops->config_write(f.m.vdev, 8, &val, 4);
	f.m.vdev->ops->config_write(f.m.vdev, 4, &val, 4);
	f.m.vdev->ops->config_write(f.m.vdev, UINT64_MAX, &val, 4);
	expect_out(&f.console, "!");
	assert_memory_equal(f.seen, "!", 1);
	f.console.room = 0;
	f.m.vdev->ops->config_write(f.m.vdev, 8, &val, 4);
}

static void new_size(void **state)
{
	struct virtio_console_config config;

	(void)state;
	f.console.dev.front.resized(f.console.dev.front.opaque, 132, 50);
	assert_int_equal(virtio_device_isr(f.m.vdev), VIRTIO_MMIO_INT_CONFIG);
	f.m.vdev->ops->config_read(f.m.vdev, 0, &config, sizeof(config));
	assert_int_equal(config.cols, 132);
	assert_int_equal(config.rows, 50);
}

static void receive_buffer_to_read_from(void **state)
{
	(void)state;
	type(&f.console, "x");
	assert_int_equal(mock_vdev_send(&f.m, RX0, "?", 1), -1);
	assert_true(mock_vdev_failed(&f.m));
}

/* --- ports -------------------------------------------------------------------*/

static void port_identity(void **state)
{
	struct virtio_console_config config;

	(void)state;
	assert_int_equal(f.m.vdev->offered, F_SIZE | F_EMERG | F_MULTI);
	assert_int_equal(f.m.vdev->nr_queues, 8);
	f.m.vdev->ops->config_read(f.m.vdev, 0, &config, sizeof(config));
	assert_int_equal(config.max_nr_ports, 3);
}

static void greeting(void **state)
{
	static const uint16_t size[] = { 24, 80 };

	(void)state;
	expect_no_control();
	/* Two more buffers than were taken: the first one serves. */
	control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	assert_int_equal(mock_vdev_take(&f.m, CRX), 8);
	expect_control(1, VIRTIO_CONSOLE_PORT_ADD, 1, "", 0);
	expect_control(2, VIRTIO_CONSOLE_PORT_ADD, 1, "", 0);
	expect_no_control();

	control(0, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_int_equal(mock_vdev_take(&f.m, CRX), 8);
	expect_control(0, VIRTIO_CONSOLE_RESIZE, 1, size, 4);
	control(1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_control(1, VIRTIO_CONSOLE_PORT_NAME, 1, "first", 5);
	control(2, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_control(2, VIRTIO_CONSOLE_PORT_NAME, 1, "org.example.second",
		       18);
	/* Somebody is there already. */
	expect_control(2, VIRTIO_CONSOLE_PORT_OPEN, 1, "", 0);
	/* And now here, too. */
	chardev_set_connected(&f.port[0].dev, true);
	mock_vdev_settle(&f.m);
	expect_control(1, VIRTIO_CONSOLE_PORT_OPEN, 1, "", 0);
	chardev_set_connected(&f.port[0].dev, false);
	mock_vdev_settle(&f.m);
	expect_control(1, VIRTIO_CONSOLE_PORT_OPEN, 0, "", 0);
	f.console.dev.front.resized(f.console.dev.front.opaque, 80, 24);
	mock_vdev_settle(&f.m);
	expect_control(0, VIRTIO_CONSOLE_RESIZE, 1, size, 4);
	expect_no_control();
	assert_false(mock_vdev_failed(&f.m));
}

/* However often it asks, there is one answer under way. */
static void repeated_questions(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		control(1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_control(1, VIRTIO_CONSOLE_PORT_NAME, 1, "first", 5);
	expect_no_control();
	control(0, VIRTIO_CONSOLE_DEVICE_READY, 0);
	control(1, VIRTIO_CONSOLE_PORT_READY, 0);
	control(3, VIRTIO_CONSOLE_PORT_READY, 1);
	control(UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
	control(1, 999, 1);
	assert_int_equal(mock_vdev_take(&f.m, CRX), -1);
	assert_false(mock_vdev_failed(&f.m));
}

static void port_data(void **state)
{
	uint64_t gpa;

	(void)state;
	assert_int_equal(mock_vdev_send(&f.m, TX2, "out", 3), 0);
	expect_out(&f.port[1], "out");
	expect_out(&f.console, "");
	assert_int_equal(f.seen_len, 0); /* not the console's */

	/* Nobody has it open: the guest would throw it away. */
	gpa = give(RX2, 8);
	assert_int_equal(type(&f.port[1], "in"), 0);
	mock_chardev_spin(f.loop);
	f.port[1].wakes = 0;
	control(2, VIRTIO_CONSOLE_PORT_OPEN, 1);
	mock_chardev_spin(f.loop);
	assert_int_equal(f.port[1].wakes, 1);
	assert_int_equal(type(&f.port[1], "in"), 2);
	assert_int_equal(mock_vdev_take(&f.m, RX2), 2);
	assert_string_equal(mock_vdev_ptr(&f.m, gpa), "in");
	assert_int_equal(type(&f.port[1], "later"), 5);
	control(2, VIRTIO_CONSOLE_PORT_OPEN, 0);
	gpa = give(RX2, 8);
	assert_int_equal(mock_vdev_take(&f.m, RX2), -1);
	control(2, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(mock_vdev_take(&f.m, RX2), 5);
	assert_string_equal(mock_vdev_ptr(&f.m, gpa), "later");
}

/* Linux throws away what comes before it says that the console is open. */
static void console_waits_for_its_guest(void **state)
{
	uint64_t gpa;

	(void)state;
	gpa = give(RX0, 8);
	assert_int_equal(type(&f.console, "in"), 0);
	control(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(type(&f.console, "in"), 2);
	assert_int_equal(mock_vdev_take(&f.m, RX0), 2);
	assert_string_equal(mock_vdev_ptr(&f.m, gpa), "in");
}

/* One that is slow is no other's business. */
static void ports_do_not_wait_for_each_other(void **state)
{
	(void)state;
	f.port[0].room = 0;
	assert_int_equal(mock_vdev_send(&f.m, TX1, "stuck", 5), -1);
	assert_int_equal(mock_vdev_send(&f.m, TX2, "flows", 5), 0);
	assert_int_equal(mock_vdev_send(&f.m, TX0, "prints", 6), 0);
	expect_out(&f.port[1], "flows");
	expect_out(&f.console, "prints");
}

static void bad_control_buffers(void **state)
{
	(void)state;
	assert_int_equal(mock_vdev_send(&f.m, CTX, "1234567", 7), -1);
	assert_true(mock_vdev_failed(&f.m));
	assert_true(mock_vdev_drive(&f.m, F_MULTI));
	control(1, VIRTIO_CONSOLE_PORT_READY, 1);
	give(CRX, 12); /* the name needs 13 */
	assert_true(mock_vdev_failed(&f.m));
}

/* A driver without multiport has the console alone. */
static void multiport_refused(void **state)
{
	const struct virtio_console_control msg = { 1, 3, 1 };

	(void)state;
	assert_true(mock_vdev_drive(&f.m, 0));
	assert_int_equal(mock_vdev_send(&f.m, CTX, &msg, sizeof(msg)), -1);
	assert_int_equal(mock_vdev_send(&f.m, TX1, "x", 1), -1);
	expect_out(&f.port[0], "");
	assert_int_equal(mock_vdev_send(&f.m, TX0, "x", 1), 0);
	expect_out(&f.console, "x");
	chardev_set_connected(&f.port[0].dev, true);
	expect_no_control();
}

static void ports_without_console(void **state)
{
	const uint32_t val = '!';

	(void)state;
	assert_int_equal(f.m.vdev->nr_queues, 6);
	control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect_control(1, VIRTIO_CONSOLE_PORT_ADD, 1, "", 0);
	expect_no_control();
	control(0, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_int_equal(mock_vdev_send(&f.m, TX0, "x", 1), -1);
	f.m.vdev->ops->config_write(f.m.vdev, 8, &val, 4);
	assert_false(mock_vdev_failed(&f.m));
}

static void refuse(const struct virtio_console_params *params, const char *with)
{
	struct virtio_device *vdev;
	struct error err = { 0 };

	assert_int_equal(virtio_console_new(params, &vdev, &err), -EINVAL);
	assert_null(vdev);
	assert_non_null(strstr(err.text, with));
}

static void bad_parameters(void **state)
{
	char name[VIRTIO_CONSOLE_NAME_MAX + 2];
	struct virtio_console_port port = { name, &f.port[0].dev };
	struct virtio_console_params params = { .port = &port };

	(void)state;
	refuse(&params, "neither console nor port");
	params.nr_ports = VIRTIO_CONSOLE_MAX_PORTS;
	refuse(&params, "too many");
	params.nr_ports = 1;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	refuse(&params, "no name");
	name[0] = '\0';
	refuse(&params, "no name");
}

#define T(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identity, setup),
		T(output, setup),
		T(slow_output, setup),
		T(reset_drops_output_underway, setup),
		T(input, setup),
		T(much_input, setup),
		T(no_driver_no_input, setup),
		T(emergency_write, setup),
		T(new_size, setup),
		T(receive_buffer_to_read_from, setup),
		T(port_identity, setup_ports),
		T(greeting, setup_ports),
		T(repeated_questions, setup_ports),
		T(port_data, setup_ports),
		T(console_waits_for_its_guest, setup_ports),
		T(ports_do_not_wait_for_each_other, setup_ports),
		T(bad_control_buffers, setup_ports),
		T(multiport_refused, setup_ports),
		T(ports_without_console, setup_only_ports),
		T(bad_parameters, setup),
	};

	return cmocka_run_group_tests_name("virtio-console", tests, NULL, NULL);
}
