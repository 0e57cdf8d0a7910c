/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio device between its transport and its kind: feature negotiation, the
 * status machine (virtio 1.2, 2.1), queues, their worker and their interrupts.
 *
 *   transport (mmio.c)  -- registers -->  device.c  <-- requests --  blk.c, ...
 *   vCPU threads, under its lock                     the device's worker
 *
 * A kind of device fills a struct virtio_device (usually inside its own
 * structure) and the ops; it sees requests and never a ring.
 */
#ifndef TL_VIRTIO_DEVICE_H
#define TL_VIRTIO_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/gmem.h"
#include "core/irq.h"
#include "core/shadow.h"
#include "lib/error.h"
#include "virtio/queue.h"

#define VIRTIO_DEVICE_FDS 2

/* Of configuration space, as far as a shadow shows it: all there is room for
 * behind a transport's registers. */
#define VIRTIO_DEVICE_CONFIG_SIZE 0x100

enum { WORD_STATUS, WORD_ISR, WORD_GENERATION, VIRTIO_DEVICE_WORDS };

struct virtio_device;
struct worker;

struct virtio_device_ops {
	const char *name; /* "virtio-blk" */
	uint32_t id;      /* device type, virtio 1.2 section 5 */
	/*
	 * Configuration space; NULL reads as zero, or ignores writes.  Any
	 * @offset and @len; bytes beyond the space read as zero.  vCPU thread,
	 * under the transport's lock.
	 */
	void (*config_read)(struct virtio_device *vdev, uint64_t offset,
			    void *buf, size_t len);
	void (*config_write)(struct virtio_device *vdev, uint64_t offset,
			     const void *buf, size_t len);
	/* DRIVER_OK; vdev->features is final.  Worker held.  May be NULL. */
	void (*activate)(struct virtio_device *vdev);
	/*
	 * There may be chains on queue @q: pop until there are none.  Called by
	 * the worker, once for a notification, never two at a time.
	 */
	void (*process)(struct virtio_device *vdev, unsigned int q);
	/*
	 * Descriptor @i of vdev->fd[] is ready as virtio_device_watch() asked.
	 * Called by the worker, never at the same time as process().
	 */
	void (*event)(struct virtio_device *vdev, unsigned int i);
	/*
	 * Of a device whose activate() set vdev->offloaded: take the queues
	 * back from the kernel.  Before a reset and before a queue goes; worker
	 * held.
	 */
	void (*stop_offload)(struct virtio_device *vdev);
	/* Back to the state before activate().  Worker held.  May be NULL. */
	void (*reset)(struct virtio_device *vdev);
	/* Free everything, @vdev included. */
	void (*free)(struct virtio_device *vdev);
};

struct virtio_device {
	/* Filled by the kind of device, constant. */
	const struct virtio_device_ops *ops;
	uint64_t offered; /* its features; device.c adds those of the ring */
	unsigned int nr_queues;    /* 1 and more */
	uint16_t queue_max;        /* descriptors, a power of two */
	int fd[VIRTIO_DEVICE_FDS]; /* the kind's own for its worker to watch */
	unsigned int nr_fds;       /* 0: it has none */
	char label[32]; /* which one it is, for messages: "disk.img" */

	/*
	 * Set in activate(), cleared by device.c: vhost serves the queues on
	 * their kick fds and irq_fd; process() is not called.
	 */
	bool offloaded;

	/*
	 * device.c's from here on; the kind may read @features, @gmem, @vq,
	 * @kick and @irq_fd.
	 */
	uint64_t features;   /* negotiated, final from FEATURES_OK on */
	uint32_t wanted[2];  /* as the driver writes them */
	bool wanted_unknown; /* it also set bits beyond 63 */
	bool running;        /* DRIVER_OK was set: the worker has no hold */
	bool warned;
	/*
	 * Status, InterruptStatus and ConfigGeneration: any thread, atomic; in
	 * the shadow where there is one, so that the two cannot differ.
	 */
	uint32_t word[VIRTIO_DEVICE_WORDS];
	struct shadow shadow; /* the transport's, before attach */
	bool legacy; /* so is this: a driver without VERSION_1, FEATURES_OK */
	pthread_mutex_t publish_lock; /* of configuration space to shadow */
	struct virtq *vq;
	int *kick; /* eventfd a queue, -1 where there is none yet */
	struct worker *worker;
	const struct gmem *gmem;
	struct irq_line irq;
	int irq_fd;
	/*
	 * Acknowledging a used buffer does nothing from now on, or does
	 * something again.  The transport's, before attach; may be NULL.  Any
	 * vCPU thread.
	 */
	void (*ack_inert)(void *opaque, bool inert);
	void *ack_opaque;
	pthread_mutex_t sticky_lock; /* of changes of the next two */
	bool may_stick;
	bool sticky; /* InterruptStatus keeps saying "used buffer" */
	unsigned int acks;
};

/* --- for kinds of devices, in process() ----------------------------------- */

