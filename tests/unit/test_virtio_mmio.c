// SPDX-License-Identifier: GPL-2.0-only
/* The virtio-mmio registers, with a virtio-blk and its worker behind them. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "mock_disk.h"
#include "mock_ring.h"
#include "lib/log.h"
#include "lib/worker.h"
#include "virtio/blk.h"
#include "virtio/device.h"
#include "virtio/mmio.h"

#define NUM         16
#define DISK_SIZE   (64 * 512)

#define ACK         VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER      VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK   VIRTIO_CONFIG_S_DRIVER_OK
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED      VIRTIO_CONFIG_S_FAILED

#define BIT64(n)    (UINT64_C(1) << (n))
#define F_VERSION   BIT64(VIRTIO_F_VERSION_1)
#define F_FLUSH     BIT64(VIRTIO_BLK_F_FLUSH)
#define F_EVENT     BIT64(VIRTIO_RING_F_EVENT_IDX)

struct fixture {
	struct gmem gmem;
	struct mock_ring ring;
	struct mock_disk *disk;
	struct virtio_device *vdev;
	struct virtio_mmio *vm;
	int irq_fd;          /* -1 unless the test uses one */
	unsigned int pulses; /* atomic */
	uint64_t hdr, data, status;
};

static struct fixture f;

static void count_pulse(void *opaque)
{
	__atomic_add_fetch((unsigned int *)opaque, 1, __ATOMIC_SEQ_CST);
}

static unsigned int pulses(void)
{
	return __atomic_load_n(&f.pulses, __ATOMIC_SEQ_CST);
}

static uint32_t rd(uint64_t offset)
{
	return virtio_mmio_ops.read(f.vm, offset, 4);
}

static void wr(uint64_t offset, uint32_t val)
{
	virtio_mmio_ops.write(f.vm, offset, 4, val);
}

static int make(int irq_fd)
{
	struct virtio_mmio_config config;

	memset(&f, 0, sizeof(f));
	log_set_level(LOG_ERROR);
	mock_gmem_init(&f.gmem);
	f.irq_fd = irq_fd;
	config = (struct virtio_mmio_config){
		.gmem = &f.gmem,
		.irq = { .pulse = count_pulse, .opaque = &f.pulses },
		.irq_fd = irq_fd,
	};
	f.disk = mock_disk_new(DISK_SIZE, false);
	if (virtio_blk_new(&f.disk->disk, 1, &f.vdev, NULL))
		return -1;
	return virtio_mmio_new(f.vdev, &config, &f.vm, NULL);
}

static int setup(void **state)
{
	(void)state;
	return make(-1);
}

static int setup_irqfd(void **state)
{
	(void)state;
	return make(eventfd(0, EFD_NONBLOCK));
}

static int teardown(void **state)
{
	(void)state;
	virtio_mmio_free(f.vm);
	gmem_destroy(&f.gmem);
	if (f.irq_fd >= 0)
		close(f.irq_fd);
	return 0;
}

/* --- a driver ------------------------------------------------------------- */

static void accept_features(uint64_t features)
{
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
}

static uint64_t offered(void)
{
	uint64_t low;

	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	low = rd(VIRTIO_MMIO_DEVICE_FEATURES);
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)rd(VIRTIO_MMIO_DEVICE_FEATURES) << 32;
}

static void write_addr(uint64_t low_reg, uint64_t addr)
{
	wr(low_reg, (uint32_t)addr);
	wr(low_reg + 4, addr >> 32);
}

static void set_queue(const struct virtq_setup *s)
{
	wr(VIRTIO_MMIO_QUEUE_SEL, 0);
	wr(VIRTIO_MMIO_QUEUE_NUM, s->num);
	write_addr(VIRTIO_MMIO_QUEUE_DESC_LOW, s->desc);
	write_addr(VIRTIO_MMIO_QUEUE_AVAIL_LOW, s->driver);
	write_addr(VIRTIO_MMIO_QUEUE_USED_LOW, s->device);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void negotiate(uint64_t features)
{
	wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	wr(VIRTIO_MMIO_STATUS, ACK);
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER);
	accept_features(features);
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
}

