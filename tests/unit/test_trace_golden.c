// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "analysis.h"
#include "make_dat.h"
#include "options.h"
#include "render.h"

/*
 * Small real traces and the reports expected of them, in tests/golden/.  After
 * a wanted change: GOLDEN_UPDATE=1, and read the diff.
 */
#define GOLDEN "tests/golden/"

/* libtracecmd 3.1.6 does not free all that it allocated for a damaged file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libtracecmd\nleak:vsscanf\n";
}

static char *read_all(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(text);
	if (!file)
		fail_msg("%s: not there; run from the top of the tree", path);
	*size = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

static void assert_same(const char *path, const char *got)
{
	size_t size;
	FILE *file;
	char *want;
	int line = 1;

	if (getenv("GOLDEN_UPDATE")) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(got, file);
		fclose(file);
		return;
	}
	want = read_all(path, &size);
	for (size_t i = 0; want[i] || got[i]; i++) {
		if (want[i] != got[i])
			fail_msg("%s:%d differs; rest of it now:\n%s", path,
				 line, got + i);
		line += want[i] == '\n';
	}
	free(want);
}

static void check(const char *name, enum totals_verdict verdict)
{
	char trace[128], text[128], *got = NULL;
	struct analysis analysis;
	struct report report;
	struct error err = { 0 };
	size_t size;
	FILE *out;

	snprintf(trace, sizeof(trace), GOLDEN "%s.dat", name);
	snprintf(text, sizeof(text), GOLDEN "%s.txt", name);
	if (analysis_load(&analysis, trace, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(analysis.totals.all.verdict, verdict);
	out = open_memstream(&got, &size);
	assert_non_null(out);
	report_init(&report, &analysis);
	assert_int_equal(render_text(out, &report), 0);
	fclose(out);
	assert_same(text, got);
	free(got);
	analysis_free(&analysis);
}

/* Recorded by trapline on the patched kernel, with its side file; v7. */
static void test_patched(void **state)
{
	(void)state;
	check("patched-2vcpu", TOTALS_MATCH);
}

/* The report of patched-2vcpu that @args ask for; to be freed. */
static char *report_on(const char *trace, const char *args)
{
	char text[256], *argv[16] = { (char *)"trapline-report" }, *rest = text;
	struct analysis analysis;
	struct report report;
	struct options opt;
	struct error err = { 0 };
	int argc = 1, ret;
	char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(out);
	snprintf(text, sizeof(text), "%s %s", args, trace);
	while (rest && argc < 16)
		argv[argc++] = strsep(&rest, " ");
	if (options_parse(argc, argv, &opt, &err) ||
	    analysis_load(&analysis, opt.path[0], &opt.setup, &err))
		fail_msg("%s", err.text);
	report_init(&report, &analysis);
	report.query = opt.query;
	report.top = opt.top;
	ret = render(out, opt.format, &report, &analysis, &err);
	if (ret)
		fail_msg("%s", err.text);
	fclose(out);
	analysis_free(&analysis);
	return got;
}

/* One table by several dimensions, of a part of the exits. */
static char *report_of(const char *args)
{
	return report_on(GOLDEN "patched-2vcpu.dat", args);
}

static void test_by(void **state)
{
	char *got = report_of(
		"--by vcpu,device,register,dir,user --device pl011,gic*");

	(void)state;
	assert_same(GOLDEN "patched-2vcpu.by.txt", got);
	free(got);
}

