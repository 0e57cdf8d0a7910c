// SPDX-License-Identifier: GPL-2.0-only
/* virtio-vsock over Unix sockets: a mock driver and real sockets. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>

#include "mock_vdev.h"
#include "backend/vsock-uds.h"
#include "lib/log.h"
#include "virtio/vsock.h"

#define CID       42
#define HDR       ((uint32_t)sizeof(struct virtio_vsock_hdr))
#define RX_LEN    (HDR + 4096)
#define WINDOW    (256u << 10)

#define RST       VIRTIO_VSOCK_OP_RST
#define SHUT_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

static struct {
	struct mock_vdev mock;
	char dir[32], path[64], port[80];
	uint64_t rx_gpa[MOCK_VDEV_NUM];
	unsigned int rx_given, rx_taken;
	uint64_t tx_gpa;
	/* The packet last received. */
	struct virtio_vsock_hdr hdr;
	uint8_t data[4096];
} f;

static int setup(void **state)
{
	struct virtio_device *vdev;
	struct vsock_host *host;
	struct error err = { 0 };
	unsigned int i;

	(void)state;
	memset(&f, 0, sizeof(f));
	log_set_level(LOG_ERROR); /* the warnings are wanted here */
	snprintf(f.dir, sizeof(f.dir), "/tmp/vsock-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof(f.path), "%s/v", f.dir);
	snprintf(f.port, sizeof(f.port), "%s/v_80", f.dir);
	assert_int_equal(vsock_uds_open(f.path, &host, &err), 0);
	assert_int_equal(virtio_vsock_new(host, CID, &vdev, &err), 0);
	assert_int_equal(mock_vdev_init(&f.mock, vdev), 0);
	assert_true(mock_vdev_drive(&f.mock, 0));
	for (i = 0; i < MOCK_VDEV_NUM; i++)
		f.rx_gpa[i] = mock_vdev_alloc(&f.mock, 0, RX_LEN);
	f.tx_gpa = mock_vdev_alloc(&f.mock, 1, HDR + 65536);
	return 0;
}

static int teardown(void **state)
{
	struct stat st;

	(void)state;
	mock_vdev_free(&f.mock);
	/* Its socket goes with it. */
	assert_int_equal(stat(f.path, &st), -1);
	unlink(f.port);
	return rmdir(f.dir);
}

/* --- the driver ------------------------------------------------------------*/

/* Let the device see what the host did. */
static void events(void)
{
	virtio_device_event(f.mock.vdev, 0);
	mock_vdev_settle(&f.mock);
}

static void give(unsigned int n)
{
	while (n--)
		mock_vdev_offer(&f.mock, 0,
				f.rx_gpa[f.rx_given++ % MOCK_VDEV_NUM], RX_LEN,
				true);
	mock_vdev_kick(&f.mock, 0);
}

/* The next packet of the device into f.hdr and f.data; false if there is none. */
static bool receive(void)
{
	const uint8_t *p;
	int64_t len;

	events();
	len = mock_vdev_take(&f.mock, 0);
	if (len < 0)
		return false;
	p = mock_vdev_ptr(&f.mock, f.rx_gpa[f.rx_taken++ % MOCK_VDEV_NUM]);
	memcpy(&f.hdr, p, HDR);
	assert_true(len >= HDR && len <= RX_LEN);
	assert_int_equal(f.hdr.len, len - HDR);
	memcpy(f.data, p + HDR, len - HDR);
	assert_int_equal(f.hdr.dst_cid, CID);
	return true;
}

#define expect(what)                              \
	do {                                      \
		if (f.rx_given == f.rx_taken)     \
			give(4);                  \
		assert_true(receive());           \
		assert_int_equal(f.hdr.op, what); \
	} while (0)

#define expect_nothing()                      \
	do {                                  \
		if (f.rx_given == f.rx_taken) \
			give(4);              \
		assert_false(receive());      \
	} while (0)

/* The same, and it may tell its credit before. */
static void expect_behind_credit(uint16_t op)
{
	do {
		if (f.rx_given == f.rx_taken)
			give(4);
		assert_true(receive());
	} while (f.hdr.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(f.hdr.op, op);
}

static struct virtio_vsock_hdr packet(uint16_t op, uint32_t guest_port,
				      uint32_t host_port)
{
	return (struct virtio_vsock_hdr){
		.src_cid = CID,
		.dst_cid = VIRTIO_VSOCK_CID_HOST,
		.src_port = guest_port,
		.dst_port = host_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = WINDOW,
	};
}

static void transmit(const struct virtio_vsock_hdr *hdr, const void *data)
{
	memcpy(mock_vdev_ptr(&f.mock, f.tx_gpa), hdr, HDR);
	if (hdr->len)
		memcpy((uint8_t *)mock_vdev_ptr(&f.mock, f.tx_gpa) + HDR, data,
		       hdr->len);
	mock_vdev_offer(&f.mock, 1, f.tx_gpa, HDR + hdr->len, false);
	mock_vdev_kick(&f.mock, 1);
	assert_int_equal(mock_vdev_take(&f.mock, 1), 0);
}

static void send_op(uint16_t op, uint32_t guest_port, uint32_t host_port,
		    uint32_t flags)
{
	struct virtio_vsock_hdr hdr = packet(op, guest_port, host_port);

	hdr.flags = flags;
	transmit(&hdr, NULL);
}

static void send_data(uint32_t guest_port, uint32_t host_port, const void *data,
		      uint32_t len)
{
	struct virtio_vsock_hdr hdr =
		packet(VIRTIO_VSOCK_OP_RW, guest_port, host_port);

	hdr.len = len;
	transmit(&hdr, data);
}

/* --- the host --------------------------------------------------------------*/

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	return fd;
}

static int serve(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	events();
}

static void says(int fd, const char *text)
{
	char buf[64];
	ssize_t n = read(fd, buf, sizeof(buf));

	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, n);
}