static void bring_up(uint64_t features)
{
	negotiate(features);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES_OK);
	mock_ring_init(&f.ring, &f.gmem, NUM);
	f.hdr = mock_ring_alloc(&f.ring, 16);
	f.data = mock_ring_alloc(&f.ring, 512);
	f.status = mock_ring_alloc(&f.ring, 1);
	set_queue(&f.ring.setup);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 1);
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS),
			 ACK | DRIVER | FEATURES_OK | DRIVER_OK);
}

static uint16_t prepare(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr hdr = { .type = type, .sector = sector };
	struct mock_seg seg[] = { { f.hdr, 16, false },
				  { f.data, 512, type == VIRTIO_BLK_T_IN },
				  { f.status, 1, true } };

	gmem_write(&f.gmem, f.hdr, &hdr, sizeof(hdr));
	return mock_ring_chain(&f.ring, seg, 3);
}

#define WAIT_UNTIL(cond)                    \
	do {                                \
		int tries_ = 20000;         \
		while (!(cond) && tries_--) \
			usleep(500);        \
		assert_true(tries_ > 0);    \
	} while (0)

static void do_request(uint32_t type, uint64_t sector, uint32_t used)
{
	uint32_t id, len;

	mock_ring_offer(&f.ring, prepare(type, sector));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	WAIT_UNTIL(mock_ring_take(&f.ring, &id, &len));
	assert_int_equal(len, used);
	assert_int_equal(*(uint8_t *)mock_ring_ptr(&f.ring, f.status),
			 VIRTIO_BLK_S_OK);
}

/* --- registers ------------------------------------------------------------ */

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(rd(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(rd(VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_BLOCK);
	assert_int_equal(rd(VIRTIO_MMIO_VENDOR_ID), 0x50415254);
	assert_int_equal(rd(VIRTIO_MMIO_CONFIG_GENERATION), 0);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(rd(0x0b0), UINT32_MAX); /* SHMLenLow, High, Base */
	assert_int_equal(rd(0x0b4), UINT32_MAX);
	assert_int_equal(rd(0x0b8), UINT32_MAX);
	assert_int_equal(rd(0x0bc), UINT32_MAX);
	assert_int_equal(rd(0x0c0), 0); /* QueueReset: not offered */

	assert_int_equal(virtio_mmio_nr_queues(f.vm), 1);
	assert_true(virtio_mmio_kick_fd(f.vm, 0) >= 0);
	assert_int_equal(virtio_mmio_device_id(f.vm), VIRTIO_ID_BLOCK);
	assert_string_equal(virtio_mmio_device_name(f.vm), "virtio-blk");
}

/* Registers are 32 bits wide and aligned; the rest is nothing. */
static void test_access_size(void **state)
{
	static const unsigned int size[] = { 1, 2, 8 };
	unsigned int i, offset;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (offset = 0; offset < 0x100; offset++)
			assert_int_equal(
				virtio_mmio_ops.read(f.vm, offset, size[i]), 0);
		virtio_mmio_ops.write(f.vm, VIRTIO_MMIO_STATUS, size[i], ACK);
		assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	}
	assert_int_equal(rd(1), 0);
	assert_int_equal(rd(2), 0);
	wr(VIRTIO_MMIO_STATUS + 1, ACK);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
}

/* Read-only and reserved registers take a write without effect. */
static void test_stray_writes(void **state)
{
	uint64_t offset;

	(void)state;
	for (offset = 0; offset < VIRTIO_MMIO_SIZE; offset += 4) {
		if (offset != VIRTIO_MMIO_STATUS)
			wr(offset, UINT32_MAX);
	}
	wr(VIRTIO_MMIO_STATUS, 0);
	test_identity(state);
}

static void test_features(void **state)
{
	(void)state;
	assert_int_equal(offered() & F_VERSION, F_VERSION);
	assert_int_equal(offered() & F_EVENT, F_EVENT);
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, UINT32_MAX);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_FEATURES), 0);
}

