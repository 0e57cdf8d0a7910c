/* SPDX-License-Identifier: GPL-2.0-only */
/* virtio-net (virtio 1.2, section 5.1), with one pair of queues. */
#ifndef TL_VIRTIO_NET_H
#define TL_VIRTIO_NET_H

#include <stdint.h>

#include "backend/net.h"
#include "lib/error.h"

/* The queues. */
#define VIRTIO_NET_RX 0
#define VIRTIO_NET_TX 1

/* What virtio_device_event() is about. */
#define VIRTIO_NET_EVENT_BACKEND 0
#define VIRTIO_NET_EVENT_VHOST   1

/* Bounds of the MTU that the device can offer (5.1.4.1 and 16 bits). */
#define VIRTIO_NET_MTU_MIN 68
#define VIRTIO_NET_MTU_MAX 65535

struct virtio_device;

struct virtio_net_options {
	uint8_t mac[6];
	uint16_t mtu; /* 0: the device says nothing of it */
};

/* The device takes ownership of @net, also when this fails.  -ENOMEM. */
int virtio_net_new(struct net *net, const struct virtio_net_options *options,
		   struct virtio_device **out, struct error *err);

#endif
