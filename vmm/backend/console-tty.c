// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "backend/console-tty.h"
#include "lib/log.h"

#define ESCAPE 0x01 /* Ctrl-A */

/*
 * Input read but not yet taken.  Far more than anyone types while a guest is
 * busy, so that Ctrl-A x is seen even then; beyond it the rest stays unread.
 */
#define PENDING_MAX 65536

/* One byte read gives at most two: an unknown Ctrl-A sequence. */
#define READ_MAX 512

struct console {
	struct console_config config;
	bool raw;     /* in_fd is a terminal in raw mode */
	bool at_end;  /* no more input */
	bool polled;  /* in_fd is in the event loop */
	bool reading; /* and listened to */
	bool escaped; /* Ctrl-A came last */
	int room_fd;
	atomic_bool hurry;
	atomic_bool mute; /* nobody reads our output */
	size_t start;     /* of what is pending in buf */
	size_t end;
	uint8_t buf[]; /* PENDING_MAX */
};

/* --- the terminal's state, for the signal handler too ----------------------*/

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

#define NR_FATAL (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static struct {
	int fd;
	struct termios saved;
	struct sigaction old[NR_FATAL];
} tty = { .fd = -1 };

void console_restore_terminal(void)
{
	if (tty.fd >= 0)
		tcsetattr(tty.fd, TCSANOW, &tty.saved);
}

static void restore_and_die(int sig)
{
	console_restore_terminal();
	/* SA_RESETHAND: this time it has its usual effect. */
	raise(sig);
}

static void catch_crashes(void)
{
	struct sigaction sa = { .sa_handler = restore_and_die,
				.sa_flags = (int)SA_RESETHAND | SA_NODEFER };
	size_t i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < NR_FATAL; i++) {
		sigaction(fatal_signals[i], NULL, &tty.old[i]);
		/* A sanitizer's handler is worth more than a sane terminal. */
		if (tty.old[i].sa_handler == SIG_DFL)
			sigaction(fatal_signals[i], &sa, NULL);
	}
}

static int make_raw(struct console *console, struct error *err)
{
	int fd = console->config.in_fd;
	struct termios raw;

	if (tty.fd >= 0)
		return error_set(err, TL_CONSOLE, EBUSY,
				 "only one console can have the terminal");
	if (tcgetattr(fd, &tty.saved) < 0)
		return error_set(err, TL_CONSOLE, errno,
				 "cannot read the terminal's settings: %s",
				 strerror(errno));
	raw = tty.saved;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tty.fd = fd;
	catch_crashes();
	if (tcsetattr(fd, TCSANOW, &raw) < 0) {
		tty.fd = -1;
		return error_set(err, TL_CONSOLE, errno,
				 "cannot put the terminal into raw mode: %s",
				 strerror(errno));
	}
	console->raw = true;
	log_set_raw(true);
	return 0;
}

static void restore_tty(struct console *console)
{
	size_t i;

	if (!console->raw)
		return;
	/* TCSADRAIN: what the guest printed last gets out first. */
	tcsetattr(tty.fd, TCSADRAIN, &tty.saved);
	for (i = 0; i < NR_FATAL; i++)
		sigaction(fatal_signals[i], &tty.old[i], NULL);
	tty.fd = -1;
	console->raw = false;
	log_set_raw(false);
}

/* --- input -----------------------------------------------------------------*/

static void stop_input(struct console *console)
{
	console->at_end = true;
	if (console->polled)
		evloop_del(console->config.loop, console->config.in_fd);
	console->polled = console->reading = false;
}

static void push(struct console *console, uint8_t byte)
{
	console->buf[console->end++] = byte;
}

static void take_byte(struct console *console, uint8_t byte)
{
	if (!console->raw) {
		push(console, byte);
		return;
	}
	if (!console->escaped) {
		if (byte == ESCAPE)
			console->escaped = true;
		else
			push(console, byte);
		return;
	}
	console->escaped = false;
	switch (byte) {
	case 'x':
	case 'X':
		console->config.quit(console->config.opaque);
		break;
	case 'p':
	case 'P':
		if (console->config.powerdown)
			console->config.powerdown(console->config.opaque);
		break;
	case 'a':
	case ESCAPE:
		push(console, ESCAPE);
		break;
	default:
		push(console, ESCAPE);
		push(console, byte);
	}
}

static bool has_space(const struct console *console)
{
	return PENDING_MAX - (console->end - console->start) >= 2 * READ_MAX;
}

/* Read once.  False: there is nothing more to be had now. */
static bool read_some(struct console *console)
{
	uint8_t in[READ_MAX];
	ssize_t n, i;

	if (console->at_end || !has_space(console))
		return false;
	if (PENDING_MAX - console->end < 2 * READ_MAX) {
		memmove(console->buf, console->buf + console->start,
			console->end - console->start);
		console->end -= console->start;
		console->start = 0;
	}
	n = read(console->config.in_fd, in, sizeof(in));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	/* An error, such as a terminal that hung up, is an end like any. */
	if (n <= 0) {
		stop_input(console);
		return false;
	}
	for (i = 0; i < n; i++)
		take_byte(console, in[i]);
	return true;
}