static void assert_features_refused(uint64_t features)
{
	negotiate(features);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER);
	/* And without FEATURES_OK there is no DRIVER_OK. */
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | DRIVER_OK);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER);
	/* The driver may think again. */
	accept_features(F_VERSION);
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES_OK);
}

static void test_features_refused(void **state)
{
	(void)state;
	assert_features_refused(0);
	assert_features_refused(F_FLUSH);               /* no VERSION_1 */
	assert_features_refused(F_VERSION | BIT64(60)); /* never offered */
	assert_features_refused(F_VERSION | BIT64(VIRTIO_BLK_F_RO));
	assert_features_refused(UINT64_MAX);
}

static void test_features_beyond_64(void **state)
{
	(void)state;
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER);
	accept_features(F_VERSION);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 3);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER);
	negotiate(F_VERSION); /* a reset forgets them */
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER | FEATURES_OK);
}

static void test_features_are_final(void **state)
{
	(void)state;
	negotiate(F_VERSION);
	accept_features(F_VERSION | F_EVENT);
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK);
	assert_int_equal(f.vdev->features, F_VERSION);
}

static void test_status(void **state)
{
	(void)state;
	wr(VIRTIO_MMIO_STATUS, NEEDS_RESET | 0x30); /* not the driver's */
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	wr(VIRTIO_MMIO_STATUS, ACK);
	wr(VIRTIO_MMIO_STATUS, DRIVER); /* no bit is cleared */
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER);
	wr(VIRTIO_MMIO_STATUS, FAILED);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER | FAILED);
	wr(VIRTIO_MMIO_STATUS, 0x100); /* not zero: no reset */
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), ACK | DRIVER | FAILED);
	wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
}

static void test_config_space(void **state)
{
	static const unsigned int size[] = { 1, 2, 4, 8 };
	const uint8_t *bytes;
	unsigned int i, offset;
	uint64_t val, want;
	struct virtio_blk_config config;

	(void)state;
	f.vdev->ops->config_read(f.vdev, 0, &config, sizeof(config));
	assert_int_equal(config.seg_max, 254);
	bytes = (const uint8_t *)&config;
	for (i = 0; i < 4; i++) {
		for (offset = 0; offset + size[i] <= 0x100; offset++) {
			want = 0;
			if (offset < sizeof(config))
				memcpy(&want, bytes + offset,
				       sizeof(config) - offset < size[i]
					       ? sizeof(config) - offset
					       : size[i]);
			val = virtio_mmio_ops.read(f.vm, 0x100 + offset,
						   size[i]);
			assert_int_equal(val, want);
			virtio_mmio_ops.write(f.vm, 0x100 + offset, size[i],
					      UINT64_MAX);
		}
	}
	assert_int_equal(virtio_mmio_ops.read(f.vm, 0x100, 8), DISK_SIZE / 512);
}

static void test_config_change(void **state)
{
	(void)state;
	virtio_device_config_changed(f.vdev);
	assert_int_equal(rd(VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(pulses(), 0);
	bring_up(F_VERSION);
	virtio_device_config_changed(f.vdev);
	assert_int_equal(rd(VIRTIO_MMIO_CONFIG_GENERATION), 2);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(pulses(), 1);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_CONFIG);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

/* --- queues --------------------------------------------------------------- */

static void test_queue_select(void **state)
{
	static const uint32_t none[] = { 1, 2, 0x10000, UINT32_MAX };
	unsigned int i;

	(void)state;
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_NUM_MAX), 256);
	negotiate(F_VERSION);
	mock_ring_init(&f.ring, &f.gmem, NUM);
	set_queue(&f.ring.setup);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		wr(VIRTIO_MMIO_QUEUE_SEL, none[i]);
		assert_int_equal(rd(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
		wr(VIRTIO_MMIO_QUEUE_NUM, 4);
		wr(VIRTIO_MMIO_QUEUE_DESC_LOW, 4);
		wr(VIRTIO_MMIO_QUEUE_READY, 1);
		assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
		wr(VIRTIO_MMIO_QUEUE_READY, 0);
		wr(VIRTIO_MMIO_QUEUE_NOTIFY, none[i]);
	}
	wr(VIRTIO_MMIO_QUEUE_SEL, 0);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 1);
}

