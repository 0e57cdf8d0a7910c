// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-console with two ports against a hostile driver, far ends that come
 * and go or take nothing, and a terminal that changes its size.
 */
#include <stdlib.h>
#include <string.h>

#include "chaos.h"
#include "mock_chardev.h"
#include "virtio/console.h"

#define PORTS 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mock_chardev far_end[PORTS + 1];

static void own_step(struct chaos *c, int op)
{
	struct mock_chardev *dev;
	uint8_t buf[255];
	size_t len;

	if (op < 0)
		return;
	dev = &far_end[op % (PORTS + 1)];
	switch (op / (PORTS + 1)) {
	case 0:
		len = chaos_take(c, 1) % sizeof(buf);
		memset(buf, 'i', sizeof(buf));
		if (chardev_offer(&dev->dev, buf, len) > len)
			abort();
		break;
	case 1:
		chardev_set_connected(&dev->dev, chaos_take(c, 1) & 1);
		break;
	case 2:
		dev->room = chaos_take(c, 1);
		dev->out_len = 0;
		chardev_writable(&dev->dev);
		break;
	default:
		if (dev->dev.front.resized)
			dev->dev.front.resized(dev->dev.front.opaque,
					       chaos_take(c, 2),
					       chaos_take(c, 2));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct virtio_console_port port[PORTS] = {
		{ "a", &far_end[1].dev },
		{ "b", &far_end[2].dev },
	};
	const struct virtio_console_params params = {
		.console = size && *data & 1 ? &far_end[0].dev : NULL,
		.port = port,
		.nr_ports = PORTS,
	};
	static struct evloop *loop;
	struct virtio_device *vdev;
	static struct chaos c;
	unsigned int i;

	if (!loop) {
		loop = evloop_new(NULL);
		for (i = 0; i <= PORTS; i++)
			mock_chardev_init(&far_end[i], loop);
	}
	for (i = 0; i <= PORTS; i++) {
		far_end[i].room = SIZE_MAX;
		far_end[i].out_len = 0;
		far_end[i].dev.full = false;
		chardev_set_connected(&far_end[i].dev, i == 1);
	}
	if (virtio_console_new(&params, &vdev, NULL) ||
	    chaos_begin(&c, vdev, data, size))
		return 0;
	while (c.in.left)
		own_step(&c, chaos_step(&c));
	chaos_end(&c);
	return 0;
}
