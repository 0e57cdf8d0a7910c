// SPDX-License-Identifier: GPL-2.0-only
#include "backend/net-passt.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/net-stream.h"
#include "lib/log.h"

/* passt's number for its end of the socket. */
#define PASST_FD 3
/* What is kept of its messages; the first ones say why it would not start. */
#define MESSAGES      4096
#define SOCKET_BUFFER (4 << 20)
#define READY_MS      1000
#define REAP_MS       200
#define REAP_STEP_MS  5
#define FIXED_ARGS    8
#define FWD_TEXT      80
#define PROBE_SIZE    (4 + 42) /* length, frame */

struct passt {
	pid_t pid; /* 0 once it was reaped */
	int messages_fd;
	char why[256];
};

/* --- its end ---------------------------------------------------------------*/

/* The last line that it wrote to stderr, or "". */
static void last_line(const struct passt *passt, char *line, size_t size)
{
	char text[MESSAGES + 1];
	ssize_t n = -1;
	char *start;

	line[0] = '\0';
	if (passt->messages_fd >= 0)
		n = pread(passt->messages_fd, text, MESSAGES, 0);
	/* The file has its full size from the start, padded with NUL. */
	while (n > 0 && (text[n - 1] == '\0' || text[n - 1] == '\n' ||
			 text[n - 1] == ' '))
		n--;
	if (n <= 0)
		return;
	text[n] = '\0';
	start = strrchr(text, '\n');
	snprintf(line, size, "%.*s", (int)size - 1, start ? start + 1 : text);
}

/* Wait for its end, a while; true if it has ended and *@status is set. */
static bool reap(struct passt *passt, int *status)
{
	const struct timespec step = { .tv_nsec = REAP_STEP_MS * 1000000L };
	int left = REAP_MS / REAP_STEP_MS;

	/* The socket closes a moment before the process can be waited for. */
	while (passt->pid && waitpid(passt->pid, status, WNOHANG) == 0) {
		if (left-- == 0)
			return false;
		nanosleep(&step, NULL);
	}
	passt->pid = 0;
	return true;
}

static const char *passt_why(void *opaque)
{
	struct passt *passt = opaque;
	int status = 0;
	char line[160];

	last_line(passt, line, sizeof(line));
	if (!passt->pid || !reap(passt, &status))
		return "passt closed the connection";
	if (WIFSIGNALED(status))
		snprintf(passt->why, sizeof(passt->why),
			 "passt was killed by signal %d", WTERMSIG(status));
	else
		snprintf(passt->why, sizeof(passt->why),
			 "passt ended with status %d%s%s%s",
			 WEXITSTATUS(status), *line ? " (" : "", line,
			 *line ? ")" : "");
	return passt->why;
}

