// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_mmio.h>

#include "lib/log.h"
#include "mock_vdev.h"
#include "virtio/balloon.h"

#define INFLATE   0
#define DEFLATE   1
#define STATS     2

#define STATS_VQ  BIT64(VIRTIO_BALLOON_F_STATS_VQ)
#define REPORTING BIT64(VIRTIO_BALLOON_F_REPORTING)
#define OOM       BIT64(VIRTIO_BALLOON_F_DEFLATE_ON_OOM)

#define PFN(gpa)  ((uint32_t)((gpa) >> 12))
/* A part of memory that neither rings nor buffers use. */
#define FREE_GPA (MOCK_RAM_GPA + 0x180000)

static struct mock_vdev m;

static int setup(void **state)
{
	struct virtio_device *vdev;

	(void)state;
	log_set_level(LOG_ERROR);
	if (virtio_balloon_new(0x3001, &vdev, NULL) ||
	    mock_vdev_init(&m, vdev) ||
	    !mock_vdev_drive(&m, STATS_VQ | REPORTING | OOM))
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mock_vdev_free(&m);
	return 0;
}

static uint32_t config(unsigned int offset)
{
	uint32_t val;

	m.vdev->ops->config_read(m.vdev, offset, &val, 4);
	return val;
}

static uint8_t *page(unsigned int n)
{
	return mock_vdev_ptr(&m, FREE_GPA + 0x1000 * n);
}

static void fill_pages(void)
{
	memset(page(0), 0xee, 0x10000);
}

static int64_t inflate(const uint32_t *pfn, unsigned int n)
{
	return mock_vdev_send(&m, INFLATE, pfn, 4 * n);
}

static void configuration(void **state)
{
	struct virtio_balloon_stats stats;
	uint32_t val = 0x11223344;
	uint8_t buf[8];

	(void)state;
	assert_int_equal(m.vdev->ops->id, 5);
	assert_int_equal(m.vdev->offered, STATS_VQ | REPORTING | OOM);
	assert_int_equal(config(0), 4); /* 0x3001 bytes, rounded up */
	assert_int_equal(config(4), 0);

	m.vdev->ops->config_write(m.vdev, 0, &val, 4); /* not the driver's */
	assert_int_equal(config(0), 4);
	m.vdev->ops->config_write(m.vdev, 4, &val, 4);
	assert_int_equal(config(4), 0x11223344);
	m.vdev->ops->config_write(m.vdev, 6, "\x55", 1);
	assert_int_equal(config(4), 0x11553344);
	virtio_balloon_get_stats(m.vdev, &stats);
	assert_int_equal(stats.actual, 0x11553344ULL << 12);
	assert_int_equal(stats.target, 0x4000);

	/* Beyond the end. */
	m.vdev->ops->config_write(m.vdev, 7, "\xaa\xbb\xcc\xdd", 4);
	assert_int_equal(config(4), 0xaa553344);
	m.vdev->ops->config_write(m.vdev, 8, &val, 4);
	m.vdev->ops->config_write(m.vdev, UINT64_MAX, &val, 4);
	memset(buf, 0xff, 8);
	m.vdev->ops->config_read(m.vdev, 6, buf, 8);
	assert_memory_equal(buf, "\x55\xaa\0\0\0\0\0\0", 8);
	m.vdev->ops->config_read(m.vdev, UINT64_MAX, buf, 8);
	assert_int_equal(buf[0], 0);
}

static void count(void *opaque)
{
	++*(unsigned int *)opaque;
}

static void a_change_is_told(void **state)
{
	unsigned int changes = 0;
	uint32_t val = 7;

	(void)state;
	virtio_balloon_on_change(m.vdev, count, &changes);
	m.vdev->ops->config_write(m.vdev, 4, &val, 4);
	assert_int_equal(changes, 1);
	/* The same again, and what is not the driver's, are no changes. */
	m.vdev->ops->config_write(m.vdev, 4, &val, 4);
	m.vdev->ops->config_write(m.vdev, 0, &val, 4);
	assert_int_equal(changes, 1);
	m.vdev->ops->config_write(m.vdev, 5, "\1", 1);
	assert_int_equal(changes, 2);
}

static void target(void **state)
{
	uint32_t generation = virtio_device_generation(m.vdev);

	(void)state;
	virtio_balloon_set_target(m.vdev, 64 << 20);
	assert_int_equal(config(0), 64 << 8);
	assert_int_equal(m.pulses, 1);
	assert_int_equal(virtio_device_isr(m.vdev), VIRTIO_MMIO_INT_CONFIG);
	assert_int_not_equal(virtio_device_generation(m.vdev), generation);
	virtio_balloon_set_target(m.vdev, 64 << 20); /* nothing new */
	assert_int_equal(m.pulses, 1);
	virtio_balloon_set_target(m.vdev, UINT64_MAX);
	assert_int_equal(config(0), UINT32_MAX);
	/* A new driver finds it. */
	assert_true(mock_vdev_drive(&m, 0));
	assert_int_equal(config(0), UINT32_MAX);
}

