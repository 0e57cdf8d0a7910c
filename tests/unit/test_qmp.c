// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "qmp.h"

#define MAX 1024

/* All of @text, as room allows. */
static void feed(struct qmp_reader *reader, const char *text, size_t len)
{
	while (len) {
		size_t room = len;
		char *p = qmp_reader_room(reader, &room);

		assert_non_null(p);
		assert_in_range(room, 1, len);
		memcpy(p, text, room);
		qmp_reader_filled(reader, room);
		text += room;
		len -= room;
	}
}

static void expect(struct qmp_reader *reader, const char *message)
{
	const char *text;
	size_t len;

	assert_int_equal(qmp_reader_next(reader, &text, &len), QMP_MESSAGE);
	assert_int_equal(len, strlen(message));
	assert_memory_equal(text, message, len);
}

static void expect_piece(struct qmp_reader *reader, enum qmp_piece piece)
{
	const char *text;
	size_t len;

	assert_int_equal(qmp_reader_next(reader, &text, &len), piece);
}

static int setup(void **state)
{
	struct qmp_reader *reader = calloc(1, sizeof(*reader));

	qmp_reader_init(reader, MAX);
	*state = reader;
	return 0;
}

static int teardown(void **state)
{
	qmp_reader_free(*state);
	free(*state);
	return 0;
}

static void several_messages_in_one_read(void **state)
{
	struct qmp_reader *r = *state;
	static const char text[] =
		" {\"a\":1}{\"b\":[2,{}]}\r\n\t{\"c\":\"}\"}";

	expect_piece(r, QMP_NONE);
	feed(r, text, strlen(text));
	expect(r, "{\"a\":1}");
	expect(r, "{\"b\":[2,{}]}");
	expect(r, "{\"c\":\"}\"}");
	expect_piece(r, QMP_NONE);
}

static void one_byte_at_a_time(void **state)
{
	static const char text[] = "{\"x\":\"\\\"{\\\\\",\"y\":[[],{}]}\n";
	struct qmp_reader *r = *state;
	size_t i;

	for (i = 0; i < strlen(text) - 1; i++) {
		expect_piece(r, QMP_NONE);
		feed(r, text + i, 1);
	}
	expect(r, "{\"x\":\"\\\"{\\\\\",\"y\":[[],{}]}");
}

static void garbage_costs_its_line_only(void **state)
{
	static const char text[] = "hello { } world\n{\"ok\":1}\n]]\n{}";
	struct qmp_reader *r = *state;

	feed(r, text, strlen(text));
	expect_piece(r, QMP_GARBAGE);
	expect(r, "{\"ok\":1}");
	expect_piece(r, QMP_GARBAGE);
	expect(r, "{}");
	expect_piece(r, QMP_NONE);
}

static void endless_garbage_takes_no_room(void **state)
{
	struct qmp_reader *r = *state;
	char junk[100];
	int i;

	memset(junk, 'x', sizeof(junk));
	feed(r, junk, sizeof(junk));
	expect_piece(r, QMP_GARBAGE);
	for (i = 0; i < 100; i++) {
		feed(r, junk, sizeof(junk));
		expect_piece(r, QMP_NONE);
	}
	feed(r, "\n{}", 3);
	expect(r, "{}");
}

static void a_resync_byte_abandons_a_message(void **state)
{
	static const char text[] = "{\"cut\": \"off\xff{\"ok\":1}";
	struct qmp_reader *r = *state;

	feed(r, text, strlen(text));
	expect_piece(r, QMP_GARBAGE);
	expect(r, "{\"ok\":1}");
	feed(r, "\xff\xff{}", 4);
	expect(r, "{}");
}

static void depth_is_limited(void **state)
{
	struct qmp_reader *r = *state;
	char deep[200];

	memset(deep, '[', sizeof(deep));
	deep[0] = '{';
	feed(r, deep, sizeof(deep));
	expect_piece(r, QMP_GARBAGE);
	feed(r, "\n{}", 3);
	expect(r, "{}");
}

