// SPDX-License-Identifier: GPL-2.0-only
#include "backend/overlay-file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <zlib.h>

#include "lib/log.h"

/* On disk; all fields little-endian (docs/disk-overlay.md). */
struct raw_header {
	uint8_t magic[8];
	uint32_t version;
	uint32_t checksum; /* CRC-32 of the header, this field 0 */
	uint32_t cluster_size;
	uint32_t base_mtime_nsec;
	uint64_t size;
	uint64_t base_mtime_sec;
	uint64_t bitmap_offset;
	uint64_t data_offset;
	uint8_t reserved[72];
	char base_path[OVERLAY_BASE_PATH_MAX + 1];
};

_Static_assert(sizeof(struct raw_header) == OVERLAY_HEADER_BYTES,
	       "the header is one block");

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static uint64_t bitmap_size(uint64_t size)
{
	uint64_t clusters = round_up(size, OVERLAY_CLUSTER) / OVERLAY_CLUSTER;

	return round_up(round_up(clusters, 8) / 8, OVERLAY_BLOCK);
}

static uint64_t data_offset(uint64_t size)
{
	return round_up(OVERLAY_HEADER_BYTES + bitmap_size(size),
			OVERLAY_CLUSTER);
}

static uint64_t file_size(uint64_t size)
{
	return data_offset(size) + round_up(size, OVERLAY_CLUSTER);
}

static uint32_t checksum(const struct raw_header *raw)
{
	struct raw_header copy = *raw;

	copy.checksum = 0;
	return (uint32_t)crc32(0, (const Bytef *)&copy, sizeof(copy));
}

void overlay_header_encode(const struct overlay_header *header, uint8_t *buf)
{
	struct raw_header raw = {
		.version = htole32(OVERLAY_VERSION),
		.cluster_size = htole32(OVERLAY_CLUSTER),
		.base_mtime_nsec = htole32(header->base_mtime_nsec),
		.size = htole64(header->size),
		.base_mtime_sec = htole64(header->base_mtime_sec),
		.bitmap_offset = htole64(OVERLAY_HEADER_BYTES),
		.data_offset = htole64(data_offset(header->size)),
	};

	memcpy(raw.magic, OVERLAY_MAGIC, sizeof(raw.magic));
	memcpy(raw.base_path, header->base_path,
	       strnlen(header->base_path, OVERLAY_BASE_PATH_MAX));
	raw.checksum = htole32(checksum(&raw));
	memcpy(buf, &raw, sizeof(raw));
}

const char *overlay_header_decode(const uint8_t *buf,
				  struct overlay_header *header)
{
	struct raw_header raw;

	memcpy(&raw, buf, sizeof(raw));
	if (memcmp(raw.magic, OVERLAY_MAGIC, sizeof(raw.magic)))
		return "is not an overlay";
	if (le32toh(raw.version) != OVERLAY_VERSION)
		return "is an overlay of a later version of trapline";
	if (le32toh(raw.checksum) != checksum(&raw))
		return "has a damaged header (checksum)";
	header->size = le64toh(raw.size);
	if (header->size == 0 || header->size % 512 ||
	    header->size > OVERLAY_MAX_SIZE ||
	    le32toh(raw.cluster_size) != OVERLAY_CLUSTER ||
	    le64toh(raw.bitmap_offset) != OVERLAY_HEADER_BYTES ||
	    le64toh(raw.data_offset) != data_offset(header->size) ||
	    raw.base_path[OVERLAY_BASE_PATH_MAX])
		return "has a header that makes no sense";
	header->base_mtime_sec = le64toh(raw.base_mtime_sec);
	header->base_mtime_nsec = le32toh(raw.base_mtime_nsec);
	memcpy(header->base_path, raw.base_path, sizeof(raw.base_path));
	return NULL;
}

/* --- memory --------------------------------------------------------------- */

static int alloc_bitmap(struct overlay_file *of, uint64_t size,
			struct error *err)
{
	void *bitmap = NULL;

