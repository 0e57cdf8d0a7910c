// SPDX-License-Identifier: GPL-2.0-only
/* A device whose queues the kernel serves: who hears the kicks, and when. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "mock_ring.h"
#include "lib/log.h"
#include "virtio/device.h"

#define NUM 8

static const uint32_t ready =
	VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
	VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;

static struct gmem gmem;
static struct mock_ring ring;
static struct virtio_device vdev;
static bool offload;
static unsigned int processed, events, stopped;
static uint32_t ring_features;
static int inert; /* what was told last */
static unsigned int inert_changes;

static void activate(struct virtio_device *dev)
{
	dev->offloaded = offload;
	virtio_device_watch(dev, 0, POLLIN);
}

static void process(struct virtio_device *dev, unsigned int q)
{
	(void)dev;
	(void)q;
	__atomic_fetch_add(&processed, 1, __ATOMIC_SEQ_CST);
}

static void event(struct virtio_device *dev, unsigned int i)
{
	eventfd_t count;

	eventfd_read(dev->fd[i], &count);
	__atomic_fetch_add(&events, 1, __ATOMIC_SEQ_CST);
}

static void stop_offload(struct virtio_device *dev)
{
	assert_true(dev->offloaded);
	stopped++;
}

static void ack_inert(void *opaque, bool on)
{
	assert_ptr_equal(opaque, &inert);
	assert_int_not_equal(inert, on);
	inert = on;
	inert_changes++;
}

static void free_nothing(struct virtio_device *dev)
{
	(void)dev;
}

static const struct virtio_device_ops ops = {
	.name = "test",
	.activate = activate,
	.process = process,
	.event = event,
	.stop_offload = stop_offload,
	.free = free_nothing,
};

static void drive(void)
{
	virtio_device_set_status(&vdev, 0);
	virtio_device_want_features(&vdev, 1, 1); /* VERSION_1 */
	virtio_device_want_features(&vdev, 0, ring_features);
	virtio_device_set_status(&vdev, ready & ~VIRTIO_CONFIG_S_DRIVER_OK);
	mock_ring_init(&ring, &gmem, NUM);
	virtio_device_enable_queue(&vdev, 0, &ring.setup);
	virtio_device_set_status(&vdev, ready);
}

static int setup(void **state)
{
	struct irq_line irq = { NULL, NULL, NULL };

	(void)state;
	log_set_level(LOG_ERROR);
	processed = events = stopped = 0;
	ring_features = inert = inert_changes = 0;
	mock_gmem_init(&gmem);
	vdev = (struct virtio_device){ .ops = &ops,
				       .nr_queues = 1,
				       .queue_max = NUM,
				       .nr_fds = 1,
				       .ack_inert = ack_inert,
				       .ack_opaque = &inert };
	vdev.fd[0] = eventfd(0, EFD_NONBLOCK);
	return virtio_device_attach(&vdev, &gmem, &irq, -1, NULL) ||
	       virtio_device_start(&vdev, NULL);
}

static int teardown(void **state)
{
	(void)state;
	virtio_device_free(&vdev);
	close(vdev.fd[0]);
	gmem_destroy(&gmem);
	return 0;
}

static bool reaches(const unsigned int *counter, unsigned int want)
{
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		if (__atomic_load_n(counter, __ATOMIC_SEQ_CST) >= want)
			return true;
		usleep(1000);
	}
	return false;
}

/* Without offload: kicks and the kind's own descriptor come to the worker. */
static void test_events(void **state)
{
	(void)state;
	offload = false;
	eventfd_write(vdev.fd[0], 1); /* before DRIVER_OK: later */
	usleep(20000);
	assert_int_equal(events, 0);
	drive();
	assert_true(reaches(&events, 1));
	virtio_device_notify(&vdev, 0);
	assert_true(reaches(&processed, 1));
	assert_int_equal(virtio_device_isr(&vdev), 0);
	virtio_device_set_status(&vdev, 0);
	eventfd_write(vdev.fd[0], 1);
	usleep(20000);
	assert_int_equal(events, 1);
	assert_int_equal(stopped, 0);
}

