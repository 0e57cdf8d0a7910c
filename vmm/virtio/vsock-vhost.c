// SPDX-License-Identifier: GPL-2.0-only
/* virtio-vsock served by the host's kernel: AF_VSOCK sockets of the host. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>

#include "virtio/device.h"
#include "virtio/vhost.h"
#include "virtio/vsock.h"

#define DEVICE    "/dev/vhost-vsock"
#define QUEUE_MAX 256
#define NR_QUEUES 3
/* The event queue is not vhost's. */
#define NR_VHOST 2

/* Features that it may have of vhost; VERSION_1 is needed. */
#define F_STREAM    (UINT64_C(1) << 0)
#define F_SEQPACKET (UINT64_C(1) << 1)

struct vhost_vsock {
	struct virtio_device vdev; /* first: the two are cast */
	struct vhost vhost;
	uint32_t cid;
};

static struct vhost_vsock *to_vsock(struct virtio_device *vdev)
{
	return (struct vhost_vsock *)vdev;
}

static int set_running(const struct vhost_vsock *vs, int running)
{
	return ioctl(vs->vhost.fd, VHOST_VSOCK_SET_RUNNING, &running) < 0
		       ? -errno
		       : 0;
}

static void vsock_activate(struct virtio_device *vdev)
{
	struct vhost_vsock *vs = to_vsock(vdev);
	char why[80];
	int ret;

	ret = vhost_start(&vs->vhost, vdev, NR_VHOST);
	if (!ret) {
		ret = set_running(vs, 1);
		if (ret)
			vhost_stop(&vs->vhost, NR_VHOST);
	}
	if (ret) {
		snprintf(why, sizeof(why), "vhost-vsock does not take it: %s",
			 strerror(-ret));
		virtio_device_fail(vdev, VIRTIO_VSOCK_RX, why);
		return;
	}
	vdev->offloaded = true;
	virtio_device_watch(vdev, 0, POLLIN);
}

static void vsock_stop_offload(struct virtio_device *vdev)
{
	set_running(to_vsock(vdev), 0);
	vhost_stop(&to_vsock(vdev)->vhost, NR_VHOST);
}

/* vhost says that it cannot make out a ring. */
static void vsock_event(struct virtio_device *vdev, unsigned int i)
{
	eventfd_t count;

	(void)i;
	eventfd_read(to_vsock(vdev)->vhost.err_fd, &count);
	virtio_device_fail(vdev, VIRTIO_VSOCK_RX,
			   "vhost-vsock found a ring broken");
}

static void vsock_process(struct virtio_device *vdev, unsigned int q)
{
	(void)vdev;
	(void)q;
}

static void vsock_config_read(struct virtio_device *vdev, uint64_t offset,
			      void *buf, size_t len)
{
	const uint64_t cid = htole64(to_vsock(vdev)->cid);

	virtio_config_copy(&cid, sizeof(cid), offset, buf, len);
}

static void vsock_free(struct virtio_device *vdev)
{
	struct vhost_vsock *vs = to_vsock(vdev);
	const int fd = vs->vhost.fd;

	vhost_close(&vs->vhost);
	if (fd >= 0)
		close(fd);
	free(vs);
}

static const struct virtio_device_ops vsock_ops = {
	.name = "virtio-vsock",
	.id = VIRTIO_ID_VSOCK,
	.config_read = vsock_config_read,
	.activate = vsock_activate,
	.process = vsock_process,
	.event = vsock_event,
	.stop_offload = vsock_stop_offload,
	.free = vsock_free,
};

static int open_device(struct vhost_vsock *vs, struct error *err)
{
	const uint64_t cid = vs->cid;
	int fd, ret;

	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, TL_HOST, errno,
				 "vsock: %s: %s; %s, or give a path (uds=PATH) "
				 "to do without",
				 DEVICE, strerror(errno),
				 errno == EACCES ? "get permission for it"
						 : "modprobe vhost_vsock");
	ret = vhost_init(&vs->vhost, fd);
	if (ret) {
		close(fd);
		return error_set(err, TL_HOST, -ret, "vsock: %s: %s", DEVICE,
				 strerror(-ret));
	}
	if (!(vs->vhost.offered >> VIRTIO_F_VERSION_1 & 1))
		return error_set(err, TL_HOST, ENOTSUP,
				 "vsock: %s of this host is too old: give a "
				 "path (uds=PATH)",
				 DEVICE);
	if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) < 0)
		return error_set(err, TL_HOST, errno, "vsock: cid=%u: %s; %s",
				 vs->cid, strerror(errno),
				 errno == EADDRINUSE
					 ? "another guest has it, choose one "
					   "of your own"
					 : "the host does not take it");
	return 0;
}

int virtio_vsock_vhost_new(uint32_t cid, struct virtio_device **out,
			   struct error *err)
{
	struct vhost_vsock *vs = calloc(1, sizeof(*vs));
	int ret;

	*out = NULL;
	if (!vs)
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtio-vsock: out of memory");
	vs->cid = cid;
	vs->vhost = (struct vhost){ .fd = -1, .err_fd = -1 };
	ret = open_device(vs, err);
	if (ret) {
		vsock_free(&vs->vdev);
		return ret;
	}
	vs->vdev.ops = &vsock_ops;
	vs->vdev.offered = vs->vhost.offered & (F_STREAM | F_SEQPACKET);
	vs->vdev.nr_queues = NR_QUEUES;
	vs->vdev.queue_max = QUEUE_MAX;
	vs->vdev.fd[0] = vs->vhost.err_fd;
	vs->vdev.nr_fds = 1;
	snprintf(vs->vdev.label, sizeof(vs->vdev.label), "cid %u", cid);
	*out = &vs->vdev;
	return 0;
}
