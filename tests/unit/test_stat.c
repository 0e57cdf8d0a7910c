// SPDX-License-Identifier: GPL-2.0-only
/* `trapline stat` of our VMs and, by a debugfs that we made, of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_tree.h"
#include "fake_vm.h"
#include "openmetrics.h"
#include "sample.h"
#include "stat-lines.h"
#include "stat.h"

static struct fake_vm one;
static char *output;
static struct error error;

/* --- a debugfs -------------------------------------------------------------*/

static char root[96];

static void make(const char *name, const char *text)
{
	fake_tree_file(root, name, text);
}

/* As an old host with our patches has it for our own process. */
static void make_vm(const char *fd)
{
	static const char *const file[][2] = {
		{ "exits", "500\n" },
		{ "mmio_exit_user", "40\n" },
		{ "halt_poll_success_hist", "3\n" },
		{ "blocking", "1\n" },
		{ "strange", "one two\n" },
		{ "vcpu0/exits", "300\n" },
		{ "vcpu1/exits", "200\n" },
	};
	char name[80];
	size_t i;

	for (i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
		snprintf(name, sizeof(name), "kvm/%d-%s/%s", (int)getpid(), fd,
			 file[i][0]);
		make(name, file[i][1]);
	}
	make("kvm/exits", "12345\n");
}

static int setup(void **state)
{
	(void)state;
	alarm(60);
	fake_dir_make();
	one = (struct fake_vm){ 0 };
	fake_vm_start(&one, "one", 0);
	snprintf(root, sizeof(root), "%s/debug", fake_dir);
	mkdir(root, 0700);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(output);
	output = NULL;
	fake_vm_stop(&one);
	fake_dir_remove();
	alarm(0);
	return 0;
}

/* Run a command line, with our debugfs in the place of %s. */
static enum tl_status run(const char *format)
{
	char line[300], *argv[20], *save, *word;
	enum tl_status status;
	size_t size;
	int argc = 0;
	FILE *out;

	/* format strings are this file's own */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(line, sizeof(line), format, root);
#pragma GCC diagnostic pop
	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	free(output);
	out = open_memstream(&output, &size);
	error = (struct error){ 0 };
	status = stat_run(argc, argv, out, &error);
	fclose(out);
	assert_true((status == TL_OK) == !error.text[0]);
	return status;
}

static void works(const char *line, const char *expected)
{
	if (run(line) != TL_OK)
		fail_msg("%s: %s", line, error.text);
	if (!strstr(output, expected))
		fail_msg("%s: '%s' is not in %s", line, expected, output);
}

static void fails(const char *line, enum tl_status status, const char *text)
{
	assert_int_equal(run(line), status);
	assert_int_equal(error.status, status);
	if (!strstr(error.text, text))
		fail_msg("%s: %s", line, error.text);
}

/* --- the command -----------------------------------------------------------*/

static void without_new_options_it_is_as_it_was(void **state)
{
	(void)state;
	works("stat one", "COUNTER");
	works("stat -z one", "exits");
	works("stat --all", "2001");
	fails("stat", TL_USAGE, "which virtual machine");
	fails("stat -m one", TL_USAGE, "balloon");
	fails("stat nobody", TL_NAME, "nobody");
}

static void an_interval_is_a_line(void **state)
{
	char *p;
	int lines = 0;

	(void)state;
	works("stat one -i 0.02 -c 3 -e exits,idle", " one ");
	for (p = output; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 4);
	assert_ptr_equal(strstr(output, "#"), output);
	/* two vCPUs, of which nothing was counted meanwhile */
	works("stat -i 0.02 -c 1 --vcpus -n one",
	      "  all          0          -");
	assert_non_null(strstr(output, "    0          0          -"));
	assert_non_null(strstr(output, "    1          0          -"));
}

static void a_process_of_any_vmm(void **state)
{
	char line[100];

	(void)state;
	make_vm("12");
	snprintf(line, sizeof(line),
		 "stat -i 0.02 -c 1 -p %d --debugfs %%s -e exits",
		 (int)getpid());
	works(line, "test_stat-");
	works("stat -i 0.02 -c 1 --all --debugfs %s", " one ");
	/* a VM of ours is not shown again as one of debugfs */
	assert_null(strstr(output, "test_stat-"));
	fails("stat -i 1 -p 1 --debugfs %s", TL_NAME, "process 1 has no");
	fails("stat -i 1 -p 1 --debugfs %s/no", TL_HOST, "debugfs");
}