static void test_formats(void **state)
{
	static const struct {
		const char *args, *file;
	} cases[] = {
		{ "--format json --top 5", GOLDEN "patched-2vcpu.json" },
		{ "--format csv --by class,cause,user --top 20",
		  GOLDEN "patched-2vcpu.csv" },
		{ "--format folded --sort total",
		  GOLDEN "patched-2vcpu.folded" },
		{ "--format perfetto --to 0.02",
		  GOLDEN "patched-2vcpu.perfetto.json" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = report_of(cases[i].args);

		assert_same(cases[i].file, got);
		free(got);
	}
}

static json_int_t get(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("\"%s\" is not there, or no number", key);
	return json_integer_value(value);
}

/* Whatever it is split by, it is the same whole, and that of the kernel. */
static void test_json_sums(void **state)
{
	(void)state;
	for (int d = 0; d < DIMS; d++) {
		char args[80], *text;
		json_int_t count = 0, ns = 0;
		json_t *root, *all, *row;
		json_error_t err;
		size_t i;

		if (d == DIM_SYMBOL)
			continue;
		snprintf(args, sizeof(args), "--format json --top %d --by %s",
			 d, dim_word((enum dim)d));
		text = report_of(args);
		root = json_loads(text, 0, &err);
		if (!root)
			fail_msg("line %d: %s", err.line, err.text);
		json_array_foreach (json_object_get(root, "rows"), i, row) {
			count += get(row, "count");
			ns += get(row, "total_ns");
		}
		row = json_object_get(root, "rest");
		if (json_is_object(row)) {
			count += get(row, "count");
			ns += get(row, "total_ns");
		}
		all = json_object_get(root, "all");
		assert_int_equal(count, get(all, "count"));
		assert_int_equal(ns, get(all, "total_ns"));
		assert_int_equal(ns,
				 get(all, "kernel_ns") + get(all, "user_ns"));
		all = json_object_get(root, "totals");
		assert_int_equal(count, get(all, "exits"));
		assert_int_equal(count, get(all, "kernel_exits"));
		json_decref(root);
		free(text);
	}
}

/* A slice for each exit that has an end, and a mark for each that has none. */
static void test_perfetto_slices(void **state)
{
	char *text = report_of("--format perfetto");
	json_t *root, *event;
	json_error_t err;
	int slices = 0, marks = 0;
	size_t i;

	(void)state;
	root = json_loads(text, 0, &err);
	if (!root)
		fail_msg("line %d: %s", err.line, err.text);
	json_array_foreach (json_object_get(root, "traceEvents"), i, event) {
		const char *ph =
			json_string_value(json_object_get(event, "ph"));
		const char *cat =
			json_string_value(json_object_get(event, "cat"));

		assert_non_null(ph);
		marks += ph[0] == 'i';
		slices += ph[0] == 'X' && strcmp(cat, "user") != 0;
	}
	assert_int_equal(marks, 2);
	assert_int_equal(marks + slices, 78);
	json_decref(root);
	free(text);
}

/* The same on a patched 32-bit host: Linux 5.4 on a Cortex-A15. */
static void test_patched_arm(void **state)
{
	(void)state;
	check("patched-arm", TOTALS_MATCH);
}

/*
 * trapline record --irqs of a command: the host's interrupts by name, and of the
 * kernel's counters only that they are no more.
 */
static void test_interrupts(void **state)
{
	(void)state;
	check("patched-irqs", TOTALS_MATCH);
}

/* QEMU on a stock 6.1 kernel; v7, v6 without compression, and an instance. */
static void test_stock(void **state)
{
	(void)state;
	check("stock-2vcpu", TOTALS_UNCHECKED);
	check("stock-v6", TOTALS_UNCHECKED);
	check("stock-instance", TOTALS_UNCHECKED);
}

/* A ring buffer that was too small, on the patched kernel. */
static void test_lost_events(void **state)
{
	static const char *const cases[][2] = {
		{ "csv", "\nLOST events (and more),,,1079," },
		{ "folded", "\nLOST events (1079 events and more) 1079\n" },
		{ "folded --sort total",
		  "\nLOST events (1079 events and more, time unknown) 1\n" },
		{ "perfetto", "\"labels\":\"LOST 1079 events and more\"" },
		{ "json", "\"lost\": 1079" },
		{ "html", "\"lost\":" },
	};
	char args[128];

	(void)state;
	check("patched-lost", TOTALS_UNCHECKED);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got;

		snprintf(args, sizeof(args), "--format %s", cases[i][0]);
		got = report_on(GOLDEN "patched-lost.dat", args);
		if (!strstr(got, cases[i][1]))
			fail_msg("%s does not say that events are lost",
				 cases[i][0]);
		free(got);
	}
}