static void test_queue_off_and_on(void **state)
{
	(void)state;
	bring_up(F_VERSION | F_FLUSH);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
	wr(VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	/* Kicked while off: nothing happens, nothing breaks. */
	mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	usleep(2000);
	assert_int_equal(f.ring.used->idx, 1);
	mock_ring_init(&f.ring, &f.gmem, NUM);
	f.ring.heap += 4096;
	set_queue(&f.ring.setup);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
}

/* A queue in use keeps its rings, whatever is written. */
static void test_queue_is_fixed(void **state)
{
	struct virtq_setup other;

	(void)state;
	bring_up(F_VERSION);
	other = f.ring.setup;
	other.num = 3;
	other.desc = UINT64_MAX;
	set_queue(&other);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 1);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
	/* Nor are the addresses kept for the next time. */
	wr(VIRTIO_MMIO_QUEUE_READY, 0);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 1);
	assert_false(rd(VIRTIO_MMIO_STATUS) & NEEDS_RESET);
}

static void test_bad_rings(void **state)
{
	struct virtq_setup bad;

	(void)state;
	negotiate(F_VERSION);
	mock_ring_init(&f.ring, &f.gmem, NUM);
	bad = f.ring.setup;
	bad.num = 512;
	set_queue(&bad);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	assert_true(rd(VIRTIO_MMIO_STATUS) & NEEDS_RESET);
	assert_int_equal(pulses(), 0); /* not DRIVER_OK yet: no interrupt */
	/* DRIVER_OK on top: the device stays quiet until the reset. */
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_true(rd(VIRTIO_MMIO_STATUS) & NEEDS_RESET);
	bring_up(F_VERSION);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
}

/* --- a driver at work ----------------------------------------------------- */

static void exercise(uint64_t features)
{
	uint8_t *data;
	unsigned int i;

	bring_up(features);
	data = mock_ring_ptr(&f.ring, f.data);
	for (i = 0; i < 3 * NUM; i++) {
		if (features & F_EVENT)
			mock_ring_set_used_event(&f.ring, f.ring.last_used);
		memset(data, i + 1, 512);
		do_request(VIRTIO_BLK_T_OUT, i, 1);
		if (features & F_EVENT)
			mock_ring_set_used_event(&f.ring, f.ring.last_used);
		memset(data, 0, 512);
		do_request(VIRTIO_BLK_T_IN, i, 513);
		assert_int_equal(data[511], (uint8_t)(i + 1));
	}
	WAIT_UNTIL(pulses() == 6 * NUM);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_VRING);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void test_requests(void **state)
{
	(void)state;
	exercise(F_VERSION | F_FLUSH);
}

static void test_requests_event_idx(void **state)
{
	(void)state;
	exercise(F_VERSION | F_FLUSH | F_EVENT);
}

static void test_no_interrupt_flag(void **state)
{
	(void)state;
	bring_up(F_VERSION);
	f.ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	do_request(VIRTIO_BLK_T_IN, 0, 513);
	wr(VIRTIO_MMIO_STATUS, 0); /* the worker is through */
	assert_int_equal(pulses(), 0);
}

/* An ioeventfd signals the descriptor, without any register write. */
static void test_kick_fd(void **state)
{
	uint32_t id, len;

	(void)state;
	bring_up(F_VERSION);
	mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	eventfd_write(virtio_mmio_kick_fd(f.vm, 0), 1);
	WAIT_UNTIL(mock_ring_take(&f.ring, &id, &len));
}

