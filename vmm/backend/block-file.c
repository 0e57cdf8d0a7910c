// SPDX-License-Identifier: GPL-2.0-only
#include "backend/block-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "lib/log.h"

#define WARN_INTERVAL 10 /* seconds between two warnings about a file */
#define BOUNCE_SIZE   (128u << 10)
#define MAX_ALIGN     4096u

/* The guest gets every error; the person at the terminal one in a while. */
static int io_error(struct block_file *bf, const char *verb, uint64_t offset,
		    int errnum)
{
	char more[48] = "";
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (bf->warned_at && now.tv_sec - bf->warned_at < WARN_INTERVAL) {
		bf->not_told++;
		return -errnum;
	}
	if (bf->not_told)
		snprintf(more, sizeof(more), ", and saw %lu more before",
			 bf->not_told);
	log_warn("disk '%s': cannot %s at byte %" PRIu64
		 ": %s; the guest sees an I/O error%s",
		 bf->path, verb, offset, strerror(errnum), more);
	bf->warned_at = now.tv_sec ? now.tv_sec : 1;
	bf->not_told = 0;
	return -errnum;
}

/* --- open and close ------------------------------------------------------- */

int block_file_init(struct block_file *bf, int fd, const char *path,
		    struct error *err)
{
	struct stat st;
	int sector, ret;

	*bf = (struct block_file){ .fd = fd, .sector = 512 };
	if (fstat(fd, &st) < 0) {
		ret = error_set(err, TL_DISK, errno, "disk '%s': %s", path,
				strerror(errno));
		goto close_file;
	}
	bf->is_device = S_ISBLK(st.st_mode);
	if (bf->is_device && ioctl(fd, BLKSSZGET, &sector) == 0)
		bf->sector = (uint32_t)sector;
	bf->path = strdup(path);
	if (bf->path)
		return 0;
	ret = error_set(err, TL_DISK, ENOMEM, "disk '%s': out of memory", path);
close_file:
	block_file_close(bf);
	return ret;
}

void block_file_close(struct block_file *bf)
{
	if (bf->fd >= 0)
		close(bf->fd); /* and the lock with it */
	bf->fd = -1;
	free(bf->path);
	free(bf->bounce);
	bf->path = NULL;
	bf->bounce = NULL;
}

/*
 * The lock belongs to the open file description: it outlives other descriptors
 * of the file in this process, and goes with the last close.
 */
