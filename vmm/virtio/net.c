// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/net.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "lib/log.h"
#include "virtio/device.h"
#include "virtio/vhost.h"

#define QUEUE_MAX 256
#define NR_QUEUES 2
/* Frames before the other direction gets its turn. */
#define BUDGET             128
#define BIT64(n)           (UINT64_C(1) << (n))

#define NUM_BUFFERS_OFFSET offsetof(struct virtio_net_hdr_v1, num_buffers)

_Static_assert(sizeof(struct virtio_net_hdr_v1) == NET_HDR_SIZE, "5.1.6");

struct virtio_net {
	struct virtio_device vdev; /* first: the two are cast */
	struct net *net;
	struct vhost vhost;
	struct virtio_net_config config; /* but for its status */
	uint16_t status;                 /* any thread, atomic */
	bool down;                       /* for good */

	bool mergeable;
	bool rx_wait; /* a frame is here, the guest has no buffer for it */
	bool rx_more; /* there may be frames that no poll() tells of */
	bool tx_wait; /* the network takes no more for now */
	short watched;
	size_t rx_len; /* of the frame in rx[], its header included; or 0 */
	struct virtq_done done[QUEUE_MAX];
	uint8_t rx[NET_HDR_SIZE + NET_FRAME_MAX];
};

static struct virtio_net *to_net(struct virtio_device *vdev)
{
	return (struct virtio_net *)vdev;
}

static void update_watch(struct virtio_net *vn)
{
	short events = 0;

	if (!vn->down && !vn->rx_wait)
		events |= POLLIN;
	if (!vn->down && vn->tx_wait)
		events |= POLLOUT;
	if (events == vn->watched)
		return;
	vn->watched = events;
	virtio_device_watch(&vn->vdev, VIRTIO_NET_EVENT_BACKEND, events);
}

/* The back-end said why.  Frames of the guest go nowhere from here on. */
static void link_down(struct virtio_net *vn)
{
	if (vn->down)
		return;
	vn->down = true;
	vn->tx_wait = false;
	__atomic_store_n(&vn->status, 0, __ATOMIC_SEQ_CST);
	virtio_device_config_changed(&vn->vdev);
}

/* --- from the guest --------------------------------------------------------*/

/* False if the chain has to wait for the network. */
static bool send_chain(struct virtio_net *vn, struct virtq_chain *chain)
{
	struct net *net = vn->net;
	int ret;

	if (vn->down)
		return true;
	if (!net->vnet_hdr)
		iov_trim_front(&chain->out, NET_HDR_SIZE);
	ret = net->ops->send(net, chain->out.iov, (int)chain->out.nr);
	if (ret == -EAGAIN)
		return false;
	if (ret)
		link_down(vn);
	return true;
}

static void tx_run(struct virtio_net *vn)
{
	struct virtio_device *vdev = &vn->vdev;
	unsigned int budget = BUDGET;
	struct virtq_chain chain;
	int ret;

	vn->tx_wait = false;
	while (virtio_device_pop(vdev, VIRTIO_NET_TX, &chain)) {
		/* 5.1.6.2: every packet has a header in front. */
		if (chain.out_len < NET_HDR_SIZE) {
			virtio_device_fail(vdev, VIRTIO_NET_TX,
					   "packet without a header");
			return;
		}
		if (!send_chain(vn, &chain)) {
			virtio_device_unpop(vdev, VIRTIO_NET_TX, 1);
			vn->tx_wait = true;
			break;
		}
		virtio_device_push(vdev, VIRTIO_NET_TX, &chain, 0);
		if (--budget == 0) {
			virtio_device_notify(vdev, VIRTIO_NET_TX);
			break;
		}
	}
	if (vn->down || !vn->net->ops->flush)
		return;
	ret = vn->net->ops->flush(vn->net);
	if (ret == -EAGAIN)
		vn->tx_wait = true;
	else if (ret)
		link_down(vn);
}

