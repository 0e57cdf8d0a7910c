// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/balloon.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>

#include "lib/clock.h"
#include "virtio/device.h"

/* 5.5.6: the unit of page numbers, whatever guest and host use. */
#define PAGE_SHIFT  VIRTIO_BALLOON_PFN_SHIFT
#define PAGE_SIZE   (1u << PAGE_SHIFT)

#define QUEUE_MAX   128
#define BATCH       256 /* page numbers copied at a time */

#define HAS(v, bit) ((v)->features >> (bit)&1)

_Static_assert(VIRTIO_BALLOON_STATS == VIRTIO_BALLOON_S_NR,
	       "a place for every statistic");

/*
 * 5.5.2 counts a free page hinting queue before the reporting queue even where
 * hinting, which is not offered here, was not negotiated; Linux leaves no gap.
 * Both find the reporting queue.
 */
enum { Q_INFLATE, Q_DEFLATE, Q_STATS, Q_REPORT, Q_REPORT_GAP, NR_QUEUES };

struct balloon {
	struct virtio_device vdev; /* first: the two are cast */
	pthread_mutex_t lock;
	struct virtio_balloon_stats stats; /* under lock */
	bool asked;                        /* under lock: a poll is open */

	/* "actual" changed; NULL: nobody wants to know. */
	void (*changed)(void *opaque);
	void *opaque;

	/* The worker's: the buffer that answers the next poll (5.5.6.3). */
	bool holds_buffer;
	struct virtq_chain buffer;
};

static struct balloon *to_balloon(struct virtio_device *vdev)
{
	return (struct balloon *)vdev;
}

/* --- inflate --------------------------------------------------------------- */

/* Consecutive pages, of which one madvise() is enough. */
struct run {
	uint64_t first;
	uint64_t nr;
};

static void discard_run(const struct virtio_device *vdev, struct run *run)
{
	uint64_t first = run->first << PAGE_SHIFT, len = run->nr << PAGE_SHIFT;
	void *ptr;

	/* Each page was checked; together they may still cross two regions. */
	ptr = len ? gmem_ptr(vdev->gmem, first, len) : NULL;
	if (ptr)
		gmem_discard(ptr, (size_t)len);
	for (; !ptr && len; first += PAGE_SIZE, len -= PAGE_SIZE)
		gmem_discard(gmem_ptr(vdev->gmem, first, PAGE_SIZE), PAGE_SIZE);
	run->nr = 0;
}

/*
 * Linux fills the balloon from high addresses to low ones as often as the other
 * way: a run grows at both ends.
 */
static int add_page(const struct virtio_device *vdev, struct run *run,
		    uint64_t pfn)
{
	if (!gmem_ptr(vdev->gmem, pfn << PAGE_SHIFT, PAGE_SIZE))
		return -EFAULT;
	if (run->nr && pfn == run->first + run->nr) {
		run->nr++;
	} else if (run->nr && pfn + 1 == run->first) {
		run->first = pfn;
		run->nr++;
	} else {
		discard_run(vdev, run);
		*run = (struct run){ pfn, 1 };
	}
	return 0;
}

static int inflate(const struct virtio_device *vdev, struct virtq_chain *chain)
{
	struct run run = { 0, 0 };
	uint32_t pfn[BATCH];
	size_t got, i;
	int ret = 0;

	while (!ret && chain->out.nr) {
		got = iov_copy_out(&chain->out, pfn, sizeof(pfn));
		iov_trim_front(&chain->out, got);
		for (i = 0; !ret && i < got / sizeof(pfn[0]); i++)
			ret = add_page(vdev, &run, le32toh(pfn[i]));
	}
	discard_run(vdev, &run);
	return ret;
}

static void process_inflate(struct virtio_device *vdev, unsigned int q)
{
	struct virtq_chain chain;

	while (virtio_device_pop(vdev, q, &chain)) {
		if (inflate(vdev, &chain)) {
			virtio_device_fail(vdev, q,
					   "page outside guest memory");
			return;
		}
		virtio_device_push(vdev, q, &chain, 0);
	}
}

/* A page that comes back is there again as soon as the guest touches it. */
static void process_deflate(struct virtio_device *vdev, unsigned int q)
{
	struct virtq_chain chain;

	while (virtio_device_pop(vdev, q, &chain))
		virtio_device_push(vdev, q, &chain, 0);
}

