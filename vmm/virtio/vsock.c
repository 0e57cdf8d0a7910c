// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/vsock.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>

#include "virtio/device.h"
#include "virtio/vsock-conn.h"

#define QUEUE_MAX 256
#define NR_QUEUES 3
/* Packets, or events of streams, before the others get their turn. */
#define BUDGET 128
/* Refusals that may wait for the guest's buffers; no more is read of it then. */
#define MAX_RESETS 256
/* Linux makes packets of that size at most, and has smaller buffers. */
#define PACKET_MAX (64u << 10)
#define HDR        sizeof(struct virtio_vsock_hdr)

/* VIRTIO_VSOCK_F_STREAM (5.10.3), younger than some <linux/virtio_vsock.h>. */
#define F_STREAM UINT64_C(1)

/* An RST for something that is no connection. */
struct reset {
	uint64_t host_cid; /* whom the guest meant */
	uint32_t host_port, guest_port;
	uint16_t type;
};

struct virtio_vsock {
	struct virtio_device vdev; /* first: the two are cast */
	struct vsock_host *host;
	uint32_t cid;
	struct vsock_conns conns;
	struct reset reset[MAX_RESETS]; /* a ring */
	unsigned int first_reset, nr_resets;
	bool tx_wait; /* the guest sent more than can be refused */
};

static struct virtio_vsock *to_vsock(struct virtio_device *vdev)
{
	return (struct virtio_vsock *)vdev;
}

/* --- to the guest ----------------------------------------------------------*/

static struct virtio_vsock_hdr make_hdr(const struct virtio_vsock *vs,
					uint16_t op)
{
	return (struct virtio_vsock_hdr){
		.src_cid = htole64(VIRTIO_VSOCK_CID_HOST),
		.dst_cid = htole64(vs->cid),
		.type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
	};
}

static void put_hdr(struct virtio_vsock *vs, struct virtq_chain *chain,
		    const struct virtio_vsock_hdr *hdr)
{
	const uint32_t len = le32toh(hdr->len);

	iov_copy_in(&chain->in, hdr, HDR);
	virtio_device_push_quietly(&vs->vdev, VIRTIO_VSOCK_RX, chain,
				   HDR + len);
}

static void put_reset(struct virtio_vsock *vs, struct virtq_chain *chain)
{
	const struct reset *reset = &vs->reset[vs->first_reset];
	struct virtio_vsock_hdr hdr = make_hdr(vs, VIRTIO_VSOCK_OP_RST);

	hdr.src_cid = htole64(reset->host_cid);
	hdr.src_port = htole32(reset->host_port);
	hdr.dst_port = htole32(reset->guest_port);
	hdr.type = htole16(reset->type);
	put_hdr(vs, chain, &hdr);
	vs->first_reset = (vs->first_reset + 1) % MAX_RESETS;
	vs->nr_resets--;
}

static void put_op(struct virtio_vsock *vs, struct vsock_conn *conn,
		   struct virtq_chain *chain, uint16_t op, uint32_t len)
{
	struct virtio_vsock_hdr hdr = make_hdr(vs, op);

	hdr.src_port = htole32(conn->host_port);
	hdr.dst_port = htole32(conn->guest_port);
	hdr.len = htole32(len);
	if (op == VIRTIO_VSOCK_OP_SHUTDOWN)
		hdr.flags = htole32(conn->host_shut);
	/* 5.10.6.3: in every packet of a connection. */
	hdr.buf_alloc = htole32(VIRTIO_VSOCK_BUFFER);
	hdr.fwd_cnt = htole32(conn->fwd_cnt);
	conn->told_fwd = conn->fwd_cnt;
	conn->say &= ~(unsigned int)VSOCK_SAY_CREDIT;
	put_hdr(vs, chain, &hdr);
}

/* Data behind the header, straight from the stream.  False if there is none. */
static bool put_data(struct virtio_vsock *vs, struct vsock_conn *conn,
		     struct virtq_chain *chain)
{
	struct iovec saved[QUEUE_MAX];
	struct iov_buf data = { saved, chain->in.nr };
	uint32_t most = vsock_conn_credit(conn);
	ssize_t n;

	if (!most) {
		conn->starved = true;
		conn->say &= ~(unsigned int)VSOCK_SAY_DATA;
		return false;
	}
	/* The copy can be cut; the chain has to take the header yet. */
	memcpy(saved, chain->in.iov, chain->in.nr * sizeof(saved[0]));
	if (most > PACKET_MAX)
		most = PACKET_MAX;
	iov_trim_front(&data, HDR);
	if (chain->in_len - HDR > most)
		iov_trim_back(&data, chain->in_len - HDR - most);
	if (!data.nr) {
		virtio_device_fail(&vs->vdev, VIRTIO_VSOCK_RX,
				   "buffer without room for data");
		/* Until a reset; asked again it would say the same. */
		conn->say = 0;
		return false;
	}
	n = conn->stream->host->ops->read(conn->stream, data.iov, (int)data.nr);
	if (n > 0) {
		conn->rx_cnt += (uint32_t)n;
		put_op(vs, conn, chain, VIRTIO_VSOCK_OP_RW, (uint32_t)n);
		return true;
	}
	if (n == -EAGAIN) {
		conn->say &= ~(unsigned int)VSOCK_SAY_DATA;
		vsock_conn_watch(conn);
	} else {
		vsock_conn_host_end(&vs->conns, conn);
	}
	return false;
}

