// SPDX-License-Identifier: GPL-2.0-only
/* virtio-blk requests, without transport and worker: one thread, no timing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
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

#define NUM        16
#define SECTORS    64
#define DISK_SIZE  (SECTORS * 512)
#define RANGES_MAX 16    /* segments of a DISCARD or WRITE_ZEROES request */
#define ZEROES_MAX 65536 /* sectors of a WRITE_ZEROES segment */
#define JUNK       0xee  /* what a status byte is before the device writes it */

#define BIT64(n)   (UINT64_C(1) << (n))
#define F_VERSION  BIT64(VIRTIO_F_VERSION_1)
#define F_INDIRECT BIT64(VIRTIO_RING_F_INDIRECT_DESC)
#define F_FLUSH    BIT64(VIRTIO_BLK_F_FLUSH)
#define F_DISCARD  BIT64(VIRTIO_BLK_F_DISCARD)
#define F_ZEROES   BIT64(VIRTIO_BLK_F_WRITE_ZEROES)
#define F_WCE      BIT64(VIRTIO_BLK_F_CONFIG_WCE)

struct fixture {
	struct gmem gmem;
	struct mock_ring ring;
	struct mock_disk *disk;
	struct virtio_device *vdev;
	bool closed;
	unsigned int pulses;
	uint64_t hdr;    /* GPAs: 16 bytes, */
	uint64_t data;   /* 8 sectors, */
	uint64_t status; /* 1 byte */
};

static struct fixture f;

static void count_pulse(void *opaque)
{
	(*(unsigned int *)opaque)++;
}

static void want(uint64_t features)
{
	virtio_device_want_features(f.vdev, 0, (uint32_t)features);
	virtio_device_want_features(f.vdev, 1, features >> 32);
}

static void drive(uint64_t features)
{
	const uint32_t ok = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			    VIRTIO_CONFIG_S_DRIVER |
			    VIRTIO_CONFIG_S_FEATURES_OK;

	virtio_device_set_status(f.vdev, 0);
	want(features);
	virtio_device_set_status(f.vdev, ok);
	assert_int_equal(virtio_device_status(f.vdev), ok);
	mock_ring_init(&f.ring, &f.gmem, NUM);
	f.hdr = mock_ring_alloc(&f.ring, 16);
	f.data = mock_ring_alloc(&f.ring, 8 * 512);
	f.status = mock_ring_alloc(&f.ring, 1);
	virtio_device_enable_queue(f.vdev, 0, &f.ring.setup);
	assert_true(virtio_device_queue_ready(f.vdev, 0));
	virtio_device_set_status(f.vdev, ok | VIRTIO_CONFIG_S_DRIVER_OK);
}

static int make(bool read_only)
{
	struct irq_line irq = { .pulse = count_pulse, .opaque = &f.pulses };

	memset(&f, 0, sizeof(f));
	log_set_level(LOG_ERROR); /* the warnings are wanted here */
	mock_gmem_init(&f.gmem);
	f.disk = mock_disk_new(DISK_SIZE, read_only);
	f.disk->closed = &f.closed;
	f.disk->disk.block_size = 4096;
	f.disk->disk.optimal_size = 65536;
	if (virtio_blk_new(&f.disk->disk, 1, &f.vdev, NULL) ||
	    virtio_device_attach(f.vdev, &f.gmem, &irq, -1, NULL))
		return -1;
	drive(F_VERSION | F_INDIRECT | F_FLUSH);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return make(false);
}

static int setup_read_only(void **state)
{
	(void)state;
	return make(true);
}

static int teardown(void **state)
{
	(void)state;
	virtio_device_free(f.vdev);
	gmem_destroy(&f.gmem);
	return f.closed ? 0 : -1;
}

static uint8_t *data(void)
{
	return mock_ring_ptr(&f.ring, f.data);
}

static void put_header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr hdr = { .type = type, .sector = sector };

	gmem_write(&f.gmem, f.hdr, &hdr, sizeof(hdr));
	*(uint8_t *)mock_ring_ptr(&f.ring, f.status) = JUNK;
}

static uint8_t get_status(void)
{
	return *(uint8_t *)mock_ring_ptr(&f.ring, f.status);
}

