// SPDX-License-Identifier: GPL-2.0-only
#include "chaos.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define SCRATCH    0x10000 /* buffers lie at the start of memory */
#define OPERATIONS 10

static uint32_t take_len(struct chaos *c)
{
	static const uint32_t usual[] = { 1, 4, 8, 10, 64, 4096 };
	uint8_t how = chaos_take(c, 1);

	if (how < 6)
		return usual[how];
	return how == 0xff ? chaos_take(c, 4) : chaos_take(c, 1);
}

static struct mock_ring *take_ring(struct chaos *c)
{
	return &c->mock.ring[chaos_take(c, 1) % c->mock.vdev->nr_queues];
}

static void put_buffer(struct chaos *c)
{
	uint64_t gpa = input_gpa(&c->in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	uint8_t buf[16];
	unsigned int i, len = chaos_take(c, 1) % sizeof(buf);

	for (i = 0; i < len; i++)
		buf[i] = chaos_take(c, 1);
	gmem_write(&c->mock.gmem, gpa, buf, len);
}

static void put_desc(struct chaos *c)
{
	struct mock_ring *ring = take_ring(c);
	uint16_t i = chaos_take(c, 1) % MOCK_VDEV_NUM;
	uint64_t gpa = input_gpa(&c->in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	uint32_t len = take_len(c);
	uint16_t flags = chaos_take(c, 1) & 7;

	mock_ring_desc(ring, i, gpa, len, flags,
		       chaos_take(c, 1) % (MOCK_VDEV_NUM + 1));
}

static void put_chain(struct chaos *c)
{
	struct mock_ring *ring = take_ring(c);
	struct mock_seg seg[3];
	unsigned int i, n = 1 + chaos_take(c, 1) % 3;
	bool write = chaos_take(c, 1) & 1;

	for (i = 0; i < n; i++)
		seg[i] = (struct mock_seg){ input_gpa(&c->in, MOCK_RAM_GPA,
						      MOCK_RAM_SIZE),
					    take_len(c), write };
	mock_ring_offer(ring, mock_ring_chain(ring, seg, n));
}

static void config(struct chaos *c)
{
	const struct virtio_device_ops *ops = c->mock.vdev->ops;
	uint8_t how = chaos_take(c, 1), buf[8];
	uint64_t offset = how & 0x80 ? chaos_take(c, 8) : how & 31;
	uint64_t val = chaos_take(c, 4);
	size_t len = 1u << (how >> 5 & 3);

	if (ops->config_write)
		ops->config_write(c->mock.vdev, offset, &val, len);
	if (ops->config_read)
		ops->config_read(c->mock.vdev, offset, buf, len);
}

int chaos_step(struct chaos *c)
{
	const unsigned int op = chaos_take(c, 1);
	struct mock_ring *ring;

	switch (op % (OPERATIONS + 4)) {
	case 0:
		mock_vdev_drive(&c->mock,
				chaos_take(c, 8) &
					virtio_device_offered(c->mock.vdev));
		return -1;
	case 1:
		put_buffer(c);
		return -1;
	case 2:
		put_desc(c);
		return -1;
	case 3:
		ring = take_ring(c);
		mock_ring_offer(ring, chaos_take(c, 1) % (MOCK_VDEV_NUM + 1));
		return -1;
	case 4:
		take_ring(c)->avail->idx += (int8_t)chaos_take(c, 1);
		return -1;
	case 5:
	case 6:
		put_chain(c);
		return -1;
	case 7:
		config(c);
		return -1;
	case 8:
		mock_vdev_kick(&c->mock,
			       chaos_take(c, 1) % c->mock.vdev->nr_queues);
		return -1;
	case 9:
		if (chaos_take(c, 1) & 1)
			virtio_device_disable_queue(
				c->mock.vdev,
				chaos_take(c, 1) % c->mock.vdev->nr_queues);
		else
			mock_vdev_settle(&c->mock);
		return -1;
	default:
		return (op >> 4) % 4 + (op % (OPERATIONS + 4) - OPERATIONS) * 4;
	}
}

int chaos_begin(struct chaos *c, struct virtio_device *vdev,
		const uint8_t *data, size_t size)
{
	log_set_level(LOG_ERROR);
	c->in = (struct input){ data, size };
	if (mock_vdev_init(&c->mock, vdev))
		return -1;
	if (!mock_vdev_drive(&c->mock, virtio_device_offered(vdev)))
		abort();
	return 0;
}

void chaos_end(struct chaos *c)
{
	struct virtio_device *vdev = c->mock.vdev;

	/* Whatever it went through, a reset makes it usable. */
	if (!mock_vdev_drive(&c->mock, virtio_device_offered(vdev)) ||
	    mock_vdev_failed(&c->mock))
		abort();
	mock_vdev_settle(&c->mock);
	if (mock_vdev_failed(&c->mock))
		abort();
	mock_vdev_free(&c->mock);
}
