// SPDX-License-Identifier: GPL-2.0-only
/* Standard input and output as a chardev: console-tty.c reads, this writes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chardev-impl.h"
#include "backend/console-tty.h"

/* What a terminal or pipe that can be written to takes without waiting. */
#define BLOCKING_CHUNK 256

struct tty_dev {
	struct chardev dev; /* first: the two are cast */
	struct console *console;
	struct chardev_keys keys;
	int out_fd;
	bool own_fd;  /* it is our own, and non-blocking */
	bool careful; /* it may block, and so is asked first */
	bool polled;  /* out_fd is in the event loop */
	bool mute;    /* under dev.lock: nobody reads our output */
	int winch_fd;
};

static size_t tty_input(void *opaque, const uint8_t *buf, size_t len)
{
	return chardev_offer(opaque, buf, len);
}

static void tty_quit(void *opaque)
{
	struct tty_dev *tty = opaque;

	if (tty->keys.quit)
		tty->keys.quit(tty->keys.opaque);
}

static void tty_powerdown(void *opaque)
{
	struct tty_dev *tty = opaque;

	if (tty->keys.powerdown)
		tty->keys.powerdown(tty->keys.opaque);
}

/* --- output ---------------------------------------------------------------- */

static bool is_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) != 0;
}

static size_t tty_write(struct chardev *dev, const uint8_t *buf, size_t len)
{
	struct tty_dev *tty = (struct tty_dev *)dev;
	size_t done = 0, part;
	ssize_t n;

	while (done < len && !tty->mute) {
		part = len - done;
		if (tty->careful) {
			if (!is_ready(tty->out_fd))
				return done;
			if (part > BLOCKING_CHUNK)
				part = BLOCKING_CHUNK;
		}
		n = write(tty->out_fd, buf + done, part);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			return done;
		else if (errno != EINTR)
			tty->mute = true;
	}
	return len;
}

static void out_ready(void *opaque, uint32_t events)
{
	struct tty_dev *tty = opaque;

	(void)events;
	evloop_mod(tty->dev.loop, tty->out_fd, 0);
	chardev_writable(&tty->dev);
}

static void tty_wake(struct chardev *dev)
{
	struct tty_dev *tty = (struct tty_dev *)dev;
	bool full;

	console_room(tty->console);
	pthread_mutex_lock(&dev->lock);
	full = dev->full;
	pthread_mutex_unlock(&dev->lock);
	if (full && tty->polled)
		evloop_mod(dev->loop, tty->out_fd, EPOLLOUT);
}

/*
 * A descriptor of our own can be non-blocking without whoever shares the
 * terminal or pipe with us noticing.  What cannot be opened once more (a
 * socket, another user's terminal) is asked before each write.
 */
static void open_output(struct tty_dev *tty)
{
	char path[32];
	struct stat st;
	int fd;

	tty->out_fd = STDOUT_FILENO;
	if (fstat(STDOUT_FILENO, &st) < 0 || S_ISREG(st.st_mode))
		return;
	tty->careful = true;
	/* Another descriptor of a block device would write from its start. */
	if (!S_ISCHR(st.st_mode) && !S_ISFIFO(st.st_mode))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", STDOUT_FILENO);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	tty->out_fd = fd;
	tty->own_fd = true;
	tty->careful = false;
}

/* --- size ------------------------------------------------------------------ */

static bool tty_size(struct chardev *dev, uint16_t *columns, uint16_t *rows)
{
	struct tty_dev *tty = (struct tty_dev *)dev;
	struct winsize size;

	if (ioctl(tty->out_fd, TIOCGWINSZ, &size) < 0 || !size.ws_col ||
	    !size.ws_row)
		return false;
	*columns = size.ws_col;
	*rows = size.ws_row;
	return true;
}

static void winch_ready(void *opaque, uint32_t events)
{
	struct tty_dev *tty = opaque;
	const struct chardev_front *front = &tty->dev.front;
	struct signalfd_siginfo info;
	uint16_t columns, rows;

	(void)events;
	if (read(tty->winch_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (front->resized && tty_size(&tty->dev, &columns, &rows))
		front->resized(front->opaque, columns, rows);
}

/* Without it the guest keeps the size that it began with. */
static void watch_size(struct tty_dev *tty)
{
	sigset_t set;

	if (!isatty(tty->out_fd))
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	tty->winch_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (tty->winch_fd >= 0 && evloop_add(tty->dev.loop, tty->winch_fd,
					     EPOLLIN, winch_ready, tty, NULL)) {
		close(tty->winch_fd);
		tty->winch_fd = -1;
	}
}

/* --- life ------------------------------------------------------------------ */

static void close_output(struct tty_dev *tty)
{
	if (tty->winch_fd >= 0) {
		evloop_del(tty->dev.loop, tty->winch_fd);
		close(tty->winch_fd);
	}
	if (tty->polled)
		evloop_del(tty->dev.loop, tty->out_fd);
	if (tty->own_fd)
		close(tty->out_fd);
}

static void tty_close(struct chardev *dev)
{
	struct tty_dev *tty = (struct tty_dev *)dev;

	console_close(tty->console);
	close_output(tty);
	chardev_fini(dev);
	free(tty);
}

static const struct chardev_ops tty_ops = {
	.write = tty_write,
	.wake = tty_wake,
	.size = tty_size,
	.close = tty_close,
};

int chardev_open_tty(const struct chardev_request *req, struct chardev **out,
		     struct error *err)
{
	struct console_config config = {
		.in_fd = STDIN_FILENO,
		.out_fd = STDOUT_FILENO,
		.loop = req->loop,
		.input = tty_input,
		.quit = tty_quit,
		.powerdown = tty_powerdown,
	};
	struct tty_dev *tty;
	int ret;

	tty = calloc(1, sizeof(*tty));
	if (!tty)
		return error_set(err, TL_CONSOLE, ENOMEM, "no memory for a %s",
				 req->what);
	tty->winch_fd = -1;
	if (req->keys)
		tty->keys = *req->keys;
	ret = chardev_init(&tty->dev, &tty_ops, req->what, "tty", req->loop,
			   err);
	if (ret)
		goto free_tty;
	open_output(tty);
	/* A regular file is always ready; so is a descriptor that is closed. */
	tty->polled =
		!evloop_add(req->loop, tty->out_fd, 0, out_ready, tty, NULL);
	watch_size(tty);
	config.opaque = tty;
	ret = console_open(&config, &tty->console, err);
	if (ret)
		goto close_out;
	tty->dev.is_connected = true;
	*out = &tty->dev;
	return 0;

close_out:
	close_output(tty);
	chardev_fini(&tty->dev);
free_tty:
	free(tty);
	return ret;
}