#define at_end(fd) assert_int_equal(read(fd, &(char){ 0 }, 1), 0)

/* A connection from the guest's port 1000 to the host's 80; the host's fd. */
static int from_guest(void)
{
	int listener = serve(f.port), fd;

	send_op(VIRTIO_VSOCK_OP_REQUEST, 1000, 80, 0);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd >= 0);
	close(listener);
	expect(VIRTIO_VSOCK_OP_RESPONSE);
	assert_int_equal(f.hdr.src_port, 80);
	assert_int_equal(f.hdr.dst_port, 1000);
	assert_int_equal(f.hdr.buf_alloc, VIRTIO_VSOCK_BUFFER);
	return fd;
}

/* A connection from the host to the guest's port 7; the host's fd. */
static int from_host(uint32_t *port)
{
	char ok[32];
	int fd = dial(f.path);

	put(fd, "CONNECT 7\n");
	expect(VIRTIO_VSOCK_OP_REQUEST);
	assert_int_equal(f.hdr.dst_port, 7);
	assert_int_equal(f.hdr.src_cid, VIRTIO_VSOCK_CID_HOST);
	*port = f.hdr.src_port;
	assert_int_equal(read(fd, ok, 1), -1); /* not yet */
	send_op(VIRTIO_VSOCK_OP_RESPONSE, 7, *port, 0);
	snprintf(ok, sizeof(ok), "OK %u\n", *port);
	says(fd, ok);
	return fd;
}

/* --- tests -----------------------------------------------------------------*/

static void test_identity(void **state)
{
	const struct virtio_device_ops *ops = f.mock.vdev->ops;
	uint64_t cid;
	uint8_t beyond[4];

	(void)state;
	assert_int_equal(ops->id, VIRTIO_ID_VSOCK);
	ops->config_read(f.mock.vdev, 0, &cid, 8);
	assert_int_equal(cid, CID);
	ops->config_read(f.mock.vdev, 6, beyond, 4);
	assert_memory_equal(beyond, "\0\0\0\0", 4);
	ops->config_read(f.mock.vdev, UINT64_MAX, beyond, 4);
	assert_memory_equal(beyond, "\0\0\0\0", 4);
	assert_true(f.mock.vdev->offered & 1); /* F_STREAM */
}

static void test_guest_connects(void **state)
{
	int fd;

	(void)state;
	fd = from_guest();
	send_data(1000, 80, "ping", 4);
	says(fd, "ping");
	put(fd, "pong");
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(f.hdr.len, 4);
	assert_memory_equal(f.data, "pong", 4);
	assert_int_equal(f.hdr.fwd_cnt, 4); /* the credit comes along */
	close(fd);
}

static void test_nobody_there(void **state)
{
	(void)state;
	send_op(VIRTIO_VSOCK_OP_REQUEST, 1000, 81, 0);
	expect(RST);
	assert_int_equal(f.hdr.src_port, 81);
	assert_int_equal(f.hdr.dst_port, 1000);
}

