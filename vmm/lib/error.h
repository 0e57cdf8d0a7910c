/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Error context: a function that can fail returns -errno and leaves one line
 * in a struct error that says what failed, on what, and what to do.  Only
 * main() prints it and only main() exits.
 */
#ifndef TL_LIB_ERROR_H
#define TL_LIB_ERROR_H

#include "lib/status.h"

struct error {
	enum tl_status status;
	int errnum; /* positive errno value, 0 if none applies */
	char text[512];
};

/*
 * Fill @err (may be NULL).  The text is formatted like printf, without a
 * trailing newline and without the program's name; strerror(@errnum) is not
 * added by itself, write "%s", strerror(e) where it helps.  The first error
 * wins: a filled @err is left alone, so that unwinding does not hide the cause.
 * Returns -@errnum, or -EINVAL if @errnum is 0.
 */
int error_set(struct error *err, enum tl_status status, int errnum,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
