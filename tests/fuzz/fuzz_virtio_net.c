// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-net against a driver that writes anything it likes into descriptors
 * and rings, while frames of any size come in.  One thread: what is found can
 * be replayed.  The input is a program of small steps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "mock_net.h"
#include "mock_ring.h"
#include "lib/log.h"
#include "virtio/device.h"
#include "virtio/net.h"

#define NUM    8
#define SECOND (MOCK_RAM_GPA + 0x8000) /* the transmit queue's memory */

struct input {
	const uint8_t *p;
	size_t left;
};

struct state {
	struct virtio_device *vdev;
	struct mock_net *net;
	struct mock_ring ring[2];
};

static struct gmem gmem;

static uint64_t take(struct input *in, unsigned int bytes)
{
	uint64_t val = 0;

	if (bytes > in->left)
		bytes = in->left;
	memcpy(&val, in->p, bytes);
	in->p += bytes;
	in->left -= bytes;
	return val;
}

/* Two bytes reach the queues and their buffers; or eight, anywhere. */
static uint64_t take_gpa(struct input *in)
{
	uint8_t how = take(in, 1);

	if (how == 0xff)
		return take(in, 8);
	if (how >= 0xfc)
		return MOCK_RAM_GPA + MOCK_RAM_SIZE - take(in, 1);
	return MOCK_RAM_GPA + take(in, 2);
}

static uint32_t take_len(struct input *in)
{
	static const uint32_t usual[] = { 1, 10, 11, 12, 13, 26, 1526, 65562 };
	uint8_t how = take(in, 1);

	if (how < 8)
		return usual[how];
	return how == 0xff ? take(in, 4) : take(in, 1);
}

static void start(struct state *s, struct input *in)
{
	const uint32_t ok = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			    VIRTIO_CONFIG_S_DRIVER |
			    VIRTIO_CONFIG_S_FEATURES_OK;
	uint8_t bits = take(in, 1);
	unsigned int q;

	virtio_device_set_status(s->vdev, 0);
	virtio_device_want_features(
		s->vdev, 0,
		(uint32_t)(bits & 1) << VIRTIO_RING_F_EVENT_IDX |
			(uint32_t)(bits >> 1 & 1) << VIRTIO_NET_F_MRG_RXBUF |
			(uint32_t) !(bits & 4) << VIRTIO_RING_F_INDIRECT_DESC);
	virtio_device_want_features(s->vdev, 1, 1); /* VERSION_1 */
	virtio_device_set_status(s->vdev, ok);
	mock_ring_init(&s->ring[0], &gmem, NUM);
	mock_ring_init_at(&s->ring[1], &gmem, NUM, SECOND);
	if (bits & 8)
		s->ring[bits >> 7].setup.driver = take_gpa(in);
	if (bits & 16)
		s->ring[bits >> 7].setup.device = take_gpa(in);
	for (q = 0; q < 2; q++)
		if (!(bits & 32) || q == bits >> 7)
			virtio_device_enable_queue(s->vdev, q,
						   &s->ring[q].setup);
	virtio_device_set_status(s->vdev, ok | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void put_desc(struct mock_ring *ring, struct input *in)
{
	struct vring_desc d;
	uint8_t i = take(in, 1);

	d.addr = take_gpa(in);
	d.len = take_len(in);
	d.flags = take(in, 1);
	d.next = take(in, 1) % (NUM + 2);
	ring->desc[i % NUM] = d;
}

/* A chain that is right but for what the input says of it. */
static void put_chain(struct mock_ring *ring, struct input *in, bool write)
{
	struct mock_seg seg[4];
	uint8_t shape = take(in, 1);
	unsigned int i, n = 1 + (shape & 3);

	for (i = 0; i < n; i++)
		seg[i] = (struct mock_seg){ take_gpa(in), take_len(in),
					    write ^ (shape == 0xff) };
	if (shape & 16 && ring->heap + 64 < MOCK_RAM_GPA + MOCK_RAM_SIZE)
		mock_ring_offer(ring, mock_ring_indirect(ring, seg, n));
	else
		mock_ring_offer(ring, mock_ring_chain(ring, seg, n));
}

static void put_frames(struct state *s, struct input *in)
{
	static const uint8_t frame[NET_HDR_SIZE + NET_FRAME_MAX];
	unsigned int n = 1 + take(in, 1) % 3;
	uint32_t len = take_len(in);

	while (n--)
		mock_net_put(s->net, frame,
			     len < sizeof(frame) ? len : sizeof(frame));
}

static void step(struct state *s, struct input *in)
{
	uint8_t what = take(in, 1);
	unsigned int q = what >> 7;
	struct mock_ring *ring = &s->ring[q];
	uint32_t id, len;

	switch (what % 12) {
	case 0:
		start(s, in);
		break;
	case 1:
		put_desc(ring, in);
		break;
	case 2:
		mock_ring_offer(ring, take(in, 1) % (NUM + 1));
		break;
	case 3:
		ring->avail->idx += (int8_t)take(in, 1);
		break;
	case 4:
		mock_ring_set_used_event(ring, take(in, 2));
		ring->avail->flags = take(in, 1);
		break;
	case 5:
	case 6:
		put_chain(ring, in, q == VIRTIO_NET_RX);
		break;
	case 7:
		put_frames(s, in);
		break;
	case 8:
		s->net->refuse = q ? -EAGAIN : 0;
		s->net->flush = s->net->refuse;
		break;
	case 9:
		while (mock_ring_take(ring, &id, &len))
			;
		break;
	case 10:
		if (take(in, 1) == 0xff)
			s->net->receive = -EPIPE;
		virtio_device_event(s->vdev, VIRTIO_NET_EVENT_BACKEND);
		break;
	default:
		virtio_device_process(s->vdev, q);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct virtio_net_options options = { .mac = { 2 } };
	struct irq_line irq = { NULL, NULL, NULL };
	struct input in = { data, size };
	struct state s = { 0 };

	if (!gmem.nr) {
		log_set_level(LOG_ERROR);
		mock_gmem_init(&gmem);
	}
	/* What an earlier input left must not matter to this one. */
	memset(gmem_ptr(&gmem, MOCK_RAM_GPA, 0x20000), 0, 0x20000);

	s.net = mock_net_new(take(&in, 1) & 1, 0);
	if (virtio_net_new(&s.net->net, &options, &s.vdev, NULL))
		return 0;
	if (virtio_device_attach(s.vdev, &gmem, &irq, -1, NULL) == 0) {
		start(&s, &in);
		while (in.left)
			step(&s, &in);
		virtio_device_event(s.vdev, VIRTIO_NET_EVENT_BACKEND);
		virtio_device_process(s.vdev, VIRTIO_NET_RX);
		virtio_device_process(s.vdev, VIRTIO_NET_TX);
	}
	virtio_device_free(s.vdev);
	return 0;
}
