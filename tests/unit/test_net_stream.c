// SPDX-License-Identifier: GPL-2.0-only
/* Frames over a stream, and what becomes of passt: mostly over socket pairs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "backend/net-passt.h"
#include "backend/net-stream.h"
#include "lib/log.h"

static struct net *net;
static int peer;
static unsigned int whys, closes;

static const char *why(void *opaque)
{
	(void)opaque;
	whys++;
	return "gone for a test";
}

static void closed(void *opaque)
{
	(void)opaque;
	closes++;
}

static int setup(void **state)
{
	struct net_stream_config config = { .label = "test",
					    .why = why,
					    .closed = closed };
	int fd[2];

	(void)state;
	log_set_level(LOG_ERROR); /* the warnings are wanted here */
	whys = closes = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return -1;
	peer = fd[1];
	config.fd = fd[0];
	return net_stream_open(&config, &net, NULL);
}

static int teardown(void **state)
{
	(void)state;
	net_close(net);
	close(peer);
	return closes == 1 ? 0 : -1;
}

static int send_frame(const void *data, size_t len)
{
	struct iovec iov = { (void *)data, len };

	return net->ops->send(net, &iov, 1);
}

static ssize_t receive(void *buf, size_t len)
{
	struct iovec iov = { buf, len };

	return net->ops->receive(net, &iov, 1);
}

static void put(const void *data, size_t len)
{
	assert_int_equal(write(peer, data, len), (ssize_t)len);
}

static void put_frame(uint32_t len, uint8_t byte)
{
	uint8_t *buf = malloc(4 + len);
	uint32_t be = htonl(len);

	memcpy(buf, &be, 4);
	memset(buf + 4, byte, len);
	put(buf, 4 + len);
	free(buf);
}

static void test_send(void **state)
{
	uint8_t a[20], b[30], buf[64];
	struct iovec iov[2] = { { a, 20 }, { b, 30 } };

	(void)state;
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	assert_int_equal(net->ops->send(net, iov, 2), 0);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 54);
	assert_memory_equal(buf, "\0\0\0\x32", 4);
	assert_memory_equal(buf + 4, a, 20);
	assert_memory_equal(buf + 24, b, 30);
	assert_int_equal(net->ops->flush(net), 0);
}

static void test_send_many_segments(void **state)
{
	uint8_t buf[400], text[300];
	struct iovec iov[300];
	unsigned int i;

	(void)state;
	for (i = 0; i < 300; i++) {
		text[i] = (uint8_t)i;
		iov[i] = (struct iovec){ &text[i], 1 };
	}
	assert_int_equal(net->ops->send(net, iov, 300), 0);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 304);
	assert_memory_equal(buf + 4, text, 300);
}

static void test_send_bad_sizes(void **state)
{
	static uint8_t big[NET_FRAME_MAX + 1];
	uint8_t byte;

	(void)state;
	assert_int_equal(send_frame(big, 0), 0);
	assert_int_equal(send_frame(big, NET_FRAME_MIN - 1), 0);
	assert_int_equal(send_frame(big, NET_FRAME_MAX + 1), 0);
	assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
}

/* A full socket: whole frames arrive, in order, none twice. */
static void test_send_backpressure(void **state)
{
	const uint32_t len = 40000;
	uint8_t *frame = malloc(len), *buf = malloc(4 + len);
	unsigned int sent = 0, i;
	struct pollfd pfd = { .fd = net->fd, .events = POLLOUT };

	(void)state;
	for (;; sent++) {
		memset(frame, (int)sent, len);
		if (send_frame(frame, len))
			break;
		assert_true(sent < 1000);
	}
	assert_int_equal(send_frame(frame, len), -EAGAIN);
	assert_int_equal(net->ops->flush(net), -EAGAIN);
	assert_true(sent > 1);
	for (i = 0; i < sent; i++) {
		/* The rest of the last one comes when there is room. */
		while (recv(peer, buf, 4 + len, MSG_PEEK | MSG_DONTWAIT) <
			       (ssize_t)(4 + len) &&
		       i == sent - 1) {
			if (net->ops->flush(net) == 0)
				break;
			assert_int_equal(poll(&pfd, 1, 1000), 1);
		}
		assert_int_equal(recv(peer, buf, 4 + len, MSG_WAITALL),
				 4 + len);
		assert_memory_equal(buf, "\0\0\x9c\x40", 4);
		assert_int_equal(buf[4], (uint8_t)i);
		assert_int_equal(buf[3 + len], (uint8_t)i);
	}
	assert_int_equal(net->ops->flush(net), 0);
	assert_int_equal(recv(peer, buf, 1, MSG_DONTWAIT), -1);
	free(frame);
	free(buf);
}

