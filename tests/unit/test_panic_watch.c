// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "panic-watch.h"

#define LINE \
	"Kernel panic - not syncing: Attempted to kill init! exitcode=0x100"

static void feed(struct panic_watch *watch, const char *text)
{
	panic_watch_feed(watch, (const uint8_t *)text, strlen(text));
}

/* The line that is found, or NULL. */
static const char *text_of(struct panic_watch *watch)
{
	static char text[PANIC_WATCH_TEXT];

	return panic_watch_text(watch, text, sizeof(text)) ? text : NULL;
}

static void test_found(void **state)
{
	struct panic_watch watch;

	(void)state;
	panic_watch_init(&watch);
	feed(&watch, "[    1.0] Freeing memory\r\n[    1.1] " LINE "\r\n");
	feed(&watch, "CPU: 0 PID: 1\r\n---[ end " LINE " ]---\r\n");
	assert_string_equal(text_of(&watch), LINE);
}

/* A UART without FIFO delivers it so. */
static void test_byte_by_byte(void **state)
{
	struct panic_watch watch;
	const char *p;

	(void)state;
	panic_watch_init(&watch);
	for (p = "x" LINE "\n"; *p; p++)
		panic_watch_feed(&watch, (const uint8_t *)p, 1);
	assert_string_equal(text_of(&watch), LINE);
}

static void test_broken_match_restarts(void **state)
{
	struct panic_watch watch;

	(void)state;
	panic_watch_init(&watch);
	feed(&watch, "KKernel Kernel panic - Kernel panic - not sync");
	assert_null(text_of(&watch));
	feed(&watch, "Kernel panic - not syncing: x\n");
	assert_string_equal(text_of(&watch), "Kernel panic - not syncing: x");
}

static void test_not_found(void **state)
{
	struct panic_watch watch;

	(void)state;
	panic_watch_init(&watch);
	assert_null(text_of(&watch));
	feed(&watch, "kernel panic - not syncing\nKernel panic\n");
	assert_null(text_of(&watch));
}

/* The reset may come in the middle of the line. */
static void test_unfinished_line(void **state)
{
	struct panic_watch watch;

	(void)state;
	panic_watch_init(&watch);
	feed(&watch, "Kernel panic - not syncing: VF");
	assert_string_equal(text_of(&watch), "Kernel panic - not syncing: VF");
}

static void feed_much(struct panic_watch *watch, size_t len)
{
	while (len--)
		feed(watch, ".");
}

static void test_old_one_expires(void **state)
{
	struct panic_watch watch;

	(void)state;
	panic_watch_init(&watch);
	feed(&watch, "a document says: " LINE "\n");
	feed_much(&watch, PANIC_WATCH_WINDOW - strlen(LINE));
	assert_non_null(text_of(&watch));
	feed_much(&watch, strlen(LINE));
	assert_null(text_of(&watch));
	feed(&watch, "Kernel panic - not syncing: real\n");
	assert_string_equal(text_of(&watch),
			    "Kernel panic - not syncing: real");
}

static void test_long_line_is_cut(void **state)
{
	struct panic_watch watch;
	const char *text;

	(void)state;
	panic_watch_init(&watch);
	feed(&watch, "Kernel panic - not syncing: ");
	feed_much(&watch, 10000);
	text = text_of(&watch);
	assert_non_null(text);
	assert_int_equal(strlen(text), PANIC_WATCH_TEXT - 1);
}

/* Two threads, and a line that is longer than its place. */
static void *feed_lines(void *opaque)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		feed(opaque, "\nKernel panic - not syncing: ");
		feed_much(opaque, 2 * PANIC_WATCH_TEXT);
	}
	return NULL;
}

static void test_two_threads(void **state)
{
	struct panic_watch watch;
	pthread_t thread;
	unsigned int i;

	(void)state;
	panic_watch_init(&watch);
	assert_int_equal(pthread_create(&thread, NULL, feed_lines, &watch), 0);
	feed_lines(&watch);
	for (i = 0; i < 100; i++)
		if (text_of(&watch))
			assert_in_range(strlen(text_of(&watch)), 26,
					PANIC_WATCH_TEXT - 1);
	pthread_join(thread, NULL);
	panic_watch_destroy(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_broken_match_restarts),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_unfinished_line),
		cmocka_unit_test(test_old_one_expires),
		cmocka_unit_test(test_long_line_is_cut),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
