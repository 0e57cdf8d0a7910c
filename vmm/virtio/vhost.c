// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/vhost.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/vhost.h>

#include "virtio/device.h"

static int call(const struct vhost *vhost, unsigned long request,
		const void *arg)
{
	return ioctl(vhost->fd, request, arg) < 0 ? -errno : 0;
}

int vhost_init(struct vhost *vhost, int fd)
{
	int ret;

	*vhost = (struct vhost){ .fd = fd, .err_fd = -1 };
	ret = call(vhost, VHOST_SET_OWNER, NULL);
	if (!ret)
		ret = call(vhost, VHOST_GET_FEATURES, &vhost->offered);
	if (ret)
		goto fail;
	vhost->err_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vhost->err_fd >= 0)
		return 0;
	ret = -errno;
fail:
	vhost->fd = -1;
	return ret;
}

void vhost_close(struct vhost *vhost)
{
	/* The descriptor is not ours, and someone else's next. */
	if (vhost->fd >= 0) {
		call(vhost, VHOST_RESET_OWNER, NULL);
		close(vhost->err_fd);
	}
	vhost->fd = vhost->err_fd = -1;
}

/* Guest memory as vhost is to see it: guest physical to our addresses. */
static int set_memory(const struct vhost *vhost, const struct gmem *gmem)
{
	struct vhost_memory *mem;
	unsigned int i;
	int ret;

	mem = calloc(1, sizeof(*mem) + gmem->nr * sizeof(mem->regions[0]));
	if (!mem)
		return -ENOMEM;
	mem->nregions = gmem->nr;
	for (i = 0; i < gmem->nr; i++)
		mem->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = gmem->region[i].gpa,
			.memory_size = gmem->region[i].size,
			.userspace_addr = (uintptr_t)gmem->region[i].hva,
		};
	ret = call(vhost, VHOST_SET_MEM_TABLE, mem);
	free(mem);
	return ret;
}

static int set_queue(const struct vhost *vhost,
		     const struct virtio_device *vdev, unsigned int q)
{
	const struct virtq *vq = &vdev->vq[q];
	const struct vhost_vring_state num = { q, vq->num };
	const struct vhost_vring_state base = { q, vq->last_avail };
	const struct vhost_vring_file kick = { q, vdev->kick[q] };
	const struct vhost_vring_file irq = { q, vdev->irq_fd };
	const struct vhost_vring_file broken = { q, vhost->err_fd };
	const struct vhost_vring_addr addr = {
		.index = q,
		.desc_user_addr = (uintptr_t)vq->desc,
		.avail_user_addr = (uintptr_t)vq->avail,
		.used_user_addr = (uintptr_t)vq->used,
	};
	int ret;

	if (!vq->ready)
		return -EINVAL;
	ret = call(vhost, VHOST_SET_VRING_NUM, &num);
	if (!ret)
		ret = call(vhost, VHOST_SET_VRING_BASE, &base);
	if (!ret)
		ret = call(vhost, VHOST_SET_VRING_ADDR, &addr);
	if (!ret)
		ret = call(vhost, VHOST_SET_VRING_CALL, &irq);
	if (!ret)
		ret = call(vhost, VHOST_SET_VRING_ERR, &broken);
	if (!ret)
		ret = call(vhost, VHOST_SET_VRING_KICK, &kick);
	return ret;
}

int vhost_start(const struct vhost *vhost, const struct virtio_device *vdev,
		unsigned int nr)
{
	uint64_t features = vdev->features & vhost->offered;
	unsigned int q;
	int ret;

	if (vdev->irq_fd < 0)
		return -ENOTSUP;
	ret = call(vhost, VHOST_SET_FEATURES, &features);
	if (!ret)
		ret = set_memory(vhost, vdev->gmem);
	for (q = 0; !ret && q < nr; q++)
		ret = set_queue(vhost, vdev, q);
	if (ret)
		vhost_stop(vhost, nr);
	return ret;
}

void vhost_stop(const struct vhost *vhost, unsigned int nr)
{
	unsigned int q;

	for (q = 0; q < nr; q++) {
		const struct vhost_vring_file none = { q, -1 };

		call(vhost, VHOST_SET_VRING_KICK, &none);
		call(vhost, VHOST_SET_VRING_CALL, &none);
	}
}