static void offer(struct console *console)
{
	size_t n = console->end - console->start;

	if (n)
		console->start +=
			console->config.input(console->config.opaque,
					      console->buf + console->start, n);
	if (console->start == console->end)
		console->start = console->end = 0;
}

/* Listen exactly while there is space. */
static void update_watch(struct console *console)
{
	bool want = console->polled && has_space(console);

	if (!console->polled || want == console->reading)
		return;
	if (!evloop_mod(console->config.loop, console->config.in_fd,
			want ? EPOLLIN : 0))
		console->reading = want;
}

/* A regular file is always ready, so its reader is the guest's appetite. */
static void pump_file(struct console *console)
{
	do {
		offer(console);
	} while (console->start == console->end && read_some(console));
}

static void in_ready(void *opaque, uint32_t events)
{
	struct console *console = opaque;

	(void)events;
	read_some(console);
	offer(console);
	update_watch(console);
}

static void room_ready(void *opaque, uint32_t events)
{
	struct console *console = opaque;
	uint64_t count;

	(void)events;
	if (read(console->room_fd, &count, sizeof(count)) < 0)
		return;
	if (console->polled || console->at_end)
		offer(console);
	else
		pump_file(console);
	update_watch(console);
}

void console_room(struct console *console)
{
	const uint64_t one = 1;

	/* Fails only if the counter is full, and then the loop wakes anyway. */
	if (write(console->room_fd, &one, sizeof(one)) < 0)
		return;
}

/* --- output ----------------------------------------------------------------*/

/* Write failed with @errnum; false to give up on this output. */
static bool wait_writable(struct console *console, int errnum)
{
	struct pollfd pfd = { .fd = console->config.out_fd, .events = POLLOUT };

	switch (errnum) {
	case EINTR:
		return !console->hurry;
	case EAGAIN:
		/* A terminal shared with someone who made it non-blocking. */
		if (poll(&pfd, 1, -1) < 0 && errno == EINTR)
			return !console->hurry;
		return true;
	default:
		console->mute = true;
		return false;
	}
}

void console_write(struct console *console, const uint8_t *buf, size_t len)
{
	while (len && !console->mute) {
		ssize_t n = write(console->config.out_fd, buf, len);

		if (n < 0) {
			if (!wait_writable(console, errno))
				return;
			continue;
		}
		buf += n;
		len -= (size_t)n;
	}
}

void console_set_hurry(struct console *console, bool hurry)
{
	console->hurry = hurry;
}

/* --- open, close -----------------------------------------------------------*/

static bool is_open(int fd)
{
	return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

static int watch_input(struct console *console, struct error *err)
{
	int fd = console->config.in_fd;
	int ret;

	if (console->at_end)
		return 0;
	ret = evloop_add(console->config.loop, fd, EPOLLIN, in_ready, console,
			 NULL);
	/* Regular files and /dev/null: read when the guest has room. */
	if (ret == -EPERM)
		return 0;
	if (ret)
		return error_set(err, TL_CONSOLE, -ret,
				 "console: cannot watch descriptor %d: %s", fd,
				 strerror(-ret));
	console->polled = console->reading = true;
	return 0;
}

int console_open(const struct console_config *config, struct console **out,
		 struct error *err)
{
	struct console *console;
	int ret;

	/* Most guests are never typed at: no page of the buffer is touched. */
	console = malloc(sizeof(*console) + PENDING_MAX);
	if (!console)
		return error_set(err, TL_CONSOLE, ENOMEM,
				 "no memory for the console");
	*console = (struct console){ .config = *config };
	/* Before the number of one that is not open gets a new meaning. */
	console->at_end = !is_open(config->in_fd);
	console->mute = !is_open(config->out_fd);
	console->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->room_fd < 0) {
		ret = error_set(err, TL_CONSOLE, errno, "console: eventfd: %s",
				strerror(errno));
		goto free_console;
	}
	ret = evloop_add(config->loop, console->room_fd, EPOLLIN, room_ready,
			 console, err);
	if (ret)
		goto close_room;
	ret = watch_input(console, err);
	if (ret)
		goto del_room;
	if (!console->at_end && isatty(config->in_fd)) {
		ret = make_raw(console, err);
		if (ret)
			goto del_input;
	}
	*out = console;
	return 0;

del_input:
	stop_input(console);
del_room:
	evloop_del(config->loop, console->room_fd);
close_room:
	close(console->room_fd);
free_console:
	free(console);
	return ret;
}

void console_close(struct console *console)
{
	if (!console)
		return;
	restore_tty(console);
	stop_input(console);
	evloop_del(console->config.loop, console->room_fd);
	close(console->room_fd);
	free(console);
}
