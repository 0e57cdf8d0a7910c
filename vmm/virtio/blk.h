/* SPDX-License-Identifier: GPL-2.0-only */
/* virtio-blk (virtio 1.2, section 5.2). */
#ifndef TL_VIRTIO_BLK_H
#define TL_VIRTIO_BLK_H

#include "backend/disk.h"
#include "lib/error.h"

struct virtio_device;

/* The device takes ownership of @disk, also when this fails. */
int virtio_blk_new(struct disk *disk, struct virtio_device **out,
		   struct error *err);

#endif
