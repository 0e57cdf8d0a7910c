/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio driver that writes anything it likes into descriptors, rings,
 * buffers and configuration space, as the fuzzer's input has it.  One thread:
 * what is found can be replayed.
 */
#ifndef TL_TESTS_CHAOS_H
#define TL_TESTS_CHAOS_H

#include "input.h"
#include "mock_vdev.h"

struct chaos {
	struct input in;
	struct mock_vdev mock;
};

/* input_take() of what is left of @c's. */
static inline uint64_t chaos_take(struct chaos *c, unsigned int bytes)
{
	return input_take(&c->in, bytes);
}

/* Take @vdev over, which is freed by chaos_end(). */
int chaos_begin(struct chaos *c, struct virtio_device *vdev,
		const uint8_t *data, size_t size);

/*
 * Do what the next bytes say.  An operation that is the target's own is left to
 * it: its number from 0 on, or -1.
 */
int chaos_step(struct chaos *c);

/* Bring the device up once more and check that it works on; then free it. */
void chaos_end(struct chaos *c);

#endif