static void test_host_connects(void **state)
{
	uint32_t port;
	int fd;

	(void)state;
	fd = from_host(&port);
	assert_true(port >= 1u << 30);
	put(fd, "hello");
	expect(VIRTIO_VSOCK_OP_RW);
	assert_memory_equal(f.data, "hello", 5);
	send_data(7, port, "yes", 3);
	says(fd, "yes");
	close(fd);
}

static void test_refused_by_guest(void **state)
{
	int fd = dial(f.path);

	(void)state;
	put(fd, "CONNECT 9\n");
	expect(VIRTIO_VSOCK_OP_REQUEST);
	send_op(RST, 9, f.hdr.src_port, 0);
	at_end(fd);
	expect_nothing();
	close(fd);
}

/* The line in pieces, and what follows it is the guest's. */
static void test_connect_line(void **state)
{
	static const char *const bad[] = {
		"CONNECT\n",
		"CONNECT \n",
		"connect 7\n",
		"CONNECT 4294967296\n",
		"CONNECT 7 \n",
		"CONNECT -1\n",
		"CONNECT 00000000000000000000\n",
		"GET / HTTP/1.1\r\n\r\n",
		"\n",
	};
	uint32_t port;
	unsigned int i;
	ssize_t n;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = dial(f.path);
		put(fd, bad[i]);
		expect_nothing();
		/* What was not read of it makes the end a reset. */
		n = read(fd, &(char){ 0 }, 1);
		assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
		close(fd);
	}

	fd = dial(f.path);
	put(fd, "CON");
	put(fd, "NECT 4294967295");
	expect_nothing();
	put(fd, "\nearly");
	expect(VIRTIO_VSOCK_OP_REQUEST);
	port = f.hdr.src_port;
	assert_int_equal(f.hdr.dst_port, UINT32_MAX);
	expect_nothing(); /* before it is connected */
	send_op(VIRTIO_VSOCK_OP_RESPONSE, UINT32_MAX, port, 0);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(f.hdr.len, 5);
	assert_memory_equal(f.data, "early", 5);
	close(fd);
}

/* Clients that say nothing hold nobody up: the oldest of many goes. */
static void test_silent_clients(void **state)
{
	int fd[VSOCK_UDS_MAX_PENDING + 1];
	uint32_t port;
	unsigned int i;

	(void)state;
	for (i = 0; i <= VSOCK_UDS_MAX_PENDING; i++) {
		fd[i] = dial(f.path);
		events();
	}
	at_end(fd[0]);
	assert_int_equal(read(fd[1], &(char){ 0 }, 1), -1);
	close(from_host(&port));
	for (i = 0; i <= VSOCK_UDS_MAX_PENDING; i++)
		close(fd[i]);
}

/* A client that goes before the guest answers. */
static void test_client_leaves_early(void **state)
{
	int fd = dial(f.path);

	(void)state;
	put(fd, "CONNECT 9\n");
	expect(VIRTIO_VSOCK_OP_REQUEST);
	close(fd);
	expect(RST);
	assert_int_equal(f.hdr.dst_port, 9);
	/* The guest's answer crossed it. */
	send_op(VIRTIO_VSOCK_OP_RESPONSE, 9, f.hdr.src_port, 0);
	expect(RST);
}

