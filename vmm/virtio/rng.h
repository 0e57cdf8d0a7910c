/* SPDX-License-Identifier: GPL-2.0-only */
/* virtio-rng, the entropy device (virtio 1.2, section 5.4). */
#ifndef TL_VIRTIO_RNG_H
#define TL_VIRTIO_RNG_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/error.h"

struct virtio_device;

/* Most bytes that one request gets: a driver asks again for more. */
#define VIRTIO_RNG_MAX 4096

/*
 * Where random bytes come from: up to @len of them into @buf, how many, or
 * -errno.  The device's worker calls it.  NULL is the host's getrandom(2).
 */
typedef ssize_t (*virtio_rng_source)(void *buf, size_t len);

int virtio_rng_new(virtio_rng_source source, struct virtio_device **out,
		   struct error *err);

#endif
