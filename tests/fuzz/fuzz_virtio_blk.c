// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-blk against a driver that writes anything it likes into descriptors,
 * rings and request headers.  One thread: what is found can be replayed.
 *
 * The input is a program of small steps; addresses mostly fall into guest
 * memory so that deep states are reached.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include "input.h"
#include "mock_disk.h"
#include "mock_ring.h"
#include "lib/log.h"
#include "virtio/blk.h"
#include "virtio/device.h"

#define NUM     8
#define SECTORS 32

static struct gmem gmem;

static uint32_t take_len(struct input *in)
{
	static const uint32_t usual[] = { 1, 16, 17, 20, 32, 512, 513, 1024 };
	uint8_t how = input_take(in, 1);

	if (how < 8)
		return usual[how];
	return how == 0xff ? input_take(in, 4) : input_take(in, 1);
}

/* Features and a fresh ring, through the status machine. */
static void start(struct virtio_device *vdev, struct mock_ring *ring,
		  struct input *in)
{
	const uint32_t ok = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			    VIRTIO_CONFIG_S_DRIVER |
			    VIRTIO_CONFIG_S_FEATURES_OK;
	uint8_t bits = input_take(in, 1);

	virtio_device_set_status(vdev, 0);
	virtio_device_want_features(
		vdev, 0,
		(uint32_t)(bits & 1) << VIRTIO_RING_F_EVENT_IDX |
			(uint32_t)(bits >> 1 & 1) << VIRTIO_BLK_F_FLUSH |
			(uint32_t) !(bits & 4) << VIRTIO_RING_F_INDIRECT_DESC |
			(uint32_t) !(bits & 128) << VIRTIO_BLK_F_DISCARD |
			(uint32_t) !(bits & 128) << VIRTIO_BLK_F_WRITE_ZEROES);
	virtio_device_want_features(vdev, 1, 1); /* VERSION_1 */
	virtio_device_set_status(vdev, ok);
	mock_ring_init(ring, &gmem, NUM);
	if (bits & 8)
		ring->setup.desc = input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	if (bits & 16)
		ring->setup.driver = input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	if (bits & 32)
		ring->setup.device = input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	if (bits & 64)
		ring->setup.num = input_take(in, 2);
	virtio_device_enable_queue(vdev, 0, &ring->setup);
	ring->setup.num = NUM;
	virtio_device_set_status(vdev, ok | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* What DISCARD and WRITE_ZEROES have for data. */
static void put_range(struct mock_ring *ring, struct input *in)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = input_take(in, 1),
		.num_sectors = input_take(in, 1),
		.flags = input_take(in, 1) % 3,
	};

	if (range.sector == 0xff)
		range.sector = input_take(in, 8);
	if (range.num_sectors == 0xff)
		range.num_sectors = input_take(in, 4);
	gmem_write(ring->gmem, input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE),
		   &range, sizeof(range));
}

static void put_header(struct mock_ring *ring, struct input *in)
{
	struct virtio_blk_outhdr hdr = { .type = input_take(in, 1) % 15,
					 .sector = input_take(in, 1) };
	uint64_t gpa = input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);

	if (hdr.type == 9 || hdr.type == 10)
		hdr.type = input_take(in, 4);
	if (hdr.sector == 0xff)
		hdr.sector = input_take(in, 8);
	gmem_write(ring->gmem, gpa, &hdr, sizeof(hdr));
}

/* A descriptor, in the ring or anywhere (an indirect table's entry). */
static void put_desc(struct mock_ring *ring, struct input *in, bool anywhere)
{
	struct vring_desc d;
	uint8_t i = input_take(in, 1);

	d.addr = input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	d.len = take_len(in);
	d.flags = input_take(in, 1);
	d.next = input_take(in, 1) % (NUM + 2);
	if (anywhere)
		gmem_write(ring->gmem,
			   input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE) +
				   16 * (i % NUM),
			   &d, sizeof(d));
	else
		ring->desc[i % NUM] = d;
}

/* A request that is right but for what the input says of it. */
static void put_request(struct mock_ring *ring, struct input *in)
{
	struct mock_seg seg[4] = { { 0 } };
	uint8_t shape = input_take(in, 1);
	unsigned int n = 0;

	put_header(ring, in);
	seg[n++] =
		(struct mock_seg){ input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE),
				   16, false };
	while (n < 3 && (shape & (1 << n))) {
		seg[n] = (struct mock_seg){ input_gpa(in, MOCK_RAM_GPA,
						      MOCK_RAM_SIZE),
					    take_len(in), shape & 8 };
		n++;
	}
	seg[n++] =
		(struct mock_seg){ input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE),
				   1, true };
	if (shape & 16 && ring->heap + 64 < MOCK_RAM_GPA + MOCK_RAM_SIZE)
		mock_ring_offer(ring, mock_ring_indirect(ring, seg, n));
	else
		mock_ring_offer(ring, mock_ring_chain(ring, seg, n));
}

static void step(struct virtio_device *vdev, struct mock_ring *ring,
		 struct input *in)
{
	uint32_t id, len;

	switch (input_take(in, 1) % 11) {
	case 0:
		start(vdev, ring, in);
		break;
	case 1:
		put_header(ring, in);
		break;
	case 2:
		put_desc(ring, in, false);
		break;
	case 3:
		put_desc(ring, in, true);
		break;
	case 4:
		mock_ring_offer(ring, input_take(in, 1) % (NUM + 1));
		break;
	case 5:
		ring->avail->idx += (int8_t)input_take(in, 1);
		break;
	case 6:
		mock_ring_set_used_event(ring, input_take(in, 2));
		ring->avail->flags = input_take(in, 1);
		break;
	case 7:
		put_request(ring, in);
		break;
	case 8:
		mock_ring_take(ring, &id, &len);
		break;
	case 9:
		put_range(ring, in);
		break;
	default:
		virtio_device_process(vdev, 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct irq_line irq = { NULL, NULL, NULL };
	struct virtio_device *vdev;
	struct mock_ring ring;
	struct mock_disk *disk;

	if (!gmem.nr) {
		log_set_level(LOG_ERROR);
		mock_gmem_init(&gmem);
	}
	/* What an earlier input left must not matter to this one. */
	memset(gmem_ptr(&gmem, MOCK_RAM_GPA, 0x10000), 0, 0x10000);

	disk = mock_disk_new(SECTORS * 512, input_take(&in, 1) & 1);
	if (virtio_blk_new(&disk->disk, 2, &vdev, NULL))
		return 0;
	if (virtio_device_attach(vdev, &gmem, &irq, -1, NULL) == 0) {
		start(vdev, &ring, &in);
		while (in.left)
			step(vdev, &ring, &in);
		virtio_device_process(vdev, 0);
	}
	virtio_device_free(vdev);
	return 0;
}
