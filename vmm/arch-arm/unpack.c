// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "arch-arm/unpack.h"
#include "arch-arm/unpack-lzop.h"

#define MIB  ((size_t)1 << 20)
#define HUGE (2 * MIB)

/* A kernel's dictionary is smaller; a file that asks for more is none. */
#define LZMA_MEM_MAX (256 * MIB)

/* lz4's legacy format: blocks of that many bytes, but for the last. */
#define LZ4_BLOCK       (8 * MIB)
#define LZ4_LEGACY_SIZE 4 /* of the magic, and of each block's size */

/* Unpacked over packed size, more than which kernels seldom have. */
#define USUAL_RATIO 6

/* libdeflate has a third of zlib's cost where all is in memory. */
static int unpack_gzip(const uint8_t *in, size_t in_size, uint8_t *out,
		       size_t out_size, size_t *used, size_t *made)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	enum libdeflate_result ret;

	if (!d)
		return -ENOMEM;
	ret = libdeflate_gzip_decompress_ex(d, in, in_size, out, out_size, used,
					    made);
	libdeflate_free_decompressor(d);
	if (ret == LIBDEFLATE_INSUFFICIENT_SPACE)
		return -ENOSPC;
	return ret == LIBDEFLATE_SUCCESS ? 0 : -EBADMSG;
}

/* xz and lzma. */
static int unpack_lzma(const uint8_t *in, size_t in_size, uint8_t *out,
		       size_t out_size, size_t *used, size_t *made)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_ret ret;

	if (lzma_auto_decoder(&l, LZMA_MEM_MAX, 0) != LZMA_OK)
		return -ENOMEM;
	l.next_in = in;
	l.avail_in = in_size;
	l.next_out = out;
	l.avail_out = out_size;
	do {
		ret = lzma_code(&l, LZMA_FINISH);
	} while (ret == LZMA_OK);
	*used = in_size - l.avail_in;
	*made = out_size - l.avail_out;
	lzma_end(&l);
	if (ret == LZMA_STREAM_END)
		return 0;
	if (ret == LZMA_MEM_ERROR)
		return -ENOMEM;
	/* Without room it asks for some, whatever else is wrong. */
	return *made == out_size ? -ENOSPC : -EBADMSG;
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* doc/lz4_Frame_format.md, "Legacy frame"; there is no end but the file's. */
static int unpack_lz4_legacy(const uint8_t *in, size_t in_size, uint8_t *out,
			     size_t out_size, size_t *used, size_t *made)
{
	size_t at = LZ4_LEGACY_SIZE, done = 0, room, size;
	int n;

	while (at + LZ4_LEGACY_SIZE <= in_size) {
		size = le32(in + at);
		if (!size || size > (size_t)LZ4_compressBound(LZ4_BLOCK) ||
		    size > in_size - at - LZ4_LEGACY_SIZE)
			break;
		room = out_size - done < LZ4_BLOCK ? out_size - done
						   : LZ4_BLOCK;
		n = LZ4_decompress_safe((const char *)in + at + LZ4_LEGACY_SIZE,
					(char *)out + done, (int)size,
					(int)room);
		if (n < 0)
			return room < LZ4_BLOCK ? -ENOSPC : -EBADMSG;
		at += LZ4_LEGACY_SIZE + size;
		done += (size_t)n;
		if ((size_t)n < LZ4_BLOCK)
			break;
	}
	*used = at;
	*made = done;
	return done ? 0 : -EBADMSG;
}

static int unpack_lz4(const uint8_t *in, size_t in_size, uint8_t *out,
		      size_t out_size, size_t *used, size_t *made)
{
	LZ4F_dctx *ctx;
	size_t left;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
		return -ENOMEM;
	*used = in_size;
	*made = out_size;
	left = LZ4F_decompress(ctx, out, made, in, used, NULL);
	LZ4F_freeDecompressionContext(ctx);
	if (!left)
		return 0;
	return !LZ4F_isError(left) && *made == out_size ? -ENOSPC : -EBADMSG;
}

static int unpack_zstd(const uint8_t *in, size_t in_size, uint8_t *out,
		       size_t out_size, size_t *used, size_t *made)
{
	*used = ZSTD_findFrameCompressedSize(in, in_size);
	if (ZSTD_isError(*used))
		return -EBADMSG;
	*made = ZSTD_decompress(out, out_size, in, *used);
	if (!ZSTD_isError(*made))
		return 0;
	switch (ZSTD_getErrorCode(*made)) {
	case ZSTD_error_dstSize_tooSmall:
		return -ENOSPC;
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

const struct unpack_format unpack_formats[] = {
	{ "gzip", "\x1f\x8b\x08", 3, unpack_gzip },
	{ "xz",
	  "\xfd"
	  "7zXZ\0",
	  6, unpack_lzma },
	{ "lzop", "\x89LZO\0\r\n\x1a\n", 9, unpack_lzop },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, unpack_zstd },
	{ "lz4", "\x02\x21\x4c\x18", 4, unpack_lz4_legacy },
	{ "lz4", "\x04\x22\x4d\x18", 4, unpack_lz4 },
	/* lzma: properties, a dictionary of whole MiB. */
	{ "lzma", "\x5d\0\0", 3, unpack_lzma },
	{ 0 },
};

const struct unpack_format *unpack_format_of(const uint8_t *data, size_t size)
{
	const struct unpack_format *f;

	for (f = unpack_formats; f->name; f++)
		if (size >= f->magic_size &&
		    !memcmp(data, f->magic, f->magic_size))
			return f;
	return NULL;
}

void *unpack_alloc(size_t size)
{
	const size_t whole = (size + HUGE - 1) / HUGE * HUGE;
	void *p;

	if (size < HUGE)
		return malloc(size ? size : 1);
	p = aligned_alloc(HUGE, whole);
	if (p)
		madvise(p, whole, MADV_HUGEPAGE);
	return p;
}

int unpack_all(const struct unpack_format *format, const uint8_t *in,
	       size_t in_size, size_t max, uint8_t **out, size_t *out_size)
{
	size_t room = in_size < max / USUAL_RATIO ? in_size * USUAL_RATIO + MIB
						  : max;
	size_t used;
	uint8_t *p;
	int ret;

	for (;; room *= 2) {
		if (room > max)
			room = max;
		p = unpack_alloc(room);
		if (!p)
			return -ENOMEM;
		ret = format->unpack(in, in_size, p, room, &used, out_size);
		if (!ret) {
			*out = p;
			return 0;
		}
		free(p);
		if (ret != -ENOSPC)
			return ret;
		if (room == max)
			return -EFBIG;
	}
}
