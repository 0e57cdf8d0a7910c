// SPDX-License-Identifier: GPL-2.0-only
/* The console on pipes, files and a pseudo-terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "backend/console-tty.h"

#define FIFO 16

/* A guest whose receiver has a FIFO that the test empties. */
struct guest {
	struct evloop *loop;
	struct console *console;
	uint8_t got[200000];
	size_t nr_got;
	size_t room;
	unsigned int quits;
	bool auto_drain;   /* has room again as soon as it is full */
	size_t stop_after; /* end the loop when that much came */
};

static size_t input(void *opaque, const uint8_t *buf, size_t len)
{
	struct guest *g = opaque;
	size_t n = len < g->room ? len : g->room;

	memcpy(g->got + g->nr_got, buf, n);
	g->nr_got += n;
	g->room -= n;
	if (n < len && g->auto_drain) {
		g->room = FIFO;
		console_room(g->console);
	}
	if (g->nr_got >= g->stop_after)
		evloop_stop(g->loop);
	return n;
}

static void quit(void *opaque)
{
	struct guest *g = opaque;

	g->quits++;
	evloop_stop(g->loop);
}

static void timeout(void *opaque)
{
	struct guest *g = opaque;

	evloop_stop(g->loop);
}

static uint64_t in_ms(unsigned int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec +
	       (uint64_t)ms * 1000000;
}

/* Run the loop until the guest stops it, or @ms are over. */
static void run_for(struct guest *g, unsigned int ms)
{
	struct evloop_timer *timer =
		evloop_timer_new(g->loop, timeout, g, NULL);

	assert_non_null(timer);
	evloop_timer_set(timer, in_ms(ms));
	assert_int_equal(evloop_run(g->loop, NULL), 0);
	evloop_timer_free(timer);
}

static void open_console(struct guest *g, int in_fd, int out_fd)
{
	struct console_config config = {
		.in_fd = in_fd,
		.out_fd = out_fd,
		.loop = g->loop,
		.input = input,
		.quit = quit,
		.opaque = g,
	};
	struct error err = { 0 };

	assert_int_equal(console_open(&config, &g->console, &err), 0);
}

static void feed(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_got(const struct guest *g, const char *text)
{
	assert_int_equal(g->nr_got, strlen(text));
	assert_memory_equal(g->got, text, g->nr_got);
}

static int setup(void **state)
{
	struct guest *g = calloc(1, sizeof(*g));

	g->loop = evloop_new(NULL);
	assert_non_null(g->loop);
	g->room = SIZE_MAX;
	g->stop_after = SIZE_MAX;
	signal(SIGPIPE, SIG_IGN);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct guest *g = *state;

	console_close(g->console);
	evloop_free(g->loop);
	free(g);
	return 0;
}

/* --- input that is no terminal ---------------------------------------------*/

static void test_pipe(void **state)
{
	struct guest *g = *state;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	open_console(g, fd[0], STDOUT_FILENO);
	/* Ctrl-A means nothing here. */
	feed(fd[1], "ls\n\001x\001\001");
	run_for(g, 50);
	assert_got(g, "ls\n\001x\001\001");
	assert_int_equal(g->quits, 0);
	/* Its end ends the input, and the loop does not spin on it. */
	close(fd[1]);
	run_for(g, 50);
	assert_got(g, "ls\n\001x\001\001");
	close(fd[0]);
}

static void test_pipe_waits_for_room(void **state)
{
	struct guest *g = *state;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	g->room = 3;
	open_console(g, fd[0], STDOUT_FILENO);
	feed(fd[1], "abcdefgh");
	close(fd[1]);
	run_for(g, 30);
	assert_got(g, "abc");
	/* Not without being told. */
	g->room = 2;
	run_for(g, 30);
	assert_got(g, "abc");
	console_room(g->console);
	run_for(g, 30);
	assert_got(g, "abcde");
	g->room = SIZE_MAX;
	console_room(g->console);
	run_for(g, 30);
	assert_got(g, "abcdefgh");
	close(fd[0]);
}

static void *write_much(void *opaque)
{
	const int *fd = opaque;
	char line[64];
	int i;

	for (i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "line %05d ***\n", i);
		if (write(*fd, line, 15) != 15)
			break;
	}
	close(*fd);
	return NULL;
}

static void assert_all_lines(const struct guest *g)
{
	char line[64];
	int i;

	assert_int_equal(g->nr_got, 150000);
	for (i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "line %05d ***\n", i);
		assert_memory_equal(g->got + i * 15, line, 15);
	}
}

