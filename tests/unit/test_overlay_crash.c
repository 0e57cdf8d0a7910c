// SPDX-License-Identifier: GPL-2.0-only
/*
 * An overlay and power cuts: random requests against a reference, and every now
 * and then the file as a crash could have left it.  What was on stable storage
 * is there; of what was written since, any 512 bytes may be there or not, in
 * any order.  Opened again, each sector has what was last flushed or something
 * that was written after that, and nothing else.
 */
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
#include <linux/falloc.h>

#include "backend/disk.h"
#include "lib/log.h"

#define SECTOR  512
#define SECTORS 2051 /* 16 clusters of 64 KiB and three sectors */
#define SIZE    (SECTORS * SECTOR)
#define SINCE   24 /* values remembered of a sector since the last flush */

static char dir[64], base_path[96], path[96], crash_path[96];

/* --- a host that can lose power ------------------------------------------- */

struct change {
	off_t offset;
	size_t len;
	uint8_t *data; /* NULL: zeroes */
};

static struct change *journal;
static size_t nr_changes;
static uint8_t *stable; /* the file as it is after a power cut, at least */
static size_t stable_size;
static bool recording;
static bool no_holes; /* a file system that cannot */

static void check_crash(void);

static void record(off_t offset, const void *data, size_t len)
{
	struct change *c;

	journal = realloc(journal, (nr_changes + 1) * sizeof(*journal));
	c = &journal[nr_changes++];
	*c = (struct change){ offset, len, NULL };
	if (data) {
		c->data = malloc(len);
		memcpy(c->data, data, len);
	}
}

static void forget_changes(void)
{
	size_t i;

	for (i = 0; i < nr_changes; i++)
		free(journal[i].data);
	free(journal);
	journal = NULL;
	nr_changes = 0;
}

static uint8_t *whole_file(const char *name, size_t *size)
{
	int fd = open(name, O_RDONLY);
	struct stat st;
	uint8_t *data;

	assert_int_equal(fstat(fd, &st), 0);
	*size = st.st_size;
	data = malloc(st.st_size);
	assert_int_equal(read(fd, data, st.st_size), st.st_size);
	close(fd);
	return data;
}

static void all_is_stable(void)
{
	free(stable);
	stable = whole_file(path, &stable_size);
	forget_changes();
}

/* In one piece: a sector is whole in the journal wherever a segment ends. */
ssize_t pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
	size_t len = 0;
	uint8_t *data;
	int i;

	for (i = 0; i < iovcnt; i++)
		len += iov[i].iov_len;
	data = malloc(len);
	for (i = 0, len = 0; i < iovcnt; len += iov[i++].iov_len)
		if (iov[i].iov_len)
			memcpy(data + len, iov[i].iov_base, iov[i].iov_len);
	assert_int_equal(pwrite(fd, data, len, offset), len);
	if (recording)
		record(offset, data, len);
	free(data);
	return len;
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (no_holes) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (recording)
		record(offset, NULL, len);
	return syscall(SYS_fallocate, fd, mode, offset, len);
}

int fdatasync(int fd)
{
	(void)fd;
	if (recording) {
		check_crash(); /* the power goes just before it is done */
		all_is_stable();
	}
	return 0;
}

/* --- the reference -------------------------------------------------------- */

/* A sector's contents are one number, over and over; 0 is a sector of zeroes. */
struct sector {
	uint32_t now;
	uint32_t flushed;
	uint32_t since[SINCE];
	unsigned int nr_since;
	bool anything; /* discarded since the flush, or too much to remember */
};

static struct sector ref[SECTORS];
static uint32_t next_value;
static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(seed >> 4) * below) >> 28);
}

static void fill(uint8_t *buf, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < SECTOR / 4; i++)
		memcpy(buf + 4 * i, &value, 4);
}

/* The number that a sector holds; a sector of a mix is a failure. */
static uint32_t value_of(const uint8_t *buf, unsigned int s)
{
	uint32_t value;

	memcpy(&value, buf, 4);
	if (memcmp(buf, buf + 4, SECTOR - 4))
		fail_msg("sector %u is torn", s);
	return value;
}

static void set(unsigned int s, uint32_t value)
{
	ref[s].now = value;
	if (ref[s].nr_since < SINCE)
		ref[s].since[ref[s].nr_since++] = value;
	else
		ref[s].anything = true;
}

