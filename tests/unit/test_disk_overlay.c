// SPDX-License-Identifier: GPL-2.0-only
/* Overlays, snapshots and direct I/O on real files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "backend/disk.h"
#include "backend/overlay-file.h"
#include "lib/log.h"

#define CLUSTER 65536
#define SIZE    (3 * CLUSTER + 1536) /* the last cluster is a short one */

static char dir[64], base_path[96], path[96];
static int fail_write, fail_sync; /* errno values for the next calls, or 0 */
static unsigned int syncs;

ssize_t pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
	if (fail_write) {
		errno = fail_write;
		return -1;
	}
	return syscall(SYS_pwritev, fd, iov, iovcnt, offset, 0);
}

int fdatasync(int fd)
{
	syncs++;
	if (fail_sync) {
		errno = fail_sync;
		return -1;
	}
	return syscall(SYS_fdatasync, fd);
}

static uint8_t base_byte(size_t i)
{
	return 1 + (i / 512 + i) % 250;
}

static int setup(void **state)
{
	static uint8_t base[SIZE];
	size_t i;
	int fd;

	(void)state;
	fail_write = 0;
	fail_sync = 0;
	log_set_level(LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/trapline-overlay-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(base_path, sizeof(base_path), "%s/base", dir);
	snprintf(path, sizeof(path), "%s/overlay", dir);
	for (i = 0; i < SIZE; i++)
		base[i] = base_byte(i);
	fd = open(base_path, O_WRONLY | O_CREAT, 0600);
	if (write(fd, base, SIZE) != SIZE)
		return -1;
	return close(fd);
}

static int teardown(void **state)
{
	(void)state;
	unlink(base_path);
	unlink(path);
	return rmdir(dir);
}

static struct disk_options options(void)
{
	return (struct disk_options){ .path = base_path,
				      .overlay = path,
				      .queues = 1 };
}

static struct disk *must_open(const struct disk_options *opt)
{
	struct error err = { 0 };
	struct disk *disk;

	if (disk_open(opt, &disk, &err))
		fail_msg("%s", err.text);
	return disk;
}

static struct disk *open_overlay(void)
{
	const struct disk_options opt = options();

	return must_open(&opt);
}

static void refused(const struct disk_options *opt, const char *text)
{
	struct error err = { 0 };
	struct disk *disk = (struct disk *)1;

	assert_true(disk_open(opt, &disk, &err) < 0);
	assert_null(disk);
	assert_int_equal(err.status, TL_DISK);
	if (!strstr(err.text, text))
		fail_msg("'%s' does not say '%s'", err.text, text);
	assert_null(strchr(err.text, '\n'));
}

static void overlay_refused(const char *text)
{
	const struct disk_options opt = options();

	refused(&opt, text);
}

static int put(struct disk *disk, uint8_t c, uint64_t offset, size_t len)
{
	uint8_t *buf = malloc(len);
	struct iovec iov = { buf, len };
	int ret;

	memset(buf, c, len);
	ret = disk->ops->write(disk, &iov, 1, offset);
	free(buf);
	return ret;
}

/* @c, or the base's bytes for 0xff. */
static void expect(struct disk *disk, uint8_t c, uint64_t offset, size_t len)
{
	uint8_t *buf = malloc(len);
	struct iovec iov = { buf, len };
	size_t i;

	memset(buf, 0xee, len);
	assert_int_equal(disk->ops->read(disk, &iov, 1, offset), 0);
	for (i = 0; i < len; i++)
		if (buf[i] != (c == 0xff ? base_byte(offset + i) : c))
			fail_msg("byte %zu is %#x", (size_t)offset + i, buf[i]);
	free(buf);
}

#define BASE 0xff

static void flip(const char *name, off_t offset)
{
	int fd = open(name, O_RDWR);
	uint8_t c;

	assert_int_equal(pread(fd, &c, 1, offset), 1);
	c ^= 0x40;
	assert_int_equal(pwrite(fd, &c, 1, offset), 1);
	close(fd);
}

static void make_file(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* --- what it is for ------------------------------------------------------- */

static void test_persists(void **state)
{
	struct disk *disk = open_overlay();

	(void)state;
	assert_int_equal(disk->size, SIZE);
	assert_false(disk->read_only);
	assert_int_equal(disk->optimal_size, CLUSTER);
	assert_memory_equal(disk->id, "base\0", 5);
	expect(disk, BASE, 0, SIZE);
	assert_int_equal(put(disk, 'a', 512, 1024), 0);
	assert_int_equal(put(disk, 'b', SIZE - 512, 512), 0);
	disk_close(disk);

	disk = open_overlay();
	expect(disk, BASE, 0, 512);
	expect(disk, 'a', 512, 1024);
	expect(disk, BASE, 1536, SIZE - 512 - 1536);
	expect(disk, 'b', SIZE - 512, 512);
	disk_close(disk);

	/* The base has none of it. */
	assert_int_equal(disk_raw_open(base_path, true, false, &disk, NULL), 0);
	expect(disk, BASE, 0, SIZE);
	disk_close(disk);
}

static void test_shapes(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
	} shape[] = {
		{ 0, 512 },
		{ CLUSTER - 512, 1024 },
		{ 0, CLUSTER },
		{ CLUSTER, 2 * CLUSTER },
		{ CLUSTER - 512, CLUSTER + 1024 },
		{ 3 * CLUSTER, 1536 },
		{ 3 * CLUSTER + 512, 1024 },
		{ 0, SIZE },
		{ 512, SIZE - 512 },
		{ 5, 1 },
	};
	struct disk *disk;
	size_t i, end;

	(void)state;
	for (i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		disk = open_overlay();
		end = shape[i].offset + shape[i].len;
		assert_int_equal(put(disk, 'x', shape[i].offset, shape[i].len),
				 0);
		expect(disk, BASE, 0, shape[i].offset);
		expect(disk, 'x', shape[i].offset, shape[i].len);
		expect(disk, BASE, end, SIZE - end);
		disk_close(disk);
		unlink(path);
	}
}

static void test_zeroes_and_discard(void **state)
{
	struct disk *disk = open_overlay();

	(void)state;
	assert_int_equal(disk->ops->write_zeroes(disk, 512, CLUSTER, true), 0);
	expect(disk, BASE, 0, 512);
	expect(disk, 0, 512, CLUSTER);
	expect(disk, BASE, CLUSTER + 512, 512);
	assert_int_equal(disk->ops->write_zeroes(disk, 2 * CLUSTER,
						 SIZE - 2 * CLUSTER, false),
			 0);
	expect(disk, 0, 2 * CLUSTER, SIZE - 2 * CLUSTER);

	assert_int_equal(put(disk, 'x', 0, SIZE), 0);
	assert_int_equal(disk->ops->discard(disk, CLUSTER, CLUSTER), 0);
	expect(disk, 'x', 0, CLUSTER);
	expect(disk, 0, CLUSTER, CLUSTER);
	expect(disk, 'x', 2 * CLUSTER, SIZE - 2 * CLUSTER);
	disk_close(disk);
}

static void test_snapshot(void **state)
{
	struct disk_options opt = { .path = base_path,
				    .snapshot = true,
				    .queues = 1 };
	struct disk *a = must_open(&opt), *b = must_open(&opt);

	(void)state;
	assert_int_equal(put(a, 'a', 0, SIZE), 0);
	assert_int_equal(put(b, 'b', 512, 512), 0);
	syncs = 0;
	assert_int_equal(a->ops->flush(a), 0);
	assert_int_equal(syncs, 0); /* nothing that is to last */
	expect(a, 'a', 0, SIZE);
	expect(b, BASE, 0, 512);
	expect(b, 'b', 512, 512);
	opt.snapshot = false;
	refused(&opt, "in use by another VM");
	disk_close(a);
	disk_close(b);
	opt.snapshot = true;
	a = must_open(&opt);
	expect(a, BASE, 0, SIZE);
	disk_close(a);
}

static void test_snapshot_place(void **state)
{
	struct disk_options opt = { .path = base_path,
				    .snapshot = true,
				    .queues = 1 };

	(void)state;
	setenv("TMPDIR", "/nowhere/at/all", 1);
	refused(&opt, "/nowhere/at/all");
	setenv("TMPDIR", dir, 1);
	disk_close(must_open(&opt)); /* nothing left: teardown's rmdir() */
	unsetenv("TMPDIR");
}

/* A snapshot over an overlay: three layers, the lower two left alone. */
static void test_snapshot_over_overlay(void **state)
{
	struct disk_options opt = options();
	struct disk *disk = open_overlay();

	(void)state;
	assert_int_equal(put(disk, 'o', 0, 1024), 0);
	disk_close(disk);
	opt.snapshot = true;
	disk = must_open(&opt);
	assert_int_equal(put(disk, 's', 512, 1024), 0);
	expect(disk, 'o', 0, 512);
	expect(disk, 's', 512, 1024);
	expect(disk, BASE, 1536, CLUSTER);
	disk_close(disk);
	disk = open_overlay();
	expect(disk, 'o', 0, 1024);
	expect(disk, BASE, 1024, CLUSTER);
	disk_close(disk);
}

static void test_read_only(void **state)
{
	struct disk_options opt = options();
	struct disk *a, *b;

	(void)state;
	opt.read_only = true;
	refused(&opt, "no such file");
	disk_close(open_overlay());
	a = must_open(&opt);
	b = must_open(&opt);
	assert_true(a->read_only);
	expect(a, BASE, 0, SIZE);
	overlay_refused("in use by another VM");
	disk_close(a);
	disk_close(b);
}

static void test_lock(void **state)
{
	struct disk *disk = open_overlay();

	(void)state;
	overlay_refused("in use by another VM");
	disk_close(disk);
	disk_close(open_overlay());
}

static void test_id(void **state)
{
	struct disk_options opt = options();
	struct disk *disk;

	(void)state;
	opt.id = "12345678901234567890";
	disk = must_open(&opt);
	assert_memory_equal(disk->id, "12345678901234567890", 20);
	disk_close(disk);
	opt.id = "s";
	disk = must_open(&opt);
	assert_memory_equal(disk->id, "s\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
			    20);
	disk_close(disk);
}

static void test_references(void **state)
{
	struct disk *disk = open_overlay();

	(void)state;
	assert_ptr_equal(disk_get(disk), disk);
	disk_close(disk);
	expect(disk, BASE, 0, 512);
	overlay_refused("in use");
	disk_close(disk);
	disk_close(open_overlay());
}

/* --- direct I/O ----------------------------------------------------------- */

/*
 * Where the test's file system has direct I/O (tmpfs has none before Linux 6.6).
 * Addresses, offsets and lengths are as crooked as a guest can make them.
 */
static void test_direct(void **state)
{
	static uint8_t buf[SIZE + 64], back[SIZE + 64];
	struct disk_options opt = options();
	struct iovec out[] = { { buf + 1, 511 },
			       { buf + 600, 4097 },
			       { buf + 5000, 100000 } };
	struct error err = { 0 };
	uint64_t offset = 3 * 512;
	struct disk *disk;
	struct iovec in;
	size_t i, len = 511 + 4097 + 100000;

	(void)state;
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = i * 31 + (i >> 9);
	opt.direct = true;
	/* 1536 bytes at its end: no whole number of 4096. */
	if (truncate(base_path, SIZE - 1536) || disk_open(&opt, &disk, &err)) {
		assert_non_null(strstr(err.text, "direct"));
		print_message("%s\n", err.text);
		skip();
	}
	assert_int_equal(disk->ops->write(disk, out, 3, offset), 0);
	in = (struct iovec){ back + 3, len };
	assert_int_equal(disk->ops->read(disk, &in, 1, offset), 0);
	assert_memory_equal(back + 3, buf + 1, 511);
	assert_memory_equal(back + 514, buf + 600, 4097);
	assert_memory_equal(back + 4611, buf + 5000, 100000);
	expect(disk, BASE, 0, offset);
	expect(disk, BASE, offset + len, SIZE - 1536 - offset - len);
	assert_int_equal(disk->ops->write_zeroes(disk, 512, 512, false), 0);
	assert_int_equal(disk->ops->flush(disk), 0);
	disk_close(disk);

	opt.direct = false; /* the same through the page cache */
	disk = must_open(&opt);
	expect(disk, BASE, 0, 512);
	expect(disk, 0, 512, 512);
	memset(back, 0, sizeof(back));
	assert_int_equal(disk->ops->read(disk, &in, 1, offset), 0);
	assert_memory_equal(back + 3, buf + 1, 511);
	assert_memory_equal(back + 4611, buf + 5000, 100000);
	disk_close(disk);

	opt.overlay = NULL; /* and a raw image, written to */
	opt.direct = true;
	disk = must_open(&opt);
	assert_int_equal(disk->ops->write(disk, out, 3, offset), 0);
	expect(disk, BASE, 0, offset);
	expect(disk, BASE, offset + len, SIZE - 1536 - offset - len);
	disk_close(disk);
	opt.direct = false;
	disk = must_open(&opt);
	assert_int_equal(disk->ops->read(disk, &in, 1, offset), 0);
	assert_memory_equal(back + 514, buf + 600, 4097);
	disk_close(disk);
}

/* --- errors --------------------------------------------------------------- */

static void test_bad_files(void **state)
{
	static const uint8_t junk[8192] = "junk";
	struct disk_options opt = options();

	(void)state;
	make_file(path, junk, 4);
	overlay_refused("is not an overlay");
	make_file(path, junk, sizeof(junk));
	overlay_refused("is not an overlay");
	opt.overlay = dir;
	refused(&opt, "directory");
	opt.overlay = "/dev/null";
	refused(&opt, "not a regular file");
	opt.overlay = "/nowhere/overlay";
	refused(&opt, "/nowhere/overlay");
	/* Not destroyed by the attempt. */
	overlay_refused("is not an overlay");
}

static void test_empty_file(void **state)
{
	struct disk_options opt = options();
	struct disk *disk;

	(void)state;
	make_file(path, "", 0);
	opt.read_only = true;
	refused(&opt, "is not an overlay");
	disk = open_overlay();
	expect(disk, BASE, 0, SIZE);
	disk_close(disk);
}

static void test_damaged(void **state)
{
	struct disk *disk = open_overlay();
	struct stat st;
	off_t at;

	(void)state;
	assert_int_equal(put(disk, 'x', 0, 512), 0);
	disk_close(disk);
	for (at = 0; at < 4096; at += at < 60 ? 1 : 333) {
		flip(path, at);
		overlay_refused(path);
		flip(path, at);
	}
	flip(path, 8);
	overlay_refused("later version");
	flip(path, 8);
	flip(path, 24);
	overlay_refused("checksum");
	flip(path, 24);
	/* Cluster 6 of 4. */
	flip(path, 4096);
	overlay_refused("beyond the disk's end");
	flip(path, 4096);
	flip(path, 8191);
	overlay_refused("beyond the disk's end");
	flip(path, 8191);

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	overlay_refused("cut short");
	assert_int_equal(truncate(path, 4096), 0);
	overlay_refused("cut short");
	assert_int_equal(truncate(path, 4095), 0);
	overlay_refused("cut short");
}

static void test_header_codec(void **state)
{
	struct overlay_header in = { .size = UINT64_C(5) << 40,
				     .base_mtime_sec = 1700000000,
				     .base_mtime_nsec = 999999999 };
	uint8_t buf[OVERLAY_HEADER_BYTES];
	struct overlay_header out;

	(void)state;
	memset(in.base_path, 'p', OVERLAY_BASE_PATH_MAX);
	overlay_header_encode(&in, buf);
	assert_null(overlay_header_decode(buf, &out));
	assert_memory_equal(&in, &out, sizeof(in));
	in.size = 0;
	overlay_header_encode(&in, buf);
	assert_non_null(overlay_header_decode(buf, &out));
	in.size = 513;
	overlay_header_encode(&in, buf);
	assert_non_null(overlay_header_decode(buf, &out));
	in.size = OVERLAY_MAX_SIZE + 512;
	overlay_header_encode(&in, buf);
	assert_non_null(overlay_header_decode(buf, &out));
}

/* A base that is not what it was would be mixed with what the overlay has. */
static void test_other_base(void **state)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { .tv_sec = 12345 } };
	struct disk_options opt = options();
	char moved[128];

	(void)state;
	disk_close(open_overlay());
	snprintf(moved, sizeof(moved), "%s/moved", dir);
	assert_int_equal(rename(base_path, moved), 0);
	opt.path = moved;
	disk_close(must_open(&opt)); /* another name is no other base */
	assert_int_equal(rename(moved, base_path), 0);

	assert_int_equal(utimensat(AT_FDCWD, base_path, times, 0), 0);
	overlay_refused("was written to since");
	assert_int_equal(truncate(base_path, SIZE + 512), 0);
	overlay_refused("was made for a base of");
	unlink(path);
	disk_close(open_overlay());
}

