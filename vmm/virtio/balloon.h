/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio-balloon, traditional memory balloon (virtio 1.2, section 5.5), with
 * statistics and free page reporting.  What the guest puts into the balloon and
 * what it reports as free goes back to the host at once.
 */
#ifndef TL_VIRTIO_BALLOON_H
#define TL_VIRTIO_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

struct virtio_device;

/* Tags of 5.5.6.4 that are kept: VIRTIO_BALLOON_S_* in <linux/virtio_balloon.h>. */
#define VIRTIO_BALLOON_STATS 10

struct virtio_balloon_stats {
	uint64_t target;   /* bytes that the guest is asked to give up */
	uint64_t actual;   /* bytes that it says it has given up */
	uint64_t reported; /* bytes of free page reports discarded so far */
	/* CLOCK_MONOTONIC of the last report of the guest, 0: none yet. */
	uint64_t when_ns;
	uint32_t valid; /* bit n: value[n] was in that report */
	uint64_t value[VIRTIO_BALLOON_STATS];
};

/* @target as virtio_balloon_set_target() has it, from the start. */
int virtio_balloon_new(uint64_t target, struct virtio_device **out,
		       struct error *err);

/*
 * Have @changed called when the driver has written another "actual", on the
 * vCPU's thread that wrote it and under no lock of the device.  Before the
 * device is attached.
 */
void virtio_balloon_on_change(struct virtio_device *vdev,
			      void (*changed)(void *opaque), void *opaque);

/*
 * The three below are for a device that virtio_balloon_new() made, from any
 * thread, once it is attached and until it is freed.
 */

/*
 * Ask the guest to give up @bytes of its memory, all in all; rounded up to
 * 4 KiB.  It takes its time, and may not get there.
 */
void virtio_balloon_set_target(struct virtio_device *vdev, uint64_t bytes);

/* What is known now. */
void virtio_balloon_get_stats(struct virtio_device *vdev,
			      struct virtio_balloon_stats *stats);

/*
 * Ask the guest for a new report.  False if it cannot be asked: no driver, no
 * statistics, or an earlier question is still open.
 */
bool virtio_balloon_poll_stats(struct virtio_device *vdev);

#endif
