// SPDX-License-Identifier: GPL-2.0-only
/* virtio-balloon against a hostile driver and a restless operator. */
#include <stdlib.h>

#include "chaos.h"
#include "virtio/balloon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_balloon_stats stats;
	struct virtio_device *vdev;
	static struct chaos c;

	if (virtio_balloon_new(0, &vdev, NULL) ||
	    chaos_begin(&c, vdev, data, size))
		return 0;
	while (c.in.left) {
		switch (chaos_step(&c)) {
		case 0 ... 3:
			virtio_balloon_set_target(vdev, chaos_take(&c, 8));
			break;
		case 4 ... 7:
			virtio_balloon_poll_stats(vdev);
			break;
		case 8 ... 11:
			virtio_balloon_get_stats(vdev, &stats);
			if (stats.valid >> VIRTIO_BALLOON_STATS ||
			    stats.actual % 4096 || stats.target % 4096)
				abort();
			break;
		}
	}
	chaos_end(&c);
	return 0;
}
