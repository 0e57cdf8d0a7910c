/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What virtio-blk talks to: something with sectors.  virtio/ sees this header
 * only; each kind of disk is a file of its own beside it.
 */
#ifndef TL_BACKEND_DISK_H
#define TL_BACKEND_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/error.h"

struct disk;

struct disk_ops {
	/*
	 * Transfer all of @iov at byte @offset; the range lies within the disk.
	 * 0, or -errno when not everything was transferred.
	 */
	int (*read)(struct disk *disk, const struct iovec *iov, int iovcnt,
		    uint64_t offset);
	int (*write)(struct disk *disk, const struct iovec *iov, int iovcnt,
		     uint64_t offset);
	/* All completed writes are on stable storage when this returns 0. */
	int (*flush)(struct disk *disk);
	void (*close)(struct disk *disk);
};

/* The head of every back-end's own structure. */
struct disk {
	const struct disk_ops *ops;
	uint64_t size; /* bytes, a multiple of 512, not 0 */
	bool read_only;
	char id[20]; /* VIRTIO_BLK_T_GET_ID: padded with NUL, not terminated */
};

/*
 * Open @path, a raw image or block device.  The error says what is the matter
 * with it: missing, empty, no whole number of 512-byte sectors, a directory, no
 * permission, already in use by another VM (an advisory lock is taken: shared
 * for @read_only, exclusive otherwise).  All have status TL_DISK.
 */
int disk_raw_open(const char *path, bool read_only, struct disk **disk,
		  struct error *err);

static inline void disk_close(struct disk *disk)
{
	if (disk)
		disk->ops->close(disk);
}

#endif
