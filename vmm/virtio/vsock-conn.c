// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/vsock-conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_vsock.h>

#include "virtio/vsock.h"

/* Where ports of streams that come from the host begin: above what listens. */
#define FIRST_PORT (UINT32_C(1) << 30)
#define LAST_PORT  (UINT32_C(1) << 31)

#define SHUT_BOTH  (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

static struct vsock_conn **bucket(const struct vsock_conns *conns,
				  uint32_t host_port, uint32_t guest_port)
{
	const uint32_t hash = (host_port * 31 + guest_port) * 0x9e3779b1u;

	return (struct vsock_conn **)&conns->bucket[hash >> 24];
}

void vsock_conns_init(struct vsock_conns *conns)
{
	memset(conns, 0, sizeof(*conns));
	conns->ready.ready_next = conns->ready.ready_prev = &conns->ready;
	conns->next_port = FIRST_PORT;
}

struct vsock_conn *vsock_conn_find(const struct vsock_conns *conns,
				   uint32_t host_port, uint32_t guest_port)
{
	struct vsock_conn *conn = *bucket(conns, host_port, guest_port);

	while (conn && (conn->gone || conn->host_port != host_port ||
			conn->guest_port != guest_port))
		conn = conn->next_hash;
	return conn;
}

struct vsock_conn *vsock_conn_new(struct vsock_conns *conns, uint32_t host_port,
				  uint32_t guest_port,
				  struct vsock_stream *stream)
{
	struct vsock_conn **at = bucket(conns, host_port, guest_port);
	struct vsock_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->host_port = host_port;
	conn->guest_port = guest_port;
	conn->stream = stream;
	stream->owner = conn;
	conn->next_hash = *at;
	*at = conn;
	conns->nr++;
	return conn;
}

static void unqueue(struct vsock_conn *conn)
{
	if (!conn->queued)
		return;
	conn->ready_prev->ready_next = conn->ready_next;
	conn->ready_next->ready_prev = conn->ready_prev;
	conn->queued = false;
}

static void close_stream(struct vsock_conn *conn)
{
	if (conn->stream)
		conn->stream->host->ops->close(conn->stream);
	conn->stream = NULL;
	free(conn->buf);
	conn->buf = NULL;
	conn->len = 0;
	conn->blocked = conn->starved = false;
	conn->say = 0;
}

void vsock_conn_free(struct vsock_conns *conns, struct vsock_conn *conn)
{
	struct vsock_conn **at =
		bucket(conns, conn->host_port, conn->guest_port);

	while (*at != conn)
		at = &(*at)->next_hash;
	*at = conn->next_hash;
	conns->nr--;
	unqueue(conn);
	close_stream(conn);
	free(conn);
}

void vsock_conns_free_all(struct vsock_conns *conns)
{
	unsigned int i;

	for (i = 0; i < VSOCK_CONN_BUCKETS; i++)
		while (conns->bucket[i])
			vsock_conn_free(conns, conns->bucket[i]);
}

uint32_t vsock_conn_new_port(struct vsock_conns *conns, uint32_t guest_port)
{
	uint32_t port;

	/* There are far fewer connections than ports. */
	do {
		port = conns->next_port++;
		if (conns->next_port == LAST_PORT)
			conns->next_port = FIRST_PORT;
	} while (vsock_conn_find(conns, port, guest_port));
	return port;
}

void vsock_conn_say(struct vsock_conns *conns, struct vsock_conn *conn,
		    unsigned int say)
{
	conn->say |= say;
	if (conn->queued || conn->gone)
		return;
	conn->ready_next = &conns->ready;
	conn->ready_prev = conns->ready.ready_prev;
	conn->ready_prev->ready_next = conn;
	conns->ready.ready_prev = conn;
	conn->queued = true;
}

struct vsock_conn *vsock_conn_next_ready(struct vsock_conns *conns)
{
	struct vsock_conn *conn = conns->ready.ready_next;

	if (conn == &conns->ready)
		return NULL;
	unqueue(conn);
	return conn;
}

/* --- to the guest ----------------------------------------------------------*/

uint32_t vsock_conn_credit(const struct vsock_conn *conn)
{
	const uint32_t there = conn->rx_cnt - conn->peer_fwd;

	return there < conn->peer_alloc ? conn->peer_alloc - there : 0;
}

void vsock_conn_set_credit(struct vsock_conns *conns, struct vsock_conn *conn,
			   uint32_t alloc, uint32_t fwd_cnt)
{
	conn->peer_alloc = alloc;
	conn->peer_fwd = fwd_cnt;
	if (!conn->starved || !vsock_conn_credit(conn))
		return;
	conn->starved = false;
	vsock_conn_say(conns, conn, VSOCK_SAY_DATA);
}

void vsock_conn_watch(const struct vsock_conn *conn)
{
	const bool readable = !conn->gone && !conn->requested &&
			      !conn->starved && !(conn->say & VSOCK_SAY_DATA) &&
			      !(conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) &&
			      !(conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND);

	/* A stream that is lost would be told of again and again. */
	if (conn->stream && (readable || conn->blocked))
		conn->stream->host->ops->watch(conn->stream, readable,
					       conn->blocked);
}

static void host_shutdown(struct vsock_conns *conns, struct vsock_conn *conn,
			  uint32_t flags)
{
	if (!(flags & ~conn->host_shut))
		return;
	conn->host_shut |= flags;
	vsock_conn_say(conns, conn, VSOCK_SAY_SHUTDOWN);
}

