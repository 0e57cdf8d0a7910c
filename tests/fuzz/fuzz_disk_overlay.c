// SPDX-License-Identifier: GPL-2.0-only
/*
 * Overlay files with anything in them.  The input is a few patches to a good
 * file, after which its checksum may be made right again, then requests to the
 * disk: an overlay that opens is one that works.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <zlib.h>

#include "input.h"
#include "backend/disk.h"
#include "backend/overlay-file.h"
#include "lib/log.h"

#define SIZE     (3 * 65536 + 1024)
#define METADATA 8192 /* header and bitmap */
#define FILE_END (65536 + 4 * 65536)

static char base_path[64], path[64];

static void remove_files(void)
{
	unlink(base_path);
	unlink(path);
}

static void make_base(void)
{
	/* A disk would take most of the time: each flush goes there. */
	const char *dir = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	int fd;

	log_set_level(LOG_ERROR);
	snprintf(base_path, sizeof(base_path), "%s/fuzz-base-%ld", dir,
		 (long)getpid());
	snprintf(path, sizeof(path), "%s/fuzz-overlay-%ld", dir,
		 (long)getpid());
	fd = open(base_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, SIZE))
		abort();
	close(fd);
	atexit(remove_files);
}

static void good_metadata(uint8_t *buf)
{
	struct overlay_header header = { .size = SIZE };
	struct stat st;

	if (stat(base_path, &st))
		abort();
	header.base_mtime_sec = st.st_mtim.tv_sec;
	header.base_mtime_nsec = st.st_mtim.tv_nsec;
	memcpy(header.base_path, base_path, sizeof(base_path));
	memset(buf, 0, METADATA);
	overlay_header_encode(&header, buf);
}

static void make_overlay(struct input *in)
{
	uint8_t buf[METADATA];
	uint8_t how = input_take(in, 1);
	unsigned int i, at, len;
	off_t size = FILE_END;
	uint32_t crc;
	int fd;

	good_metadata(buf);
	for (i = 0; i < (how & 7u); i++) {
		/* Mostly the fields, now and then the path or the bitmap. */
		at = input_take(in, 1);
		if (at >= 128)
			at = input_take(in, 2) % METADATA;
		len = 1 + input_take(in, 1) % 8;
		for (; len && at < METADATA; len--, at++)
			buf[at] = input_take(in, 1);
	}
	if (how & 8) {
		memset(buf + 12, 0, 4);
		crc = crc32(0, buf, OVERLAY_HEADER_BYTES);
		memcpy(buf + 12, &crc, 4);
	}
	if (how & 16)
		size = input_take(in, 3);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || pwrite(fd, buf, sizeof(buf), 0) != sizeof(buf) ||
	    ftruncate(fd, size))
		abort();
	close(fd);
}

static void request(struct disk *disk, struct input *in)
{
	static uint8_t buf[SIZE];
	uint8_t what = input_take(in, 1);
	uint64_t sectors = disk->size / 512;
	uint64_t first = input_take(in, 2) % sectors;
	uint64_t n = 1 + input_take(in, 2) % (sectors - first);
	struct iovec iov = { buf, n * 512 };

	switch (what % 5) {
	case 0:
		disk->ops->read(disk, &iov, 1, first * 512);
		break;
	case 1:
		disk->ops->write(disk, &iov, 1, first * 512);
		break;
	case 2:
		disk->ops->discard(disk, first * 512, n * 512);
		break;
	case 3:
		disk->ops->write_zeroes(disk, first * 512, n * 512, what & 64);
		break;
	default:
		disk->ops->flush(disk);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_options opt = { .path = base_path, .overlay = path };
	struct input in = { data, size };
	struct error err = { 0 };
	struct disk *disk;
	unsigned int i;

	if (!*base_path)
		make_base();
	make_overlay(&in);
	opt.read_only = input_take(&in, 1) & 1;
	if (disk_open(&opt, &disk, &err)) {
		if (!err.text[0] || err.status != TL_DISK)
			abort();
		return 0;
	}
	for (i = 0; in.left && !opt.read_only && i < 16; i++)
		request(disk, &in);
	disk_close(disk);
	/* What it wrote itself it opens again. */
	if (disk_open(&opt, &disk, NULL))
		abort();
	disk_close(disk);
	return 0;
}
