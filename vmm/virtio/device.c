// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/device.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "lib/log.h"
#include "lib/worker.h"

#define BIT64(n) (UINT64_C(1) << (n))

/* What every device has because queue.c does it. */
#define COMMON_FEATURES                                                   \
	(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT64(VIRTIO_RING_F_EVENT_IDX))

/* The bits a driver may set; NEEDS_RESET is the device's own (2.1). */
#define DRIVER_STATUS                                              \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_FAILED)

/*
 * Status and InterruptStatus change on two threads at once: the worker adds
 * bits while a vCPU adds or takes away others.
 */
static uint32_t *word(const struct virtio_device *vdev, unsigned int w)
{
	static const uint16_t at[VIRTIO_DEVICE_WORDS] = {
		[WORD_STATUS] = VIRTIO_MMIO_STATUS,
		[WORD_ISR] = VIRTIO_MMIO_INTERRUPT_STATUS,
		[WORD_GENERATION] = VIRTIO_MMIO_CONFIG_GENERATION,
	};

	if (vdev->shadow.regs)
		return (uint32_t *)(void *)(vdev->shadow.regs + at[w]);
	return (uint32_t *)&vdev->word[w];
}

static uint32_t word_get(const struct virtio_device *vdev, unsigned int w)
{
	return __atomic_load_n(word(vdev, w), __ATOMIC_SEQ_CST);
}

static void published(const struct virtio_device *vdev, unsigned int w)
{
	if (vdev->shadow.regs)
		vdev->shadow.publish(word(vdev, w));
}

static void word_set(struct virtio_device *vdev, unsigned int w, uint32_t val)
{
	__atomic_store_n(word(vdev, w), val, __ATOMIC_SEQ_CST);
	published(vdev, w);
}

static uint32_t word_or(struct virtio_device *vdev, unsigned int w,
			uint32_t bits)
{
	uint32_t old = __atomic_fetch_or(word(vdev, w), bits, __ATOMIC_SEQ_CST);

	published(vdev, w);
	return old;
}

static void word_and(struct virtio_device *vdev, unsigned int w, uint32_t bits)
{
	__atomic_fetch_and(word(vdev, w), bits, __ATOMIC_SEQ_CST);
	published(vdev, w);
}

/* --- interrupts ----------------------------------------------------------- */

/*
 * InterruptStatus first, then the edge: a driver that acknowledges the bit
 * between the two sees the cause in memory all the same and gets the edge on
 * top, never neither.
 */
static void interrupt(struct virtio_device *vdev, uint32_t cause)
{
	word_or(vdev, WORD_ISR, cause);
	if (vdev->irq_fd >= 0)
		eventfd_write(vdev->irq_fd, 1);
	else
		irq_line_pulse(&vdev->irq);
}

/*
 * Edge-triggered interrupts need no acknowledgement.  With EVENT_IDX a driver
 * goes by the ring's indices, so that after some interrupts InterruptStatus can
 * say "used buffer" for good, and the driver's acknowledgement of that need not
 * be heard of.  One that looks and finds no used buffer is none the worse.
 */
#define STICKY_AFTER 16

static void stick(struct virtio_device *vdev)
{
	pthread_mutex_lock(&vdev->sticky_lock);
	if (vdev->may_stick && !vdev->sticky) {
		__atomic_store_n(&vdev->sticky, true, __ATOMIC_RELAXED);
		word_or(vdev, WORD_ISR, VIRTIO_MMIO_INT_VRING);
		if (vdev->ack_inert)
			vdev->ack_inert(vdev->ack_opaque, true);
	}
	pthread_mutex_unlock(&vdev->sticky_lock);
}