void vsock_conn_host_end(struct vsock_conns *conns, struct vsock_conn *conn)
{
	const struct vsock_host_ops *ops = conn->stream->host->ops;

	conn->say &= ~(unsigned int)VSOCK_SAY_DATA;
	if (ops->is_lost(conn->stream)) {
		host_shutdown(conns, conn, SHUT_BOTH);
		return;
	}
	host_shutdown(conns, conn, VIRTIO_VSOCK_SHUTDOWN_SEND);
	ops->watch(conn->stream, false, conn->blocked);
}

/* --- from the guest --------------------------------------------------------*/

static void forwarded(struct vsock_conns *conns, struct vsock_conn *conn,
		      uint32_t n)
{
	conn->fwd_cnt += n;
	/* Before the guest runs dry, and not for every few bytes. */
	if (conn->fwd_cnt - conn->told_fwd >= VIRTIO_VSOCK_BUFFER / 2 &&
	    !conn->gone)
		vsock_conn_say(conns, conn, VSOCK_SAY_CREDIT);
}

/* The host has all that there is: pass on the guest's shutdown, if any. */
static void drained(struct vsock_conns *conns, struct vsock_conn *conn)
{
	free(conn->buf);
	conn->buf = NULL;
	if (conn->guest_shut == SHUT_BOTH) {
		/* 5.10.6.6: an RST says that nothing is left to come. */
		close_stream(conn);
		vsock_conn_say(conns, conn, VSOCK_SAY_RST);
		return;
	}
	if (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
		conn->stream->host->ops->shutdown(conn->stream, false, true);
}

/* Nobody reads what the guest sends: drop it, and let the guest know. */
static void no_reader(struct vsock_conns *conns, struct vsock_conn *conn)
{
	conn->blocked = false;
	forwarded(conns, conn, conn->len);
	conn->len = 0;
	if (!conn->gone)
		host_shutdown(conns, conn, VIRTIO_VSOCK_SHUTDOWN_RCV);
	drained(conns, conn);
}

static void keep(struct vsock_conn *conn, const struct iov_buf *data)
{
	uint32_t at, n, done = 0, part;
	unsigned int i;

	for (i = 0; i < data->nr; i++) {
		n = (uint32_t)data->iov[i].iov_len;
		for (done = 0; done < n; done += part) {
			at = (conn->start + conn->len) % VIRTIO_VSOCK_BUFFER;
			part = VIRTIO_VSOCK_BUFFER - at;
			if (part > n - done)
				part = n - done;
			memcpy(conn->buf + at,
			       (uint8_t *)data->iov[i].iov_base + done, part);
			conn->len += part;
		}
	}
}

int vsock_conn_put(struct vsock_conns *conns, struct vsock_conn *conn,
		   const struct iov_buf *data, uint32_t len)
{
	struct iov_buf rest = *data;
	ssize_t n = 0;

	if (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND ||
	    len > VIRTIO_VSOCK_BUFFER - conn->len)
		return -EPROTO;
	if (!len)
		return 0;
	if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		forwarded(conns, conn, len);
		return 0;
	}
	if (!conn->blocked) {
		n = conn->stream->host->ops->write(conn->stream, rest.iov,
						   (int)rest.nr);
		if (n < 0 && n != -EAGAIN) {
			forwarded(conns, conn, len);
			no_reader(conns, conn);
			return 0;
		}
		n = n < 0 ? 0 : n;
		forwarded(conns, conn, (uint32_t)n);
	}
	if ((uint32_t)n == len)
		return 0;
	if (!conn->buf) {
		conn->buf = malloc(VIRTIO_VSOCK_BUFFER);
		conn->start = 0;
		if (!conn->buf)
			return -ENOMEM;
	}
	iov_trim_front(&rest, (size_t)n);
	keep(conn, &rest);
	if (!conn->blocked) {
		conn->blocked = true;
		vsock_conn_watch(conn);
	}
	return 0;
}

void vsock_conn_flush(struct vsock_conns *conns, struct vsock_conn *conn)
{
	struct iovec iov[2];
	uint32_t first;
	ssize_t n;

	conn->blocked = false;
	while (conn->len) {
		first = VIRTIO_VSOCK_BUFFER - conn->start;
		if (first > conn->len)
			first = conn->len;
		iov[0] = (struct iovec){ conn->buf + conn->start, first };
		iov[1] = (struct iovec){ conn->buf, conn->len - first };
		n = conn->stream->host->ops->write(conn->stream, iov,
						   iov[1].iov_len ? 2 : 1);
		if (n == -EAGAIN) {
			conn->blocked = true;
			return;
		}
		if (n < 0) {
			no_reader(conns, conn);
			return;
		}
		conn->start = (conn->start + (uint32_t)n) % VIRTIO_VSOCK_BUFFER;
		conn->len -= (uint32_t)n;
		forwarded(conns, conn, (uint32_t)n);
	}
	drained(conns, conn);
}

void vsock_conn_guest_shutdown(struct vsock_conns *conns,
			       struct vsock_conn *conn, uint32_t flags)
{
	const uint32_t added = flags & SHUT_BOTH & ~conn->guest_shut;

	if (!added)
		return;
	conn->guest_shut |= added;
	if (added & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		conn->say &= ~(unsigned int)VSOCK_SAY_DATA;
		conn->stream->host->ops->shutdown(conn->stream, true, false);
	}
	if (!conn->len)
		drained(conns, conn);
}

void vsock_conn_end(struct vsock_conns *conns, struct vsock_conn *conn)
{
	if (!conn->len) {
		vsock_conn_free(conns, conn);
		return;
	}
	unqueue(conn);
	conn->gone = true;
	conn->say = 0;
	conn->guest_shut = VIRTIO_VSOCK_SHUTDOWN_SEND;
}
