// SPDX-License-Identifier: GPL-2.0-only
/* Raw disks on real files. */
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
#include <sys/wait.h>
#include <cmocka.h>

#include "backend/disk.h"
#include "lib/log.h"

/*
 * In place of libc's, so that the kernel seems to stop wherever it likes: not
 * more than @stingy bytes a call, and a signal before every other one.
 */
static size_t stingy;

static ssize_t vector_io(bool write, int fd, const struct iovec *iov,
			 int iovcnt, off_t offset)
{
	static unsigned int calls;
	ssize_t done = 0, n;
	size_t len;
	int i;

	if (stingy && calls++ % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	for (i = 0; i < iovcnt; i++) {
		len = iov[i].iov_len;
		if (stingy && len > stingy - done)
			len = stingy - done;
		if (!len)
			continue;
		n = write ? pwrite(fd, iov[i].iov_base, len, offset + done)
			  : pread(fd, iov[i].iov_base, len, offset + done);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

ssize_t preadv(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
	if (iovcnt > 1024)
		abort(); /* IOV_MAX, as the kernel has it */
	return vector_io(false, fd, iov, iovcnt, offset);
}

ssize_t pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
	if (iovcnt > 1024)
		abort();
	return vector_io(true, fd, iov, iovcnt, offset);
}

static char dir[64];
static char path[128]; /* dir/disk.img */

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/trapline-disk-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/disk.img", dir);
	log_set_level(LOG_WARN);
	stingy = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void make_file(off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static struct disk *must_open(bool read_only)
{
	struct error err = { 0 };
	struct disk *disk;

	if (disk_raw_open(path, read_only, false, &disk, &err))
		fail_msg("%s", err.text);
	return disk;
}

/* Opening fails with one line that holds @text, the path and advice. */
static void assert_no_open(const char *name, bool read_only, const char *text)
{
	struct error err = { 0 };
	struct disk *disk = (struct disk *)1;

	assert_true(disk_raw_open(name, read_only, false, &disk, &err) < 0);
	assert_null(disk);
	assert_int_equal(err.status, TL_DISK);
	assert_non_null(strstr(err.text, name));
	if (!strstr(err.text, text))
		fail_msg("'%s' does not say '%s'", err.text, text);
	assert_null(strchr(err.text, '\n'));
}

static void test_open(void **state)
{
	struct disk *disk;

	(void)state;
	make_file(1024);
	disk = must_open(false);
	assert_int_equal(disk->size, 1024);
	assert_false(disk->read_only);
	assert_memory_equal(disk->id, "disk.img\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	disk_close(disk);
	disk_close(NULL);
}

static void test_long_name(void **state)
{
	static const char base[] = "a-d\xc3\xafsk with-a-long-name.img";
	char name[128];
	struct disk *disk;

	(void)state;
	make_file(512);
	snprintf(name, sizeof(name), "%s/%s", dir, base);
	assert_int_equal(rename(path, name), 0);
	assert_int_equal(disk_raw_open(name, true, false, &disk, NULL), 0);
	assert_memory_equal(disk->id, "a-d__sk_with-a-long-", 20);
	disk_close(disk);
	unlink(name);
}

static void test_missing(void **state)
{
	(void)state;
	assert_no_open(path, false, "no such file; create one with: truncate");
	assert_no_open("", false, "no such file");
	assert_no_open("/nowhere,fast", false, "create one with");
}

/* What a user took for an option is not to become a file's name. */
static void test_missing_option(void **state)
{
	char name[sizeof(path) + 8];

	(void)state;
	make_file(512);
	snprintf(name, sizeof(name), "%s,fast", path);
	assert_no_open(name, false, "'fast' is none of its options: ro");
	snprintf(name, sizeof(name), "%s,", path);
	assert_no_open(name, false, "'' is none of its options");
}

static void test_empty(void **state)
{
	(void)state;
	make_file(0);
	assert_no_open(path, false, "is empty; give it a size");
}

static void test_odd_size(void **state)
{
	(void)state;
	make_file(1000);
	assert_no_open(path, false,
		       "1000 bytes is no whole number of 512-byte");
	make_file(511);
	assert_no_open(path, true, "truncate -s %512");
}

static void test_directory(void **state)
{
	(void)state;
	assert_no_open(dir, false, "is a directory");
	assert_no_open(dir, true, "is a directory");
}

/* Must not hang for a writer, nor be taken for a disk. */
static void test_fifo(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_no_open(path, true, "neither a file nor a block device");
	assert_no_open(path, false, "neither a file nor a block device");
	assert_no_open("/dev/null", false, "neither a file nor a block");
}

/* As an unprivileged user, in a child: root may do anything. */
static void test_permission(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	make_file(512);
	chmod(dir, 0755);
	if (geteuid() != 0) {
		chmod(path, 0400);
		assert_no_open(path, false, "not writable");
		return;
	}
	chmod(path, 0444);
	pid = fork();
	if (pid == 0) {
		struct error err = { 0 };
		struct disk *disk;
		int bad;

		if (setuid(65534))
			_exit(2);
		bad = disk_raw_open(path, false, false, &disk, &err) !=
			      -EACCES ||
		      !strstr(err.text, "attach it read-only") ||
		      disk_raw_open(path, true, false, &disk, NULL);
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_lock(void **state)
{
	struct disk *a, *b;

	(void)state;
	make_file(512);
	a = must_open(false);
	assert_no_open(path, false, "in use by another VM");
	assert_no_open(path, true, "in use by another VM");
	disk_close(a);

	a = must_open(true);
	b = must_open(true);
	assert_no_open(path, false, "in use by another VM");
	disk_close(a);
	assert_no_open(path, false, "in use by another VM");
	disk_close(b);
	disk_close(must_open(false));
}

static void test_read_write(void **state)
{
	char a[100], b[900], c[1048], whole[2048], back[2048];
	struct iovec out[] = { { a, sizeof(a) },
			       { b, sizeof(b) },
			       { c, sizeof(c) } };
	struct iovec in = { back, sizeof(back) };
	struct disk *disk;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(whole); i++)
		whole[i] = i * 7;
	memcpy(a, whole, 100);
	memcpy(b, whole + 100, 900);
	memcpy(c, whole + 1000, 1048);
	make_file(8192);
	disk = must_open(false);
	assert_int_equal(disk->ops->write(disk, out, 3, 4096), 0);
	assert_int_equal(disk->ops->flush(disk), 0);
	assert_int_equal(disk->ops->read(disk, &in, 1, 4096), 0);
	assert_memory_equal(back, whole, sizeof(whole));
	disk_close(disk);

	memset(back, 0, sizeof(back));
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, back, sizeof(back), 4096), sizeof(back));
	close(fd);
	assert_memory_equal(back, whole, sizeof(whole));

	disk = must_open(true);
	memset(back, 0, sizeof(back));
	assert_int_equal(disk->ops->read(disk, &in, 1, 4096), 0);
	assert_memory_equal(back, whole, sizeof(whole));
	assert_int_equal(disk->ops->flush(disk), 0);
	disk_close(disk);
}

/* More segments than one system call takes, empty ones among them. */
static void test_many_segments(void **state)
{
	enum { N = 3000 };
	static struct iovec iov[N];
	static uint8_t buf[N], back[N];
	struct iovec in = { back, N };
	struct disk *disk;
	int i;

	(void)state;
	for (i = 0; i < N; i++) {
		buf[i] = i * 13;
		iov[i] = (struct iovec){ buf + i, 1 };
	}
	make_file(4096);
	disk = must_open(false);
	assert_int_equal(disk->ops->write(disk, iov, N, 0), 0);
	assert_int_equal(disk->ops->read(disk, &in, 1, 0), 0);
	assert_memory_equal(buf, back, N);
	for (i = 1500; i < N; i++)
		iov[i].iov_len = 0;
	memset(buf, 0, N);
	assert_int_equal(disk->ops->read(disk, iov, N, 0), 0);
	assert_memory_equal(buf, back, 1500);
	assert_int_equal(disk->ops->read(disk, iov, 0, 0), 0);
	disk_close(disk);
}

/* Short transfers end in and between segments, and are carried on. */
static void test_short_transfers(void **state)
{
	static uint8_t buf[2048], back[2048];
	struct iovec out[] = { { buf, 10 },        { buf + 10, 1000 },
			       { buf + 1010, 0 },  { buf + 1010, 1 },
			       { buf + 1011, 37 }, { buf + 1048, 1000 },
			       { NULL, 0 } };
	struct iovec in[] = { { back, 1000 },
			      { NULL, 0 },
			      { back + 1000, 1048 } };
	struct disk *disk;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = i * 11 + (i >> 8);
	make_file(4096);
	disk = must_open(false);
	for (stingy = 1; stingy < 1100; stingy += 1 + stingy / 4) {
		memset(back, 0, sizeof(back));
		assert_int_equal(disk->ops->write(disk, out, 7, 512), 0);
		assert_int_equal(disk->ops->read(disk, in, 3, 512), 0);
		assert_memory_equal(back, buf, sizeof(buf));
		assert_int_equal(truncate(path, 0), 0);
		assert_int_equal(truncate(path, 4096), 0);
	}
	disk_close(disk);
}

/* The lines that go to stderr while @fn runs. */
static unsigned int count_warnings(void (*fn)(struct disk *), struct disk *disk,
				   const char *text)
{
	int keep = dup(2), pipefd[2];
	char buf[4096] = { 0 };
	unsigned int n = 0;
	char *at;

	assert_int_equal(pipe(pipefd), 0);
	dup2(pipefd[1], 2);
	close(pipefd[1]);
	fn(disk);
	dup2(keep, 2);
	close(keep);
	assert_true(read(pipefd[0], buf, sizeof(buf) - 1) >= 0);
	close(pipefd[0]);
	for (at = buf; (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void read_beyond(struct disk *disk)
{
	uint8_t buf[1024];
	struct iovec in = { buf, sizeof(buf) };
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(disk->ops->read(disk, &in, 1, 0), -EIO);
}

/* Someone cut the file short: an error for the guest, one line for the user. */
static void test_truncated_under_us(void **state)
{
	struct disk *disk;

	(void)state;
	make_file(1024);
	disk = must_open(false);
	assert_int_equal(truncate(path, 700), 0);
	assert_int_equal(count_warnings(read_beyond, disk, path), 1);
	assert_int_equal(count_warnings(read_beyond, disk, path), 0);
	disk_close(disk);
}

static void write_it(struct disk *disk)
{
	uint8_t buf[512] = { 0 };
	struct iovec out = { buf, sizeof(buf) };

	assert_int_equal(disk->ops->write(disk, &out, 1, 0), -EBADF);
}

static void test_write_to_read_only(void **state)
{
	struct disk *disk;

	(void)state;
	make_file(512);
	disk = must_open(true);
	assert_int_equal(count_warnings(write_it, disk, "cannot write"), 1);
	disk_close(disk);
}

static void open_close(struct disk *disk)
{
	(void)disk;
	disk_close(must_open(false));
}

static void test_qcow2(void **state)
{
	int fd;

	(void)state;
	make_file(512);
	assert_int_equal(count_warnings(open_close, NULL, "qcow2"), 0);
	fd = open(path, O_WRONLY);
	assert_int_equal(write(fd, "QFI\xfb", 4), 4);
	close(fd);
	assert_int_equal(count_warnings(open_close, NULL, "qemu-img convert"),
			 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_open),
		T(test_long_name),
		T(test_missing),
		T(test_missing_option),
		T(test_empty),
		T(test_odd_size),
		T(test_directory),
		T(test_fifo),
		T(test_permission),
		T(test_lock),
		T(test_read_write),
		T(test_many_segments),
		T(test_short_transfers),
		T(test_truncated_under_us),
		T(test_write_to_read_only),
		T(test_qcow2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
