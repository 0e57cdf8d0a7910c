// SPDX-License-Identifier: GPL-2.0-only
/* The server from outside: a client with a plain socket. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "control-socket.h"
#include "fake_vm.h"
#include "lib/log.h"
#include "qmp.h"

#define STALL_MS 300

static struct fake_vm vm;

static void path_of_vm(char *path)
{
	snprintf(path, UNIX_PATH_SIZE, "%s/trapline/vm.sock", fake_dir);
}

static int setup_with(unsigned int stall_ms)
{
	alarm(60);
	/* Dropped clients are what some of the tests want. */
	log_set_level(LOG_ERROR);
	fake_dir_make();
	vm = (struct fake_vm){ .has_key = true,
			       .has_balloon = true,
			       .memory = 256 << 20 };
	fake_vm_start(&vm, "vm", stall_ms);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(0);
}

static int setup_impatient(void **state)
{
	(void)state;
	return setup_with(STALL_MS);
}

static int teardown(void **state)
{
	(void)state;
	fake_vm_stop(&vm);
	fake_dir_remove();
	alarm(0);
	return 0;
}

/* --- a client --------------------------------------------------------------*/

static int connect_vm(void)
{
	char path[UNIX_PATH_SIZE];
	int fd;

	path_of_vm(path);
	fd = unix_connect(path);
	assert_true(fd >= 0);
	return fd;
}

/* What comes next, a value to be freed; NULL at the end of the stream. */
static json_t *get(int fd)
{
	static char line[1 << 20];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	json_t *value;

	while (!len || line[len - 1] != '\n') {
		ssize_t n;
		char *end;

		assert_true(len < sizeof(line) - 1);
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		n = recv(fd, line + len, sizeof(line) - 1 - len, MSG_PEEK);
		if (n <= 0)
			return NULL;
		/* No more than the line: the rest is the next one's. */
		end = memchr(line + len, '\n', (size_t)n);
		if (end)
			n = end + 1 - (line + len);
		assert_int_equal(recv(fd, line + len, (size_t)n, 0), n);
		len += (size_t)n;
	}
	line[len] = '\0';
	value = json_loads(line, 0, NULL);
	assert_non_null(value);
	return value;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

/* @path is members separated by '.'; what is there as text. */
static void assert_at(json_t *value, const char *path, const char *expected)
{
	char copy[100], *save, *key, *dump;
	json_t *at = value;

	snprintf(copy, sizeof(copy), "%s", path);
	for (key = strtok_r(copy, ".", &save); key;
	     key = strtok_r(NULL, ".", &save))
		at = *key >= '0' && *key <= '9'
			     ? json_array_get(at, strtoul(key, NULL, 10))
			     : json_object_get(at, key);
	dump = at ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY)
		  : strdup("nothing");
	assert_string_equal(dump, expected);
	free(dump);
}

/* Say @text; the answer has @expected at @path. */
static void ask(int fd, const char *text, const char *path,
		const char *expected)
{
	json_t *value;

	say(fd, text);
	value = get(fd);
	assert_non_null(value);
	assert_at(value, path, expected);
	json_decref(value);
}

/* Command @name without arguments. */
static void command(int fd, const char *name, const char *path,
		    const char *expected)
{
	char text[100];

	snprintf(text, sizeof(text), "{\"execute\":\"%s\"}", name);
	ask(fd, text, path, expected);
}

static void expect_event(int fd, const char *name, const char *data)
{
	json_t *value = get(fd);
	char quoted[40];

	snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	assert_at(value, "event", quoted);
	assert_at(value, "data", data);
	json_decref(value);
}

static int negotiated(void)
{
	int fd = connect_vm();
	json_t *greeting = get(fd);

	assert_at(greeting, "QMP.capabilities", "[]");
	json_decref(greeting);
	command(fd, "qmp_capabilities", "return", "{}");
	return fd;
}

/* --- tests -----------------------------------------------------------------*/

static void negotiation_comes_first(void **state)
{
	int fd = connect_vm();
	json_t *greeting = get(fd);

	(void)state;
	json_decref(greeting);
	command(fd, "query-status", "error.class", "\"CommandNotFound\"");
	ask(fd,
	    "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":"
	    "[\"oob\"]},\"id\":1}",
	    "error.class", "\"GenericError\"");
	ask(fd,
	    "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]},"
	    "\"id\":{\"a\":null}}",
	    "id", "{\"a\":null}");
	command(fd, "qmp_capabilities", "error.class", "\"CommandNotFound\"");
	command(fd, "query-status", "return.status", "\"running\"");
	close(fd);
}

