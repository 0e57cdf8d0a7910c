// SPDX-License-Identifier: GPL-2.0-only
/* A driver of version 1 in front of a virtio-blk and its worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "mock_disk.h"
#include "mock_ring.h"
#include "lib/log.h"
#include "virtio/blk.h"
#include "virtio/device.h"
#include "virtio/mmio.h"
#include "virtio/mmio-legacy.h"

#define NUM       16
#define PAGE      4096
#define DISK_SIZE (64 * 512)

#define PROBED    (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define LIVE      (PROBED | VIRTIO_CONFIG_S_DRIVER_OK)

static struct gmem gmem;
static struct mock_ring ring;
static struct mock_disk *disk;
static struct virtio_device *vdev;
static struct virtio_mmio *vm;
static uint32_t page[VIRTIO_MMIO_SIZE / 4]; /* what a guest would see */

static void publish(const void *word)
{
	(void)word;
}

static void pulse(void *opaque)
{
	(void)opaque;
}

static int setup(void **state)
{
	struct virtio_mmio_config config = {
		.gmem = &gmem,
		.irq = { .pulse = pulse },
		.irq_fd = -1,
		.shadow = { .regs = (uint8_t *)page, .publish = publish },
		.legacy = true,
	};

	(void)state;
	log_set_level(LOG_ERROR);
	memset(page, 0, sizeof(page));
	mock_gmem_init(&gmem);
	disk = mock_disk_new(DISK_SIZE, false);
	return virtio_blk_new(&disk->disk, 1, &vdev, NULL) ||
	       virtio_mmio_new(vdev, &config, &vm, NULL);
}

static int teardown(void **state)
{
	(void)state;
	virtio_mmio_free(vm);
	gmem_destroy(&gmem);
	return 0;
}

/* Through its handler and from the page it reads the same. */
static uint32_t rd(uint64_t offset)
{
	uint32_t val = virtio_mmio_ops.read(vm, offset, 4);

	assert_int_equal(page[offset / 4], val);
	return val;
}

static void wr(uint64_t offset, uint32_t val)
{
	virtio_mmio_ops.write(vm, offset, 4, val);
}

/* As vring_init() does: one block, the used ring on the next page. */
static uint32_t place_ring(void)
{
	const uint64_t gpa = MOCK_RAM_GPA + 0x10000;

	mock_ring_init_at(&ring, &gmem, NUM, gpa);
	ring.setup =
		(struct virtq_setup){ NUM, gpa, gpa + 16 * NUM, gpa + PAGE };
	ring.desc = gmem_ptr(&gmem, ring.setup.desc, PAGE);
	ring.avail = gmem_ptr(&gmem, ring.setup.driver, PAGE);
	ring.used = gmem_ptr(&gmem, ring.setup.device, PAGE);
	memset(ring.desc, 0, 2 * PAGE);
	ring.heap = gpa + 2 * PAGE;
	return gpa / PAGE;
}

static void probe(uint32_t features)
{
	wr(VIRTIO_MMIO_STATUS, 0);
	wr(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	wr(VIRTIO_MMIO_STATUS, PROBED);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, features);
}

static uint32_t set_queue(void)
{
	const uint32_t pfn = place_ring();

	wr(VIRTIO_MMIO_QUEUE_SEL, 0);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_PFN), 0);
	assert_true(rd(VIRTIO_MMIO_QUEUE_NUM_MAX) >= NUM);
	wr(VIRTIO_MMIO_QUEUE_NUM, NUM);
	wr(VIRTIO_MMIO_QUEUE_ALIGN, PAGE);
	wr(VIRTIO_MMIO_QUEUE_PFN, pfn);
	return pfn;
}

