// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/error.h"

static bool error_is_set(const struct error *err)
{
	return err->status != TL_OK || err->text[0];
}

int error_set(struct error *err, enum tl_status status, int errnum,
	      const char *fmt, ...)
{
	va_list ap;

	/* A caller that passes on what a function returned means the same. */
	if (errnum < 0)
		errnum = -errnum;

	if (err && !error_is_set(err)) {
		/* TL_OK would make main() exit with 0 after a failure. */
		err->status = status == TL_OK ? TL_FAIL : status;
		err->errnum = errnum;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return errnum ? -errnum : -EINVAL;
}