static void test_irq_fd(void **state)
{
	struct pollfd pfd = { f.irq_fd, POLLIN, 0 };

	(void)state;
	bring_up(F_VERSION);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(pulses(), 0);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_VRING);
}

/* Buffers are not consumed before DRIVER_OK, and not lost either (3.1.1). */
static void test_kick_before_driver_ok(void **state)
{
	uint32_t id, len;

	(void)state;
	bring_up(F_VERSION);
	negotiate(F_VERSION);
	mock_ring_init(&f.ring, &f.gmem, NUM);
	f.ring.heap += 4096;
	set_queue(&f.ring.setup);
	mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	usleep(5000);
	assert_false(mock_ring_take(&f.ring, &id, &len));
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	WAIT_UNTIL(mock_ring_take(&f.ring, &id, &len));
}

/* --- trouble -------------------------------------------------------------- */

static void test_needs_reset(void **state)
{
	(void)state;
	bring_up(F_VERSION);
	mock_ring_offer(&f.ring, NUM); /* no such descriptor */
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	WAIT_UNTIL(rd(VIRTIO_MMIO_STATUS) & NEEDS_RESET);
	WAIT_UNTIL(pulses() == 1);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS),
			 VIRTIO_MMIO_INT_CONFIG);
	/* Status writes do not clear it, notifications change nothing. */
	wr(VIRTIO_MMIO_STATUS, ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	assert_true(rd(VIRTIO_MMIO_STATUS) & NEEDS_RESET);
	mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	usleep(5000);
	assert_int_equal(f.ring.used->idx, 0);
	assert_int_equal(pulses(), 1);

	bring_up(F_VERSION);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
}

struct reset_race {
	sem_t entered;
	sem_t proceed;
	bool done; /* atomic */
};

