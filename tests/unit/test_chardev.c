// SPDX-License-Identifier: GPL-2.0-only
/* The back ends of serial devices, each with a real far end. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "backend/chardev.h"
#include "lib/evloop.h"
#include "lib/log.h"

#define PATIENCE_MS 5000

struct fixture {
	struct evloop *loop;
	struct evloop_timer *timer;
	struct chardev *dev;
	uint8_t in[1 << 20];
	size_t in_len;
	size_t appetite; /* how much more input is taken */
	unsigned int writable;
	int connected; /* last call, -1: none */
};

static char dir[] = "/tmp/test_chardev.XXXXXX";
static char path[64], where[96];
static struct fixture f;

static size_t input(void *opaque, const uint8_t *buf, size_t len)
{
	(void)opaque;
	if (len > f.appetite)
		len = f.appetite;
	assert_true(f.in_len + len <= sizeof(f.in));
	memcpy(f.in + f.in_len, buf, len);
	f.in_len += len;
	f.appetite -= len;
	return len;
}

static void writable(void *opaque)
{
	(void)opaque;
	f.writable++;
}

static void connected(void *opaque, bool is)
{
	(void)opaque;
	f.connected = is;
}

static const struct chardev_front front = {
	.input = input,
	.writable = writable,
	.connected = connected,
};

