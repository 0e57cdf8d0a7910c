// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work for a block device, inside a Linux guest:
 *
 *   blkload read DEVICE DEPTH COUNT    COUNT random reads of 4 KiB, DEPTH of
 *                                      them under way at a time
 *   blkload zero DEVICE OFFSET LENGTH  zeroes, written by the device
 *
 * Statically linked; asynchronous I/O by system calls, to need no library.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK     4096
#define MAX_DEPTH 256

static int failed(const char *what)
{
	printf("blkload: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t draw(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static long submit(aio_context_t ctx, struct iocb **list, long nr, int fd,
		   uint64_t blocks, char *buf)
{
	static struct iocb iocb[MAX_DEPTH];
	long i;

	for (i = 0; i < nr; i++) {
		iocb[i] = (struct iocb){
			.aio_lio_opcode = IOCB_CMD_PREAD,
			.aio_fildes = fd,
			.aio_buf = (uintptr_t)(buf + i * BLOCK),
			.aio_nbytes = BLOCK,
			.aio_offset = draw() % blocks * BLOCK,
		};
		list[i] = &iocb[i];
	}
	return syscall(SYS_io_submit, ctx, nr, list);
}

static int load(int fd, long depth, long count)
{
	struct io_event event[MAX_DEPTH];
	struct iocb *list[MAX_DEPTH];
	struct timespec a, b;
	aio_context_t ctx = 0;
	long done = 0, sent = 0, n, i;
	uint64_t size;
	char *buf;

	if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return failed("size");
	if (posix_memalign((void **)&buf, BLOCK, MAX_DEPTH * BLOCK) ||
	    syscall(SYS_io_setup, depth, &ctx) < 0)
		return failed("setup");
	clock_gettime(CLOCK_MONOTONIC, &a);
	while (done < count) {
		n = depth - (sent - done);
		if (n > count - sent)
			n = count - sent;
		if (n && submit(ctx, list, n, fd, size / BLOCK, buf) != n)
			return failed("submit");
		sent += n;
		n = syscall(SYS_io_getevents, ctx, 1, depth, event, NULL);
		if (n < 0)
			return failed("wait");
		for (i = 0; i < n; i++)
			if (event[i].res != BLOCK)
				return failed("read");
		done += n;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("blkload: %ld reads, depth %ld, %ld us\n", done, depth,
	       (long)((b.tv_sec - a.tv_sec) * 1000000 +
		      (b.tv_nsec - a.tv_nsec) / 1000));
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t range[2];
	long x, y;
	int fd;

	if (argc != 5)
		return 2;
	x = strtol(argv[3], NULL, 0);
	y = strtol(argv[4], NULL, 0);
	fd = open(argv[2], O_DIRECT | O_RDWR);
	if (fd < 0)
		fd = open(argv[2], O_DIRECT | O_RDONLY);
	if (fd < 0)
		return failed(argv[2]);
	if (!strcmp(argv[1], "read") && x > 0 && x <= MAX_DEPTH)
		return load(fd, x, y);
	range[0] = x;
	range[1] = y;
	if (!strcmp(argv[1], "zero"))
		return ioctl(fd, BLKZEROOUT, range) ? failed("zero") : 0;
	return 2;
}
