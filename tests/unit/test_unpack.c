// SPDX-License-Identifier: GPL-2.0-only
/* Each format, made here by its library or by hand. */
#include <errno.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zstd.h>

#include "arch-arm/unpack.h"

#define BLOCK (8UL << 20) /* of lz4's legacy format */
#define SIZE  (BLOCK + 300000)
#define ROOM  (2 * SIZE)

static uint8_t *plain, *packed, *out;

static size_t pack_gzip(void)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	size_t n = libdeflate_gzip_compress(c, plain, SIZE, packed, ROOM);

	libdeflate_free_compressor(c);
	return n;
}

static size_t pack_xz(void)
{
	size_t n = 0;

	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL,
						 plain, SIZE, packed, &n, ROOM),
			 LZMA_OK);
	return n;
}

static size_t pack_lzma(void)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	size_t n;

	lzma_lzma_preset(&options, 1);
	assert_int_equal(lzma_alone_encoder(&l, &options), LZMA_OK);
	l.next_in = plain;
	l.avail_in = SIZE;
	l.next_out = packed;
	l.avail_out = ROOM;
	assert_int_equal(lzma_code(&l, LZMA_FINISH), LZMA_STREAM_END);
	n = l.total_out;
	lzma_end(&l);
	return n;
}

static size_t pack_zstd(void)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	/* As zstd(1) does. */
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(c, packed, ROOM, plain, SIZE);
	ZSTD_freeCCtx(c);
	assert_false(ZSTD_isError(n));
	return n;
}

static size_t pack_lz4(void)
{
	LZ4F_preferences_t prefs = LZ4F_INIT_PREFERENCES;

	prefs.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
	return LZ4F_compressFrame(packed, ROOM, plain, SIZE, &prefs);
}

static void put32(uint8_t *p, uint32_t val)
{
	p[0] = val;
	p[1] = val >> 8;
	p[2] = val >> 16;
	p[3] = val >> 24;
}

static void put32be(uint8_t *p, uint32_t val)
{
	put32(p, __builtin_bswap32(val));
}

static size_t pack_lz4_legacy(void)
{
	size_t at, n = 4, part;
	int size;

	put32(packed, 0x184c2102);
	for (at = 0; at < SIZE; at += part) {
		part = SIZE - at < BLOCK ? SIZE - at : BLOCK;
		size = LZ4_compress_default((char *)plain + at,
					    (char *)packed + n + 4, part,
					    LZ4_compressBound(part));
		assert_true(size > 0);
		put32(packed + n, size);
		n += 4 + size;
	}
	return n;
}

/* As lzop 1.04 does: adler32 of the unpacked data, blocks of 256 KiB. */
static size_t pack_lzop(void)
{
	static const uint8_t head[] = {
		0x89, 'L',  'Z',  'O',  0,    '\r', '\n', 0x1a,
		'\n',                               /* magic */
		0x10, 0x40, 0x20, 0xa0, 0x09, 0x40, /* versions */
		3,    9,                            /* method, level */
		0x03, 0,    0,    1,                /* flags: Unix, adler32 */
		0,    0,    0x81, 0xa4,             /* mode */
		0,    0,    0,    0,    0,    0,    0,    0, /* time */
		3,    'I',  'm',  'g',                       /* name */
		0,    0,    0,    0, /* checksum, which nobody looks at */
	};
	void *work = malloc(LZO1X_1_MEM_COMPRESS);
	size_t at, n = sizeof(head), part;
	lzo_uint size;

	memcpy(packed, head, n);
	for (at = 0; at < SIZE; at += part) {
		part = SIZE - at < 0x40000 ? SIZE - at : 0x40000;
		lzo1x_1_compress(plain + at, part, packed + n + 12, &size,
				 work);
		if (size >= part) {
			size = part;
			memcpy(packed + n + 12, plain + at, part);
		}
		put32be(packed + n, part);
		put32be(packed + n + 4, size);
		put32be(packed + n + 8,
			libdeflate_adler32(1, plain + at, part));
		n += 12 + size;
	}
	free(work);
	put32be(packed + n, 0);
	return n + 4;
}