/* Let @conn say the first of what it has to.  False if that was nothing. */
static bool put_conn(struct virtio_vsock *vs, struct vsock_conn *conn,
		     struct virtq_chain *chain)
{
	static const struct {
		unsigned int say;
		uint16_t op;
	} words[] = {
		{ VSOCK_SAY_REQUEST, VIRTIO_VSOCK_OP_REQUEST },
		{ VSOCK_SAY_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE },
		{ VSOCK_SAY_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE },
		{ VSOCK_SAY_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN },
	};
	const unsigned int late = VSOCK_SAY_CREDIT | VSOCK_SAY_SHUTDOWN;
	unsigned int i;

	if (conn->say & VSOCK_SAY_RST) {
		put_op(vs, conn, chain, VIRTIO_VSOCK_OP_RST, 0);
		vsock_conn_end(&vs->conns, conn);
		return true;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		/* Data tells the credit too; a shutdown comes after all data. */
		if ((words[i].say & late) && (conn->say & VSOCK_SAY_DATA) &&
		    put_data(vs, conn, chain))
			break;
		if (!(conn->say & words[i].say))
			continue;
		conn->say &= ~words[i].say;
		put_op(vs, conn, chain, words[i].op, 0);
		break;
	}
	if (conn->say)
		vsock_conn_say(&vs->conns, conn, 0);
	return i < sizeof(words) / sizeof(words[0]);
}

static bool has_words(const struct virtio_vsock *vs)
{
	return vs->nr_resets || vs->conns.ready.ready_next != &vs->conns.ready;
}

static void rx_run(struct virtio_vsock *vs)
{
	struct virtio_device *vdev = &vs->vdev;
	unsigned int budget = BUDGET;
	struct virtq_chain chain;
	struct vsock_conn *conn;
	bool used = true;

	while (has_words(vs) && budget--) {
		if (!virtio_device_pop(vdev, VIRTIO_VSOCK_RX, &chain))
			break;
		if (chain.in_len < HDR || chain.out_len) {
			virtio_device_fail(vdev, VIRTIO_VSOCK_RX,
					   "buffer too small for a header");
			break;
		}
		used = vs->nr_resets > 0;
		if (used)
			put_reset(vs, &chain);
		while (!used && (conn = vsock_conn_next_ready(&vs->conns)))
			used = put_conn(vs, conn, &chain);
		if (!used)
			virtio_device_unpop(vdev, VIRTIO_VSOCK_RX, 1);
	}
	virtio_device_signal(vdev, VIRTIO_VSOCK_RX);
	if (has_words(vs) && budget == UINT32_MAX)
		virtio_device_notify(vdev, VIRTIO_VSOCK_RX);
	if (vs->tx_wait && vs->nr_resets < MAX_RESETS)
		virtio_device_notify(vdev, VIRTIO_VSOCK_TX);
	vs->host->ops->listen(vs->host, vs->conns.nr < VIRTIO_VSOCK_MAX_CONNS);
}

/* --- from the guest --------------------------------------------------------*/

static void refuse(struct virtio_vsock *vs, const struct virtio_vsock_hdr *hdr)
{
	const unsigned int i = (vs->first_reset + vs->nr_resets) % MAX_RESETS;

	if (le16toh(hdr->op) == VIRTIO_VSOCK_OP_RST)
		return;
	vs->nr_resets++;
	vs->reset[i] = (struct reset){
		.host_cid = le64toh(hdr->dst_cid),
		.host_port = le32toh(hdr->dst_port),
		.guest_port = le32toh(hdr->src_port),
		.type = le16toh(hdr->type),
	};
}

/* The guest asks for a port of the host. */
static void guest_connects(struct virtio_vsock *vs,
			   const struct virtio_vsock_hdr *hdr)
{
	const uint32_t host_port = le32toh(hdr->dst_port);
	struct vsock_stream *stream;
	struct vsock_conn *conn;

	if (vs->conns.nr >= VIRTIO_VSOCK_MAX_CONNS ||
	    vs->host->ops->connect(vs->host, host_port, &stream)) {
		refuse(vs, hdr);
		return;
	}
	conn = vsock_conn_new(&vs->conns, host_port, le32toh(hdr->src_port),
			      stream);
	if (!conn) {
		vs->host->ops->close(stream);
		refuse(vs, hdr);
		return;
	}
	vsock_conn_set_credit(&vs->conns, conn, le32toh(hdr->buf_alloc),
			      le32toh(hdr->fwd_cnt));
	vsock_conn_say(&vs->conns, conn, VSOCK_SAY_RESPONSE | VSOCK_SAY_DATA);
}

