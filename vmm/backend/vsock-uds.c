// SPDX-License-Identifier: GPL-2.0-only
#include "backend/vsock-uds.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/unixsock.h"

#define BACKLOG  128
#define LINE_MAX (sizeof("CONNECT 4294967295\n") - 1)
#define COMMAND  "CONNECT "

struct uds_stream {
	struct vsock_stream stream; /* first: the two are cast */
	int fd;
	bool pending;        /* did not say where to yet */
	char line[LINE_MAX]; /* as far as it did */
	size_t line_len;
	struct uds_stream *prev; /* among the pending, oldest first */
	struct uds_stream *next;
};

struct uds {
	struct vsock_host host; /* first: the two are cast */
	struct unix_listener listener;
	bool listening; /* wanted by the device */
	bool waiting;   /* and heard by epoll */
	bool complained;
	struct uds_stream pending; /* head of the list */
	unsigned int nr_pending;
};

const unsigned int vsock_uds_path_max =
	UNIX_PATH_SIZE - 1 - VSOCK_UDS_SUFFIX_MAX;

static struct uds *to_uds(struct vsock_host *host)
{
	return (struct uds *)host;
}

static struct uds_stream *to_stream(struct vsock_stream *stream)
{
	return (struct uds_stream *)stream;
}

static int control(struct uds *uds, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = { .events = events, .data.ptr = ptr };

	return epoll_ctl(uds->host.fd, op, fd, &event) < 0 ? -errno : 0;
}

/* --- the list of those that did not say where to ---------------------------*/

static void unlink_pending(struct uds *uds, struct uds_stream *s)
{
	s->prev->next = s->next;
	s->next->prev = s->prev;
	s->pending = false;
	uds->nr_pending--;
}

static void link_pending(struct uds *uds, struct uds_stream *s)
{
	s->next = &uds->pending;
	s->prev = uds->pending.prev;
	s->prev->next = s;
	uds->pending.prev = s;
	s->pending = true;
	uds->nr_pending++;
}

/* --- streams ---------------------------------------------------------------*/

static void listen_on(struct uds *uds, bool on)
{
	if (on == uds->waiting)
		return;
	if (!control(uds, EPOLL_CTL_MOD, uds->listener.fd, on ? EPOLLIN : 0,
		     uds))
		uds->waiting = on;
}

static void uds_listen(struct vsock_host *host, bool on)
{
	struct uds *uds = to_uds(host);

	/* Without a descriptor for the next, uds_close() listens again. */
	if (on == uds->listening)
		return;
	uds->listening = on;
	listen_on(uds, on);
}

static void uds_close(struct vsock_stream *stream)
{
	struct uds_stream *s = to_stream(stream);
	struct uds *uds = to_uds(stream->host);

	if (s->pending)
		unlink_pending(uds, s);
	close(s->fd); /* epoll forgets it */
	free(s);
	/* There may be a descriptor again for the one that got none. */
	listen_on(uds, uds->listening);
}

/* Takes @fd over, also when this fails. */
static struct uds_stream *new_stream(struct uds *uds, int fd, uint32_t events)
{
	struct uds_stream *s = calloc(1, sizeof(*s));

	if (!s || control(uds, EPOLL_CTL_ADD, fd, events | EPOLLONESHOT, s)) {
		free(s);
		close(fd);
		return NULL;
	}
	s->stream.host = &uds->host;
	s->fd = fd;
	return s;
}

static void uds_watch(struct vsock_stream *stream, bool readable, bool writable)
{
	struct uds_stream *s = to_stream(stream);

	control(to_uds(stream->host), EPOLL_CTL_MOD, s->fd,
		EPOLLONESHOT | (readable ? EPOLLIN : 0) |
			(writable ? EPOLLOUT : 0),
		s);
}

