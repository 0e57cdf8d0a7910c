// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "arch-arm/image.h"
#include "lib/file.h"

static char path[] = "/tmp/test_image.XXXXXX";

static void put32(uint8_t *p, uint32_t v)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static void store(const void *data, size_t size)
{
	assert_int_equal(file_write(path, "test", data, size, TL_FAIL, NULL),
			 0);
}

static int load(const void *data, size_t size, enum guest_width want,
		struct image *img, struct error *err)
{
	store(data, size);
	memset(err, 0, sizeof(*err));
	return image_load(path, want, NULL, img, err);
}

/* The file is refused with one line that has @with in it. */
static void refuse_as(const void *data, size_t size, enum guest_width want,
		      const char *with)
{
	struct image img;
	struct error err;

	assert_true(load(data, size, want, &img, &err) < 0);
	assert_int_equal(err.status, TL_IMAGE);
	assert_null(img.data);
	assert_null(strchr(err.text, '\n'));
	assert_non_null(strstr(err.text, path));
	if (!strstr(err.text, with))
		fail_msg("no '%s' in: %s", with, err.text);
}

static void refuse(const void *data, size_t size, const char *with)
{
	refuse_as(data, size, GUEST_WIDTH_ANY, with);
}

/* Bytes that no recognizer takes for anything. */
static void fill(uint8_t *p, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		p[i] = (uint8_t)(0x80 + i * 7);
}

#define ZSIZE    0x2000
#define ZTABLE   0x1000
#define ZPIGGY   0x1ffc
#define INFLATED 0x500000
#define ZBSS     0x30000

/* A zImage of Linux 6.1 as its header tells it. */
static void make_zimage(uint8_t *z)
{
	fill(z, ZSIZE);
	put32(z + 0x24, 0x016f2818);
	put32(z + 0x28, 0);
	put32(z + 0x2c, ZSIZE);
	put32(z + 0x30, 0x04030201);
	put32(z + 0x34, 0x45454545);
	put32(z + 0x38, ZTABLE);
	put32(z + ZTABLE, 6);
	put32(z + ZTABLE + 4, 0x5a534c4b);
	put32(z + ZTABLE + 8, ZPIGGY);
	put32(z + ZTABLE + 12, ZBSS);
	put32(z + ZTABLE + 16, 0x8000);
	put32(z + ZTABLE + 20, 0x10000);
	put32(z + ZTABLE + 24, 0);
	put32(z + ZPIGGY, INFLATED);
}

#define ASIZE      0x3000
#define IMAGE_SIZE 0x1aa0000

static void make_arm64(uint8_t *a)
{
	fill(a, ASIZE);
	put64(a + 0x08, 0);
	put64(a + 0x10, IMAGE_SIZE);
	put64(a + 0x18, 0xa);
	put32(a + 0x38, 0x644d5241);
}

/* An EFI stub's header with one section, of @size bytes at @offset. */
static void add_pe(uint8_t *p, uint32_t offset, uint32_t size)
{
	memcpy(p, "MZ", 2);
	put32(p + 0x3c, 0x40);
	memset(p + 0x40, 0, 0x100);
	memcpy(p + 0x40, "PE\0\0\x64\xaa\x01\0", 8);
	p[0x40 + 20] = 0xa0;
	put32(p + 0x40 + 24 + 0xa0 + 16, size);
	put32(p + 0x40 + 24 + 0xa0 + 20, offset);
}