static void queries(void **state)
{
	int fd = negotiated();

	(void)state;
	command(fd, "query-name", "return.name", "\"vm\"");
	command(fd, "query-kvm", "return",
		"{\"enabled\":true,\"present\":true}");
	command(fd, "query-version", "return.package",
		"\"trapline " TRAPLINE_VERSION "\"");
	command(fd, "query-cpus-fast", "return.1.thread-id", "101");
	command(fd, "query-cpus-fast", "return.1.target", "\"arm\"");
	command(fd, "query-block", "return.0.inserted.file",
		"\"/tmp/caf?.img\"");
	command(fd, "query-block", "return.0.inserted.image.virtual-size",
		"1048576");
	command(fd, "query-block", "return.0.inserted.ro", "true");
	command(fd, "query-balloon", "return.actual", "268435456");
	command(fd, "query-commands", "return.0.name", "\"balloon\"");
	close(fd);
}

static void every_listed_command_exists(void **state)
{
	int fd = negotiated();
	json_t *list, *entry;
	size_t i;

	(void)state;
	say(fd, "{\"execute\":\"query-commands\"}");
	list = get(fd);
	assert_true(json_array_size(json_object_get(list, "return")) >= 16);
	json_array_foreach (json_object_get(list, "return"), i, entry) {
		const char *name =
			json_string_value(json_object_get(entry, "name"));
		char text[200];

		if (!strcmp(name, "qmp_capabilities"))
			continue;
		/* An argument that no command has, so that nothing happens. */
		snprintf(text, sizeof(text),
			 "{\"execute\":\"%s\",\"arguments\":{\"no-such\":1}}",
			 name);
		ask(fd, text, "error.desc",
		    "\"Parameter 'no-such' is unexpected\"");
	}
	json_decref(list);
	close(fd);
	assert_int_equal(vm.quits + vm.resets, 0);
}

static void statistics(void **state)
{
	int fd = negotiated();

	(void)state;
#define STATS(args) "{\"execute\":\"query-stats\",\"arguments\":{" args "}}"
	ask(fd, STATS("\"target\":\"vcpu\""), "return.1.stats.0",
	    "{\"name\":\"exits\",\"value\":1001}");
	ask(fd, STATS("\"target\":\"vcpu\""), "return.1.qom-path",
	    "\"/machine/vcpu[1]\"");
	ask(fd, STATS("\"target\":\"vcpu\""), "return.0.stats.2.value",
	    "false");
	ask(fd, STATS("\"target\":\"vcpu\""), "return.0.stats.3.value",
	    "[1,2,3,4]");
	ask(fd, STATS("\"target\":\"vm\""), "return.0.stats.0.value", "7");
	ask(fd, STATS("\"target\":\"vm\""), "return.0.qom-path", "nothing");
	ask(fd,
	    STATS("\"target\":\"vcpu\",\"vcpus\":[\"/machine/vcpu[1]\"],"
		  "\"providers\":[{\"provider\":\"kvm\",\"names\":"
		  "[\"idle\"]}]"),
	    "return",
	    "[{\"provider\":\"kvm\",\"stats\":[{\"name\":\"idle\",\"value\":"
	    "0}],\"qom-path\":\"/machine/vcpu[1]\"}]");
	ask(fd, STATS("\"target\":\"vm\",\"providers\":[{\"provider\":\"x\"}]"),
	    "return", "[]");
	ask(fd, STATS("\"target\":\"disk\""), "error.class",
	    "\"GenericError\"");
	ask(fd, STATS(""), "error.desc", "\"Parameter 'target' is missing\"");
	ask(fd, STATS("\"target\":1"), "error.class", "\"GenericError\"");
	ask(fd, "{\"execute\":\"query-stats-schemas\"}", "return.1.stats.1",
	    "{\"name\":\"idle\",\"type\":\"cumulative\",\"exponent\":-9,"
	    "\"unit\":\"seconds\",\"base\":10}");
	ask(fd, "{\"execute\":\"query-stats-schemas\"}", "return.0.stats.3",
	    "{\"name\":\"hist\",\"type\":\"linear-histogram\",\"exponent\":0,"
	    "\"bucket-size\":8}");

	vm.stats_fail = true;
	ask(fd, STATS("\"target\":\"vm\""), "error.desc",
	    "\"no reading today\"");
	vm.no_stats = true;
	ask(fd, STATS("\"target\":\"vcpu\""), "return", "[]");
	ask(fd, "{\"execute\":\"query-stats-schemas\"}", "return", "[]");
	close(fd);
}