static void stop(void *opaque)
{
	evloop_stop(opaque);
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.connected = -1;
	f.appetite = SIZE_MAX;
	log_set_level(LOG_ERROR);
	snprintf(path, sizeof(path), "%s/x", dir);
	unlink(path);
	f.loop = evloop_new(NULL);
	f.timer = evloop_timer_new(f.loop, stop, f.loop, NULL);
	return f.loop && f.timer ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (f.dev)
		chardev_attach(f.dev, NULL);
	chardev_close(f.dev);
	evloop_timer_free(f.timer);
	evloop_free(f.loop);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void spin(unsigned int ms)
{
	evloop_timer_set(f.timer, now_ns() + ms * UINT64_C(1000000));
	evloop_run(f.loop, NULL);
}

/* Run the loop until @truth holds. */
#define until(truth)                                    \
	do {                                            \
		unsigned int ms_ = 0;                   \
		while (!(truth) && ms_++ < PATIENCE_MS) \
			spin(1);                        \
		assert_true(truth);                     \
	} while (0)

static void open_dev(const char *kind)
{
	struct error err = { 0 };

	snprintf(where, sizeof(where), "%s%s", kind, path);
	if (chardev_open(where, "port p", f.loop, NULL, &f.dev, &err))
		fail_msg("%s", err.text);
	chardev_attach(f.dev, &front);
}

static void refuse(const char *kind, const char *with)
{
	struct chardev *dev = (struct chardev *)&f;
	struct error err = { 0 };

	snprintf(where, sizeof(where), "%s%s", kind, path);
	assert_true(chardev_open(where, "port p", f.loop, NULL, &dev, &err) <
		    0);
	assert_null(dev);
	if (!strstr(err.text, with))
		fail_msg("no '%s' in: %s", with, err.text);
}

static size_t put(const char *text)
{
	return chardev_write(f.dev, (const uint8_t *)text, strlen(text));
}

static struct sockaddr_un address(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return addr;
}

static int dial(void)
{
	struct sockaddr_un addr = address();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	return fd;
}

static int serve(void)
{
	struct sockaddr_un addr = address();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void expect_read(int fd, const char *text)
{
	char buf[64];
	size_t have = 0;
	ssize_t n;

	while (have < strlen(text)) {
		n = read(fd, buf + have, sizeof(buf) - have);
		assert_true(n > 0);
		have += n;
	}
	assert_int_equal(have, strlen(text));
	assert_memory_equal(buf, text, have);
}

static void expect_in(const char *text)
{
	until(f.in_len >= strlen(text));
	assert_int_equal(f.in_len, strlen(text));
	assert_memory_equal(f.in, text, f.in_len);
	f.in_len = 0;
}

/* --- spelling ------------------------------------------------------------------*/

static void spelling(void **state)
{
	static const char *const good[] = {
		"tty",    "pty",  "pty:/x",           "file:x",
		"unix:x", "none", "unix-connect:/a:b"
	};
	static const char *const bad[] = {
		"",      "ttyS0",   "tty:x", "pty:",        "file",
		"file:", "unix",    "unix:", "none:x",      ":x",
		"fil:x", "files:x", "Pty",   "unix-connect"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(chardev_check(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(chardev_check(bad[i]));
	assert_true(chardev_is_tty("tty"));
	assert_false(chardev_is_tty("pty"));
	refuse("nonsense", "none of the places there are: tty, pty");
}

static void nowhere(void **state)
{
	struct error err = { 0 };
	uint16_t columns, rows;

	(void)state;
	assert_int_equal(chardev_open("none", "p", f.loop, NULL, &f.dev, &err),
			 0);
	chardev_attach(f.dev, &front);
	assert_int_equal(put("gone"), 4);
	assert_true(chardev_connected(f.dev));
	assert_false(chardev_size(f.dev, &columns, &rows));
	spin(1);
	chardev_close(NULL);
}

/* --- files ---------------------------------------------------------------------*/

static void file_is_appended_to(void **state)
{
	char buf[32] = "";
	int fd;

	(void)state;
	open_dev("file:");
	assert_int_equal(put("one "), 4);
	chardev_write_all(f.dev, (const uint8_t *)"two ", 4);
	chardev_close(f.dev);
	open_dev("file:");
	assert_int_equal(put("three"), 5);
	spin(1);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, buf, sizeof(buf)), 13);
	assert_string_equal(buf, "one two three");
	close(fd);
}

static void bad_files(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/no/such/directory/x");
	refuse("file:", "port p: /no/such/directory/x: No such file");
	snprintf(path, sizeof(path), "/tmp");
	refuse("file:", "Is a directory");
	snprintf(path, sizeof(path), "%s/x", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse("file:", "nobody reads this FIFO");
}

/* The guest goes on. */
static void full_disk(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/dev/full");
	open_dev("file:");
	assert_int_equal(put("lost"), 4);
	assert_int_equal(put("lost"), 4);
}

static void fifo(void **state)
{
	static uint8_t much[1 << 20];
	uint8_t buf[65536];
	size_t sent;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	open_dev("file:");
	sent = chardev_write(f.dev, much, sizeof(much));
	assert_in_range(sent, 1, sizeof(much) - 1);
	spin(20);
	assert_int_equal(f.writable, 0);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	until(f.writable == 1);
	assert_int_equal(put("x"), 1);
	expect_read(fd, "x");
	close(fd);
	assert_int_equal(put("nobody"), 6);
}

/* --- sockets -------------------------------------------------------------------*/

static void server(void **state)
{
	struct stat st;
	int fd, second;

	(void)state;
	open_dev("unix:");
	assert_false(chardev_connected(f.dev));
	assert_int_equal(put("nobody hears"), 12);
	fd = dial();
	until(f.connected == 1);
	assert_true(chardev_connected(f.dev));
	assert_int_equal(put("hello"), 5);
	expect_read(fd, "hello");
	assert_int_equal(write(fd, "input", 5), 5);
	expect_in("input");

	/* The next one waits until this one is gone, and loses nothing. */
	second = dial();
	assert_int_equal(write(second, "second", 6), 6);
	spin(20);
	assert_int_equal(f.in_len, 0);
	assert_int_equal(write(fd, "last", 4), 4);
	close(fd);
	until(f.in_len == 10);
	assert_memory_equal(f.in, "lastsecond", 10);
	assert_int_equal(f.connected, 1);
	assert_int_equal(put("hi"), 2);
	expect_read(second, "hi");
	close(second);
	until(f.connected == 0);

	chardev_attach(f.dev, NULL);
	chardev_close(f.dev);
	f.dev = NULL;
	assert_int_equal(stat(path, &st), -1);
}

static void input_waits_for_appetite(void **state)
{
	static uint8_t sent[300000];
	size_t i, done = 0;
	ssize_t n;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(sent); i++)
		sent[i] = i * 31 + (i >> 8);
	open_dev("unix:");
	fd = dial();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	f.appetite = 0;
	for (i = 0; i < PATIENCE_MS && f.in_len < sizeof(sent); i++) {
		while (done < sizeof(sent) &&
		       (n = write(fd, sent + done, sizeof(sent) - done)) > 0)
			done += n;
		if (done == sizeof(sent) && fd >= 0) {
			/* It goes, and what it sent stays. */
			close(fd);
			fd = -1;
		}
		spin(1);
		f.appetite = 700;
		chardev_room(f.dev);
	}
	assert_int_equal(f.in_len, sizeof(sent));
	assert_memory_equal(f.in, sent, sizeof(sent));
	until(f.connected == 0);
}

static void output_waits_for_reader(void **state)
{
	static uint8_t sent[3000000], got[3000000];
	size_t done, have = 0;
	unsigned int i;
	ssize_t n;
	int fd;

	(void)state;
	for (done = 0; done < sizeof(sent); done++)
		sent[done] = done * 17 + (done >> 9);
	open_dev("unix:");
	fd = dial();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	until(f.connected == 1);
	done = chardev_write(f.dev, sent, sizeof(sent));
	assert_in_range(done, 1, sizeof(sent) - 1);
	for (i = 0; i < PATIENCE_MS && have < sizeof(sent); i++) {
		while ((n = read(fd, got + have, sizeof(got) - have)) > 0)
			have += n;
		f.writable = 0;
		spin(1);
		if (f.writable)
			done += chardev_write(f.dev, sent + done,
					      sizeof(sent) - done);
	}
	assert_int_equal(have, sizeof(sent));
	assert_memory_equal(got, sent, sizeof(sent));
	close(fd);
}

/* What it leaves unread must neither block nor spin. */
static void reader_goes_while_full(void **state)
{
	static uint8_t much[3000000];
	int fd;

	(void)state;
	open_dev("unix:");
	fd = dial();
	until(f.connected == 1);
	assert_int_equal(write(fd, "x", 1), 1);
	f.appetite = 0;
	assert_true(chardev_write(f.dev, much, sizeof(much)) < sizeof(much));
	close(fd);
	until(f.connected == 0);
	assert_int_equal(f.writable, 1);
	assert_int_equal(chardev_write(f.dev, much, sizeof(much)),
			 sizeof(much));
	f.appetite = 10;
	chardev_room(f.dev);
	expect_in("x");
}

static void paths_in_use(void **state)
{
	int fd;

	(void)state;
	fd = open(path, O_CREAT | O_RDWR, 0600);
	refuse("unix:", "the path is in use");
	close(fd);
	assert_int_equal(access(path, F_OK), 0); /* and still there */
	unlink(path);

	fd = serve();
	refuse("unix:", "the path is in use");
	close(fd); /* stale now */
	open_dev("unix:");
	fd = dial();
	until(f.connected == 1);
	close(fd);
	/* Somebody else's socket by the time we close. */
	unlink(path);
	fd = serve();
	chardev_attach(f.dev, NULL);
	chardev_close(f.dev);
	f.dev = NULL;
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
}

static void path_too_long(void **state)
{
	char name[200] = "unix:";
	struct error err = { 0 };

	(void)state;
	memset(name + 5, 'x', sizeof(name) - 6);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(chardev_open(name, "p", f.loop, NULL, &f.dev, &err),
			 -ENAMETOOLONG);
	assert_null(f.dev);
	assert_non_null(strstr(err.text, "at most 107 bytes"));
}

static void client(void **state)
{
	int listener, fd;

	(void)state;
	refuse("unix-connect:", "cannot connect to");
	listener = serve();
	open_dev("unix-connect:");
	fd = accept(listener, NULL, NULL);
	assert_true(chardev_connected(f.dev));
	assert_int_equal(put("hello"), 5);
	expect_read(fd, "hello");
	assert_int_equal(write(fd, "bye", 3), 3);
	close(fd);
	expect_in("bye");
	until(f.connected == 0);
	assert_int_equal(put("lost"), 4);
	close(listener);
	/* The socket is the server's. */
	assert_int_equal(access(path, F_OK), 0);
}

/* --- waiting -------------------------------------------------------------------*/

static void *write_much(void *opaque)
{
	static uint8_t much[3000000];

	chardev_write_all(opaque, much, sizeof(much));
	return NULL;
}

static void write_all_waits(void **state)
{
	static uint8_t got[3000000];
	size_t have = 0;
	pthread_t thread;
	unsigned int i;
	ssize_t n;
	int fd;

	(void)state;
	open_dev("unix:");
	fd = dial();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	until(f.connected == 1);
	pthread_create(&thread, NULL, write_much, f.dev);
	for (i = 0; i < PATIENCE_MS && have < sizeof(got); i++) {
		while ((n = read(fd, got, sizeof(got))) > 0)
			have += n;
		spin(1);
	}
	assert_int_equal(have, sizeof(got));
	pthread_join(thread, NULL);

	/* Nobody reads, and somebody wants to be done. */
	pthread_create(&thread, NULL, write_much, f.dev);
	spin(50);
	chardev_set_hurry(f.dev, true);
	pthread_join(thread, NULL);
	write_much(f.dev);
	chardev_set_hurry(f.dev, false);

	/* Or the one who should read is gone. */
	pthread_create(&thread, NULL, write_much, f.dev);
	spin(50);
	close(fd);
	until(f.connected == 0);
	pthread_join(thread, NULL);
}

/* --- pseudo-terminals ----------------------------------------------------------*/

static void pty(void **state)
{
	uint8_t much[100000];
	char target[64] = "";
	struct stat st;
	int fd;

	(void)state;
	open_dev("pty:");
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	/* Nobody is there: nothing to wait for. */
	memset(much, 'x', sizeof(much));
	assert_int_equal(chardev_write(f.dev, much, sizeof(much)),
			 sizeof(much));
	spin(300);
	assert_int_equal(f.connected, -1);

	fd = open(path, O_RDWR | O_NOCTTY);
	assert_true(fd >= 0);
	until(f.connected == 1);
	assert_int_equal(write(fd, "a\r\n\003b\004", 6), 6);
	expect_in("a\r\n\003b\004");
	assert_int_equal(put("c\nd\r"), 4);
	expect_read(fd, "c\nd\r");
	/* Now someone is there, and slow. */
	assert_true(chardev_write(f.dev, much, sizeof(much)) < sizeof(much));
	close(fd);
	until(f.connected == 0);
	assert_int_equal(f.writable, 1);
	fd = open(path, O_RDWR | O_NOCTTY);
	until(f.connected == 1);
	assert_int_equal(write(fd, "again", 5), 5);
	expect_in("again");
	close(fd);

	chardev_attach(f.dev, NULL);
	chardev_close(f.dev);
	f.dev = NULL;
	assert_int_equal(lstat(path, &st), -1);
}

static void pty_links(void **state)
{
	char target[64] = "";
	int fd;

	(void)state;
	fd = open(path, O_CREAT | O_RDWR, 0600);
	close(fd);
	refuse("pty:", "cannot make the link");
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	refuse("pty:", "cannot make the link");
	unlink(path);
	/* What a killed VM leaves is no obstacle. */
	assert_int_equal(symlink("/dev/pts/4711", path), 0);
	open_dev("pty:");
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_not_equal(target, "/dev/pts/4711");
	/* One that is another's by now stays. */
	unlink(path);
	assert_int_equal(symlink("/dev/pts/4711", path), 0);
	chardev_attach(f.dev, NULL);
	chardev_close(f.dev);
	f.dev = NULL;
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/dev/pts/4711");
}

/* --- the terminal, in a process of its own -------------------------------------*/

static unsigned int pressed;
static uint16_t now_columns;

static void key_quit(void *opaque)
{
	evloop_stop(opaque);
}

static void key_powerdown(void *opaque)
{
	(void)opaque;
	pressed++;
}

static void resized(void *opaque, uint16_t columns, uint16_t rows)
{
	(void)opaque;
	(void)rows;
	now_columns = columns;
}

/* The status says which step failed. */
static int terminal_child(const char *slave)
{
	const struct chardev_keys keys = { key_quit, key_powerdown, f.loop };
	struct chardev_front on_tty = front;
	struct error err = { 0 };
	uint16_t columns, rows;
	struct termios before, during, after;
	int fd;

	setsid();
	fd = open(slave, O_RDWR);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 ||
	    tcgetattr(0, &before))
		return 1;
	if (chardev_open("tty", "console", f.loop, &keys, &f.dev, &err))
		return 2;
	on_tty.resized = resized;
	chardev_attach(f.dev, &on_tty);
	if (!chardev_size(f.dev, &columns, &rows) || columns != 80 ||
	    rows != 25)
		return 3;
	tcgetattr(0, &during);
	if (during.c_lflag & (ICANON | ECHO | ISIG))
		return 4;
	if (put("ready\n") != 6)
		return 5;
	evloop_run(f.loop, NULL);
	if (pressed != 1)
		return 6;
	if (f.in_len != 5 || memcmp(f.in, "a\003b\001c", 5))
		return 7;
	if (now_columns != 132)
		return 8;
	chardev_attach(f.dev, NULL);
	chardev_close(f.dev);
	f.dev = NULL;
	tcgetattr(0, &after);
	if (before.c_lflag != after.c_lflag ||
	    before.c_iflag != after.c_iflag || before.c_oflag != after.c_oflag)
		return 9;
	return 0;
}

static void terminal(void **state)
{
	struct winsize size = { .ws_col = 80, .ws_row = 25 };
	int master, status;
	char slave[64];
	pid_t pid;

	(void)state;
	master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(master >= 0);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	assert_int_equal(ptsname_r(master, slave, sizeof(slave)), 0);
	ioctl(master, TIOCSWINSZ, &size);
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(terminal_child(slave));
	expect_read(master, "ready\n");
	size.ws_col = 132;
	ioctl(master, TIOCSWINSZ, &size);
	usleep(100000);
	assert_int_equal(write(master, "a\003b\001a\001pc\001x", 10), 10);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(master);
}

static int make_dir(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/x", dir);
	unlink(path);
	return rmdir(dir);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(spelling),
		T(nowhere),
		T(file_is_appended_to),
		T(bad_files),
		T(full_disk),
		T(fifo),
		T(server),
		T(input_waits_for_appetite),
		T(output_waits_for_reader),
		T(reader_goes_while_full),
		T(paths_in_use),
		T(path_too_long),
		T(client),
		T(write_all_waits),
		T(pty),
		T(pty_links),
		T(terminal),
	};

	return cmocka_run_group_tests_name("chardev", tests, make_dir,
					   remove_dir);
}
