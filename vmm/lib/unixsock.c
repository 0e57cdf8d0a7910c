// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/unixsock.h"

/* A socket for @path, whose address is put into @addr. */
static int new_socket(const char *path, struct sockaddr_un *addr)
{
	const size_t len = strlen(path);
	int fd;

	if (len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

int unix_connect(const char *path)
{
	struct sockaddr_un addr;
	int fd, ret;

	fd = new_socket(path, &addr);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/*
 * What a connection is made to can outlive whom it belonged to: a process that
 * is killed right after a fork leaves it to its child until that executes
 * something.  SO_PEERCRED has who called listen(2); 0 is a process that our PID
 * namespace cannot see.
 */
static bool peer_is_gone(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       peer.pid > 0 && kill(peer.pid, 0) < 0 && errno == ESRCH;
}

int unix_check_free(const char *path)
{
	struct stat st;
	bool gone;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = unix_connect(path);
	if (fd == -ECONNREFUSED || fd == -ENOENT)
		return 0;
	if (fd < 0)
		/* EAGAIN is a listener that has its hands full. */
		return fd == -EAGAIN ? -EADDRINUSE : fd;
	gone = peer_is_gone(fd);
	close(fd);
	return gone ? 0 : -EADDRINUSE;
}

static int bind_path(int fd, const struct sockaddr_un *addr)
{
	const struct sockaddr *to = (const struct sockaddr *)addr;
	int ret;

	if (!bind(fd, to, sizeof(*addr)))
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	ret = unix_check_free(addr->sun_path);
	if (ret)
		return ret;
	unlink(addr->sun_path);
	return bind(fd, to, sizeof(*addr)) ? -errno : 0;
}

int unix_listen(struct unix_listener *l, const char *path, mode_t mode,
		int backlog)
{
	struct sockaddr_un addr;
	struct stat st;
	int fd, ret;

	*l = (struct unix_listener){ .fd = -1 };
	fd = new_socket(path, &addr);
	if (fd < 0)
		return fd;
	/* bind(2) gives the file the socket's own mode: it is never wider. */
	ret = mode && fchmod(fd, mode) ? -errno : bind_path(fd, &addr);
	if (ret)
		goto close_fd;
	if (listen(fd, backlog) || lstat(path, &st)) {
		ret = -errno;
		unlink(path);
		goto close_fd;
	}
	l->fd = fd;
	memcpy(l->path, addr.sun_path, sizeof(l->path));
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;

close_fd:
	close(fd);
	return ret;
}

void unix_unlisten(struct unix_listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	/* Removed and made anew by somebody who did not see us listen? */
	if (!lstat(l->path, &st) && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	close(l->fd);
	l->fd = -1;
}
