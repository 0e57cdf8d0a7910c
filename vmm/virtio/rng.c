// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/rng.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <linux/virtio_ids.h>

#include "lib/log.h"
#include "virtio/device.h"

#define QUEUE_MAX 8

struct virtio_rng {
	struct virtio_device vdev; /* first: the two are cast */
	virtio_rng_source source;
	bool complained;
};

static struct virtio_rng *to_rng(struct virtio_device *vdev)
{
	return (struct virtio_rng *)vdev;
}

static ssize_t from_host(void *buf, size_t len)
{
	ssize_t n;

	do {
		n = getrandom(buf, len, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Bytes written from the start of the buffer on, all of them random. */
static uint32_t fill(struct virtio_rng *rng, const struct iov_buf *in)
{
	uint32_t done = 0;
	unsigned int i;
	size_t want;
	ssize_t n;

	for (i = 0; i < in->nr && done < VIRTIO_RNG_MAX; i++) {
		want = in->iov[i].iov_len;
		if (want > VIRTIO_RNG_MAX - done)
			want = VIRTIO_RNG_MAX - done;
		n = rng->source(in->iov[i].iov_base, want);
		if (n < 0 && !rng->complained) {
			log_warn("virtio-rng: no random numbers to be had "
				 "(error %zd); the guest gets none",
				 -n);
			rng->complained = true;
		}
		if (n > 0)
			done += (uint32_t)n;
		if (n < (ssize_t)want)
			break;
	}
	return done;
}

static void rng_process(struct virtio_device *vdev, unsigned int q)
{
	struct virtq_chain chain;

	while (virtio_device_pop(vdev, q, &chain)) {
		/* 5.4.6.1: only device-writable buffers. */
		if (!chain.in_len || chain.out_len) {
			virtio_device_fail(vdev, q,
					   "entropy buffer that cannot be "
					   "written to");
			return;
		}
		virtio_device_push(vdev, q, &chain,
				   fill(to_rng(vdev), &chain.in));
	}
}

static void rng_free(struct virtio_device *vdev)
{
	free(to_rng(vdev));
}

static const struct virtio_device_ops rng_ops = {
	.name = "virtio-rng",
	.id = VIRTIO_ID_RNG,
	.process = rng_process,
	.free = rng_free,
};

int virtio_rng_new(virtio_rng_source source, struct virtio_device **out,
		   struct error *err)
{
	struct virtio_rng *rng;

	*out = NULL;
	rng = calloc(1, sizeof(*rng));
	if (!rng)
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtio-rng: out of memory");
	rng->source = source ? source : from_host;
	rng->vdev.ops = &rng_ops;
	rng->vdev.nr_queues = 1;
	rng->vdev.queue_max = QUEUE_MAX;
	*out = &rng->vdev;
	return 0;
}
