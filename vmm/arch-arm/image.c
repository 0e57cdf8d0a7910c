// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch-arm/image.h"
#include "arch-arm/image-ident.h"
#include "arch-arm/unpack.h"
#include "lib/file.h"

#define MIB (1024UL * 1024)

/* No kernel comes near; a decompression bomb does. */
#define IMAGE_MAX (1024 * MIB)
/* More than this cannot be what a header means: 4 GiB of code and BSS. */
#define FOOTPRINT_MAX (4096ULL * MIB)

/*
 * A 32-bit zImage, arch/arm/boot/compressed/head.S: magic, start and end are
 * little-endian in any kernel, the flag after them has the kernel's own order.
 * Kernels from 4.15 on point to a table of {words, tag, data...}.
 */
#define ZIMAGE_MAGIC_AT     0x24
#define ZIMAGE_MAGIC        0x016f2818
#define ZIMAGE_MAGIC_BE     0x18286f01 /* big-endian kernels before 3.x */
#define ZIMAGE_START_AT     0x28
#define ZIMAGE_END_AT       0x2c
#define ZIMAGE_HDR_SIZE     0x30
#define ZIMAGE_ENDIAN_AT    0x30
#define ZIMAGE_ENDIAN       0x04030201
#define ZIMAGE_TABLE_SIG_AT 0x34
#define ZIMAGE_TABLE_SIG    0x45454545
#define ZIMAGE_TABLE_AT     0x38
#define ZIMAGE_HDR_TABLE    0x3c
#define ZIMAGE_TAG_SIZE     0x5a534c4b
#define ZIMAGE_TABLE_MAX    32 /* tags; there is one today */
/* Devicetree Specification 5.2: big-endian 0xd00dfeed. */
#define FDT_MAGIC 0xedfe0dd0

/* Where a zImage is loaded: above its own page tables, so that it sets up the
 * MMU before it moves itself out of the way. */
#define ZIMAGE_LOAD_OFFSET 0x8000
/* The largest TEXT_OFFSET in arch/arm/Makefile, for kernels that do not tell. */
#define ZIMAGE_TEXT_OFFSET_MAX 0x208000
/* Decompressor after its image: BSS, 4 KiB of stack, 64 KiB of heap, the
 * relocation's rounding; arch/arm/boot/compressed/. */
#define ZIMAGE_HEADROOM 0x20000
/* Inflated size over zImage size where it is not told; XZ comes to 5. */
#define ZIMAGE_RATIO 6

/* A 64-bit Image, Documentation/arm64/booting.rst section 4. */
#define ARM64_TEXT_OFFSET_AT     0x08
#define ARM64_IMAGE_SIZE_AT      0x10
#define ARM64_FLAGS_AT           0x18
#define ARM64_MAGIC_AT           0x38
#define ARM64_MAGIC              0x644d5241
#define ARM64_HDR_SIZE           0x40
#define ARM64_FLAG_BE            0x1
#define ARM64_LEGACY_TEXT_OFFSET 0x80000
#define ARM64_ALIGN              (2 * MIB)

/* Where QEMU's virt machine loads a raw image (hw/arm/boot.c there). */
#define FLAT32_LOAD_OFFSET 0x10000
#define FLAT64_LOAD_OFFSET 0x80000
/* A flat image says nothing of its BSS and stack. */
#define FLAT_HEADROOM MIB

/* EFI zboot, drivers/firmware/efi/libstub/zboot-header.S (Linux 6.1). */
#define ZBOOT_MAGIC_AT  0x04
#define ZBOOT_OFFSET_AT 0x08
#define ZBOOT_SIZE_AT   0x0c
#define ZBOOT_TYPE_AT   0x18
#define ZBOOT_TYPE_SIZE 8
#define ZBOOT_HDR_SIZE  0x40

static bool has_pe_header(const uint8_t *data, size_t size, size_t *pe)
{
	if (size < 0x40 || memcmp(data, "MZ", 2))
		return false;
	*pe = image_le32(data + 0x3c);
	return *pe <= size - 24 && !memcmp(data + *pe, "PE\0\0", 4);
}

/*
 * Bytes the file must have by its EFI stub's section table (PE/COFF
 * specification, "COFF File Header" and "Section Table"), or 0 if it has none.
 */
static uint64_t pe_file_size(const uint8_t *data, size_t size)
{
	size_t pe, sec;
	uint64_t end = 0, e;
	unsigned int i, nr;

	if (!has_pe_header(data, size, &pe))
		return 0;
	nr = image_le16(data + pe + 6);
	sec = pe + 24 + image_le16(data + pe + 20);
	for (i = 0; i < nr; i++, sec += 40) {
		if (sec + 40 > size)
			break;
		e = (uint64_t)image_le32(data + sec + 16) +
		    image_le32(data + sec + 20);
		if (e > end)
			end = e;
	}
	return end;
}

