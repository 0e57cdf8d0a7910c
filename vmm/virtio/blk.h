/* SPDX-License-Identifier: GPL-2.0-only */
/* virtio-blk (virtio 1.2, section 5.2). */
#ifndef TL_VIRTIO_BLK_H
#define TL_VIRTIO_BLK_H

#include "backend/disk.h"
#include "lib/error.h"

struct virtio_device;

/*
 * A device with @nr_queues request queues, 1 and more, for @disk, which it
 * takes, also when this fails.  One worker serves all the queues: a disk is
 * used by one thread.
 */
int virtio_blk_new(struct disk *disk, unsigned int nr_queues,
		   struct virtio_device **out, struct error *err);

#endif