/*
 * Next chain of queue @q, valid until the next pop.  False when there is
 * nothing more to do now: empty, broken, or the worker is wanted still.
 */
bool virtio_device_pop(struct virtio_device *vdev, unsigned int q,
		       struct virtq_chain *chain);

/* Complete @chain, see virtq_push(), and interrupt if the driver asked to. */
void virtio_device_push(struct virtio_device *vdev, unsigned int q,
			const struct virtq_chain *chain, uint32_t written);

/* The same for @nr chains that the driver is to see at once. */
void virtio_device_push_many(struct virtio_device *vdev, unsigned int q,
			     const struct virtq_done *done, unsigned int nr);

/* Leave the last @nr popped chains for later, see virtq_unpop(). */
void virtio_device_unpop(struct virtio_device *vdev, unsigned int q,
			 unsigned int nr);

/*
 * What ops->event() hears of vdev->fd[@i], as worker_watch() has it.  Nothing
 * before activate() asks.
 */
void virtio_device_watch(struct virtio_device *vdev, unsigned int i,
			 short events);

/*
 * The same in two steps, for a batch: each completion is there for the driver
 * to see at once, and one interrupt, if there was any, tells of them all.
 */
void virtio_device_push_quietly(struct virtio_device *vdev, unsigned int q,
				const struct virtq_chain *chain,
				uint32_t written);
void virtio_device_signal(struct virtio_device *vdev, unsigned int q);

/*
 * The driver broke the rules in a way that only a reset gets out of (2.1.2):
 * NEEDS_RESET, a configuration interrupt, one warning; pops give nothing more.
 */
void virtio_device_fail(struct virtio_device *vdev, unsigned int q,
			const char *why);

/* The configuration space changed: new generation, interrupt.  Any thread. */
void virtio_device_config_changed(struct virtio_device *vdev);

/* --- for transports, under the transport's lock --------------------------- */

/*
 * Give the device its memory, its interrupt (@irq_fd an irqfd's eventfd, or -1
 * for @irq) and its queues.  On failure virtio_device_free() is still due.
 */
int virtio_device_attach(struct virtio_device *vdev, const struct gmem *gmem,
			 const struct irq_line *irq, int irq_fd,
			 struct error *err);

/*
 * Start the worker that answers notifications.  Without it the device works
 * when virtio_device_process() is called, which suits a test.
 */
int virtio_device_start(struct virtio_device *vdev, struct error *err);

/* Join the worker, free the queues, then the device.  NULL is fine. */
void virtio_device_free(struct virtio_device *vdev);

/*
 * Hold the worker still, whatever the driver does meanwhile, and let it go on:
 * for a pause of the whole VM.  Calls pair up; they need no lock, and wait for
 * a request that is being served.
 */
void virtio_device_pause(struct virtio_device *vdev);
void virtio_device_resume(struct virtio_device *vdev);

/* Serve queue @q now, on the calling thread, if the driver is ready. */
void virtio_device_process(struct virtio_device *vdev, unsigned int q);

/* The same for vdev->fd[@i]. */
void virtio_device_event(struct virtio_device *vdev, unsigned int i);

/* All features on offer, those of ring and transport included. */
uint64_t virtio_device_offered(const struct virtio_device *vdev);

/* Driver features @word (0: bits 0 to 31); ignored after FEATURES_OK. */
void virtio_device_want_features(struct virtio_device *vdev, uint32_t word,
				 uint32_t bits);

uint32_t virtio_device_status(const struct virtio_device *vdev);

/*
 * The driver writes device status: 0 resets, anything else can only add bits.
 * FEATURES_OK stays off for features that were not offered or that lack
 * VERSION_1, DRIVER_OK stays off without FEATURES_OK.
 */
void virtio_device_set_status(struct virtio_device *vdev, uint32_t val);

/* Rings that cannot be used leave the queue off and the device NEEDS_RESET. */
void virtio_device_enable_queue(struct virtio_device *vdev, unsigned int q,
				const struct virtq_setup *setup);
void virtio_device_disable_queue(struct virtio_device *vdev, unsigned int q);
bool virtio_device_queue_ready(const struct virtio_device *vdev,
			       unsigned int q);

/* The shadow's configuration space follows the device's. */
void virtio_device_publish_config(struct virtio_device *vdev);

/*
 * For ops->config_read: @len bytes at @offset of the @size bytes at @config,
 * and zeroes beyond them.
 */
static inline void virtio_config_copy(const void *config, size_t size,
				      uint64_t offset, void *buf, size_t len)
{
	memset(buf, 0, len);
	if (offset >= size)
		return;
	size -= (size_t)offset;
	memcpy(buf, (const uint8_t *)config + offset, len < size ? len : size);
}

/* These need no lock. */
uint32_t virtio_device_generation(const struct virtio_device *vdev);
void virtio_device_notify(struct virtio_device *vdev, unsigned int q);
uint32_t virtio_device_isr(const struct virtio_device *vdev);
void virtio_device_isr_ack(struct virtio_device *vdev, uint32_t bits);

#endif