/* The guest accepts what a program of the host asked for; or -errno. */
static int guest_accepts(struct virtio_vsock *vs, struct vsock_conn *conn)
{
	int ret;

	/* Not asked yet, or answered already: 5.10.6.5 knows neither. */
	if (!conn->requested || conn->say & VSOCK_SAY_REQUEST)
		return -EPROTO;
	ret = vs->host->ops->accept(conn->stream, conn->host_port);
	if (ret)
		return ret;
	conn->requested = false;
	vsock_conn_say(&vs->conns, conn, VSOCK_SAY_DATA);
	return 0;
}

/* 0, or -errno where the connection has to end. */
static int conn_packet(struct virtio_vsock *vs, struct vsock_conn *conn,
		       const struct virtio_vsock_hdr *hdr,
		       const struct iov_buf *data)
{
	const uint16_t op = le16toh(hdr->op);

	vsock_conn_set_credit(&vs->conns, conn, le32toh(hdr->buf_alloc),
			      le32toh(hdr->fwd_cnt));
	if (op == VIRTIO_VSOCK_OP_RESPONSE)
		return guest_accepts(vs, conn);
	if (conn->requested)
		return -EPROTO;
	switch (op) {
	case VIRTIO_VSOCK_OP_RW:
		return vsock_conn_put(&vs->conns, conn, data,
				      le32toh(hdr->len));
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		vsock_conn_guest_shutdown(&vs->conns, conn,
					  le32toh(hdr->flags));
		return 0;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		vsock_conn_say(&vs->conns, conn, VSOCK_SAY_CREDIT);
		return 0;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		return 0;
	default:
		return -EPROTO;
	}
}

static void packet(struct virtio_vsock *vs, const struct virtio_vsock_hdr *hdr,
		   const struct iov_buf *data)
{
	const uint16_t op = le16toh(hdr->op);
	struct vsock_conn *conn;

	/* There is nobody to answer to. */
	if (le64toh(hdr->src_cid) != vs->cid)
		return;
	if (le64toh(hdr->dst_cid) != VIRTIO_VSOCK_CID_HOST ||
	    le16toh(hdr->type) != VIRTIO_VSOCK_TYPE_STREAM) {
		refuse(vs, hdr);
		return;
	}
	conn = vsock_conn_find(&vs->conns, le32toh(hdr->dst_port),
			       le32toh(hdr->src_port));
	if (!conn && op == VIRTIO_VSOCK_OP_REQUEST)
		guest_connects(vs, hdr);
	else if (!conn)
		refuse(vs, hdr);
	else if (op == VIRTIO_VSOCK_OP_RST)
		vsock_conn_end(&vs->conns, conn);
	else if (conn_packet(vs, conn, hdr, data))
		vsock_conn_say(&vs->conns, conn, VSOCK_SAY_RST);
}

static void tx_run(struct virtio_vsock *vs)
{
	struct virtio_device *vdev = &vs->vdev;
	unsigned int budget = BUDGET;
	struct virtio_vsock_hdr hdr;
	struct virtq_chain chain;

	vs->tx_wait = false;
	for (;;) {
		/* 5.10.6.1: what is kept for a full receive queue has an end. */
		if (vs->nr_resets == MAX_RESETS) {
			vs->tx_wait = true;
			break;
		}
		if (!budget--) {
			virtio_device_notify(vdev, VIRTIO_VSOCK_TX);
			break;
		}
		if (!virtio_device_pop(vdev, VIRTIO_VSOCK_TX, &chain))
			break;
		if (iov_copy_out(&chain.out, &hdr, HDR) < HDR) {
			virtio_device_fail(vdev, VIRTIO_VSOCK_TX,
					   "packet without a header");
			break;
		}
		iov_trim_front(&chain.out, HDR);
		if (le32toh(hdr.len) > chain.out_len - HDR) {
			virtio_device_fail(vdev, VIRTIO_VSOCK_TX,
					   "packet shorter than it says");
			break;
		}
		iov_trim_back(&chain.out,
			      chain.out_len - HDR - le32toh(hdr.len));
		packet(vs, &hdr, &chain.out);
		virtio_device_push_quietly(vdev, VIRTIO_VSOCK_TX, &chain, 0);
	}
	virtio_device_signal(vdev, VIRTIO_VSOCK_TX);
}

/* --- from the host ---------------------------------------------------------*/

