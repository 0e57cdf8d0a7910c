/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's description of an event, as in tracefs's events/.../format and
 * as a trace.dat holds it: text with the event's name, its number and a line a
 * field.  Nothing of it is trusted.
 */
#ifndef TL_TRACE_FORMAT_H
#define TL_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a field is in a record.  size 0: there is no such field. */
struct field {
	uint16_t offset;
	uint8_t size; /* 1, 2, 4 or 8 */
};

/* Is @text (of @size bytes, no NUL needed) the format of an event @name? */
bool format_is(const char *text, size_t size, const char *name);

/* The number that a record of this event starts with; -1 if there is none. */
int format_id(const char *text, size_t size);

/* The field @name; of size 0 if the event has none that is a number. */
struct field format_field(const char *text, size_t size, const char *name);

#endif