/* --- free page reporting (5.5.6.7) ----------------------------------------- */

static void process_report(struct virtio_device *vdev, unsigned int q)
{
	struct balloon *balloon = to_balloon(vdev);
	struct virtq_chain chain;
	uint64_t freed;
	unsigned int i;

	while (virtio_device_pop(vdev, q, &chain)) {
		freed = 0;
		for (i = 0; i < chain.in.nr; i++)
			freed += gmem_discard(chain.in.iov[i].iov_base,
					      chain.in.iov[i].iov_len);
		pthread_mutex_lock(&balloon->lock);
		balloon->stats.reported += freed;
		pthread_mutex_unlock(&balloon->lock);
		virtio_device_push(vdev, q, &chain, 0);
	}
}

/* --- statistics (5.5.6.3) -------------------------------------------------- */

static void take_report(struct balloon *balloon, struct virtq_chain *chain)
{
	struct virtio_balloon_stats *stats = &balloon->stats;
	struct virtio_balloon_stat stat;
	unsigned int tag, nr;

	pthread_mutex_lock(&balloon->lock);
	stats->valid = 0;
	/* Twice as many as there are tags: more can only be nonsense. */
	for (nr = 0; nr < 2 * VIRTIO_BALLOON_STATS; nr++) {
		if (iov_copy_out(&chain->out, &stat, sizeof(stat)) <
		    sizeof(stat))
			break;
		iov_trim_front(&chain->out, sizeof(stat));
		tag = le16toh(stat.tag);
		/* Tags of later versions are to be ignored. */
		if (tag >= VIRTIO_BALLOON_STATS)
			continue;
		stats->value[tag] = le64toh(stat.val);
		stats->valid |= 1u << tag;
	}
	stats->when_ns = monotonic_ns();
	balloon->asked = false;
	pthread_mutex_unlock(&balloon->lock);
}

static bool is_asked(struct balloon *balloon)
{
	bool asked;

	pthread_mutex_lock(&balloon->lock);
	asked = balloon->asked;
	pthread_mutex_unlock(&balloon->lock);
	return asked;
}

static void process_stats(struct virtio_device *vdev, unsigned int q)
{
	struct balloon *balloon = to_balloon(vdev);
	struct virtq_chain chain;

	if (balloon->holds_buffer && is_asked(balloon)) {
		balloon->holds_buffer = false;
		virtio_device_push(vdev, q, &balloon->buffer, 0);
	}
	while (virtio_device_pop(vdev, q, &chain)) {
		/* One is all that the device keeps; a second goes back. */
		if (balloon->holds_buffer)
			virtio_device_push(vdev, q, &balloon->buffer, 0);
		take_report(balloon, &chain);
		balloon->buffer = chain;
		balloon->holds_buffer = true;
	}
}

bool virtio_balloon_poll_stats(struct virtio_device *vdev)
{
	struct balloon *balloon = to_balloon(vdev);
	bool can;

	pthread_mutex_lock(&balloon->lock);
	can = balloon->stats.when_ns && !balloon->asked;
	if (can)
		balloon->asked = true;
	pthread_mutex_unlock(&balloon->lock);
	if (can)
		virtio_device_notify(vdev, Q_STATS);
	return can;
}

void virtio_balloon_get_stats(struct virtio_device *vdev,
			      struct virtio_balloon_stats *stats)
{
	struct balloon *balloon = to_balloon(vdev);

	pthread_mutex_lock(&balloon->lock);
	*stats = balloon->stats;
	pthread_mutex_unlock(&balloon->lock);
}

/* --- configuration space (5.5.4) ------------------------------------------- */