int block_file_lock(int fd, const char *path, bool shared, struct error *err)
{
	struct flock lock = {
		.l_type = shared ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	/* EACCES is what a kernel without file locking answers. */
	if (errno == EAGAIN)
		return error_set(err, TL_DISK, EBUSY,
				 "disk '%s': in use by another VM or given "
				 "twice; stop the other, use a copy, or share "
				 "it everywhere with ',ro' or ',snapshot'",
				 path);
	/* A file system without locks is a reason to tell, not to refuse. */
	log_warn("disk '%s': cannot be locked (%s); make sure that no other VM "
		 "uses it",
		 path, strerror(errno));
	return 0;
}

/*
 * No interface older than Linux 6.1 tells what a file's direct I/O has to be
 * aligned to: try the smallest.
 */
static uint32_t find_align(struct block_file *bf)
{
	if (bf->is_device)
		return bf->sector;
	/* Not better aligned than that, in memory either. */
	if (pread(bf->fd, bf->bounce + 512, 512, 0) < 0 && errno == EINVAL)
		return MAX_ALIGN;
	return 512;
}

int block_file_set_direct(struct block_file *bf, uint32_t align,
			  struct error *err)
{
	int flags = fcntl(bf->fd, F_GETFL);

	bf->bounce = aligned_alloc(MAX_ALIGN, BOUNCE_SIZE);
	if (!bf->bounce)
		return error_set(err, TL_DISK, ENOMEM,
				 "disk '%s': out of memory", bf->path);
	if (flags < 0 || fcntl(bf->fd, F_SETFL, flags | O_DIRECT) < 0)
		return error_set(err, TL_DISK, errno,
				 "disk '%s': no direct I/O on its file system "
				 "(%s); leave out ',direct'",
				 bf->path, strerror(errno));
	bf->align = align ? align : find_align(bf);
	return 0;
}

/* --- transfers ------------------------------------------------------------ */

typedef ssize_t (*vector_fn)(int fd, const struct iovec *iov, int iovcnt,
			     off_t offset);

/*
 * Transfer all of @iov.  The kernel may stop anywhere: a segment that it leaves
 * half done is finished by itself, so that @iov need not be copied.  Returns 0
 * or a positive errno, EIO where the file ends.
 */
static int transfer(int fd, vector_fn fn, const struct iovec *iov, int iovcnt,
		    uint64_t offset)
{
	struct iovec rest = { NULL, 0 };
	size_t done = 0;
	ssize_t n;

	for (;;) {
		/* Account for the bytes just done. */
		if (rest.iov_len) {
			rest.iov_base = (uint8_t *)rest.iov_base + done;
			rest.iov_len -= done;
			done = 0;
		}
		if (!rest.iov_len) {
			while (iovcnt && done >= iov->iov_len) {
				done -= iov->iov_len;
				iov++;
				iovcnt--;
			}
			if (done) {
				rest.iov_base = (uint8_t *)iov->iov_base + done;
				rest.iov_len = iov->iov_len - done;
				iov++;
				iovcnt--;
			}
		}
		if (!rest.iov_len && !iovcnt)
			return 0;

		do {
			if (rest.iov_len)
				n = fn(fd, &rest, 1, (off_t)offset);
			else
				n = fn(fd, iov,
				       iovcnt < IOV_MAX ? iovcnt : IOV_MAX,
				       (off_t)offset);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			return errno;
		if (n == 0)
			return EIO;
		done = (size_t)n;
		offset += done;
	}
}

int iov_part(const struct iovec *iov, int iovcnt, size_t skip, size_t len,
	     struct iovec *part)
{
	size_t n;
	int i, nr = 0;

	for (i = 0; i < iovcnt && len; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		n = iov[i].iov_len - skip;
		if (n > len)
			n = len;
		part[nr].iov_base = (uint8_t *)iov[i].iov_base + skip;
		part[nr++].iov_len = n;
		len -= n;
		skip = 0;
	}
	return nr;
}

/* A place in a vector, for a copy that goes on where the last one ended. */
struct cursor {
	const struct iovec *iov;
	size_t done; /* of *iov */
};

static void copy(struct cursor *at, uint8_t *buf, size_t len, bool to_buf)
{
	uint8_t *seg;
	size_t n;

	for (; len; len -= n, buf += n) {
		seg = (uint8_t *)at->iov->iov_base + at->done;
		n = at->iov->iov_len - at->done;
		if (n > len)
			n = len;
		if (to_buf && n)
			memcpy(buf, seg, n);
		else if (n)
			memcpy(seg, buf, n);
		at->done += n;
		if (at->done == at->iov->iov_len) {
			at->iov++;
			at->done = 0;
		}
	}
}

static bool is_aligned(const struct block_file *bf, const struct iovec *iov,
		       int iovcnt, uint64_t offset)
{
	uint64_t bits = offset;
	int i;

	for (i = 0; i < iovcnt; i++)
		bits |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
	return bits % bf->align == 0;
}

static int bounce_io(struct block_file *bf, vector_fn fn, uint64_t offset,
		     size_t len)
{
	struct iovec iov = { bf->bounce, len };

	return transfer(bf->fd, fn, &iov, 1, offset);
}

/*
 * Direct I/O by way of an aligned buffer.  A write that covers part of a block
 * at either end reads that block first.
 */
static int bounce(struct block_file *bf, bool write, const struct iovec *iov,
		  int iovcnt, uint64_t offset)
{
	struct cursor at = { iov, 0 };
	size_t total = 0, head, n, span;
	int i, ret;

	for (i = 0; i < iovcnt; i++)
		total += iov[i].iov_len;
	for (; total; total -= n, offset += n) {
		head = (size_t)(offset % bf->align);
		n = BOUNCE_SIZE - head < total ? BOUNCE_SIZE - head : total;
		span = (head + n + bf->align - 1) / bf->align * bf->align;
		ret = 0;
		if (!write || head || span != n)
			ret = bounce_io(bf, preadv, offset - head, span);
		if (!ret)
			copy(&at, bf->bounce + head, n, write);
		if (!ret && write)
			ret = bounce_io(bf, pwritev, offset - head, span);
		if (ret)
			return ret;
	}
	return 0;
}

static int block_file_io(struct block_file *bf, bool write,
			 const struct iovec *iov, int iovcnt, uint64_t offset)
{
	int ret;

	if (bf->align && !is_aligned(bf, iov, iovcnt, offset))
		ret = bounce(bf, write, iov, iovcnt, offset);
	else
		ret = transfer(bf->fd, write ? pwritev : preadv, iov, iovcnt,
			       offset);
	return ret ? io_error(bf, write ? "write" : "read", offset, ret) : 0;
}

int block_file_read(struct block_file *bf, const struct iovec *iov, int iovcnt,
		    uint64_t offset)
{
	return block_file_io(bf, false, iov, iovcnt, offset);
}

int block_file_write(struct block_file *bf, const struct iovec *iov, int iovcnt,
		     uint64_t offset)
{
	return block_file_io(bf, true, iov, iovcnt, offset);
}

int block_file_flush(struct block_file *bf)
{
	return fdatasync(bf->fd) ? io_error(bf, "flush", 0, errno) : 0;
}

/* --- holes and zeroes ----------------------------------------------------- */

static bool cannot(int errnum)
{
	return errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == ENOTTY;
}

static int allocate(struct block_file *bf, int mode, uint64_t offset,
		    uint64_t len)
{
	int ret;

	do {
		ret = fallocate(bf->fd, mode, (off_t)offset, (off_t)len);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? errno : 0;
}

static int device_range(struct block_file *bf, unsigned long request,
			uint64_t offset, uint64_t len)
{
	uint64_t range[2] = { offset, len };

	return ioctl(bf->fd, request, range) < 0 ? errno : 0;
}

int block_file_discard(struct block_file *bf, uint64_t offset, uint64_t len)
{
	uint64_t end = (offset + len) / bf->sector * bf->sector;
	uint64_t start = (offset + bf->sector - 1) / bf->sector * bf->sector;
	int ret;

	/* A device takes whole sectors of its own, and the ends can stay. */
	if (bf->no_punch || start >= end)
		return 0;
	if (bf->is_device)
		ret = device_range(bf, BLKDISCARD, start, end - start);
	else
		ret = allocate(bf, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       start, end - start);
	if (cannot(ret)) {
		bf->no_punch = true;
		return 0;
	}
	return ret ? io_error(bf, "discard", offset, ret) : 0;
}

static int plain_zeroes(struct block_file *bf, uint64_t offset, uint64_t len)
{
	static uint8_t zeroes[64 << 10] __attribute__((aligned(4096)));
	struct iovec iov = { zeroes, 0 };
	int ret = 0;

	for (; len && !ret; len -= iov.iov_len, offset += iov.iov_len) {
		iov.iov_len = len < sizeof(zeroes) ? (size_t)len
						   : sizeof(zeroes);
		ret = block_file_write(bf, &iov, 1, offset);
	}
	return ret;
}

int block_file_zero(struct block_file *bf, uint64_t offset, uint64_t len,
		    bool unmap)
{
	int ret = EOPNOTSUPP;

	if (!len)
		return 0;
	if (bf->is_device) {
		if ((offset | len) % bf->sector == 0)
			ret = device_range(bf, BLKZEROOUT, offset, len);
	} else {
		if (unmap && !bf->no_punch) {
			ret = allocate(
				bf, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				offset, len);
			bf->no_punch = cannot(ret);
		}
		/* Without KEEP_SIZE: a file that was cut short grows again. */
		if (cannot(ret) && !bf->no_zero) {
			ret = allocate(bf, FALLOC_FL_ZERO_RANGE, offset, len);
			bf->no_zero = cannot(ret);
		}
	}
	if (cannot(ret))
		return plain_zeroes(bf, offset, len);
	return ret ? io_error(bf, "write zeroes", offset, ret) : 0;
}
