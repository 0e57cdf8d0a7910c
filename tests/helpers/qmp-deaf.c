// SPDX-License-Identifier: GPL-2.0-only
/*
 * qmp-deaf SOCKET SECONDS: clients as they should not be.  One sends commands
 * and never reads an answer, one sends a part of a line and waits, one connects
 * and says nothing.  Each begins again when it is thrown out.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { DEAF, SLOW, MUTE, CLIENTS };

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	static const char begin[] = "{\"execute\":\"qmp_capabilities\"}\n"
				    "{\"execute\":\"query-commands\"}\n";
	static const char more[] = "{\"execute\":\"query-stats-schemas\"}\n";
	static const char part[] = "{\"execute\":\"query-sta";
	const struct timespec pause = { .tv_nsec = 2000000 };
	unsigned long sent = 0, connected = 0;
	int fd[CLIENTS] = { -1, -1, -1 };
	time_t end;
	int i;

	if (argc != 3) {
		fprintf(stderr, "usage: qmp-deaf SOCKET SECONDS\n");
		return 2;
	}
	end = time(NULL) + strtol(argv[2], NULL, 10);
	while (time(NULL) < end) {
		for (i = 0; i < CLIENTS; i++) {
			const char *text = i == SLOW ? part : begin;

			if (fd[i] >= 0)
				continue;
			fd[i] = connect_to(argv[1]);
			if (fd[i] < 0)
				continue;
			connected++;
			if (i != MUTE)
				send(fd[i], text, strlen(text), MSG_NOSIGNAL);
		}
		if (fd[DEAF] >= 0) {
			ssize_t n = send(fd[DEAF], more, strlen(more),
					 MSG_NOSIGNAL);

			if (n > 0)
				sent += (unsigned long)n;
		}
		for (i = 0; i < CLIENTS; i++) {
			/* The answers stay where they are. */
			struct pollfd at = { .fd = fd[i] };

			if (fd[i] < 0 || !poll(&at, 1, 0))
				continue;
			close(fd[i]);
			fd[i] = -1;
		}
		nanosleep(&pause, NULL);
	}
	printf("%lu connections, %lu bytes\n", connected, sent);
	return 0;
}
