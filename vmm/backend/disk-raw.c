// SPDX-License-Identifier: GPL-2.0-only
/* A disk that is a raw image file or a block device. */
#include "backend/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>

#include "backend/block-file.h"
#include "backend/overlay-file.h"
#include "lib/log.h"

#define SECTOR_SIZE 512

struct disk_raw {
	struct disk disk; /* first: the two are cast */
	struct block_file file;
};

static struct block_file *to_file(struct disk *disk)
{
	return &((struct disk_raw *)disk)->file;
}

static int raw_read(struct disk *disk, const struct iovec *iov, int iovcnt,
		    uint64_t offset)
{
	return block_file_read(to_file(disk), iov, iovcnt, offset);
}

static int raw_write(struct disk *disk, const struct iovec *iov, int iovcnt,
		     uint64_t offset)
{
	return block_file_write(to_file(disk), iov, iovcnt, offset);
}

static int raw_discard(struct disk *disk, uint64_t offset, uint64_t len)
{
	return block_file_discard(to_file(disk), offset, len);
}

static int raw_write_zeroes(struct disk *disk, uint64_t offset, uint64_t len,
			    bool unmap)
{
	return block_file_zero(to_file(disk), offset, len, unmap);
}

static int raw_flush(struct disk *disk)
{
	/* Read-only: nothing was written, and some file systems object. */
	return disk->read_only ? 0 : block_file_flush(to_file(disk));
}

static void raw_close(struct disk *disk)
{
	block_file_close(to_file(disk));
	free(disk);
}

static const struct disk_ops raw_ops = {
	.read = raw_read,
	.write = raw_write,
	.discard = raw_discard,
	.write_zeroes = raw_write_zeroes,
	.flush = raw_flush,
	.close = raw_close,
};

/* Where an option that is none begins in @path, as there is a file before it. */
static const char *wrong_option(const char *path)
{
	const char *comma = strrchr(path, ',');
	char *file;
	bool there;

	if (!comma)
		return NULL;
	file = strndup(path, (size_t)(comma - path));
	there = file && access(file, F_OK) == 0;
	free(file);
	return there ? comma : NULL;
}

static int open_error(const char *path, bool read_only, int errnum,
		      struct error *err)
{
	const char *option;

	switch (errnum) {
	case ENOENT:
		option = wrong_option(path);
		if (option)
			return error_set(
				err, TL_DISK, errnum,
				"disk '%s': no such file, and '%s' is "
				"none of its options: ro, rw, snapshot, "
				"overlay=, direct, queues=, id=",
				path, option + 1);
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
	*size = (uint64_t)st->st_size;
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

/* Taken as raw, such a file is a disk of nonsense: the user may err. */
static int check_format(int fd, const char *path, struct error *err)
{
	char magic[8];

	if (pread(fd, magic, sizeof(magic), 0) != sizeof(magic))
		return 0;
	if (memcmp(magic, OVERLAY_MAGIC, sizeof(magic)) == 0)
		return error_set(err, TL_DISK, EINVAL,
				 "disk '%s': is an overlay; give its base "
				 "first: -d BASE,overlay='%s'",
				 path, path);
	if (memcmp(magic, "QFI\xfb", 4) == 0)
		log_warn("disk '%s': looks like qcow2 and is used as raw; "
			 "convert it with: qemu-img convert -O raw '%s' "
			 "'%s.raw'",
			 path, path, path);
	return 0;
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

/* What a guest's file system had better align to. */
static uint32_t block_size(int fd, const struct stat *st)
{
	unsigned int size = (unsigned int)st->st_blksize;

	if (S_ISBLK(st->st_mode) && ioctl(fd, BLKPBSZGET, &size) < 0)
		size = SECTOR_SIZE;
	/* A network file system says a megabyte, and means a transfer. */
	return size > 4096 ? 4096 : size;
}

static int set_direct(struct disk_raw *raw, struct error *err)
{
	int ret = block_file_set_direct(&raw->file, 0, err);

	/* The end of an odd image cannot be written without growing it. */
	if (!ret && raw->disk.size % raw->file.align)
		ret = error_set(err, TL_DISK, EINVAL,
				"disk '%s': direct I/O needs a size that is a "
				"multiple of %" PRIu32 "; leave out ',direct', "
				"or: truncate -s %%%" PRIu32 " '%s'",
				raw->file.path, raw->file.align,
				raw->file.align, raw->file.path);
	return ret;
}

int disk_raw_open(const char *path, bool read_only, bool direct,
		  struct disk **disk, struct error *err)
{
	struct disk_raw *raw;
	struct stat st;
	int fd, ret;

	*disk = NULL;
	fd = open_image(path, read_only, &st, err);
	if (fd < 0)
		return fd;
	raw = calloc(1, sizeof(*raw));
	if (!raw) {
		close(fd);
		return error_set(err, TL_DISK, ENOMEM,
				 "disk '%s': out of memory", path);
	}
	ret = block_file_init(&raw->file, fd, path, err);
	if (ret)
		goto free_raw;
	ret = find_size(fd, path, &st, &raw->disk.size, err);
	if (ret)
		goto close_file;
	ret = block_file_lock(fd, path, read_only, err);
	if (ret)
		goto close_file;
	ret = check_format(fd, path, err);
	if (ret)
		goto close_file;
	raw->disk.block_size = block_size(fd, &st);
	ret = direct ? set_direct(raw, err) : 0;
	if (ret)
		goto close_file;

	raw->disk.ops = &raw_ops;
	raw->disk.read_only = read_only;
	set_id(&raw->disk, path);
	*disk = &raw->disk;
	return 0;

close_file:
	block_file_close(&raw->file);
free_raw:
	free(raw);
	return ret;
}