static ssize_t uds_read(struct vsock_stream *stream, const struct iovec *iov,
			int iovcnt)
{
	ssize_t n;

	do {
		n = readv(to_stream(stream)->fd, iov, iovcnt);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t uds_write(struct vsock_stream *stream, const struct iovec *iov,
			 int iovcnt)
{
	const struct msghdr msg = { .msg_iov = (struct iovec *)iov,
				    .msg_iovlen = (size_t)iovcnt };
	ssize_t n;

	do {
		n = sendmsg(to_stream(stream)->fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static bool uds_is_lost(struct vsock_stream *stream)
{
	struct pollfd pfd = { .fd = to_stream(stream)->fd };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & (POLLHUP | POLLERR);
}

static void uds_shutdown(struct vsock_stream *stream, bool read, bool write)
{
	if (read || write)
		shutdown(to_stream(stream)->fd, !write  ? SHUT_RD
						: !read ? SHUT_WR
							: SHUT_RDWR);
}

static int uds_accept(struct vsock_stream *stream, uint32_t host_port)
{
	char line[32];
	struct iovec iov = { .iov_base = line };

	iov.iov_len =
		(size_t)snprintf(line, sizeof(line), "OK %u\n", host_port);
	/* Nothing was written before: there is room for a line. */
	return uds_write(stream, &iov, 1) == (ssize_t)iov.iov_len ? 0 : -EPIPE;
}

static int uds_connect(struct vsock_host *host, uint32_t port,
		       struct vsock_stream **out)
{
	struct uds *uds = to_uds(host);
	char path[UNIX_PATH_SIZE];
	struct uds_stream *s;
	int fd;

	/* vsock_uds_open() saw to it that there is room. */
	snprintf(path, sizeof(path), "%.*s_%u", (int)vsock_uds_path_max,
		 uds->listener.path, port);
	/* Done at once or never: EAGAIN is a backlog that is full. */
	fd = unix_connect(path);
	if (fd < 0)
		return fd;
	s = new_stream(uds, fd, 0);
	if (!s)
		return -ENOMEM;
	*out = &s->stream;
	return 0;
}

/* --- clients of PATH -------------------------------------------------------*/

static void client_comes(struct uds *uds)
{
	struct uds_stream *s;
	int fd;

	fd = accept4(uds->listener.fd, NULL, NULL,
		     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		/* It stays in the backlog until a stream is closed. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			if (!uds->complained)
				log_warn("vsock %s: accept: %s; clients have "
					 "to wait",
					 uds->host.label, strerror(errno));
			uds->complained = true;
			listen_on(uds, false);
		}
		return;
	}
	s = new_stream(uds, fd, EPOLLIN);
	if (!s)
		return;
	link_pending(uds, s);
	if (uds->nr_pending > VSOCK_UDS_MAX_PENDING)
		uds_close(&uds->pending.next->stream);
}

/* "CONNECT 1024\n"; a decimal number of 32 bits and nothing else. */
static bool parse_connect(const char *line, size_t len, uint32_t *port)
{
	const size_t skip = sizeof(COMMAND) - 1;
	uint64_t n = 0;
	size_t i;

	if (len < skip + 2 || memcmp(line, COMMAND, skip))
		return false;
	for (i = skip; i < len - 1; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(line[i] - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*port = (uint32_t)n;
	return true;
}

/*
 * True if @s said where to.  What it sent behind the line is left in the
 * socket: that is for the guest.
 */
static bool client_says(struct uds *uds, struct uds_stream *s, uint32_t *port)
{
	char *const at = s->line + s->line_len;
	const size_t room = sizeof(s->line) - s->line_len;
	const char *end;
	ssize_t n;

	n = recv(s->fd, at, room, MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		uds_watch(&s->stream, true, false);
		return false;
	}
	end = n > 0 ? memchr(at, '\n', (size_t)n) : NULL;
	if (end)
		n = end - at + 1;
	if (n <= 0 || recv(s->fd, at, (size_t)n, 0) != n)
		goto refuse;
	s->line_len += (size_t)n;
	if (!end && s->line_len < sizeof(s->line)) {
		uds_watch(&s->stream, true, false);
		return false;
	}
	if (!end || !parse_connect(s->line, s->line_len, port))
		goto refuse;
	unlink_pending(uds, s);
	return true;
refuse:
	uds_close(&s->stream);
	return false;
}

static bool uds_next(struct vsock_host *host, struct vsock_event *event)
{
	struct uds *uds = to_uds(host);
	struct epoll_event ready;
	struct uds_stream *s;

	while (epoll_wait(host->fd, &ready, 1, 0) == 1) {
		if (ready.data.ptr == uds) {
			client_comes(uds);
			continue;
		}
		s = ready.data.ptr;
		*event = (struct vsock_event){ .stream = &s->stream };
		if (s->pending) {
			if (!client_says(uds, s, &event->port))
				continue;
			event->incoming = true;
			return true;
		}
		event->readable = ready.events &
				  (EPOLLIN | EPOLLHUP | EPOLLERR);
		event->writable = ready.events &
				  (EPOLLOUT | EPOLLHUP | EPOLLERR);
		return true;
	}
	return false;
}

/* --- life ------------------------------------------------------------------*/

static void uds_free(struct vsock_host *host)
{
	struct uds *uds = to_uds(host);

	while (uds->nr_pending)
		uds_close(&uds->pending.next->stream);
	unix_unlisten(&uds->listener);
	if (host->fd >= 0)
		close(host->fd);
	free(uds);
}

static const struct vsock_host_ops uds_ops = {
	.next = uds_next,
	.listen = uds_listen,
	.connect = uds_connect,
	.accept = uds_accept,
	.watch = uds_watch,
	.read = uds_read,
	.write = uds_write,
	.is_lost = uds_is_lost,
	.shutdown = uds_shutdown,
	.close = uds_close,
	.free = uds_free,
};

int vsock_uds_open(const char *path, struct vsock_host **out, struct error *err)
{
	const char *name = strrchr(path, '/');
	struct uds *uds;
	int ret;

	*out = NULL;
	if (!*path || strlen(path) > vsock_uds_path_max)
		return error_set(err, TL_USAGE, ENAMETOOLONG,
				 "vsock: %.120s: the path of a socket has 1 to "
				 "%u bytes here, \"_PORT\" comes behind it",
				 path, vsock_uds_path_max);
	uds = calloc(1, sizeof(*uds));
	if (!uds)
		return error_set(err, TL_FAIL, ENOMEM, "vsock: out of memory");
	uds->host.ops = &uds_ops;
	snprintf(uds->host.label, sizeof(uds->host.label), "%.31s",
		 name ? name + 1 : path);
	uds->pending.next = uds->pending.prev = &uds->pending;
	uds->listener.fd = -1;
	uds->host.fd = epoll_create1(EPOLL_CLOEXEC);
	ret = uds->host.fd < 0 ? -errno
			       : unix_listen(&uds->listener, path, 0, BACKLOG);
	if (!ret)
		ret = control(uds, EPOLL_CTL_ADD, uds->listener.fd, EPOLLIN,
			      uds);
	if (ret) {
		error_set(err, TL_FAIL, -ret, "vsock: cannot listen on %s: %s",
			  path,
			  ret == -EADDRINUSE || ret == -EEXIST
				  ? "the path is in use"
				  : strerror(-ret));
		uds_free(&uds->host);
		return ret;
	}
	uds->listening = uds->waiting = true;
	*out = &uds->host;
	return 0;
}