/* A page count has 32 bits. */
static uint64_t to_target(uint64_t bytes)
{
	const uint64_t max = (uint64_t)UINT32_MAX << PAGE_SHIFT;

	if (bytes > max)
		return max;
	return (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

void virtio_balloon_set_target(struct virtio_device *vdev, uint64_t bytes)
{
	struct balloon *balloon = to_balloon(vdev);
	uint64_t target = to_target(bytes);
	bool changed;

	pthread_mutex_lock(&balloon->lock);
	changed = balloon->stats.target != target;
	balloon->stats.target = target;
	pthread_mutex_unlock(&balloon->lock);
	if (changed)
		virtio_device_config_changed(vdev);
}

struct config {
	uint32_t num_pages;
	uint32_t actual;
};

/* Of guest memory, or what the driver said in 32 bits. */
static uint32_t pages(uint64_t bytes)
{
	return htole32((uint32_t)(bytes >> PAGE_SHIFT));
}

static struct config get_config(struct balloon *balloon)
{
	struct config config;

	pthread_mutex_lock(&balloon->lock);
	config.num_pages = pages(balloon->stats.target);
	config.actual = pages(balloon->stats.actual);
	pthread_mutex_unlock(&balloon->lock);
	return config;
}

static void balloon_config_read(struct virtio_device *vdev, uint64_t offset,
				void *buf, size_t len)
{
	const struct config config = get_config(to_balloon(vdev));

	virtio_config_copy(&config, sizeof(config), offset, buf, len);
}

/* "actual" is the driver's, in whatever pieces it writes it. */
static void balloon_config_write(struct virtio_device *vdev, uint64_t offset,
				 const void *buf, size_t len)
{
	const size_t first = offsetof(struct config, actual);
	struct balloon *balloon = to_balloon(vdev);
	struct config config = get_config(balloon);
	uint64_t actual;
	bool changed;

	if (offset < first || offset >= sizeof(config))
		return;
	if (len > sizeof(config) - offset)
		len = (size_t)(sizeof(config) - offset);
	memcpy((uint8_t *)&config + offset, buf, len);
	actual = (uint64_t)le32toh(config.actual) << PAGE_SHIFT;
	pthread_mutex_lock(&balloon->lock);
	changed = balloon->stats.actual != actual;
	balloon->stats.actual = actual;
	pthread_mutex_unlock(&balloon->lock);
	if (changed && balloon->changed)
		balloon->changed(balloon->opaque);
}

/* --- life ------------------------------------------------------------------ */

static void balloon_process(struct virtio_device *vdev, unsigned int q)
{
	bool stats = HAS(vdev, VIRTIO_BALLOON_F_STATS_VQ);
	bool report = HAS(vdev, VIRTIO_BALLOON_F_REPORTING);

	/* Without statistics Linux has the reporting queue in their place. */
	if (q == Q_INFLATE)
		process_inflate(vdev, q);
	else if (q == Q_DEFLATE)
		process_deflate(vdev, q);
	else if (q == Q_STATS && stats)
		process_stats(vdev, q);
	else if (report)
		process_report(vdev, q);
}

static void balloon_reset(struct virtio_device *vdev)
{
	struct balloon *balloon = to_balloon(vdev);

	balloon->holds_buffer = false;
	pthread_mutex_lock(&balloon->lock);
	/* A driver that begins anew has all of its memory. */
	balloon->stats.actual = 0;
	balloon->stats.when_ns = 0;
	balloon->stats.valid = 0;
	balloon->asked = false;
	pthread_mutex_unlock(&balloon->lock);
}

void virtio_balloon_on_change(struct virtio_device *vdev,
			      void (*changed)(void *opaque), void *opaque)
{
	struct balloon *balloon = to_balloon(vdev);

	balloon->changed = changed;
	balloon->opaque = opaque;
}

static void balloon_free(struct virtio_device *vdev)
{
	struct balloon *balloon = to_balloon(vdev);

	pthread_mutex_destroy(&balloon->lock);
	free(balloon);
}

static const struct virtio_device_ops balloon_ops = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.config_read = balloon_config_read,
	.config_write = balloon_config_write,
	.process = balloon_process,
	.reset = balloon_reset,
	.free = balloon_free,
};

int virtio_balloon_new(uint64_t target, struct virtio_device **out,
		       struct error *err)
{
	struct balloon *balloon;

	*out = NULL;
	balloon = calloc(1, sizeof(*balloon));
	if (!balloon)
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtio-balloon: out of memory");
	pthread_mutex_init(&balloon->lock, NULL);
	balloon->stats.target = to_target(target);
	balloon->vdev.ops = &balloon_ops;
	balloon->vdev.nr_queues = NR_QUEUES;
	balloon->vdev.queue_max = QUEUE_MAX;
	balloon->vdev.offered = UINT64_C(1) << VIRTIO_BALLOON_F_STATS_VQ |
				UINT64_C(1) << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
				UINT64_C(1) << VIRTIO_BALLOON_F_REPORTING;
	*out = &balloon->vdev;
	return 0;
}
