// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pseudo-terminal.  Its master says that there is nobody at the other side
 * only by hanging up, and gives no sign when somebody comes: that is looked for
 * a few times a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chardev-impl.h"
#include "lib/clock.h"
#include "lib/log.h"

#define LOOK_NS  UINT64_C(200000000)
#define PTS_DIR  "/dev/pts/"
#define NAME_LEN 64

struct pty {
	struct chardev_fd cfd; /* first: the two are cast */
	struct evloop_timer *timer;
	char slave[NAME_LEN];
	char *link; /* ours to remove, or NULL */
};

static bool is_open(int master)
{
	struct pollfd pfd = { .fd = master };

	return poll(&pfd, 1, 0) >= 0 && !(pfd.revents & POLLHUP);
}

static void look_later(struct pty *pty)
{
	evloop_timer_set(pty->timer, monotonic_ns() + LOOK_NS);
}

static void look(void *opaque)
{
	struct pty *pty = opaque;
	struct error err = { 0 };

	if (pty->cfd.polled)
		return;
	if (!is_open(pty->cfd.fd))
		look_later(pty);
	else if (chardev_fd_take(&pty->cfd, pty->cfd.fd, &err))
		log_warn("%s", err.text);
}

static void pty_hangup(struct chardev_fd *cfd)
{
	chardev_fd_rest(cfd);
	look_later((struct pty *)cfd);
}

/* A guest must not wait for someone who may never come. */
static size_t pty_write(struct chardev *dev, const uint8_t *buf, size_t len)
{
	struct pty *pty = (struct pty *)dev;

	if (!dev->is_connected && !is_open(pty->cfd.fd))
		return len;
	return chardev_fd_write(dev, buf, len);
}

static void pty_wake(struct chardev *dev)
{
	look(dev);
	chardev_fd_wake(dev);
}

static void remove_link(struct pty *pty)
{
	char target[NAME_LEN] = "";

	/* Somebody else's by now? */
	if (pty->link && readlink(pty->link, target, sizeof(target) - 1) > 0 &&
	    !strcmp(target, pty->slave))
		unlink(pty->link);
	free(pty->link);
}

static void pty_close(struct chardev *dev)
{
	struct pty *pty = (struct pty *)dev;

	remove_link(pty);
	evloop_timer_free(pty->timer);
	chardev_fd_drop(&pty->cfd);
	chardev_fini(dev);
	free(pty);
}

static const struct chardev_ops pty_ops = {
	.write = pty_write,
	.wake = pty_wake,
	.close = pty_close,
};

/* Raw, or the line discipline would echo and edit what the guest does itself. */
static int make_raw(const char *slave)
{
	struct termios raw;
	int fd, ret = 0;

	fd = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (tcgetattr(fd, &raw) < 0) {
		ret = -errno;
	} else {
		cfmakeraw(&raw);
		if (tcsetattr(fd, TCSANOW, &raw) < 0)
			ret = -errno;
	}
	close(fd);
	return ret;
}

static int open_master(const struct chardev_request *req, struct pty *pty,
		       int *master, struct error *err)
{
	int fd, ret;

	fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set(err, TL_CONSOLE, errno,
				 "%s: no pseudo-terminal to be had: %s",
				 req->what, strerror(errno));
	ret = ptsname_r(fd, pty->slave, sizeof(pty->slave));
	if (!ret && (grantpt(fd) < 0 || unlockpt(fd) < 0))
		ret = errno;
	if (!ret)
		ret = -make_raw(pty->slave);
	if (ret) {
		close(fd);
		return error_set(err, TL_CONSOLE, ret,
				 "%s: cannot set up a pseudo-terminal: %s",
				 req->what, strerror(ret));
	}
	*master = fd;
	return 0;
}

/* A link to a pseudo-terminal is one that a killed VM left. */
static int make_link(const struct chardev_request *req, struct pty *pty,
		     struct error *err)
{
	char target[sizeof(PTS_DIR)] = "";

	if (readlink(req->arg, target, sizeof(target) - 1) > 0 &&
	    !strcmp(target, PTS_DIR))
		unlink(req->arg);
	if (symlink(pty->slave, req->arg) < 0)
		return error_set(err, TL_CONSOLE, errno,
				 "%s: cannot make the link %s: %s", req->what,
				 req->arg, strerror(errno));
	pty->link = strdup(req->arg);
	return 0;
}

int chardev_open_pty(const struct chardev_request *req, struct chardev **out,
		     struct error *err)
{
	struct pty *pty;
	int ret, fd = -1;

	pty = calloc(1, sizeof(*pty));
	if (!pty)
		return error_set(err, TL_CONSOLE, ENOMEM, "no memory for a %s",
				 req->what);
	pty->cfd.fd = -1;
	pty->cfd.hangup = pty_hangup;
	ret = chardev_init(&pty->cfd.dev, &pty_ops, req->what, "pty", req->loop,
			   err);
	if (ret)
		goto free_pty;
	ret = open_master(req, pty, &fd, err);
	if (ret)
		goto fini;
	pty->cfd.fd = fd;
	pty->timer = evloop_timer_new(req->loop, look, pty, err);
	if (!pty->timer) {
		ret = -ENOMEM;
		goto drop;
	}
	if (req->arg)
		ret = make_link(req, pty, err);
	if (ret)
		goto free_timer;
	/* Whoever asked for a terminal without a name has to be told of it. */
	if (!req->arg)
		log_print(LOG_WARN, "%s is on %s", req->what, pty->slave);
	look_later(pty);
	*out = &pty->cfd.dev;
	return 0;

free_timer:
	evloop_timer_free(pty->timer);
drop:
	chardev_fd_drop(&pty->cfd);
fini:
	chardev_fini(&pty->cfd.dev);
free_pty:
	free(pty);
	return ret;
}
