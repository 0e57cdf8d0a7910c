// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "lib/clock.h"
#include "virtio/device.h"

#define QUEUE_MAX   256
#define SECTOR_SIZE 512 /* the unit of capacity and sector (5.2.4) */
#define F(bit)      (UINT64_C(1) << VIRTIO_BLK_F_##bit)

/*
 * One interrupt for all that is completed in one go, as long as no completion
 * waits much longer than an interrupt costs.
 */
#define BATCH_NS UINT64_C(200000)

/*
 * A segment of DISCARD or WRITE_ZEROES: a file system's hole costs nothing, but
 * zeroes may have to be written, and nothing else is served meanwhile.
 */
#define DISCARD_MAX (UINT32_C(1) << 23) /* sectors: 4 GiB */
#define ZEROES_MAX  (UINT32_C(1) << 16) /* 32 MiB */
#define RANGES_MAX  16                  /* segments in a request */
#define HOLE_ALIGN  4096                /* bytes; smaller holes free nothing */

struct virtio_blk {
	struct virtio_device vdev; /* first: the two are cast */
	struct disk *disk;
	struct virtio_blk_config config;
	/*
	 * What the driver chose with CONFIG_WCE, or WCE_UNSET.  Written by a
	 * vCPU, read by the worker: atomic.
	 */
	uint8_t wce;
};

#define WCE_UNSET 0xff

/* One request with header and status byte taken off. */
struct request {
	unsigned int queue;
	uint32_t type;
	uint64_t sector;
	struct iov_buf out; /* data to write to the disk */
	struct iov_buf in;  /* room for data from it */
	uint32_t out_len;
	uint32_t in_len;
};

static struct virtio_blk *to_blk(struct virtio_device *vdev)
{
	return (struct virtio_blk *)vdev;
}

static bool has_feature(const struct virtio_blk *blk, uint64_t feature)
{
	return blk->vdev.features & feature;
}

/* 5.2.6.2: whole sectors, all of them within the capacity. */
static bool in_range(const struct disk *disk, uint64_t sector, uint32_t sectors)
{
	uint64_t capacity = disk->size / SECTOR_SIZE;

	return sector <= capacity && sectors <= capacity - sector;
}

static bool bytes_in_range(const struct disk *disk, uint64_t sector,
			   uint32_t len)
{
	return len % SECTOR_SIZE == 0 &&
	       in_range(disk, sector, len / SECTOR_SIZE);
}

/*
 * 5.2.5.2: what the driver said if it could and did; otherwise a driver that
 * does not know FLUSH counts on write-through.
 */
static bool is_writeback(const struct virtio_blk *blk)
{
	uint8_t wce = __atomic_load_n(&blk->wce, __ATOMIC_SEQ_CST);

	if (wce != WCE_UNSET)
		return wce;
	return has_feature(blk, F(FLUSH));
}

static uint8_t blk_flush(struct virtio_blk *blk)
{
	return blk->disk->ops->flush(blk->disk) ? VIRTIO_BLK_S_IOERR
						: VIRTIO_BLK_S_OK;
}

/* The end of a request that changed the disk. */
static uint8_t changed(struct virtio_blk *blk, int ret)
{
	if (ret)
		return VIRTIO_BLK_S_IOERR;
	return is_writeback(blk) ? VIRTIO_BLK_S_OK : blk_flush(blk);
}

static uint8_t blk_read(struct disk *disk, const struct request *req,
			uint32_t *filled)
{
	if (!bytes_in_range(disk, req->sector, req->in_len) ||
	    disk->ops->read(disk, req->in.iov, (int)req->in.nr,
			    req->sector * SECTOR_SIZE))
		return VIRTIO_BLK_S_IOERR;
	*filled = req->in_len;
	return VIRTIO_BLK_S_OK;
}

static uint8_t blk_write(struct virtio_blk *blk, const struct request *req)
{
	struct disk *disk = blk->disk;

	if (disk->read_only || !bytes_in_range(disk, req->sector, req->out_len))
		return VIRTIO_BLK_S_IOERR;
	return changed(blk,
		       disk->ops->write(disk, req->out.iov, (int)req->out.nr,
					req->sector * SECTOR_SIZE));
}

