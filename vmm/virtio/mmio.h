/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtio-mmio transport, version 2 (virtio 1.2, section 4.2): registers,
 * device status machine, queue set-up and notification.  One per device.
 */
#ifndef TL_VIRTIO_MMIO_H
#define TL_VIRTIO_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/gmem.h"
#include "core/irq.h"
#include "core/mmio.h"
#include "core/shadow.h"
#include "lib/error.h"

#define VIRTIO_MMIO_SIZE         0x200
#define VIRTIO_MMIO_QUEUE_NOTIFY 0x050 /* where an ioeventfd goes, 4 bytes */

struct virtio_device;
struct virtio_mmio;

struct virtio_mmio_config {
	const struct gmem *gmem;
	struct irq_line irq; /* edge-triggered: pulsed, never held */
	/*
	 * An irqfd's event descriptor that workers signal in place of
	 * irq_line_pulse(), or -1.
	 */
	int irq_fd;
	/* Never hidden, as no read of a virtio device has an effect. */
	struct shadow shadow;
	/*
	 * Writes of VIRTIO_MMIO_INT_VRING to InterruptACK do nothing from now
	 * on, or something again.  Any vCPU thread; may be NULL.
	 */
	void (*ack_inert)(void *opaque, bool inert);
	void *opaque; /* for it */
	bool legacy;  /* version 1, where the type of device has it */
};

extern const struct mmio_ops virtio_mmio_ops;

/*
 * Put @vdev behind a transport and start its worker.  The transport owns @vdev
 * from here on, also when this fails.  -ENOMEM, -EMFILE and the like.
 */
int virtio_mmio_new(struct virtio_device *vdev,
		    const struct virtio_mmio_config *config,
		    struct virtio_mmio **out, struct error *err);

/* Quiesce, join the worker, free the device. */
void virtio_mmio_free(struct virtio_mmio *vm);

/* See virtio_device_pause(). */
void virtio_mmio_pause(struct virtio_mmio *vm);
void virtio_mmio_resume(struct virtio_mmio *vm);

/* How many queues the device has, 1 or more. */
unsigned int virtio_mmio_nr_queues(const struct virtio_mmio *vm);

/*
 * The eventfd that means "queue @q was notified".  The machine may bind it to
 * base + VIRTIO_MMIO_QUEUE_NOTIFY with data match @q (KVM_IOEVENTFD); where it
 * does not, the register write signals it.  Belongs to the transport.
 */
int virtio_mmio_kick_fd(const struct virtio_mmio *vm, unsigned int q);

/* virtio device ID (virtio 1.2 section 5) and its short name, "virtio-blk". */
uint32_t virtio_mmio_device_id(const struct virtio_mmio *vm);
const char *virtio_mmio_device_name(const struct virtio_mmio *vm);

#endif
