/* SPDX-License-Identifier: GPL-2.0-only */
/* What a file is when it is no kernel that can be booted here. */
#ifndef TL_ARCH_ARM_IMAGE_IDENT_H
#define TL_ARCH_ARM_IMAGE_IDENT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Recognize the @size bytes at @data as something that is certainly not a flat
 * ARM image.  Gives NULL, or what it is and what to do about it, as the end of
 * the sentence "kernel FILE is ...": in @buf, or a constant.
 */
const char *image_ident(const uint8_t *data, size_t size, char *buf,
			size_t buf_size);

/* Little-endian fields of a file image; the caller has checked the bounds. */
static inline uint32_t image_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t image_le64(const uint8_t *p)
{
	return image_le32(p) | (uint64_t)image_le32(p + 4) << 32;
}

static inline uint16_t image_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

#endif