static size_t gzip(const void *data, size_t size, uint8_t *out, size_t room)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8,
				      Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_in = (uint8_t *)data;
	z.avail_in = (uInt)size;
	z.next_out = out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static void zimage(void **state)
{
	uint8_t z[ZSIZE + 64];
	struct image img;
	struct error err;

	(void)state;
	make_zimage(z);
	assert_int_equal(load(z, ZSIZE, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.format, IMAGE_ZIMAGE);
	assert_int_equal(img.width, GUEST_32BIT);
	assert_int_equal(img.size, ZSIZE);
	assert_int_equal(img.text_offset, 0x8000);
	assert_memory_equal(img.data, z, ZSIZE);
	/* Inflated, and behind that the moved zImage with stack and heap. */
	assert_true(img.footprint >= INFLATED + ZSIZE + 0x11000);
	assert_true(img.footprint < INFLATED + ZSIZE + 0x100000);
	image_free(&img);

	/* A BSS larger than the decompressor is what counts. */
	put32(z + ZTABLE + 12, 0x700000);
	assert_int_equal(load(z, ZSIZE, GUEST_32BIT, &img, &err), 0);
	assert_int_equal(img.footprint, INFLATED + 0x700000);
	image_free(&img);

	/* TEXT_OFFSET other than the load address lifts everything. */
	put32(z + ZTABLE + 16, 0x208000);
	assert_int_equal(load(z, ZSIZE, GUEST_32BIT, &img, &err), 0);
	assert_int_equal(img.footprint, 0x200000 + INFLATED + 0x700000);
	image_free(&img);

	/* A device tree may be appended. */
	make_zimage(z);
	memset(z + ZSIZE, 0, 64);
	assert_int_equal(load(z, ZSIZE + 64, GUEST_32BIT, &img, &err), 0);
	assert_int_equal(img.size, ZSIZE + 64);
	image_free(&img);
}

static void zimage_without_table(void **state)
{
	uint8_t z[ZSIZE];
	struct image img;
	struct error err;

	(void)state;
	make_zimage(z);
	put32(z + 0x34, 0xe1a00000);
	assert_int_equal(load(z, ZSIZE, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_true(img.footprint >= 5 * ZSIZE);
	image_free(&img);

	/* Nor the endian flag, as before 3.17. */
	put32(z + 0x30, 0xe1a00000);
	assert_int_equal(load(z, ZSIZE, GUEST_WIDTH_ANY, &img, &err), 0);
	image_free(&img);

	/* The least that is one. */
	put32(z + 0x2c, 0x30);
	assert_int_equal(load(z, 0x30, GUEST_WIDTH_ANY, &img, &err), 0);
	image_free(&img);
}

static void bad_zimages(void **state)
{
	uint8_t z[ZSIZE];
	size_t n;

	(void)state;
	make_zimage(z);
	refuse(z, ZSIZE - 1, "is truncated: it has 8191 of 8192 bytes");
	for (n = 0x28; n < ZSIZE; n += n < 0x80 ? 1 : 97)
		refuse(z, n, "is truncated");
	refuse_as(z, ZSIZE, GUEST_64BIT, "needs an Image");

	put32(z + 0x2c, 0);
	refuse(z, ZSIZE, "is damaged");
	put32(z + 0x28, 0x100);
	put32(z + 0x2c, 0x80);
	refuse(z, ZSIZE, "is damaged");

	make_zimage(z);
	put32(z + 0x38, ZSIZE - 2);
	refuse(z, ZSIZE, "size table");
	put32(z + 0x38, UINT32_MAX);
	refuse(z, ZSIZE, "size table");
	make_zimage(z);
	put32(z + ZTABLE + 8, ZSIZE - 3);
	refuse(z, ZSIZE, "size table");
	make_zimage(z);
	put32(z + ZPIGGY, UINT32_MAX);
	refuse(z, ZSIZE, "size table");
	make_zimage(z);
	put32(z + ZTABLE + 12, UINT32_MAX);
	refuse(z, ZSIZE, "size table");
	/* A table without end, and a jump out of the file. */
	make_zimage(z);
	put32(z + ZTABLE + 4, 0x11111111);
	put32(z + ZTABLE, 0x40000000);
	refuse(z, ZSIZE, "size table");

	make_zimage(z);
	put32(z + 0x30, 0x01020304);
	refuse(z, ZSIZE, "big-endian");
	put32(z + 0x24, 0x18286f01);
	refuse(z, ZSIZE, "big-endian");
}

static void arm64_image(void **state)
{
	uint8_t a[ASIZE];
	struct image img;
	struct error err;

	(void)state;
	make_arm64(a);
	assert_int_equal(load(a, ASIZE, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.format, IMAGE_ARM64);
	assert_int_equal(img.width, GUEST_64BIT);
	assert_int_equal(img.size, ASIZE);
	assert_int_equal(img.text_offset, 0);
	assert_int_equal(img.footprint, IMAGE_SIZE);
	image_free(&img);

	put64(a + 0x08, 0x80000);
	assert_int_equal(load(a, ASIZE, GUEST_64BIT, &img, &err), 0);
	assert_int_equal(img.text_offset, 0x80000);
	image_free(&img);

	/* image_size 0: before 3.17. */
	put64(a + 0x10, 0);
	put64(a + 0x08, 0x0000080000000000); /* big-endian, says booting.rst */
	assert_int_equal(load(a, ASIZE, GUEST_64BIT, &img, &err), 0);
	assert_int_equal(img.text_offset, 0x80000);
	assert_true(img.footprint > ASIZE);
	image_free(&img);

	/* A header that claims less than there is. */
	make_arm64(a);
	put64(a + 0x10, 1);
	assert_int_equal(load(a, ASIZE, GUEST_64BIT, &img, &err), 0);
	assert_int_equal(img.footprint, ASIZE);
	image_free(&img);
}

static void bad_arm64_images(void **state)
{
	uint8_t a[ASIZE];
	size_t n;

	(void)state;
	make_arm64(a);
	refuse_as(a, ASIZE, GUEST_32BIT, "needs a zImage");
	for (n = 0x3c; n < 0x40; n++)
		refuse(a, n, "is truncated");
	put64(a + 0x18, 0xb);
	refuse(a, ASIZE, "big-endian");
	make_arm64(a);
	put64(a + 0x08, 0x200000);
	refuse(a, ASIZE, "text_offset is out of range");
	put64(a + 0x08, UINT64_MAX);
	refuse(a, ASIZE, "text_offset is out of range");
	make_arm64(a);
	put64(a + 0x10, UINT64_MAX);
	refuse(a, ASIZE, "image_size is out of range");

	make_arm64(a);
	add_pe(a, 0x1000, 0x2000);
	refuse(a, ASIZE - 1, "is truncated: it has 12287 of 12288 bytes");
	/* The offset of the PE header is anything. */
	put32(a + 0x3c, UINT32_MAX);
	store(a, ASIZE);
	{
		struct image img;

		assert_int_equal(
			image_load(path, GUEST_WIDTH_ANY, NULL, &img, NULL), 0);
		image_free(&img);
	}
}

static void gzipped(void **state)
{
	uint8_t a[ASIZE], z[ZSIZE], gz[2 * ASIZE], gz2[2 * ASIZE];
	struct image img;
	struct error err;
	size_t n, n2;

	(void)state;
	make_arm64(a);
	n = gzip(a, ASIZE, gz, sizeof(gz));
	assert_int_equal(load(gz, n, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.format, IMAGE_ARM64);
	assert_int_equal(img.size, ASIZE);
	assert_memory_equal(img.data, a, ASIZE);
	image_free(&img);

	/* What follows the data is not looked at. */
	memset(gz + n, 0xff, 16);
	assert_int_equal(load(gz, n + 16, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.size, ASIZE);
	image_free(&img);

	for (n2 = 3; n2 < n; n2 += 5)
		refuse(gz, n2, "gzip data is corrupt or ends early");
	gz[n / 2] ^= 0x55;
	refuse(gz, n, "is damaged: its gzip data");

	make_zimage(z);
	n = gzip(z, ZSIZE, gz, sizeof(gz));
	assert_int_equal(load(gz, n, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.format, IMAGE_ZIMAGE);
	image_free(&img);

	n2 = gzip(gz, n, gz2, sizeof(gz2));
	refuse(gz2, n2, "twice with gzip");
	n = gzip("some text\n", 10, gz, sizeof(gz));
	refuse(gz, n, "a text file");
	n = gzip("", 0, gz, sizeof(gz));
	refuse(gz, n, "has only 0 bytes");
}

/* Highly compressible: many times the input, and the buffer has to grow. */
static void inflates_far(void **state)
{
	size_t size = 8 << 20, n;
	uint8_t *a = calloc(1, size), *gz = malloc(size);
	struct image img;
	struct error err;

	(void)state;
	make_arm64(a);
	n = gzip(a, size, gz, size);
	assert_true(n < size / 100);
	assert_int_equal(load(gz, n, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.size, size);
	assert_memory_equal(img.data, a, size);
	image_free(&img);
	free(a);
	free(gz);
}

static void zboot(void **state)
{
	uint8_t a[ASIZE], gz[2 * ASIZE], zb[3 * ASIZE];
	struct image img;
	struct error err;
	size_t n;

	(void)state;
	make_arm64(a);
	n = gzip(a, ASIZE, gz, sizeof(gz));
	memset(zb, 0, 0x200);
	memcpy(zb, "MZ\0\0zimg", 8);
	put32(zb + 0x08, 0x200);
	put32(zb + 0x0c, (uint32_t)n);
	memcpy(zb + 0x18, "gzip", 5);
	memcpy(zb + 0x200, gz, n);
	assert_int_equal(load(zb, 0x200 + n, GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.format, IMAGE_ARM64);
	assert_int_equal(img.size, ASIZE);
	image_free(&img);

	refuse(zb, 0x200 + n - 1, "is truncated");
	put32(zb + 0x08, UINT32_MAX);
	put32(zb + 0x0c, UINT32_MAX);
	refuse(zb, 0x200 + n, "is truncated");
	put32(zb + 0x08, 0x200);
	put32(zb + 0x0c, 0);
	memcpy(zb + 0x18, "bzip2", 6);
	refuse(zb, 0x200 + n, "of a kind (bzip2)");
}

static void flat(void **state)
{
	uint8_t f[4096];
	struct image img;
	struct error err;

	(void)state;
	fill(f, sizeof(f));
	assert_int_equal(load(f, sizeof(f), GUEST_WIDTH_ANY, &img, &err), 0);
	assert_int_equal(img.format, IMAGE_FLAT);
	assert_int_equal(img.width, GUEST_64BIT);
	assert_int_equal(img.text_offset, 0x80000);
	assert_true(img.footprint > sizeof(f));
	image_free(&img);

	assert_int_equal(load(f, sizeof(f), GUEST_32BIT, &img, &err), 0);
	assert_int_equal(img.width, GUEST_32BIT);
	assert_int_equal(img.text_offset, 0x10000);
	image_free(&img);

	/* wfi; b . */
	assert_int_equal(load("\x7f\x20\x03\xd5\xff\xff\xff\x17", 8,
			      GUEST_WIDTH_ANY, &img, &err),
			 0);
	image_free(&img);
	refuse("\x7f\x20\x03", 3, "has only 3 bytes");
}

static void wrong_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *says;
	} heads[] = {
		{ "\xfd"
		  "7zXZ\0",
		  6, "its xz data is corrupt" },
		{ "\x28\xb5\x2f\xfd", 4, "its zstd data is corrupt" },
		{ "\x02\x21\x4c\x18", 4, "its lz4 data is corrupt" },
		{ "\x04\x22\x4d\x18", 4, "its lz4 data is corrupt" },
		{ "BZh9", 4, "compressed with bzip2" },
		{ "\x5d\0\0\x80\0", 5, "its lzma data is corrupt" },
		{ "\x89LZO", 4, "compressed with lzop" },
		{ "\x27\x05\x19\x56", 4, "uImage" },
		{ "\xd0\x0d\xfe\xed", 4, "a device tree or a FIT image" },
		{ "070701", 6, "pass it with -i" },
		{ "!<arch>\n", 8, "Debian package" },
		{ "QFI\xfb", 4, "qcow2" },
		{ "\x7f"
		  "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xb7\0",
		  20, "aarch64-linux-gnu-objcopy -O binary" },
		{ "\x7f"
		  "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\x28\0",
		  20, "arm-linux-gnueabihf-objcopy -O binary" },
		{ "\x7f"
		  "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0",
		  20, "ELF file for x86" },
		{ "\x7f"
		  "ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\x16",
		  20, "e_machine 22" },
	};
	uint8_t f[0x300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		fill(f, sizeof(f));
		memcpy(f, heads[i].bytes, heads[i].len);
		refuse(f, sizeof(f), heads[i].says);
		refuse(f, heads[i].len, heads[i].says);
	}
	refuse("\x7f"
	       "ELF\2",
	       5, "an ELF file cut short");

	fill(f, sizeof(f));
	memcpy(f + 0x1fe, "\x55\xaa", 2);
	memcpy(f + 0x202, "HdrS", 4);
	refuse(f, sizeof(f), "x86 kernel (bzImage)");

	fill(f, sizeof(f));
	add_pe(f, 0, 0);
	refuse(f, sizeof(f), "machine 0xaa64");

	memset(f, 0, sizeof(f));
	refuse(f, sizeof(f), "filled with zeros");
}

static void text_files(void **state)
{
	char page[5000];

	(void)state;
	refuse("a", 1, "a text file");
	refuse("#!/bin/sh\necho hello\n", 21, "a text file");
	refuse("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\n", 16,
	       "a text file");
	/* The first 4 KiB tell, even where they end inside a character. */
	memset(page, 'x', sizeof(page));
	page[4095] = '\xc3';
	page[4999] = '\0';
	refuse(page, sizeof(page), "a text file");
}

static void not_a_file(void **state)
{
	struct error err = { 0 };
	struct image img;

	(void)state;
	refuse("", 0, "is empty");
	assert_true(image_load("/tmp", GUEST_WIDTH_ANY, NULL, &img, &err) < 0);
	assert_non_null(strstr(err.text, "/tmp is a directory"));
	assert_int_equal(err.status, TL_IMAGE);

	memset(&err, 0, sizeof(err));
	assert_true(image_load("/no/such/Image", GUEST_WIDTH_ANY, NULL, &img,
			       &err) < 0);
	assert_non_null(strstr(err.text, "No such file"));
	assert_int_equal(err.status, TL_IMAGE);

	/* An endless file ends at the limit. */
	memset(&err, 0, sizeof(err));
	assert_true(file_read("/dev/zero", "kernel", 1 << 20, TL_IMAGE,
			      &img.data, &img.size, &err) < 0);
	assert_non_null(strstr(err.text, "larger than 1 MiB"));
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zimage),
		cmocka_unit_test(zimage_without_table),
		cmocka_unit_test(bad_zimages),
		cmocka_unit_test(arm64_image),
		cmocka_unit_test(bad_arm64_images),
		cmocka_unit_test(gzipped),
		cmocka_unit_test(inflates_far),
		cmocka_unit_test(zboot),
		cmocka_unit_test(flat),
		cmocka_unit_test(wrong_files),
		cmocka_unit_test(text_files),
		cmocka_unit_test(not_a_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