	if (size > OVERLAY_MAX_SIZE)
		return error_set(err, TL_DISK, EFBIG,
				 "disk '%s': the disk below has more than the "
				 "64 TiB that an overlay can have",
				 of->file.path);
	of->nr_clusters = round_up(size, OVERLAY_CLUSTER) / OVERLAY_CLUSTER;
	of->bitmap_size = (size_t)bitmap_size(size);
	of->data_offset = data_offset(size);
	/* Aligned for direct I/O. */
	if (posix_memalign(&bitmap, OVERLAY_BLOCK, of->bitmap_size))
		bitmap = NULL;
	of->bitmap = bitmap;
	of->dirty = calloc(of->bitmap_size / OVERLAY_BLOCK, sizeof(bool));
	if (!of->bitmap || !of->dirty)
		return error_set(err, TL_DISK, ENOMEM,
				 "disk '%s': out of memory", of->file.path);
	memset(of->bitmap, 0, of->bitmap_size);
	return 0;
}

void overlay_file_set(struct overlay_file *of, uint64_t cluster)
{
	uint8_t bit = 1 << cluster % 8;

	if (of->bitmap[cluster / 8] & bit)
		return;
	of->bitmap[cluster / 8] |= bit;
	of->dirty[cluster / 8 / OVERLAY_BLOCK] = true;
	of->any_dirty = true;
}

/* --- create --------------------------------------------------------------- */

/* The name of a new file is only there to stay once its directory says so. */
static int sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd, ret = 0;

	if (!copy)
		return ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems cannot, and some directories may not be read. */
	if (fd >= 0 && fsync(fd) < 0 && errno != EINVAL)
		ret = errno;
	if (fd >= 0)
		close(fd);
	free(copy);
	return ret;
}

/*
 * The bitmap is written, not left a hole: a flush must not fail for want of
 * space once its data is in place.
 */
static int create(struct overlay_file *of, const char *path,
		  const struct overlay_header *base, struct error *err)
{
	uint8_t header[OVERLAY_HEADER_BYTES];
	int ret;

	ret = alloc_bitmap(of, base->size, err);
	if (ret)
		return ret;
	overlay_header_encode(base, header);
	ret = 0;
	if (ftruncate(of->file.fd, (off_t)file_size(base->size)) < 0)
		ret = errno;
	else if (pwrite(of->file.fd, of->bitmap, of->bitmap_size,
			OVERLAY_HEADER_BYTES) != (ssize_t)of->bitmap_size)
		ret = ENOSPC;
	/* Last: before it, the file is no overlay and holds nothing. */
	else if (pwrite(of->file.fd, header, sizeof(header), 0) !=
		 sizeof(header))
		ret = ENOSPC;
	else if (fsync(of->file.fd) < 0)
		ret = errno;
	else
		ret = sync_directory(path);
	if (!ret)
		return 0;
	/* As it was: empty, for another try. */
	if (ftruncate(of->file.fd, 0) < 0)
		log_debug("overlay '%s': %s", path, strerror(errno));
	return error_set(err, TL_DISK, ret,
			 "overlay '%s': cannot be created: %s", path,
			 strerror(ret));
}

/* --- open ----------------------------------------------------------------- */

/*
 * Clusters that were never written are the base's as it was; over anything else
 * they would be a mix of two disks.
 */
static int check_base(const char *path, const struct overlay_header *have,
		      const struct overlay_header *base, struct error *err)
{
	if (have->size != base->size)
		return error_set(err, TL_DISK, ESTALE,
				 "overlay '%s': was made for a base of %" PRIu64
				 " bytes ('%.200s'), and this one has %" PRIu64,
				 path, have->size, have->base_path, base->size);
	if (have->base_mtime_sec != base->base_mtime_sec ||
	    have->base_mtime_nsec != base->base_mtime_nsec)
		return error_set(err, TL_DISK, ESTALE,
				 "overlay '%s': its base '%.200s' was written "
				 "to since, or this is another file; restore "
				 "the base, or delete the overlay and lose "
				 "what it keeps",
				 path, have->base_path);
	if (strcmp(have->base_path, base->base_path))
		log_info("overlay '%s': its base was '%s' and now is '%s'",
			 path, have->base_path, base->base_path);
	return 0;
}