static void inflate_gives_pages_back(void **state)
{
	const uint32_t pfn[] = { PFN(FREE_GPA) + 1, PFN(FREE_GPA) + 2,
				 PFN(FREE_GPA) + 6, PFN(FREE_GPA) + 5,
				 PFN(FREE_GPA) + 9 };
	unsigned int i;

	(void)state;
	fill_pages();
	assert_int_equal(inflate(pfn, 5), 0);
	for (i = 0; i < 12; i++) {
		bool gone = i == 1 || i == 2 || i == 5 || i == 6 || i == 9;

		assert_int_equal(page(i)[0], gone ? 0 : 0xee);
		assert_int_equal(page(i)[4095], gone ? 0 : 0xee);
	}
	/* It takes them back, and can use them. */
	page(1)[7] = 1;
	assert_int_equal(mock_vdev_send(&m, DEFLATE, pfn, sizeof(pfn)), 0);
	assert_int_equal(page(1)[7], 1);
	assert_false(mock_vdev_failed(&m));
}

/* More page numbers than are copied at a time, over odd descriptors. */
static void many_pages_scattered(void **state)
{
	const unsigned int nr = 600;
	uint64_t gpa = mock_vdev_alloc(&m, INFLATE, 4 * nr);
	uint32_t *pfn = mock_vdev_ptr(&m, gpa);
	struct mock_seg seg[3] = { { gpa, 3, false },
				   { gpa + 3, 1030, false },
				   { gpa + 1033, 4 * nr - 1033, false } };
	unsigned int i;

	(void)state;
	fill_pages();
	for (i = 0; i < nr; i++)
		pfn[i] = PFN(FREE_GPA) + (nr - 1 - i) % 8 * 2;
	mock_ring_offer(&m.ring[INFLATE],
			mock_ring_chain(&m.ring[INFLATE], seg, 3));
	mock_vdev_kick(&m, INFLATE);
	assert_int_equal(mock_vdev_take(&m, INFLATE), 0);
	for (i = 0; i < 16; i++)
		assert_int_equal(page(i)[0], i % 2 ? 0xee : 0);
}