/* --- to the guest ----------------------------------------------------------*/

/* Host pointer to byte @offset of @buf, which has it. */
static uint8_t *iov_byte(const struct iov_buf *buf, size_t offset)
{
	unsigned int i;

	for (i = 0; offset >= buf->iov[i].iov_len; i++)
		offset -= buf->iov[i].iov_len;
	return (uint8_t *)buf->iov[i].iov_base + offset;
}

/*
 * Copy the frame into as many buffers as it needs and give them back together
 * (5.1.6.4).  False if the guest has too few for now: none is used then.
 */
static bool rx_deliver(struct virtio_net *vn)
{
	struct virtio_device *vdev = &vn->vdev;
	const unsigned int most = vn->mergeable ? vdev->vq[VIRTIO_NET_RX].num
						: 1;
	uint8_t *num_buffers[2] = { NULL, NULL };
	struct virtq_chain chain;
	unsigned int n = 0;
	size_t off = 0;

	for (; off < vn->rx_len && n < most; n++) {
		if (!virtio_device_pop(vdev, VIRTIO_NET_RX, &chain)) {
			virtio_device_unpop(vdev, VIRTIO_NET_RX, n);
			return false;
		}
		if (n == 0 && chain.in_len < NET_HDR_SIZE) {
			virtio_device_fail(vdev, VIRTIO_NET_RX,
					   "buffer too small for a header");
			return false;
		}
		if (n == 0) {
			num_buffers[0] =
				iov_byte(&chain.in, NUM_BUFFERS_OFFSET);
			num_buffers[1] =
				iov_byte(&chain.in, NUM_BUFFERS_OFFSET + 1);
		}
		vn->done[n].head = chain.head;
		vn->done[n].written = (uint32_t)iov_copy_in(
			&chain.in, vn->rx + off, vn->rx_len - off);
		off += vn->done[n].written;
	}
	if (off < vn->rx_len) {
		/* Not even an empty ring has room for this frame: it is lost. */
		virtio_device_unpop(vdev, VIRTIO_NET_RX, n);
		return true;
	}
	*num_buffers[0] = n & 0xff;
	*num_buffers[1] = n >> 8 & 0xff;
	virtio_device_push_many(vdev, VIRTIO_NET_RX, vn->done, n);
	return true;
}

/* Get the next frame into rx[]; 0 and rx_len, -EAGAIN or -EPIPE. */
static int rx_fetch(struct virtio_net *vn)
{
	struct net *net = vn->net;
	const size_t skip = net->vnet_hdr ? 0 : NET_HDR_SIZE;
	struct iovec iov = { vn->rx + skip, sizeof(vn->rx) - skip };
	ssize_t n;

	/* Without offloads the header is all zero (5.1.6.4.1). */
	memset(vn->rx, 0, NET_HDR_SIZE);
	n = net->ops->receive(net, &iov, 1);
	if (n < 0)
		return (int)n;
	vn->rx_len = skip + (size_t)n;
	return 0;
}

static void rx_run(struct virtio_net *vn)
{
	unsigned int budget = BUDGET;
	int ret;

	vn->rx_wait = vn->rx_more = false;
	while (budget--) {
		if (!vn->rx_len) {
			ret = vn->down ? -EAGAIN : rx_fetch(vn);
			if (ret == -EPIPE)
				link_down(vn);
			if (ret)
				return;
		}
		/* It stays here, and more of them on the wire, until a kick. */
		if (vn->rx_len > NET_HDR_SIZE && !rx_deliver(vn)) {
			vn->rx_wait = true;
			return;
		}
		vn->rx_len = 0;
	}
	vn->rx_more = true;
	virtio_device_notify(&vn->vdev, VIRTIO_NET_RX);
}

/* --- the device ------------------------------------------------------------*/

