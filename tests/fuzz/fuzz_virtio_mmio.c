// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtio-mmio registers in any order, size and value, while the guest
 * scribbles over its rings and the worker is at work on them.
 */
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "input.h"
#include "mock_disk.h"
#include "mock_ring.h"
#include "lib/log.h"
#include "virtio/blk.h"
#include "virtio/device.h"
#include "virtio/mmio.h"

#define NUM     8
#define SECTORS 32

/* Kept from one input to the next, and reset: a thread a run costs too much. */
static struct gmem gmem;
static struct virtio_mmio *vm;
static struct mock_ring ring;

static void wr(uint64_t offset, uint32_t val)
{
	virtio_mmio_ops.write(vm, offset, 4, val);
}

static uint32_t rd(uint64_t offset)
{
	return virtio_mmio_ops.read(vm, offset, 4);
}

static void init(void)
{
	struct virtio_mmio_config config = { .gmem = &gmem, .irq_fd = -1 };
	struct virtio_device *vdev;
	struct mock_disk *disk;

	log_set_level(LOG_ERROR);
	mock_gmem_init(&gmem);
	disk = mock_disk_new(SECTORS * 512, false);
	if (virtio_blk_new(&disk->disk, 1, &vdev, NULL) ||
	    virtio_mmio_new(vdev, &config, &vm, NULL))
		abort();
}

static void bring_up(uint8_t features)
{
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			  VIRTIO_CONFIG_S_FEATURES_OK;

	wr(VIRTIO_MMIO_STATUS, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features & 3)
						<< VIRTIO_RING_F_INDIRECT_DESC);
	wr(VIRTIO_MMIO_STATUS, status);
	mock_ring_init(&ring, &gmem, NUM);
	wr(VIRTIO_MMIO_QUEUE_NUM, NUM);
	wr(VIRTIO_MMIO_QUEUE_DESC_LOW, ring.setup.desc);
	wr(VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring.setup.driver);
	wr(VIRTIO_MMIO_QUEUE_USED_LOW, ring.setup.device);
	wr(VIRTIO_MMIO_QUEUE_READY, 1);
	if (!rd(VIRTIO_MMIO_QUEUE_READY))
		abort(); /* a right driver is served whatever came before */
	wr(VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void put_request(struct input *in)
{
	struct virtio_blk_outhdr hdr = { .type = input_take(in, 1) % 6,
					 .sector = input_take(in, 1) };
	uint64_t gpa = mock_ring_alloc(&ring, 1024);
	struct mock_seg seg[] = { { gpa, 16, false },
				  { gpa + 16, 512, hdr.type == 0 },
				  { gpa + 528, 1, true } };

	if (!gpa)
		return;
	gmem_write(&gmem, gpa, &hdr, sizeof(hdr));
	mock_ring_offer(&ring, mock_ring_chain(&ring, seg, 3));
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

static void step(struct input *in)
{
	static const unsigned int size[] = { 1, 2, 4, 8 };
	uint64_t offset;
	unsigned int n;
	uint8_t op = input_take(in, 1);

	switch (op % 8) {
	case 0:
		bring_up(op >> 3);
		break;
	case 1:
		put_request(in);
		break;
	case 2: /* guest memory where the rings are */
		offset = input_take(in, 2) % 0x400;
		for (n = 0; n < 4; n++) {
			uint32_t word = input_take(in, 4);

			gmem_write(&gmem, MOCK_RAM_GPA + offset + 4 * n, &word,
				   sizeof(word));
		}
		break;
	case 3: /* an address register's high half */
		wr(VIRTIO_MMIO_QUEUE_DESC_HIGH + (op >> 6) * 0x10,
		   input_take(in, 1));
		break;
	case 4:
	case 5:
		n = size[op >> 3 & 3];
		offset = input_take(in, 2) % (VIRTIO_MMIO_SIZE - n + 1);
		virtio_mmio_ops.read(vm, offset, n);
		break;
	default:
		n = (op & 0x80) ? size[op >> 3 & 3] : 4;
		offset = input_take(in, 2) % (VIRTIO_MMIO_SIZE - n + 1);
		if (!(op & 0x40))
			offset = offset % 0x100 & ~UINT64_C(3);
		virtio_mmio_ops.write(vm, offset, n,
				      input_take(in, op & 0x20 ? 1 : n));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (!vm)
		init();
	mock_ring_init(&ring, &gmem, NUM);
	while (in.left)
		step(&in);
	/* However it got here: a reset has to work. */
	wr(VIRTIO_MMIO_STATUS, 0);
	if (rd(VIRTIO_MMIO_STATUS) || rd(VIRTIO_MMIO_INTERRUPT_STATUS) ||
	    rd(VIRTIO_MMIO_QUEUE_READY))
		abort();
	return 0;
}
