/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hand a device's queues to the host kernel (vhost, <linux/vhost.h>): the guest
 * kicks vhost by the queue's kick eventfd, vhost interrupts the guest by the
 * device's irqfd, and neither comes to this process.
 */
#ifndef TL_VIRTIO_VHOST_H
#define TL_VIRTIO_VHOST_H

#include <stdint.h>

struct virtio_device;

struct vhost {
	int fd;     /* /dev/vhost-net and the like; -1 where there is none */
	int err_fd; /* eventfd: signalled for a ring that is broken */
	uint64_t offered; /* features that it knows */
};

/*
 * Take ownership of @fd for this process.  On failure, -errno, @vhost is as
 * after vhost_close(), and @fd still the caller's.
 */
int vhost_init(struct vhost *vhost, int fd);

/* Does not close the fd.  Fine on a struct vhost with fd -1. */
void vhost_close(struct vhost *vhost);

/*
 * From activate(): set up memory, features and the first @nr queues of @vdev,
 * which needs an irq_fd.  What starts it then is the device's own ioctl.
 * -errno, and nothing is set up for good.
 */
int vhost_start(const struct vhost *vhost, const struct virtio_device *vdev,
		unsigned int nr);

/* After the device's own ioctl that stops it: let go of kick and irq fds. */
void vhost_stop(const struct vhost *vhost, unsigned int nr);

#endif