/* The host is slow: bytes are kept, credit comes as they go out. */
static void test_credit_to_host(void **state)
{
	static uint8_t chunk[32768], back[32768];
	uint32_t sent = 0, got = 0, i;
	ssize_t n;
	int fd, size = 4096;

	(void)state;
	fd = from_guest();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (i = 0; i < sizeof(chunk); i++)
		chunk[i] = i * 7 + i / 251;
	/* As much as was promised, and nothing is read of it. */
	while (sent + sizeof(chunk) <= VIRTIO_VSOCK_BUFFER) {
		send_data(1000, 80, chunk, sizeof(chunk));
		sent += sizeof(chunk);
	}
	while (got < sent) {
		n = read(fd, back, sizeof(back));
		assert_true(n > 0);
		for (i = 0; i < n; i++)
			assert_int_equal(back[i],
					 chunk[(got + i) % sizeof(chunk)]);
		got += n;
		events();
	}
	/* It says so by itself, or sooner when asked. */
	expect(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	send_op(VIRTIO_VSOCK_OP_CREDIT_REQUEST, 1000, 80, 0);
	expect(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(f.hdr.fwd_cnt, sent);
	close(fd);
}

/* A guest that sends more than it may is cut off, and only there. */
static void test_credit_overrun(void **state)
{
	static uint8_t chunk[65536];
	unsigned int i;
	uint32_t port;
	int fd, other;

	(void)state;
	fd = from_guest();
	/* Far more than socket buffers and ours together. */
	for (i = 0; i < 32; i++)
		send_data(1000, 80, chunk, sizeof(chunk));
	expect_behind_credit(RST);
	assert_false(mock_vdev_failed(&f.mock));
	other = from_host(&port);
	close(other);
	close(fd);
}

/* The guest takes little: no more is sent than it has room for. */
static void test_credit_to_guest(void **state)
{
	struct virtio_vsock_hdr hdr;
	char text[256];
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text));
	fd = from_guest();
	hdr = packet(VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1000, 80);
	hdr.buf_alloc = 100;
	transmit(&hdr, NULL);
	assert_int_equal(write(fd, text, 256), 256);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(f.hdr.len, 100);
	expect_nothing();
	hdr.fwd_cnt = 60;
	transmit(&hdr, NULL);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(f.hdr.len, 60);
	/* Less than nothing: a buffer that became smaller. */
	hdr.buf_alloc = 10;
	transmit(&hdr, NULL);
	expect_nothing();
	hdr.buf_alloc = WINDOW;
	transmit(&hdr, NULL);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(f.hdr.len, 96);
	close(fd);
}