static void ends_with_its_vms(void **state)
{
	(void)state;
	fake_vm_stop(&one);
	fails("stat -i 0.02 one", TL_NAME, "one");
	works("stat -i 0.02 -c 2 --all --debugfs %s", "#");
	fake_vm_start(&one, "one", 0);
}

static void misuse(void **state)
{
	(void)state;
	fails("stat -i 0 one", TL_USAGE, "0.01 to 86400");
	fails("stat -i nan one", TL_USAGE, "-i");
	fails("stat -i 1x one", TL_USAGE, "-i");
	fails("stat -i", TL_USAGE, "missing");
	fails("stat -i 1", TL_USAGE, "which");
	fails("stat -c 1 one", TL_USAGE, "how often");
	fails("stat -i 1 -c 0 one", TL_USAGE, "1 and more");
	fails("stat -i 1 --all one", TL_USAGE, "one of");
	fails("stat -i 1 -p 1 one", TL_USAGE, "one of");
	fails("stat -i 1 -p x", TL_USAGE, "-p");
	fails("stat -i 1 -e , one", TL_USAGE, "names of counters");
	fails("stat -i 1 -e exits, one", TL_USAGE, "names of counters");
	fails("stat -i 1 -e exist one", TL_USAGE, "'exist'");
	fails("stat -i 1 --format xml one", TL_USAGE, "openmetrics");
	fails("stat --format openmetrics -i 1 one", TL_USAGE, "once");
	fails("stat -i 1 --what one", TL_USAGE, "--what");
	works("stat --help", "usage: trapline stat");
	one.stats_fail = true;
	fails("stat -i 1 one", TL_FAIL, "no reading today");
	one.stats_fail = false;
	one.no_stats = true;
	fails("stat -i 1 one --debugfs %s", TL_HOST, "no statistics");
	make_vm("3");
	works("stat -i 0.02 -c 1 one --debugfs %s", " one ");
}

/* --- the lines -------------------------------------------------------------*/

static void put(struct sample_object *object, const char *name, uint64_t value)
{
	struct sample_stat *stat = sample_add_stat(object, name, 1);

	assert_non_null(stat);
	stat->value[0] = value;
}

static struct sample make_sample(uint64_t first, uint64_t second)
{
	struct sample sample = { 0 };
	struct sample_vm *vm = sample_add_vm(&sample);

	snprintf(vm->name, sizeof(vm->name), "a\"\\\nb");
	vm->pid = 7;
	put(sample_add_object(vm, SAMPLE_VM), "flushes", first + second);
	put(sample_add_object(vm, 0), "exits", first);
	put(sample_add_object(vm, 1), "exits", second);
	return sample;
}

static void differences_and_their_sum(void **state)
{
	struct sample before = make_sample(10, 1000);
	struct sample now = make_sample(30, 1);
	struct stat_columns columns;
	struct error err = { 0 };
	uint64_t value;
	size_t size;
	FILE *out;

	(void)state;
	assert_int_equal(stat_columns_parse(&columns, "exits,flushes", &err),
			 0);
	out = open_memstream(&output, &size);
	stat_print(out, &columns, &before, &now, 1.5, true);
	fclose(out);
	/* 1010 before, 31 now: counted anew */
	assert_non_null(strstr(output, " all         31         31\n"));
	assert_non_null(strstr(output, "   0         20          -\n"));
	assert_non_null(strstr(output, "   1          1          -\n"));
	assert_true(sample_counter(&before.vm[0], SAMPLE_SUM, "exits", &value));
	assert_int_equal(value, 1010);
	assert_false(sample_counter(&before.vm[0], 2, "exits", &value));
	assert_false(sample_counter(&before.vm[0], 0, "flushes", &value));
	assert_int_equal(stat_difference(5, 9), 4);
	assert_int_equal(stat_difference(9, 5), 5);
	sample_free(&before);
	sample_free(&now);
}