static void net_process(struct virtio_device *vdev, unsigned int q)
{
	struct virtio_net *vn = to_net(vdev);

	if (q == VIRTIO_NET_TX)
		tx_run(vn);
	else if (vn->rx_wait || vn->rx_more)
		rx_run(vn);
	update_watch(vn);
}

static void net_event(struct virtio_device *vdev, unsigned int i)
{
	struct virtio_net *vn = to_net(vdev);
	eventfd_t count;

	if (i == VIRTIO_NET_EVENT_VHOST) {
		eventfd_read(vn->vhost.err_fd, &count);
		virtio_device_fail(vdev, VIRTIO_NET_RX,
				   "vhost-net found a ring broken");
		return;
	}
	if (!vn->rx_wait)
		rx_run(vn);
	if (vn->tx_wait)
		tx_run(vn);
	update_watch(vn);
}

static bool has(const struct virtio_net *vn, unsigned int feature)
{
	return vn->vdev.features >> feature & 1;
}

/* 0, or -errno where user space has to do it. */
static int start_vhost(struct virtio_net *vn)
{
	struct vhost_vring_file file = { .fd = vn->net->fd };
	int ret;

	ret = vhost_start(&vn->vhost, &vn->vdev, NR_QUEUES);
	if (ret)
		return ret;
	for (file.index = 0; file.index < NR_QUEUES; file.index++)
		if (ioctl(vn->vhost.fd, VHOST_NET_SET_BACKEND, &file) < 0)
			return -errno;
	return 0;
}

static void stop_vhost(struct virtio_net *vn)
{
	struct vhost_vring_file none = { .fd = -1 };

	for (none.index = 0; none.index < NR_QUEUES; none.index++)
		ioctl(vn->vhost.fd, VHOST_NET_SET_BACKEND, &none);
	vhost_stop(&vn->vhost, NR_QUEUES);
}

static void net_activate(struct virtio_device *vdev)
{
	struct virtio_net *vn = to_net(vdev);
	unsigned int offload = 0;
	int ret;

	vn->mergeable = has(vn, VIRTIO_NET_F_MRG_RXBUF);
	if (has(vn, VIRTIO_NET_F_GUEST_CSUM))
		offload |= NET_CSUM;
	if (has(vn, VIRTIO_NET_F_GUEST_TSO4))
		offload |= NET_TSO4;
	if (has(vn, VIRTIO_NET_F_GUEST_TSO6))
		offload |= NET_TSO6;
	if (has(vn, VIRTIO_NET_F_GUEST_ECN))
		offload |= NET_ECN;
	if (vn->net->ops->set_offload)
		vn->net->ops->set_offload(vn->net, offload);

	if (vn->vhost.fd >= 0) {
		ret = start_vhost(vn);
		if (ret == 0) {
			vdev->offloaded = true;
			log_debug("network %s: served by vhost-net",
				  vn->net->label);
			virtio_device_watch(vdev, VIRTIO_NET_EVENT_VHOST,
					    POLLIN);
			return;
		}
		stop_vhost(vn);
		log_info("network %s: vhost-net does not work here (%s): "
			 "frames go through this process",
			 vn->net->label, strerror(-ret));
	}
	update_watch(vn);
}

static void net_stop_offload(struct virtio_device *vdev)
{
	stop_vhost(to_net(vdev));
}

static void net_reset(struct virtio_device *vdev)
{
	struct virtio_net *vn = to_net(vdev);

	/* What waited for the old driver is not for the next one. */
	vn->rx_len = 0;
	vn->rx_wait = vn->rx_more = vn->tx_wait = false;
	vn->watched = 0;
}

static void net_config_read(struct virtio_device *vdev, uint64_t offset,
			    void *buf, size_t len)
{
	struct virtio_net *vn = to_net(vdev);
	struct virtio_net_config config = vn->config;

	config.status = __atomic_load_n(&vn->status, __ATOMIC_SEQ_CST);
	virtio_config_copy(&config, sizeof(config), offset, buf, len);
}

