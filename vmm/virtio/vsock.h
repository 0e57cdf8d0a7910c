/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio-vsock, the socket device (virtio 1.2, section 5.10): streams between
 * the guest and the host.  Either this process serves them (vsock.c), or the
 * host's kernel does (vsock-vhost.c) and they are AF_VSOCK sockets there.
 */
#ifndef TL_VIRTIO_VSOCK_H
#define TL_VIRTIO_VSOCK_H

#include <stdint.h>

#include "backend/vsock.h"
#include "lib/error.h"

/* The queues. */
#define VIRTIO_VSOCK_RX    0
#define VIRTIO_VSOCK_TX    1
#define VIRTIO_VSOCK_EVENT 2

/* What a guest may be called: 0 to 2 and the top are reserved (5.10.4). */
#define VIRTIO_VSOCK_CID_HOST 2
#define VIRTIO_VSOCK_CID_MIN  3
#define VIRTIO_VSOCK_CID_MAX  (UINT32_MAX - 1)

/* Connections at a time, and bytes that each may have to wait for the host. */
#define VIRTIO_VSOCK_MAX_CONNS 1023
#define VIRTIO_VSOCK_BUFFER    (128u << 10)

struct virtio_device;

/* The device takes ownership of @host, also when this fails.  -ENOMEM. */
int virtio_vsock_new(struct vsock_host *host, uint32_t cid,
		     struct virtio_device **out, struct error *err);

/*
 * The same by /dev/vhost-vsock; the transport has to give it an irqfd.
 * TL_HOST: -ENOENT or -EACCES for that file, -EADDRINUSE if another guest has
 * @cid.
 */
int virtio_vsock_vhost_new(uint32_t cid, struct virtio_device **out,
			   struct error *err);

#endif