/* Run a chain; returns its used length, UINT32_MAX if it did not come back. */
static uint32_t run(const struct mock_seg *seg, unsigned int n)
{
	uint16_t head = mock_ring_chain(&f.ring, seg, n);
	uint32_t id, len;

	mock_ring_offer(&f.ring, head);
	virtio_device_process(f.vdev, 0);
	if (!mock_ring_take(&f.ring, &id, &len))
		return UINT32_MAX;
	assert_int_equal(id, head);
	return len;
}

/* The usual layout: header, data if any, status. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t len,
		       uint32_t *used)
{
	struct mock_seg seg[3];
	unsigned int n = 0;

	put_header(type, sector);
	seg[n++] = (struct mock_seg){ f.hdr, 16, false };
	if (len)
		seg[n++] = (struct mock_seg){ f.data, len,
					      type != VIRTIO_BLK_T_OUT };
	seg[n++] = (struct mock_seg){ f.status, 1, true };
	*used = run(seg, n);
	return get_status();
}

static void assert_alive(void)
{
	uint32_t used;

	assert_false(virtio_device_status(f.vdev) &
		     VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(request(VIRTIO_BLK_T_IN, 0, 512, &used),
			 f.disk->fail ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
}

/* --- what it is ----------------------------------------------------------- */

static void test_identity(void **state)
{
	const uint64_t features =
		BIT64(VIRTIO_BLK_F_SEG_MAX) | BIT64(VIRTIO_BLK_F_BLK_SIZE) |
		BIT64(VIRTIO_BLK_F_TOPOLOGY) | BIT64(VIRTIO_BLK_F_CONFIG_WCE) |
		F_FLUSH | F_DISCARD | F_ZEROES | F_VERSION | F_INDIRECT |
		BIT64(VIRTIO_RING_F_EVENT_IDX);
	struct virtio_blk_config config;

	(void)state;
	assert_int_equal(f.vdev->ops->id, VIRTIO_ID_BLOCK);
	assert_int_equal(virtio_device_offered(f.vdev), features);
	f.vdev->ops->config_read(f.vdev, 0, &config, sizeof(config));
	assert_int_equal(config.capacity, SECTORS);
	assert_int_equal(config.blk_size, 512);
	assert_int_equal(config.seg_max, f.vdev->queue_max - 2);
	assert_int_equal(config.wce, 1);
	assert_true(config.max_discard_sectors >= 8);
	assert_int_equal(config.max_discard_seg, RANGES_MAX);
	assert_int_equal(config.discard_sector_alignment, 8);
	assert_int_equal(config.max_write_zeroes_sectors, ZEROES_MAX);
	assert_int_equal(config.max_write_zeroes_seg, RANGES_MAX);
	assert_int_equal(config.write_zeroes_may_unmap, 1);
	assert_int_equal(config.physical_block_exp, 3);
	assert_int_equal(config.min_io_size, 8);
	assert_int_equal(config.opt_io_size, 128);
}

static void test_identity_read_only(void **state)
{
	(void)state;
	assert_true(virtio_device_offered(f.vdev) & BIT64(VIRTIO_BLK_F_RO));
	assert_false(virtio_device_offered(f.vdev) &
		     (F_DISCARD | F_ZEROES | F_WCE));
}

static void test_config_bounds(void **state)
{
	uint8_t buf[8];

	(void)state;
	memset(buf, JUNK, sizeof(buf));
	f.vdev->ops->config_read(f.vdev, sizeof(struct virtio_blk_config) - 1,
				 buf, 8);
	assert_int_equal(buf[7], 0);
	memset(buf, JUNK, sizeof(buf));
	f.vdev->ops->config_read(f.vdev, UINT64_MAX, buf, 8);
	assert_int_equal(buf[0], 0);
}

/* --- requests ------------------------------------------------------------- */

