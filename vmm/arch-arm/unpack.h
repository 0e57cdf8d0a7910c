/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels are compressed with, by the libraries that keep the formats.
 * All in memory, from one block into one.
 */
#ifndef TL_ARCH_ARM_UNPACK_H
#define TL_ARCH_ARM_UNPACK_H

#include <stddef.h>
#include <stdint.h>

struct unpack_format {
	const char *name; /* "gzip" */
	const char *magic;
	size_t magic_size;
	/*
	 * The first stream at @in into @out, both all there is; *@used of @in
	 * and *@made of @out.  -ENOSPC where @out_size is too little,
	 * -EBADMSG for data that is damaged or ends early, -ENOMEM.
	 */
	int (*unpack)(const uint8_t *in, size_t in_size, uint8_t *out,
		      size_t out_size, size_t *used, size_t *made);
};

/*
 * gzip, xz, lzma, lz4 (legacy, as kernels are packed, and frames), lzop, zstd;
 * ended by a row without name.
 */
extern const struct unpack_format unpack_formats[];

/* The one whose magic @data begins with, or NULL. */
const struct unpack_format *unpack_format_of(const uint8_t *data, size_t size);

/*
 * Memory for @size bytes that are written once from end to end, in huge pages
 * where that is worth it; for free().  NULL: no memory.
 */
void *unpack_alloc(size_t size);

/*
 * Unpack what begins at @in to at most @max bytes.  *@out is for free().  What
 * follows the first stream is ignored.  -EFBIG beyond @max, -EBADMSG, -ENOMEM.
 */
int unpack_all(const struct unpack_format *format, const uint8_t *in,
	       size_t in_size, size_t max, uint8_t **out, size_t *out_size);

#endif