static void test_receive(void **state)
{
	uint8_t buf[200];

	(void)state;
	assert_int_equal(receive(buf, sizeof(buf)), -EAGAIN);
	put_frame(60, 1);
	put_frame(100, 2);
	assert_int_equal(receive(buf, sizeof(buf)), 60);
	assert_int_equal(buf[59], 1);
	assert_int_equal(receive(buf, sizeof(buf)), 100);
	assert_int_equal(buf[0], 2);
	assert_int_equal(receive(buf, sizeof(buf)), -EAGAIN);
}

/* The stream may break anywhere, in the length too. */
static void test_receive_in_pieces(void **state)
{
	uint8_t wire[4 + 20] = { 0, 0, 0, 20 }, buf[100];
	unsigned int i;

	(void)state;
	memset(wire + 4, 7, 20);
	for (i = 0; i < sizeof(wire); i++) {
		assert_int_equal(receive(buf, sizeof(buf)), -EAGAIN);
		put(wire + i, 1);
	}
	assert_int_equal(receive(buf, sizeof(buf)), 20);
	assert_int_equal(buf[19], 7);
}

static void test_receive_largest(void **state)
{
	uint8_t *buf = malloc(NET_FRAME_MAX + 1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++)
		put_frame(NET_FRAME_MAX, (uint8_t)(i + 1));
	for (i = 0; i < 2; i++) {
		assert_int_equal(receive(buf, NET_FRAME_MAX + 1),
				 NET_FRAME_MAX);
		assert_int_equal(buf[NET_FRAME_MAX - 1], i + 1);
	}
	free(buf);
}

/* Too little room: the frame is cut, the next one is whole. */
static void test_receive_cut(void **state)
{
	uint8_t buf[100];

	(void)state;
	put_frame(90, 3);
	put_frame(20, 4);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(receive(buf, 50), 50);
	assert_int_equal(buf[50], 0);
	assert_int_equal(receive(buf, sizeof(buf)), 20);
	assert_int_equal(buf[0], 4);
}

static void bad_length(uint32_t len)
{
	uint32_t be = htonl(len);
	uint8_t buf[64];

	put(&be, 4);
	assert_int_equal(receive(buf, sizeof(buf)), -EPIPE);
	/* For good, and reported once. */
	assert_int_equal(receive(buf, sizeof(buf)), -EPIPE);
	assert_int_equal(send_frame(buf, 60), -EPIPE);
	assert_int_equal(net->ops->flush(net), -EPIPE);
	assert_int_equal(whys, 1);
}

static void test_length_zero(void **state)
{
	(void)state;
	bad_length(0);
}

static void test_length_too_large(void **state)
{
	(void)state;
	bad_length(NET_FRAME_MAX + 1);
}

static void test_length_huge(void **state)
{
	(void)state;
	bad_length(UINT32_MAX);
}

/* What was sent before the end is still received. */
static void test_hangup(void **state)
{
	uint8_t buf[64];

	(void)state;
	put_frame(60, 1);
	put("\0\0", 2);
	close(peer);
	peer = -1;
	assert_int_equal(receive(buf, sizeof(buf)), 60);
	assert_int_equal(receive(buf, sizeof(buf)), -EPIPE);
	assert_int_equal(send_frame(buf, 60), -EPIPE);
	assert_int_equal(whys, 1);
}

static void test_hangup_on_send(void **state)
{
	uint8_t buf[64] = { 0 };

	(void)state;
	close(peer);
	peer = -1;
	assert_int_equal(send_frame(buf, 60), -EPIPE);
	assert_int_equal(whys, 1);
}

/* --- passt: a shell script plays it ----------------------------------------*/

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

static int start_passt(const char *script, const struct net_fwd *fwd,
		       struct net **out, struct error *err)
{
	char path[] = "/tmp/trapline-passt-XXXXXX";
	struct net_passt_config config = { .program = path,
					   .mac = mac,
					   .mtu = 1400,
					   .fwd = fwd,
					   .nr_fwd = fwd ? 1 : 0 };
	int fd = mkstemp(path), ret;