static void *reset_thread(void *opaque)
{
	struct reset_race *race = opaque;

	wr(VIRTIO_MMIO_STATUS, 0);
	__atomic_store_n(&race->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/*
 * Reset with a request in the back-end and more in the ring: it returns when the
 * request has ended, and nothing of the ring is touched after that.
 */
static void test_reset_mid_flight(void **state)
{
	struct reset_race race = { .done = false };
	pthread_t t;
	uint16_t used;
	int i;

	(void)state;
	sem_init(&race.entered, 0, 0);
	sem_init(&race.proceed, 0, 0);
	bring_up(F_VERSION);
	f.disk->entered = &race.entered;
	f.disk->proceed = &race.proceed;
	for (i = 0; i < 4; i++)
		mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	sem_wait(&race.entered);

	pthread_create(&t, NULL, reset_thread, &race);
	usleep(20000);
	assert_false(__atomic_load_n(&race.done, __ATOMIC_SEQ_CST));
	/* Interrupt registers and notifications do not wait for it. */
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	sem_post(&race.proceed);
	pthread_join(t, NULL);

	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	used = f.ring.used->idx;
	assert_int_equal(used, 1);
	f.disk->entered = NULL;
	f.disk->proceed = NULL;
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	usleep(5000);
	assert_int_equal(f.ring.used->idx, used);
	assert_int_equal(f.disk->reads, 1);

	bring_up(F_VERSION);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
	sem_destroy(&race.entered);
	sem_destroy(&race.proceed);
}

/* What was put off by a hold is done after it, without a new notification. */
static void test_pause(void **state)
{
	uint32_t id, len;

	(void)state;
	bring_up(F_VERSION);
	wr(VIRTIO_MMIO_QUEUE_SEL, 0);
	worker_quiesce(f.vdev->worker);
	mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	usleep(5000);
	assert_false(mock_ring_take(&f.ring, &id, &len));
	worker_resume(f.vdev->worker);
	WAIT_UNTIL(mock_ring_take(&f.ring, &id, &len));
}

static void *hold_thread(void *opaque)
{
	struct reset_race *race = opaque;

	worker_quiesce(f.vdev->worker);
	__atomic_store_n(&race->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A hold in the middle of a full ring: the rest of it is served afterwards. */
static void test_pause_mid_flight(void **state)
{
	struct reset_race race = { .done = false };
	pthread_t t;
	int i;

	(void)state;
	sem_init(&race.entered, 0, 0);
	sem_init(&race.proceed, 0, 0);
	bring_up(F_VERSION);
	f.disk->entered = &race.entered;
	f.disk->proceed = &race.proceed;
	for (i = 0; i < 4; i++)
		mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	sem_wait(&race.entered);
	pthread_create(&t, NULL, hold_thread, &race);
	WAIT_UNTIL(worker_should_yield(f.vdev->worker));
	assert_false(__atomic_load_n(&race.done, __ATOMIC_SEQ_CST));
	sem_post(&race.proceed);
	pthread_join(t, NULL);
	assert_int_equal(f.ring.used->idx, 1);

	f.disk->entered = NULL;
	f.disk->proceed = NULL;
	worker_resume(f.vdev->worker);
	WAIT_UNTIL(__atomic_load_n(&f.ring.used->idx, __ATOMIC_ACQUIRE) == 4);
	sem_destroy(&race.entered);
	sem_destroy(&race.proceed);
}

static void test_resets_in_a_row(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		bring_up(F_VERSION);
		mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
		wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	}
	bring_up(F_VERSION);
	do_request(VIRTIO_BLK_T_IN, 0, 513);
}

/* Freed in the middle of everything. */
static void test_free_busy(void **state)
{
	int i;

	(void)state;
	bring_up(F_VERSION);
	for (i = 0; i < NUM / 4; i++)
		mock_ring_offer(&f.ring, prepare(VIRTIO_BLK_T_IN, 0));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

/* The device and its disk go too when the transport cannot be made. */
static void test_out_of_descriptors(void **state)
{
	struct virtio_mmio_config config = { .gmem = &f.gmem, .irq_fd = -1 };
	struct virtio_device *vdev;
	struct error err = { 0 };
	struct rlimit old, few;
	struct virtio_mmio *vm;
	bool closed;
	int spare, extra;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	spare = dup(0);
	close(spare);
	/* None at all, then one: enough for the queue, not for the worker. */
	for (extra = 0; extra < 2; extra++) {
		struct mock_disk *disk = mock_disk_new(512, false);

		closed = false;
		disk->closed = &closed;
		err = (struct error){ 0 };
		assert_int_equal(virtio_blk_new(&disk->disk, 1, &vdev, NULL),
				 0);
		few = (struct rlimit){ spare + extra, old.rlim_max };
		setrlimit(RLIMIT_NOFILE, &few);
		assert_int_equal(virtio_mmio_new(vdev, &config, &vm, &err),
				 -EMFILE);
		setrlimit(RLIMIT_NOFILE, &old);
		assert_null(vm);
		assert_true(closed);
		assert_int_equal(err.status, TL_HOST);
	}
	virtio_mmio_free(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_identity),
		T(test_access_size),
		T(test_stray_writes),
		T(test_features),
		T(test_features_refused),
		T(test_features_beyond_64),
		T(test_features_are_final),
		T(test_status),
		T(test_config_space),
		T(test_config_change),
		T(test_queue_select),
		T(test_queue_off_and_on),
		T(test_queue_is_fixed),
		T(test_bad_rings),
		T(test_requests),
		T(test_requests_event_idx),
		T(test_no_interrupt_flag),
		T(test_kick_fd),
		cmocka_unit_test_setup_teardown(test_irq_fd, setup_irqfd,
						teardown),
		T(test_kick_before_driver_ok),
		T(test_needs_reset),
		T(test_reset_mid_flight),
		T(test_pause),
		T(test_pause_mid_flight),
		T(test_resets_in_a_row),
		T(test_free_busy),
		T(test_out_of_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
