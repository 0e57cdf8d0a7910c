// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-vsock against a hostile driver that speaks its protocol too, and a host
 * whose streams come, block, end and are lost at any time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_vsock.h>

#include "chaos.h"
#include "virtio/vsock.h"

#define STREAMS 8
#define CID     3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stream {
	struct vsock_stream stream; /* first: the two are cast */
	bool open;
	bool watch_in, watch_out;
	bool armed; /* one event more */
	bool incoming;
	uint32_t port;
	size_t readable; /* bytes it has for the guest */
	size_t room;
	bool end, lost;
};

static struct stream streams[STREAMS];
static struct vsock_host host;
static bool listening;

static struct stream *to_stream(struct vsock_stream *stream)
{
	struct stream *s = (struct stream *)stream;

	if (!s->open)
		abort();
	return s;
}

static struct stream *new_stream(void)
{
	unsigned int i;

	for (i = 0; i < STREAMS && streams[i].open; i++)
		;
	if (i == STREAMS)
		return NULL;
	streams[i] = (struct stream){ .stream.host = &host,
				      .open = true,
				      .armed = true };
	return &streams[i];
}

static bool fake_next(struct vsock_host *h, struct vsock_event *event)
{
	struct stream *s;
	unsigned int i;

	(void)h;
	for (i = 0; i < STREAMS; i++) {
		s = &streams[i];
		*event = (struct vsock_event){ .stream = &s->stream };
		if (!s->open)
			continue;
		if (s->incoming && listening) {
			s->incoming = false;
			event->incoming = true;
			event->port = s->port;
			return true;
		}
		if (s->incoming || !s->stream.owner)
			continue;
		event->readable = s->lost ||
				  (s->watch_in && (s->readable || s->end));
		event->writable = s->lost || (s->watch_out && s->room);
		if (!event->readable && !event->writable)
			continue;
		if (!s->armed)
			continue;
		s->armed = s->watch_in = s->watch_out = false;
		return true;
	}
	return false;
}

static void fake_listen(struct vsock_host *h, bool on)
{
	(void)h;
	listening = on;
}

static int fake_connect(struct vsock_host *h, uint32_t port,
			struct vsock_stream **out)
{
	struct stream *s = port & 1 ? NULL : new_stream();

	(void)h;
	if (!s)
		return -ECONNREFUSED;
	*out = &s->stream;
	return 0;
}

static int fake_accept(struct vsock_stream *stream, uint32_t port)
{
	(void)port;
	return to_stream(stream)->lost ? -EPIPE : 0;
}

static void fake_watch(struct vsock_stream *stream, bool in, bool out)
{
	to_stream(stream)->armed = true;
	to_stream(stream)->watch_in = in;
	to_stream(stream)->watch_out = out;
}

static ssize_t fake_read(struct vsock_stream *stream, const struct iovec *iov,
			 int n)
{
	struct stream *s = to_stream(stream);
	size_t len;

	if (!n || !iov->iov_len)
		abort();
	len = iov->iov_len < s->readable ? iov->iov_len : s->readable;
	if (!len)
		return s->end || s->lost ? 0 : -EAGAIN;
	memset(iov->iov_base, 'h', len);
	s->readable -= len;
	return len;
}

static ssize_t fake_write(struct vsock_stream *stream, const struct iovec *iov,
			  int n)
{
	struct stream *s = to_stream(stream);
	size_t len = 0;
	int i;

	if (s->lost)
		return -EPIPE;
	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (!len)
		abort();
	if (!s->room)
		return -EAGAIN;
	len = len < s->room ? len : s->room;
	s->room -= len;
	return len;
}

static bool fake_is_lost(struct vsock_stream *stream)
{
	return to_stream(stream)->lost;
}

static void fake_shutdown(struct vsock_stream *stream, bool r, bool w)
{
	to_stream(stream)->end |= r;
	(void)w;
}

static void fake_close(struct vsock_stream *stream)
{
	to_stream(stream)->open = false;
}