static void allow_sticky(struct virtio_device *vdev, bool may)
{
	pthread_mutex_lock(&vdev->sticky_lock);
	__atomic_store_n(&vdev->may_stick, may, __ATOMIC_RELAXED);
	__atomic_store_n(&vdev->acks, 0, __ATOMIC_RELAXED);
	if (!may && vdev->sticky) {
		__atomic_store_n(&vdev->sticky, false, __ATOMIC_RELAXED);
		if (vdev->ack_inert)
			vdev->ack_inert(vdev->ack_opaque, false);
	}
	pthread_mutex_unlock(&vdev->sticky_lock);
}

uint32_t virtio_device_isr(const struct virtio_device *vdev)
{
	/*
	 * vhost signals the irqfd and not us: while it runs, any interrupt may
	 * be for a used buffer.  A driver that looks and finds none is none
	 * the worse for it, and the line is an edge, so nothing repeats.
	 */
	if (__atomic_load_n(&vdev->offloaded, __ATOMIC_RELAXED))
		return word_get(vdev, WORD_ISR) | VIRTIO_MMIO_INT_VRING;
	return word_get(vdev, WORD_ISR);
}

void virtio_device_isr_ack(struct virtio_device *vdev, uint32_t bits)
{
	if (bits == VIRTIO_MMIO_INT_VRING &&
	    __atomic_load_n(&vdev->may_stick, __ATOMIC_RELAXED) &&
	    __atomic_add_fetch(&vdev->acks, 1, __ATOMIC_RELAXED) ==
		    STICKY_AFTER)
		stick(vdev);
	/* What virtio_device_isr() adds, a shadow has to have in it. */
	if (__atomic_load_n(&vdev->offloaded, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&vdev->sticky, __ATOMIC_RELAXED))
		bits &= ~(uint32_t)VIRTIO_MMIO_INT_VRING;
	word_and(vdev, WORD_ISR, ~bits);
}