static void passt_closed(void *opaque)
{
	struct passt *passt = opaque;

	if (passt->pid) {
		/* It has no state to save, and its ports must be free again. */
		kill(passt->pid, SIGKILL);
		while (waitpid(passt->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (passt->messages_fd >= 0)
		close(passt->messages_fd);
	free(passt);
}

/* --- its start -------------------------------------------------------------*/

/*
 * Whether passt will find the port free.  Some versions of it carry on without
 * a port that they could not have.
 */
static int check_port(const struct net_fwd *fwd, struct error *err)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
				     .sin6_port = htons(fwd->host_port) };
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(fwd->host_port) };
	const bool v6 = fwd->addr && strchr(fwd->addr, ':');
	const int one = 1;
	int sock, ret;

	if (fwd->addr && inet_pton(v6 ? AF_INET6 : AF_INET, fwd->addr,
				   v6 ? (void *)&sin6.sin6_addr
				      : (void *)&sin.sin_addr) != 1)
		return error_set(err, TL_USAGE, EINVAL,
				 "network: hostfwd: '%s' is no IP address",
				 fwd->addr);
	sock = socket(v6 ? AF_INET6 : AF_INET,
		      (fwd->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return 0;
	if (!fwd->udp)
		setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ret = bind(sock,
		   v6 ? (struct sockaddr *)&sin6 : (struct sockaddr *)&sin,
		   v6 ? sizeof(sin6) : sizeof(sin));
	if (ret < 0)
		ret = -errno;
	close(sock);
	if (ret == 0)
		return 0;
	return error_set(err, TL_HOST, -ret,
			 "network: hostfwd: cannot have %s port %u of the "
			 "host: %s",
			 fwd->udp ? "UDP" : "TCP", fwd->host_port,
			 strerror(-ret));
}

/* A file of fixed size, so that a chatty passt cannot eat the memory. */
static int open_messages(void)
{
	int fd =
		memfd_create("passt-messages", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && (ftruncate(fd, MESSAGES) < 0 ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct command {
	char **argv;
	char *text; /* of the arguments that are made here */
};

static int make_command(const struct net_passt_config *config,
			struct command *cmd)
{
	const size_t nr = FIXED_ARGS + 2 * (config->nr_fwd + 1);
	const size_t size = (config->nr_fwd + 2) * FWD_TEXT;
	unsigned int i, n = 0;
	char *text;

	cmd->argv = calloc(nr + 1, sizeof(*cmd->argv));
	cmd->text = text = malloc(size);
	if (!cmd->argv || !text)
		return -ENOMEM;
	cmd->argv[n++] = (char *)config->program;
	cmd->argv[n++] = "--foreground";
	cmd->argv[n++] = "--quiet";
	cmd->argv[n++] = "--fd";
	snprintf(text, FWD_TEXT, "%d", PASST_FD);
	cmd->argv[n++] = text;
	text += FWD_TEXT;
	if (config->mtu) {
		snprintf(text, FWD_TEXT, "%u", config->mtu);
		cmd->argv[n++] = "--mtu";
		cmd->argv[n++] = text;
		text += FWD_TEXT;
	}
	for (i = 0; i < config->nr_fwd; i++, text += FWD_TEXT) {
		const struct net_fwd *fwd = &config->fwd[i];

		snprintf(text, FWD_TEXT, "%s%s%u:%u",
			 fwd->addr ? fwd->addr : "", fwd->addr ? "/" : "",
			 fwd->host_port, fwd->guest_port);
		cmd->argv[n++] = fwd->udp ? "--udp-ports" : "--tcp-ports";
		cmd->argv[n++] = text;
	}
	return 0;
}

/* A process group of its own: a ^C at the terminal is for the VM to handle. */
static int spawn(struct passt *passt, char **argv, int fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	if (passt->messages_fd >= 0)
		posix_spawn_file_actions_adddup2(&files, passt->messages_fd,
						 STDERR_FILENO);
	else
		posix_spawn_file_actions_addopen(&files, STDERR_FILENO,
						 "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, fd, PASST_FD);
	ret = posix_spawnp(&passt->pid, argv[0], &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (ret)
		passt->pid = 0;
	return -ret;
}

static int start(struct passt *passt, const struct net_passt_config *config,
		 int fd, struct error *err)
{
	struct command cmd = { 0 };
	int ret;

	ret = make_command(config, &cmd);
	if (ret)
		error_set(err, TL_FAIL, ENOMEM, "network: out of memory");
	else
		ret = spawn(passt, cmd.argv, fd);
	if (ret == -ENOENT)
		error_set(err, TL_HOST, ENOENT,
			  "network: passt is not installed: install the "
			  "package passt, or use -n tap or -n none");
	else if (ret)
		error_set(err, TL_HOST, -ret, "network: cannot run %s: %s",
			  config->program, strerror(-ret));
	free(cmd.text);
	free(cmd.argv);
	return ret;
}

/*
 * An ARP probe (RFC 5227, sender address 0) for an address that is nobody's:
 * passt answers for all but the guest's.
 */
static void make_probe(uint8_t *frame, const uint8_t *mac)
{
	static const uint8_t arp[] = { 0x08, 0x06,   /* EtherType */
				       0x00, 0x01,   /* Ethernet */
				       0x08, 0x00,   /* IPv4 */
				       6,    4,      /* address sizes */
				       0x00, 0x01 }; /* request */
	static const uint8_t target[] = { 169, 254, 1, 1 };

	memset(frame, 0, PROBE_SIZE);
	frame[3] = PROBE_SIZE - 4;
	frame += 4;
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, arp, sizeof(arp));
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 38, target, sizeof(target));
}

/*
 * passt says nothing when it is ready, but a frame that it answers shows it;
 * what it does not like about its options, it has found out by then.
 */
static int wait_ready(struct net *net, struct passt *passt,
		      const struct net_passt_config *config, struct error *err)
{
	uint8_t frame[PROBE_SIZE];
	struct iovec iov = { frame, sizeof(frame) };
	struct pollfd pfd = { .fd = net->fd, .events = POLLIN };
	char line[256];
	uint8_t byte;
	int status;

	make_probe(frame, config->mac);
	/* Not by ops->send(), which would warn of a peer that is dead. */
	send(net->fd, frame, sizeof(frame), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (poll(&pfd, 1, READY_MS) <= 0)
		return 0; /* it may not care for ARP; that will show */
	if (recv(net->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		goto ended;
	/* The answer is not for the guest. */
	net->ops->receive(net, &iov, 1);
	return 0;

ended:
	if (!reap(passt, &status))
		status = 0;
	last_line(passt, line, sizeof(line));
	return error_set(err, TL_HOST, EIO, "network: passt does not start: %s",
			 *line ? line : "it gives no reason");
}

int net_passt_open(const struct net_passt_config *config, struct net **out,
		   struct error *err)
{
	struct net_stream_config stream = {
		.label = "passt",
		.why = passt_why,
		.closed = passt_closed,
	};
	struct passt *passt;
	unsigned int i;
	int fd[2], ret;

	*out = NULL;
	for (i = 0; i < config->nr_fwd; i++) {
		ret = check_port(&config->fwd[i], err);
		if (ret)
			return ret;
	}
	passt = calloc(1, sizeof(*passt));
	if (!passt)
		return error_set(err, TL_FAIL, ENOMEM,
				 "network: out of memory");
	passt->messages_fd = open_messages();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0) {
		ret = error_set(err, TL_HOST, errno, "network: socketpair: %s",
				strerror(errno));
		passt_closed(passt);
		return ret;
	}
	/* More of a burst fits; the host's limit (wmem_max) may say less. */
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &(int){ SOCKET_BUFFER },
		   sizeof(int));
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &(int){ SOCKET_BUFFER },
		   sizeof(int));
	ret = start(passt, config, fd[1], err);
	close(fd[1]);
	stream.fd = fd[0];
	stream.opaque = passt;
	if (ret) {
		close(fd[0]);
		passt_closed(passt);
		return ret;
	}
	ret = net_stream_open(&stream, out, err);
	if (ret)
		return ret;
	ret = wait_ready(*out, passt, config, err);
	if (ret) {
		net_close(*out);
		*out = NULL;
	}
	return ret;
}
