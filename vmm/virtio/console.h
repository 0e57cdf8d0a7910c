/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio-console (virtio 1.2, section 5.3): one console, and with
 * VIRTIO_CONSOLE_F_MULTIPORT named ports besides, each on a chardev of its own.
 */
#ifndef TL_VIRTIO_CONSOLE_H
#define TL_VIRTIO_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "backend/chardev.h"
#include "lib/error.h"

struct virtio_device;

#define VIRTIO_CONSOLE_MAX_PORTS 31 /* the console's place included */
#define VIRTIO_CONSOLE_NAME_MAX  63

struct virtio_console_port {
	const char *name; /* what the guest finds it by; copied */
	struct chardev *dev;
};

struct virtio_console_params {
	struct chardev *console; /* port 0; NULL: there is no console */
	const struct virtio_console_port *port;
	unsigned int nr_ports; /* fewer than VIRTIO_CONSOLE_MAX_PORTS */
	/* Sees the console's output; the worker or a vCPU.  May be NULL. */
	void (*watch)(void *opaque, const uint8_t *buf, size_t len);
	void *opaque;
};

/*
 * The chardevs outlive the device, which attaches itself to them as their front
 * end and detaches when it is freed: both on the event loop's thread.  -EINVAL
 * for a name that is empty or too long, too many ports, or nothing at all.
 */
int virtio_console_new(const struct virtio_console_params *params,
		       struct virtio_device **out, struct error *err);

#endif