void virtio_device_fail(struct virtio_device *vdev, unsigned int q,
			const char *why)
{
	uint32_t old = word_or(vdev, WORD_STATUS, VIRTIO_CONFIG_S_NEEDS_RESET);

	if (old & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	/* Once in the device's life: a guest must not fill the host's log. */
	if (!vdev->warned)
		log_warn("%s%s%s: queue %u: %s; the device is stopped until "
			 "the guest's driver resets it",
			 vdev->ops->name, *vdev->label ? " " : "", vdev->label,
			 q, why);
	vdev->warned = true;
	if (old & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(vdev, VIRTIO_MMIO_INT_CONFIG);
}

void virtio_device_publish_config(struct virtio_device *vdev)
{
	uint32_t config[VIRTIO_DEVICE_CONFIG_SIZE / 4];
	unsigned int i;

	if (!vdev->shadow.regs || !vdev->ops->config_read)
		return;
	/* Who comes last has read the latest. */
	pthread_mutex_lock(&vdev->publish_lock);
	vdev->ops->config_read(vdev, 0, config, sizeof(config));
	for (i = 0; i < VIRTIO_DEVICE_CONFIG_SIZE / 4; i++)
		shadow_set(&vdev->shadow, VIRTIO_MMIO_CONFIG + 4 * i,
			   config[i]);
	pthread_mutex_unlock(&vdev->publish_lock);
}

uint32_t virtio_device_generation(const struct virtio_device *vdev)
{
	return word_get(vdev, WORD_GENERATION);
}

void virtio_device_config_changed(struct virtio_device *vdev)
{
	virtio_device_publish_config(vdev);
	__atomic_fetch_add(word(vdev, WORD_GENERATION), 1, __ATOMIC_SEQ_CST);
	published(vdev, WORD_GENERATION);
	if (word_get(vdev, WORD_STATUS) & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(vdev, VIRTIO_MMIO_INT_CONFIG);
}

/* --- requests, on the worker ---------------------------------------------- */

static bool needs_reset(const struct virtio_device *vdev)
{
	return word_get(vdev, WORD_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

bool virtio_device_pop(struct virtio_device *vdev, unsigned int q,
		       struct virtq_chain *chain)
{
	struct virtq *vq = &vdev->vq[q];
	int ret;

	if (!vq->ready || needs_reset(vdev))
		return false;
	/* A driver that never lets the ring run dry must not delay a reset. */
	if (vdev->worker && worker_should_yield(vdev->worker)) {
		virtio_device_notify(vdev, q);
		return false;
	}
	virtq_notify_off(vq);
	while ((ret = virtq_pop(vq, chain)) == 0) {
		if (!virtq_notify_on(vq))
			return false;
		virtq_notify_off(vq);
	}
	if (ret < 0) {
		virtio_device_fail(vdev, q, vq->fault);
		return false;
	}
	return true;
}

void virtio_device_push_quietly(struct virtio_device *vdev, unsigned int q,
				const struct virtq_chain *chain,
				uint32_t written)
{
	virtq_push(&vdev->vq[q], chain, written);
}

void virtio_device_signal(struct virtio_device *vdev, unsigned int q)
{
	struct virtq *vq = &vdev->vq[q];

	/* A driver without EVENT_IDX would get one for nothing. */
	if (vq->used_idx != vq->signalled && virtq_should_interrupt(vq))
		interrupt(vdev, VIRTIO_MMIO_INT_VRING);
}

void virtio_device_push(struct virtio_device *vdev, unsigned int q,
			const struct virtq_chain *chain, uint32_t written)
{
	virtio_device_push_quietly(vdev, q, chain, written);
	virtio_device_signal(vdev, q);
}

void virtio_device_push_many(struct virtio_device *vdev, unsigned int q,
			     const struct virtq_done *done, unsigned int nr)
{
	struct virtq *vq = &vdev->vq[q];

	virtq_push_many(vq, done, nr);
	if (virtq_should_interrupt(vq))
		interrupt(vdev, VIRTIO_MMIO_INT_VRING);
}

void virtio_device_unpop(struct virtio_device *vdev, unsigned int q,
			 unsigned int nr)
{
	virtq_unpop(&vdev->vq[q], nr);
}

void virtio_device_watch(struct virtio_device *vdev, unsigned int i,
			 short events)
{
	if (vdev->worker)
		worker_watch(vdev->worker, vdev->nr_queues + i, events);
}

void virtio_device_event(struct virtio_device *vdev, unsigned int i)
{
	if (vdev->running && !needs_reset(vdev))
		vdev->ops->event(vdev, i);
	else
		virtio_device_watch(vdev, i, 0);
}

void virtio_device_process(struct virtio_device *vdev, unsigned int q)
{
	eventfd_t kicks;

	eventfd_read(vdev->kick[q], &kicks);
	if (vdev->running && vdev->vq[q].ready && !needs_reset(vdev))
		vdev->ops->process(vdev, q);
}

static void worker_ready(void *opaque, unsigned int index)
{
	struct virtio_device *vdev = opaque;

	if (index < vdev->nr_queues)
		virtio_device_process(vdev, index);
	else
		virtio_device_event(vdev, index - vdev->nr_queues);
}

void virtio_device_notify(struct virtio_device *vdev, unsigned int q)
{
	if (q < vdev->nr_queues)
		eventfd_write(vdev->kick[q], 1);
}

/* --- status machine, on a vCPU thread ------------------------------------- */

static void hold(struct virtio_device *vdev)
{
	if (vdev->worker)
		worker_quiesce(vdev->worker);
}

static void release(struct virtio_device *vdev)
{
	if (vdev->worker)
		worker_resume(vdev->worker);
}

void virtio_device_pause(struct virtio_device *vdev)
{
	hold(vdev);
}

void virtio_device_resume(struct virtio_device *vdev)
{
	release(vdev);
}

uint64_t virtio_device_offered(const struct virtio_device *vdev)
{
	const uint64_t all = vdev->offered | COMMON_FEATURES;

	return vdev->legacy ? (uint32_t)all : all;
}

void virtio_device_want_features(struct virtio_device *vdev, uint32_t word,
				 uint32_t bits)
{
	if (virtio_device_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	if (word < 2)
		vdev->wanted[word] = bits;
	else if (bits)
		vdev->wanted_unknown = true;
}

/* 2.2.2 and 6.2: no more than was offered, and VERSION_1 at least. */
static bool accept_features(struct virtio_device *vdev)
{
	uint64_t wanted = (uint64_t)vdev->wanted[1] << 32 | vdev->wanted[0];

	if (vdev->wanted_unknown || (wanted & ~virtio_device_offered(vdev)) ||
	    (!vdev->legacy && !(wanted & BIT64(VIRTIO_F_VERSION_1))))
		return false;
	vdev->features = wanted;
	return true;
}

/* Kicks are for one of the two, the worker or vhost.  Worker held. */
static void watch_kicks(struct virtio_device *vdev, short events)
{
	unsigned int q;

	for (q = 0; vdev->worker && q < vdev->nr_queues; q++)
		worker_watch(vdev->worker, q, events);
}

static void stop_offload(struct virtio_device *vdev)
{
	if (!vdev->offloaded)
		return;
	vdev->ops->stop_offload(vdev);
	__atomic_store_n(&vdev->offloaded, false, __ATOMIC_RELAXED);
	watch_kicks(vdev, POLLIN);
}

static void start(struct virtio_device *vdev)
{
	unsigned int q;

	for (q = 0; q < vdev->nr_queues; q++)
		virtq_set_features(&vdev->vq[q], vdev->features);
	/* vhost may interrupt before activate() is back. */
	if (vdev->ops->stop_offload)
		word_or(vdev, WORD_ISR, VIRTIO_MMIO_INT_VRING);
	if (vdev->ops->activate)
		vdev->ops->activate(vdev);
	if (vdev->offloaded)
		watch_kicks(vdev, 0);
	else if (vdev->ops->stop_offload)
		word_and(vdev, WORD_ISR, ~(uint32_t)VIRTIO_MMIO_INT_VRING);
	allow_sticky(vdev, vdev->offloaded ||
				   vdev->features &
					   UINT64_C(1)
						   << VIRTIO_RING_F_EVENT_IDX);
	if (vdev->offloaded)
		stick(vdev);
	vdev->running = true;
	release(vdev);
}

static void reset(struct virtio_device *vdev)
{
	unsigned int q;

	/* The worker comes with one hold; DRIVER_OK took it off. */
	if (vdev->running)
		hold(vdev);
	vdev->running = false;
	stop_offload(vdev);
	for (q = 0; q < vdev->nr_fds; q++)
		virtio_device_watch(vdev, q, 0);
	if (vdev->ops->reset)
		vdev->ops->reset(vdev);
	for (q = 0; q < vdev->nr_queues; q++)
		virtq_disable(&vdev->vq[q]);
	vdev->features = 0;
	vdev->wanted[0] = 0;
	vdev->wanted[1] = 0;
	vdev->wanted_unknown = false;
	allow_sticky(vdev, false);
	word_set(vdev, WORD_ISR, 0);
	/* Last: status 0 tells the driver that all is done (2.4.2). */
	word_set(vdev, WORD_STATUS, 0);
}

uint32_t virtio_device_status(const struct virtio_device *vdev)
{
	return word_get(vdev, WORD_STATUS);
}

void virtio_device_set_status(struct virtio_device *vdev, uint32_t val)
{
	uint32_t old = virtio_device_status(vdev);
	uint32_t added = val & DRIVER_STATUS & ~old;

	if (val == 0) {
		reset(vdev);
		return;
	}
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (vdev->legacy || !accept_features(vdev)))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	if (vdev->legacy ? added & VIRTIO_CONFIG_S_DRIVER_OK &&
				   !accept_features(vdev)
			 : !((old | added) & VIRTIO_CONFIG_S_FEATURES_OK))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK;
	word_or(vdev, WORD_STATUS, added);
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		start(vdev);
}

void virtio_device_enable_queue(struct virtio_device *vdev, unsigned int q,
				const struct virtq_setup *setup)
{
	struct virtq *vq = &vdev->vq[q];
	const char *why = NULL;

	if (vq->ready)
		return;
	hold(vdev);
	if (virtq_enable(vq, vdev->gmem, setup, &why))
		virtio_device_fail(vdev, q, why);
	else
		virtq_set_features(vq, vdev->features);
	release(vdev);
}

void virtio_device_disable_queue(struct virtio_device *vdev, unsigned int q)
{
	hold(vdev);
	if (vdev->offloaded) {
		/* vhost kept the ring's indices to itself. */
		stop_offload(vdev);
		virtio_device_fail(vdev, q, "disabled while in use");
	}
	virtq_disable(&vdev->vq[q]);
	release(vdev);
}

bool virtio_device_queue_ready(const struct virtio_device *vdev, unsigned int q)
{
	return vdev->vq[q].ready;
}

/* --- life ----------------------------------------------------------------- */

int virtio_device_attach(struct virtio_device *vdev, const struct gmem *gmem,
			 const struct irq_line *irq, int irq_fd,
			 struct error *err)
{
	const char *name = vdev->ops->name;
	unsigned int q;
	int ret;

	vdev->gmem = gmem;
	vdev->irq = *irq;
	vdev->irq_fd = irq_fd;
	pthread_mutex_init(&vdev->publish_lock, NULL);
	pthread_mutex_init(&vdev->sticky_lock, NULL);
	vdev->vq = calloc(vdev->nr_queues, sizeof(*vdev->vq));
	vdev->kick = malloc(vdev->nr_queues * sizeof(*vdev->kick));
	for (q = 0; vdev->kick && q < vdev->nr_queues; q++)
		vdev->kick[q] = -1;
	if (!vdev->vq || !vdev->kick)
		return error_set(err, TL_FAIL, ENOMEM, "%s %s: out of memory",
				 name, vdev->label);
	for (q = 0; q < vdev->nr_queues; q++) {
		ret = virtq_init(&vdev->vq[q], vdev->queue_max, err);
		if (ret)
			return ret;
		vdev->kick[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vdev->kick[q] < 0)
			return error_set(err, TL_HOST, errno,
					 "%s %s: eventfd: %s", name,
					 vdev->label, strerror(errno));
	}
	return 0;
}

int virtio_device_start(struct virtio_device *vdev, struct error *err)
{
	struct worker_config config = {
		.name = vdev->ops->name,
		.nr_fds = vdev->nr_queues + vdev->nr_fds,
		.ready = worker_ready,
		.opaque = vdev,
	};
	unsigned int i;
	int *fds, ret;

	fds = malloc(config.nr_fds * sizeof(*fds));
	if (!fds)
		return error_set(err, TL_FAIL, ENOMEM, "%s %s: out of memory",
				 vdev->ops->name, vdev->label);
	for (i = 0; i < vdev->nr_queues; i++)
		fds[i] = vdev->kick[i];
	for (i = 0; i < vdev->nr_fds; i++)
		fds[vdev->nr_queues + i] = vdev->fd[i];
	config.fds = fds;
	ret = worker_new(&config, &vdev->worker, err);
	free(fds);
	for (i = 0; !ret && i < vdev->nr_fds; i++)
		virtio_device_watch(vdev, i, 0);
	return ret;
}

void virtio_device_free(struct virtio_device *vdev)
{
	unsigned int q;

	if (!vdev)
		return;
	worker_free(vdev->worker);
	vdev->worker = NULL;
	stop_offload(vdev);
	for (q = 0; vdev->kick && q < vdev->nr_queues; q++) {
		if (vdev->kick[q] >= 0)
			close(vdev->kick[q]);
	}
	for (q = 0; vdev->vq && q < vdev->nr_queues; q++)
		virtq_destroy(&vdev->vq[q]);
	free(vdev->kick);
	free(vdev->vq);
	vdev->ops->free(vdev);
}
