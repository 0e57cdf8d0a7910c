// SPDX-License-Identifier: GPL-2.0-only
/* zImages made here of a kernel that compresses well and one that does not. */
#include <errno.h>
#include <glob.h>
#include <lz4.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "arch-arm/image.h"
#include "arch-arm/zimage.h"

#define CODE   0x400 /* of the decompressor, before the data */
#define TABLE  0x100
#define KERNEL 300000
#define BSS    0x30000
#define TEXT   0x208000

static uint8_t kernel[KERNEL];
static uint8_t file[2 * KERNEL];
static size_t file_size;

static void put32(size_t at, uint32_t val)
{
	file[at] = val;
	file[at + 1] = val >> 8;
	file[at + 2] = val >> 16;
	file[at + 3] = val >> 24;
}

static size_t pack_gzip(uint8_t *out, size_t room)
{
	z_stream z = { 0 };
	size_t n;

	deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
	z.next_in = kernel;
	z.avail_in = KERNEL;
	z.next_out = out;
	z.avail_out = room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = z.total_out;
	deflateEnd(&z);
	return n;
}

/* As the kernel's xz_wrap.sh: a filter for ARM code, and a CRC-32. */
static size_t pack_xz(uint8_t *out, size_t room)
{
	lzma_options_lzma options;
	lzma_filter filters[] = {
		{ LZMA_FILTER_ARM, NULL },
		{ LZMA_FILTER_LZMA2, &options },
		{ LZMA_VLI_UNKNOWN, NULL },
	};
	size_t n = 0;

	assert_false(lzma_lzma_preset(&options, 6));
	assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32,
						   NULL, kernel, KERNEL, out,
						   &n, room),
			 LZMA_OK);
	return n;
}

static size_t pack_lzma(uint8_t *out, size_t room)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	size_t n;

	assert_false(lzma_lzma_preset(&options, 6));
	assert_int_equal(lzma_alone_encoder(&l, &options), LZMA_OK);
	l.next_in = kernel;
	l.avail_in = KERNEL;
	l.next_out = out;
	l.avail_out = room;
	assert_int_equal(lzma_code(&l, LZMA_FINISH), LZMA_STREAM_END);
	n = l.total_out;
	lzma_end(&l);
	return n;
}

/* lz4 -l: one block; the size word behind it must not pass for another. */
static size_t pack_lz4(uint8_t *out, size_t room)
{
	uint32_t head[2] = { 0x184c2102 };
	int n = LZ4_compress_default((char *)kernel, (char *)out + 8, KERNEL,
				     (int)room - 8);

	assert_true(n > 0);
	head[1] = n;
	memcpy(out, head, 8);
	return 8 + n;
}

typedef size_t (*pack_fn)(uint8_t *out, size_t room);

static void make(pack_fn pack)
{
	size_t i, end, size_at;

	for (i = 0; i < KERNEL; i++)
		kernel[i] = (uint8_t)(i < KERNEL / 2 ? (long)i / 64 : random());
	memset(file, 0, sizeof(file));
	end = CODE + pack(file + CODE, sizeof(file) - CODE - 8);
	/* gzip ends with the size; to the others the kernel's build adds it. */
	size_at = pack == pack_gzip ? end - 4 : end;
	put32(size_at, KERNEL);
	end = size_at + 4;
	file_size = (end + 63) / 64 * 64; /* some data of the decompressor */

	put32(0x24, 0x016f2818);
	put32(0x28, 0);
	put32(0x2c, file_size);
	put32(0x30, 0x04030201);
	put32(0x34, 0x45454545);
	put32(0x38, TABLE);
	put32(TABLE, 6);
	put32(TABLE + 4, 0x5a534c4b);
	put32(TABLE + 8, size_at);
	put32(TABLE + 12, BSS);
	put32(TABLE + 16, TEXT);
	put32(TABLE + 20, 0x10000);
	/* What looks like the data's begin in the code before it. */
	memcpy(file + 0x200, "\x1f\x8b\x08", 3);
	memcpy(file + 0x210,
	       "\xfd"
	       "7zXZ\0",
	       6);
	memcpy(file + 0x208, "\x02\x21\x4c\x18\1\0\0\0", 8);
	memcpy(file + 0x220, "\x5d\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	       13);
}

static void load(struct image *img)
{
	char path[] = "/tmp/test_zimage.XXXXXX";
	struct error err = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, file_size), file_size);
	close(fd);
	assert_int_equal(image_load(path, GUEST_WIDTH_ANY, NULL, img, &err), 0);
	unlink(path);
	assert_int_equal(img->format, IMAGE_ZIMAGE);
}

