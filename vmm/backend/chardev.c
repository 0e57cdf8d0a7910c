// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/chardev-impl.h"

/* --- front ends ------------------------------------------------------------ */

void chardev_attach(struct chardev *dev, const struct chardev_front *front)
{
	dev->front = front ? *front : (struct chardev_front){ 0 };
	chardev_room(dev);
}

/* Under the lock.  The rest is the loop's: it waits for the far end. */
static size_t write_some(struct chardev *dev, const uint8_t *buf, size_t len)
{
	size_t n = dev->ops->write(dev, buf, len);

	if (n < len) {
		dev->full = true;
		chardev_room(dev);
	}
	return n;
}

size_t chardev_write(struct chardev *dev, const uint8_t *buf, size_t len)
{
	size_t n;

	pthread_mutex_lock(&dev->lock);
	n = write_some(dev, buf, len);
	pthread_mutex_unlock(&dev->lock);
	return n;
}

void chardev_write_all(struct chardev *dev, const uint8_t *buf, size_t len)
{
	size_t n;

	pthread_mutex_lock(&dev->lock);
	for (;;) {
		n = write_some(dev, buf, len);
		buf += n;
		len -= n;
		if (!len)
			break;
		while (dev->full && !dev->hurry)
			pthread_cond_wait(&dev->changed, &dev->lock);
		if (dev->hurry)
			break;
	}
	pthread_mutex_unlock(&dev->lock);
}

void chardev_room(struct chardev *dev)
{
	/* Fails only if the counter is full, and then the loop wakes anyway. */
	eventfd_write(dev->wake_fd, 1);
}

bool chardev_connected(struct chardev *dev)
{
	bool connected;

	pthread_mutex_lock(&dev->lock);
	connected = dev->is_connected;
	pthread_mutex_unlock(&dev->lock);
	return connected;
}

bool chardev_size(struct chardev *dev, uint16_t *columns, uint16_t *rows)
{
	return dev->ops->size && dev->ops->size(dev, columns, rows);
}

void chardev_set_hurry(struct chardev *dev, bool hurry)
{
	pthread_mutex_lock(&dev->lock);
	dev->hurry = hurry;
	pthread_cond_broadcast(&dev->changed);
	pthread_mutex_unlock(&dev->lock);
}

void chardev_close(struct chardev *dev)
{
	if (dev)
		dev->ops->close(dev);
}

/* --- back ends ------------------------------------------------------------- */

size_t chardev_offer(struct chardev *dev, const uint8_t *buf, size_t len)
{
	if (!len || !dev->front.input)
		return 0;
	return dev->front.input(dev->front.opaque, buf, len);
}

void chardev_writable(struct chardev *dev)
{
	bool was_full;

	pthread_mutex_lock(&dev->lock);
	was_full = dev->full;
	dev->full = false;
	pthread_cond_broadcast(&dev->changed);
	pthread_mutex_unlock(&dev->lock);
	if (was_full && dev->front.writable)
		dev->front.writable(dev->front.opaque);
}

void chardev_set_connected(struct chardev *dev, bool connected)
{
	bool changed;

	pthread_mutex_lock(&dev->lock);
	changed = dev->is_connected != connected;
	dev->is_connected = connected;
	pthread_mutex_unlock(&dev->lock);
	/* What waits for a far end that went is dropped now. */
	chardev_writable(dev);
	if (changed && dev->front.connected)
		dev->front.connected(dev->front.opaque, connected);
}

static void wake(void *opaque, uint32_t events)
{
	struct chardev *dev = opaque;
	eventfd_t count;

	(void)events;
	if (!eventfd_read(dev->wake_fd, &count))
		dev->ops->wake(dev);
}

int chardev_init(struct chardev *dev, const struct chardev_ops *ops,
		 const char *what, const char *kind, struct evloop *loop,
		 struct error *err)
{
	int ret;

