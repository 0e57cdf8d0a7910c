// SPDX-License-Identifier: GPL-2.0-only
/* A disk that is a raw image file or a block device. */
#include "backend/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>

#include "lib/log.h"

#define SECTOR_SIZE   512
#define WARN_INTERVAL 10 /* seconds between two warnings about a disk */

struct disk_raw {
	struct disk disk; /* first: the two are cast */
	int fd;
	char *path;
	/* I/O errors, of the one thread that does I/O. */
	time_t warned_at;
	unsigned long not_told;
};

static struct disk_raw *to_raw(struct disk *disk)
{
	return (struct disk_raw *)disk;
}

/* The guest gets every error; the person at the terminal one in a while. */
static int io_error(struct disk_raw *raw, const char *verb, uint64_t offset,
		    int errnum)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (raw->warned_at && now.tv_sec - raw->warned_at < WARN_INTERVAL) {
		raw->not_told++;
		return -errnum;
	}
	log_warn("disk '%s': cannot %s at byte %" PRIu64
		 ": %s; the guest sees an I/O error (%lu untold before)",
		 raw->path, verb, offset, strerror(errnum), raw->not_told);
	raw->warned_at = now.tv_sec ? now.tv_sec : 1;
	raw->not_told = 0;
	return -errnum;
}

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
	ssize_t n = 0;

	for (;;) {
		/* Account for the n bytes just done. */
		if (rest.iov_len) {
			rest.iov_base = (uint8_t *)rest.iov_base + n;
			rest.iov_len -= n;
			n = 0;
		}
		if (!rest.iov_len) {
			while (iovcnt && (size_t)n >= iov->iov_len) {
				n -= iov->iov_len;
				iov++;
				iovcnt--;
			}
			if (n) {
				rest.iov_base = (uint8_t *)iov->iov_base + n;
				rest.iov_len = iov->iov_len - n;
				iov++;
				iovcnt--;
			}
		}
		if (!rest.iov_len && !iovcnt)
			return 0;

		do {
			if (rest.iov_len)
				n = fn(fd, &rest, 1, offset);
			else
				n = fn(fd, iov,
				       iovcnt < IOV_MAX ? iovcnt : IOV_MAX,
				       offset);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			return errno;
		if (n == 0)
			return EIO;
		offset += n;
	}
}

static int raw_read(struct disk *disk, const struct iovec *iov, int iovcnt,
		    uint64_t offset)
{
	struct disk_raw *raw = to_raw(disk);
	int ret = transfer(raw->fd, preadv, iov, iovcnt, offset);

	return ret ? io_error(raw, "read", offset, ret) : 0;
}

static int raw_write(struct disk *disk, const struct iovec *iov, int iovcnt,
		     uint64_t offset)
{
	struct disk_raw *raw = to_raw(disk);
	int ret = transfer(raw->fd, pwritev, iov, iovcnt, offset);

	return ret ? io_error(raw, "write", offset, ret) : 0;
}

static int raw_flush(struct disk *disk)
{
	struct disk_raw *raw = to_raw(disk);

	/* Read-only: nothing was written, and some file systems object. */
	if (disk->read_only)
		return 0;
	return fdatasync(raw->fd) ? io_error(raw, "flush", 0, errno) : 0;
}

static void raw_close(struct disk *disk)
{
	struct disk_raw *raw = to_raw(disk);

	close(raw->fd); /* and the lock with it */
	free(raw->path);
	free(raw);
}

static const struct disk_ops raw_ops = {
	.read = raw_read,
	.write = raw_write,
	.flush = raw_flush,
	.close = raw_close,
};

static int open_error(const char *path, bool read_only, int errnum,
		      struct error *err)
{
	switch (errnum) {
	case ENOENT:
		return error_set(err, TL_DISK, errnum,
				 "disk '%s': no such file; create one with: "
				 "truncate -s 1G '%s'",
				 path, path);
	case EISDIR:
		return error_set(err, TL_DISK, errnum,
				 "disk '%s': is a directory; give it a raw "
				 "image file or a block device",
				 path);
	case EACCES:
	case EPERM:
	case EROFS:
		if (!read_only && access(path, R_OK) == 0)
			return error_set(
				err, TL_DISK, errnum,
				"disk '%s': not writable (%s); make it "
				"so, or attach it read-only: -d '%s,ro'",
				path, strerror(errnum), path);
		return error_set(err, TL_DISK, errnum,
				 "disk '%s': %s; check the permissions of the "
				 "file and its directories",
				 path, strerror(errnum));
	default:
		return error_set(err, TL_DISK, errnum,
				 "disk '%s': cannot open it: %s", path,
				 strerror(errnum));
	}
}