static int truncated(const char *path, uint64_t have, uint64_t want,
		     struct error *err)
{
	return error_set(err, TL_IMAGE, ENOEXEC,
			 "kernel %s is truncated: it has %llu of %llu bytes; "
			 "copy or download it again",
			 path, (unsigned long long)have,
			 (unsigned long long)want);
}

static int damaged(const char *path, const char *what, struct error *err)
{
	return error_set(err, TL_IMAGE, ENOEXEC,
			 "kernel %s is damaged: %s; copy or build it again",
			 path, what);
}

static int big_endian(const char *path, struct error *err)
{
	return error_set(err, TL_IMAGE, ENOEXEC,
			 "kernel %s is big-endian; trapline runs little-endian "
			 "guests only",
			 path);
}

/* What the size table tells; all 0 where there is none. */
struct zimage_sizes {
	uint64_t inflated;
	uint64_t bss;
	uint64_t text_offset;
	size_t data_end; /* no more than there is */
};

static int zimage_read_table(const char *path, const struct image *img,
			     struct zimage_sizes *sz, struct error *err)
{
	const uint8_t *d = img->data;
	uint64_t at, words, size_at;
	unsigned int i;

	if (img->size < ZIMAGE_HDR_TABLE ||
	    image_le32(d + ZIMAGE_TABLE_SIG_AT) != ZIMAGE_TABLE_SIG)
		return 0;
	at = image_le32(d + ZIMAGE_TABLE_AT);
	for (i = 0; i < ZIMAGE_TABLE_MAX; i++, at += words * 4) {
		if (at + 4 > img->size)
			return damaged(path, "its size table lies outside it",
				       err);
		words = image_le32(d + at);
		if (words == 0)
			return 0;
		if (at + 16 > img->size)
			return damaged(path, "its size table lies outside it",
				       err);
		if (image_le32(d + at + 4) != ZIMAGE_TAG_SIZE)
			continue;

		size_at = image_le32(d + at + 8);
		if (size_at + 4 > img->size)
			return damaged(path, "its size table points outside it",
				       err);
		sz->inflated = image_le32(d + size_at);
		sz->data_end = (size_t)size_at + 4;
		sz->bss = image_le32(d + at + 12);
		/* Since 5.7: {6, tag, size, BSS, TEXT_OFFSET, heap}. */
		if (words >= 6 && at + 20 <= img->size)
			sz->text_offset = image_le32(d + at + 16);
		return 0;
	}
	return 0;
}

static bool has_appended_dtb(const struct image *img)
{
	const uint64_t end = image_le32(img->data + ZIMAGE_END_AT);
	const uint64_t start = image_le32(img->data + ZIMAGE_START_AT);

	return img->size >= end - start + 4 &&
	       image_le32(img->data + (end - start)) == FDT_MAGIC;
}

/*
 * The decompressor's use of memory, from ZIMAGE_LOAD_OFFSET up: the kernel
 * unpacked at TEXT_OFFSET, then either the zImage moved behind it with its
 * heap, or later the kernel's BSS, whichever ends higher.
 */
static int zimage_footprint(const char *path, struct image *img,
			    struct error *err)
{
	struct zimage_sizes sz = { 0 };
	uint64_t tail, lift;
	int ret;

	ret = zimage_read_table(path, img, &sz, err);
	if (ret < 0)
		return ret;
	if (sz.inflated > IMAGE_MAX || sz.bss > IMAGE_MAX ||
	    sz.text_offset > 128 * MIB)
		return damaged(path, "its size table makes no sense", err);
	/* A device tree behind it is what its decompressor would pass on. */
	if (sz.text_offset && !has_appended_dtb(img))
		img->zimage = (struct zimage_info){
			.data_end = sz.data_end,
			.kernel_size = (size_t)sz.inflated,
			.bss_size = (size_t)sz.bss,
			.text_offset = sz.text_offset,
		};
	if (!sz.inflated)
		sz.inflated = (uint64_t)img->size * ZIMAGE_RATIO;
	if (!sz.text_offset)
		sz.text_offset = ZIMAGE_TEXT_OFFSET_MAX;

	lift = sz.text_offset > ZIMAGE_LOAD_OFFSET
		       ? sz.text_offset - ZIMAGE_LOAD_OFFSET
		       : 0;
	tail = img->size + ZIMAGE_HEADROOM;
	if (tail < sz.bss)
		tail = sz.bss;
	img->footprint = lift + sz.inflated + tail;
	return 0;
}