static void pages_outside_memory(void **state)
{
	const uint32_t bad[][3] = {
		{ PFN(FREE_GPA), 0, PFN(FREE_GPA) + 2 },
		{ PFN(FREE_GPA), UINT32_MAX, PFN(FREE_GPA) + 2 },
		{ PFN(MOCK_RAM_GPA + MOCK_RAM_SIZE), 0, 0 },
		{ PFN(MOCK_RAM_GPA) - 1, PFN(FREE_GPA), 0 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		fill_pages();
		assert_int_equal(inflate(bad[i], 3), -1);
		assert_true(mock_vdev_failed(&m));
		assert_int_equal(page(2)[0], 0xee); /* behind the bad one */
		assert_true(mock_vdev_drive(&m, STATS_VQ | REPORTING));
	}
	/* The last page of memory is fine; so are bytes that make no number. */
	i = PFN(MOCK_RAM_GPA + MOCK_RAM_SIZE - 1);
	assert_int_equal(inflate(&i, 1), 0);
	assert_int_equal(mock_vdev_send(&m, INFLATE, "\0\0\0", 3), 0);
	assert_false(mock_vdev_failed(&m));
}

static void report_on(unsigned int q, uint64_t features)
{
	struct virtio_balloon_stats stats;
	struct mock_seg seg[2] = { { FREE_GPA + 0x1000, 0x2000, true },
				   { FREE_GPA + 0x5000, 0x1000, true } };
	uint64_t before;

	assert_true(mock_vdev_drive(&m, features));
	fill_pages();
	virtio_balloon_get_stats(m.vdev, &stats);
	before = stats.reported;
	mock_ring_offer(&m.ring[q], mock_ring_chain(&m.ring[q], seg, 2));
	mock_vdev_kick(&m, q);
	assert_int_equal(mock_vdev_take(&m, q), 0);
	assert_int_equal(page(0)[4095], 0xee);
	assert_int_equal(page(1)[0], 0);
	assert_int_equal(page(2)[4095], 0);
	assert_int_equal(page(3)[0], 0xee);
	assert_int_equal(page(5)[0], 0);
	assert_int_equal(page(6)[0], 0xee);
	virtio_balloon_get_stats(m.vdev, &stats);
	assert_int_equal(stats.reported - before, 0x3000);
}

static void free_page_reporting(void **state)
{
	(void)state;
	report_on(3, STATS_VQ | REPORTING); /* as Linux counts queues */
	report_on(4, STATS_VQ | REPORTING); /* as the specification does */
	report_on(2, REPORTING);
}

/* Half a page at either end is still in use. */
static void reports_of_parts_of_pages(void **state)
{
	(void)state;
	fill_pages();
	mock_vdev_offer(&m, 3, FREE_GPA + 0x800, 0x2000, true);
	mock_vdev_kick(&m, 3);
	assert_int_equal(mock_vdev_take(&m, 3), 0);
	assert_int_equal(page(0)[0x800], 0xee);
	assert_int_equal(page(1)[0], 0);
	assert_int_equal(page(2)[0x7ff], 0xee);
}

static void not_negotiated(void **state)
{
	(void)state;
	assert_true(mock_vdev_drive(&m, 0));
	fill_pages();
	mock_vdev_offer(&m, 3, FREE_GPA, 0x1000, true);
	mock_vdev_kick(&m, 3);
	assert_int_equal(mock_vdev_take(&m, 3), -1);
	assert_int_equal(page(0)[0], 0xee);
	assert_false(virtio_balloon_poll_stats(m.vdev));
}

static const struct virtio_balloon_stat some_stats[] = {
	{ VIRTIO_BALLOON_S_MEMFREE, 1000 },
	{ VIRTIO_BALLOON_S_MEMTOT, 2000 },
	{ 999, 7 },
	{ VIRTIO_BALLOON_S_HTLB_PGFAIL, 3 },
};

static void statistics(void **state)
{
	struct virtio_balloon_stats stats;
	uint64_t gpa = mock_vdev_alloc(&m, STATS, sizeof(some_stats));

	(void)state;
	assert_false(virtio_balloon_poll_stats(m.vdev));
	memcpy(mock_vdev_ptr(&m, gpa), some_stats, sizeof(some_stats));
	mock_vdev_offer(&m, STATS, gpa, sizeof(some_stats), false);
	mock_vdev_kick(&m, STATS);
	/* The device keeps it for the next time. */
	assert_int_equal(mock_vdev_take(&m, STATS), -1);
	virtio_balloon_get_stats(m.vdev, &stats);
	assert_int_equal(stats.value[VIRTIO_BALLOON_S_MEMFREE], 1000);
	assert_int_equal(stats.value[VIRTIO_BALLOON_S_MEMTOT], 2000);
	assert_int_equal(stats.valid,
			 1 << VIRTIO_BALLOON_S_MEMFREE |
				 1 << VIRTIO_BALLOON_S_MEMTOT |
				 1 << VIRTIO_BALLOON_S_HTLB_PGFAIL);
	assert_int_not_equal(stats.when_ns, 0);

	mock_vdev_kick(&m, STATS); /* for nothing */
	assert_int_equal(mock_vdev_take(&m, STATS), -1);
	assert_true(virtio_balloon_poll_stats(m.vdev));
	assert_false(virtio_balloon_poll_stats(m.vdev)); /* one at a time */
	mock_vdev_settle(&m);
	assert_int_equal(mock_vdev_take(&m, STATS), 0);

	/* The driver answers with the same buffer. */
	((struct virtio_balloon_stat *)mock_vdev_ptr(&m, gpa))->val = 1500;
	mock_vdev_offer(&m, STATS, gpa, sizeof(some_stats[0]), false);
	mock_vdev_kick(&m, STATS);
	virtio_balloon_get_stats(m.vdev, &stats);
	assert_int_equal(stats.value[VIRTIO_BALLOON_S_MEMFREE], 1500);
	assert_int_equal(stats.valid, 1 << VIRTIO_BALLOON_S_MEMFREE);
	assert_true(virtio_balloon_poll_stats(m.vdev));

	/* What is kept does not survive a reset. */
	assert_true(mock_vdev_drive(&m, STATS_VQ));
	mock_vdev_settle(&m);
	assert_int_equal(mock_vdev_take(&m, STATS), -1);
	assert_false(virtio_balloon_poll_stats(m.vdev));
}

static void second_stats_buffer(void **state)
{
	(void)state;
	assert_int_equal(
		mock_vdev_send(&m, STATS, some_stats, sizeof(some_stats)), -1);
	assert_int_equal(mock_vdev_send(&m, STATS, some_stats, 10), 0);
	assert_int_equal(mock_vdev_take(&m, STATS), -1);
	/* Nothing but a byte of a statistic. */
	assert_int_equal(mock_vdev_send(&m, STATS, some_stats, 1), 0);
	assert_false(mock_vdev_failed(&m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(configuration, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_is_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(target, setup, teardown),
		cmocka_unit_test_setup_teardown(inflate_gives_pages_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(many_pages_scattered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pages_outside_memory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(free_page_reporting, setup,
						teardown),
		cmocka_unit_test_setup_teardown(reports_of_parts_of_pages,
						setup, teardown),
		cmocka_unit_test_setup_teardown(not_negotiated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(statistics, setup, teardown),
		cmocka_unit_test_setup_teardown(second_stats_buffer, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("virtio-balloon", tests, NULL, NULL);
}