static void test_host_closes(void **state)
{
	int fd;

	(void)state;
	fd = from_guest();
	put(fd, "last words");
	close(fd);
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(f.hdr.len, 10);
	expect(VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(f.hdr.flags, SHUT_BOTH);
	send_op(RST, 1000, 80, 0);
	expect_nothing();
	/* It is forgotten. */
	send_data(1000, 80, "x", 1);
	expect(RST);
}

static void test_host_half_closes(void **state)
{
	int fd;

	(void)state;
	fd = from_guest();
	shutdown(fd, SHUT_WR);
	expect(VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(f.hdr.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
	send_data(1000, 80, "still", 5);
	says(fd, "still");
	expect_nothing();
	close(fd);
	expect(VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(f.hdr.flags, SHUT_BOTH);
	expect_nothing();
}

static void test_guest_closes(void **state)
{
	int fd;

	(void)state;
	fd = from_guest();
	send_data(1000, 80, "bye", 3);
	send_op(VIRTIO_VSOCK_OP_SHUTDOWN, 1000, 80, SHUT_BOTH);
	says(fd, "bye");
	at_end(fd);
	expect(RST);
	expect_nothing();
	close(fd);
}

static void test_guest_half_closes(void **state)
{
	int fd;

	(void)state;
	fd = from_guest();
	send_op(VIRTIO_VSOCK_OP_SHUTDOWN, 1000, 80, VIRTIO_VSOCK_SHUTDOWN_SEND);
	at_end(fd);
	put(fd, "answer");
	expect(VIRTIO_VSOCK_OP_RW);
	assert_memory_equal(f.data, "answer", 6);
	/* Nothing may come after that. */
	send_data(1000, 80, "x", 1);
	expect(RST);
	close(fd);
}

/* An RST loses nothing that the guest sent before it. */
static void test_reset_keeps_bytes(void **state)
{
	static uint8_t chunk[65536], back[65536];
	uint32_t got = 0;
	unsigned int i;
	ssize_t n;
	int fd;

	(void)state;
	fd = from_guest();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	for (i = 0; i < VIRTIO_VSOCK_BUFFER / sizeof(chunk); i++)
		send_data(1000, 80, chunk, sizeof(chunk));
	send_op(RST, 1000, 80, 0);
	/* The port is free for the next one meanwhile. */
	send_data(1000, 80, "x", 1);
	expect_behind_credit(RST);
	for (i = 0; i < 1000; i++) {
		n = read(fd, back, sizeof(back));
		if (n == 0)
			break;
		if (n > 0)
			got += n;
		events();
	}
	assert_int_equal(got, VIRTIO_VSOCK_BUFFER);
	close(fd);
}

/* The host reads no more: the guest is told, and what comes still is dropped. */
static void test_host_gone_while_guest_sends(void **state)
{
	int fd;

	(void)state;
	fd = from_guest();
	shutdown(fd, SHUT_RD);
	send_data(1000, 80, "x", 1);
	expect(VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(f.hdr.flags, VIRTIO_VSOCK_SHUTDOWN_RCV);
	send_data(1000, 80, "y", 1);
	put(fd, "z");
	expect(VIRTIO_VSOCK_OP_RW);
	assert_int_equal(f.hdr.fwd_cnt, 2);
	close(fd);
}

static void test_strange_packets(void **state)
{
	struct virtio_vsock_hdr hdr;
	int fd;

	(void)state;
	fd = from_guest();
	/* Not from this guest: there is nobody to answer. */
	hdr = packet(VIRTIO_VSOCK_OP_RW, 1000, 80);
	hdr.src_cid = CID + 1;
	transmit(&hdr, NULL);
	hdr.src_cid = CID | 1ull << 32;
	transmit(&hdr, NULL);
	expect_nothing();
	/* To somebody else, and of an unknown type (5.10.6.4.2). */
	hdr = packet(VIRTIO_VSOCK_OP_REQUEST, 1000, 80);
	hdr.dst_cid = 99;
	transmit(&hdr, NULL);
	expect(RST);
	assert_int_equal(f.hdr.src_cid, 99);
	hdr = packet(VIRTIO_VSOCK_OP_REQUEST, 1000, 80);
	hdr.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
	transmit(&hdr, NULL);
	expect(RST);
	/* No connection: an RST, but none for an RST. */
	send_op(VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1, 2, 0);
	expect(RST);
	send_op(RST, 1, 2, 0);
	expect_nothing();
	/* It lives through all of that, until something is for it. */
	send_data(1000, 80, "alive", 5);
	says(fd, "alive");
	send_op(VIRTIO_VSOCK_OP_REQUEST, 1000, 80, 0);
	expect(RST);
	at_end(fd);
	close(fd);
}

static void test_malformed(void **state)
{
	struct virtio_vsock_hdr hdr = packet(VIRTIO_VSOCK_OP_RW, 1, 2);

	(void)state;
	mock_vdev_offer(&f.mock, 1, f.tx_gpa, HDR - 1, false);
	mock_vdev_kick(&f.mock, 1);
	assert_true(mock_vdev_failed(&f.mock));

	assert_true(mock_vdev_drive(&f.mock, 0));
	hdr.len = 100;
	memcpy(mock_vdev_ptr(&f.mock, f.tx_gpa), &hdr, HDR);
	mock_vdev_offer(&f.mock, 1, f.tx_gpa, HDR + 99, false);
	mock_vdev_kick(&f.mock, 1);
	assert_true(mock_vdev_failed(&f.mock));

	assert_true(mock_vdev_drive(&f.mock, 0));
	mock_vdev_offer(&f.mock, 0, f.rx_gpa[0], HDR - 1, true);
	send_op(VIRTIO_VSOCK_OP_REQUEST, 1, 2, 0);
	assert_true(mock_vdev_failed(&f.mock));
	assert_true(mock_vdev_drive(&f.mock, 0));
}

/* A buffer that holds a header and no byte more, when there is data for it. */
static void test_no_room_for_data(void **state)
{
	uint32_t port;
	int fd;

	(void)state;
	fd = from_host(&port);
	while (f.rx_given != f.rx_taken) {
		put(fd, "hello");
		expect(VIRTIO_VSOCK_OP_RW);
	}
	put(fd, "hello");
	mock_vdev_offer(&f.mock, 0, f.rx_gpa[0], HDR, true);
	mock_vdev_kick(&f.mock, 0);
	assert_true(mock_vdev_failed(&f.mock));
	assert_true(mock_vdev_drive(&f.mock, 0));
	close(fd);
}

/* A receive queue without buffers: refusals are kept up to an end. */
static void test_no_buffers(void **state)
{
	unsigned int i, n = 0;

	(void)state;
	for (i = 0; i < 256; i++)
		send_op(VIRTIO_VSOCK_OP_RW, i, 2, 0);
	/* The next has to wait in the queue. */
	mock_vdev_offer(&f.mock, 1, f.tx_gpa, HDR, false);
	mock_vdev_kick(&f.mock, 1);
	assert_int_equal(mock_vdev_take(&f.mock, 1), -1);
	for (i = 0; i < 257; i++) {
		give(1);
		n += receive() && f.hdr.op == RST;
	}
	assert_int_equal(n, 257);
	assert_int_equal(mock_vdev_take(&f.mock, 1), 0);
}

/* As many connections as there may be; and then again. */
static void test_many(void **state)
{
	enum { MANY = VIRTIO_VSOCK_MAX_CONNS };
	static int fd[MANY + 1];
	const struct rlimit want = { 4096, 4096 };
	int listener = serve(f.port);
	unsigned int i, round;

	(void)state;
	if (setrlimit(RLIMIT_NOFILE, &want))
		skip();
	for (round = 0; round < 2; round++) {
		for (i = 0; i < MANY; i++) {
			send_op(VIRTIO_VSOCK_OP_REQUEST, i, 80, 0);
			fd[i] = accept(listener, NULL, NULL);
			assert_true(fd[i] >= 0);
			expect(VIRTIO_VSOCK_OP_RESPONSE);
			assert_int_equal(f.hdr.dst_port, i);
		}
		send_op(VIRTIO_VSOCK_OP_REQUEST, MANY, 80, 0);
		expect(RST);
		/* A client waits until there is room. */
		fd[MANY] = dial(f.path);
		put(fd[MANY], "CONNECT 7\n");
		expect_nothing();
		for (i = 0; i < MANY; i++) {
			send_op(RST, i, 80, 0);
			close(fd[i]);
		}
		expect(VIRTIO_VSOCK_OP_REQUEST);
		send_op(RST, 7, f.hdr.src_port, 0);
		close(fd[MANY]);
	}
	close(listener);
}

/* No descriptor for a client: it waits until there is one, and nothing spins. */
static void test_no_descriptors(void **state)
{
	struct rlimit old, few;
	struct pollfd pfd;
	int fd, client, next;

	(void)state;
	fd = from_guest();
	client = dial(f.path);
	assert_int_equal(write(client, "CONNECT 7\n", 10), 10);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	next = dup(fd);
	few = old;
	few.rlim_cur = next;
	close(next);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	expect_nothing();
	pfd = (struct pollfd){ .fd = f.mock.vdev->fd[0], .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 0), 0);
	send_op(RST, 1000, 80, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	expect(VIRTIO_VSOCK_OP_REQUEST);
	close(client);
	close(fd);
}

/* A guest's reset ends all of it, and it starts afresh. */
static void test_reset(void **state)
{
	uint32_t port;
	int fd;

	(void)state;
	fd = from_guest();
	send_op(VIRTIO_VSOCK_OP_RW, 5, 5, 0); /* a refusal to be forgotten */
	unlink(f.port);
	assert_true(mock_vdev_drive(&f.mock, 0));
	f.rx_given = f.rx_taken = 0;
	at_end(fd);
	close(fd);
	close(from_host(&port));
	assert_false(mock_vdev_failed(&f.mock));
}

static void test_paths(void **state)
{
	char path[128];
	struct vsock_host *host;
	struct error err = { 0 };
	struct stat st;
	int fd;

	(void)state;
	/* In use, by the fixture. */
	assert_int_equal(vsock_uds_open(f.path, &host, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, f.path));
	/* Stale: bound, and nobody listens any more. */
	fd = serve(f.port);
	close(fd);
	assert_int_equal(vsock_uds_open(f.port, &host, NULL), 0);
	vsock_host_free(host);
	assert_int_equal(stat(f.port, &st), -1);
	/* A file is not replaced. */
	fclose(fopen(f.port, "w"));
	assert_int_equal(vsock_uds_open(f.port, &host, NULL), -EEXIST);
	assert_int_equal(stat(f.port, &st), 0);
	/* One with room for "_4294967295", and one more. */
	memset(path, 'a', sizeof(path));
	path[vsock_uds_path_max + 1] = '\0';
	assert_int_equal(vsock_uds_open(path, &host, NULL), -ENAMETOOLONG);
	assert_int_equal(vsock_uds_open("", &host, NULL), -ENAMETOOLONG);
	assert_int_equal(vsock_uds_open("/no/such/dir/x", &host, NULL),
			 -ENOENT);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_identity),
		test(test_guest_connects),
		test(test_nobody_there),
		test(test_host_connects),
		test(test_refused_by_guest),
		test(test_connect_line),
		test(test_silent_clients),
		test(test_client_leaves_early),
		test(test_credit_to_host),
		test(test_credit_overrun),
		test(test_credit_to_guest),
		test(test_host_closes),
		test(test_host_half_closes),
		test(test_guest_closes),
		test(test_guest_half_closes),
		test(test_reset_keeps_bytes),
		test(test_host_gone_while_guest_sends),
		test(test_strange_packets),
		test(test_malformed),
		test(test_no_room_for_data),
		test(test_no_buffers),
		test(test_many),
		test(test_no_descriptors),
		test(test_reset),
		test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