static void actions_and_their_events(void **state)
{
	int fd = negotiated(), other = negotiated();

	(void)state;
	say(fd, "{\"execute\":\"stop\",\"id\":1}");
	expect_event(fd, "STOP", "nothing");
	expect_event(other, "STOP", "nothing");
	json_decref(get(fd));
	assert_true(vm.paused);
	command(fd, "query-status", "return",
		"{\"status\":\"paused\",\"running\":false,\"singlestep\":"
		"false}");
	command(fd, "stop", "return", "{}");
	say(fd, "{\"execute\":\"cont\"}");
	expect_event(fd, "RESUME", "nothing");
	json_decref(get(fd));
	say(fd, "{\"execute\":\"system_reset\"}");
	expect_event(fd, "RESET",
		     "{\"guest\":false,\"reason\":\"host-qmp-system-reset\"}");
	json_decref(get(fd));
	say(fd, "{\"execute\":\"system_powerdown\"}");
	expect_event(fd, "POWERDOWN", "nothing");
	json_decref(get(fd));
	say(fd, "{\"execute\":\"balloon\",\"arguments\":{\"value\":4096}}");
	expect_event(fd, "BALLOON_CHANGE", "{\"actual\":4096}");
	json_decref(get(fd));
	assert_int_equal(vm.memory, 4096);
	assert_int_equal(vm.resets, 1);
	assert_int_equal(vm.powerdowns, 1);

	command(fd, "quit", "return", "{}");
	expect_event(fd, "SHUTDOWN",
		     "{\"guest\":false,\"reason\":\"host-qmp-quit\"}");
	assert_null(get(fd));
	close(fd);
	close(other);
}

static void devices_that_are_not_there(void **state)
{
	int fd = negotiated();

	(void)state;
	vm.has_balloon = vm.has_key = false;
	command(fd, "query-balloon", "error.class", "\"DeviceNotActive\"");
	ask(fd, "{\"execute\":\"balloon\",\"arguments\":{\"value\":1}}",
	    "error.class", "\"DeviceNotActive\"");
	ask(fd, "{\"execute\":\"balloon\",\"arguments\":{\"value\":-1}}",
	    "error.class", "\"GenericError\"");
	command(fd, "system_powerdown", "error",
		"{\"class\":\"GenericError\",\"desc\":\"there is no key\"}");
	close(fd);
}

static void nonsense_is_answered_and_forgiven(void **state)
{
	int fd = negotiated();

	(void)state;
	ask(fd, "hello\n", "error.class", "\"GenericError\"");
	ask(fd, "{]}\n", "error.class", "\"GenericError\"");
	ask(fd, "{\"execute\":\"frobnicate\",\"id\":\"x\"}", "error",
	    "{\"class\":\"CommandNotFound\",\"desc\":\"The command frobnicate "
	    "has not been found\"}");
	ask(fd, "{\"nothing\":1,\"id\":\"y\"}", "id", "\"y\"");
	command(fd, "query-status", "return.running", "true");
	close(fd);
}

static void a_command_in_pieces_and_several_at_once(void **state)
{
	static const char text[] = "{\"execute\":\"query-status\",\"id\":1}"
				   "{\"execute\":\"query-status\",\"id\":2}";
	int fd = negotiated();
	json_t *value;
	size_t i;

	(void)state;
	for (i = 0; i < strlen(text); i++)
		assert_int_equal(send(fd, text + i, 1, 0), 1);
	value = get(fd);
	assert_at(value, "id", "1");
	json_decref(value);
	value = get(fd);
	assert_at(value, "id", "2");
	json_decref(value);
	close(fd);
}

static void a_message_without_end_ends_the_client(void **state)
{
	int fd = negotiated();
	char junk[4096];
	ssize_t n = 1;

	(void)state;
	memset(junk, 'x', sizeof(junk));
	memcpy(junk, "{\"", 2);
	/* It stops listening: the send fails sooner or later. */
	while (n >= 0 || errno == EAGAIN)
		n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
	close(fd);
	/* The others are served as ever. */
	fd = negotiated();
	command(fd, "query-status", "return.running", "true");
	close(fd);
}

