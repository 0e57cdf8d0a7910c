// SPDX-License-Identifier: GPL-2.0-only
/* A stream socket: a server for one client after the other, or a client. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/chardev-impl.h"
#include "lib/log.h"
#include "lib/unixsock.h"

/* Clients that wait while one is served. */
#define BACKLOG 4

struct unix_dev {
	struct chardev_fd cfd;         /* first: the two are cast */
	struct unix_listener listener; /* fd -1: a client */
};

static void unix_close(struct chardev *dev)
{
	struct unix_dev *u = (struct unix_dev *)dev;

	chardev_fd_drop(&u->cfd);
	if (u->listener.fd >= 0)
		evloop_del(dev->loop, u->listener.fd);
	unix_unlisten(&u->listener);
	chardev_fini(dev);
	free(u);
}

static const struct chardev_ops unix_ops = {
	.write = chardev_fd_write,
	.wake = chardev_fd_wake,
	.close = unix_close,
};

/* -errno of unix_listen() or unix_connect(), in words. */
static int fail(const struct chardev_request *req, const char *what, int ret,
		struct error *err)
{
	if (ret == -ENAMETOOLONG)
		return error_set(err, TL_CONSOLE, ENAMETOOLONG,
				 "%s: %.100s...: a socket's path has at most "
				 "%zu bytes",
				 req->what, req->arg, UNIX_PATH_SIZE - 1);
	return error_set(err, TL_CONSOLE, -ret, "%s: cannot %s %s: %s",
			 req->what, what, req->arg,
			 ret == -EADDRINUSE || ret == -EEXIST
				 ? "the path is in use"
				 : strerror(-ret));
}

static struct unix_dev *new_dev(const struct chardev_request *req,
				struct error *err)
{
	struct unix_dev *u;

	u = calloc(1, sizeof(*u));
	if (!u) {
		error_set(err, TL_CONSOLE, ENOMEM, "no memory for a %s",
			  req->what);
		return NULL;
	}
	u->cfd.fd = -1;
	u->listener.fd = -1;
	if (chardev_init(&u->cfd.dev, &unix_ops, req->what, req->arg, req->loop,
			 err)) {
		free(u);
		return NULL;
	}
	return u;
}

/* --- server ---------------------------------------------------------------- */

/* The others wait in the backlog while one is served. */
static void client_comes(void *opaque, uint32_t events)
{
	struct unix_dev *u = opaque;
	struct error err = { 0 };
	int fd;

	(void)events;
	fd = accept4(u->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (chardev_fd_take(&u->cfd, fd, &err)) {
		log_warn("%s", err.text);
		close(fd);
		return;
	}
	evloop_mod(u->cfd.dev.loop, u->listener.fd, 0);
}

static void client_goes(struct chardev_fd *cfd)
{
	struct unix_dev *u = (struct unix_dev *)cfd;

	chardev_fd_drop(cfd);
	evloop_mod(cfd->dev.loop, u->listener.fd, EPOLLIN);
}

int chardev_open_unix(const struct chardev_request *req, struct chardev **out,
		      struct error *err)
{
	struct unix_dev *u = new_dev(req, err);
	int ret;

	if (!u)
		return err ? -err->errnum : -EINVAL;
	u->cfd.hangup = client_goes;
	ret = unix_listen(&u->listener, req->arg, 0, BACKLOG);
	if (ret) {
		ret = fail(req, "listen on", ret, err);
		goto close_dev;
	}
	ret = evloop_add(req->loop, u->listener.fd, EPOLLIN, client_comes, u,
			 err);
	if (ret) {
		unix_unlisten(&u->listener);
		goto close_dev;
	}
	*out = &u->cfd.dev;
	return 0;

close_dev:
	unix_close(&u->cfd.dev);
	return ret;
}

/* --- client ---------------------------------------------------------------- */

static void server_goes(struct chardev_fd *cfd)
{
	log_warn("%s: the server closed the connection; output is lost",
		 cfd->dev.name);
	chardev_fd_drop(cfd);
}

int chardev_open_unix_connect(const struct chardev_request *req,
			      struct chardev **out, struct error *err)
{
	struct unix_dev *u = new_dev(req, err);
	int fd, ret;

	if (!u)
		return err ? -err->errnum : -EINVAL;
	u->cfd.hangup = server_goes;
	fd = unix_connect(req->arg);
	if (fd < 0) {
		ret = fail(req, "connect to", fd, err);
		goto close_dev;
	}
	ret = chardev_fd_take(&u->cfd, fd, err);
	if (ret) {
		close(fd);
		goto close_dev;
	}
	*out = &u->cfd.dev;
	return 0;

close_dev:
	unix_close(&u->cfd.dev);
	return ret;
}