static void host_connects(struct virtio_vsock *vs,
			  const struct vsock_event *event)
{
	const uint32_t host_port = vsock_conn_new_port(&vs->conns, event->port);
	struct vsock_conn *conn;

	conn = vs->conns.nr >= VIRTIO_VSOCK_MAX_CONNS
		       ? NULL
		       : vsock_conn_new(&vs->conns, host_port, event->port,
					event->stream);
	if (!conn) {
		vs->host->ops->close(event->stream);
		return;
	}
	conn->requested = true;
	vs->host->ops->watch(conn->stream, false, false);
	vsock_conn_say(&vs->conns, conn, VSOCK_SAY_REQUEST);
}

static void stream_event(struct virtio_vsock *vs,
			 const struct vsock_event *event)
{
	struct vsock_conn *conn = event->stream->owner;

	if (conn->requested) {
		/* The client did not wait for the guest's answer. */
		if (conn->say & VSOCK_SAY_REQUEST)
			vsock_conn_end(&vs->conns, conn);
		else
			vsock_conn_say(&vs->conns, conn, VSOCK_SAY_RST);
		return;
	}
	if (event->writable && conn->blocked) {
		vsock_conn_flush(&vs->conns, conn);
		if (conn->gone && !conn->len) {
			vsock_conn_end(&vs->conns, conn);
			return;
		}
	}
	if (!conn->stream)
		return;
	if (event->readable && !conn->gone && !conn->starved) {
		if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
			vsock_conn_host_end(&vs->conns, conn);
		else if (!(conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV))
			vsock_conn_say(&vs->conns, conn, VSOCK_SAY_DATA);
	}
	vsock_conn_watch(conn);
}

/* --- the device ------------------------------------------------------------*/

static void vsock_process(struct virtio_device *vdev, unsigned int q)
{
	struct virtio_vsock *vs = to_vsock(vdev);

	/*
	 * The event queue's buffers stay there: its one event, that all
	 * connections are lost while the guest runs on (5.10.6.7), is that of a
	 * migration.
	 */
	if (q == VIRTIO_VSOCK_EVENT)
		return;
	if (q == VIRTIO_VSOCK_TX)
		tx_run(vs);
	rx_run(vs);
}

static void vsock_event(struct virtio_device *vdev, unsigned int i)
{
	struct virtio_vsock *vs = to_vsock(vdev);
	unsigned int budget = BUDGET;
	struct vsock_event event;

	(void)i;
	while (budget-- && vs->host->ops->next(vs->host, &event)) {
		if (event.incoming)
			host_connects(vs, &event);
		else
			stream_event(vs, &event);
	}
	rx_run(vs);
}

static void vsock_activate(struct virtio_device *vdev)
{
	virtio_device_watch(vdev, 0, POLLIN);
}

static void vsock_reset(struct virtio_device *vdev)
{
	struct virtio_vsock *vs = to_vsock(vdev);

	vsock_conns_free_all(&vs->conns);
	vs->nr_resets = 0;
	vs->tx_wait = false;
}

static void vsock_config_read(struct virtio_device *vdev, uint64_t offset,
			      void *buf, size_t len)
{
	const struct virtio_vsock_config config = {
		.guest_cid = htole64(to_vsock(vdev)->cid),
	};

	virtio_config_copy(&config, sizeof(config), offset, buf, len);
}

static void vsock_free(struct virtio_device *vdev)
{
	struct virtio_vsock *vs = to_vsock(vdev);

	vsock_conns_free_all(&vs->conns);
	vsock_host_free(vs->host);
	free(vs);
}

static const struct virtio_device_ops vsock_ops = {
	.name = "virtio-vsock",
	.id = VIRTIO_ID_VSOCK,
	.config_read = vsock_config_read,
	.activate = vsock_activate,
	.process = vsock_process,
	.event = vsock_event,
	.reset = vsock_reset,
	.free = vsock_free,
};

int virtio_vsock_new(struct vsock_host *host, uint32_t cid,
		     struct virtio_device **out, struct error *err)
{
	struct virtio_vsock *vs = calloc(1, sizeof(*vs));

	*out = NULL;
	if (!vs) {
		vsock_host_free(host);
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtio-vsock: out of memory");
	}
	vs->host = host;
	vs->cid = cid;
	vsock_conns_init(&vs->conns);
	vs->vdev.ops = &vsock_ops;
	vs->vdev.offered = F_STREAM;
	vs->vdev.nr_queues = NR_QUEUES;
	vs->vdev.queue_max = QUEUE_MAX;
	vs->vdev.fd[0] = host->fd;
	vs->vdev.nr_fds = 1;
	snprintf(vs->vdev.label, sizeof(vs->vdev.label), "%s", host->label);
	*out = &vs->vdev;
	return 0;
}
