// SPDX-License-Identifier: GPL-2.0-only
/* A stream socket: a server for one client after the other, or a client. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/chardev-impl.h"
#include "lib/log.h"

struct unix_dev {
	struct chardev_fd cfd; /* first: the two are cast */
	int listen_fd;         /* -1: a client */
	struct sockaddr_un addr;
	dev_t bound_dev; /* the socket's file, so that only ours is removed */
	ino_t bound_ino;
};

static int fill_addr(const struct chardev_request *req,
		     struct sockaddr_un *addr, struct error *err)
{
	addr->sun_family = AF_UNIX;
	if (strlen(req->arg) >= sizeof(addr->sun_path))
		return error_set(err, TL_CONSOLE, ENAMETOOLONG,
				 "%s: %.100s...: a socket's path has at most "
				 "%zu bytes",
				 req->what, req->arg,
				 sizeof(addr->sun_path) - 1);
	memcpy(addr->sun_path, req->arg, strlen(req->arg) + 1);
	return 0;
}

static int new_socket(const struct chardev_request *req, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set(err, TL_CONSOLE, errno, "%s: socket: %s",
				 req->what, strerror(errno));
	return fd;
}

static void unix_close(struct chardev *dev)
{
	struct unix_dev *u = (struct unix_dev *)dev;
	struct stat st;

	chardev_fd_drop(&u->cfd);
	if (u->listen_fd >= 0) {
		if (!lstat(u->addr.sun_path, &st) &&
		    st.st_dev == u->bound_dev && st.st_ino == u->bound_ino)
			unlink(u->addr.sun_path);
		evloop_del(dev->loop, u->listen_fd);
		close(u->listen_fd);
	}
	chardev_fini(dev);
	free(u);
}

static const struct chardev_ops unix_ops = {
	.write = chardev_fd_write,
	.wake = chardev_fd_wake,
	.close = unix_close,
};

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
	u->listen_fd = -1;
	if (fill_addr(req, &u->addr, err) ||
	    chardev_init(&u->cfd.dev, &unix_ops, req->what, req->arg, req->loop,
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
	fd = accept4(u->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (chardev_fd_take(&u->cfd, fd, &err)) {
		log_warn("%s", err.text);
		close(fd);
		return;
	}
	evloop_mod(u->cfd.dev.loop, u->listen_fd, 0);
}

static void client_goes(struct chardev_fd *cfd)
{
	struct unix_dev *u = (struct unix_dev *)cfd;

	chardev_fd_drop(cfd);
	evloop_mod(cfd->dev.loop, u->listen_fd, EPOLLIN);
}

/* A socket that refuses connections is what a killed process left. */
static bool is_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int bind_path(struct unix_dev *u, int fd)
{
	const struct sockaddr *addr = (const struct sockaddr *)&u->addr;
	struct stat st;

	if (bind(fd, addr, sizeof(u->addr)) < 0) {
		if (errno != EADDRINUSE || !is_stale(&u->addr))
			return -errno;
		unlink(u->addr.sun_path);
		if (bind(fd, addr, sizeof(u->addr)) < 0)
			return -errno;
	}
	if (lstat(u->addr.sun_path, &st) < 0)
		return -errno;
	u->bound_dev = st.st_dev;
	u->bound_ino = st.st_ino;
	return listen(fd, 4) < 0 ? -errno : 0;
}

int chardev_open_unix(const struct chardev_request *req, struct chardev **out,
		      struct error *err)
{
	struct unix_dev *u = new_dev(req, err);
	int fd, ret;

	if (!u)
		return err ? -err->errnum : -EINVAL;
	u->cfd.hangup = client_goes;
	fd = new_socket(req, err);
	if (fd < 0) {
		unix_close(&u->cfd.dev);
		return fd;
	}
	ret = bind_path(u, fd);
	if (ret)
		ret = error_set(err, TL_CONSOLE, -ret,
				"%s: cannot listen on %s: %s", req->what,
				req->arg,
				ret == -EADDRINUSE ? "the path is in use"
						   : strerror(-ret));
	else
		ret = evloop_add(req->loop, fd, EPOLLIN, client_comes, u, err);
	if (ret) {
		close(fd);
		unix_close(&u->cfd.dev);
		return ret;
	}
	u->listen_fd = fd;
	*out = &u->cfd.dev;
	return 0;
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
	ret = fd = new_socket(req, err);
	if (fd < 0)
		goto close_dev;
	if (connect(fd, (struct sockaddr *)&u->addr, sizeof(u->addr)) < 0) {
		ret = error_set(err, TL_CONSOLE, errno,
				"%s: cannot connect to %s: %s", req->what,
				req->arg, strerror(errno));
		goto close_fd;
	}
	ret = chardev_fd_take(&u->cfd, fd, err);
	if (ret)
		goto close_fd;
	*out = &u->cfd.dev;
	return 0;

close_fd:
	close(fd);
close_dev:
	unix_close(&u->cfd.dev);
	return ret;
}
