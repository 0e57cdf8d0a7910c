// SPDX-License-Identifier: GPL-2.0-only
/* `trapline list` and its like, on VMs that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "client.h"
#include "control-socket.h"
#include "fake_vm.h"

#define MIB (1 << 20)

static struct fake_vm one, two;
static char *output;
static struct error error;

/* No VM at all. */
static int setup_none(void **state)
{
	(void)state;
	alarm(60);
	fake_dir_make();
	return 0;
}

static int teardown_none(void **state)
{
	(void)state;
	free(output);
	output = NULL;
	fake_dir_remove();
	alarm(0);
	return 0;
}

static int setup(void **state)
{
	setup_none(state);
	one = (struct fake_vm){ .has_key = true,
				.has_balloon = true,
				.memory = 256 * MIB };
	two = (struct fake_vm){ 0 };
	fake_vm_start(&one, "one", 0);
	fake_vm_start(&two, "two", 0);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_stop(&one);
	fake_vm_stop(&two);
	return teardown_none(state);
}

/* Run a command line; what it printed is in @output. */
static enum tl_status run(const char *line)
{
	char copy[200], *argv[20], *save, *word;
	enum tl_status status;
	size_t size;
	int argc = 0;
	FILE *out;

	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	free(output);
	out = open_memstream(&output, &size);
	error = (struct error){ 0 };
	status = client_run(argc, argv, out, &error);
	fclose(out);
	assert_true((status == TL_OK) == !error.text[0]);
	return status;
}

static void works(const char *line, const char *expected)
{
	if (run(line) != TL_OK)
		fail_msg("%s: %s", line, error.text);
	if (expected && !strstr(output, expected))
		fail_msg("%s: %s", line, output);
}

static void fails(const char *line, enum tl_status status, const char *text)
{
	assert_int_equal(run(line), status);
	assert_int_equal(error.status, status);
	if (!strstr(error.text, text))
		fail_msg("%s: %s", line, error.text);
}

static void list_shows_state_and_process(void **state)
{
	char expected[80];

	(void)state;
	snprintf(expected, sizeof(expected), "%-24s %10d  paused\n", "two",
		 (int)getpid());
	works("pause two", NULL);
	works("list", expected);
	assert_non_null(strstr(output, "NAME"));
	assert_non_null(strstr(output, "running"));
	assert_true(strstr(output, "one") < strstr(output, "two"));
}

static void list_skips_what_is_dead(void **state)
{
	struct unix_listener sock;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(control_socket_claim("dead", NULL, &sock, &err), 0);
	close(sock.fd);
	works("list", "one");
	assert_null(strstr(output, "dead"));
	fails("stop dead", TL_NAME, "one, two");
}

static void names_are_given_in_every_way(void **state)
{
	(void)state;
	works("pause one two", NULL);
	assert_true(one.paused && two.paused);
	works("resume -n one", NULL);
	assert_true(!one.paused && two.paused);
	works("resume --name=two", NULL);
	works("pause --name two", NULL);
	assert_true(!one.paused && two.paused);
	works("pause -a", NULL);
	works("resume --all", NULL);
	assert_true(!one.paused && !two.paused);
	works("reset one", NULL);
	assert_int_equal(one.resets, 1);
}

static void stop_waits_for_the_end(void **state)
{
	(void)state;
	works("stop one", NULL);
	assert_int_equal(one.quits, 1);
	/* Its name is free at once. */
	works("list", "two");
	assert_null(strstr(output, "one"));
	fails("stop one", TL_NAME, "there is two");
}

static void the_first_failure_is_told_and_the_rest_done(void **state)
{
	(void)state;
	fails("pause nobody one", TL_NAME, "'nobody'");
	assert_true(one.paused);
}

