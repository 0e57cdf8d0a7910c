// SPDX-License-Identifier: GPL-2.0-only
/* virtio-net against a mock ring and a mock network; then with its worker. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>

#include "mock_net.h"
#include "mock_ring.h"
#include "backend/net-stream.h"
#include "lib/log.h"
#include "virtio/device.h"
#include "virtio/net.h"

#define NUM       16
#define HDR       NET_HDR_SIZE
#define BIT64(n)  (UINT64_C(1) << (n))
#define F_VERSION BIT64(VIRTIO_F_VERSION_1)
#define F_MRG     BIT64(VIRTIO_NET_F_MRG_RXBUF)
#define F_CSUM    BIT64(VIRTIO_NET_F_CSUM)
#define F_GCSUM   BIT64(VIRTIO_NET_F_GUEST_CSUM)
#define F_GTSO4   BIT64(VIRTIO_NET_F_GUEST_TSO4)

static const uint8_t mac[6] = { 2, 0, 0, 0xaa, 0xbb, 0xcc };

struct fixture {
	struct gmem gmem;
	struct mock_ring rx, tx;
	struct mock_net *mock;
	struct virtio_device *vdev;
	bool closed;
	unsigned int pulses;
};

static struct fixture f;

static void count_pulse(void *opaque)
{
	__atomic_fetch_add((unsigned int *)opaque, 1, __ATOMIC_SEQ_CST);
}

static void drive(uint64_t features)
{
	const uint32_t ok = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			    VIRTIO_CONFIG_S_DRIVER |
			    VIRTIO_CONFIG_S_FEATURES_OK;

	virtio_device_set_status(f.vdev, 0);
	features |= F_VERSION;
	virtio_device_want_features(f.vdev, 0, (uint32_t)features);
	virtio_device_want_features(f.vdev, 1, features >> 32);
	virtio_device_set_status(f.vdev, ok);
	assert_int_equal(virtio_device_status(f.vdev), ok);
	mock_ring_init(&f.rx, &f.gmem, NUM);
	mock_ring_init_at(&f.tx, &f.gmem, NUM, MOCK_RAM_GPA + 0x100000);
	virtio_device_enable_queue(f.vdev, VIRTIO_NET_RX, &f.rx.setup);
	virtio_device_enable_queue(f.vdev, VIRTIO_NET_TX, &f.tx.setup);
	virtio_device_set_status(f.vdev, ok | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void make(struct net *net, uint16_t mtu)
{
	struct irq_line irq = { .pulse = count_pulse, .opaque = &f.pulses };
	struct virtio_net_options options = { .mtu = mtu };

	memcpy(options.mac, mac, 6);
	assert_int_equal(virtio_net_new(net, &options, &f.vdev, NULL), 0);
	assert_int_equal(virtio_device_attach(f.vdev, &f.gmem, &irq, -1, NULL),
			 0);
}

static void make_mock(bool vnet_hdr, unsigned int offload)
{
	f.mock = mock_net_new(vnet_hdr, offload);
	f.mock->closed = &f.closed;
	make(&f.mock->net, 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	log_set_level(LOG_ERROR); /* the warnings are wanted here */
	mock_gmem_init(&f.gmem);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	virtio_device_free(f.vdev);
	gmem_destroy(&f.gmem);
	return f.mock && !f.closed ? -1 : 0;
}

/* --- helpers ---------------------------------------------------------------*/

static void fill(uint8_t *buf, size_t len, uint8_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = (uint8_t)(seed + i * 7 + i / 251);
}

static bool matches(const uint8_t *buf, size_t len, uint8_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buf[i] != (uint8_t)(seed + i * 7 + i / 251))
			return false;
	return true;
}

/* One receive buffer of @len bytes; its GPA. */
static uint64_t give(uint32_t len)
{
	struct mock_seg seg = { mock_ring_alloc(&f.rx, len), len, true };

	assert_int_not_equal(seg.gpa, 0);
	memset(mock_ring_ptr(&f.rx, seg.gpa), 0xee, len);
	mock_ring_offer(&f.rx, mock_ring_chain(&f.rx, &seg, 1));
	return seg.gpa;
}

