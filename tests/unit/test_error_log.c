// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/error.h"
#include "lib/log.h"

/* --- error ---------------------------------------------------------------- */

static void test_error_fills(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(error_set(&err, TL_DISK, ENOENT, "%s: %d", "disk", 7),
			 -ENOENT);
	assert_int_equal(err.status, TL_DISK);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.text, "disk: 7");
}

static void test_error_first_wins(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, TL_MEMORY, ENOMEM, "cause");
	/* The return value is still that of this call. */
	assert_int_equal(error_set(&err, TL_HOST, EIO, "consequence"), -EIO);
	assert_int_equal(err.status, TL_MEMORY);
	assert_int_equal(err.errnum, ENOMEM);
	assert_string_equal(err.text, "cause");
}

static void test_error_first_wins_with_empty_text(void **state)
{
	struct error err = { 0 };
	const char *nothing = "";

	(void)state;
	error_set(&err, TL_MEMORY, ENOMEM, "%s", nothing);
	error_set(&err, TL_HOST, EIO, "consequence");
	assert_int_equal(err.status, TL_MEMORY);
	assert_string_equal(err.text, "");
}

static void test_error_null(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, TL_FAIL, EPERM, "unseen"), -EPERM);
}

static void test_error_no_errno(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(error_set(&err, TL_USAGE, 0, "odd"), -EINVAL);
	assert_int_equal(err.errnum, 0);
	assert_int_equal(err.status, TL_USAGE);
}

static void test_error_negative_errno(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(error_set(&err, TL_FAIL, -EIO, "x"), -EIO);
	assert_int_equal(err.errnum, EIO);
}

/* An error must never make main() exit with 0. */
static void test_error_is_never_ok(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, TL_OK, EIO, "x");
	assert_int_equal(err.status, TL_FAIL);
}

