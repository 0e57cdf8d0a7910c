/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio device with a driver of its own on every queue, without transport
 * and worker: one thread, no timing.
 */
#ifndef TL_TESTS_MOCK_VDEV_H
#define TL_TESTS_MOCK_VDEV_H

#include "mock_ring.h"
#include "virtio/device.h"

#define MOCK_VDEV_QUEUES 16
#define MOCK_VDEV_NUM    8

#define BIT64(n)         (UINT64_C(1) << (n))

struct mock_vdev {
	struct gmem gmem;
	struct virtio_device *vdev;
	struct mock_ring ring[MOCK_VDEV_QUEUES];
	unsigned int pulses;
};

/* Take @vdev over; -1 if it cannot be attached.  The driver is not there yet. */
int mock_vdev_init(struct mock_vdev *mock, struct virtio_device *vdev);
void mock_vdev_free(struct mock_vdev *mock);

/*
 * Reset, then negotiate @features (VERSION_1 comes along) and bring all queues
 * up; false if the device did not accept the features.
 */
bool mock_vdev_drive(struct mock_vdev *mock, uint64_t features);

/* Room for buffers of queue @q: its own share of memory. */
uint64_t mock_vdev_alloc(struct mock_vdev *mock, unsigned int q, uint32_t len);
void *mock_vdev_ptr(struct mock_vdev *mock, uint64_t gpa);

/* Offer one buffer on queue @q; returns its head. */
uint16_t mock_vdev_offer(struct mock_vdev *mock, unsigned int q, uint64_t gpa,
			 uint32_t len, bool write);

/* Let the device look at queue @q. */
void mock_vdev_kick(struct mock_vdev *mock, unsigned int q);

/* Used length of the next completion on queue @q, -1 if there is none. */
int64_t mock_vdev_take(struct mock_vdev *mock, unsigned int q);

/* Device-readable data of @len bytes, offered and processed; used length. */
int64_t mock_vdev_send(struct mock_vdev *mock, unsigned int q, const void *data,
		       uint32_t len);

/* The device is in NEEDS_RESET. */
bool mock_vdev_failed(const struct mock_vdev *mock);

/* Serve whatever queue was notified, until none is. */
void mock_vdev_settle(struct mock_vdev *mock);

#endif
