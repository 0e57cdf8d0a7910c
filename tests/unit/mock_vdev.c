// SPDX-License-Identifier: GPL-2.0-only
#include "mock_vdev.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_config.h>

static void count_pulse(void *opaque)
{
	(*(unsigned int *)opaque)++;
}

int mock_vdev_init(struct mock_vdev *mock, struct virtio_device *vdev)
{
	const struct irq_line irq = { .pulse = count_pulse,
				      .opaque = &mock->pulses };

	memset(mock, 0, sizeof(*mock));
	mock->vdev = vdev;
	mock_gmem_init(&mock->gmem);
	if (vdev->nr_queues > MOCK_VDEV_QUEUES)
		abort();
	return virtio_device_attach(vdev, &mock->gmem, &irq, -1, NULL);
}

void mock_vdev_free(struct mock_vdev *mock)
{
	virtio_device_free(mock->vdev);
	gmem_destroy(&mock->gmem);
}

bool mock_vdev_drive(struct mock_vdev *mock, uint64_t features)
{
	const uint32_t ok = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			    VIRTIO_CONFIG_S_DRIVER |
			    VIRTIO_CONFIG_S_FEATURES_OK;
	struct virtio_device *vdev = mock->vdev;
	uint64_t heap = MOCK_RAM_GPA;
	unsigned int q;

	features |= BIT64(VIRTIO_F_VERSION_1);
	virtio_device_set_status(vdev, 0);
	virtio_device_want_features(vdev, 0, (uint32_t)features);
	virtio_device_want_features(vdev, 1, features >> 32);
	virtio_device_set_status(vdev, ok);
	if (virtio_device_status(vdev) != ok)
		return false;
	for (q = 0; q < vdev->nr_queues; q++) {
		mock_ring_init(&mock->ring[q], &mock->gmem, MOCK_VDEV_NUM);
		/* The rings and buffers of each queue behind one another. */
		mock->ring[q].heap = heap;
		mock->ring[q].setup.desc =
			mock_ring_alloc(&mock->ring[q], 16 * MOCK_VDEV_NUM);
		mock->ring[q].setup.driver =
			mock_ring_alloc(&mock->ring[q], 6 + 2 * MOCK_VDEV_NUM);
		mock->ring[q].setup.device =
			mock_ring_alloc(&mock->ring[q], 6 + 8 * MOCK_VDEV_NUM);
		mock->ring[q].desc =
			mock_vdev_ptr(mock, mock->ring[q].setup.desc);
		mock->ring[q].avail =
			mock_vdev_ptr(mock, mock->ring[q].setup.driver);
		mock->ring[q].used =
			mock_vdev_ptr(mock, mock->ring[q].setup.device);
		heap += MOCK_RAM_SIZE / MOCK_VDEV_QUEUES;
	}
	/* Only now: initialising one wiped the start of memory. */
	for (q = 0; q < vdev->nr_queues; q++) {
		memset(mock->ring[q].desc, 0, 16 * MOCK_VDEV_NUM);
		memset(mock->ring[q].avail, 0, 6 + 2 * MOCK_VDEV_NUM);
		memset(mock->ring[q].used, 0, 6 + 8 * MOCK_VDEV_NUM);
		virtio_device_enable_queue(vdev, q, &mock->ring[q].setup);
	}
	virtio_device_set_status(vdev, ok | VIRTIO_CONFIG_S_DRIVER_OK);
	return true;
}

uint64_t mock_vdev_alloc(struct mock_vdev *mock, unsigned int q, uint32_t len)
{
	const uint64_t end =
		MOCK_RAM_GPA + (q + 1) * (MOCK_RAM_SIZE / MOCK_VDEV_QUEUES);
	uint64_t gpa = mock_ring_alloc(&mock->ring[q], len);

	if (gpa + len > end)
		abort();
	return gpa;
}

void *mock_vdev_ptr(struct mock_vdev *mock, uint64_t gpa)
{
	return gmem_ptr(&mock->gmem, gpa, 1);
}

uint16_t mock_vdev_offer(struct mock_vdev *mock, unsigned int q, uint64_t gpa,
			 uint32_t len, bool write)
{
	const struct mock_seg seg = { gpa, len, write };
	uint16_t head = mock_ring_chain(&mock->ring[q], &seg, 1);

	mock_ring_offer(&mock->ring[q], head);
	return head;
}

void mock_vdev_kick(struct mock_vdev *mock, unsigned int q)
{
	virtio_device_process(mock->vdev, q);
}

int64_t mock_vdev_take(struct mock_vdev *mock, unsigned int q)
{
	uint32_t id, len;

	if (!mock_ring_take(&mock->ring[q], &id, &len))
		return -1;
	return len;
}

int64_t mock_vdev_send(struct mock_vdev *mock, unsigned int q, const void *data,
		       uint32_t len)
{
	uint64_t gpa = mock_vdev_alloc(mock, q, len);

	memcpy(mock_vdev_ptr(mock, gpa), data, len);
	mock_vdev_offer(mock, q, gpa, len, false);
	mock_vdev_kick(mock, q);
	return mock_vdev_take(mock, q);
}

bool mock_vdev_failed(const struct mock_vdev *mock)
{
	return virtio_device_status(mock->vdev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

void mock_vdev_settle(struct mock_vdev *mock)
{
	struct pollfd pfd = { .events = POLLIN };
	bool busy = true;
	unsigned int q;

	while (busy) {
		busy = false;
		for (q = 0; q < mock->vdev->nr_queues; q++) {
			pfd.fd = mock->vdev->kick[q];
			if (poll(&pfd, 1, 0) <= 0)
				continue;
			mock_vdev_kick(mock, q);
			busy = true;
		}
	}
}