static void test_read(void **state)
{
	uint32_t used;

	(void)state;
	memset(f.disk->data + 3 * 512, 'x', 1024);
	assert_int_equal(request(VIRTIO_BLK_T_IN, 3, 1024, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(used, 1025);
	assert_memory_equal(data(), f.disk->data + 3 * 512, 1024);
	assert_int_equal(f.pulses, 1);
	assert_int_equal(virtio_device_isr(f.vdev), VIRTIO_MMIO_INT_VRING);
}

static void test_write(void **state)
{
	uint32_t used;

	(void)state;
	memset(data(), 'y', 1024);
	assert_int_equal(request(VIRTIO_BLK_T_OUT, SECTORS - 2, 1024, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(used, 1);
	assert_memory_equal(f.disk->data + DISK_SIZE - 1024, data(), 1024);
	assert_int_equal(f.disk->flushes, 0);
}

static void test_flush(void **state)
{
	uint32_t used;

	(void)state;
	assert_int_equal(request(VIRTIO_BLK_T_FLUSH, 0, 0, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(used, 1);
	assert_int_equal(f.disk->flushes, 1);
}

/* 5.2.6.2: a driver that did not take FLUSH gets a write-through disk. */
static void test_write_through(void **state)
{
	uint32_t used;

	(void)state;
	drive(F_VERSION);
	assert_int_equal(request(VIRTIO_BLK_T_OUT, 0, 512, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(f.disk->writes, 1);
	assert_int_equal(f.disk->flushes, 1);
}

static void test_get_id(void **state)
{
	uint32_t used;

	(void)state;
	memset(data(), JUNK, 64);
	assert_int_equal(request(VIRTIO_BLK_T_GET_ID, 0, 20, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(used, 21);
	assert_memory_equal(data(), "mock\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	assert_int_equal(data()[20], JUNK);

	/* A short buffer takes what fits; a long one is written to 20. */
	memset(data(), JUNK, 64);
	assert_int_equal(request(VIRTIO_BLK_T_GET_ID, 0, 2, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(used, 3);
	assert_memory_equal(data(), "mo", 2);
	assert_int_equal(data()[2], JUNK);
	assert_int_equal(request(VIRTIO_BLK_T_GET_ID, 0, 64, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(used, 20);
	assert_int_equal(data()[20], JUNK);
}

static void test_unknown_type(void **state)
{
	/* 11 and 13: DISCARD and WRITE_ZEROES were not negotiated. */
	static const uint32_t type[] = { 2, 5, 11, 13, 14, 99, 0x80000001 };
	unsigned int i;
	uint32_t used;

	(void)state;
	for (i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
		assert_int_equal(request(type[i], 0, 0, &used),
				 VIRTIO_BLK_S_UNSUPP);
		assert_int_equal(used, 1);
	}
	assert_alive();
}

/* --- bad requests that are answered --------------------------------------- */

static void test_out_of_range(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} bad[] = {
		{ SECTORS, 512 },
		{ SECTORS - 1, 1024 },
		{ SECTORS + 1, 512 },
		{ UINT64_MAX, 512 },
		{ UINT64_MAX / 512, 512 },
		{ UINT64_MAX / 512 + 1, 512 }, /* byte offset wraps to 0 */
		{ BIT64(63), 4096 },
		{ 0, 1 },
		{ 0, 511 },
		{ 0, 513 },
	};
	unsigned int i;
	uint32_t used;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(request(VIRTIO_BLK_T_IN, bad[i].sector,
					 bad[i].len, &used),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(used, 0);
		assert_int_equal(request(VIRTIO_BLK_T_OUT, bad[i].sector,
					 bad[i].len, &used),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(used, 1);
	}
	assert_int_equal(f.disk->reads + f.disk->writes, 0);
	assert_alive();
}

static void test_no_data(void **state)
{
	uint32_t used;

	(void)state;
	assert_int_equal(request(VIRTIO_BLK_T_IN, SECTORS, 0, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(request(VIRTIO_BLK_T_IN, SECTORS + 1, 0, &used),
			 VIRTIO_BLK_S_IOERR);
}

static void test_read_only(void **state)
{
	uint32_t used;

	(void)state;
	assert_int_equal(request(VIRTIO_BLK_T_OUT, 0, 512, &used),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(f.disk->writes, 0);
	assert_int_equal(request(VIRTIO_BLK_T_IN, 0, 512, &used),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(request(VIRTIO_BLK_T_FLUSH, 0, 0, &used),
			 VIRTIO_BLK_S_OK);
}

static void test_backend_error(void **state)
{
	uint32_t used;

	(void)state;
	f.disk->fail = -EIO;
	assert_int_equal(request(VIRTIO_BLK_T_IN, 0, 512, &used),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(used, 0); /* no prefix of the buffer is good */
	assert_int_equal(request(VIRTIO_BLK_T_OUT, 0, 512, &used),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(used, 1);
	assert_int_equal(request(VIRTIO_BLK_T_FLUSH, 0, 0, &used),
			 VIRTIO_BLK_S_IOERR);
	assert_alive();
}

/* --- write cache ---------------------------------------------------------- */

static void set_wce(uint8_t val)
{
	f.vdev->ops->config_write(
		f.vdev, offsetof(struct virtio_blk_config, wce), &val, 1);
}

static uint8_t get_wce(void)
{
	uint8_t val = JUNK;

	f.vdev->ops->config_read(
		f.vdev, offsetof(struct virtio_blk_config, wce), &val, 1);
	return val;
}

static unsigned int flushes_of_a_write(void)
{
	unsigned int before = f.disk->flushes;
	uint32_t used;

	assert_int_equal(request(VIRTIO_BLK_T_OUT, 0, 512, &used),
			 VIRTIO_BLK_S_OK);
	return f.disk->flushes - before;
}

/* 5.2.5.2: the driver may turn the cache off and on, where that was agreed. */
static void test_wce(void **state)
{
	(void)state;
	drive(F_VERSION | F_FLUSH | F_WCE);
	assert_int_equal(get_wce(), 1);
	assert_int_equal(flushes_of_a_write(), 0);
	set_wce(0);
	assert_int_equal(get_wce(), 0);
	assert_int_equal(flushes_of_a_write(), 1);
	set_wce(1);
	assert_int_equal(flushes_of_a_write(), 0);

	set_wce(0);
	drive(F_VERSION | F_FLUSH | F_WCE); /* a reset forgets it */
	assert_int_equal(flushes_of_a_write(), 0);

	drive(F_VERSION | F_WCE); /* without FLUSH it starts at 0 */
	assert_int_equal(get_wce(), 0);
	assert_int_equal(flushes_of_a_write(), 1);
	set_wce(1);
	assert_int_equal(flushes_of_a_write(), 0);

	drive(F_VERSION | F_FLUSH); /* not agreed: not to be changed */
	set_wce(0);
	assert_int_equal(get_wce(), 1);
	assert_int_equal(flushes_of_a_write(), 0);
}

/* Nothing else of the configuration is the driver's, at any offset. */
static void test_config_write(void **state)
{
	struct virtio_blk_config before, after;
	uint64_t junk = UINT64_MAX, offset;

	(void)state;
	drive(F_VERSION | F_FLUSH | F_WCE);
	f.vdev->ops->config_read(f.vdev, 0, &before, sizeof(before));
	for (offset = 0; offset < 300; offset++) {
		if (offset != offsetof(struct virtio_blk_config, wce))
			f.vdev->ops->config_write(f.vdev, offset, &junk, 1);
		f.vdev->ops->config_write(f.vdev, offset, &junk, 8);
	}
	f.vdev->ops->config_write(f.vdev, UINT64_MAX, &junk, 1);
	f.vdev->ops->config_read(f.vdev, 0, &after, sizeof(after));
	assert_memory_equal(&before, &after, sizeof(before));
}

/* --- DISCARD and WRITE_ZEROES --------------------------------------------- */

#define UNMAP 1

/* @len bytes of segments are in data(). */
static uint8_t ranges(uint32_t type, uint32_t len)
{
	struct mock_seg seg[] = { { f.hdr, 16, false },
				  { f.data, len, false },
				  { f.status, 1, true } };

	put_header(type, 12345); /* the sector of the header means nothing */
	if (len)
		assert_int_equal(run(seg, 3), 1);
	else
		assert_int_equal(run((struct mock_seg[]){ seg[0], seg[2] }, 2),
				 1);
	return get_status();
}

static void put_range(unsigned int i, uint64_t sector, uint32_t n,
		      uint32_t flags)
{
	const struct virtio_blk_discard_write_zeroes range = { sector, n,
							       flags };

	memcpy(data() + i * sizeof(range), &range, sizeof(range));
}

static void drive_ranges(void)
{
	drive(F_VERSION | F_FLUSH | F_DISCARD | F_ZEROES);
	memset(f.disk->data, 'x', DISK_SIZE);
}

static void test_discard(void **state)
{
	(void)state;
	drive_ranges();
	put_range(0, 1, 2, 0);
	put_range(1, SECTORS - 1, 1, 0);
	put_range(2, 5, 0, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 48), VIRTIO_BLK_S_OK);
	assert_int_equal(f.disk->discards, 2); /* none for no sectors */
	assert_int_equal(f.disk->data[511], 'x');
	assert_int_equal(f.disk->data[512], 0xdd);
	assert_int_equal(f.disk->data[3 * 512 - 1], 0xdd);
	assert_int_equal(f.disk->data[3 * 512], 'x');
	assert_int_equal(f.disk->data[DISK_SIZE - 1], 0xdd);
	assert_int_equal(f.disk->flushes, 0);
}

static void test_write_zeroes(void **state)
{
	(void)state;
	drive_ranges();
	put_range(0, 4, 2, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16),
			 VIRTIO_BLK_S_OK);
	assert_false(f.disk->unmap);
	assert_int_equal(f.disk->data[4 * 512 - 1], 'x');
	assert_int_equal(f.disk->data[4 * 512], 0);
	assert_int_equal(f.disk->data[6 * 512 - 1], 0);
	assert_int_equal(f.disk->data[6 * 512], 'x');

	put_range(0, 0, SECTORS, UNMAP);
	assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16),
			 VIRTIO_BLK_S_OK);
	assert_true(f.disk->unmap);
	assert_int_equal(f.disk->data[0], 0);
	assert_int_equal(f.disk->data[DISK_SIZE - 1], 0);
}

/* A write-through disk has them on stable storage as well. */
static void test_ranges_write_through(void **state)
{
	(void)state;
	drive(F_VERSION | F_ZEROES | F_DISCARD);
	put_range(0, 0, 1, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(f.disk->flushes, 1);
}

/* 5.2.6.2; whatever is wrong with one segment, nothing is done for any. */
static void test_bad_ranges(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t n, flags;
		uint8_t discard, zeroes; /* the statuses */
	} bad[] = {
		{ 0, 1, UNMAP, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_OK },
		{ 0, 1, 2, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
		{ 0, 1, 0x80000000, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
		{ SECTORS, 1, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ 1, SECTORS, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX, 2, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX / 512 + 1, 1, 0, VIRTIO_BLK_S_IOERR,
		  VIRTIO_BLK_S_IOERR },
		{ 0, UINT32_MAX, 0, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		drive_ranges();
		f.disk->discards = 0;
		f.disk->zeroes = 0;
		put_range(0, 3, 1, 0);
		put_range(1, bad[i].sector, bad[i].n, bad[i].flags);
		assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 32),
				 bad[i].discard);
		assert_int_equal(f.disk->discards, 0);
		assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 32),
				 bad[i].zeroes);
		assert_int_equal(f.disk->zeroes, bad[i].zeroes ? 0 : 2);
	}
}

static void test_bad_range_lengths(void **state)
{
	unsigned int i;

	(void)state;
	drive_ranges();
	for (i = 0; i <= RANGES_MAX; i++)
		put_range(i, i, 1, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 15), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 17), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 16 * RANGES_MAX + 16),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(f.disk->discards, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 16 * RANGES_MAX),
			 VIRTIO_BLK_S_OK);
	assert_int_equal(f.disk->discards, RANGES_MAX);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 0), VIRTIO_BLK_S_OK);
}

static void test_zeroes_too_long(void **state)
{
	struct mock_disk *big = mock_disk_new((ZEROES_MAX + 8) * 512ULL, false);
	struct irq_line irq = { .pulse = count_pulse, .opaque = &f.pulses };

	(void)state;
	virtio_device_free(f.vdev);
	f.disk = big;
	big->closed = &f.closed;
	assert_int_equal(virtio_blk_new(&big->disk, 1, &f.vdev, NULL), 0);
	assert_int_equal(virtio_device_attach(f.vdev, &f.gmem, &irq, -1, NULL),
			 0);
	drive(F_VERSION | F_FLUSH | F_ZEROES);
	put_range(0, 0, ZEROES_MAX + 1, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16),
			 VIRTIO_BLK_S_IOERR);
	put_range(0, 0, ZEROES_MAX, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16),
			 VIRTIO_BLK_S_OK);
}

static void test_range_errors(void **state)
{
	(void)state;
	drive_ranges();
	f.disk->fail = -ENOSPC;
	put_range(0, 0, 1, 0);
	put_range(1, 1, 1, 0);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 32), VIRTIO_BLK_S_IOERR);
	assert_int_equal(f.disk->discards, 1); /* not on from there */
	assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 32),
			 VIRTIO_BLK_S_IOERR);
	f.disk->fail = 0;
	assert_alive();
}

static void test_ranges_read_only(void **state)
{
	uint32_t used;

	(void)state;
	assert_int_equal(request(VIRTIO_BLK_T_DISCARD, 0, 0, &used),
			 VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(f.disk->discards, 0);
}

/* --- several queues and batches ------------------------------------------- */

static void remake(unsigned int nr_queues)
{
	struct irq_line irq = { .pulse = count_pulse, .opaque = &f.pulses };

	virtio_device_free(f.vdev);
	f.disk = mock_disk_new(DISK_SIZE, false);
	f.disk->closed = &f.closed;
	assert_int_equal(
		virtio_blk_new(&f.disk->disk, nr_queues, &f.vdev, NULL), 0);
	assert_int_equal(virtio_device_attach(f.vdev, &f.gmem, &irq, -1, NULL),
			 0);
}

static void test_queues(void **state)
{
	struct mock_seg seg[] = { { 0, 16, false }, { 0, 1, true } };
	struct virtio_blk_config config;
	struct mock_ring second;
	uint32_t id, len, used;

	(void)state;
	assert_false(virtio_device_offered(f.vdev) & BIT64(VIRTIO_BLK_F_MQ));
	remake(4);
	assert_true(virtio_device_offered(f.vdev) & BIT64(VIRTIO_BLK_F_MQ));
	f.vdev->ops->config_read(f.vdev, 0, &config, sizeof(config));
	assert_int_equal(config.num_queues, 4);

	drive(F_VERSION | F_FLUSH | BIT64(VIRTIO_BLK_F_MQ));
	mock_ring_init_at(&second, &f.gmem, NUM,
			  MOCK_RAM_GPA + MOCK_RAM_SIZE / 2);
	virtio_device_enable_queue(f.vdev, 3, &second.setup);

	seg[0].gpa = f.hdr;
	seg[1].gpa = f.status;
	put_header(VIRTIO_BLK_T_FLUSH, 0);
	mock_ring_offer(&second, mock_ring_chain(&second, seg, 2));
	virtio_device_process(f.vdev, 1); /* not enabled: nothing there */
	assert_false(mock_ring_take(&second, &id, &len));
	virtio_device_process(f.vdev, 3);
	assert_true(mock_ring_take(&second, &id, &len));
	assert_int_equal(get_status(), VIRTIO_BLK_S_OK);
	assert_int_equal(f.disk->flushes, 1);
	assert_int_equal(request(VIRTIO_BLK_T_FLUSH, 0, 0, &used),
			 VIRTIO_BLK_S_OK);
}

/* A driver that wants an interrupt each time gets one for the batch. */
static void test_one_interrupt_a_batch(void **state)
{
	struct mock_seg seg[] = { { f.hdr, 16, false },
				  { f.data, 512, true },
				  { f.status, 1, true } };
	uint32_t id, len, i;

	(void)state;
	drive(F_VERSION | F_FLUSH);
	put_header(VIRTIO_BLK_T_IN, 0);
	for (i = 0; i < 5; i++)
		mock_ring_offer(&f.ring, mock_ring_chain(&f.ring, seg, 3));
	virtio_device_process(f.vdev, 0);
	for (i = 0; i < 5; i++)
		assert_true(mock_ring_take(&f.ring, &id, &len));
	assert_int_equal(f.pulses, 1);

	virtio_device_process(f.vdev, 0); /* a kick for nothing */
	assert_int_equal(f.pulses, 1);
}

/* What was read does not wait for the flush that comes next. */
static void test_flush_ends_a_batch(void **state)
{
	struct mock_seg read[] = { { f.hdr, 16, false },
				   { f.data, 512, true },
				   { f.status, 1, true } };
	struct virtio_blk_outhdr hdr = { .type = VIRTIO_BLK_T_FLUSH };
	uint64_t gpa = mock_ring_alloc(&f.ring, 16);
	struct mock_seg flush[] = { { gpa, 16, false }, { f.status, 1, true } };

	(void)state;
	put_header(VIRTIO_BLK_T_IN, 0);
	gmem_write(&f.gmem, gpa, &hdr, sizeof(hdr));
	mock_ring_offer(&f.ring, mock_ring_chain(&f.ring, read, 3));
	mock_ring_offer(&f.ring, mock_ring_chain(&f.ring, flush, 2));
	virtio_device_process(f.vdev, 0);
	assert_int_equal(f.disk->flushes, 1);
	assert_int_equal(f.pulses, 2);
}

/* --- layout --------------------------------------------------------------- */

/* 2.7.4.1: a driver may cut anywhere; every cut gives the same result. */
static void test_any_layout(void **state)
{
	uint32_t cut, i, n;
	struct mock_seg seg[8];

	(void)state;
	for (i = 0; i < 512; i++)
		f.disk->data[512 + i] = i;
	for (cut = 1; cut < 16; cut++) {
		memset(data(), 0, 1024);
		put_header(VIRTIO_BLK_T_IN, 1);
		n = 0;
		seg[n++] = (struct mock_seg){ f.hdr, cut, false };
		seg[n++] = (struct mock_seg){ f.hdr + cut, 16 - cut, false };
		seg[n++] = (struct mock_seg){ f.data, cut, true };
		seg[n++] = (struct mock_seg){ f.data + cut, 100, true };
		/* The last piece of data and the status byte in one. */
		seg[n++] = (struct mock_seg){ f.data + 100 + cut, 412 - cut + 1,
					      true };
		assert_int_equal(run(seg, n), 513);
		assert_memory_equal(data(), f.disk->data + 512, 512);
		assert_int_equal(data()[512], VIRTIO_BLK_S_OK);
	}
}

/* Header and data to write in one descriptor. */
static void test_header_with_data(void **state)
{
	struct virtio_blk_outhdr hdr = { .type = VIRTIO_BLK_T_OUT,
					 .sector = 2 };
	struct mock_seg seg[] = { { f.data, 16 + 100, false },
				  { f.data + 116, 412, false },
				  { f.status, 1, true } };

	(void)state;
	memset(data(), 'z', 1024);
	memcpy(data(), &hdr, sizeof(hdr));
	assert_int_equal(run(seg, 3), 1);
	assert_int_equal(get_status(), VIRTIO_BLK_S_OK);
	assert_memory_equal(f.disk->data + 1024, data() + 16, 512);
}

static void test_indirect(void **state)
{
	struct mock_seg seg[] = { { f.hdr, 16, false },
				  { f.data, 512, true },
				  { f.status, 1, true } };
	uint32_t id, len;

	(void)state;
	f.disk->data[0] = 'i';
	put_header(VIRTIO_BLK_T_IN, 0);
	mock_ring_offer(&f.ring, mock_ring_indirect(&f.ring, seg, 3));
	virtio_device_process(f.vdev, 0);
	assert_true(mock_ring_take(&f.ring, &id, &len));
	assert_int_equal(len, 513);
	assert_int_equal(data()[0], 'i');
}

/* Many requests in one go: all done, in order, avail_event left behind. */
static void test_batch(void **state)
{
	struct mock_seg seg[] = { { f.hdr, 16, false }, { f.status, 1, true } };
	uint32_t id, len, i;

	(void)state;
	drive(F_VERSION | BIT64(VIRTIO_RING_F_EVENT_IDX) | F_FLUSH);
	mock_ring_set_used_event(&f.ring, NUM / 2 - 1);
	put_header(VIRTIO_BLK_T_FLUSH, 0);
	for (i = 0; i < NUM / 2; i++)
		mock_ring_offer(&f.ring, mock_ring_chain(&f.ring, seg, 2));
	virtio_device_process(f.vdev, 0);
	for (i = 0; i < NUM / 2; i++) {
		assert_true(mock_ring_take(&f.ring, &id, &len));
		assert_int_equal(id, 2 * i);
	}
	assert_int_equal(f.disk->flushes, NUM / 2);
	assert_int_equal(f.pulses, 1); /* used_event: after the last one */
	assert_int_equal(mock_ring_avail_event(&f.ring), NUM / 2);
}

/* --- chains that end the device ------------------------------------------- */

static void assert_broken(void)
{
	const uint32_t bits = VIRTIO_CONFIG_S_NEEDS_RESET;
	uint16_t used = f.ring.used->idx;
	struct mock_seg seg[] = { { f.hdr, 16, false }, { f.status, 1, true } };

	assert_int_equal(virtio_device_status(f.vdev) & bits, bits);
	assert_true(virtio_device_isr(f.vdev) & VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(f.pulses, 1);
	/* The ring is left alone, and nobody is told anything twice. */
	put_header(VIRTIO_BLK_T_FLUSH, 0);
	assert_int_equal(run(seg, 2), UINT32_MAX);
	assert_int_equal(f.ring.used->idx, used);
	assert_int_equal(f.pulses, 1);
	assert_int_equal(f.disk->reads + f.disk->writes + f.disk->flushes, 0);

	drive(F_VERSION | F_FLUSH);
	assert_alive();
}

static void test_no_status_byte(void **state)
{
	struct mock_seg seg[] = { { f.hdr, 16, false } };

	(void)state;
	put_header(VIRTIO_BLK_T_OUT, 0);
	assert_int_equal(run(seg, 1), UINT32_MAX);
	assert_broken();
}

static void test_short_header(void **state)
{
	struct mock_seg seg[] = { { f.hdr, 15, false }, { f.status, 1, true } };

	(void)state;
	put_header(VIRTIO_BLK_T_IN, 0);
	assert_int_equal(run(seg, 2), UINT32_MAX);
	assert_int_equal(get_status(), JUNK);
	assert_broken();
}

static void test_no_header(void **state)
{
	struct mock_seg seg[] = { { f.data, 512, true } };

	(void)state;
	assert_int_equal(run(seg, 1), UINT32_MAX);
	assert_broken();
}

static void test_bad_chain(void **state)
{
	struct mock_seg seg[] = { { f.hdr, 16, false },
				  { MOCK_RAM_GPA - 512, 512, true },
				  { f.status, 1, true } };

	(void)state;
	put_header(VIRTIO_BLK_T_IN, 0);
	assert_int_equal(run(seg, 3), UINT32_MAX);
	assert_broken();
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T_RO(name) \
	cmocka_unit_test_setup_teardown(name, setup_read_only, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_identity),
		T_RO(test_identity_read_only),
		T(test_config_bounds),
		T(test_read),
		T(test_write),
		T(test_flush),
		T(test_write_through),
		T(test_get_id),
		T(test_unknown_type),
		T(test_out_of_range),
		T(test_no_data),
		T_RO(test_read_only),
		T(test_backend_error),
		T(test_wce),
		T(test_config_write),
		T(test_discard),
		T(test_write_zeroes),
		T(test_ranges_write_through),
		T(test_bad_ranges),
		T(test_bad_range_lengths),
		T(test_zeroes_too_long),
		T(test_range_errors),
		T_RO(test_ranges_read_only),
		T(test_queues),
		T(test_one_interrupt_a_batch),
		T(test_flush_ends_a_batch),
		T(test_any_layout),
		T(test_header_with_data),
		T(test_indirect),
		T(test_batch),
		T(test_no_status_byte),
		T(test_short_header),
		T(test_no_header),
		T(test_bad_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
