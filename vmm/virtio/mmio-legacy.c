// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/mmio-legacy.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>

#include "virtio/mmio-impl.h"

bool virtio_legacy_has(uint32_t device_id)
{
	switch (device_id) {
	case VIRTIO_ID_NET:
	case VIRTIO_ID_BLOCK:
	case VIRTIO_ID_CONSOLE:
	case VIRTIO_ID_RNG:
	case VIRTIO_ID_BALLOON:
		return true;
	default:
		return false;
	}
}

int virtio_legacy_init(struct virtio_mmio *vm)
{
	vm->legacy = calloc(vm->vdev->nr_queues, sizeof(*vm->legacy));
	return vm->legacy ? 0 : -ENOMEM;
}

/*
 * 2.7.2: descriptors, available ring, and at the next multiple of QueueAlign
 * the used ring.
 */
static void enable(struct virtio_mmio *vm, uint32_t pfn)
{
	struct virtio_legacy_queue *queue = &vm->legacy[vm->queue_sel];
	struct virtq_setup *setup = &vm->setup[vm->queue_sel];
	const uint64_t avail = sizeof(struct vring_desc) * (uint64_t)setup->num;
	uint64_t end = avail + 2 * (3 + (uint64_t)setup->num);

	/* Not a power of two: as if it were 4, the least a used ring needs. */
	if (queue->align < 4 || queue->align & (queue->align - 1))
		queue->align = 4;
	end = (end + queue->align - 1) & ~(uint64_t)(queue->align - 1);
	setup->desc = (uint64_t)pfn * vm->page_size;
	setup->driver = setup->desc + avail;
	setup->device = setup->desc + end;
	queue->pfn = pfn;
	virtio_device_enable_queue(vm->vdev, vm->queue_sel, setup);
}

bool virtio_legacy_read(const struct virtio_mmio *vm, uint64_t offset,
			uint32_t *val)
{
	switch (offset) {
	case VIRTIO_MMIO_VERSION:
		*val = VIRTIO_MMIO_LEGACY_VERSION;
		return true;
	case VIRTIO_MMIO_QUEUE_PFN:
		*val = virtio_mmio_selected(vm) &&
				       virtio_device_queue_ready(vm->vdev,
								 vm->queue_sel)
			       ? vm->legacy[vm->queue_sel].pfn
			       : 0;
		return true;
	/* Of version 2 alone. */
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_CONFIG_GENERATION:
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		*val = 0;
		return true;
	default:
		return false;
	}
}

bool virtio_legacy_write(struct virtio_mmio *vm, uint64_t offset, uint32_t val)
{
	const bool there = virtio_mmio_selected(vm);

	switch (offset) {
	case VIRTIO_MMIO_GUEST_PAGE_SIZE:
		vm->page_size = val;
		return true;
	case VIRTIO_MMIO_QUEUE_ALIGN:
		if (there &&
		    !virtio_device_queue_ready(vm->vdev, vm->queue_sel))
			vm->legacy[vm->queue_sel].align = val;
		return true;
	case VIRTIO_MMIO_QUEUE_PFN:
		if (there && !val)
			virtio_device_disable_queue(vm->vdev, vm->queue_sel);
		else if (there &&
			 !virtio_device_queue_ready(vm->vdev, vm->queue_sel))
			enable(vm, val);
		return true;
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_QUEUE_DESC_LOW ... VIRTIO_MMIO_QUEUE_USED_HIGH:
		return true;
	default:
		return false;
	}
}
