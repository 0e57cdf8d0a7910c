// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qmp.h"

/* Deeper than any command's arguments; jansson recurses. */
#define MAX_DEPTH 64

#define FIRST_CAP 4096

/*
 * No UTF-8 has this byte, so it is what a client sends to be understood again
 * after it broke off a message (QEMU's convention, section 2.6).
 */
#define RESYNC 0xff

/* --- from bytes to messages ------------------------------------------------*/

void qmp_reader_init(struct qmp_reader *reader, size_t max)
{
	*reader = (struct qmp_reader){ .max = max };
}

void qmp_reader_free(struct qmp_reader *reader)
{
	free(reader->buf);
	reader->buf = NULL;
}

static void compact(struct qmp_reader *reader)
{
	if (!reader->start)
		return;
	memmove(reader->buf, reader->buf + reader->start,
		reader->end - reader->start);
	reader->scan -= reader->start;
	reader->end -= reader->start;
	reader->start = 0;
}

char *qmp_reader_room(struct qmp_reader *reader, size_t *len)
{
	size_t cap;
	char *buf;

	compact(reader);
	if (reader->end == reader->cap) {
		cap = reader->cap ? 2 * reader->cap : FIRST_CAP;
		if (cap > reader->max)
			cap = reader->max;
		if (cap == reader->cap)
			return NULL;
		buf = realloc(reader->buf, cap);
		if (!buf)
			return NULL;
		reader->buf = buf;
		reader->cap = cap;
	}
	if (*len > reader->cap - reader->end)
		*len = reader->cap - reader->end;
	return reader->buf + reader->end;
}

void qmp_reader_filled(struct qmp_reader *reader, size_t len)
{
	reader->end += len;
}

/* The message, or the nonsense, ends before @scan. */
static void restart(struct qmp_reader *reader)
{
	reader->start = reader->scan;
	reader->depth = 0;
	reader->in_string = reader->escaped = false;
}

static bool is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Within a message; @c is its next byte. */
static enum qmp_piece step(struct qmp_reader *reader, unsigned char c)
{
	if (reader->in_string) {
		if (reader->escaped)
			reader->escaped = false;
		else if (c == '\\')
			reader->escaped = true;
		else if (c == '"')
			reader->in_string = false;
		return QMP_NONE;
	}
	switch (c) {
	case '"':
		reader->in_string = true;
		break;
	case '{':
	case '[':
		if (reader->depth++ == MAX_DEPTH)
			return QMP_GARBAGE;
		break;
	case '}':
		if (--reader->depth == 0)
			return QMP_MESSAGE;
		break;
	case ']':
		if (--reader->depth == 0)
			return QMP_GARBAGE;
		break;
	}
	return QMP_NONE;
}

/* What stands between messages; @c is its next byte. */
static enum qmp_piece step_between(struct qmp_reader *reader, unsigned char c)
{
	if (reader->skipping)
		reader->skipping = c != '\n';
	else if (c == '{')
		return step(reader, c);
	else if (!is_space(c))
		return QMP_GARBAGE;
	restart(reader);
	return QMP_NONE;
}

enum qmp_piece qmp_reader_next(struct qmp_reader *reader, const char **text,
			       size_t *len)
{
	while (reader->scan < reader->end) {
		const unsigned char c =
			(unsigned char)reader->buf[reader->scan++];
		const bool within = reader->depth;
		enum qmp_piece piece;

		if (c == RESYNC) {
			restart(reader);
			reader->skipping = false;
			if (within)
				return QMP_GARBAGE;
			continue;
		}
		piece = within ? step(reader, c) : step_between(reader, c);
		if (piece == QMP_NONE)
			continue;
		*text = reader->buf + reader->start;
		*len = reader->scan - reader->start;
		restart(reader);
		reader->skipping = piece == QMP_GARBAGE && c != '\n';
		return piece;
	}
	return reader->end - reader->start >= reader->max ? QMP_TOO_LONG
							  : QMP_NONE;
}