/* A packet: header, then @len bytes of @seed, over @n descriptors. */
static void transmit(size_t len, uint8_t seed, unsigned int n)
{
	struct mock_seg seg[NUM];
	size_t all = HDR + len, each = all / n, off = 0;
	uint64_t gpa = mock_ring_alloc(&f.tx, all);
	uint8_t *p = mock_ring_ptr(&f.tx, gpa);
	unsigned int i;

	assert_int_not_equal(gpa, 0);
	memset(p, 0, HDR);
	fill(p + HDR, len, seed);
	for (i = 0; i < n; i++, off += each)
		seg[i] = (struct mock_seg){ gpa + off,
					    i == n - 1 ? all - off : each,
					    false };
	mock_ring_offer(&f.tx, mock_ring_chain(&f.tx, seg, n));
}

static unsigned int taken(struct mock_ring *ring)
{
	uint32_t id, len;
	unsigned int n = 0;

	while (mock_ring_take(ring, &id, &len))
		n++;
	return n;
}

static void put(size_t len, uint8_t seed)
{
	uint8_t *frame = calloc(1, HDR + len);
	const size_t skip = f.mock->net.vnet_hdr ? HDR : 0;

	fill(frame + skip, len, seed);
	mock_net_put(f.mock, frame, skip + len);
	free(frame);
}

static void rx_event(void)
{
	virtio_device_event(f.vdev, VIRTIO_NET_EVENT_BACKEND);
}

static uint16_t link_status(void)
{
	uint16_t status;

	f.vdev->ops->config_read(
		f.vdev, offsetof(struct virtio_net_config, status), &status, 2);
	return status;
}