static void test_overlay_as_raw(void **state)
{
	const struct disk_options opt = { .path = path, .queues = 1 };

	(void)state;
	disk_close(open_overlay());
	refused(&opt, "give its base first");
}

/* No space: the guest is told, and what was there is there still. */
static void test_no_space(void **state)
{
	struct disk *disk = open_overlay();

	(void)state;
	assert_int_equal(put(disk, 'a', CLUSTER, CLUSTER), 0);
	fail_write = ENOSPC;
	assert_int_equal(put(disk, 'x', 0, CLUSTER), -ENOSPC);
	assert_int_equal(put(disk, 'x', 512, 512), -ENOSPC);
	fail_write = 0;
	expect(disk, BASE, 0, CLUSTER);
	expect(disk, 'a', CLUSTER, CLUSTER);

	/* The flush fails at the bitmap, and can be tried again. */
	fail_write = EIO;
	assert_int_equal(disk->ops->flush(disk), -EIO);
	fail_write = 0;
	assert_int_equal(disk->ops->flush(disk), 0);
	disk_close(disk);
	disk = open_overlay();
	expect(disk, BASE, 0, CLUSTER);
	expect(disk, 'a', CLUSTER, CLUSTER);
	disk_close(disk);
}

/* A host that could not write back may have lost anything since the flush. */
static void test_failed_flush(void **state)
{
	struct disk *disk = open_overlay();

	(void)state;
	assert_int_equal(put(disk, 'a', 0, 512), 0);
	assert_int_equal(disk->ops->flush(disk), 0);
	assert_int_equal(put(disk, 'b', CLUSTER, 512), 0);
	fail_sync = EIO;
	assert_int_equal(disk->ops->flush(disk), -EIO);
	fail_sync = 0;
	assert_int_equal(disk->ops->flush(disk), -EIO);
	assert_int_equal(put(disk, 'c', 0, 512), -EIO);
	assert_int_equal(disk->ops->write_zeroes(disk, 0, 512, true), -EIO);
	assert_int_equal(disk->ops->discard(disk, 0, 512), -EIO);
	expect(disk, 'a', 0, 512);
	disk_close(disk);

	disk = open_overlay();
	expect(disk, 'a', 0, 512);
	expect(disk, BASE, CLUSTER, CLUSTER);
	disk_close(disk);
}

static void test_base_shrinks(void **state)
{
	struct disk *disk = open_overlay();
	uint8_t buf[512];
	struct iovec in = { buf, sizeof(buf) };

	(void)state;
	assert_int_equal(put(disk, 'a', 3 * CLUSTER, 512), 0);
	assert_int_equal(truncate(base_path, CLUSTER), 0);
	assert_int_equal(disk->ops->read(disk, &in, 1, 2 * CLUSTER), -EIO);
	assert_int_equal(put(disk, 'b', 2 * CLUSTER, 512), -EIO);
	expect(disk, 'a', 3 * CLUSTER, 512);
	expect(disk, BASE, 0, CLUSTER);
	disk_close(disk);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_persists),
		T(test_shapes),
		T(test_zeroes_and_discard),
		T(test_snapshot),
		T(test_snapshot_place),
		T(test_snapshot_over_overlay),
		T(test_read_only),
		T(test_lock),
		T(test_id),
		T(test_references),
		T(test_direct),
		T(test_bad_files),
		T(test_empty_file),
		T(test_damaged),
		T(test_header_codec),
		T(test_other_base),
		T(test_overlay_as_raw),
		T(test_no_space),
		T(test_failed_flush),
		T(test_base_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