static int parse_zimage(const char *path, struct image *img, struct error *err)
{
	uint32_t start, end;
	uint64_t need;

	if (image_le32(img->data + ZIMAGE_MAGIC_AT) == ZIMAGE_MAGIC_BE)
		return big_endian(path, err);
	if (img->size < ZIMAGE_HDR_SIZE)
		return truncated(path, img->size, ZIMAGE_HDR_SIZE, err);
	start = image_le32(img->data + ZIMAGE_START_AT);
	end = image_le32(img->data + ZIMAGE_END_AT);
	if (end <= start || end - start < ZIMAGE_HDR_SIZE)
		return damaged(path, "its zImage header gives no size", err);
	if (img->size >= ZIMAGE_HDR_TABLE &&
	    image_le32(img->data + ZIMAGE_ENDIAN_AT) ==
		    __builtin_bswap32(ZIMAGE_ENDIAN))
		return big_endian(path, err);
	need = end - start;
	if (img->size < need)
		return truncated(path, img->size, need, err);

	img->format = IMAGE_ZIMAGE;
	img->width = GUEST_32BIT;
	img->text_offset = ZIMAGE_LOAD_OFFSET;
	return zimage_footprint(path, img, err);
}

static int parse_arm64(const char *path, struct image *img, struct error *err)
{
	uint64_t image_size, flags, need;

	if (img->size < ARM64_HDR_SIZE)
		return truncated(path, img->size, ARM64_HDR_SIZE, err);
	image_size = image_le64(img->data + ARM64_IMAGE_SIZE_AT);
	flags = image_le64(img->data + ARM64_FLAGS_AT);

	/* Before 3.17 there was no image size, and text_offset may have had
	 * the kernel's own byte order. */
	if (image_size == 0) {
		img->text_offset = ARM64_LEGACY_TEXT_OFFSET;
		img->footprint = img->size + img->size / 2 + 2 * MIB;
	} else {
		if (flags & ARM64_FLAG_BE)
			return big_endian(path, err);
		img->text_offset = image_le64(img->data + ARM64_TEXT_OFFSET_AT);
		img->footprint = image_size;
	}
	if (img->text_offset >= ARM64_ALIGN || img->text_offset % 4)
		return damaged(path, "its text_offset is out of range", err);
	if (img->footprint > FOOTPRINT_MAX)
		return damaged(path, "its image_size is out of range", err);
	need = pe_file_size(img->data, img->size);
	if (img->size < need)
		return truncated(path, img->size, need, err);
	if (img->footprint < img->size)
		img->footprint = img->size;

	img->format = IMAGE_ARM64;
	img->width = GUEST_64BIT;
	return 0;
}

static int parse_flat(const char *path, enum guest_width want,
		      struct image *img, struct error *err)
{
	char buf[160];
	const char *is = image_ident(img->data, img->size, buf, sizeof(buf));

	if (is)
		return error_set(err, TL_IMAGE, ENOEXEC, "kernel %s is %s",
				 path, is);
	/* One instruction is the least that can run. */
	if (img->size < 4)
		return error_set(err, TL_IMAGE, ENOEXEC,
				 "kernel %s has only %zu bytes; a guest needs "
				 "a zImage (32-bit) or an Image (64-bit)",
				 path, img->size);

	img->format = IMAGE_FLAT;
	img->width = want == GUEST_32BIT ? GUEST_32BIT : GUEST_64BIT;
	img->text_offset = img->width == GUEST_32BIT ? FLAT32_LOAD_OFFSET
						     : FLAT64_LOAD_OFFSET;
	img->footprint = img->size + FLAT_HEADROOM;
	return 0;
}

static bool is_zimage(const uint8_t *data, size_t size)
{
	uint32_t magic;

	if (size < ZIMAGE_MAGIC_AT + 4)
		return false;
	magic = image_le32(data + ZIMAGE_MAGIC_AT);
	return magic == ZIMAGE_MAGIC || magic == ZIMAGE_MAGIC_BE;
}

static bool is_arm64(const uint8_t *data, size_t size)
{
	return size >= ARM64_MAGIC_AT + 4 &&
	       image_le32(data + ARM64_MAGIC_AT) == ARM64_MAGIC;
}

static bool is_zboot(const uint8_t *data, size_t size)
{
	return size >= ZBOOT_HDR_SIZE && !memcmp(data, "MZ", 2) &&
	       !memcmp(data + ZBOOT_MAGIC_AT, "zimg", 4);
}

