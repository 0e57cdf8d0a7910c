// SPDX-License-Identifier: GPL-2.0-only
/*
 * One stream between standard input and output and a socket, for either end of
 * a vsock:
 *
 *   stream vsock-connect CID PORT     stream vsock-listen PORT
 *   stream unix-connect PATH [PORT]   stream unix-listen PATH
 *   stream vsock-echo PORT            what comes goes back, for ever
 *
 * PORT behind a path is one of the guest, by Firecracker's convention.  Who
 * connects tries again for a while, until there is somebody.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

static void die(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len; buf += n, len -= n) {
		n = write(fd, buf, len);
		if (n < 0)
			die("write");
	}
}

/* Both ways at once, until both have ended. */
static void copy(int sock)
{
	static char buf[65536];
	struct pollfd in = { .fd = sock, .events = POLLIN };
	ssize_t n;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
			write_all(sock, buf, n);
		shutdown(sock, SHUT_WR);
		_exit(0);
	}
	while (poll(&in, 1, -1) >= 0 && (n = read(sock, buf, sizeof(buf))) > 0)
		write_all(STDOUT_FILENO, buf, n);
	if (n < 0)
		die("read");
	if (waitpid(pid, NULL, 0) < 0)
		die("wait");
}

/* "OK port\n" of the other side; false if it hung up. */
static int handshake(int sock, const char *port)
{
	char line[64];
	size_t len;

	snprintf(line, sizeof(line), "CONNECT %s\n", port);
	write_all(sock, line, strlen(line));
	for (len = 0; len < sizeof(line); len++) {
		if (read(sock, line + len, 1) != 1)
			return 0;
		if (line[len] == '\n')
			return !strncmp(line, "OK ", 3);
	}
	return 0;
}

static int try_connect(const struct sockaddr *addr, socklen_t len,
		       const char *port)
{
	unsigned int tries;
	int sock;

	for (tries = 0; tries < 900; tries++) {
		sock = socket(addr->sa_family, SOCK_STREAM, 0);
		if (sock < 0)
			die("socket");
		if (!connect(sock, addr, len) &&
		    (!port || handshake(sock, port)))
			return sock;
		close(sock);
		usleep(200000);
	}
	die("connect");
	return -1;
}

static int make_listener(const struct sockaddr *addr, socklen_t len)
{
	int sock = socket(addr->sa_family, SOCK_STREAM, 0);

	if (sock < 0)
		die("socket");
	if (bind(sock, addr, len) < 0 || listen(sock, 128) < 0)
		die("listen");
	return sock;
}

static void echo(int listener)
{
	int sock;

	for (;;) {
		sock = accept(listener, NULL, NULL);
		if (sock < 0)
			die("accept");
		if (fork() == 0) {
			dup2(sock, STDIN_FILENO);
			dup2(sock, STDOUT_FILENO);
			execlp("cat", "cat", (char *)NULL);
			_exit(127);
		}
		close(sock);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK,
				  .svm_cid = VMADDR_CID_ANY };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *how = argc > 2 ? argv[1] : "";
	int sock;

	setvbuf(stderr, NULL, _IONBF, 0);
	if (!strncmp(how, "unix", 4))
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", argv[2]);
	else if (argc > 2)
		vm.svm_port = strtoul(argv[argc - 1], NULL, 10);
	if (!strcmp(how, "vsock-connect") && argc > 3) {
		vm.svm_cid = strtoul(argv[2], NULL, 10);
		copy(try_connect((struct sockaddr *)&vm, sizeof(vm), NULL));
	} else if (!strcmp(how, "unix-connect")) {
		copy(try_connect((struct sockaddr *)&un, sizeof(un), argv[3]));
	} else if (!strcmp(how, "vsock-echo")) {
		echo(make_listener((struct sockaddr *)&vm, sizeof(vm)));
	} else if (!strcmp(how, "vsock-listen") ||
		   !strcmp(how, "unix-listen")) {
		if (how[0] == 'v')
			sock = make_listener((struct sockaddr *)&vm,
					     sizeof(vm));
		else
			sock = make_listener((struct sockaddr *)&un,
					     sizeof(un));
		sock = accept(sock, NULL, NULL);
		if (sock < 0)
			die("accept");
		copy(sock);
	} else {
		fprintf(stderr, "stream: see its source\n");
		return 2;
	}
	return 0;
}
