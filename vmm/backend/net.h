/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What virtio-net talks to: something that takes and gives Ethernet frames.
 * virtio/ sees this header only; each kind of network is a file of its own
 * beside it.
 */
#ifndef TL_BACKEND_NET_H
#define TL_BACKEND_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "lib/error.h"

/* The largest frame: an IP packet of 64 KiB (TSO), Ethernet and VLAN header. */
#define NET_FRAME_MIN 14
#define NET_FRAME_MAX (65535 + 18)
/* struct virtio_net_hdr_v1 (virtio 1.2, 5.1.6). */
#define NET_HDR_SIZE 12

/* What a frame may leave to its receiver, by its header. */
#define NET_CSUM (1u << 0) /* filling in the checksum */
#define NET_TSO4 (1u << 1) /* cutting TCP over IPv4 into segments */
#define NET_TSO6 (1u << 2)
#define NET_ECN  (1u << 3) /* segments with CWR set */

struct net;

struct net_ops {
	/*
	 * Send one frame; one that the network does not want is lost, as on a
	 * wire.  0; -EAGAIN: not now, wait until net->fd is writable; -EPIPE:
	 * the network is gone for good, and that was reported.
	 */
	int (*send)(struct net *net, const struct iovec *iov, int iovcnt);
	/*
	 * Receive one frame.  Its size, -EAGAIN if there is none (net->fd tells
	 * when), or -EPIPE as above.  A frame larger than @iov is cut short.
	 */
	ssize_t (*receive)(struct net *net, const struct iovec *iov,
			   int iovcnt);
	/*
	 * Get out what send() took and could not pass on: 0, -EAGAIN or -EPIPE
	 * as send().  NULL where nothing is ever kept.
	 */
	int (*flush)(struct net *net);
	/*
	 * The guest takes frames with these NET_* bits; 0 at first.  NULL where
	 * net->offload is 0.
	 */
	void (*set_offload)(struct net *net, unsigned int offload);
	void (*close)(struct net *net);
};

/* The head of every back-end's own structure. */
struct net {
	const struct net_ops *ops;
	int fd; /* poll it for POLLIN and POLLOUT; constant */
	/*
	 * All frames begin with a virtio-net header, both ways, of NET_HDR_SIZE
	 * bytes; its num_buffers is to be ignored.
	 */
	bool vnet_hdr;
	unsigned int offload;    /* NET_*: what it can take and give */
	int vhost_fd;            /* /dev/vhost-net, to serve net->fd, or -1 */
	char label[32];          /* for messages: "tap0" */
	unsigned int extra_refs; /* see net_get() */
};

/*
 * One more owner: a network is closed when net_close() was called once for
 * each.  The owners share a thread.
 */
static inline struct net *net_get(struct net *net)
{
	net->extra_refs++;
	return net;
}

static inline void net_close(struct net *net)
{
	if (!net)
		return;
	if (net->extra_refs)
		net->extra_refs--;
	else
		net->ops->close(net);
}

#endif