static bool broken(void)
{
	return virtio_device_status(f.vdev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* --- what it is ------------------------------------------------------------*/

static void test_identity(void **state)
{
	struct virtio_net_config config;
	uint8_t beyond[4] = { 1, 1, 1, 1 };

	(void)state;
	make_mock(false, 0);
	assert_int_equal(f.vdev->ops->id, VIRTIO_ID_NET);
	assert_int_equal(f.vdev->offered, BIT64(VIRTIO_NET_F_MAC) |
						  BIT64(VIRTIO_NET_F_STATUS) |
						  F_MRG);
	f.vdev->ops->config_read(f.vdev, 0, &config, sizeof(config));
	assert_memory_equal(config.mac, mac, 6);
	assert_int_equal(config.status, VIRTIO_NET_S_LINK_UP);
	f.vdev->ops->config_read(f.vdev, sizeof(config) - 1, beyond, 4);
	assert_int_equal(beyond[1] | beyond[2] | beyond[3], 0);
	f.vdev->ops->config_read(f.vdev, UINT64_MAX, beyond, 4);
	assert_int_equal(beyond[0], 0);
}

static void test_offload_features(void **state)
{
	const uint64_t all =
		F_CSUM | F_GCSUM | F_GTSO4 | BIT64(VIRTIO_NET_F_HOST_TSO4) |
		BIT64(VIRTIO_NET_F_HOST_TSO6) | BIT64(VIRTIO_NET_F_HOST_ECN) |
		BIT64(VIRTIO_NET_F_GUEST_TSO6) | BIT64(VIRTIO_NET_F_GUEST_ECN);

	(void)state;
	make_mock(true, NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN);
	assert_int_equal(f.vdev->offered & all, all);
	drive(F_GCSUM | F_GTSO4);
	assert_int_equal(f.mock->offload, NET_CSUM | NET_TSO4);
	/* The next driver wants none of it. */
	drive(0);
	assert_int_equal(f.mock->offload, 0);
	assert_int_equal(f.mock->sets, 2);
}

static void test_mtu(void **state)
{
	struct virtio_net_config config;

	(void)state;
	f.mock = mock_net_new(false, 0);
	f.mock->closed = &f.closed;
	make(&f.mock->net, 1400);
	assert_true(f.vdev->offered & BIT64(VIRTIO_NET_F_MTU));
	f.vdev->ops->config_read(f.vdev, 0, &config, sizeof(config));
	assert_int_equal(config.mtu, 1400);
}

/* --- transmit --------------------------------------------------------------*/

static void test_tx(void **state)
{
	(void)state;
	make_mock(false, 0);
	drive(0);
	transmit(60, 1, 1);
	transmit(1514, 2, 5);
	virtio_device_process(f.vdev, VIRTIO_NET_TX);
	assert_int_equal(f.mock->nr_sent, 2);
	assert_int_equal(f.mock->sent[0].len, 60);
	assert_true(matches(f.mock->sent[0].data, 60, 1));
	assert_int_equal(f.mock->sent[1].len, 1514);
	assert_true(matches(f.mock->sent[1].data, 1514, 2));
	assert_int_equal(taken(&f.tx), 2);
	assert_int_not_equal(f.pulses, 0);
}

/* The header goes along where the network has one, split or not. */
static void test_tx_header(void **state)
{
	(void)state;
	make_mock(true, NET_CSUM);
	drive(F_CSUM);
	transmit(20, 3, 8); /* four bytes each: the header is in three */
	virtio_device_process(f.vdev, VIRTIO_NET_TX);
	assert_int_equal(f.mock->sent[0].len, HDR + 20);
	assert_true(matches(f.mock->sent[0].data + HDR, 20, 3));
}

static void test_tx_without_header(void **state)
{
	struct mock_seg seg = { 0, HDR - 1, false };

	(void)state;
	make_mock(false, 0);
	drive(0);
	seg.gpa = mock_ring_alloc(&f.tx, HDR);
	mock_ring_offer(&f.tx, mock_ring_chain(&f.tx, &seg, 1));
	virtio_device_process(f.vdev, VIRTIO_NET_TX);
	assert_true(broken());
	assert_int_equal(f.mock->nr_sent, 0);
	/* A reset helps. */
	drive(0);
	transmit(60, 1, 1);
	virtio_device_process(f.vdev, VIRTIO_NET_TX);
	assert_int_equal(f.mock->nr_sent, 1);
}

static void test_tx_backpressure(void **state)
{
	(void)state;
	make_mock(false, 0);
	drive(0);
	f.mock->refuse = -EAGAIN;
	transmit(60, 1, 1);
	transmit(61, 2, 1);
	virtio_device_process(f.vdev, VIRTIO_NET_TX);
	assert_int_equal(taken(&f.tx), 0);
	f.mock->refuse = 0;
	rx_event(); /* the descriptor became writable */
	assert_int_equal(taken(&f.tx), 2);
	assert_int_equal(f.mock->nr_sent, 2);
	assert_int_equal(f.mock->sent[0].len, 60);
	assert_int_equal(f.mock->sent[1].len, 61);
}

/* More packets than one turn may take: none is forgotten. */
static void test_tx_budget(void **state)
{
	unsigned int i, round;

	(void)state;
	make_mock(false, 0);
	drive(0);
	for (round = 0; round < 40; round++) {
		for (i = 0; i < NUM; i++)
			transmit(60, (uint8_t)i, 1);
		virtio_device_process(f.vdev, VIRTIO_NET_TX);
		virtio_device_process(f.vdev, VIRTIO_NET_TX);
		assert_int_equal(taken(&f.tx), NUM);
	}
	assert_int_equal(f.mock->nr_sent, 40 * NUM);
}

/* --- receive ---------------------------------------------------------------*/

static void test_rx(void **state)
{
	uint32_t id, len;
	uint64_t gpa;
	uint8_t *p;

	(void)state;
	make_mock(false, 0);
	drive(0);
	gpa = give(2048);
	put(100, 9);
	rx_event();
	assert_true(mock_ring_take(&f.rx, &id, &len));
	assert_int_equal(len, HDR + 100);
	p = mock_ring_ptr(&f.rx, gpa);
	assert_true(matches(p + HDR, 100, 9));
	/* flags, gso_type, ... zero; num_buffers 1 (5.1.6.4.1) */
	assert_memory_equal(p, "\0\0\0\0\0\0\0\0\0\0\1\0", HDR);
	assert_int_equal(p[HDR + 100], 0xee);
	assert_int_equal(f.pulses, 1);
}

static void test_rx_header_from_network(void **state)
{
	uint8_t frame[HDR + 60] = { VIRTIO_NET_HDR_F_NEEDS_CSUM, 1 };
	uint64_t gpa;
	uint8_t *p;

	(void)state;
	make_mock(true, NET_CSUM | NET_TSO4);
	drive(F_GCSUM | F_GTSO4);
	frame[HDR - 2] = 77; /* the network's num_buffers means nothing */
	fill(frame + HDR, 60, 4);
	gpa = give(2048);
	mock_net_put(f.mock, frame, sizeof(frame));
	rx_event();
	p = mock_ring_ptr(&f.rx, gpa);
	assert_int_equal(p[0], VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(p[1], 1);
	assert_int_equal(p[HDR - 2], 1);
	assert_true(matches(p + HDR, 60, 4));
}

static void test_rx_mergeable(void **state)
{
	uint64_t gpa[4];
	uint8_t all[4096];
	uint32_t id, len;
	size_t off = 0;
	unsigned int i;

	(void)state;
	make_mock(false, 0);
	drive(F_MRG);
	for (i = 0; i < 4; i++)
		gpa[i] = give(600);
	put(2000, 5);
	rx_event();
	for (i = 0; i < 4; i++) {
		assert_true(mock_ring_take(&f.rx, &id, &len));
		assert_int_equal(len, i < 3 ? 600 : HDR + 2000 - 1800);
		memcpy(all + off, mock_ring_ptr(&f.rx, gpa[i]), len);
		off += len;
	}
	assert_int_equal(all[HDR - 2], 4);
	assert_true(matches(all + HDR, 2000, 5));
	assert_int_equal(f.pulses, 1);
}

/* Buffers come one at a time: nothing is used before there are enough. */
static void test_rx_mergeable_waits(void **state)
{
	uint64_t first;

	(void)state;
	make_mock(false, 0);
	drive(F_MRG);
	first = give(600);
	put(1000, 5);
	put(60, 6);
	rx_event();
	assert_int_equal(taken(&f.rx), 0);
	give(300);
	virtio_device_process(f.vdev, VIRTIO_NET_RX);
	assert_int_equal(taken(&f.rx), 0);
	give(600);
	virtio_device_process(f.vdev, VIRTIO_NET_RX);
	assert_int_equal(taken(&f.rx), 3);
	assert_int_equal(((uint8_t *)mock_ring_ptr(&f.rx, first))[HDR - 2], 3);
	/* And the frame behind it was not lost. */
	give(600);
	virtio_device_process(f.vdev, VIRTIO_NET_RX);
	assert_int_equal(taken(&f.rx), 1);
}

/* Without buffers frames stay where they are, but for one. */
static void test_rx_held_back(void **state)
{
	unsigned int i;

	(void)state;
	make_mock(false, 0);
	drive(0);
	for (i = 0; i < 10; i++)
		put(60 + i, (uint8_t)i);
	rx_event();
	rx_event();
	assert_int_equal(f.mock->head, 1);
	for (i = 0; i < 10; i++) {
		uint64_t gpa = give(2048);
		uint32_t id, len;

		virtio_device_process(f.vdev, VIRTIO_NET_RX);
		assert_true(mock_ring_take(&f.rx, &id, &len));
		assert_int_equal(len, HDR + 60 + i);
		assert_true(matches((uint8_t *)mock_ring_ptr(&f.rx, gpa) + HDR,
				    60 + i, (uint8_t)i));
	}
}

/* A frame that no buffer can hold is lost, the buffer is not. */
static void test_rx_too_large(void **state)
{
	uint32_t id, len;

	(void)state;
	make_mock(false, 0);
	drive(0);
	give(200);
	put(500, 1);
	put(60, 2);
	rx_event();
	assert_true(mock_ring_take(&f.rx, &id, &len));
	assert_int_equal(len, HDR + 60);
	assert_false(broken());
}

/* The same where the whole ring is too small for it. */
static void test_rx_too_large_mergeable(void **state)
{
	unsigned int i;

	(void)state;
	make_mock(false, 0);
	drive(F_MRG);
	for (i = 0; i < NUM; i++)
		give(20);
	put(1000, 1);
	put(60, 2);
	rx_event();
	assert_int_equal(taken(&f.rx), 4); /* 72 bytes in buffers of 20 */
	assert_false(broken());
}

static void test_rx_header_in_pieces(void **state)
{
	struct mock_seg seg[3] = { { 0, 11, true },
				   { 0, 1, true },
				   { 0, 100, true } };
	unsigned int i;

	(void)state;
	make_mock(false, 0);
	drive(F_MRG);
	for (i = 0; i < 3; i++)
		seg[i].gpa = mock_ring_alloc(&f.rx, seg[i].len);
	mock_ring_offer(&f.rx, mock_ring_chain(&f.rx, seg, 3));
	put(60, 8);
	rx_event();
	assert_int_equal(taken(&f.rx), 1);
	assert_int_equal(((uint8_t *)mock_ring_ptr(&f.rx, seg[0].gpa))[10], 1);
	assert_int_equal(((uint8_t *)mock_ring_ptr(&f.rx, seg[1].gpa))[0], 0);
	assert_true(matches(mock_ring_ptr(&f.rx, seg[2].gpa), 60, 8));
}

static void test_rx_no_room_for_header(void **state)
{
	(void)state;
	make_mock(false, 0);
	drive(F_MRG);
	give(HDR - 1);
	put(60, 1);
	rx_event();
	assert_true(broken());
	assert_int_equal(taken(&f.rx), 0);
}

/* A buffer that the device may only read. */
static void test_rx_readable_buffer(void **state)
{
	struct mock_seg seg = { 0, 100, false };

	(void)state;
	make_mock(false, 0);
	drive(F_MRG);
	seg.gpa = mock_ring_alloc(&f.rx, 100);
	mock_ring_offer(&f.rx, mock_ring_chain(&f.rx, &seg, 1));
	put(60, 1);
	rx_event();
	assert_true(broken());
}

/* More frames than one turn delivers, and no poll() that tells of the rest. */
static void test_rx_budget(void **state)
{
	unsigned int i, got = 0, round;

	(void)state;
	make_mock(false, 0);
	drive(0);
	for (i = 0; i < 300; i++)
		put(60, (uint8_t)i);
	rx_event();
	for (round = 0; round < 60; round++) {
		for (i = 0; i < NUM; i++)
			give(80);
		virtio_device_process(f.vdev, VIRTIO_NET_RX);
		got += taken(&f.rx);
		if (got == 300)
			break;
	}
	assert_int_equal(got, 300);
}

/* --- the end of the network, and of the driver -----------------------------*/

static void test_dead_on_receive(void **state)
{
	(void)state;
	make_mock(false, 0);
	drive(BIT64(VIRTIO_NET_F_STATUS));
	give(100);
	f.mock->receive = -EPIPE;
	rx_event();
	assert_int_equal(link_status(), 0);
	assert_true(virtio_device_isr(f.vdev) & VIRTIO_MMIO_INT_CONFIG);
	assert_false(broken());
	/* The guest's packets are taken all the same, and go nowhere. */
	transmit(60, 1, 1);
	virtio_device_process(f.vdev, VIRTIO_NET_TX);
	assert_int_equal(taken(&f.tx), 1);
	assert_int_equal(f.mock->nr_sent, 0);
	/* A new driver finds the link down. */
	drive(0);
	assert_int_equal(link_status(), 0);
}

static void test_dead_on_send(void **state)
{
	(void)state;
	make_mock(false, 0);
	drive(0);
	f.mock->refuse = -EPIPE;
	transmit(60, 1, 1);
	transmit(60, 1, 1);
	virtio_device_process(f.vdev, VIRTIO_NET_TX);
	assert_int_equal(taken(&f.tx), 2);
	assert_int_equal(link_status(), 0);
}

static void test_reset_drops_held_frame(void **state)
{
	uint32_t id, len;

	(void)state;
	make_mock(false, 0);
	drive(0);
	put(60, 1);
	put(70, 2);
	rx_event(); /* the first is held */
	drive(0);
	give(200);
	rx_event();
	assert_true(mock_ring_take(&f.rx, &id, &len));
	assert_int_equal(len, HDR + 70);
}

/* --- with its worker, over a socket ----------------------------------------*/

static void wait_for(bool (*cond)(void))
{
	unsigned int i;

	for (i = 0; i < 2000 && !cond(); i++)
		usleep(1000);
	assert_true(cond());
}

static unsigned int used(const struct mock_ring *ring)
{
	return (uint16_t)(__atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE) -
			  ring->last_used);
}

static bool all_sent(void)
{
	return used(&f.tx) == 2;
}

static bool one_received(void)
{
	return used(&f.rx) >= 1;
}

static bool link_is_down(void)
{
	return link_status() == 0;
}

static void test_worker_and_socket(void **state)
{
	struct net_stream_config config = { .label = "test" };
	uint8_t buf[256];
	struct net *net;
	uint64_t gpa;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	config.fd = fd[0];
	assert_int_equal(net_stream_open(&config, &net, NULL), 0);
	make(net, 0);
	assert_int_equal(virtio_device_start(f.vdev, NULL), 0);
	drive(F_MRG);

	transmit(60, 1, 2);
	transmit(61, 2, 1);
	virtio_device_notify(f.vdev, VIRTIO_NET_TX);
	wait_for(all_sent);
	assert_int_equal(recv(fd[1], buf, 129, MSG_WAITALL), 129);
	assert_memory_equal(buf, "\0\0\0\x3c", 4);
	assert_true(matches(buf + 4, 60, 1));
	assert_memory_equal(buf + 64, "\0\0\0\x3d", 4);
	assert_true(matches(buf + 68, 61, 2));

	/* Arrives before there is a buffer. */
	memcpy(buf, "\0\0\0\x40", 4);
	fill(buf + 4, 64, 7);
	assert_int_equal(write(fd[1], buf, 68), 68);
	usleep(20000);
	assert_int_equal(used(&f.rx), 0);
	gpa = give(500);
	virtio_device_notify(f.vdev, VIRTIO_NET_RX);
	wait_for(one_received);
	assert_true(matches((uint8_t *)mock_ring_ptr(&f.rx, gpa) + HDR, 64, 7));

	/* Across a reset the socket is still served. */
	drive(F_MRG);
	give(500);
	virtio_device_notify(f.vdev, VIRTIO_NET_RX);
	assert_int_equal(write(fd[1], buf, 68), 68);
	wait_for(one_received);

	close(fd[1]);
	wait_for(link_is_down);
	assert_false(broken());
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_identity),
		T(test_offload_features),
		T(test_mtu),
		T(test_tx),
		T(test_tx_header),
		T(test_tx_without_header),
		T(test_tx_backpressure),
		T(test_tx_budget),
		T(test_rx),
		T(test_rx_header_from_network),
		T(test_rx_mergeable),
		T(test_rx_mergeable_waits),
		T(test_rx_held_back),
		T(test_rx_too_large),
		T(test_rx_too_large_mergeable),
		T(test_rx_header_in_pieces),
		T(test_rx_no_room_for_header),
		T(test_rx_readable_buffer),
		T(test_rx_budget),
		T(test_dead_on_receive),
		T(test_dead_on_send),
		T(test_reset_drops_held_frame),
		T(test_worker_and_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