static void test_error_truncates(void **state)
{
	struct error err = { 0 };
	char big[2 * sizeof(err.text)];

	(void)state;
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(error_set(&err, TL_FAIL, EIO, "%s", big), -EIO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* --- log ------------------------------------------------------------------ */

struct capture {
	int saved;
	int pipe[2];
};

static void capture_begin(struct capture *cap)
{
	fflush(stderr);
	cap->saved = dup(STDERR_FILENO);
	assert_int_not_equal(cap->saved, -1);
	/* In packet mode one read(2) returns what one write(2) wrote. */
	assert_int_equal(pipe2(cap->pipe, O_DIRECT | O_NONBLOCK), 0);
	assert_int_not_equal(dup2(cap->pipe[1], STDERR_FILENO), -1);
}

/* What the first write(2) since then wrote; NULL if there was none. */
static const char *capture_read(struct capture *cap)
{
	static char buf[4096];
	ssize_t n = read(cap->pipe[0], buf, sizeof(buf) - 1);

	if (n < 0)
		return NULL;
	buf[n] = '\0';
	return buf;
}

static void capture_end(struct capture *cap)
{
	dup2(cap->saved, STDERR_FILENO);
	close(cap->saved);
	close(cap->pipe[0]);
	close(cap->pipe[1]);
}

static int log_setup(void **state)
{
	static struct capture cap;

	log_set_level(LOG_WARN);
	log_set_raw(false);
	capture_begin(&cap);
	*state = &cap;
	return 0;
}

static int log_teardown(void **state)
{
	capture_end(*state);
	log_set_level(LOG_WARN);
	log_set_raw(false);
	return 0;
}

static void expect_line(struct capture *cap, const char *want)
{
	const char *got = capture_read(cap);

	assert_non_null(got);
	assert_string_equal(got, want);
}

static void test_log_prefixes(void **state)
{
	struct capture *cap = *state;

	log_set_level(LOG_DEBUG);
	log_error("one %d", 1);
	log_warn("two");
	log_info("three");
	log_debug("four");
	expect_line(cap, "trapline: error: one 1\n");
	expect_line(cap, "trapline: warning: two\n");
	expect_line(cap, "trapline: three\n");
	expect_line(cap, "trapline: debug: four\n");
	assert_null(capture_read(cap));
}

static void test_log_default_level(void **state)
{
	struct capture *cap = *state;

	assert_int_equal(log_get_level(), LOG_WARN);
	log_info("dropped");
	log_debug("dropped");
	assert_null(capture_read(cap));
	log_warn("kept");
	expect_line(cap, "trapline: warning: kept\n");
}

static void test_log_level_error(void **state)
{
	struct capture *cap = *state;

	log_set_level(LOG_ERROR);
	assert_int_equal(log_get_level(), LOG_ERROR);
	log_warn("dropped");
	assert_null(capture_read(cap));
	log_error("kept");
	expect_line(cap, "trapline: error: kept\n");
}

static void test_log_raw(void **state)
{
	struct capture *cap = *state;

	log_set_raw(true);
	log_warn("raw");
	log_set_raw(false);
	log_warn("cooked");
	expect_line(cap, "trapline: warning: raw\r\n");
	expect_line(cap, "trapline: warning: cooked\n");
}

static void test_log_strips_newline(void **state)
{
	struct capture *cap = *state;

	log_warn("line\n");
	expect_line(cap, "trapline: warning: line\n");
	log_warn("%s", "\n");
	expect_line(cap, "trapline: warning: \n");
}

static void test_log_control_characters(void **state)
{
	struct capture *cap = *state;

	log_warn("a\nb\033[2Jc\177\td");
	expect_line(cap, "trapline: warning: a?b?[2Jc?\td\n");
}

static void test_log_keeps_utf8(void **state)
{
	struct capture *cap = *state;

	log_warn("disk '%s'", "\xc3\xa9.img");
	expect_line(cap, "trapline: warning: disk '\xc3\xa9.img'\n");
}

static void test_log_long_line(void **state)
{
	struct capture *cap = *state;
	char big[3000];
	const char *got;
	size_t len;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_set_raw(true);
	log_error("%s", big);
	got = capture_read(cap);
	assert_non_null(got);
	len = strlen(got);
	assert_true(len > 1000 && len <= 1024);
	assert_string_equal(got + len - 3, "x\r\n");
	assert_null(capture_read(cap));
}

static void test_log_keeps_errno(void **state)
{
	struct capture *cap = *state;
	int fd = dup(STDERR_FILENO);

	close(STDERR_FILENO);
	errno = ENOSPC;
	log_warn("nobody hears this");
	assert_int_equal(errno, ENOSPC);
	log_info("dropped");
	assert_int_equal(errno, ENOSPC);
	dup2(fd, STDERR_FILENO);
	close(fd);
	assert_null(capture_read(cap));
}

static void test_log_level_parse(void **state)
{
	static const char *const bad[] = { "",      "Error",  "warn",
					   "infos", "debug ", "4" };
	enum log_level level;
	unsigned int i;

	(void)state;
	assert_int_equal(log_level_parse("error", &level), 0);
	assert_int_equal(level, LOG_ERROR);
	assert_int_equal(log_level_parse("warning", &level), 0);
	assert_int_equal(level, LOG_WARN);
	assert_int_equal(log_level_parse("info", &level), 0);
	assert_int_equal(level, LOG_INFO);
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		level = LOG_INFO;
		assert_int_equal(log_level_parse(bad[i], &level), -EINVAL);
		assert_int_equal(level, LOG_INFO);
	}
}

#define log_test(fn) \
	cmocka_unit_test_setup_teardown(fn, log_setup, log_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_fills),
		cmocka_unit_test(test_error_first_wins),
		cmocka_unit_test(test_error_first_wins_with_empty_text),
		cmocka_unit_test(test_error_null),
		cmocka_unit_test(test_error_no_errno),
		cmocka_unit_test(test_error_negative_errno),
		cmocka_unit_test(test_error_is_never_ok),
		cmocka_unit_test(test_error_truncates),
		log_test(test_log_prefixes),
		log_test(test_log_default_level),
		log_test(test_log_level_error),
		log_test(test_log_raw),
		log_test(test_log_strips_newline),
		log_test(test_log_control_characters),
		log_test(test_log_keeps_utf8),
		log_test(test_log_long_line),
		log_test(test_log_keeps_errno),
		cmocka_unit_test(test_log_level_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