static void a_message_of_the_limit_and_one_beyond(void **state)
{
	struct qmp_reader *r = *state;
	char text[MAX + 1];
	size_t room = 1;

	memset(text, 'a', sizeof(text));
	memcpy(text, "{\"", 2);
	memcpy(text + MAX - 2, "\"}", 2);
	feed(r, text, MAX);
	expect_piece(r, QMP_MESSAGE);
	expect_piece(r, QMP_NONE);

	text[MAX - 1] = 'a';
	feed(r, text, MAX);
	expect_piece(r, QMP_TOO_LONG);
	assert_null(qmp_reader_room(r, &room));
}

static void parse(const char *text, const char *class, const char *desc)
{
	struct qmp_request request;
	struct qmp_error error = { 0 };
	int ret = qmp_request_parse(text, strlen(text), &request, &error);

	assert_int_equal(ret, class ? -1 : 0);
	if (class) {
		assert_string_equal(error.class, class);
		assert_non_null(strstr(error.desc, desc));
	} else {
		assert_null(error.class);
		assert_string_equal(request.command, "c");
	}
	qmp_request_free(&request);
}

static void requests(void **state)
{
	(void)state;
	parse("{\"execute\":\"c\"}", NULL, NULL);
	parse("{\"execute\":\"c\",\"arguments\":{},\"id\":[1]}", NULL, NULL);
	parse("{}", QMP_GENERIC, "execute");
	parse("{\"execute\":1}", QMP_GENERIC, "string");
	parse("{\"execute\":\"c\",\"arguments\":[]}", QMP_GENERIC, "object");
	parse("{\"execute\":\"c\",\"more\":1}", QMP_GENERIC, "more");
	parse("{\"exec-oob\":\"c\"}", QMP_GENERIC, "exec-oob");
	parse("{\"execute\":\"c\",\"execute\":\"d\"}", QMP_GENERIC, "JSON");
	parse("{\"execute\":}", QMP_GENERIC, "JSON");
	parse("{\"\x80\":1}", QMP_GENERIC, "JSON");
	parse("{\"execute\":\"\\u0000\"}", QMP_GENERIC, "JSON");
	parse("[]", QMP_GENERIC, "object");
}

/* @value is taken over. */
static void assert_json(json_t *value, const char *text)
{
	char *dump = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(dump, text);
	free(dump);
	json_decref(value);
}

static void answers(void **state)
{
	json_t *id = json_pack("[i, s]", 7, "x");
	struct qmp_error error = { 0 };
	json_t *event;

	(void)state;
	assert_json(qmp_return(json_object(), NULL), "{\"return\":{}}");
	assert_json(qmp_return(json_integer(3), id),
		    "{\"id\":[7,\"x\"],\"return\":3}");
	qmp_error_set(&error, QMP_GENERIC, "bad \xff %d", 5);
	assert_json(qmp_failure(&error, id),
		    "{\"error\":{\"class\":\"GenericError\",\"desc\":"
		    "\"bad ? 5\"},\"id\":[7,\"x\"]}");
	json_decref(id);

	event = qmp_event("RESET", json_pack("{s:b}", "guest", 1));
	assert_true(json_integer_value(json_object_get(
			    json_object_get(event, "timestamp"), "seconds")) >
		    1500000000);
	assert_in_range(
		json_integer_value(json_object_get(
			json_object_get(event, "timestamp"), "microseconds")),
		0, 999999);
	json_object_del(event, "timestamp");
	assert_json(event, "{\"data\":{\"guest\":true},\"event\":\"RESET\"}");
}

static void the_greeting_has_what_clients_look_for(void **state)
{
	json_t *greeting = qmp_greeting();
	json_t *qmp = json_object_get(greeting, "QMP");
	json_t *version = json_object_get(qmp, "version");

	(void)state;
	assert_true(json_is_array(json_object_get(qmp, "capabilities")));
	assert_true(json_is_integer(
		json_object_get(json_object_get(version, "qemu"), "major")));
	assert_string_equal(
		json_string_value(json_object_get(version, "package")),
		"trapline " TRAPLINE_VERSION);
	json_decref(greeting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define READER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		READER(several_messages_in_one_read),
		READER(one_byte_at_a_time),
		READER(garbage_costs_its_line_only),
		READER(endless_garbage_takes_no_room),
		READER(a_resync_byte_abandons_a_message),
		READER(depth_is_limited),
		READER(a_message_of_the_limit_and_one_beyond),
		cmocka_unit_test(requests),
		cmocka_unit_test(answers),
		cmocka_unit_test(the_greeting_has_what_clients_look_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
