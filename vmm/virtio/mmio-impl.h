/* SPDX-License-Identifier: GPL-2.0-only */
/* The transport from inside: mmio.c, and mmio-legacy.c over it. */
#ifndef TL_VIRTIO_MMIO_IMPL_H
#define TL_VIRTIO_MMIO_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "virtio/device.h"
#include "virtio/queue.h"

/* What a version 1 driver writes; see mmio-legacy.h. */
struct virtio_legacy_queue {
	uint32_t align; /* of the used ring */
	uint32_t pfn;   /* in units of the page size; 0: not in use */
};

struct virtio_mmio {
	struct virtio_device *vdev;
	pthread_mutex_t lock; /* all below, and the device's status machine */
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	struct virtq_setup *setup; /* one a queue */

	uint32_t page_size;                 /* GuestPageSize */
	struct virtio_legacy_queue *legacy; /* one a queue; NULL: version 2 */
};

/* The selected queue's number is one of the device's. */
static inline bool virtio_mmio_selected(const struct virtio_mmio *vm)
{
	return vm->queue_sel < vm->vdev->nr_queues;
}

#endif
