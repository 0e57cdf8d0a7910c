/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What virtio-blk talks to: something with sectors.  virtio/ sees this header
 * only; each kind of disk is a file of its own beside it.
 *
 *   disk-open.c     the stack that a user's options ask for:
 *     disk-overlay.c   writes go to a file of their own, reads fall through
 *       disk-raw.c     an image file or a block device
 *         block-file.c   the system calls: transfers, holes, O_DIRECT
 *
 * One thread at a time uses a disk.
 */
#ifndef TL_BACKEND_DISK_H
#define TL_BACKEND_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/error.h"

#define DISK_ID_BYTES 20 /* VIRTIO_BLK_T_GET_ID (virtio 1.2, 5.2.6) */

struct disk;

/* All ranges are in bytes and lie within the disk. */
struct disk_ops {
	/*
	 * Transfer all of @iov at byte @offset.  0, or -errno when not
	 * everything was transferred.
	 */
	int (*read)(struct disk *disk, const struct iovec *iov, int iovcnt,
		    uint64_t offset);
	int (*write)(struct disk *disk, const struct iovec *iov, int iovcnt,
		     uint64_t offset);
	/*
	 * The range's contents are of no use any more, and what they are from
	 * now on is anybody's guess.  A disk that cannot make use of that
	 * succeeds.  NULL: never of use.
	 */
	int (*discard)(struct disk *disk, uint64_t offset, uint64_t len);
	/*
	 * The range reads as zeroes.  With @unmap it need not keep its space
	 * on the host.  NULL: not supported.
	 */
	int (*write_zeroes)(struct disk *disk, uint64_t offset, uint64_t len,
			    bool unmap);
	/* All completed writes are on stable storage when this returns 0. */
	int (*flush)(struct disk *disk);
	void (*close)(struct disk *disk);
};

/* The head of every back-end's own structure. */
struct disk {
	const struct disk_ops *ops;
	uint64_t size; /* bytes, a multiple of 512, not 0 */
	/*
	 * Bytes, powers of two: what the guest does well to align to, and what
	 * it does well to write at once.  0: nothing to tell.
	 */
	uint32_t block_size;
	uint32_t optimal_size;
	bool read_only;
	char id[DISK_ID_BYTES];  /* padded with NUL, not terminated */
	unsigned int extra_refs; /* see disk_get() */
};

/* What a user may say of a disk: -d of `trapline run`. */
struct disk_options {
	const char *path;
	const char *overlay; /* keep writes there, NULL: in @path itself */
	const char *id;      /* 1 to DISK_ID_BYTES characters, or NULL */
	bool read_only;
	bool snapshot;       /* keep writes until the disk is closed */
	bool direct;         /* past the host's page cache */
	unsigned int queues; /* of the device, 1 and more */
};

/*
 * Open the disk that @opt describes, with all its layers.  All errors have
 * status TL_DISK.
 */
int disk_open(const struct disk_options *opt, struct disk **disk,
	      struct error *err);

/*
 * Open @path, a raw image or block device.  The error says what is the matter
 * with it: missing, empty, no whole number of 512-byte sectors, a directory, no
 * permission, already in use by another VM (an advisory lock is taken: shared
 * for @read_only, exclusive otherwise), no direct I/O to be had.  All have
 * status TL_DISK.
 */
int disk_raw_open(const char *path, bool read_only, bool direct,
		  struct disk **disk, struct error *err);

/*
 * A disk over @base, which is only read from: writes go to the overlay file
 * @path (docs/disk-overlay.md), created if it is missing or empty.  @base_path
 * is the base's file, whose size and time of change are recorded or checked.
 * @read_only: neither created nor written to.  Takes @base, also when this
 * fails.  All errors have status TL_DISK: not an overlay, damaged, of another
 * base, in use.
 */
int disk_overlay_open(struct disk *base, const char *base_path,
		      const char *path, bool read_only, bool direct,
		      struct disk **disk, struct error *err);

/*
 * The same with a temporary file without a name, in $TMPDIR, /var/tmp or /tmp:
 * the writes are gone when the disk is closed, however that comes about.
 * Flushes cost nothing.
 */
int disk_snapshot_open(struct disk *base, bool direct, struct disk **disk,
		       struct error *err);

/*
 * One more owner: a disk is closed when disk_close() was called once for each.
 * The owners share a thread.
 */
static inline struct disk *disk_get(struct disk *disk)
{
	disk->extra_refs++;
	return disk;
}

static inline void disk_close(struct disk *disk)
{
	if (!disk)
		return;
	if (disk->extra_refs)
		disk->extra_refs--;
	else
		disk->ops->close(disk);
}

#endif