static void flushed(void)
{
	unsigned int s;

	for (s = 0; s < SECTORS; s++) {
		ref[s].flushed = ref[s].now;
		ref[s].nr_since = 0;
		ref[s].anything = false;
	}
}

static bool allowed(const struct sector *sector, uint32_t value)
{
	unsigned int i;

	if (value == sector->flushed || sector->anything)
		return true;
	for (i = 0; i < sector->nr_since; i++)
		if (sector->since[i] == value)
			return true;
	return false;
}

static uint8_t disk_image[SIZE];

static void read_all(struct disk *disk)
{
	struct iovec iov = { disk_image, SIZE };

	assert_int_equal(disk->ops->read(disk, &iov, 1, 0), 0);
}

static struct disk *open_overlay(const char *name, bool read_only)
{
	const struct disk_options opt = { .path = base_path,
					  .overlay = name,
					  .read_only = read_only,
					  .queues = 1 };
	struct error err = { 0 };
	struct disk *disk;

	if (disk_open(&opt, &disk, &err))
		fail_msg("%s", err.text);
	return disk;
}

/* --- crashes -------------------------------------------------------------- */

static unsigned int crashes, total_crashes, crash_one_in;

static void write_crashed_file(void)
{
	uint8_t *image = malloc(stable_size);
	size_t i, at, n;
	int fd;

	/* Each change lost, kept, or kept in part; half of the files in order. */
	unsigned int keep = draw(4);

	memcpy(image, stable, stable_size);
	for (i = 0; i < nr_changes; i++) {
		for (at = 0; at < journal[i].len; at += n) {
			n = SECTOR - (journal[i].offset + at) % SECTOR;
			if (n > journal[i].len - at)
				n = journal[i].len - at;
			if (draw(4) > keep)
				continue;
			if (journal[i].data)
				memcpy(image + journal[i].offset + at,
				       journal[i].data + at, n);
			else
				memset(image + journal[i].offset + at, 0, n);
		}
	}
	fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, image, stable_size), stable_size);
	close(fd);
	free(image);
}

static void check_crash(void)
{
	struct disk *disk;
	unsigned int s;
	uint32_t value;

	if (draw(crash_one_in))
		return;
	crashes++;
	recording = false;
	write_crashed_file();
	disk = open_overlay(crash_path, true);
	read_all(disk);
	disk_close(disk);
	for (s = 0; s < SECTORS; s++) {
		value = ref[s].anything ? 0
					: value_of(disk_image + s * SECTOR, s);
		if (!allowed(&ref[s], value))
			fail_msg("sector %u has %#x after crash %u, not the "
				 "flushed %#x",
				 s, value, crashes, ref[s].flushed);
	}
	recording = true;
}

/* --- random requests ------------------------------------------------------ */

static void draw_range(unsigned int *first, unsigned int *n)
{
	static const unsigned int longest[] = { 1, 8, 130, 600 };

	*first = draw(SECTORS);
	*n = 1 + draw(longest[draw(4)]);
	if (*n > SECTORS - *first)
		*n = SECTORS - *first;
}

static void do_write(struct disk *disk)
{
	static uint8_t buf[SIZE];
	unsigned int first, n, i, cut;
	struct iovec iov[3];

	draw_range(&first, &n);
	/* The values of one request differ, so that a shift is seen. */
	for (i = 0; i < n; i++)
		fill(buf + i * SECTOR, next_value + i);
	cut = draw(n * SECTOR);
	iov[0] = (struct iovec){ buf, cut };
	iov[1] = (struct iovec){ buf + cut, n * SECTOR - cut };
	iov[2] = (struct iovec){ NULL, 0 };
	assert_int_equal(
		disk->ops->write(disk, iov, 3, (uint64_t)first * SECTOR), 0);
	for (i = 0; i < n; i++)
		set(first + i, next_value + i);
	next_value += n;
}

static void do_zeroes(struct disk *disk)
{
	unsigned int first, n, i;

	draw_range(&first, &n);
	assert_int_equal(disk->ops->write_zeroes(disk, (uint64_t)first * SECTOR,
						 (uint64_t)n * SECTOR, draw(2)),
			 0);
	for (i = 0; i < n; i++)
		set(first + i, 0);
}

/* Anything until it is flushed; what it is then is what it is. */
static void do_discard(struct disk *disk)
{
	unsigned int first, n, i;

	draw_range(&first, &n);
	assert_int_equal(disk->ops->discard(disk, (uint64_t)first * SECTOR,
					    (uint64_t)n * SECTOR),
			 0);
	read_all(disk);
	for (i = first; i < first + n; i++) {
		set(i, value_of(disk_image + i * SECTOR, i));
		ref[i].anything = true;
	}
}