/* 5.2.6.2: which flags a segment may have, how long it may be, and where. */
static uint8_t check_range(const struct disk *disk, bool discard,
			   uint64_t sector, uint32_t sectors, uint32_t flags)
{
	if (flags & (discard ? UINT32_MAX
			     : ~(uint32_t)VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
		return VIRTIO_BLK_S_UNSUPP;
	if (sectors > (discard ? DISCARD_MAX : ZEROES_MAX) ||
	    !in_range(disk, sector, sectors))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

/* DISCARD and WRITE_ZEROES: nothing is done if any of the segments is bad. */
static uint8_t blk_ranges(struct virtio_blk *blk, const struct request *req)
{
	struct virtio_blk_discard_write_zeroes range[RANGES_MAX];
	bool discard = req->type == VIRTIO_BLK_T_DISCARD;
	struct disk *disk = blk->disk;
	unsigned int i, nr = req->out_len / sizeof(range[0]);
	uint64_t offset, len;
	uint32_t flags;
	uint8_t status;
	int ret = 0;

	if (!has_feature(blk, discard ? F(DISCARD) : F(WRITE_ZEROES)))
		return VIRTIO_BLK_S_UNSUPP;
	if (disk->read_only || req->out_len % sizeof(range[0]) ||
	    nr > RANGES_MAX)
		return VIRTIO_BLK_S_IOERR;
	iov_copy_out(&req->out, range, req->out_len);
	for (i = 0; i < nr; i++) {
		status = check_range(disk, discard, le64toh(range[i].sector),
				     le32toh(range[i].num_sectors),
				     le32toh(range[i].flags));
		if (status != VIRTIO_BLK_S_OK)
			return status;
	}
	for (i = 0; i < nr && !ret; i++) {
		offset = le64toh(range[i].sector) * SECTOR_SIZE;
		len = (uint64_t)le32toh(range[i].num_sectors) * SECTOR_SIZE;
		flags = le32toh(range[i].flags);
		if (!len)
			continue;
		if (discard)
			ret = disk->ops->discard(disk, offset, len);
		else
			ret = disk->ops->write_zeroes(
				disk, offset, len,
				flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	}
	return changed(blk, ret);
}

/* @filled: how many bytes at the start of req->in were written. */
static uint8_t blk_execute(struct virtio_blk *blk, const struct request *req,
			   uint32_t *filled)
{
	*filled = 0;
	/* What may take long does not keep the ones before it waiting. */
	if (req->type != VIRTIO_BLK_T_IN && req->type != VIRTIO_BLK_T_OUT)
		virtio_device_signal(&blk->vdev, req->queue);
	switch (req->type) {
	case VIRTIO_BLK_T_IN:
		return blk_read(blk->disk, req, filled);
	case VIRTIO_BLK_T_OUT:
		return blk_write(blk, req);
	case VIRTIO_BLK_T_FLUSH:
		return blk_flush(blk);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return blk_ranges(blk, req);
	case VIRTIO_BLK_T_GET_ID:
		*filled = (uint32_t)iov_copy_in(&req->in, blk->disk->id,
						sizeof(blk->disk->id));
		return VIRTIO_BLK_S_OK;
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/*
 * 5.2.6: header, data, status.  0 and the number of bytes written from the
 * start of the device-writable part, or -EPROTO where there is no place to
 * report to or nothing to act on.
 */
static int blk_request(struct virtio_blk *blk, unsigned int q,
		       const struct virtq_chain *chain, uint32_t *written)
{
	struct virtio_blk_outhdr hdr;
	struct request req = { q, .out = chain->out, .in = chain->in };
	struct iovec *last;
	uint8_t *status;

	if (chain->in_len < 1 ||
	    iov_copy_out(&chain->out, &hdr, sizeof(hdr)) < sizeof(hdr))
		return -EPROTO;
	last = &chain->in.iov[chain->in.nr - 1];
	status = (uint8_t *)last->iov_base + last->iov_len - 1;

	req.type = le32toh(hdr.type);
	req.sector = le64toh(hdr.sector);
	iov_trim_front(&req.out, sizeof(hdr));
	req.out_len = chain->out_len - (uint32_t)sizeof(hdr);
	iov_trim_back(&req.in, 1);
	req.in_len = chain->in_len - 1;

	*status = blk_execute(blk, &req, written);
	/*
	 * The used length promises bytes from the start on (2.7.8.2): behind a
	 * hole, as after a failed read, the status byte does not count.
	 */
	if (*written == req.in_len)
		*written += 1;
	return 0;
}

/*
 * A queue that never runs dry gives way to the others after a lap; what is left
 * is announced again, as if the driver had.
 */
static void blk_process(struct virtio_device *vdev, unsigned int q)
{
	unsigned int budget = QUEUE_MAX;
	uint64_t signalled = monotonic_ns(), now;
	struct virtq_chain chain;
	uint32_t len;

	while (budget && virtio_device_pop(vdev, q, &chain)) {
		if (blk_request(to_blk(vdev), q, &chain, &len)) {
			virtio_device_fail(vdev, q,
					   "request without header or status");
			break;
		}
		virtio_device_push_quietly(vdev, q, &chain, len);
		now = monotonic_ns();
		if (now - signalled > BATCH_NS) {
			virtio_device_signal(vdev, q);
			signalled = now;
		}
		budget--;
	}
	virtio_device_signal(vdev, q);
	if (!budget)
		virtio_device_notify(vdev, q);
}

static void blk_config_read(struct virtio_device *vdev, uint64_t offset,
			    void *buf, size_t len)
{
	struct virtio_blk *blk = to_blk(vdev);
	struct virtio_blk_config config = blk->config;

	config.wce = is_writeback(blk);
	virtio_config_copy(&config, sizeof(config), offset, buf, len);
}

/* The one field that is the driver's to write (5.2.5.2). */
static void blk_config_write(struct virtio_device *vdev, uint64_t offset,
			     const void *buf, size_t len)
{
	struct virtio_blk *blk = to_blk(vdev);

	if (offset != offsetof(struct virtio_blk_config, wce) || len != 1 ||
	    !has_feature(blk, F(CONFIG_WCE)))
		return;
	__atomic_store_n(&blk->wce, *(const uint8_t *)buf != 0,
			 __ATOMIC_SEQ_CST);
}

static void blk_reset(struct virtio_device *vdev)
{
	__atomic_store_n(&to_blk(vdev)->wce, WCE_UNSET, __ATOMIC_SEQ_CST);
}

static void blk_free(struct virtio_device *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);

	disk_close(blk->disk);
	free(blk);
}

static const struct virtio_device_ops blk_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.config_read = blk_config_read,
	.config_write = blk_config_write,
	.process = blk_process,
	.reset = blk_reset,
	.free = blk_free,
};

/* TOPOLOGY (5.2.4): hints for how the guest lays out and cuts its requests. */
static void set_topology(struct virtio_blk *blk)
{
	uint32_t block = blk->disk->block_size / SECTOR_SIZE;

	blk->vdev.offered |= F(TOPOLOGY);
	while (block >> (blk->config.physical_block_exp + 1))
		blk->config.physical_block_exp++;
	blk->config.min_io_size = htole16((uint16_t)(block ? block : 1));
	blk->config.opt_io_size =
		htole32(blk->disk->optimal_size / SECTOR_SIZE);
}

static void set_ranges(struct virtio_blk *blk)
{
	if (blk->disk->ops->discard) {
		blk->vdev.offered |= F(DISCARD);
		blk->config.max_discard_sectors = htole32(DISCARD_MAX);
		blk->config.max_discard_seg = htole32(RANGES_MAX);
		blk->config.discard_sector_alignment =
			htole32(HOLE_ALIGN / SECTOR_SIZE);
	}
	if (blk->disk->ops->write_zeroes) {
		blk->vdev.offered |= F(WRITE_ZEROES);
		blk->config.max_write_zeroes_sectors = htole32(ZEROES_MAX);
		blk->config.max_write_zeroes_seg = htole32(RANGES_MAX);
		blk->config.write_zeroes_may_unmap = 1;
	}
}

int virtio_blk_new(struct disk *disk, unsigned int nr_queues,
		   struct virtio_device **out, struct error *err)
{
	struct virtio_blk *blk;

	*out = NULL;
	blk = calloc(1, sizeof(*blk));
	if (!blk) {
		disk_close(disk);
		return error_set(err, TL_FAIL, ENOMEM,
				 "virtio-blk: out of memory");
	}
	blk->disk = disk;
	blk->wce = WCE_UNSET;
	blk->config.capacity = htole64(disk->size / SECTOR_SIZE);
	/* Header and status take two descriptors of a full-length chain. */
	blk->config.seg_max = htole32(QUEUE_MAX - 2);
	blk->config.blk_size = htole32(SECTOR_SIZE);

	blk->vdev.ops = &blk_ops;
	blk->vdev.nr_queues = nr_queues;
	blk->vdev.queue_max = QUEUE_MAX;
	blk->vdev.offered = F(SEG_MAX) | F(BLK_SIZE) | F(FLUSH);
	set_topology(blk);
	if (disk->read_only) {
		blk->vdev.offered |= F(RO);
	} else {
		blk->vdev.offered |= F(CONFIG_WCE);
		set_ranges(blk);
	}
	if (nr_queues > 1) {
		blk->vdev.offered |= F(MQ);
		blk->config.num_queues = htole16((uint16_t)nr_queues);
	}
	memcpy(blk->vdev.label, disk->id, sizeof(disk->id));
	*out = &blk->vdev;
	return 0;
}