/* The worker is at it; nothing here may take longer. */
static bool done(uint32_t *len)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	unsigned int i;
	uint32_t id;

	for (i = 0; i < 5000; i++) {
		if (mock_ring_take(&ring, &id, len))
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

static void read_sector(void)
{
	struct virtio_blk_outhdr *hdr;
	struct mock_seg seg[3];
	uint32_t len;
	uint8_t *data;

	seg[0] = (struct mock_seg){ mock_ring_alloc(&ring, 16), 16, false };
	seg[1] = (struct mock_seg){ mock_ring_alloc(&ring, 512), 512, true };
	seg[2] = (struct mock_seg){ mock_ring_alloc(&ring, 1), 1, true };
	hdr = mock_ring_ptr(&ring, seg[0].gpa);
	*hdr = (struct virtio_blk_outhdr){ .type = VIRTIO_BLK_T_IN,
					   .sector = 3 };
	memset(disk->data + 3 * 512, 0x5a, 512);
	data = mock_ring_ptr(&ring, seg[1].gpa);
	*(uint8_t *)mock_ring_ptr(&ring, seg[2].gpa) = 0xff;
	mock_ring_offer(&ring, mock_ring_chain(&ring, seg, 3));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_true(done(&len));
	assert_int_equal(len, 513);
	assert_int_equal(*(uint8_t *)mock_ring_ptr(&ring, seg[2].gpa), 0);
	assert_int_equal(data[0], 0x5a);
	assert_int_equal(data[511], 0x5a);
}

static void test_registers(void **state)
{
	(void)state;
	assert_int_equal(rd(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(rd(VIRTIO_MMIO_VERSION), 1);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_BLOCK);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	/* Of the features the first 32. */
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	assert_true(rd(VIRTIO_MMIO_DEVICE_FEATURES) & 1U << VIRTIO_BLK_F_FLUSH);
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_FEATURES), 0);
}

static void test_requests(void **state)
{
	static const uint32_t features[] = { 0, 1U << VIRTIO_RING_F_EVENT_IDX,
					     1U << VIRTIO_BLK_F_FLUSH };
	uint32_t pfn;
	size_t i;

	(void)state;
	/* Once: Linux does so before its first reset. */
	wr(VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE);
	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		probe(features[i]);
		pfn = set_queue();
		assert_int_equal(rd(VIRTIO_MMIO_QUEUE_PFN), pfn);
		wr(VIRTIO_MMIO_STATUS, LIVE);
		assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE);
		assert_int_equal(vdev->features, features[i]);
		read_sector();
		read_sector();
		wr(VIRTIO_MMIO_STATUS, 0);
		assert_int_equal(rd(VIRTIO_MMIO_QUEUE_PFN), 0);
	}
}

static void test_misuse(void **state)
{
	(void)state;
	wr(VIRTIO_MMIO_GUEST_PAGE_SIZE, PAGE);
	/* A feature that is not there. */
	probe(1U << 31);
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), PROBED);
	/* FEATURES_OK is not of this version. */
	probe(0);
	wr(VIRTIO_MMIO_STATUS, PROBED | VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), PROBED);
	/* No such queue. */
	wr(VIRTIO_MMIO_QUEUE_SEL, 7);
	wr(VIRTIO_MMIO_QUEUE_ALIGN, PAGE);
	wr(VIRTIO_MMIO_QUEUE_PFN, 1);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_PFN), 0);
	/* Outside memory; of no size; twice; with an alignment that is none. */
	wr(VIRTIO_MMIO_QUEUE_SEL, 0);
	wr(VIRTIO_MMIO_QUEUE_NUM, NUM);
	wr(VIRTIO_MMIO_QUEUE_PFN, 0xffffffff);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_PFN), 0);
	assert_true(rd(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	probe(0);
	wr(VIRTIO_MMIO_QUEUE_PFN, place_ring());
	assert_true(rd(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	probe(0);
	set_queue();
	wr(VIRTIO_MMIO_QUEUE_PFN, 3);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_PFN), ring.setup.desc / PAGE);
	wr(VIRTIO_MMIO_QUEUE_PFN, 0);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_PFN), 0);
	probe(0);
	wr(VIRTIO_MMIO_QUEUE_NUM, NUM);
	wr(VIRTIO_MMIO_QUEUE_ALIGN, 1000);
	wr(VIRTIO_MMIO_QUEUE_PFN, place_ring());
	assert_false(rd(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	/* Version 2's registers place nothing. */
	wr(VIRTIO_MMIO_STATUS, 0);
	wr(VIRTIO_MMIO_QUEUE_DESC_LOW, MOCK_RAM_GPA);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
}

static void test_types(void **state)
{
	(void)state;
	assert_true(virtio_legacy_has(VIRTIO_ID_NET));
	assert_true(virtio_legacy_has(VIRTIO_ID_BALLOON));
	assert_false(virtio_legacy_has(VIRTIO_ID_VSOCK));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_registers),
		T(test_requests),
		T(test_misuse),
		T(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