static void expect_kernel(void)
{
	struct image img;

	load(&img);
	assert_int_equal(zimage_unpack(&img, NULL), 0);
	assert_int_equal(img.format, IMAGE_KERNEL);
	assert_int_equal(img.width, GUEST_32BIT);
	assert_int_equal(img.size, KERNEL);
	assert_memory_equal(img.data, kernel, KERNEL);
	assert_int_equal(img.text_offset, TEXT);
	assert_int_equal(img.footprint, KERNEL + BSS);
	image_free(&img);
}

/* It stays the zImage it was, for the guest to unpack. */
static void expect_left(void)
{
	struct image img, before;

	load(&img);
	before = img;
	assert_int_equal(zimage_unpack(&img, NULL), -ENOTSUP);
	assert_memory_equal(&img, &before, sizeof(img));
	assert_memory_equal(img.data, file, file_size);
	image_free(&img);
}

static void test_formats(void **state)
{
	(void)state;
	make(pack_gzip);
	expect_kernel();
	make(pack_xz);
	expect_kernel();
	make(pack_lzma);
	expect_kernel();
	make(pack_lz4);
	expect_kernel();
}

/* A byte more at the end of each file that matches. */
static void lengthen(const char *pattern)
{
	glob_t g;
	FILE *f;

	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 1);
	f = fopen(g.gl_pathv[0], "a");
	assert_non_null(f);
	fputc('x', f);
	fclose(f);
	globfree(&g);
}

static void remove_all(const char *dir, const char *pattern)
{
	glob_t g;
	size_t i;

	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	for (i = 0; i < g.gl_pathc; i++)
		unlink(g.gl_pathv[i]);
	globfree(&g);
	rmdir(dir);
}

/* The second time it is the file in the cache; a damaged one is not taken. */
static void test_cached(void **state)
{
	char dir[] = "/tmp/test_zimage.XXXXXX", path[80];
	struct kcache cache;
	struct image img;
	unsigned int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	kcache_init(&cache, dir);
	make(pack_gzip);
	for (i = 0; i < 4; i++) {
		load(&img);
		assert_int_equal(zimage_unpack(&img, &cache), 0);
		assert_int_equal(img.format, IMAGE_KERNEL);
		assert_int_equal(!img.map, i % 2 == 0);
		assert_int_equal(img.size, KERNEL);
		assert_memory_equal(img.data, kernel, KERNEL);
		assert_int_equal(img.footprint, KERNEL + BSS);
		image_free(&img);
		snprintf(path, sizeof(path), "%s/kernel-*", dir);
		if (i == 1)
			lengthen(path);
	}
	/* Another zImage with the same kernel in it. */
	file[0x180] ^= 1;
	load(&img);
	assert_int_equal(zimage_unpack(&img, &cache), 0);
	assert_null(img.map);
	image_free(&img);
	kcache_close(&cache);
	snprintf(path, sizeof(path), "%s/*", dir);
	remove_all(dir, path);
}

static void test_appended_dtb(void **state)
{
	(void)state;
	make(pack_gzip);
	put32(file_size, 0xedfe0dd0);
	file_size += 64;
	expect_left();
	/* Anything else there does not matter. */
	put32(file_size - 64, 0x12345678);
	expect_kernel();
}

static void test_old_zimage(void **state)
{
	(void)state;
	make(pack_gzip);
	/* Before 5.7 the table did not have TEXT_OFFSET. */
	put32(TABLE, 4);
	expect_left();
	make(pack_gzip);
	put32(0x34, 0);
	expect_left();
}

static void test_damaged(void **state)
{
	static const pack_fn packs[] = { pack_gzip, pack_xz };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		make(packs[i]);
		file[CODE + file_size / 2] ^= 1;
		expect_left();
		make(packs[i]);
		memset(file + CODE, 0, 16);
		expect_left();
	}
	/* The table and the data do not agree. */
	make(pack_xz);
	put32(0x2c, file_size);
	for (i = file_size - 4; i > CODE; i--)
		if (!memcmp(file + i, "\xe0\x93\4\0", 4))
			put32(i, KERNEL - 1);
	expect_left();
}

static void test_not_a_zimage(void **state)
{
	struct image img = { .format = IMAGE_ARM64 };

	(void)state;
	assert_int_equal(zimage_unpack(&img, NULL), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_cached),
		cmocka_unit_test(test_appended_dtb),
		cmocka_unit_test(test_old_zimage),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_not_a_zimage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
