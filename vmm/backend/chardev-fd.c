// SPDX-License-Identifier: GPL-2.0-only
/* Bytes through one non-blocking descriptor. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backend/chardev-impl.h"
#include "lib/log.h"

static struct chardev_fd *to_fd(struct chardev *dev)
{
	return (struct chardev_fd *)dev;
}

static bool has_space(const struct chardev_fd *cfd)
{
	return cfd->start > 0 || cfd->end < sizeof(cfd->buf);
}

/* Listen exactly for what can be dealt with. */
static void update_events(struct chardev_fd *cfd)
{
	struct chardev *dev = &cfd->dev;
	uint32_t events = 0;

	if (!cfd->polled)
		return;
	if (!cfd->out_only && has_space(cfd))
		events |= EPOLLIN;
	pthread_mutex_lock(&dev->lock);
	if (cfd->out_waits)
		events |= EPOLLOUT;
	pthread_mutex_unlock(&dev->lock);
	if (events != cfd->events && !evloop_mod(dev->loop, cfd->fd, events))
		cfd->events = events;
}

static void offer(struct chardev_fd *cfd)
{
	cfd->start += chardev_offer(&cfd->dev, cfd->buf + cfd->start,
				    cfd->end - cfd->start);
	if (cfd->start == cfd->end)
		cfd->start = cfd->end = 0;
}

static void hang_up(struct chardev_fd *cfd)
{
	if (cfd->hangup)
		cfd->hangup(cfd);
	else
		chardev_fd_drop(cfd);
}

/* False: the far end is gone. */
static bool read_some(struct chardev_fd *cfd)
{
	ssize_t n;

	if (cfd->start) {
		memmove(cfd->buf, cfd->buf + cfd->start, cfd->end - cfd->start);
		cfd->end -= cfd->start;
		cfd->start = 0;
	}
	if (cfd->end == sizeof(cfd->buf))
		return true;
	n = read(cfd->fd, cfd->buf + cfd->end, sizeof(cfd->buf) - cfd->end);
	if (n > 0)
		cfd->end += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void fd_ready(void *opaque, uint32_t events)
{
	struct chardev_fd *cfd = opaque;
	struct chardev *dev = &cfd->dev;
	bool gone = false;

	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		pthread_mutex_lock(&dev->lock);
		cfd->out_waits = false;
		pthread_mutex_unlock(&dev->lock);
		chardev_writable(dev);
	}
	/* A far end that went may have left something to read. */
	if (cfd->out_only)
		gone = events & (EPOLLHUP | EPOLLERR);
	else if (has_space(cfd))
		gone = !read_some(cfd);
	offer(cfd);
	if (gone)
		hang_up(cfd);
	update_events(cfd);
}

void chardev_fd_wake(struct chardev *dev)
{
	struct chardev_fd *cfd = to_fd(dev);

	offer(cfd);
	update_events(cfd);
}

/* An error that is no end: said once, then this output is dropped. */
static void complain(struct chardev_fd *cfd, int errnum)
{
	if (!cfd->complained)
		log_warn("%s: %s; output is lost", cfd->dev.name,
			 strerror(errnum));
	cfd->complained = true;
}

size_t chardev_fd_write(struct chardev *dev, const uint8_t *buf, size_t len)
{
	struct chardev_fd *cfd = to_fd(dev);
	size_t done = 0;
	ssize_t n;

	while (done < len && cfd->fd >= 0) {
		n = write(cfd->fd, buf + done, len - done);
		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			cfd->out_waits = true;
			return done;
		}
		/* The loop hears of a far end that went. */
		if (errno != EPIPE && errno != ECONNRESET && errno != EIO)
			complain(cfd, errno);
		break;
	}
	return len;
}

int chardev_fd_take(struct chardev_fd *cfd, int fd, struct error *err)
{
	struct chardev *dev = &cfd->dev;
	struct error why = { 0 };
	int ret;

	ret = evloop_add(dev->loop, fd, 0, fd_ready, cfd, &why);
	/* -EPERM: a regular file, which is never waited for. */
	if (ret && ret != -EPERM)
		return error_set(err, TL_CONSOLE, -ret, "%s: %s", dev->name,
				 why.text);
	cfd->polled = !ret;
	cfd->events = 0;
	pthread_mutex_lock(&dev->lock);
	cfd->fd = fd;
	cfd->out_waits = false;
	pthread_mutex_unlock(&dev->lock);
	update_events(cfd);
	chardev_set_connected(dev, true);
	return 0;
}

void chardev_fd_rest(struct chardev_fd *cfd)
{
	if (cfd->polled)
		evloop_del(cfd->dev.loop, cfd->fd);
	cfd->polled = false;
	chardev_set_connected(&cfd->dev, false);
}

void chardev_fd_drop(struct chardev_fd *cfd)
{
	struct chardev *dev = &cfd->dev;
	int fd = cfd->fd;

	if (fd < 0)
		return;
	if (cfd->polled)
		evloop_del(dev->loop, fd);
	cfd->polled = false;
	pthread_mutex_lock(&dev->lock);
	cfd->fd = -1;
	cfd->out_waits = false;
	pthread_mutex_unlock(&dev->lock);
	close(fd);
	chardev_set_connected(dev, false);
}
