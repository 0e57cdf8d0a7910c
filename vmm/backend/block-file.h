/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file or block device that holds sectors: whole transfers, holes, zeroes,
 * flushes, direct I/O with bounce buffers, and a warning now and then for what
 * went wrong.  Functions return 0 or -errno.  One thread at a time.
 */
#ifndef TL_BACKEND_BLOCK_FILE_H
#define TL_BACKEND_BLOCK_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>

#include "lib/error.h"

struct block_file {
	int fd;
	char *path;      /* for messages */
	bool is_device;  /* a block device */
	uint32_t sector; /* of a device: its logical block size, else 512 */
	uint32_t align;  /* that direct I/O asks for; 0: not direct */
	bool no_punch;   /* the file system cannot */
	bool no_zero;
	uint8_t *bounce;
	time_t warned_at;
	unsigned long not_told;
};

/*
 * Take @fd, also when this fails.  @path is copied.  -ENOMEM, -errno of fstat.
 */
int block_file_init(struct block_file *bf, int fd, const char *path,
		    struct error *err);
/* Fine for a file of zeroes whose fd is -1. */
void block_file_close(struct block_file *bf);

/*
 * Lock against other VMs, for as long as @fd is open: shared or exclusive.
 * -EBUSY.  A file system without locks is worth a warning, no more.
 */
int block_file_lock(int fd, const char *path, bool shared, struct error *err);

/*
 * Past the page cache from now on.  @align is the alignment to keep to, 0 to
 * find it out, for which the file has to have its size.
 */
int block_file_set_direct(struct block_file *bf, uint32_t align,
			  struct error *err);

int block_file_read(struct block_file *bf, const struct iovec *iov, int iovcnt,
		    uint64_t offset);
int block_file_write(struct block_file *bf, const struct iovec *iov, int iovcnt,
		     uint64_t offset);

/* Give the space back where that is possible; the contents are then lost. */
int block_file_discard(struct block_file *bf, uint64_t offset, uint64_t len);

/* Zeroes, by whatever way there is; @unmap: the space may be given back. */
int block_file_zero(struct block_file *bf, uint64_t offset, uint64_t len,
		    bool unmap);

/* Data, and the metadata needed to find it, are on stable storage. */
int block_file_flush(struct block_file *bf);

/*
 * Segments for the @len bytes of @iov from byte @skip on.  @part has room for
 * as many as @iov; returns how many it took.
 */
int iov_part(const struct iovec *iov, int iovcnt, size_t skip, size_t len,
	     struct iovec *part);

#endif