static const struct {
	const char *name;
	size_t (*pack)(void);
	bool checked; /* it has a checksum of the content */
} kinds[] = {
	{ "gzip", pack_gzip, true },       { "xz", pack_xz, true },
	{ "lzma", pack_lzma, false },      { "lz4", pack_lz4, true },
	{ "lz4", pack_lz4_legacy, false }, { "lzop", pack_lzop, true },
	{ "zstd", pack_zstd, true },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct unpack_format *format_of(size_t i, size_t n)
{
	const struct unpack_format *f = unpack_format_of(packed, n);

	assert_non_null(f);
	assert_string_equal(f->name, kinds[i].name);
	return f;
}

/* One that compresses well and one that does not, in each. */
static int setup(void **state)
{
	size_t i;

	(void)state;
	plain = malloc(SIZE);
	packed = malloc(ROOM);
	out = malloc(SIZE);
	for (i = 0; i < SIZE; i++)
		plain[i] = (uint8_t)((i & 0x1c0000) == 0x1c0000 ? random()
								: (long)i / 64);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(plain);
	free(packed);
	free(out);
	return 0;
}

static void test_exact(void **state)
{
	const struct unpack_format *f;
	size_t i, n, used, made;

	(void)state;
	for (i = 0; i < NR_KINDS; i++) {
		n = kinds[i].pack();
		f = format_of(i, n);
		memset(out, 0, SIZE);
		assert_int_equal(f->unpack(packed, n, out, SIZE, &used, &made),
				 0);
		assert_int_equal(used, n);
		assert_int_equal(made, SIZE);
		assert_memory_equal(out, plain, SIZE);
	}
}

static void test_too_little_room(void **state)
{
	const struct unpack_format *f;
	size_t i, n, used, made;

	(void)state;
	for (i = 0; i < NR_KINDS; i++) {
		n = kinds[i].pack();
		f = format_of(i, n);
		assert_int_equal(f->unpack(packed, n, out, SIZE - 1, &used,
					   &made),
				 -ENOSPC);
		assert_int_equal(f->unpack(packed, n, out, 1, &used, &made),
				 -ENOSPC);
	}
}

static void test_all(void **state)
{
	const struct unpack_format *f;
	uint8_t *data;
	size_t i, n, size;

	(void)state;
	for (i = 0; i < NR_KINDS; i++) {
		n = kinds[i].pack();
		f = format_of(i, n);
		assert_int_equal(
			unpack_all(f, packed, n, 1 << 30, &data, &size), 0);
		assert_int_equal(size, SIZE);
		assert_memory_equal(data, plain, SIZE);
		free(data);
		assert_int_equal(unpack_all(f, packed, n, SIZE - 1, &data,
					    &size),
				 -EFBIG);
	}
}

/* Cut short or damaged: never a crash, and never taken for what it was. */
static void test_damaged(void **state)
{
	const struct unpack_format *f;
	size_t i, n, at, used, made;
	uint8_t *copy, was;
	int ret;

	(void)state;
	for (i = 0; i < NR_KINDS; i++) {
		n = kinds[i].pack();
		f = format_of(i, n);
		for (at = 10; at < n; at += n / 7) {
			/* Its end is the end of the memory, for ASan. */
			copy = malloc(at);
			memcpy(copy, packed, at);
			ret = f->unpack(copy, at, out, SIZE, &used, &made);
			free(copy);
			assert_true(ret == -EBADMSG ||
				    (!ret && made < SIZE && !kinds[i].checked));
		}
		for (at = n / 5; at + 8 < n; at += n / 5) {
			was = packed[at];
			packed[at] ^= 0x10;
			ret = f->unpack(packed, n, out, SIZE, &used, &made);
			if (kinds[i].checked)
				assert_true(ret == -EBADMSG || ret == -ENOSPC);
			packed[at] = was;
		}
	}
}

static void test_none(void **state)
{
	(void)state;
	memset(packed, 0xff, 64);
	assert_null(unpack_format_of(packed, 64));
	assert_null(unpack_format_of(packed, 0));
	memcpy(packed, "\x1f\x8b", 2);
	assert_null(unpack_format_of(packed, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_too_little_room),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