/* More than the console keeps, through a FIFO of 16. */
static void test_pipe_loses_nothing(void **state)
{
	struct guest *g = *state;
	pthread_t thread;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	g->room = 0;
	g->stop_after = 150000;
	open_console(g, fd[0], STDOUT_FILENO);
	assert_int_equal(pthread_create(&thread, NULL, write_much, &fd[1]), 0);
	/* Until both the pipe and the console are full. */
	run_for(g, 200);
	assert_int_equal(g->nr_got, 0);
	g->auto_drain = true;
	g->room = FIFO;
	console_room(g->console);
	run_for(g, 10000);
	pthread_join(thread, NULL);
	assert_all_lines(g);
	close(fd[0]);
}

static int temp_file(void)
{
	char path[] = "/tmp/trapline-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

/* epoll refuses a regular file. */
static void test_file(void **state)
{
	struct guest *g = *state;
	int fd = temp_file(), copy = dup(fd);

	write_much(&copy);
	lseek(fd, 0, SEEK_SET);
	g->room = 0;
	open_console(g, fd, STDOUT_FILENO);
	run_for(g, 30);
	assert_int_equal(g->nr_got, 0);
	g->auto_drain = true;
	g->room = FIFO;
	g->stop_after = 150000;
	console_room(g->console);
	run_for(g, 10000);
	assert_all_lines(g);
	/* At the end there is nothing more, however often one asks. */
	g->stop_after = SIZE_MAX;
	console_room(g->console);
	run_for(g, 30);
	assert_int_equal(g->nr_got, 150000);
	close(fd);
}

static void test_dev_null(void **state)
{
	struct guest *g = *state;
	int fd = open("/dev/null", O_RDWR);

	open_console(g, fd, fd);
	console_room(g->console);
	run_for(g, 30);
	assert_int_equal(g->nr_got, 0);
	console_write(g->console, (const uint8_t *)"x", 1);
	close(fd);
}

static void test_closed(void **state)
{
	struct guest *g = *state;
	int fd = open("/dev/null", O_RDWR);

	close(fd);
	open_console(g, fd, fd);
	console_room(g->console);
	run_for(g, 30);
	assert_int_equal(g->nr_got, 0);
	console_write(g->console, (const uint8_t *)"x", 1);
}

/* --- a terminal ------------------------------------------------------------*/

struct terminal {
	int master;
	int slave;
	struct termios before;
};

static void open_terminal(struct terminal *t)
{
	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(t->slave, &t->before), 0);
}

static void close_terminal(struct terminal *t)
{
	close(t->slave);
	close(t->master);
}

static bool is_restored(const struct terminal *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->slave, &now), 0);
	return now.c_lflag == t->before.c_lflag &&
	       now.c_iflag == t->before.c_iflag &&
	       now.c_oflag == t->before.c_oflag &&
	       now.c_cflag == t->before.c_cflag &&
	       !memcmp(now.c_cc, t->before.c_cc, sizeof(now.c_cc));
}

static void test_tty_is_raw(void **state)
{
	struct guest *g = *state;
	struct terminal t;
	struct termios now;

	open_terminal(&t);
	open_console(g, t.slave, t.slave);
	assert_int_equal(tcgetattr(t.slave, &now), 0);
	assert_int_equal(now.c_lflag & (ICANON | ECHO | ISIG), 0);
	assert_int_equal(now.c_oflag & OPOST, 0);
	/* Ctrl-C, Ctrl-Z, CR and the flow control are the guest's. */
	feed(t.master, "\003\032\r\023\021");
	run_for(g, 50);
	assert_got(g, "\003\032\r\023\021");
	console_close(g->console);
	g->console = NULL;
	assert_true(is_restored(&t));
	close_terminal(&t);
}

static void test_tty_escapes(void **state)
{
	struct guest *g = *state;
	struct terminal t;

	open_terminal(&t);
	open_console(g, t.slave, t.slave);
	feed(t.master, "1\001\0012\001a3\001q4");
	run_for(g, 50);
	assert_got(g, "1\0012\0013\001q4");
	/* In two reads */
	feed(t.master, "\001");
	run_for(g, 50);
	assert_int_equal(g->quits, 0);
	feed(t.master, "x");
	run_for(g, 1000);
	assert_int_equal(g->quits, 1);
	assert_got(g, "1\0012\0013\001q4");
	close_terminal(&t);
}

/* The guest hangs: the user must still get out. */
static void test_tty_quit_without_room(void **state)
{
	struct guest *g = *state;
	struct terminal t;
	int i;

	open_terminal(&t);
	g->room = 0;
	open_console(g, t.slave, t.slave);
	for (i = 0; i < 20; i++) {
		feed(t.master, "is anybody there? is anybody there?");
		run_for(g, 5);
	}
	feed(t.master, "\001x");
	run_for(g, 1000);
	assert_int_equal(g->quits, 1);
	assert_int_equal(g->nr_got, 0);
	close_terminal(&t);
}

