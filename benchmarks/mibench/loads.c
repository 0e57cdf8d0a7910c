// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work that is not computing: what a kernel, a disk and a network do for a
 * program.  Each ends when it has done a given number of things.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/fs.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

enum { PORT = 5201, CHUNK = 65536 };

static int load_syscall(long n)
{
	while (n-- > 0)
		if (syscall(SYS_getppid) < 0)
			return 1;
	return 0;
}

/* @n processes, each a fork, an exec of this program and a wait. */
static int load_fork(long n)
{
	int status;

	while (n-- > 0) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/proc/self/exe", "mibench", "load", "syscall",
			      "0", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			return 1;
	}
	return 0;
}

/* The first touch of each page of @mib MiB. */
static int load_touch(long mib)
{
	size_t size = (size_t)mib << 20, at;
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	for (at = 0; at < size; at += 4096)
		p[at] = 1;
	return munmap((void *)p, size) ? 1 : 0;
}

/*
 * As hackbench does: @n messages from each of 4 writers to each of 4 readers,
 * over pipes, which wake each other up on all processors.
 */
static int load_sched(long n)
{
	enum { PAIRS = 4 };
	char message[100] = { 0 };
	int i, status, bad = 0;
	long m;

	for (i = 0; i < PAIRS; i++) {
		int to[2], from[2];

		if (pipe(to) || pipe(from))
			return 1;
		if (fork() == 0) {
			for (m = 0; m < n; m++)
				if (read(to[0], message, 100) != 100 ||
				    write(from[1], message, 100) != 100)
					_exit(1);
			_exit(0);
		}
		if (fork() == 0) {
			for (m = 0; m < n; m++)
				if (write(to[1], message, 100) != 100 ||
				    read(from[0], message, 100) != 100)
					_exit(1);
			_exit(0);
		}
		close(to[0]);
		close(to[1]);
		close(from[0]);
		close(from[1]);
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}

/* @count blocks of @size bytes, one at a time, past the page cache. */
static int load_disk(const char *path, bool random, bool write_it, long size,
		     long count)
{
	uint64_t blocks, bytes = 0, x = 88172645463325252;
	int fd = open(path, (write_it ? O_RDWR : O_RDONLY) | O_DIRECT);
	void *buffer = NULL;
	long i;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) ||
	    posix_memalign(&buffer, 4096, (size_t)size))
		goto bad;
	blocks = bytes / (uint64_t)size;
	if (!blocks)
		goto bad;
	memset(buffer, 0x5a, (size_t)size);
	for (i = 0; i < count; i++) {
		uint64_t block = (uint64_t)i % blocks;
		off_t at;

		if (random) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			block = x % blocks;
		}
		at = (off_t)(block * (uint64_t)size);
		if ((write_it ? pwrite(fd, buffer, (size_t)size, at)
			      : pread(fd, buffer, (size_t)size, at)) != size)
			goto bad;
	}
	if (write_it && fsync(fd))
		goto bad;
	free(buffer);
	close(fd);
	return 0;
bad:
	perror(path);
	return 1;
}

static bool all(int fd, char *data, size_t len, bool out)
{
	while (len) {
		ssize_t n = out ? write(fd, data, len) : read(fd, data, len);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * The other end of load_net(): a connection begins with a direction and a
 * number, then so many bytes go that way, or come and go back one by one.
 */
static void answer(int fd)
{
	static char data[CHUNK];
	char mode;
	uint32_t left;

	if (!all(fd, &mode, 1, false) || !all(fd, (char *)&left, 4, false))
		return;
	left = ntohl(left);
	while (left) {
		size_t n = mode == 'e' ? 1 : left < CHUNK ? left : CHUNK;

		if (mode != 'd' && !all(fd, data, n, false))
			return;
		if (mode != 'u' && !all(fd, data, n, true))
			return;
		left -= (uint32_t)n;
	}
	/* Sent is not received: the sender waits for this. */
	all(fd, &mode, 1, true);
}

static int load_serve(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(PORT) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 4))
		return 1;
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			return 1;
		setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		answer(peer);
		close(peer);
	}
}

/* @mode up, down or echo: @n bytes to or from @host, or there and back. */
static int load_net(const char *host, char mode, long n)
{
	static char data[CHUNK];
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(PORT) };
	uint32_t count = htonl((uint32_t)n);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	long left;

	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror(host);
		return 1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!all(fd, &mode, 1, true) || !all(fd, (char *)&count, 4, true))
		return 1;
	for (left = n; left > 0;) {
		size_t part = mode == 'e'    ? 1
			      : left < CHUNK ? (size_t)left
					     : CHUNK;

		if (mode != 'd' && !all(fd, data, part, true))
			return 1;
		if (mode != 'u' && !all(fd, data, part, false))
			return 1;
		left -= (long)part;
	}
	return all(fd, &mode, 1, false) ? 0 : 1;
}

int load_main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[argc - 1], NULL, 10) : -1;

	if (argc == 1 && !strcmp(argv[0], "serve"))
		return load_serve();
	if (n < 0)
		return 2;
	if (argc == 2 && !strcmp(argv[0], "syscall"))
		return load_syscall(n);
	if (argc == 2 && !strcmp(argv[0], "fork"))
		return load_fork(n);
	if (argc == 2 && !strcmp(argv[0], "touch"))
		return load_touch(n);
	if (argc == 2 && !strcmp(argv[0], "sched"))
		return load_sched(n);
	if (argc == 6 && !strcmp(argv[0], "disk"))
		return load_disk(argv[1], !strcmp(argv[2], "random"),
				 !strcmp(argv[3], "write"),
				 strtol(argv[4], NULL, 10), n);
	if (argc == 4 && !strcmp(argv[0], "net"))
		return load_net(argv[1], argv[2][0], n);
	return 2;
}