/*
 * Open without waiting for whoever is at the other end of a FIFO or a modem
 * line, and refuse those.
 */
static int open_image(const char *path, bool read_only, struct stat *st,
		      struct error *err)
{
	int fd, ret;

	fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY |
				O_NONBLOCK);
	if (fd < 0)
		return open_error(path, read_only, errno, err);
	if (fstat(fd, st) < 0 || fcntl(fd, F_SETFL, 0) < 0)
		ret = open_error(path, read_only, errno, err);
	else if (S_ISDIR(st->st_mode))
		ret = open_error(path, read_only, EISDIR, err);
	else if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		ret = error_set(err, TL_DISK, EINVAL,
				"disk '%s': neither a file nor a block device; "
				"give it a raw image",
				path);
	else
		return fd;
	close(fd);
	return ret;
}

static int find_size(int fd, const char *path, const struct stat *st,
		     uint64_t *size, struct error *err)
{
	*size = st->st_size;
	if (S_ISBLK(st->st_mode) && ioctl(fd, BLKGETSIZE64, size) < 0)
		return error_set(err, TL_DISK, errno,
				 "disk '%s': cannot get its size: %s", path,
				 strerror(errno));
	if (*size == 0)
		return error_set(err, TL_DISK, EINVAL,
				 "disk '%s': is empty; give it a size with: "
				 "truncate -s 1G '%s'",
				 path, path);
	if (*size % SECTOR_SIZE)
		return error_set(
			err, TL_DISK, EINVAL,
			"disk '%s': %" PRIu64 " bytes is no whole "
			"number of 512-byte sectors; round it up with: "
			"truncate -s %%512 '%s'",
			path, *size, path);
	return 0;
}

/*
 * The lock belongs to the open file description: it outlives other descriptors
 * of the file in this process, and goes with the last close.
 */
static int lock_image(int fd, const char *path, bool read_only,
		      struct error *err)
{
	struct flock lock = {
		.l_type = read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	/* EACCES is what a kernel without file locking answers. */
	if (errno == EAGAIN)
		return error_set(err, TL_DISK, EBUSY,
				 "disk '%s': in use by another VM or given "
				 "twice; stop the other, use a copy, or attach "
				 "it read-only everywhere: -d '%s,ro'",
				 path, path);
	/* A file system without locks is a reason to tell, not to refuse. */
	log_warn("disk '%s': cannot be locked (%s); make sure that no other VM "
		 "uses it",
		 path, strerror(errno));
	return 0;
}

/* Taken as raw, such a file is a disk of nonsense: say so, the user may err. */
static void warn_other_format(int fd, const char *path)
{
	char magic[4];

	if (pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	    memcmp(magic, "QFI\xfb", sizeof(magic)) == 0)
		log_warn("disk '%s': looks like qcow2 and is used as raw; "
			 "convert it with: qemu-img convert -O raw '%s' "
			 "'%s.raw'",
			 path, path, path);
}

/* The ID is ASCII (virtio 1.2, 5.2.6), and a name need not be. */
static void set_id(struct disk *disk, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t i;

	for (i = 0; i < sizeof(disk->id) && base[i]; i++)
		disk->id[i] = base[i] > ' ' && base[i] <= '~' ? base[i] : '_';
}

int disk_raw_open(const char *path, bool read_only, struct disk **disk,
		  struct error *err)
{
	struct disk_raw *raw;
	struct stat st;
	int fd, ret;

	*disk = NULL;
	fd = open_image(path, read_only, &st, err);
	if (fd < 0)
		return fd;

	raw = calloc(1, sizeof(*raw));
	if (raw)
		raw->path = strdup(path);
	if (!raw || !raw->path) {
		ret = error_set(err, TL_DISK, ENOMEM,
				"disk '%s': out of memory", path);
		goto close_fd;
	}
	ret = find_size(fd, path, &st, &raw->disk.size, err);
	if (ret)
		goto close_fd;
	ret = lock_image(fd, path, read_only, err);
	if (ret)
		goto close_fd;
	warn_other_format(fd, path);

	raw->disk.ops = &raw_ops;
	raw->disk.read_only = read_only;
	set_id(&raw->disk, path);
	raw->fd = fd;
	*disk = &raw->disk;
	return 0;

close_fd:
	if (raw)
		free(raw->path);
	free(raw);
	close(fd);
	return ret;
}
