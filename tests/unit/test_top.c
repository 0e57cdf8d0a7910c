// SPDX-License-Identifier: GPL-2.0-only
/* `trapline top`: its rows, its batch mode, and its screen through a pty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_tree.h"
#include "fake_vm.h"
#include "top-rows.h"
#include "top-trace.h"
#include "top.h"

/* --- lines of trace_pipe ---------------------------------------------------*/

static void lines_of_the_kernel(void **state)
{
	static const struct {
		const char *line;
		pid_t tid;
		int class; /* -1: no exit */
	} cases[] = {
		{ "    trapline-812     [001] d..1.    12.345678: kvm_exit: "
		  "TRAP: HSR_EC: 0x0024 (DABT_LOW), PC: 0xffff800008",
		  812, TOP_DATA },
		{ " CPU 0/KVM-77 [000] d..1. 1.0: kvm_exit: TRAP: HSR_EC: "
		  "0x0018 (SYS64), PC: 0x1",
		  77, TOP_SYSREG },
		{ " a-b [c-9 [000] d..1. 1.0: kvm_exit: IRQ: HSR_EC: 0x0000 "
		  "(UNKNOWN), PC: 0x1",
		  -1, -1 },
		{ " kvm-1 [000] d..1. 1.0: kvm_exit: IRQ: HSR_EC: 0x0024 "
		  "(DABT_LOW), PC: 0x1",
		  1, TOP_IRQ },
		{ " lkvm-5 [000] d..1. 1.0: kvm_exit: HVC: HSR_EC: 0x0003 "
		  "(CP15_32), PC: 0x1",
		  5, TOP_SYSREG },
		{ " x-5 [000] d..1. 1.0: kvm_exit: TRAP: HSR_EC: 0x0016 "
		  "(HVC64), PC: 0x1",
		  5, TOP_CALL },
		{ " x-5 [000] d..1. 1.0: kvm_exit: TRAP: HSR_EC: 0x0001 "
		  "(WFx), PC: 0x1",
		  5, TOP_WAIT },
		{ " x-5 [000] d..1. 1.0: kvm_exit: TRAP: HSR_EC: 0x0007 "
		  "(ASIMD), PC: 0x1",
		  5, TOP_ELSE },
		{ " x-5 [000] d..1. 1.0: kvm_exit: SERROR: ", 5, TOP_ELSE },
		{ " x-5 [000] d..1. 1.0: kvm_exit: TRAP", 5, TOP_ELSE },
		{ " x-5 [000] d..1. 1.0: kvm_entry: PC: 0x1", -1, -1 },
		{ ": kvm_exit: TRAP: [", -1, -1 },
		{ "[000]: kvm_exit: TRAP: ", -1, -1 },
		{ "5 [0]: kvm_exit: TRAP: ", -1, -1 },
		{ "", -1, -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum top_class class = TOP_CLASSES;
		pid_t tid = -1;
		bool ok = top_trace_parse(cases[i].line, &tid, &class);

		if (ok != (cases[i].class >= 0) ||
		    (ok &&
		     ((int)class != cases[i].class || tid != cases[i].tid)))
			fail_msg("%s: %d, %d of %d", cases[i].line, ok,
				 (int)class, (int)tid);
	}
}

/* --- rows ------------------------------------------------------------------*/

static void put(struct sample_object *object, const char *name, uint64_t value)
{
	struct sample_stat *stat = sample_add_stat(object, name, 1);

	assert_non_null(stat);
	stat->value[0] = value;
}

static void add_vm(struct top_moment *moment, const char *name, pid_t pid,
		   uint64_t ns, uint64_t first, uint64_t second)
{
	struct sample_vm *vm = sample_add_vm(&moment->sample);
	struct sample_object *object;

	snprintf(vm->name, sizeof(vm->name), "%s", name);
	vm->pid = pid;
	vm->ns = ns;
	object = sample_add_object(vm, 0);
	object->tid = pid + 1;
	put(object, "exits", first);
	object = sample_add_object(vm, 1);
	put(object, "exits", second);
}

#define SECOND UINT64_C(1000000000)

static void make_moments(struct top_moment *before, struct top_moment *now)
{
	*before = *now = (struct top_moment){ 0 };
	add_vm(before, "quiet", 1000, SECOND, 100, 100);
	add_vm(before, "busy", 2000, SECOND, 0, 50);
	add_vm(before, "gone", 3000, SECOND, 0, 0);
	add_vm(now, "new", 4000, 3 * SECOND, 1, 1);
	add_vm(now, "quiet", 1000, 3 * SECOND, 104, 100);
	add_vm(now, "busy", 2000, 3 * SECOND, 6, 30);
}

static void rates_in_order(void **state)
{
	struct top_options options = { .sort = TOP_COLUMN_EXITS,
				       .vcpus = true };
	struct top_moment before, now;
	struct top_table table;
	char text[300];

	(void)state;
	make_moments(&before, &now);
	assert_int_equal(top_rows_make(&table, &before, &now, &options), 0);
	assert_int_equal(table.nr, 6);
	/* the sum, 50 before and 36 now, was set back: 36 in two seconds */
	assert_string_equal(table.row[0].name, "busy");
	assert_int_equal(table.row[0].vcpu, -1);
	assert_true(table.row[0].value[TOP_COLUMN_EXITS] == 18);
	assert_true(isnan(table.row[0].value[TOP_COLUMN_EXITS + 1]));
	assert_int_equal(table.row[1].id, 2001);
	assert_int_equal(table.row[2].id, 0);
	assert_string_equal(table.row[3].name, "quiet");
	assert_true(table.row[3].value[TOP_COLUMN_EXITS] == 2);
	top_row_format(&table.row[5], false, text, sizeof(text));
	assert_non_null(strstr(text, "  vCPU 1"));
	top_rows_free(&table);

	options.sort = TOP_COLUMN_CPU;
	options.vcpus = false;
	assert_int_equal(top_rows_make(&table, &before, &now, &options), 0);
	assert_int_equal(table.nr, 2);
	/* neither is known: by name */
	assert_string_equal(table.row[0].name, "busy");
	top_rows_free(&table);
	top_moment_free(&before);
	top_moment_free(&now);
}

static void most_exits_first(void **state)
{
	struct top_options options = { .sort = TOP_COLUMN_EXITS };
	struct top_moment before = { 0 }, now = { 0 };
	struct top_table table;

	(void)state;
	add_vm(&before, "a", 1, SECOND, 0, 0);
	add_vm(&before, "b", 2, SECOND, 0, 0);
	add_vm(&now, "a", 1, 2 * SECOND, 5, 0);
	add_vm(&now, "b", 2, 2 * SECOND, 5, 9);
	assert_int_equal(top_rows_make(&table, &before, &now, &options), 0);
	assert_string_equal(table.row[0].name, "b");
	top_rows_free(&table);
	top_moment_free(&before);
	top_moment_free(&now);
}

static void traced_exits_of_threads(void **state)
{
	/* in order; no process is before the first */
	struct top_thread thread[] = {
		{ .tid = 1, .exits = { [TOP_DATA] = 6, [TOP_IRQ] = 2 } },
		{ .tid = getpid(), .exits = { [TOP_WAIT] = 8 } },
	};
	struct top_trace trace = { .thread = thread, .nr = 2, .pipe = -1 };
	struct top_options options = { .sort = TOP_COLUMN_EXITS,
				       .vcpus = true,
				       .trace = &trace };
	struct top_moment before = { 0 }, now = { 0 };
	struct top_table table;

	(void)state;
	add_vm(&before, "us", getpid(), SECOND, 0, 0);
	add_vm(&now, "us", getpid(), 3 * SECOND, 0, 0);
	now.sample.vm[0].object[0].tid = 1;
	assert_int_equal(top_rows_make(&table, &before, &now, &options), 0);
	/* a thread of the process, though of no known vCPU */
	assert_true(table.row[0].value[TOP_COLUMN_EXITS] >= 4);
	assert_true(table.row[1].value[TOP_COLUMN_EXITS] == 4);
	assert_true(table.row[1].value[2 + TOP_DATA] == 3);
	assert_true(table.row[1].value[2 + TOP_IRQ] == 1);
	assert_true(isnan(table.row[2].value[TOP_COLUMN_EXITS]));
	top_rows_free(&table);
	top_moment_free(&before);
	top_moment_free(&now);
}

/* --- the command -----------------------------------------------------------*/

static char root[96];
static char *output;
static struct error error;

static void make(const char *name, const char *text)
{
	fake_tree_file(root, name, text);
}

static pthread_t vcpu;
static int quit[2];

static void *run_vcpu(void *arg)
{
	char c;

	(void)arg;
	return read(quit[0], &c, 1) < 0 ? arg : NULL;
}

static int setup(void **state)
{
	char name[80];

	(void)state;
	alarm(60);
	fake_dir_make();
	snprintf(root, sizeof(root), "%s/debug", fake_dir);
	mkdir(root, 0700);
	snprintf(name, sizeof(name), "kvm/%d-9/exits", (int)getpid());
	make(name, "5\n");
	/* a thread called as QEMU calls that of vCPU 0 */
	assert_int_equal(pipe(quit), 0);
	assert_int_equal(pthread_create(&vcpu, NULL, run_vcpu, NULL), 0);
	assert_int_equal(pthread_setname_np(vcpu, "CPU 0/KVM"), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(output);
	output = NULL;
	close(quit[1]);
	pthread_join(vcpu, NULL);
	close(quit[0]);
	fake_dir_remove();
	alarm(0);
	return 0;
}

/* Run a command line with our debugfs; to @out, or into @output. */
static enum tl_status run_to(const char *text, FILE *out)
{
	char line[300], *argv[20], *save, *word;
	enum tl_status status;
	int argc = 0;

	snprintf(line, sizeof(line), "%s --debugfs %s", text, root);
	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	error = (struct error){ 0 };
	status = top_run(argc, argv, out, &error);
	assert_true((status == TL_OK) == !error.text[0]);
	return status;
}

static enum tl_status run(const char *text)
{
	enum tl_status status;
	size_t size;
	FILE *out;

	free(output);
	out = open_memstream(&output, &size);
	status = run_to(text, out);
	fclose(out);
	return status;
}

static void fails(const char *line, enum tl_status status, const char *text)
{
	assert_int_equal(run(line), status);
	if (!strstr(error.text, text))
		fail_msg("%s: %s", line, error.text);
}

static void batch(void **state)
{
	char *second;

	(void)state;
	assert_int_equal(run("top -b -n 2 -d 0.05"), TL_OK);
	assert_non_null(strstr(output, "1 VM, every 0.05 s\n"));
	assert_non_null(strstr(output, "EXITS*"));
	assert_non_null(strstr(output, "test_top-"));
	assert_non_null(strstr(output, "  vCPU 0 "));
	second = strstr(strstr(output, "trapline top") + 1, "trapline top");
	assert_non_null(second);
	assert_null(strstr(second + 1, "trapline top"));
	assert_null(strchr(output, '\033'));
	assert_int_equal(run("top -b -n 1 -d 0.05 --no-vcpus -s name"), TL_OK);
	assert_null(strstr(output, "vCPU 0"));
	assert_non_null(strstr(output, "NAME*"));
}

static void misuse(void **state)
{
	(void)state;
	fails("top -d 0", TL_USAGE, "0.05 to");
	fails("top -n x", TL_USAGE, "1 and more");
	fails("top -p 0", TL_USAGE, "1 and more");
	fails("top -s colour", TL_USAGE, "no such column");
	fails("top -s dabt", TL_USAGE, "without -t");
	fails("top -p 1 one", TL_USAGE, "either");
	fails("top --what", TL_USAGE, "--what");
	fails("top -b nobody", TL_NAME, "nobody");
	fails("top -b -p 1", TL_NAME, "process 1");
	assert_int_equal(run("top --help"), TL_OK);
	assert_non_null(strstr(output, "usage: trapline top"));
}

/* --- the screen ------------------------------------------------------------*/

static int terminal;
static pid_t child;
static char shown[1 << 16];

static void start(const char *line, const char *term)
{
	struct winsize size = { .ws_row = 24, .ws_col = 120 };

	child = forkpty(&terminal, NULL, NULL, &size);
	assert_true(child >= 0);
	if (!child) {
		setenv("TERM", term, 1);
		/* this process has threads, so a fork of it must not go on */
		execl("/proc/self/exe", "test_top", root, line, (char *)NULL);
		_exit(TL_FAIL);
	}
}

/* What the process on the terminal is. */
static int be_child(char **argv)
{
	enum tl_status status;

	alarm(30);
	snprintf(root, sizeof(root), "%s", argv[1]);
	status = run_to(argv[2], stdout);
	if (error.text[0])
		printf("%s\n", error.text);
	fflush(stdout);
	return status;
}

/* Read on until @text has come, behind @behind; false: it does not. */
static bool wait_behind(const char *behind, const char *text)
{
	size_t len = 0;

	for (;;) {
		struct pollfd pfd = { .fd = terminal, .events = POLLIN };
		const char *at;
		ssize_t n;

		if (len + 1 == sizeof(shown) || poll(&pfd, 1, 5000) != 1)
			return false;
		n = read(terminal, shown + len, sizeof(shown) - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		shown[len] = '\0';
		at = strstr(shown, behind);
		if (at && strstr(at, text))
			return true;
	}
}

static bool wait_for(const char *text)
{
	return wait_behind("", text);
}

/* The screen is drawn anew from its first line; @last is in its last. */
static void await_screen(const char *last)
{
	if (!wait_behind("\033[H\033[2J", last))
		fail_msg("no '%s': %s", last, shown);
}

/* Press @keys and have the whole screen drawn. */
static void press(const char *keys, const char *last)
{
	char text[32];

	snprintf(text, sizeof(text), "%s\f", keys);
	assert_int_equal(write(terminal, text, strlen(text)), strlen(text));
	await_screen(last);
}

static int end_of_child(void)
{
	int status;

	while (wait_for("\033"))
		;
	assert_int_equal(waitpid(child, &status, 0), child);
	close(terminal);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void screen_and_keys(void **state)
{
	struct winsize small = { .ws_row = 5, .ws_col = 40 };

	(void)state;
	start("top -d 1", "xterm");
	/* rates need a second look, which comes soon */
	if (!wait_for("test_top-"))
		fail_msg("no row: %s", shown);
	press("", "t trace");
	assert_non_null(strstr(shown, "1 VM"));
	assert_non_null(strstr(shown, "EXITS*"));
	assert_non_null(strstr(shown, "test_top-"));
	assert_non_null(strstr(shown, "vCPU 0"));
	press("v", "t trace");
	assert_null(strstr(shown, "vCPU 0"));
	press("v>", "t trace");
	assert_non_null(strstr(shown, "TRAPS*"));
	press("n", "t trace");
	assert_non_null(strstr(shown, "NAME*"));
	press("<<<", "t trace");
	assert_non_null(strstr(shown, "%CPU*"));
	press("e", "t trace");
	assert_non_null(strstr(shown, "EXITS*"));
	/* more left than there is, and what means nothing */
	press("kkkxyz\033[A\033[B", "t trace");
	/* a window for a single row, and too narrow for all columns */
	assert_int_equal(ioctl(terminal, TIOCSWINSZ, &small), 0);
	await_screen("q quit");
	assert_non_null(strstr(shown, "test_top-"));
	assert_null(strstr(shown, "vCPU 0"));
	assert_null(strstr(shown, "MMIO"));
	press("j", "q quit");
	assert_non_null(strstr(shown, "vCPU 0"));
	small.ws_row = 1;
	small.ws_col = 1;
	assert_int_equal(ioctl(terminal, TIOCSWINSZ, &small), 0);
	assert_int_equal(write(terminal, "q", 1), 1);
	/* the terminal is as it was */
	assert_true(wait_for("\033[?1049l"));
	assert_int_equal(end_of_child(), TL_OK);
}

static void ctrl_c_ends_it(void **state)
{
	(void)state;
	start("top", "xterm");
	assert_true(wait_for("t trace"));
	assert_int_equal(write(terminal, "\003", 1), 1);
	assert_true(wait_for("\033[?1049l"));
	assert_int_equal(end_of_child(), TL_OK);
}

static void what_is_no_terminal(void **state)
{
	(void)state;
	start("top", "no-such-terminal");
	assert_true(wait_for("use -b"));
	assert_int_equal(end_of_child(), TL_CONSOLE);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_kernel),
		cmocka_unit_test(rates_in_order),
		cmocka_unit_test(most_exits_first),
		cmocka_unit_test(traced_exits_of_threads),
		test(batch),
		test(misuse),
		test(screen_and_keys),
		test(ctrl_c_ends_it),
		test(what_is_no_terminal),
	};

	/* without a look for leaks: ncurses keeps what it made of a terminal */
	if (argc == 3)
		_exit(be_child(argv));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