static int check_bitmap(const struct overlay_file *of, const char *path,
			struct error *err)
{
	uint64_t bit;

	for (bit = of->nr_clusters; bit < of->bitmap_size * 8; bit++) {
		/* By bytes where it is by bytes: this may be many. */
		if (bit % 8 == 0 && !of->bitmap[bit / 8])
			bit += 7;
		else if (overlay_file_has(of, bit))
			return error_set(err, TL_DISK, EINVAL,
					 "overlay '%s': is damaged: its bitmap "
					 "has clusters beyond the disk's end",
					 path);
	}
	return 0;
}

static int load(struct overlay_file *of, const char *path, uint64_t have_size,
		const struct overlay_header *base, struct error *err)
{
	uint8_t buf[OVERLAY_HEADER_BYTES] = { 0 };
	struct overlay_header header;
	struct iovec iov;
	const char *why;
	int ret;

	if (pread(of->file.fd, buf, sizeof(buf), 0) < 0)
		return error_set(err, TL_DISK, errno,
				 "overlay '%s': cannot be read: %s", path,
				 strerror(errno));
	why = overlay_header_decode(buf, &header);
	if (why)
		return error_set(err, TL_DISK, EINVAL,
				 "overlay '%s': %s; give another file, or "
				 "delete this one",
				 path, why);
	ret = check_base(path, &header, base, err);
	if (ret)
		return ret;
	if (have_size < file_size(header.size))
		return error_set(err, TL_DISK, EINVAL,
				 "overlay '%s': is cut short: %" PRIu64
				 " bytes of %" PRIu64,
				 path, have_size, file_size(header.size));
	ret = alloc_bitmap(of, header.size, err);
	if (ret)
		return ret;
	iov = (struct iovec){ of->bitmap, of->bitmap_size };
	ret = block_file_read(&of->file, &iov, 1, OVERLAY_HEADER_BYTES);
	if (ret)
		return error_set(err, TL_DISK, -ret,
				 "overlay '%s': cannot be read: %s", path,
				 strerror(-ret));
	return check_bitmap(of, path, err);
}

static int open_file(const char *path, bool read_only, struct error *err)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd, ret;

	fd = open(path, flags | (read_only ? O_RDONLY : O_RDWR | O_CREAT),
		  0666);
	if (fd < 0 && errno == ENOENT && read_only)
		return error_set(err, TL_DISK, ENOENT,
				 "overlay '%s': no such file; without ',ro' "
				 "and ',snapshot' it is created",
				 path);
	if (fd < 0)
		return error_set(err, TL_DISK, errno,
				 "overlay '%s': cannot open it: %s", path,
				 strerror(errno));
	if (fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	ret = error_set(err, TL_DISK, errno, "overlay '%s': %s", path,
			strerror(errno));
	close(fd);
	return ret;
}

int overlay_file_open(struct overlay_file *of, const char *path,
		      const struct overlay_header *base, bool read_only,
		      bool direct, struct error *err)
{
	struct stat st;
	int fd, ret;

	*of = (struct overlay_file){ .read_only = read_only, .file.fd = -1 };
	fd = open_file(path, read_only, err);
	if (fd < 0)
		return fd;
	ret = block_file_init(&of->file, fd, path, err);
	if (ret)
		return ret;
	ret = block_file_lock(fd, path, read_only, err);
	if (ret)
		goto fail;
	/* With the lock held: nobody else creates or fills it. */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		ret = error_set(err, TL_DISK, EINVAL,
				"overlay '%s': is not a regular file", path);
		goto fail;
	}
	if (st.st_size == 0 && !read_only)
		ret = create(of, path, base, err);
	else
		ret = load(of, path, (uint64_t)st.st_size, base, err);
	/* All that direct I/O could ask for: clusters are aligned to more. */
	if (!ret && direct)
		ret = block_file_set_direct(&of->file, OVERLAY_BLOCK, err);
	if (!ret)
		return 0;