static void assert_refused(const char *trace, const char *side, const char *why)
{
	struct analysis_setup setup = { .side = side };
	struct analysis analysis;
	struct error err = { 0 };

	assert_true(analysis_load(&analysis, trace, &setup, &err) < 0);
	assert_int_equal(err.status, TL_TRACE);
	assert_null(strchr(err.text, '\n'));
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void test_refused_files(void **state)
{
	(void)state;
	assert_refused(GOLDEN "none.dat", NULL, "trapline run --trace");
	assert_refused(GOLDEN "no-kvm.dat", NULL, "no KVM events");
	assert_refused(GOLDEN "stock-v6.txt", NULL, "not a trace.dat");
	assert_refused("/dev/null", NULL, "not a file");
	assert_refused("tests", NULL, "not a file");
	assert_refused(GOLDEN "stock-v6.dat", GOLDEN "none.vm.json",
		       "No such file");
	assert_refused(GOLDEN "stock-v6.dat", GOLDEN "stock-v6.dat",
		       "no valid JSON");
	assert_refused(GOLDEN "stock-v6.dat",
		       GOLDEN "patched-2vcpu.dat.vm.json", "another VM");
}

static void write_file(const char *path, const char *data, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

/* Of one loss, with the kernel's count or without, every format says as much. */
static void test_lost_words(void **state)
{
	static const struct {
		int64_t lost;
		const char *args, *want;
	} cases[] = {
		{ 7, "--format csv", "\nLOST events,,,7,,,,,,,,,,\n" },
		{ -1, "--format csv",
		  "\nLOST events (and more),,,,,,,,,,,,,\n" },
		{ 7, "--format folded", "\nLOST events 7\n" },
		{ -1, "--format folded",
		  "\nLOST events (events, nobody knows how many) 1\n" },
		{ 7, "--format folded --sort total",
		  "\nLOST events (7 events, time unknown) 1\n" },
		{ -1, "--format folded --sort max",
		  "\nLOST events (events, nobody knows how many, time unknown) 1\n" },
		{ 1, "--format text", "  LOST      1 event: record with" },
		{ -1, "--format text",
		  "  LOST      events, nobody knows how many: record with" },
		{ -1, "--format perfetto",
		  "\"LOST events, nobody knows how many\"" },
	};
	char path[] = "/tmp/trapline-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct make_dat m;
		char *got;

		make_init(&m);
		m.version = 6;
		m.cpus = 1;
		make_event(&m, 0, 1000000, MAKE_EXIT, 100, 2, 1);
		make_event(&m, 0, 2000000, MAKE_ENTRY, 100, 0, 0);
		make_lost(&m, 0, cases[i].lost);
		make_event(&m, 0, 3000000, MAKE_EXIT, 100, 2, 1);
		make_event(&m, 0, 4000000, MAKE_ENTRY, 100, 0, 0);
		make_finish(&m);
		write_file(path, (const char *)m.data, m.size);
		make_free(&m);
		got = report_on(path, cases[i].args);
		if (!strstr(got, cases[i].want))
			fail_msg("%s, %d lost: not there: %s in:\n%s",
				 cases[i].args, (int)cases[i].lost,
				 cases[i].want, got);
		free(got);
	}
	unlink(path);
}

/* Cut anywhere: refused, or read as far as it goes. */
static void test_truncated(void **state)
{
	char path[] = "/tmp/trapline-test-XXXXXX";
	struct analysis analysis;
	size_t size;
	char *data = read_all(GOLDEN "patched-2vcpu.dat", &size);
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_refused(path, NULL, "empty");
	for (size_t cut = 1; cut < size; cut += 97) {
		struct error err = { 0 };

		write_file(path, data, cut);
		if (!analysis_load(&analysis, path, NULL, &err))
			analysis_free(&analysis);
		else
			assert_int_equal(err.status, TL_TRACE);
	}
	unlink(path);
	free(data);
}

/* The kernel counted something else: said, and not glossed over. */
static void test_mismatch(void **state)
{
	char path[] = "/tmp/trapline-test-XXXXXX", *got = NULL;
	struct analysis_setup setup = { .side = path };
	struct analysis analysis;
	struct report report;
	struct error err = { 0 };
	size_t size;
	char *side = read_all(GOLDEN "patched-2vcpu.dat.vm.json", &size);
	char *count = strstr(side, "\"exits\": ");
	int fd = mkstemp(path);
	FILE *out;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_non_null(count);
	count[strlen("\"exits\": ")] = '9';
	write_file(path, side, size);
	assert_int_equal(analysis_load(&analysis, GOLDEN "patched-2vcpu.dat",
				       &setup, &err),
			 0);
	assert_int_equal(analysis.totals.all.verdict, TOTALS_MISMATCH);
	out = open_memstream(&got, &size);
	assert_non_null(out);
	report_init(&report, &analysis);
	report.top = 0;
	assert_int_equal(render_text(out, &report), 0);
	fclose(out);
	assert_non_null(strstr(got, "MISMATCH vCPU 0"));
	assert_null(strstr(got, "MISMATCH vCPU 1"));
	assert_non_null(strstr(got, "MISMATCH with the kernel's counters"));
	assert_non_null(strstr(got, "Top PCs"));
	assert_null(strstr(got, " more")); /* --top 0: all rows */
	free(got);
	free(side);
	analysis_free(&analysis);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patched),
		cmocka_unit_test(test_by),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_json_sums),
		cmocka_unit_test(test_perfetto_slices),
		cmocka_unit_test(test_patched_arm),
		cmocka_unit_test(test_interrupts),
		cmocka_unit_test(test_stock),
		cmocka_unit_test(test_lost_events),
		cmocka_unit_test(test_lost_words),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mismatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
