// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "analysis.h"
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
	assert_int_equal(render_text(out, &analysis, 10), 0);
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

/* The same on a patched 32-bit host: Linux 5.4 on a Cortex-A15. */
static void test_patched_arm(void **state)
{
	(void)state;
	check("patched-arm", TOTALS_MATCH);
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
	(void)state;
	check("patched-lost", TOTALS_UNCHECKED);
}

static void assert_refused(const char *trace, const char *side, const char *why)
{
	struct analysis analysis;
	struct error err = { 0 };

	assert_true(analysis_load(&analysis, trace, side, &err) < 0);
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
	struct analysis analysis;
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
				       path, &err),
			 0);
	assert_int_equal(analysis.totals.all.verdict, TOTALS_MISMATCH);
	out = open_memstream(&got, &size);
	assert_non_null(out);
	assert_int_equal(render_text(out, &analysis, 0), 0);
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
		cmocka_unit_test(test_patched_arm),
		cmocka_unit_test(test_stock),
		cmocka_unit_test(test_lost_events),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mismatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
