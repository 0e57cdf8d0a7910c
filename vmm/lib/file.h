/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole files: read one into memory, write one from memory. */
#ifndef TL_LIB_FILE_H
#define TL_LIB_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/*
 * Read all of @path, a regular file or a pipe, of at most @max bytes.  *@data
 * is malloc'ed, never NULL on success, and followed by a NUL that *@size does
 * not count; an empty file succeeds.  @what ("kernel") and @status are for the
 * error line.  -ENOENT, -EACCES, -EISDIR, -EFBIG beyond @max, -ENOMEM, -EIO.
 */
int file_read(const char *path, const char *what, size_t max,
	      enum tl_status status, uint8_t **data, size_t *size,
	      struct error *err);

/*
 * Create or replace @path with @size bytes; a file that could not be written
 * in full is removed.  Errors as open(2), write(2) and close(2) give them.
 */
int file_write(const char *path, const char *what, const void *data,
	       size_t size, enum tl_status status, struct error *err);

/*
 * Write @text in one write(2) to @path, which is there: a file that the kernel
 * made.  Errors as open(2) and write(2) give them.
 */
int file_put(const char *path, const char *text);

#endif
