// SPDX-License-Identifier: GPL-2.0-only
/* virtio-rng against a hostile driver and a source that fails at will. */
#include <errno.h>
#include <string.h>

#include "chaos.h"
#include "virtio/rng.h"

static struct chaos c;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t source(void *buf, size_t len)
{
	uint8_t how = chaos_take(&c, 1);

	if (how == 0xff)
		return -EIO;
	if (how < 8 && len > how)
		len = how;
	memset(buf, 0xaa, len);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_device *vdev;

	if (virtio_rng_new(source, &vdev, NULL) ||
	    chaos_begin(&c, vdev, data, size))
		return 0;
	while (c.in.left)
		chaos_step(&c);
	chaos_end(&c);
	return 0;
}
