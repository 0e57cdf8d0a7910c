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

#include "input.h"
#include "mock_net.h"
#include "mock_ring.h"
#include "lib/log.h"
#include "virtio/device.h"
#include "virtio/net.h"

#define NUM    8
#define SECOND (MOCK_RAM_GPA + 0x8000) /* the transmit queue's memory */

struct state {
	struct virtio_device *vdev;
	struct mock_net *net;
	struct mock_ring ring[2];
};

static struct gmem gmem;

static uint32_t take_len(struct input *in)
{
	static const uint32_t usual[] = { 1, 10, 11, 12, 13, 26, 1526, 65562 };
	uint8_t how = input_take(in, 1);

	if (how < 8)
		return usual[how];
	return how == 0xff ? input_take(in, 4) : input_take(in, 1);
}

static void start(struct state *s, struct input *in)
{
	const uint32_t ok = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			    VIRTIO_CONFIG_S_DRIVER |
			    VIRTIO_CONFIG_S_FEATURES_OK;
	uint8_t bits = input_take(in, 1);
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
		s->ring[bits >> 7].setup.driver =
			input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	if (bits & 16)
		s->ring[bits >> 7].setup.device =
			input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	for (q = 0; q < 2; q++)
		if (!(bits & 32) || q == bits >> 7)
			virtio_device_enable_queue(s->vdev, q,
						   &s->ring[q].setup);
	virtio_device_set_status(s->vdev, ok | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void put_desc(struct mock_ring *ring, struct input *in)
{
	struct vring_desc d;
	uint8_t i = input_take(in, 1);

	d.addr = input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE);
	d.len = take_len(in);
	d.flags = input_take(in, 1);
	d.next = input_take(in, 1) % (NUM + 2);
	ring->desc[i % NUM] = d;
}

/* A chain that is right but for what the input says of it. */
static void put_chain(struct mock_ring *ring, struct input *in, bool write)
{
	struct mock_seg seg[4];
	uint8_t shape = input_take(in, 1);
	unsigned int i, n = 1 + (shape & 3);

	for (i = 0; i < n; i++)
		seg[i] = (struct mock_seg){
			input_gpa(in, MOCK_RAM_GPA, MOCK_RAM_SIZE),
			take_len(in), write ^ (shape == 0xff)
		};
	if (shape & 16 && ring->heap + 64 < MOCK_RAM_GPA + MOCK_RAM_SIZE)
		mock_ring_offer(ring, mock_ring_indirect(ring, seg, n));
	else
		mock_ring_offer(ring, mock_ring_chain(ring, seg, n));
}

static void put_frames(struct state *s, struct input *in)
{
	static const uint8_t frame[NET_HDR_SIZE + NET_FRAME_MAX];
	unsigned int n = 1 + input_take(in, 1) % 3;
	uint32_t len = take_len(in);

	while (n--)
		mock_net_put(s->net, frame,
			     len < sizeof(frame) ? len : sizeof(frame));
}

static void step(struct state *s, struct input *in)
{
	uint8_t what = input_take(in, 1);
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
		mock_ring_offer(ring, input_take(in, 1) % (NUM + 1));
		break;
	case 3:
		ring->avail->idx += (int8_t)input_take(in, 1);
		break;
	case 4:
		mock_ring_set_used_event(ring, input_take(in, 2));
		ring->avail->flags = input_take(in, 1);
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
		if (input_take(in, 1) == 0xff)
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

	s.net = mock_net_new(input_take(&in, 1) & 1, 0);
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