static void test_offload(void **state)
{
	eventfd_t kicks;

	(void)state;
	offload = true;
	drive();
	virtio_device_notify(&vdev, 0);
	usleep(20000);
	assert_int_equal(processed, 0);
	/* The kick is still there, for whom it is meant. */
	assert_int_equal(eventfd_read(vdev.kick[0], &kicks), 0);
	/* An interrupt may be for a used buffer at any time. */
	assert_int_equal(virtio_device_isr(&vdev), VIRTIO_MMIO_INT_VRING);
	virtio_device_isr_ack(&vdev, VIRTIO_MMIO_INT_VRING);
	assert_int_equal(virtio_device_isr(&vdev), VIRTIO_MMIO_INT_VRING);
	assert_true(inert);
	/* The kind's own descriptors are heard all the same. */
	eventfd_write(vdev.fd[0], 1);
	assert_true(reaches(&events, 1));

	virtio_device_set_status(&vdev, 0);
	assert_int_equal(stopped, 1);
	assert_int_equal(virtio_device_isr(&vdev), 0);
	assert_false(inert);
	/* The next driver gets no offload, and its kicks are heard. */
	offload = false;
	drive();
	virtio_device_notify(&vdev, 0);
	assert_true(reaches(&processed, 1));
	assert_int_equal(stopped, 1);
}

static void test_disable_while_offloaded(void **state)
{
	(void)state;
	offload = true;
	drive();
	virtio_device_disable_queue(&vdev, 0);
	assert_int_equal(stopped, 1);
	assert_false(vdev.offloaded);
	assert_true(virtio_device_status(&vdev) & VIRTIO_CONFIG_S_NEEDS_RESET);
	drive();
	assert_int_equal(virtio_device_status(&vdev), ready);
}

static void test_free_while_offloaded(void **state)
{
	(void)state;
	offload = true;
	drive();
	teardown(NULL);
	assert_int_equal(stopped, 1);
	setup(NULL);
}

/* Acknowledge @bits @times after an interrupt each. */
static void ack(uint32_t bits, unsigned int times)
{
	for (; times; times--)
		virtio_device_isr_ack(&vdev, bits);
}

/* With EVENT_IDX acknowledgements of used buffers come to nothing. */
static void test_inert_ack(void **state)
{
	(void)state;
	offload = false;
	drive();
	ack(VIRTIO_MMIO_INT_VRING, 100);
	assert_false(inert);
	assert_int_equal(virtio_device_isr(&vdev), 0);

	ring_features = 1U << VIRTIO_RING_F_EVENT_IDX;
	drive();
	ack(VIRTIO_MMIO_INT_CONFIG, 100);
	ack(VIRTIO_MMIO_INT_VRING, 15);
	assert_false(inert);
	assert_int_equal(virtio_device_isr(&vdev), 0);
	ack(VIRTIO_MMIO_INT_VRING, 1);
	assert_true(inert);
	assert_int_equal(virtio_device_isr(&vdev), VIRTIO_MMIO_INT_VRING);
	/* The other bit comes and goes as before. */
	virtio_device_config_changed(&vdev);
	assert_int_equal(virtio_device_isr(&vdev),
			 VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
	ack(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG, 1);
	assert_int_equal(virtio_device_isr(&vdev), VIRTIO_MMIO_INT_VRING);
	ack(VIRTIO_MMIO_INT_VRING, 100);
	assert_int_equal(inert_changes, 1);

	/* The next driver starts as the first did. */
	virtio_device_set_status(&vdev, 0);
	assert_false(inert);
	assert_int_equal(virtio_device_isr(&vdev), 0);
	ack(VIRTIO_MMIO_INT_VRING, 100);
	assert_false(inert);
	drive();
	ack(VIRTIO_MMIO_INT_VRING, 16);
	assert_true(inert);
	ring_features = 0;
	drive();
	assert_false(inert);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_events),
		T(test_offload),
		T(test_disable_while_offloaded),
		T(test_free_while_offloaded),
		T(test_inert_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