	dev->ops = ops;
	dev->loop = loop;
	snprintf(dev->name, sizeof(dev->name), "%s (%s)", what, kind);
	dev->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dev->wake_fd < 0)
		return error_set(err, TL_CONSOLE, errno, "%s: eventfd: %s",
				 dev->name, strerror(errno));
	ret = evloop_add(loop, dev->wake_fd, EPOLLIN, wake, dev, err);
	if (ret) {
		close(dev->wake_fd);
		return ret;
	}
	pthread_mutex_init(&dev->lock, NULL);
	pthread_cond_init(&dev->changed, NULL);
	return 0;
}

void chardev_fini(struct chardev *dev)
{
	evloop_del(dev->loop, dev->wake_fd);
	close(dev->wake_fd);
	pthread_cond_destroy(&dev->changed);
	pthread_mutex_destroy(&dev->lock);
}

/* --- nowhere --------------------------------------------------------------- */

static size_t none_write(struct chardev *dev, const uint8_t *buf, size_t len)
{
	(void)dev;
	(void)buf;
	return len;
}

static void none_wake(struct chardev *dev)
{
	(void)dev;
}

static void none_close(struct chardev *dev)
{
	chardev_fini(dev);
	free(dev);
}

static const struct chardev_ops none_ops = {
	.write = none_write,
	.wake = none_wake,
	.close = none_close,
};

static int open_none(const struct chardev_request *req, struct chardev **out,
		     struct error *err)
{
	struct chardev *dev;
	int ret;

	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return error_set(err, TL_CONSOLE, ENOMEM, "no memory for a %s",
				 req->what);
	ret = chardev_init(dev, &none_ops, req->what, "none", req->loop, err);
	if (ret) {
		free(dev);
		return ret;
	}
	dev->is_connected = true;
	*out = dev;
	return 0;
}

/* --- by name --------------------------------------------------------------- */

const char chardev_kinds[] = "tty, pty[:LINK], file:PATH, unix:PATH, "
			     "unix-connect:PATH or none";

enum arg { ARG_NO, ARG_MAY, ARG_MUST };

static const struct kind {
	const char *name;
	enum arg arg;
	int (*open)(const struct chardev_request *req, struct chardev **out,
		    struct error *err);
} kinds[] = {
	{ "tty", ARG_NO, chardev_open_tty },
	{ "pty", ARG_MAY, chardev_open_pty },
	{ "file", ARG_MUST, chardev_open_file },
	{ "unix", ARG_MUST, chardev_open_unix },
	{ "unix-connect", ARG_MUST, chardev_open_unix_connect },
	{ "none", ARG_NO, open_none },
};

/* @why or *@kind and *@arg. */
static const char *find_kind(const char *where, const struct kind **kind,
			     const char **arg)
{
	size_t len = strcspn(where, ":"), i;

	*kind = NULL;
	*arg = where[len] ? where + len + 1 : NULL;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == len &&
		    !strncmp(where, kinds[i].name, len))
			*kind = &kinds[i];
	if (!*kind)
		return "is none of the places there are";
	if ((*kind)->arg == ARG_NO && *arg)
		return "takes nothing behind a colon";
	if ((*kind)->arg == ARG_MUST && !*arg)
		return "needs a path behind a colon";
	if (*arg && !**arg)
		return "has an empty path";
	return NULL;
}

const char *chardev_check(const char *where)
{
	const struct kind *kind;
	const char *arg;

	return find_kind(where, &kind, &arg);
}

bool chardev_is_tty(const char *where)
{
	return !strcmp(where, "tty");
}

int chardev_open(const char *where, const char *what, struct evloop *loop,
		 const struct chardev_keys *keys, struct chardev **out,
		 struct error *err)
{
	struct chardev_request req = { .what = what,
				       .loop = loop,
				       .keys = keys };
	const struct kind *kind;
	const char *why;

	*out = NULL;
	why = find_kind(where, &kind, &req.arg);
	if (why)
		return error_set(err, TL_USAGE, EINVAL, "%s: '%.100s' %s: %s",
				 what, where, why, chardev_kinds);
	return kind->open(&req, out, err);
}
