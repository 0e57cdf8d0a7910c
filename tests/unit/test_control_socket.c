// SPDX-License-Identifier: GPL-2.0-only
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "control-socket.h"
#include "fake_vm.h"

static int setup(void **state)
{
	(void)state;
	alarm(30);
	fake_dir_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_dir_remove();
	alarm(0);
	return 0;
}

static const char *in_dir(const char *rest)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", fake_dir, rest);
	return path;
}

static struct unix_listener claim(const char *name, const char *path)
{
	struct unix_listener sock;
	struct error err = { 0 };

	if (control_socket_claim(name, path, &sock, &err))
		fail_msg("%s", err.text);
	assert_true(sock.fd >= 0);
	return sock;
}

static void assert_refused(const char *name, const char *path, int errnum,
			   enum tl_status status, const char *text)
{
	struct unix_listener sock;
	struct error err = { 0 };

	assert_int_equal(control_socket_claim(name, path, &sock, &err),
			 -errnum);
	assert_int_equal(err.status, status);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(sock.fd, -1);
	unix_unlisten(&sock);
}

static void a_name_becomes_a_private_socket(void **state)
{
	struct unix_listener sock = claim("a.b-c", NULL);
	struct stat st;
	int fd;

	(void)state;
	assert_string_equal(sock.path, in_dir("trapline/a.b-c.sock"));
	assert_int_equal(stat(sock.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(in_dir("trapline"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	fd = unix_connect(sock.path);
	assert_true(fd >= 0);
	close(fd);
	unix_unlisten(&sock);
	assert_int_equal(unix_connect(in_dir("trapline/a.b-c.sock")), -ENOENT);
	unix_unlisten(&sock);
}

static void a_directory_open_to_others_is_closed(void **state)
{
	struct unix_listener sock;
	struct stat st;

	(void)state;
	mkdir(in_dir("trapline"), 0777);
	chmod(in_dir("trapline"), 0777);
	sock = claim("vm", NULL);
	assert_int_equal(stat(in_dir("trapline"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	unix_unlisten(&sock);
}

static void a_running_name_is_taken(void **state)
{
	struct unix_listener sock = claim("vm", NULL), other;

	(void)state;
	assert_refused("vm", NULL, EADDRINUSE, TL_NAME, "'vm'");
	other = claim("vm2", NULL);
	/* Neither did the refusal break the first. */
	close(unix_connect(sock.path));
	unix_unlisten(&other);
	unix_unlisten(&sock);
	sock = claim("vm", NULL);
	unix_unlisten(&sock);
}

static void a_name_is_taken_in_every_directory(void **state)
{
	struct unix_listener sock, other;

	(void)state;
	unsetenv("XDG_RUNTIME_DIR");
	/* Root has a directory of its own, not for a test to meddle with. */
	if (geteuid() == 0)
		skip();
	sock = claim("vm", NULL);
	assert_string_equal(sock.path, in_dir(".trapline/vm.sock"));
	setenv("XDG_RUNTIME_DIR", fake_dir, 1);
	assert_refused("vm", NULL, EADDRINUSE, TL_NAME, "'vm'");
	other = claim("other", NULL);
	unix_unlisten(&other);
	unix_unlisten(&sock);
}

static void a_listener_with_its_hands_full_is_alive(void **state)
{
	struct unix_listener sock = claim("vm", NULL);
	int fd[128], nr = 0;

	(void)state;
	while (nr < 128 && (fd[nr] = unix_connect(sock.path)) >= 0)
		nr++;
	assert_true(nr < 128);
	assert_int_equal(fd[nr], -EAGAIN);
	assert_refused("vm", NULL, EADDRINUSE, TL_NAME, "'vm'");
	while (nr)
		close(fd[--nr]);
	unix_unlisten(&sock);
}

/* As a VM leaves it that was killed. */
static void make_stale(const char *name, const char *path)
{
	struct unix_listener sock = claim(name, path);

	close(sock.fd);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct unix_listener sock;

	(void)state;
	make_stale("vm", NULL);
	assert_int_equal(unix_connect(in_dir("trapline/vm.sock")),
			 -ECONNREFUSED);
	sock = claim("vm", NULL);
	close(unix_connect(sock.path));
	unix_unlisten(&sock);
	make_stale("vm", in_dir("own"));
	sock = claim("vm", in_dir("own"));
	unix_unlisten(&sock);
}

/* As trace-cmd is started, by a VM that is killed before it is. */
static void a_child_of_the_dead_holds_no_name(void **state)
{
	struct unix_listener sock;
	int pids[2], status;
	pid_t vm, child;

	(void)state;
	assert_int_equal(pipe(pids), 0);
	vm = fork();
	if (!vm) {
		claim("vm", NULL);
		child = fork();
		if (!child)
			for (;;)
				pause();
		_exit(write(pids[1], &child, sizeof(child)) != sizeof(child));
	}
	assert_int_equal(read(pids[0], &child, sizeof(child)), sizeof(child));
	assert_int_equal(waitpid(vm, &status, 0), vm);
	assert_int_equal(status, 0);
	/* The child listens: it is there to be connected to. */
	close(unix_connect(in_dir("trapline/vm.sock")));
	sock = claim("vm", NULL);
	unix_unlisten(&sock);
	assert_int_equal(kill(child, SIGKILL), 0);
	close(pids[0]);
	close(pids[1]);
}

static void a_socket_that_is_not_ours_any_more_stays(void **state)
{
	struct unix_listener old = claim("vm", NULL), new;

	(void)state;
	unlink(old.path);
	new = claim("vm", NULL);
	unix_unlisten(&old);
	close(unix_connect(new.path));
	assert_int_equal(access(new.path, F_OK), 0);
	unix_unlisten(&new);
}

static void paths_that_cannot_be(void **state)
{
	char path[200];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s", in_dir("precious"));
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "data", 4), 4);
	close(fd);
	assert_refused("vm", path, EEXIST, TL_FAIL, "no socket");
	assert_int_equal(access(path, F_OK), 0);

	snprintf(path, sizeof(path), "%s", in_dir("no/such/dir"));
	assert_refused("vm", path, ENOENT, TL_FAIL, "no/such/dir");
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[UNIX_PATH_SIZE] = '\0';
	assert_refused("vm", path, ENAMETOOLONG, TL_FAIL, "107");
}

static void a_relative_path_will_do(void **state)
{
	char cwd[PATH_MAX];
	struct unix_listener sock;

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(fake_dir), 0);
	sock = claim("vm", "here.sock");
	assert_refused("vm", "here.sock", EADDRINUSE, TL_NAME, "here.sock");
	unix_unlisten(&sock);
	assert_int_equal(chdir(cwd), 0);
}

static void the_longest_name_fits(void **state)
{
	struct unix_listener sock;
	char name[65];

	(void)state;
	memset(name, 'n', 64);
	name[64] = '\0';
	sock = claim(name, NULL);
	unix_unlisten(&sock);
}

static void where_there_is_no_directory(void **state)
{
	char dirs[CONTROL_SOCKET_MAX_DIRS][PATH_MAX];
	unsigned int nr;

	(void)state;
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	unsetenv("HOME");
	nr = control_socket_dirs(dirs);
	assert_int_equal(nr, geteuid() ? 1 : 2);
	assert_memory_equal(dirs[nr - 1], "/tmp/trapline-", 14);
	/* Somebody's file in the way of the first leads to the next. */
	setenv("HOME", fake_dir, 1);
	assert_int_equal(control_socket_dirs(dirs), nr + 1);
}

#define NR_RACERS 8

static atomic_int winners;

static void *race(void *opaque)
{
	struct unix_listener *sock = opaque;
	struct error err = { 0 };

	if (!control_socket_claim("vm", NULL, sock, &err))
		winners++;
	return NULL;
}

static void one_of_many_gets_a_stale_name(void **state)
{
	struct unix_listener sock[NR_RACERS];
	pthread_t thread[NR_RACERS];
	int i, round;

	(void)state;
	for (round = 0; round < 20; round++) {
		make_stale("vm", NULL);
		winners = 0;
		for (i = 0; i < NR_RACERS; i++)
			pthread_create(&thread[i], NULL, race, &sock[i]);
		for (i = 0; i < NR_RACERS; i++)
			pthread_join(thread[i], NULL);
		assert_int_equal(winners, 1);
		close(unix_connect(in_dir("trapline/vm.sock")));
		for (i = 0; i < NR_RACERS; i++)
			unix_unlisten(&sock[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		IN_DIR(a_name_becomes_a_private_socket),
		IN_DIR(a_directory_open_to_others_is_closed),
		IN_DIR(a_running_name_is_taken),
		IN_DIR(a_name_is_taken_in_every_directory),
		IN_DIR(a_listener_with_its_hands_full_is_alive),
		IN_DIR(a_stale_socket_is_replaced),
		IN_DIR(a_child_of_the_dead_holds_no_name),
		IN_DIR(a_socket_that_is_not_ours_any_more_stays),
		IN_DIR(paths_that_cannot_be),
		IN_DIR(a_relative_path_will_do),
		IN_DIR(the_longest_name_fits),
		IN_DIR(where_there_is_no_directory),
		IN_DIR(one_of_many_gets_a_stale_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
