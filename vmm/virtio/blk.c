// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "virtio/device.h"

#define QUEUE_MAX   256
#define SECTOR_SIZE 512 /* the unit of capacity and sector (5.2.4) */
#define ID_BYTES    20  /* GET_ID (5.2.6) */

struct virtio_blk {
	struct virtio_device vdev; /* first: the two are cast */
	struct disk *disk;
	struct virtio_blk_config config;
};

/* One request with header and status byte taken off. */
struct request {
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

/* 5.2.6.2: whole sectors, all of them within the capacity. */
static bool in_range(const struct disk *disk, uint64_t sector, uint32_t len)
{
	uint64_t capacity = disk->size / SECTOR_SIZE;

	return len % SECTOR_SIZE == 0 && sector <= capacity &&
	       len / SECTOR_SIZE <= capacity - sector;
}

static uint8_t blk_read(struct disk *disk, const struct request *req,
			uint32_t *filled)
{
	if (!in_range(disk, req->sector, req->in_len) ||
	    disk->ops->read(disk, req->in.iov, req->in.nr,
			    req->sector * SECTOR_SIZE))
		return VIRTIO_BLK_S_IOERR;
	*filled = req->in_len;
	return VIRTIO_BLK_S_OK;
}

static uint8_t blk_write(struct virtio_blk *blk, const struct request *req)
{
	struct disk *disk = blk->disk;

	if (disk->read_only || !in_range(disk, req->sector, req->out_len) ||
	    disk->ops->write(disk, req->out.iov, req->out.nr,
			     req->sector * SECTOR_SIZE))
		return VIRTIO_BLK_S_IOERR;
	/* A driver that does not know FLUSH counts on write-through (5.2.6.2). */
	if (!(blk->vdev.features >> VIRTIO_BLK_F_FLUSH & 1) &&
	    disk->ops->flush(disk))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

/* @filled: how many bytes at the start of req->in were written. */
static uint8_t blk_execute(struct virtio_blk *blk, const struct request *req,
			   uint32_t *filled)
{
	*filled = 0;
	switch (req->type) {
	case VIRTIO_BLK_T_IN:
		return blk_read(blk->disk, req, filled);
	case VIRTIO_BLK_T_OUT:
		return blk_write(blk, req);
	case VIRTIO_BLK_T_FLUSH:
		return blk->disk->ops->flush(blk->disk) ? VIRTIO_BLK_S_IOERR
							: VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID:
		*filled = iov_copy_in(&req->in, blk->disk->id, ID_BYTES);
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
static int blk_request(struct virtio_blk *blk, const struct virtq_chain *chain,
		       uint32_t *written)
{
	struct virtio_blk_outhdr hdr;
	struct request req = { .out = chain->out, .in = chain->in };
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
	req.out_len = chain->out_len - sizeof(hdr);
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

static void blk_process(struct virtio_device *vdev, unsigned int q)
{
	struct virtq_chain chain;
	uint32_t written;

	while (virtio_device_pop(vdev, q, &chain)) {
		if (blk_request(to_blk(vdev), &chain, &written)) {
			virtio_device_fail(vdev, q,
					   "request without header or status");
			return;
		}
		virtio_device_push(vdev, q, &chain, written);
	}
}

static void blk_config_read(struct virtio_device *vdev, uint64_t offset,
			    void *buf, size_t len)
{
	const struct virtio_blk_config *config = &to_blk(vdev)->config;

	memset(buf, 0, len);
	if (offset >= sizeof(*config))
		return;
	if (len > sizeof(*config) - offset)
		len = sizeof(*config) - offset;
	memcpy(buf, (const uint8_t *)config + offset, len);
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
	.process = blk_process,
	.free = blk_free,
};

int virtio_blk_new(struct disk *disk, struct virtio_device **out,
		   struct error *err)
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
	blk->config.capacity = htole64(disk->size / SECTOR_SIZE);
	/* Header and status take two descriptors of a full-length chain. */
	blk->config.seg_max = htole32(QUEUE_MAX - 2);
	blk->config.blk_size = htole32(SECTOR_SIZE);

	blk->vdev.ops = &blk_ops;
	blk->vdev.nr_queues = 1;
	blk->vdev.queue_max = QUEUE_MAX;
	blk->vdev.offered = UINT64_C(1) << VIRTIO_BLK_F_SEG_MAX |
			    UINT64_C(1) << VIRTIO_BLK_F_BLK_SIZE |
			    UINT64_C(1) << VIRTIO_BLK_F_FLUSH;
	if (disk->read_only)
		blk->vdev.offered |= UINT64_C(1) << VIRTIO_BLK_F_RO;
	memcpy(blk->vdev.label, disk->id, sizeof(disk->id));
	*out = &blk->vdev;
	return 0;
}