static void fake_free(struct vsock_host *h)
{
	(void)h;
}

static const struct vsock_host_ops fake_ops = {
	.next = fake_next,
	.listen = fake_listen,
	.connect = fake_connect,
	.accept = fake_accept,
	.watch = fake_watch,
	.read = fake_read,
	.write = fake_write,
	.is_lost = fake_is_lost,
	.shutdown = fake_shutdown,
	.close = fake_close,
	.free = fake_free,
};

/* A packet that is well-formed, to ports that may have a connection. */
static void put_packet(struct chaos *c)
{
	struct mock_ring *tx = &c->mock.ring[VIRTIO_VSOCK_TX];
	uint8_t what = chaos_take(c, 1), ports = chaos_take(c, 1);
	const uint32_t len = what & 8 ? chaos_take(c, 2) : 0;
	/* Where streams of the host get their ports, or a small one. */
	const uint32_t host_port = ports & 8 ? (1u << 30) + (ports & 7)
					     : ports & 7;
	struct virtio_vsock_hdr hdr = {
		.src_cid = CID,
		.dst_cid = VIRTIO_VSOCK_CID_HOST,
		.src_port = ports >> 4,
		.dst_port = host_port,
		.len = len,
		.type = what & 0x80 ? chaos_take(c, 1)
				    : VIRTIO_VSOCK_TYPE_STREAM,
		.op = what & 8 ? VIRTIO_VSOCK_OP_RW : what & 7,
		.flags = what >> 4 & 3,
		.buf_alloc = chaos_take(c, 2),
		.fwd_cnt = chaos_take(c, 1),
	};

	if (gmem_write(&c->mock.gmem, MOCK_RAM_GPA + 0x180000, &hdr,
		       sizeof(hdr)))
		abort();
	mock_ring_offer(tx, mock_ring_chain(tx,
					    &(struct mock_seg){
						    MOCK_RAM_GPA + 0x180000,
						    sizeof(hdr) + len, false },
					    1));
	mock_vdev_kick(&c->mock, VIRTIO_VSOCK_TX);
}

static void give_buffer(struct chaos *c)
{
	struct mock_ring *rx = &c->mock.ring[VIRTIO_VSOCK_RX];
	const struct mock_seg seg = { MOCK_RAM_GPA + 0x1a0000,
				      44 + chaos_take(c, 1) * 16, true };

	mock_ring_offer(rx, mock_ring_chain(rx, &seg, 1));
	mock_vdev_kick(&c->mock, VIRTIO_VSOCK_RX);
}

static void own_step(struct chaos *c, int op)
{
	struct stream *s = &streams[chaos_take(c, 1) % STREAMS];

	switch (op) {
	case -1:
		return;
	case 0:
	case 1:
	case 2:
		put_packet(c);
		return;
	case 3:
	case 4:
		give_buffer(c);
		return;
	case 5:
		s = new_stream();
		if (!s)
			return;
		s->incoming = true;
		s->port = chaos_take(c, 1) & 15;
		break;
	case 6:
		s->readable += chaos_take(c, 2);
		s->room += chaos_take(c, 2);
		break;
	default:
		s->end = true;
		s->lost = chaos_take(c, 1) & 1;
	}
	virtio_device_event(c->mock.vdev, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_device *vdev;
	static struct chaos c;
	unsigned int i;

	memset(streams, 0, sizeof(streams));
	host = (struct vsock_host){ .ops = &fake_ops, .fd = -1 };
	listening = true;
	if (virtio_vsock_new(&host, CID, &vdev, NULL) ||
	    chaos_begin(&c, vdev, data, size))
		return 0;
	while (c.in.left)
		own_step(&c, chaos_step(&c));
	chaos_end(&c);
	/* None is left open but those that the device never saw. */
	for (i = 0; i < STREAMS; i++)
		if (streams[i].open && !streams[i].incoming)
			abort();
	return 0;
}
