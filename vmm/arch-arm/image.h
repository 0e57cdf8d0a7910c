/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel files: what they are and how wide their guest is.  No KVM here.
 * Documentation/arm/booting.rst, Documentation/arm64/booting.rst (Linux).
 */
#ifndef TL_ARCH_ARM_IMAGE_H
#define TL_ARCH_ARM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch-arm/kcache.h"
#include "lib/error.h"

enum guest_width { GUEST_WIDTH_ANY = 0, GUEST_32BIT = 32, GUEST_64BIT = 64 };

enum image_format {
	IMAGE_ZIMAGE, /* 32-bit Linux, self-decompressing */
	IMAGE_ARM64,  /* 64-bit Linux Image (unpacked here if it is packed) */
	IMAGE_KERNEL, /* what was in a zImage (zimage.h) */
	IMAGE_FLAT,   /* anything else executable, no header */
};

/* What a zImage from Linux 5.7 on says of itself; all 0 for others. */
struct zimage_info {
	size_t data_end; /* of the compressed kernel, its size word included */
	size_t kernel_size; /* inflated */
	size_t bss_size;
	uint64_t text_offset; /* of the kernel, from the start of RAM */
};

struct image {
	enum image_format format;
	enum guest_width width;
	uint8_t *data; /* owned; only to be read if it is in @map */
	size_t size;   /* bytes to copy into guest memory */
	void *map;     /* a file of the cache of kernels; NULL: malloc'ed */
	size_t map_size;
	/* Offset from the start of RAM (IMAGE_ARM64: from a 2 MiB boundary). */
	uint64_t text_offset;
	/* Bytes of RAM the kernel uses from its load address on: file, BSS and,
	 * for a zImage, room to decompress.  At least @size. */
	uint64_t footprint;
	struct zimage_info zimage; /* IMAGE_ZIMAGE */
};

/*
 * Read and recognize @path; unpack it, if it is packed as a whole, or take that
 * from @cache (NULL: none).  @want is the width asked for by option, or
 * GUEST_WIDTH_ANY; a flat image without one is 64-bit (32-bit on an ARMv7
 * host, which passes GUEST_32BIT).  Errors have status TL_IMAGE and name what
 * the file is instead (text, ELF, x86 bzImage, uImage,
 * truncated), what width was expected, and what to pass.
 */
int image_load(const char *path, enum guest_width want, struct kcache *cache,
	       struct image *img, struct error *err);

/* Free @data alone, or all of it. */
void image_drop_data(struct image *img);
void image_free(struct image *img);

#endif
