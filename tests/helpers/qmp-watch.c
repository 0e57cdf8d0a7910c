// SPDX-License-Identifier: GPL-2.0-only
/*
 * qmp-watch SOCKET GUEST-MIB: wait for the VM's control socket, ask it how it is,
 * ten times a second until it goes away, and look at the memory of the process
 * once a second:
 *
 *   answers: N, longest MS ms, 99 % within MS ms, late: N
 *   an echo: longest MS ms, 99 % within MS ms, late: N
 *   private KiB outside guest memory: first N, last N, most N
 *   watched S s, of which S s in questions and S s in /proc
 *   balloon events: N
 *   the VM went away N ms after the last question
 *
 * The echo is a process that does nothing but answer, asked at the same moment:
 * it tells how long the machine lets anybody wait.  Late is an answer that took
 * more than 100 ms when the echo did not.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LATE_MS     100
#define PERIOD_NS   100000000L
#define PATIENCE_S  60
#define LOOK_MS     1000
#define MAX_SAMPLES 100000

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* To the socket once it is there, and whose it is. */
static int connect_to(const char *path, pid_t *pid)
{
	const struct timespec pause = { .tv_nsec = PERIOD_NS / 10 };
	const double start = now_ms();
	struct ucred peer;
	socklen_t len = sizeof(peer);

	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if (now_ms() - start > PATIENCE_S * 1e3)
			goto close_fd;
		nanosleep(&pause, NULL);
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		goto close_fd;
	*pid = peer.pid;
	return fd;

close_fd:
	close(fd);
	return -1;
}

/* A process at the other end of the descriptor. */
static int start_echo(void)
{
	int pair[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		close(pair[0]);
		while (read(pair[1], &c, 1) == 1 && write(pair[1], &c, 1) == 1)
			;
		_exit(0);
	}
	close(pair[1]);
	return pair[0];
}

static unsigned int balloon_events;

/* Up to the end of a line that is a reply; events are counted.  0 or -1. */
static int read_reply(int fd)
{
	static char buf[8192];
	static size_t have;
	char *end;

	for (;;) {
		while ((end = memchr(buf, '\n', have))) {
			bool reply;

			*end++ = 0;
			reply = strstr(buf, "\"return\"") ||
				strstr(buf, "\"QMP\"");
			balloon_events += !!strstr(buf, "\"BALLOON_CHANGE\"");
			have -= (size_t)(end - buf);
			memmove(buf, end, have);
			if (reply)
				return 0;
		}
		const ssize_t n = recv(fd, buf + have, sizeof(buf) - have, 0);

		if (n <= 0)
			return -1;
		have += (size_t)n;
	}
}

/* Ask both at once.  0, or -1 once the VM is gone. */
static int ask_both(int qmp, int echo, double *qmp_ms, double *echo_ms)
{
	static const char ask[] = "{\"execute\":\"query-status\"}\n";
	struct pollfd fds[2] = { { .fd = qmp, .events = POLLIN },
				 { .fd = echo, .events = POLLIN } };
	const double start = now_ms();
	char c = 0;

	*qmp_ms = *echo_ms = -1;
	if (send(qmp, ask, strlen(ask), MSG_NOSIGNAL) < 0 ||
	    send(echo, &c, 1, MSG_NOSIGNAL) < 0)
		return -1;
	while (*qmp_ms < 0 || *echo_ms < 0) {
		fds[0].fd = *qmp_ms < 0 ? qmp : -1;
		fds[1].fd = *echo_ms < 0 ? echo : -1;
		if (poll(fds, 2, PATIENCE_S * 1000) <= 0)
			return -1;
		if (fds[1].fd >= 0 && fds[1].revents) {
			if (recv(echo, &c, 1, 0) != 1)
				return -1;
			*echo_ms = now_ms() - start;
		}
		if (fds[0].fd >= 0 && fds[0].revents) {
			if (read_reply(qmp))
				return -1;
			*qmp_ms = now_ms() - start;
		}
	}
	return 0;
}

/* Private pages of every mapping that is smaller than the guest's memory. */
static long private_kib(pid_t pid, unsigned long guest_kib)
{
	unsigned long from, to, kib;
	bool counts = false;
	char path[64], line[512];
	long sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			counts = (to - from) / 1024 < guest_kib;
		else if (counts &&
			 (sscanf(line, "Private_Dirty: %lu", &kib) == 1 ||
			  sscanf(line, "Private_Clean: %lu", &kib) == 1))
			sum += kib;
	}
	fclose(f);
	return sum;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void say(const char *what, double *ms, unsigned int n, unsigned int late)
{
	qsort(ms, n, sizeof(ms[0]), by_value);
	printf("%s longest %.1f ms, 99 %% within %.1f ms, late: %u\n", what,
	       ms[n - 1], ms[n * 99 / 100], late);
}

int main(int argc, char **argv)
{
	static const char begin[] = "{\"execute\":\"qmp_capabilities\"}\n";
	static double qmp_ms[MAX_SAMPLES], echo_ms[MAX_SAMPLES];
	const struct timespec period = { .tv_nsec = PERIOD_NS };
	long first = -1, last = -1, most = -1, kib;
	double start, look, t, asked = 0, looked = 0;
	unsigned int n = 0, late = 0, starved = 0;
	unsigned long guest_kib;
	char what[64];
	int qmp, echo;
	pid_t pid;

	if (argc != 3) {
		fprintf(stderr, "usage: qmp-watch SOCKET GUEST-MIB\n");
		return 2;
	}
	guest_kib = strtoul(argv[2], NULL, 10) * 1024;
	echo = start_echo();
	qmp = connect_to(argv[1], &pid);
	if (echo < 0 || qmp < 0 || read_reply(qmp) ||
	    send(qmp, begin, strlen(begin), MSG_NOSIGNAL) < 0 ||
	    read_reply(qmp)) {
		fprintf(stderr, "qmp-watch: %s does not answer\n", argv[1]);
		return 1;
	}
	start = now_ms();
	/* What it needs at all it has after a second. */
	look = start + LOOK_MS;
	while (n < MAX_SAMPLES) {
		t = now_ms();
		if (ask_both(qmp, echo, &qmp_ms[n], &echo_ms[n]))
			break;
		asked += now_ms() - t;
		starved += echo_ms[n] > LATE_MS;
		late += qmp_ms[n] > LATE_MS && echo_ms[n] <= LATE_MS;
		n++;
		nanosleep(&period, NULL);
		if (now_ms() < look)
			continue;
		look = now_ms();
		kib = private_kib(pid, guest_kib);
		looked += now_ms() - look;
		look += LOOK_MS;
		if (kib >= 0) {
			first = first < 0 ? kib : first;
			most = kib > most ? kib : most;
			last = kib;
		}
	}
	if (!n)
		return 1;
	snprintf(what, sizeof(what), "answers: %u,", n);
	say(what, qmp_ms, n, late);
	say("an echo:", echo_ms, n, starved);
	printf("private KiB outside guest memory: first %ld, last %ld, most %ld\n",
	       first, last, most);
	printf("balloon events: %u\n", balloon_events);
	printf("the VM went away %.0f ms after the last question\n",
	       now_ms() - t);
	printf("watched %.1f s, of which %.1f s in questions and %.1f s in /proc\n",
	       (now_ms() - start) / 1e3, asked / 1e3, looked / 1e3);
	return 0;
}