/* --- requests --------------------------------------------------------------*/

int qmp_error_set(struct qmp_error *error, const char *class, const char *fmt,
		  ...)
{
	va_list ap;

	error->class = class;
	va_start(ap, fmt);
	vsnprintf(error->desc, sizeof(error->desc), fmt, ap);
	va_end(ap);
	return -1;
}

static int check_members(struct qmp_request *request, struct qmp_error *error)
{
	const char *key;
	json_t *value;

	json_object_foreach (request->root, key, value) {
		if (!strcmp(key, "execute")) {
			if (!json_is_string(value))
				return qmp_error_set(
					error, QMP_GENERIC,
					"QMP input member 'execute' must be a "
					"string");
			request->command = json_string_value(value);
		} else if (!strcmp(key, "arguments")) {
			if (!json_is_object(value))
				return qmp_error_set(
					error, QMP_GENERIC,
					"QMP input member 'arguments' must be "
					"an object");
			request->args = value;
		} else if (strcmp(key, "id")) {
			return qmp_error_set(
				error, QMP_GENERIC,
				"QMP input member '%.60s' is unexpected", key);
		}
	}
	if (!request->command)
		return qmp_error_set(error, QMP_GENERIC,
				     "QMP input lacks member 'execute'");
	return 0;
}

int qmp_request_parse(const char *text, size_t len, struct qmp_request *request,
		      struct qmp_error *error)
{
	json_error_t why;

	*request = (struct qmp_request){ 0 };
	request->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(request->root))
		return qmp_error_set(
			error, QMP_GENERIC, "Invalid JSON syntax: %s",
			request->root ? "not an object" : why.text);
	request->id = json_object_get(request->root, "id");
	return check_members(request, error);
}

void qmp_request_free(struct qmp_request *request)
{
	json_decref(request->root);
	*request = (struct qmp_request){ 0 };
}

/* --- what a server says ----------------------------------------------------*/

/* jansson's setters take over the value and refuse NULL. */
static json_t *with(json_t *object, const char *key, json_t *value)
{
	if (!object || json_object_set_new(object, key, value)) {
		if (!object)
			json_decref(value);
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *with_id(json_t *object, json_t *id)
{
	return id ? with(object, "id", json_incref(id)) : object;
}

json_t *qmp_version(void)
{
	unsigned int major = 0, minor = 0, micro = 0;

	sscanf(TRAPLINE_VERSION, "%u.%u.%u", &major, &minor, &micro);
	/* The schema's name for the server's version, whoever serves. */
	return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", major,
			 "minor", minor, "micro", micro, "package",
			 "trapline " TRAPLINE_VERSION);
}

json_t *qmp_greeting(void)
{
	return json_pack("{s:{s:o, s:[]}}", "QMP", "version", qmp_version(),
			 "capabilities");
}

json_t *qmp_return(json_t *value, json_t *id)
{
	return with_id(with(json_object(), "return", value), id);
}

json_t *qmp_failure(const struct qmp_error *error, json_t *id)
{
	json_t *object = json_object();

	object = with(
		object, "error",
		with(with(json_object(), "class", json_string(error->class)),
		     "desc", qmp_string(error->desc)));
	return with_id(object, id);
}

json_t *qmp_event(const char *name, json_t *data)
{
	json_t *event = json_object();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	event = with(event, "timestamp",
		     json_pack("{s:I, s:I}", "seconds", (json_int_t)now.tv_sec,
			       "microseconds",
			       (json_int_t)(now.tv_nsec / 1000)));
	event = with(event, "event", json_string(name));
	return data ? with(event, "data", data) : event;
}

json_t *qmp_string(const char *text)
{
	json_t *value = json_string(text);
	char *copy, *p;

	if (value)
		return value;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	value = json_string(copy);
	free(copy);
	return value;
}
