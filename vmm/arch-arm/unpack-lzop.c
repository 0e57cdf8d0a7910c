// SPDX-License-Identifier: GPL-2.0-only
/*
 * lzop's format, as lib/decompress_unlzo.c in Linux reads it.  Big-endian:
 *
 *   magic, version, library version, [version needed], method, [level], flags,
 *   [filter], mode, time, [time's upper half], length of a name, the name,
 *   checksum; what is in brackets depends on version and flags
 *
 *   blocks: unpacked size (0: the end), packed size, checksums of the unpacked
 *   and, if it is smaller, of the packed data, the data
 */
#include <errno.h>
#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <stdbool.h>
#include <string.h>

#include "arch-arm/unpack-lzop.h"

#define MAGIC_SIZE    9
#define VERSION_LEVEL 0x940 /* from there on with level and version needed */

#define F_ADLER32_D   0x001
#define F_ADLER32_C   0x002
#define F_CRC32_D     0x100
#define F_CRC32_C     0x200
#define F_FILTER      0x800

/* lzop itself writes blocks of 256 KiB. */
#define BLOCK_MAX (64U << 20)

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad; /* it ended early */
};

static uint32_t take(struct reader *r, unsigned int bytes)
{
	uint32_t val = 0;

	if (r->left < bytes) {
		r->bad = true;
		r->left = 0;
		return 0;
	}
	for (; bytes; bytes--, r->left--)
		val = val << 8 | *r->p++;
	return val;
}

static void skip(struct reader *r, size_t bytes)
{
	if (r->left < bytes) {
		r->bad = true;
		bytes = r->left;
	}
	r->p += bytes;
	r->left -= bytes;
}

static uint32_t read_header(struct reader *r)
{
	uint32_t version, flags;

	skip(r, MAGIC_SIZE);
	version = take(r, 2);
	skip(r, 2);
	if (version >= VERSION_LEVEL)
		skip(r, 2);
	skip(r, 1);
	if (version >= VERSION_LEVEL)
		skip(r, 1);
	flags = take(r, 4);
	if (flags & F_FILTER)
		skip(r, 4);
	skip(r, 4 + 4);
	if (version >= VERSION_LEVEL)
		skip(r, 4);
	skip(r, take(r, 1));
	skip(r, 4);
	return flags;
}

/* One block of @size unpacked bytes to @out. */
static int read_block(struct reader *r, uint32_t flags, uint8_t *out,
		      uint32_t size)
{
	const uint32_t packed = take(r, 4);
	uint32_t adler = 0, crc = 0;
	lzo_uint made = size;

	if (flags & F_ADLER32_D)
		adler = take(r, 4);
	if (flags & F_CRC32_D)
		crc = take(r, 4);
	if (packed < size && flags & F_ADLER32_C)
		skip(r, 4);
	if (packed < size && flags & F_CRC32_C)
		skip(r, 4);
	if (r->bad || packed > size || packed > r->left)
		return -EBADMSG;
	if (packed == size)
		memcpy(out, r->p, size);
	else if (lzo1x_decompress_safe(r->p, packed, out, &made, NULL) !=
			 LZO_E_OK ||
		 made != size)
		return -EBADMSG;
	skip(r, packed);
	if ((flags & F_ADLER32_D &&
	     libdeflate_adler32(1, out, size) != adler) ||
	    (flags & F_CRC32_D && libdeflate_crc32(0, out, size) != crc))
		return -EBADMSG;
	return 0;
}

int unpack_lzop(const uint8_t *in, size_t in_size, uint8_t *out,
		size_t out_size, size_t *used, size_t *made)
{
	struct reader r = { .p = in, .left = in_size };
	uint32_t flags, size;
	int ret;

	*made = 0;
	flags = read_header(&r);
	while ((size = take(&r, 4))) {
		if (r.bad || size > BLOCK_MAX)
			return -EBADMSG;
		if (size > out_size - *made)
			return -ENOSPC;
		ret = read_block(&r, flags, out + *made, size);
		if (ret)
			return ret;
		*made += size;
	}
	*used = in_size - r.left;
	return r.bad ? -EBADMSG : 0;
}