static void an_empty_sample_has_no_line(void **state)
{
	struct sample empty = { 0 }, now = make_sample(1, 2);
	struct stat_columns columns;
	size_t size;
	FILE *out;

	(void)state;
	stat_columns_default(&columns);
	assert_int_equal(stat_columns_check(&columns, &empty, &error), 0);
	out = open_memstream(&output, &size);
	stat_print(out, &columns, &empty, &now, 1, true);
	stat_print(out, &columns, &now, &empty, 1, true);
	fclose(out);
	assert_int_equal(size, 0);
	sample_free(&now);
}

/* --- OpenMetrics -----------------------------------------------------------*/

static void openmetrics_of_a_vm(void **state)
{
	static const char *const expected[] = {
		"# TYPE trapline_kvm_exits counter\n"
		"# HELP trapline_kvm_exits Returns from the guest",
		"trapline_kvm_exits_total{vm=\"one\",pid=\"%d\",vcpu=\"1\"} "
		"1001\n",
		"# TYPE trapline_kvm_idle_seconds counter\n"
		"# UNIT trapline_kvm_idle_seconds seconds\n",
		"trapline_kvm_idle_seconds_total{vm=\"one\",pid=\"%d\"} 0\n",
		"# TYPE trapline_kvm_blocking gauge\n",
		"# TYPE trapline_kvm_hist histogram\n",
		"trapline_kvm_hist_bucket{vm=\"one\",pid=\"%d\",le=\"7.0\"} 1\n"
		"trapline_kvm_hist_bucket{vm=\"one\",pid=\"%d\",le=\"15.0\"} "
		"3\n"
		"trapline_kvm_hist_bucket{vm=\"one\",pid=\"%d\",le=\"23.0\"} "
		"6\n"
		"trapline_kvm_hist_bucket{vm=\"one\",pid=\"%d\",le=\"+Inf\"} "
		"10\n",
	};
	char line[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const int pid = (int)getpid();

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(line, sizeof(line), expected[i], pid, pid, pid, pid);
#pragma GCC diagnostic pop
		works("stat --format openmetrics one", line);
	}
	assert_string_equal(output + strlen(output) - 6, "# EOF\n");
}

static void openmetrics_of_a_debugfs(void **state)
{
	char line[100];

	(void)state;
	make_vm("12");
	make_vm("13");
	snprintf(line, sizeof(line),
		 "stat --format=openmetrics --pid %d --debugfs %%s",
		 (int)getpid());
	works(line, "trapline_kvm_exits_total{vm=\"test_stat-");
	/* the second VM of a process has its own labels */
	assert_true(strstr(output, "/12\",pid") || strstr(output, "/13\",pid"));
	assert_null(strstr(output, "hist"));
	assert_null(strstr(output, "strange"));
	assert_null(strstr(output, "12345"));
	assert_non_null(strstr(output, "# TYPE trapline_kvm_blocking gauge"));
}

static void openmetrics_escapes_and_scales(void **state)
{
	struct sample sample = make_sample(3, 4);
	struct sample_stat *stat;
	size_t size;
	FILE *out;

	(void)state;
	stat = sample_add_stat(&sample.vm[0].object[0], "poll_ns", 2);
	stat->type = SAMPLE_LOG_HIST;
	stat->exponent = -9;
	stat->value[1] = 5;
	snprintf(stat->unit, sizeof(stat->unit), "seconds");
	out = open_memstream(&output, &size);
	openmetrics_print(out, &sample);
	fclose(out);
	assert_non_null(strstr(output, "{vm=\"a\\\"\\\\?b\",pid=\"7\"} 7\n"));
	assert_non_null(strstr(output, "# UNIT trapline_kvm_poll_seconds "));
	assert_non_null(strstr(output, ",le=\"0.0\"} 0\n"));
	assert_non_null(strstr(output, ",le=\"+Inf\"} 5\n"));
	sample_free(&sample);
}

static void openmetrics_of_nothing(void **state)
{
	(void)state;
	fake_vm_stop(&one);
	works("stat --format openmetrics --all --debugfs %s", "# EOF\n");
	assert_string_equal(output, "# EOF\n");
	fake_vm_start(&one, "one", 0);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(without_new_options_it_is_as_it_was),
		test(an_interval_is_a_line),
		test(a_process_of_any_vmm),
		test(ends_with_its_vms),
		test(misuse),
		test(differences_and_their_sum),
		test(an_empty_sample_has_no_line),
		test(openmetrics_of_a_vm),
		test(openmetrics_of_a_debugfs),
		test(openmetrics_escapes_and_scales),
		test(openmetrics_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
