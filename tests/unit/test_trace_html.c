// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "html-assets.h"
#include "render.h"

#define TRACE "tests/golden/patched-2vcpu.dat"

/* libtracecmd 3.1.6 does not free all that it allocates. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libtracecmd\nleak:vsscanf\n";
}

/* The page of TRACE, said to be of @name; NULL if there is no d3. */
static char *page_of(const char *name)
{
	struct analysis analysis;
	struct report report;
	struct error err = { 0 };
	char *page = NULL;
	size_t size;
	FILE *out;
	int ret;

	if (analysis_load(&analysis, TRACE, NULL, &err))
		fail_msg("%s", err.text);
	out = open_memstream(&page, &size);
	assert_non_null(out);
	snprintf(analysis.map.name, sizeof(analysis.map.name), "%s", name);
	report_init(&report, &analysis);
	ret = render(out, FORMAT_HTML, &report, &analysis, &err);
	fclose(out);
	analysis_free(&analysis);
	if (html_complete) {
		assert_int_equal(ret, 0);
		return page;
	}
	assert_int_equal(ret, -ENOTSUP);
	assert_non_null(strstr(err.text, "libjs-d3"));
	free(page);
	return NULL;
}

/* Nothing in the page is anywhere else, and no name ends a script. */
static void test_self_contained(void **state)
{
	static const char start[] = "id=\"data\">";
	char *page = page_of("</script><b>"), *data, *end;
	json_t *root, *all;
	json_error_t err;

	(void)state;
	if (!page)
		skip();
	assert_null(strstr(page, "</script><b>"));
	assert_null(strstr(page, " src="));
	assert_null(strstr(page, "<link"));
	assert_null(strstr(page, "@import"));
	data = strstr(page, start);
	assert_non_null(data);
	data += strlen(start);
	end = strstr(data, "</script>");
	assert_non_null(end);
	root = json_loadb(data, (size_t)(end - data), 0, &err);
	if (!root)
		fail_msg("column %d: %s", err.column, err.text);
	all = json_object_get(json_object_get(root, "profile"), "all");
	assert_int_equal(json_integer_value(json_object_get(all, "count")), 78);
	json_decref(root);
	free(page);
}

/* Every exit is in the timeline, and in the flame graph. */
static void test_sums(void **state)
{
	char *page = page_of("guest"), *data;
	json_t *root, *list, *row;
	json_int_t sum = 0;
	size_t i, j;

	(void)state;
	if (!page)
		skip();
	data = strstr(page, "id=\"data\">") + strlen("id=\"data\">");
	*strstr(data, "</script>") = '\0';
	root = json_loads(data, 0, NULL);
	assert_non_null(root);
	json_array_foreach (json_object_get(json_object_get(root, "timeline"),
					    "count"),
			    i, list) {
		assert_int_equal(json_array_size(list), 600);
		json_array_foreach (list, j, row)
			sum += json_integer_value(row);
	}
	assert_int_equal(sum, 78);
	sum = 0;
	json_array_foreach (
		json_object_get(json_object_get(root, "flame"), "rows"), i, row)
		sum += json_integer_value(json_object_get(row, "count"));
	assert_int_equal(sum, 78);
	json_decref(root);
	free(page);
}

/*
 * In a browser, where there is one and TEST_BROWSER asks for it (`make test`):
 * tests/html-report says what is done.
 */
static void test_in_chromium(void **state)
{
	char path[] = "/tmp/trapline-test-XXXXXX.html";
	char *page = getenv("TEST_BROWSER") ? page_of("guest") : NULL;
	int fd, status;
	pid_t pid;

	(void)state;
	if (!page)
		skip();
	fd = mkstemps(path, 5);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, page, strlen(page)), strlen(page));
	close(fd);
	free(page);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		execl("tests/html-report", "html-report", path, NULL);
		_exit(77);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_contained),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_in_chromium),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