static void commands_sent_before_hanging_up_are_answered(void **state)
{
	int fd = connect_vm(), answers = 0;
	json_t *value;

	(void)state;
	say(fd, "{\"execute\":\"qmp_capabilities\"}"
		"{\"execute\":\"query-status\"}{\"execute\":\"system_reset\"}");
	shutdown(fd, SHUT_WR);
	while ((value = get(fd))) {
		answers++;
		json_decref(value);
	}
	/* The greeting, three answers, and RESET. */
	assert_int_equal(answers, 5);
	assert_int_equal(vm.resets, 1);
	close(fd);
}

static void many_questions_of_a_slow_reader(void **state)
{
	enum { NR = 200 };
	int fd = negotiated(), i;

	(void)state;
	vm.many = 500;
	for (i = 0; i < NR; i++)
		say(fd, STATS("\"target\":\"vcpu\""));
	usleep(100 * 1000);
	for (i = 0; i < NR; i++) {
		json_t *value = get(fd);

		assert_at(value, "return.1.stats.0.value", "1001");
		json_decref(value);
	}
	close(fd);
}

/* @fd is closed from the other side, within a few seconds. */
static void assert_dropped(int fd)
{
	static char buf[65536];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	do {
		assert_int_equal(poll(&pfd, 1, 5000), 1);
		n = recv(fd, buf, sizeof(buf), 0);
	} while (n > 0);
}

static void a_client_that_never_reads_answers_is_dropped(void **state)
{
	int fd = negotiated(), other = negotiated(), i;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	(void)state;
	vm.many = 20000;
	for (i = 0; i < 3; i++)
		say(fd, STATS("\"target\":\"vcpu\""));
	/* The first answer is made, and stuck. */
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	/* Nobody else notices. */
	command(other, "query-status", "return.running", "true");
	usleep(3 * STALL_MS * 1000);
	assert_dropped(fd);
	vm.many = 0;
	command(other, "query-status", "return.running", "true");
	close(fd);
	close(other);
}

static void a_client_that_never_reads_events_is_dropped(void **state)
{
	int fd = negotiated(), other = negotiated(), i;

	(void)state;
	/* Some 120 bytes each, until all buffers on the way are full. */
	for (i = 0; i < 10000; i++) {
		say(other, "{\"execute\":\"system_reset\"}");
		json_decref(get(other));
		json_decref(get(other));
	}
	assert_int_equal(vm.resets, 10000);
	assert_dropped(fd);
	command(other, "query-status", "return.running", "true");
	close(fd);
	close(other);
}

static void there_is_an_end_to_clients(void **state)
{
	int fd[33], i;
	json_t *value;

	(void)state;
	for (i = 0; i < 32; i++)
		fd[i] = negotiated();
	fd[32] = connect_vm();
	value = get(fd[32]);
	assert_at(value, "error.class", "\"GenericError\"");
	json_decref(value);
	assert_null(get(fd[32]));
	for (i = 0; i < 33; i++)
		close(fd[i]);
	usleep(50 * 1000);
	close(negotiated());
}

static void the_socket_is_private_and_goes_away(void **state)
{
	char path[UNIX_PATH_SIZE];
	struct stat st;
	int fd = negotiated();

	(void)state;
	path_of_vm(path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	command(fd, "quit", "return", "{}");
	expect_event(fd, "SHUTDOWN",
		     "{\"guest\":false,\"reason\":\"host-qmp-quit\"}");
	assert_null(get(fd));
	close(fd);
	fake_vm_stop(&vm);
	assert_int_equal(lstat(path, &st), -1);
	fake_vm_start(&vm, "vm", 0);
}

static void no_server_takes_events(void **state)
{
	(void)state;
	control_event(NULL, "STOP");
	control_event_cause(NULL, "RESET", true, "guest-reset");
	control_event_balloon(NULL, 1);
	control_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SERVED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		SERVED(negotiation_comes_first),
		SERVED(queries),
		SERVED(every_listed_command_exists),
		SERVED(statistics),
		SERVED(actions_and_their_events),
		SERVED(devices_that_are_not_there),
		SERVED(nonsense_is_answered_and_forgiven),
		SERVED(a_command_in_pieces_and_several_at_once),
		SERVED(a_message_without_end_ends_the_client),
		SERVED(commands_sent_before_hanging_up_are_answered),
		SERVED(many_questions_of_a_slow_reader),
		cmocka_unit_test_setup_teardown(
			a_client_that_never_reads_answers_is_dropped,
			setup_impatient, teardown),
		SERVED(a_client_that_never_reads_events_is_dropped),
		SERVED(there_is_an_end_to_clients),
		SERVED(the_socket_is_private_and_goes_away),
		cmocka_unit_test(no_server_takes_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