static void net_free(struct virtio_device *vdev)
{
	struct virtio_net *vn = to_net(vdev);

	vhost_close(&vn->vhost);
	net_close(vn->net);
	free(vn);
}

static const struct virtio_device_ops net_ops = {
	.name = "virtio-net",
	.id = VIRTIO_ID_NET,
	.config_read = net_config_read,
	.activate = net_activate,
	.process = net_process,
	.event = net_event,
	.stop_offload = net_stop_offload,
	.reset = net_reset,
	.free = net_free,
};

/* 5.1.3.1: the offloads of one direction need its checksums. */
static uint64_t offload_features(unsigned int offload)
{
	uint64_t features = 0;

	if (!(offload & NET_CSUM))
		return 0;
	features |= BIT64(VIRTIO_NET_F_CSUM) | BIT64(VIRTIO_NET_F_GUEST_CSUM);
	if (offload & NET_TSO4)
		features |= BIT64(VIRTIO_NET_F_HOST_TSO4) |
			    BIT64(VIRTIO_NET_F_GUEST_TSO4);
	if (offload & NET_TSO6)
		features |= BIT64(VIRTIO_NET_F_HOST_TSO6) |
			    BIT64(VIRTIO_NET_F_GUEST_TSO6);
	if ((offload & NET_ECN) && (offload & (NET_TSO4 | NET_TSO6)))
		features |= BIT64(VIRTIO_NET_F_HOST_ECN) |
			    BIT64(VIRTIO_NET_F_GUEST_ECN);
	return features;
}

/* Features that vhost would have to know, were they negotiated. */
#define RING_FEATURES \
	(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_NET_F_MRG_RXBUF))

static void try_vhost(struct virtio_net *vn)
{
	int ret;

	vn->vhost = (struct vhost){ .fd = -1, .err_fd = -1 };
	if (vn->net->vhost_fd < 0)
		return;
	ret = vhost_init(&vn->vhost, vn->net->vhost_fd);
	if (!ret && (vn->vhost.offered & RING_FEATURES) != RING_FEATURES) {
		vhost_close(&vn->vhost);
		ret = -ENOTSUP;
	}
	if (ret) {
		log_info("network %s: vhost-net does not work here: %s",
			 vn->net->label, strerror(-ret));
		return;
	}
	vn->vdev.fd[VIRTIO_NET_EVENT_VHOST] = vn->vhost.err_fd;
	vn->vdev.nr_fds = 2;
}

int virtio_net_new(struct net *net, const struct virtio_net_options *options,
		   struct virtio_device **out, struct error *err)
{
	struct virtio_net *vn;

	*out = NULL;
	vn = calloc(1, sizeof(*vn));
	if (!vn) {
		net_close(net);
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtio-net: out of memory");
	}
	vn->net = net;
	memcpy(vn->config.mac, options->mac, sizeof(vn->config.mac));
	vn->status = htole16(VIRTIO_NET_S_LINK_UP);
	vn->config.max_virtqueue_pairs = htole16(1);
	vn->config.mtu = htole16(options->mtu);

	vn->vdev.ops = &net_ops;
	vn->vdev.nr_queues = NR_QUEUES;
	vn->vdev.queue_max = QUEUE_MAX;
	vn->vdev.offered =
		BIT64(VIRTIO_NET_F_MAC) | BIT64(VIRTIO_NET_F_STATUS) |
		BIT64(VIRTIO_NET_F_MRG_RXBUF) | offload_features(net->offload);
	if (options->mtu)
		vn->vdev.offered |= BIT64(VIRTIO_NET_F_MTU);
	vn->vdev.fd[VIRTIO_NET_EVENT_BACKEND] = net->fd;
	vn->vdev.nr_fds = 1;
	snprintf(vn->vdev.label, sizeof(vn->vdev.label), "%s", net->label);
	try_vhost(vn);
	*out = &vn->vdev;
	return 0;
}
