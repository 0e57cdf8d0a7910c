/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Version 1 of the transport's registers (virtio 1.2, 4.2.4), laid over those of
 * version 2: for drivers from before Linux 3.20 and the like.  A queue is one
 * block of memory that the driver names by its page, there is no FEATURES_OK,
 * and of the features there are the first 32.
 */
#ifndef TL_VIRTIO_MMIO_LEGACY_H
#define TL_VIRTIO_MMIO_LEGACY_H

#include <stdbool.h>
#include <stdint.h>

struct virtio_device;
struct virtio_mmio;

#define VIRTIO_MMIO_LEGACY_VERSION 1

/* Whether there is a legacy interface to this type of device (section 5). */
bool virtio_legacy_has(uint32_t device_id);

/* -ENOMEM.  Freed and cleared like struct virtio_mmio's own queues. */
int virtio_legacy_init(struct virtio_mmio *vm);

/* Registers that version 1 has at @offset and version 2 has not, or others. */
bool virtio_legacy_read(const struct virtio_mmio *vm, uint64_t offset,
			uint32_t *val);
bool virtio_legacy_write(struct virtio_mmio *vm, uint64_t offset, uint32_t val);

#endif
