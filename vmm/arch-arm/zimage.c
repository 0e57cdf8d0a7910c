// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libdeflate.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch-arm/zimage.h"

#define MIB  ((size_t)1 << 20)
#define HUGE (2 * MIB)

/* A kernel's dictionary is smaller; a file that asks for more is none. */
#define LZMA_MEM_MAX (256 * MIB)

/* Behind the data, but for gzip, which ends with it: the inflated size. */
#define SIZE_WORD 4

/* One compressed kernel, exactly: so many bytes in, so many out. */
struct job {
	const uint8_t *in;
	size_t in_size; /* SIZE_WORD included */
	uint8_t *out;
	size_t out_size;
};

/* libdeflate has a third of zlib's cost where all is in memory. */
static bool inflate_gzip(const struct job *job)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	size_t in, out;
	int ret;

	if (!d)
		return false;
	ret = libdeflate_gzip_decompress_ex(d, job->in, job->in_size, job->out,
					    job->out_size, &in, &out);
	libdeflate_free_decompressor(d);
	return ret == LIBDEFLATE_SUCCESS && in == job->in_size &&
	       out == job->out_size;
}

static bool inflate_lzma(const struct job *job)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_ret ret;

	if (lzma_auto_decoder(&l, LZMA_MEM_MAX, 0) != LZMA_OK)
		return false;
	l.next_in = job->in;
	l.avail_in = job->in_size - SIZE_WORD;
	l.next_out = job->out;
	l.avail_out = job->out_size;
	ret = lzma_code(&l, LZMA_FINISH);
	lzma_end(&l);
	return ret == LZMA_STREAM_END && !l.avail_in && !l.avail_out;
}

static const struct format {
	const char *magic;
	size_t size;
	bool (*inflate)(const struct job *job);
} formats[] = {
	{ "\x1f\x8b\x08", 3, inflate_gzip },
	{ "\xfd"
	  "7zXZ\0",
	  6, inflate_lzma },
	/* lzma: properties, a dictionary of whole MiB, unknown size. */
	{ "\x5d\0\0", 3, inflate_lzma },
};

/* Written once from end to end: huge pages spare most of the faults. */
static uint8_t *alloc_kernel(size_t size)
{
	const size_t whole = (size + HUGE - 1) / HUGE * HUGE;
	uint8_t *p = aligned_alloc(HUGE, whole);

	if (p)
		madvise(p, whole, MADV_HUGEPAGE);
	return p;
}

/* The decompressor's code comes first, so a format's magic may be no magic. */
static bool unpack_as(const struct format *format, const struct image *img,
		      uint8_t *out)
{
	const struct zimage_info *info = &img->zimage;
	struct job job = { .out = out, .out_size = info->kernel_size };
	const uint8_t *at = img->data, *end = img->data + info->data_end;

	while ((at = memmem(at, end - at, format->magic, format->size))) {
		job.in = at;
		job.in_size = end - at;
		if (job.in_size > SIZE_WORD && format->inflate(&job))
			return true;
		at++;
	}
	return false;
}

int zimage_unpack(struct image *img)
{
	const struct zimage_info info = img->zimage;
	uint8_t *out;
	size_t i;

	if (img->format != IMAGE_ZIMAGE || !info.data_end || !info.kernel_size)
		return -ENOTSUP;
	out = alloc_kernel(info.kernel_size);
	if (!out)
		return -ENOMEM;
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (unpack_as(&formats[i], img, out))
			break;
	if (i == sizeof(formats) / sizeof(formats[0])) {
		free(out);
		return -ENOTSUP;
	}
	free(img->data);
	*img = (struct image){
		.format = IMAGE_KERNEL,
		.width = GUEST_32BIT,
		.data = out,
		.size = info.kernel_size,
		.text_offset = info.text_offset,
		.footprint = info.kernel_size + info.bss_size,
	};
	return 0;
}