	assert_true(fd >= 0);
	dprintf(fd, "#!/bin/sh\n%s\n", script);
	fchmod(fd, 0700);
	close(fd);
	memset(err, 0, sizeof(*err));
	ret = net_passt_open(&config, out, err);
	unlink(path);
	return ret;
}

#define ANSWER                                   \
	"dd bs=46 count=1 <&3 >/dev/null 2>&1\n" \
	"printf '\\000\\000\\000\\016abcdefghijklmn' >&3\n"

static void test_passt_missing(void **state)
{
	struct net_passt_config config = { .program = "no-such-passt",
					   .mac = mac };
	struct error err = { 0 };
	struct net *p;

	(void)state;
	assert_int_equal(net_passt_open(&config, &p, &err), -ENOENT);
	assert_int_equal(err.status, TL_HOST);
	assert_non_null(strstr(err.text, "install the package passt"));
	assert_null(p);
}

static void test_passt_refuses(void **state)
{
	struct error err;
	struct net *p;

	(void)state;
	assert_int_equal(start_passt("echo note >&2; echo no route >&2; exit 1",
				     NULL, &p, &err),
			 -EIO);
	assert_int_equal(err.status, TL_HOST);
	assert_non_null(strstr(err.text, "does not start: no route"));
}

/* Its arguments; its answer to the probe is not for the guest. */
static void test_passt_starts(void **state)
{
	const struct net_fwd fwd = { false, "127.0.0.1", 44444, 80 };
	struct error err;
	struct net *p;
	uint8_t buf[256];
	struct iovec iov = { buf, sizeof(buf) };
	struct pollfd pfd = { .events = POLLIN };
	ssize_t n;

	(void)state;
	assert_int_equal(
		start_passt(ANSWER "printf '\\000\\000\\000%b%s' "
				   "$(printf '\\\\0%o' $(printf '%s' \"$*\" | "
				   "wc -c)) \"$*\" >&3\nexec sleep 100",
			    &fwd, &p, &err),
		0);
	pfd.fd = p->fd;
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	n = p->ops->receive(p, &iov, 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal((char *)buf,
			    "--foreground --quiet --fd 3 --mtu 1400 "
			    "--tcp-ports 127.0.0.1/44444:80");
	/* Closing ends and reaps a program that would go on. */
	net_close(p);
}

static void test_passt_dies(void **state)
{
	struct error err;
	struct net *p;
	uint8_t buf[64] = { 0 };
	struct iovec iov = { buf, sizeof(buf) };
	struct pollfd pfd = { .events = POLLIN };

	(void)state;
	assert_int_equal(start_passt(ANSWER "kill -9 $$", NULL, &p, &err), 0);
	pfd.fd = p->fd;
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_int_equal(p->ops->receive(p, &iov, 1), -EPIPE);
	assert_int_equal(p->ops->send(p, &iov, 1), -EPIPE);
	net_close(p);
}

static void test_passt_port_taken(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	struct net_fwd fwd = { .addr = "127.0.0.1", .guest_port = 80 };
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	struct error err;
	struct net *p;

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(sock, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(sock, 1), 0);
	getsockname(sock, (struct sockaddr *)&sin, &len);
	fwd.host_port = ntohs(sin.sin_port);
	assert_int_equal(start_passt("exec sleep 100", &fwd, &p, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, "TCP port"));
	close(sock);

	fwd.addr = "300.1.1.1";
	assert_int_equal(start_passt("exec sleep 100", &fwd, &p, &err),
			 -EINVAL);
	assert_int_equal(err.status, TL_USAGE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_send),
		T(test_send_many_segments),
		T(test_send_bad_sizes),
		T(test_send_backpressure),
		T(test_receive),
		T(test_receive_in_pieces),
		T(test_receive_largest),
		T(test_receive_cut),
		T(test_length_zero),
		T(test_length_too_large),
		T(test_length_huge),
		T(test_hangup),
		T(test_hangup_on_send),
		cmocka_unit_test(test_passt_missing),
		cmocka_unit_test(test_passt_refuses),
		cmocka_unit_test(test_passt_starts),
		cmocka_unit_test(test_passt_dies),
		cmocka_unit_test(test_passt_port_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