static void check_all(struct disk *disk)
{
	unsigned int s;

	read_all(disk);
	for (s = 0; s < SECTORS; s++)
		if (value_of(disk_image + s * SECTOR, s) != ref[s].now)
			fail_msg("sector %u does not read as it was written",
				 s);
}

static struct disk *reopen(struct disk *disk)
{
	disk_close(disk); /* which flushes */
	flushed();
	recording = false;
	disk = open_overlay(path, false);
	all_is_stable();
	recording = true;
	return disk;
}

/* The power goes, and what it left is used on. */
static struct disk *crash_and_go_on(struct disk *disk)
{
	unsigned int s;
	uint32_t value;

	recording = false;
	write_crashed_file();
	disk_close(disk);
	assert_int_equal(rename(crash_path, path), 0);
	disk = open_overlay(path, false);
	read_all(disk);
	for (s = 0; s < SECTORS; s++) {
		value = value_of(disk_image + s * SECTOR, s);
		assert_true(allowed(&ref[s], value));
		ref[s].now = value;
	}
	flushed();
	all_is_stable();
	recording = true;
	return disk;
}

static void run(uint32_t from, unsigned int steps)
{
	struct disk *disk;
	unsigned int i, s;

	seed = from;
	next_value = 1;
	crashes = 0;
	for (s = 0; s < SECTORS; s++) {
		memset(&ref[s], 0, sizeof(ref[s]));
		ref[s].now = 0x80000000 + s;
	}
	flushed();
	unlink(path);
	recording = false;
	disk = open_overlay(path, false);
	all_is_stable();
	recording = true;

	for (i = 0; i < steps; i++) {
		switch (draw(16)) {
		case 0:
			assert_int_equal(disk->ops->flush(disk), 0);
			flushed();
			break;
		case 1:
		case 2:
			do_zeroes(disk);
			break;
		case 3:
			do_discard(disk);
			break;
		case 4:
			check_all(disk);
			break;
		case 5:
			if (draw(8) == 0)
				disk = reopen(disk);
			break;
		case 6:
			disk = crash_and_go_on(disk);
			break;
		default:
			do_write(disk);
			check_crash();
			break;
		}
	}
	check_all(disk);
	disk = reopen(disk);
	check_all(disk);
	recording = false;
	disk_close(disk);
	total_crashes += crashes;
}

/* --- tests ---------------------------------------------------------------- */

static int setup(void **state)
{
	static uint8_t base[SIZE];
	unsigned int s;
	int fd;

	(void)state;
	log_set_level(LOG_WARN);
	snprintf(dir, sizeof(dir), "/tmp/trapline-crash-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(base_path, sizeof(base_path), "%s/base", dir);
	snprintf(path, sizeof(path), "%s/overlay", dir);
	snprintf(crash_path, sizeof(crash_path), "%s/crashed", dir);
	for (s = 0; s < SECTORS; s++)
		fill(base + s * SECTOR, 0x80000000 + s);
	fd = open(base_path, O_WRONLY | O_CREAT, 0600);
	if (write(fd, base, SIZE) != SIZE)
		return -1;
	close(fd);
	no_holes = false;
	recording = false;
	crash_one_in = 4;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	forget_changes();
	free(stable);
	stable = NULL;
	unlink(base_path);
	unlink(path);
	unlink(crash_path);
	return rmdir(dir);
}

static void test_random(void **state)
{
	uint32_t i;

	(void)state;
	/* Many short lives: a cluster is new only once in each. */
	for (i = 10; i < 45; i++)
		run(i, 30);
	for (i = 1; i <= 3; i++)
		run(i, 300);
	assert_true(total_crashes > 200);
}

static void test_random_without_holes(void **state)
{
	(void)state;
	no_holes = true;
	run(77, 400);
}

/* The judge itself: a lost flush is found out. */
static void test_judge(void **state)
{
	struct sector s = { .flushed = 5, .since = { 7, 9 }, .nr_since = 2 };

	(void)state;
	assert_true(allowed(&s, 5));
	assert_true(allowed(&s, 7));
	assert_true(allowed(&s, 9));
	assert_false(allowed(&s, 0));
	assert_false(allowed(&s, 8));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_random),
		T(test_random_without_holes),
		T(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
