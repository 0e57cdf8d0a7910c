/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QMP, the machine protocol of QEMU's monitor, as text and JSON values: no
 * sockets here.  docs/interop/qmp-spec.txt of QEMU has the protocol; sections
 * named here are its.  Both ends are served: the VMM and its own client.
 */
#ifndef TL_QMP_H
#define TL_QMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* --- from bytes to messages ------------------------------------------------*/

/*
 * Cuts a stream of bytes into JSON objects.  It counts brackets and knows
 * strings, nothing else; whether a piece is valid JSON is the parser's to say.
 */
struct qmp_reader {
	char *buf;
	size_t cap, max; /* bytes allocated, and the most there may be */
	size_t start;    /* of the message that is being read */
	size_t scan;     /* read so far */
	size_t end;      /* of what is in buf */
	unsigned int depth;
	bool in_string;
	bool escaped;
	bool skipping; /* to the end of a line that made no sense */
};

enum qmp_piece {
	QMP_NONE,     /* the message is not complete, or there is none */
	QMP_MESSAGE,  /* one object, from { to } */
	QMP_GARBAGE,  /* no object; what follows on the line is skipped */
	QMP_TOO_LONG, /* the message exceeds @max; the stream is lost */
};

/* No memory is taken before the first byte.  @max is a message's size. */
void qmp_reader_init(struct qmp_reader *reader, size_t max);
void qmp_reader_free(struct qmp_reader *reader);

/*
 * Room for at least one and at most *@len bytes, which tells how many: to be
 * filled and then counted by qmp_reader_filled().  NULL without memory, or if
 * the buffer is full of what qmp_reader_next() has not taken.
 */
char *qmp_reader_room(struct qmp_reader *reader, size_t *len);
void qmp_reader_filled(struct qmp_reader *reader, size_t len);

/* The next piece; *@text is valid until qmp_reader_room(). */
enum qmp_piece qmp_reader_next(struct qmp_reader *reader, const char **text,
			       size_t *len);

/* --- requests --------------------------------------------------------------*/

/* Error classes, as QEMU's QapiErrorClass names them. */
#define QMP_GENERIC           "GenericError"
#define QMP_COMMAND_NOT_FOUND "CommandNotFound"
#define QMP_DEVICE_NOT_ACTIVE "DeviceNotActive"
#define QMP_DEVICE_NOT_FOUND  "DeviceNotFound"

struct qmp_error {
	const char *class; /* NULL: no error */
	char desc[512];
};

/* Fill @error; returns -1 so that a caller can return it. */
int qmp_error_set(struct qmp_error *error, const char *class, const char *fmt,
		  ...) __attribute__((format(printf, 3, 4)));

struct qmp_request {
	json_t *root;        /* owns what follows */
	const char *command; /* "execute" */
	json_t *args;        /* "arguments", an object, or NULL */
	json_t *id;          /* any value, or NULL */
};

/*
 * Section 2.3.  On failure -1, @error and an @request of which @id may be set
 * all the same.  Either way qmp_request_free() is due.
 */
int qmp_request_parse(const char *text, size_t len, struct qmp_request *request,
		      struct qmp_error *error);
void qmp_request_free(struct qmp_request *request);

/* --- what a server says ----------------------------------------------------*/

/*
 * Each gives a new value, or NULL without memory.  @value is taken over, @id is
 * not.
 */
json_t *qmp_version(void);
json_t *qmp_greeting(void);
json_t *qmp_return(json_t *value, json_t *id);
json_t *qmp_failure(const struct qmp_error *error, json_t *id);
/* Section 2.5, dated now; @data may be NULL and is taken over. */
json_t *qmp_event(const char *name, json_t *data);

/* A string of any bytes: what is not UTF-8 becomes '?'. */
json_t *qmp_string(const char *text);

#endif
