// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/log.h"
#include "mock_vdev.h"
#include "virtio/rng.h"

static struct mock_vdev m;
static size_t source_len; /* what it was asked for, all in all */
static ssize_t source_gives;

/* 1, 2, 3, ... and at most @source_gives at a time. */
static ssize_t source(void *buf, size_t len)
{
	size_t i;

	source_len += len;
	if (source_gives < 0)
		return source_gives;
	if (len > (size_t)source_gives)
		len = source_gives;
	for (i = 0; i < len; i++)
		((uint8_t *)buf)[i] = i + 1;
	return len;
}

static int make(virtio_rng_source from)
{
	struct virtio_device *vdev;

	log_set_level(LOG_ERROR);
	source_len = 0;
	source_gives = 1 << 20;
	if (virtio_rng_new(from, &vdev, NULL) || mock_vdev_init(&m, vdev) ||
	    !mock_vdev_drive(&m, 0))
		return -1;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return make(source);
}

static int teardown(void **state)
{
	(void)state;
	mock_vdev_free(&m);
	return 0;
}

static int64_t ask(uint32_t len, uint64_t *gpa)
{
	*gpa = mock_vdev_alloc(&m, 0, len + 8);
	mock_vdev_offer(&m, 0, *gpa, len, true);
	mock_vdev_kick(&m, 0);
	return mock_vdev_take(&m, 0);
}

static void identity(void **state)
{
	uint64_t config = UINT64_MAX;

	(void)state;
	assert_int_equal(m.vdev->ops->id, 4);
	assert_int_equal(m.vdev->offered, 0);
	assert_null(m.vdev->ops->config_read);
	(void)config;
}

static void fills(void **state)
{
	uint64_t gpa;
	uint8_t *p;

	(void)state;
	assert_int_equal(ask(10, &gpa), 10);
	p = mock_vdev_ptr(&m, gpa);
	assert_int_equal(p[0], 1);
	assert_int_equal(p[9], 10);
	assert_int_equal(p[10], 0);
	assert_int_equal(m.pulses, 1);
}

static void scattered(void **state)
{
	struct mock_seg seg[3];
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		seg[i] =
			(struct mock_seg){ mock_vdev_alloc(&m, 0, 8), 3, true };
	mock_ring_offer(&m.ring[0], mock_ring_chain(&m.ring[0], seg, 3));
	mock_vdev_kick(&m, 0);
	assert_int_equal(mock_vdev_take(&m, 0), 9);
	for (i = 0; i < 3; i++) {
		assert_memory_equal(mock_vdev_ptr(&m, seg[i].gpa), "\1\2\3\0\0",
				    5);
	}
}

static void short_source(void **state)
{
	uint64_t gpa;

	(void)state;
	source_gives = 4;
	assert_int_equal(ask(10, &gpa), 4);
	source_gives = -EIO;
	assert_int_equal(ask(10, &gpa), 0);
	assert_false(mock_vdev_failed(&m));
	source_gives = 100;
	assert_int_equal(ask(10, &gpa), 10);
}

static void limited(void **state)
{
	uint64_t gpa;

	(void)state;
	assert_int_equal(ask(3 * VIRTIO_RNG_MAX, &gpa), VIRTIO_RNG_MAX);
	assert_int_equal(source_len, VIRTIO_RNG_MAX);
}

static void not_writable(void **state)
{
	uint64_t gpa;

	(void)state;
	assert_int_equal(mock_vdev_send(&m, 0, "seed", 4), -1);
	assert_true(mock_vdev_failed(&m));
	assert_int_equal(ask(4, &gpa), -1);
	assert_true(mock_vdev_drive(&m, 0));
	assert_int_equal(ask(4, &gpa), 4);
}

static void from_the_host(void **state)
{
	uint8_t first[32];
	uint64_t gpa;

	(void)state;
	mock_vdev_free(&m);
	assert_int_equal(make(NULL), 0);
	assert_int_equal(ask(32, &gpa), 32);
	memcpy(first, mock_vdev_ptr(&m, gpa), 32);
	assert_int_equal(ask(32, &gpa), 32);
	assert_memory_not_equal(first, mock_vdev_ptr(&m, gpa), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(identity, setup, teardown),
		cmocka_unit_test_setup_teardown(fills, setup, teardown),
		cmocka_unit_test_setup_teardown(scattered, setup, teardown),
		cmocka_unit_test_setup_teardown(short_source, setup, teardown),
		cmocka_unit_test_setup_teardown(limited, setup, teardown),
		cmocka_unit_test_setup_teardown(not_writable, setup, teardown),
		cmocka_unit_test_setup_teardown(from_the_host, setup, teardown),
	};

	return cmocka_run_group_tests_name("virtio-rng", tests, NULL, NULL);
}
