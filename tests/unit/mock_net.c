// SPDX-License-Identifier: GPL-2.0-only
#include "mock_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int mock_send(struct net *net, const struct iovec *iov, int iovcnt)
{
	struct mock_net *mock = (struct mock_net *)net;
	struct mock_frame *frame = &mock->sent[mock->nr_sent];
	size_t len = 0;
	int i;

	if (mock->refuse)
		return mock->refuse;
	if (mock->nr_sent == MOCK_NET_ROOM)
		return 0;
	for (i = 0; i < iovcnt; i++)
		frame->len += iov[i].iov_len;
	frame->data = malloc(frame->len + 1);
	if (!frame->data)
		abort();
	for (i = 0; i < iovcnt; len += iov[i++].iov_len)
		memcpy(frame->data + len, iov[i].iov_base, iov[i].iov_len);
	mock->nr_sent++;
	return 0;
}

static ssize_t mock_receive(struct net *net, const struct iovec *iov,
			    int iovcnt)
{
	struct mock_net *mock = (struct mock_net *)net;
	struct mock_frame *frame = &mock->queue[mock->head];
	size_t done = 0, n;
	int i;

	if (mock->head == mock->tail)
		return mock->receive;
	for (i = 0; i < iovcnt && done < frame->len; i++, done += n) {
		n = frame->len - done;
		if (n > iov[i].iov_len)
			n = iov[i].iov_len;
		memcpy(iov[i].iov_base, frame->data + done, n);
	}
	free(frame->data);
	mock->head++;
	return (ssize_t)done;
}

static int mock_flush(struct net *net)
{
	return ((struct mock_net *)net)->flush;
}

static void mock_set_offload(struct net *net, unsigned int offload)
{
	struct mock_net *mock = (struct mock_net *)net;

	mock->offload = offload;
	mock->sets++;
}

static void mock_close(struct net *net)
{
	struct mock_net *mock = (struct mock_net *)net;
	unsigned int i;

	if (mock->closed)
		*mock->closed = true;
	for (i = 0; i < mock->nr_sent; i++)
		free(mock->sent[i].data);
	for (i = mock->head; i < mock->tail; i++)
		free(mock->queue[i].data);
	close(net->fd);
	free(mock);
}

static const struct net_ops mock_ops = {
	.send = mock_send,
	.receive = mock_receive,
	.flush = mock_flush,
	.set_offload = mock_set_offload,
	.close = mock_close,
};

struct mock_net *mock_net_new(bool vnet_hdr, unsigned int offload)
{
	struct mock_net *mock = calloc(1, sizeof(*mock));

	if (!mock)
		abort();
	mock->net.ops = &mock_ops;
	mock->net.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	mock->net.vhost_fd = -1;
	mock->net.vnet_hdr = vnet_hdr;
	mock->net.offload = offload;
	mock->receive = -EAGAIN;
	memcpy(mock->net.label, "mock", 5);
	return mock;
}

void mock_net_put(struct mock_net *mock, const void *frame, size_t len)
{
	struct mock_frame *slot = &mock->queue[mock->tail];

	if (mock->tail == MOCK_NET_ROOM)
		return;
	slot->data = malloc(len + 1);
	if (!slot->data)
		abort();
	memcpy(slot->data, frame, len);
	slot->len = len;
	mock->tail++;
}
