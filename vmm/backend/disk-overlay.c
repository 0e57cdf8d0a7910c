// SPDX-License-Identifier: GPL-2.0-only
/* A disk over a base: what is written goes to an overlay file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/disk.h"
#include "backend/overlay-file.h"

struct disk_overlay {
	struct disk disk; /* first: the two are cast */
	struct disk *base;
	struct overlay_file file;
	uint8_t *cluster;   /* room for one, aligned for direct I/O */
	struct iovec *part; /* part_max segments */
	int part_max;
};

static struct disk_overlay *to_overlay(struct disk *disk)
{
	return (struct disk_overlay *)disk;
}

static int want_parts(struct disk_overlay *ov, int iovcnt)
{
	struct iovec *bigger;

	if (iovcnt <= ov->part_max)
		return 0;
	bigger = realloc(ov->part, (size_t)iovcnt * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	ov->part = bigger;
	ov->part_max = iovcnt;
	return 0;
}

/* A chain's length has 32 bits (virtio/queue.h): no host's size_t overflows. */
static size_t vector_len(const struct iovec *iov, int iovcnt)
{
	size_t len = 0;
	int i;

	for (i = 0; i < iovcnt; i++)
		len += iov[i].iov_len;
	return len;
}

/* How much of the @len bytes at @offset lies in one cluster. */
static size_t in_cluster(uint64_t offset, uint64_t len)
{
	uint64_t left = OVERLAY_CLUSTER - offset % OVERLAY_CLUSTER;

	return (size_t)(left < len ? left : len);
}

static bool is_ours(const struct disk_overlay *ov, uint64_t offset)
{
	return overlay_file_has(&ov->file, offset / OVERLAY_CLUSTER);
}

/* All that the cluster has; the last one may be a short one. */
static bool is_whole(const struct disk_overlay *ov, uint64_t offset,
		     uint64_t len)
{
	return offset % OVERLAY_CLUSTER == 0 &&
	       (len == OVERLAY_CLUSTER || offset + len == ov->disk.size);
}

static int overlay_read(struct disk *disk, const struct iovec *iov, int iovcnt,
			uint64_t offset)
{
	struct disk_overlay *ov = to_overlay(disk);
	size_t left = vector_len(iov, iovcnt), done, run;
	bool ours;
	int ret, nr;

	ret = want_parts(ov, iovcnt);
	for (done = 0; left && !ret; done += run, left -= run, offset += run) {
		/* Neighbours from the same place in one go. */
		ours = is_ours(ov, offset);
		run = in_cluster(offset, left);
		while (run < left && is_ours(ov, offset + run) == ours)
			run += in_cluster(offset + run, left - run);
		nr = iov_part(iov, iovcnt, done, run, ov->part);
		if (ours)
			ret = block_file_read(&ov->file.file, ov->part, nr,
					      ov->file.data_offset + offset);
		else
			ret = ov->base->ops->read(ov->base, ov->part, nr,
						  offset);
	}
	return ret;
}

static int write_cluster(struct disk_overlay *ov, uint64_t start, size_t len)
{
	struct iovec iov = { ov->cluster, len };
	int ret = block_file_write(&ov->file.file, &iov, 1,
				   ov->file.data_offset + start);

	if (!ret)
		overlay_file_set(&ov->file, start / OVERLAY_CLUSTER);
	return ret;
}

/*
 * Part of a cluster that is still the base's: the whole of it moves, and the
 * bit that says so is set when it has.  @nr segments, or zeroes if there are
 * none.
 */
static int copy_on_write(struct disk_overlay *ov, const struct iovec *part,
			 int nr, uint64_t offset, size_t len)
{
	uint64_t start = offset - offset % OVERLAY_CLUSTER;
	size_t whole = in_cluster(start, ov->disk.size - start);
	uint8_t *dst = ov->cluster + (offset - start);
	struct iovec iov = { ov->cluster, whole };
	int i, ret;

	ret = ov->base->ops->read(ov->base, &iov, 1, start);
	if (ret)
		return ret;
	if (!nr)
		memset(dst, 0, len);
	for (i = 0; i < nr; dst += part[i++].iov_len)
		memcpy(dst, part[i].iov_base, part[i].iov_len);
	return write_cluster(ov, start, whole);
}

/* Clusters that need nothing of the base, from @offset on; 0 if there is none. */
static uint64_t writable_run(const struct disk_overlay *ov, uint64_t offset,
			     uint64_t len)
{
	uint64_t run = 0, n;

	for (; run < len; run += n) {
		n = in_cluster(offset + run, len - run);
		if (!is_ours(ov, offset + run) &&
		    !is_whole(ov, offset + run, n))
			break;
	}
	return run;
}

static void mark(struct disk_overlay *ov, uint64_t offset, uint64_t len)
{
	uint64_t c;

	for (c = offset / OVERLAY_CLUSTER;
	     c <= (offset + len - 1) / OVERLAY_CLUSTER; c++)
		overlay_file_set(&ov->file, c);
}

static int overlay_write(struct disk *disk, const struct iovec *iov, int iovcnt,
			 uint64_t offset)
{
	struct disk_overlay *ov = to_overlay(disk);
	size_t left = vector_len(iov, iovcnt), done, run;
	int ret, nr;

	ret = ov->file.failed ? -EIO : want_parts(ov, iovcnt);
	for (done = 0; left && !ret; done += run, left -= run, offset += run) {
		run = (size_t)writable_run(ov, offset, left);
		if (run) {
			nr = iov_part(iov, iovcnt, done, run, ov->part);
			ret = block_file_write(&ov->file.file, ov->part, nr,
					       ov->file.data_offset + offset);
			if (!ret)
				mark(ov, offset, run);
		} else {
			run = in_cluster(offset, left);
			nr = iov_part(iov, iovcnt, done, run, ov->part);
			ret = copy_on_write(ov, ov->part, nr, offset, run);
		}
	}
	return ret;
}

/*
 * In clusters of our own the space goes back and zeroes are left.  A cluster of
 * the base costs no space: it stays as it is, which a discard allows.
 */
static int overlay_discard(struct disk *disk, uint64_t offset, uint64_t len)
{
	struct disk_overlay *ov = to_overlay(disk);
	uint64_t run;
	int ret = ov->file.failed ? -EIO : 0;

	for (; len && !ret; offset += run, len -= run) {
		run = in_cluster(offset, len);
		if (!is_ours(ov, offset))
			continue;
		while (run < len && is_ours(ov, offset + run))
			run += in_cluster(offset + run, len - run);
		ret = block_file_discard(&ov->file.file,
					 ov->file.data_offset + offset, run);
	}
	return ret;
}

static int overlay_write_zeroes(struct disk *disk, uint64_t offset,
				uint64_t len, bool unmap)
{
	struct disk_overlay *ov = to_overlay(disk);
	uint64_t run;
	size_t part;
	int ret = ov->file.failed ? -EIO : 0;

	for (; len && !ret; offset += run, len -= run) {
		run = writable_run(ov, offset, len);
		if (!run) {
			run = part = in_cluster(offset, len);
			ret = copy_on_write(ov, NULL, 0, offset, part);
			continue;
		}
		/*
		 * Also where the file should be a hole: a cluster may hold what
		 * was written before a crash and never flushed.
		 */
		ret = block_file_zero(&ov->file.file,
				      ov->file.data_offset + offset, run,
				      unmap);
		if (!ret)
			mark(ov, offset, run);
	}
	return ret;
}

static int overlay_flush(struct disk *disk)
{
	return overlay_file_flush(&to_overlay(disk)->file);
}

static void overlay_close(struct disk *disk)
{
	struct disk_overlay *ov = to_overlay(disk);

	overlay_file_close(&ov->file);
	disk_close(ov->base);
	free(ov->cluster);
	free(ov->part);
	free(ov);
}

static const struct disk_ops overlay_ops = {
	.read = overlay_read,
	.write = overlay_write,
	.discard = overlay_discard,
	.write_zeroes = overlay_write_zeroes,
	.flush = overlay_flush,
	.close = overlay_close,
};

/* All but the file, which the caller opens next; NULL when out of memory. */
static struct disk_overlay *overlay_new(struct disk *base, struct error *err)
{
	struct disk_overlay *ov = calloc(1, sizeof(*ov));

	if (ov)
		ov->cluster = aligned_alloc(OVERLAY_BLOCK, OVERLAY_CLUSTER);
	if (!ov || !ov->cluster) {
		error_set(err, TL_DISK, ENOMEM, "overlay: out of memory");
		disk_close(base);
		free(ov);
		return NULL;
	}
	ov->base = base;
	ov->disk.ops = &overlay_ops;
	ov->disk.size = base->size;
	ov->disk.block_size = base->block_size;
	ov->disk.optimal_size = OVERLAY_CLUSTER;
	memcpy(ov->disk.id, base->id, sizeof(base->id));
	return ov;
}

static void overlay_abandon(struct disk_overlay *ov)
{
	disk_close(ov->base);
	free(ov->cluster);
	free(ov);
}

/* What is recorded of the base, and compared when the overlay is opened. */
static int describe_base(const char *path, uint64_t size,
			 struct overlay_header *base, struct error *err)
{
	char *absolute = realpath(path, NULL);
	struct stat st;
	int ret = 0;

	*base = (struct overlay_header){ .size = size };
	if (!absolute || stat(path, &st) < 0)
		ret = error_set(err, TL_DISK, errno, "disk '%s': %s", path,
				strerror(errno));
	else if (strlen(absolute) > OVERLAY_BASE_PATH_MAX)
		ret = error_set(err, TL_DISK, ENAMETOOLONG,
				"disk '%s': its path is too long for an "
				"overlay over it",
				path);
	else
		memcpy(base->base_path, absolute, strlen(absolute) + 1);
	free(absolute);
	if (ret)
		return ret;
	/* A device node's times say nothing of the device's contents. */
	if (S_ISREG(st.st_mode)) {
		base->base_mtime_sec = (uint64_t)st.st_mtim.tv_sec;
		base->base_mtime_nsec = (uint32_t)st.st_mtim.tv_nsec;
	}
	return 0;
}

int disk_overlay_open(struct disk *base, const char *base_path,
		      const char *path, bool read_only, bool direct,
		      struct disk **disk, struct error *err)
{
	struct overlay_header header;
	struct disk_overlay *ov;
	int ret;

	*disk = NULL;
	ov = overlay_new(base, err);
	if (!ov)
		return -ENOMEM;
	ret = describe_base(base_path, base->size, &header, err);
	if (!ret)
		ret = overlay_file_open(&ov->file, path, &header, read_only,
					direct, err);
	if (ret) {
		overlay_abandon(ov);
		return ret;
	}
	ov->disk.read_only = read_only;
	*disk = &ov->disk;
	return 0;
}

int disk_snapshot_open(struct disk *base, bool direct, struct disk **disk,
		       struct error *err)
{
	struct disk_overlay *ov;
	int ret;

	*disk = NULL;
	ov = overlay_new(base, err);
	if (!ov)
		return -ENOMEM;
	ret = overlay_file_temporary(&ov->file, base->size, direct, err);
	if (ret) {
		overlay_abandon(ov);
		return ret;
	}
	*disk = &ov->disk;
	return 0;
}
