// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch-arm/unpack.h"
#include "arch-arm/zimage.h"

/* Behind the data, but for gzip, which ends with it: the unpacked size. */
#define SIZE_WORD 4

/* The decompressor's code comes first, so a format's magic may be no magic. */
static bool unpack_as(const struct unpack_format *format,
		      const struct image *img, uint8_t *out)
{
	const struct zimage_info *info = &img->zimage;
	const uint8_t *at = img->data, *end = img->data + info->data_end;
	size_t used, made;

	if (strcmp(format->name, "gzip"))
		end -= SIZE_WORD;
	while (at < end && (at = memmem(at, (size_t)(end - at), format->magic,
					format->magic_size))) {
		const size_t left = (size_t)(end - at);

		if (!format->unpack(at, left, out, info->kernel_size, &used,
				    &made) &&
		    used == left && made == info->kernel_size)
			return true;
		at++;
	}
	return false;
}

static int unpack(const struct image *img, struct image *out)
{
	const struct unpack_format *format;

	out->size = img->zimage.kernel_size;
	out->data = unpack_alloc(out->size);
	if (!out->data)
		return -ENOMEM;
	for (format = unpack_formats; format->name; format++)
		if (unpack_as(format, img, out->data))
			return 0;
	free(out->data);
	return -ENOTSUP;
}

int zimage_unpack(struct image *img, struct kcache *cache)
{
	const struct zimage_info *info = &img->zimage;
	struct image out = { .format = IMAGE_KERNEL,
			     .width = GUEST_32BIT,
			     .text_offset = info->text_offset,
			     .footprint = info->kernel_size + info->bss_size };
	uint8_t key[KCACHE_DIGEST];
	int ret;

	if (img->format != IMAGE_ZIMAGE || info->data_end <= SIZE_WORD ||
	    !info->kernel_size)
		return -ENOTSUP;
	if (cache)
		kcache_key(cache, img->data, img->size, key);
	if (!cache || !kcache_get(cache, key, &out.map, &out.map_size,
				  &out.data, &out.size)) {
		ret = unpack(img, &out);
		if (ret)
			return ret;
		if (cache)
			kcache_put(cache, key, out.data, out.size);
	} else if (out.size != info->kernel_size) {
		image_drop_data(&out);
		return -ENOTSUP;
	}
	image_drop_data(img);
	*img = out;
	return 0;
}