static void test_tty_hangup(void **state)
{
	struct guest *g = *state;
	struct terminal t;

	open_terminal(&t);
	open_console(g, t.slave, t.slave);
	close(t.master);
	run_for(g, 50);
	assert_int_equal(g->quits, 0);
	console_write(g->console, (const uint8_t *)"x", 1);
	close(t.slave);
}

static void test_one_terminal_only(void **state)
{
	struct guest *g = *state;
	struct console_config config = {
		.loop = g->loop, .input = input, .quit = quit, .opaque = g
	};
	struct terminal t, u;
	struct console *other;
	struct error err = { 0 };

	open_terminal(&t);
	open_terminal(&u);
	open_console(g, t.slave, t.slave);
	config.in_fd = config.out_fd = u.slave;
	assert_int_not_equal(console_open(&config, &other, &err), 0);
	assert_int_equal(err.status, TL_CONSOLE);
	assert_true(is_restored(&u));
	close_terminal(&u);
	close_terminal(&t);
}

static void test_tty_restored_on_abort(void **state)
{
	struct guest *g = *state;
	struct terminal t;
	int status;
	pid_t pid;

	open_terminal(&t);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* cmocka has a handler of its own here. */
		signal(SIGABRT, SIG_DFL);
		open_console(g, t.slave, t.slave);
		if (is_restored(&t))
			_exit(1);
		abort();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_true(is_restored(&t));
	close_terminal(&t);
}

/* --- output ----------------------------------------------------------------*/

static void test_output(void **state)
{
	struct guest *g = *state;
	char got[16];
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	open_console(g, -1, fd[1]);
	console_write(g->console, (const uint8_t *)"a\0b", 3);
	assert_int_equal(read(fd[0], got, sizeof(got)), 3);
	assert_memory_equal(got, "a\0b", 3);
	close(fd[0]);
	close(fd[1]);
}

static void *read_all(void *opaque)
{
	const int *fd = opaque;
	static char buf[4096];
	size_t total = 0;
	ssize_t n;

	usleep(50000);
	while ((n = read(*fd, buf, sizeof(buf))) > 0)
		total += n;
	return (void *)total;
}

/* Someone else made our output non-blocking, and the reader is slow. */
static void test_output_nonblocking(void **state)
{
	struct guest *g = *state;
	static uint8_t data[300000];
	pthread_t thread;
	void *total;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	open_console(g, -1, fd[1]);
	assert_int_equal(pthread_create(&thread, NULL, read_all, &fd[0]), 0);
	console_write(g->console, data, sizeof(data));
	close(fd[1]);
	pthread_join(thread, &total);
	assert_int_equal((size_t)total, sizeof(data));
	close(fd[0]);
}

static void test_output_without_reader(void **state)
{
	struct guest *g = *state;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	open_console(g, -1, fd[1]);
	console_write(g->console, (const uint8_t *)"x", 1);
	console_write(g->console, (const uint8_t *)"y", 1);
	close(fd[1]);
}

static void nothing(int sig)
{
	(void)sig;
}

static void *write_stuck(void *opaque)
{
	static uint8_t data[300000];

	console_write(opaque, data, sizeof(data));
	return NULL;
}

static void test_output_in_a_hurry(void **state)
{
	struct guest *g = *state;
	struct sigaction sa = { .sa_handler = nothing };
	struct timespec until;
	pthread_t thread;
	int fd[2];

	sigaction(SIGUSR1, &sa, NULL);
	assert_int_equal(pipe(fd), 0);
	open_console(g, -1, fd[1]);
	assert_int_equal(pthread_create(&thread, NULL, write_stuck, g->console),
			 0);
	usleep(50000);
	/* A signal alone does not make it lose output. */
	pthread_kill(thread, SIGUSR1);
	usleep(50000);
	assert_int_equal(pthread_tryjoin_np(thread, NULL), EBUSY);
	console_set_hurry(g->console, true);
	pthread_kill(thread, SIGUSR1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	assert_int_equal(pthread_timedjoin_np(thread, NULL, &until), 0);
	close(fd[0]);
	close(fd[1]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pipe),
		T(test_pipe_waits_for_room),
		T(test_pipe_loses_nothing),
		T(test_file),
		T(test_dev_null),
		T(test_closed),
		T(test_tty_is_raw),
		T(test_tty_escapes),
		T(test_tty_quit_without_room),
		T(test_tty_hangup),
		T(test_one_terminal_only),
		T(test_tty_restored_on_abort),
		T(test_output),
		T(test_output_nonblocking),
		T(test_output_without_reader),
		T(test_output_in_a_hurry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
