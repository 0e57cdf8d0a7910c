// SPDX-License-Identifier: GPL-2.0-only
#include "backend/net-stream.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"

#define LEN_SIZE 4u
#define IOV_SEND 64 /* segments passed on as they are; more are gathered */

struct net_stream {
	struct net net; /* first: the two are cast */
	struct net_stream_config config;
	bool gone;
	/* Received and not yet given away: rx[rx_start..rx_end-1]. */
	size_t rx_start, rx_end;
	/* The rest of a frame whose beginning is sent. */
	size_t tx_start, tx_end;
	uint8_t tx[LEN_SIZE + NET_FRAME_MAX];
	uint8_t rx[2 * (LEN_SIZE + NET_FRAME_MAX)];
};

static struct net_stream *to_stream(struct net *net)
{
	return (struct net_stream *)net;
}

static int stream_gone(struct net_stream *s, const char *what)
{
	const char *why = NULL;

	if (!s->gone) {
		s->gone = true;
		if (s->config.why)
			why = s->config.why(s->config.opaque);
		log_warn("network %s: %s; the guest's link is down",
			 s->net.label, why ? why : what);
	}
	return -EPIPE;
}

/* --- to the network --------------------------------------------------------*/

static size_t iov_size(const struct iovec *iov, int iovcnt)
{
	size_t len = 0;
	int i;

	for (i = 0; i < iovcnt; i++)
		len += iov[i].iov_len;
	return len;
}

/* Copy @iov from byte @skip on; how much there was. */
static size_t gather(uint8_t *dst, const struct iovec *iov, int iovcnt,
		     size_t skip)
{
	size_t done = 0, n;
	int i;

	for (i = 0; i < iovcnt; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		n = iov[i].iov_len - skip;
		memcpy(dst + done, (const uint8_t *)iov[i].iov_base + skip, n);
		done += n;
		skip = 0;
	}
	return done;
}

static ssize_t try_send(struct net_stream *s, struct iovec *iov, int iovcnt)
{
	const struct msghdr msg = { .msg_iov = iov,
				    .msg_iovlen = (size_t)iovcnt };
	ssize_t n;

	do {
		n = sendmsg(s->net.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == ENOBUFS)
		return -EAGAIN;
	return stream_gone(s, "the peer hung up");
}

static int stream_flush(struct net *net)
{
	struct net_stream *s = to_stream(net);
	struct iovec iov;
	ssize_t n;

	if (s->gone)
		return -EPIPE;
	while (s->tx_start < s->tx_end) {
		iov.iov_base = s->tx + s->tx_start;
		iov.iov_len = s->tx_end - s->tx_start;
		n = try_send(s, &iov, 1);
		if (n < 0)
			return (int)n;
		s->tx_start += (size_t)n;
	}
	return 0;
}

static int stream_send(struct net *net, const struct iovec *iov, int iovcnt)
{
	struct net_stream *s = to_stream(net);
	size_t len = iov_size(iov, iovcnt);
	struct iovec all[IOV_SEND + 1];
	size_t sent = 0;
	uint32_t header;
	ssize_t n;
	int ret;

	ret = stream_flush(net);
	if (ret)
		return ret;
	/* No network takes it; in the stream it would end the peer's trust. */
	if (len < NET_FRAME_MIN || len > NET_FRAME_MAX)
		return 0;

	header = htobe32((uint32_t)len);
	all[0] = (struct iovec){ &header, sizeof(header) };
	if (iovcnt <= IOV_SEND) {
		memcpy(&all[1], iov, (size_t)iovcnt * sizeof(*iov));
		n = try_send(s, all, iovcnt + 1);
		if (n < 0)
			return (int)n;
		sent = (size_t)n;
	}
	/* A stream takes as much as it has room for: keep the rest. */
	s->tx_start = s->tx_end = 0;
	if (sent < LEN_SIZE + len) {
		if (sent < LEN_SIZE) {
			s->tx_end = LEN_SIZE - sent;
			memcpy(s->tx, (uint8_t *)&header + sent, s->tx_end);
			sent = LEN_SIZE;
		}
		s->tx_end +=
			gather(s->tx + s->tx_end, iov, iovcnt, sent - LEN_SIZE);
	}
	ret = iovcnt > IOV_SEND ? stream_flush(net) : 0;
	return ret == -EAGAIN ? 0 : ret;
}

/* --- from the network ------------------------------------------------------*/

/* The next whole frame in the buffer, 0 if there is none yet. */
static ssize_t next_frame(struct net_stream *s, const uint8_t **frame)
{
	size_t have = s->rx_end - s->rx_start;
	uint32_t len;

	if (have < LEN_SIZE)
		return 0;
	memcpy(&len, s->rx + s->rx_start, LEN_SIZE);
	len = be32toh(len);
	/* Behind a length that cannot be there is no next frame to be found. */
	if (len == 0 || len > NET_FRAME_MAX)
		return stream_gone(s, "the peer sends what is no frame");
	if (have - LEN_SIZE < len)
		return 0;
	*frame = s->rx + s->rx_start + LEN_SIZE;
	return (ssize_t)len;
}

/* Read what there is, as much as there is room for. */
static int fill(struct net_stream *s)
{
	ssize_t n;

	memmove(s->rx, s->rx + s->rx_start, s->rx_end - s->rx_start);
	s->rx_end -= s->rx_start;
	s->rx_start = 0;
	do {
		n = recv(s->net.fd, s->rx + s->rx_end,
			 sizeof(s->rx) - s->rx_end, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n <= 0)
		return stream_gone(s, "the peer hung up");
	s->rx_end += (size_t)n;
	return 0;
}

static ssize_t stream_receive(struct net *net, const struct iovec *iov,
			      int iovcnt)
{
	struct net_stream *s = to_stream(net);
	const uint8_t *frame = NULL;
	size_t done = 0, size, n;
	ssize_t len;
	int i, ret;

	if (s->gone)
		return -EPIPE;
	while ((len = next_frame(s, &frame)) == 0) {
		ret = fill(s);
		if (ret)
			return ret;
	}
	if (len < 0)
		return len;
	size = (size_t)len;
	for (i = 0; i < iovcnt && done < size; i++, done += n) {
		n = size - done < iov[i].iov_len ? size - done : iov[i].iov_len;
		memcpy(iov[i].iov_base, frame + done, n);
	}
	s->rx_start += LEN_SIZE + size;
	return (ssize_t)done;
}

/* --- life ------------------------------------------------------------------*/

static void stream_close(struct net *net)
{
	struct net_stream *s = to_stream(net);

	close(net->fd);
	if (s->config.closed)
		s->config.closed(s->config.opaque);
	free(s);
}

static const struct net_ops stream_ops = {
	.send = stream_send,
	.receive = stream_receive,
	.flush = stream_flush,
	.close = stream_close,
};

int net_stream_open(const struct net_stream_config *config, struct net **out,
		    struct error *err)
{
	struct net_stream *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s) {
		close(config->fd);
		if (config->closed)
			config->closed(config->opaque);
		return error_set(err, TL_FAIL, ENOMEM,
				 "network %s: out of memory", config->label);
	}
	s->config = *config;
	s->net.ops = &stream_ops;
	s->net.fd = config->fd;
	s->net.vhost_fd = -1;
	snprintf(s->net.label, sizeof(s->net.label), "%s", config->label);
	*out = &s->net;
	return 0;
}