static void powerdown_and_balloon(void **state)
{
	(void)state;
	works("powerdown one", NULL);
	assert_int_equal(one.powerdowns, 1);
	fails("powerdown two", TL_FAIL, "'two': there is no key");
	works("balloon one", "256\n");
	works("balloon one 128", NULL);
	assert_int_equal(one.memory, 128 * MIB);
	works("balloon -n one -i 28", NULL);
	assert_int_equal(one.memory, 100 * MIB);
	works("balloon --name=one --deflate=50", NULL);
	assert_int_equal(one.memory, 150 * MIB);
	fails("balloon one -i 150", TL_FAIL, "150 MiB");
	fails("balloon two 1", TL_FAIL, "no balloon");
	fails("balloon one -i x", TL_USAGE, "MiB");
	fails("balloon one -i", TL_USAGE, "MiB");
	fails("balloon one 12 -d 3", TL_USAGE, "either");
	fails("balloon one 99999999999999999999", TL_NAME, "'9999");
}

static void stat_is_a_table(void **state)
{
	char row[100];

	(void)state;
	works("stat one", "vCPU1");
	snprintf(row, sizeof(row), "%-32s %14d %14d %14d\n", "exits", 2001,
		 1000, 1001);
	assert_non_null(strstr(output, row));
	assert_null(strstr(output, "idle"));
	assert_null(strstr(output, "hist"));
	assert_null(strstr(output, "one:"));
	works("stat -z one", "idle");
	works("stat --all", "two:\n");
	two.no_stats = true;
	fails("stat two", TL_HOST, "5.14");
}

static void long_answers_arrive_whole(void **state)
{
	(void)state;
	one.many = 20000;
	works("stat one", "exits");
	assert_true(strlen(output) > 1000000);
}

static void wrong_command_lines(void **state)
{
	(void)state;
	fails("stop", TL_USAGE, "which");
	fails("stop -n", TL_USAGE, "wants a name");
	fails("stop one --all", TL_USAGE, "either");
	fails("stop --frob one", TL_USAGE, "--frob");
	fails("stop -z one", TL_USAGE, "-z");
	fails("list one", TL_USAGE, "one");
	works("stop --help", "usage: trapline stop");
	works("list -h", "usage: trapline list");
	assert_int_equal(one.quits, 0);
}

static void nobody_runs(void **state)
{
	(void)state;
	works("list", NULL);
	assert_string_equal(output, "");
	fails("stop one", TL_NAME, "nor any other");
	fails("pause --all", TL_NAME, "no virtual machine is running");
}

static void a_listener_that_does_not_answer(void **state)
{
	struct unix_listener sock;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(control_socket_claim("mute", NULL, &sock, &err), 0);
	works("list", "no answer");
	fails("stop mute", TL_FAIL, "does not answer");
	unix_unlisten(&sock);
}

static atomic_bool turned_away;

static void *turn_away(void *opaque)
{
	const struct unix_listener *sock = opaque;
	int fd;

	usleep(300000);
	while (!turned_away) {
		fd = accept(sock->fd, NULL, NULL);
		if (fd >= 0)
			close(fd);
		else
			usleep(1000);
	}
	return NULL;
}

/* As one that loads a guest, and then does accept; here to turn away. */
static void a_listener_with_its_hands_full_is_waited_for(void **state)
{
	struct unix_listener sock;
	struct error err = { 0 };
	int fd[128], nr = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(control_socket_claim("full", NULL, &sock, &err), 0);
	while (nr < 128 && (fd[nr] = unix_connect(sock.path)) >= 0)
		nr++;
	assert_in_range(nr, 1, 127);
	assert_int_equal(pthread_create(&thread, NULL, turn_away, &sock), 0);
	fails("stop full", TL_FAIL, "ended before it answered");
	turned_away = true;
	pthread_join(thread, NULL);
	while (nr)
		close(fd[--nr]);
	unix_unlisten(&sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define RUNNING(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define NOTHING(f) cmocka_unit_test_setup_teardown(f, setup_none, teardown_none)
		RUNNING(list_shows_state_and_process),
		RUNNING(list_skips_what_is_dead),
		RUNNING(names_are_given_in_every_way),
		RUNNING(stop_waits_for_the_end),
		RUNNING(the_first_failure_is_told_and_the_rest_done),
		RUNNING(powerdown_and_balloon),
		RUNNING(stat_is_a_table),
		RUNNING(long_answers_arrive_whole),
		RUNNING(wrong_command_lines),
		NOTHING(nobody_runs),
		NOTHING(a_listener_that_does_not_answer),
		NOTHING(a_listener_with_its_hands_full_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