fail:
	of->read_only = true; /* nothing to flush */
	overlay_file_close(of);
	return ret;
}

static int open_temporary(const char *dir)
{
	char name[4096];
	int fd, n;

	fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 || errno == ENOENT || errno == EACCES)
		return fd;
	/* Before Linux 3.11, or a file system that has no O_TMPFILE. */
	n = snprintf(name, sizeof(name), "%s/trapline-XXXXXX", dir);
	if (n < 0 || n >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

int overlay_file_temporary(struct overlay_file *of, uint64_t size, bool direct,
			   struct error *err)
{
	const char *tmpdir = getenv("TMPDIR");
	const char *dirs[] = { tmpdir, "/var/tmp", "/tmp" };
	struct error why = { 0 };
	const char *dir = NULL;
	int fd = -1, ret;
	size_t i;

	*of = (struct overlay_file){ .temporary = true, .file.fd = -1 };
	for (i = 0; fd < 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!dirs[i] || !*dirs[i])
			continue;
		dir = dirs[i];
		fd = open_temporary(dir);
		/* Who names a place wants that place. */
		if (tmpdir && *tmpdir)
			break;
	}
	if (fd < 0)
		return error_set(err, TL_DISK, errno,
				 "snapshot: no temporary file in %s: %s; set "
				 "TMPDIR to a directory with room for the "
				 "guest's writes",
				 dir, strerror(errno));
	ret = block_file_init(&of->file, fd, "snapshot", err);
	if (ret)
		return ret;
	ret = alloc_bitmap(of, size, err);
	if (!ret && ftruncate(fd, (off_t)file_size(size)) < 0)
		ret = error_set(err, TL_DISK, errno,
				"snapshot: no temporary file of %" PRIu64
				" bytes in %s: %s",
				file_size(size), dir, strerror(errno));
	/* A tmpfs has no direct I/O, and nothing is lost without it. */
	if (!ret && direct &&
	    block_file_set_direct(&of->file, OVERLAY_BLOCK, &why))
		log_info("%s", why.text);
	if (ret)
		overlay_file_close(of);
	return ret;
}

/* --- flush, close --------------------------------------------------------- */

static int write_bitmap(struct overlay_file *of)
{
	struct iovec iov = { NULL, OVERLAY_BLOCK };
	uint64_t i, offset;
	int ret;

	for (i = 0; i < of->bitmap_size / OVERLAY_BLOCK; i++) {
		if (!of->dirty[i])
			continue;
		offset = i * OVERLAY_BLOCK;
		iov.iov_base = of->bitmap + offset;
		ret = block_file_write(&of->file, &iov, 1,
				       OVERLAY_HEADER_BYTES + offset);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * The data first, on stable storage, and only then the bits that lead to it.
 *
 * When the host fails to write data back, it drops what it could not write and
 * the next fdatasync() knows nothing of it.  Setting the bits then would put
 * lost data, that of a cluster's neighbours included, over good data of the
 * base: so never again.
 */
int overlay_file_flush(struct overlay_file *of)
{
	int ret;

	if (of->temporary || of->read_only)
		return 0;
	if (of->failed)
		return -EIO;
	ret = block_file_flush(&of->file);
	if (ret)
		goto failed;
	if (!of->any_dirty)
		return 0;
	ret = write_bitmap(of);
	if (ret)
		return ret; /* still dirty: the next flush tries again */
	ret = block_file_flush(&of->file);
	if (ret)
		goto failed;
	memset(of->dirty, 0, of->bitmap_size / OVERLAY_BLOCK * sizeof(bool));
	of->any_dirty = false;
	return 0;

failed:
	of->failed = true;
	log_warn("overlay '%s': takes no more writes from the guest; what was "
		 "flushed before is safe",
		 of->file.path);
	return ret;
}

void overlay_file_close(struct overlay_file *of)
{
	if (of->any_dirty)
		overlay_file_flush(of);
	block_file_close(&of->file);
	free(of->bitmap);
	free(of->dirty);
	of->bitmap = NULL;
	of->dirty = NULL;
}
