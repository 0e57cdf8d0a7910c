// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "format.h"

/* The next line of @text from @at on; NULL at the end. */
static const char *next_line(const char *text, size_t size, size_t *at,
			     size_t *length)
{
	const char *line = text + *at, *end;

	if (*at >= size)
		return NULL;
	end = memchr(line, '\n', size - *at);
	*length = end ? (size_t)(end - line) : size - *at;
	*at += *length + 1;
	return line;
}

/* What follows @key in the line, up to @stop; NULL if @key is not there. */
static const char *after(const char *line, size_t length, const char *key,
			 char stop, size_t *value)
{
	size_t key_length = strlen(key);
	const char *start = memmem(line, length, key, key_length), *end;

	if (!start)
		return NULL;
	start += key_length;
	length -= (size_t)(start - line);
	end = stop ? memchr(start, stop, length) : NULL;
	*value = end ? (size_t)(end - start) : length;
	return start;
}

static long number(const char *text, size_t length)
{
	long value = 0;

	if (!text || !length || length > 9)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

bool format_is(const char *text, size_t size, const char *name)
{
	size_t at = 0, length, value;
	const char *line = next_line(text, size, &at, &length);
	const char *found = line ? after(line, length, "name: ", 0, &value)
				 : NULL;

	return found && value == strlen(name) && !memcmp(found, name, value);
}

int format_id(const char *text, size_t size)
{
	size_t at = 0, length, value;
	const char *line, *found;

	while ((line = next_line(text, size, &at, &length))) {
		found = after(line, length, "ID: ", 0, &value);
		if (found == line + 4) {
			long id = number(found, value);

			return id <= UINT16_MAX ? (int)id : -1;
		}
	}
	return -1;
}

/*
 * "unsigned long vcpu_pc", "const char * name", "char comm[16]", or "__data_loc
 * char[] name": by @name?
 */
static bool declares(const char *text, size_t length, const char *name)
{
	size_t name_length = strlen(name);
	const char *bracket = NULL;

	if (length && text[length - 1] == ']')
		bracket = memrchr(text, '[', length);
	if (bracket)
		length = (size_t)(bracket - text);
	return length > name_length &&
	       !memcmp(text + length - name_length, name, name_length) &&
	       (text[length - name_length - 1] == ' ' ||
		text[length - name_length - 1] == '*');
}

struct field format_field(const char *text, size_t size, const char *name)
{
	struct field field = { 0, 0 };
	size_t at = 0, length, value;
	const char *line, *found;

	while ((line = next_line(text, size, &at, &length))) {
		long offset, bytes;

		found = after(line, length, "field:", ';', &value);
		if (!found)
			found = after(line, length, "field: ", ';', &value);
		if (!found || !declares(found, value, name))
			continue;
		found = after(line, length, "offset:", ';', &value);
		offset = number(found, value);
		found = after(line, length, "size:", ';', &value);
		bytes = number(found, value);
		if (offset < 0 || offset > UINT16_MAX ||
		    (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8))
			break;
		field.offset = (uint16_t)offset;
		field.size = (uint8_t)bytes;
		break;
	}
	return field;
}