static int unpack_error(const char *path, const char *format, int ret,
			struct error *err)
{
	switch (ret) {
	case -ENOMEM:
		return error_set(err, TL_IMAGE, ENOMEM,
				 "no memory to decompress kernel %s", path);
	case -EFBIG:
		return error_set(err, TL_IMAGE, EFBIG,
				 "kernel %s decompresses to more than %lu MiB, "
				 "which no kernel does",
				 path, IMAGE_MAX / MIB);
	default:
		return error_set(err, TL_IMAGE, ENOEXEC,
				 "kernel %s is damaged: its %s data is corrupt "
				 "or ends early; copy or download it again",
				 path, format);
	}
}

/* Replace @img's data by what the @size bytes at @offset in it unpack to. */
static int unpack_image(const char *path, struct image *img,
			const struct unpack_format *format, size_t offset,
			size_t size, struct kcache *cache, struct error *err)
{
	uint8_t key[KCACHE_DIGEST];
	struct image out = { 0 };
	int ret;

	if (cache)
		kcache_key(cache, img->data + offset, size, key);
	if (!cache || !kcache_get(cache, key, &out.map, &out.map_size,
				  &out.data, &out.size)) {
		ret = unpack_all(format, img->data + offset, size, IMAGE_MAX,
				 &out.data, &out.size);
		if (ret < 0)
			return unpack_error(path, format->name, ret, err);
		if (cache)
			kcache_put(cache, key, out.data, out.size);
	}
	image_drop_data(img);
	*img = out;
	return 0;
}

static int unpack_zboot(const char *path, struct image *img,
			struct kcache *cache, struct error *err)
{
	const uint32_t offset = image_le32(img->data + ZBOOT_OFFSET_AT);
	const uint32_t size = image_le32(img->data + ZBOOT_SIZE_AT);
	const uint64_t end = (uint64_t)offset + size;
	const struct unpack_format *format;
	char type[ZBOOT_TYPE_SIZE + 1] = { 0 };

	if (end > img->size)
		return truncated(path, img->size, end, err);
	format = unpack_format_of(img->data + offset, size);
	if (format)
		return unpack_image(path, img, format, offset, size, cache,
				    err);
	memcpy(type, img->data + ZBOOT_TYPE_AT, ZBOOT_TYPE_SIZE);
	return error_set(err, TL_IMAGE, ENOEXEC,
			 "kernel %s is an EFI zboot image of a kind (%s) that "
			 "cannot be unpacked here; take the Image it was made "
			 "from",
			 path, type);
}

static int check_width(const char *path, enum guest_width want,
		       const struct image *img, struct error *err)
{
	if (want == GUEST_WIDTH_ANY || want == img->width)
		return 0;
	if (want == GUEST_32BIT)
		return error_set(err, TL_IMAGE, ENOEXEC,
				 "kernel %s is a 64-bit ARM kernel, but a "
				 "32-bit guest (--aarch32, or an ARMv7 host) "
				 "needs a zImage",
				 path);
	return error_set(err, TL_IMAGE, ENOEXEC,
			 "kernel %s is a 32-bit ARM kernel, but a 64-bit guest "
			 "needs an Image",
			 path);
}

int image_load(const char *path, enum guest_width want, struct kcache *cache,
	       struct image *img, struct error *err)
{
	const struct unpack_format *format;
	int ret;

	memset(img, 0, sizeof(*img));
	ret = file_read(path, "kernel", IMAGE_MAX, TL_IMAGE, &img->data,
			&img->size, err);
	if (ret < 0)
		return ret;
	if (img->size == 0) {
		ret = error_set(err, TL_IMAGE, ENOEXEC,
				"kernel %s is empty; a guest needs a zImage "
				"(32-bit) or an Image (64-bit)",
				path);
		goto fail;
	}

	format = unpack_format_of(img->data, img->size);
	if (format)
		ret = unpack_image(path, img, format, 0, img->size, cache, err);
	else if (is_zboot(img->data, img->size))
		ret = unpack_zboot(path, img, cache, err);
	if (ret < 0)
		goto fail;

	if (is_zimage(img->data, img->size))
		ret = parse_zimage(path, img, err);
	else if (is_arm64(img->data, img->size))
		ret = parse_arm64(path, img, err);
	else
		ret = parse_flat(path, want, img, err);
	if (ret == 0)
		ret = check_width(path, want, img, err);
	if (ret == 0)
		return 0;
fail:
	image_free(img);
	return ret;
}

void image_drop_data(struct image *img)
{
	if (img->map)
		munmap(img->map, img->map_size);
	else
		free(img->data);
	img->data = img->map = NULL;
}

void image_free(struct image *img)
{
	image_drop_data(img);
	memset(img, 0, sizeof(*img));
}
