/* SPDX-License-Identifier: GPL-2.0-only */
/* lzop's file format around LZO1X; see unpack.h. */
#ifndef TL_ARCH_ARM_UNPACK_LZOP_H
#define TL_ARCH_ARM_UNPACK_LZOP_H

#include <stddef.h>
#include <stdint.h>

int unpack_lzop(const uint8_t *in, size_t in_size, uint8_t *out,
		size_t out_size, size_t *used, size_t *made);

#endif
