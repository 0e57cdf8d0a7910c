// SPDX-License-Identifier: GPL-2.0-only
/*
 * JPEG by libjpeg: binary PPM to JPEG with the options that MiBench gives cjpeg
 * (-dct int -progressive -opt), and back.  libjpeg-turbo promises the integer
 * DCT to be the same to the bit with and without SIMD.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* wants stdio.h before it */
#include <jpeglib.h>

#include "workload.h"

/* libjpeg's own handler of errors prints one line and ends the process. */
static int encode(void)
{
	struct jpeg_compress_struct jpeg = { 0 };
	struct jpeg_error_mgr errors;
	unsigned int width, height;
	JSAMPROW row;

	if (scanf("P6 %u %u 255", &width, &height) != 2 || getchar() != '\n' ||
	    width < 1 || width > 65500 || height < 1 || height > 65500)
		return 1;
	row = malloc((size_t)width * 3);
	if (!row)
		return 1;
	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_stdio_dest(&jpeg, stdout);
	jpeg.image_width = width;
	jpeg.image_height = height;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_RGB;
	jpeg_set_defaults(&jpeg);
	jpeg.dct_method = JDCT_ISLOW;
	jpeg.optimize_coding = TRUE;
	jpeg_simple_progression(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	while (jpeg.next_scanline < height) {
		if (fread(row, 3, width, stdin) != width)
			break;
		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	if (jpeg.next_scanline == height)
		jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	free(row);
	return jpeg.next_scanline == height ? 0 : 1;
}

static int decode(void)
{
	struct jpeg_decompress_struct jpeg = { 0 };
	struct jpeg_error_mgr errors;
	JSAMPROW row;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_stdio_src(&jpeg, stdin);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.dct_method = JDCT_ISLOW;
	jpeg.out_color_space = JCS_RGB;
	jpeg_start_decompress(&jpeg);
	row = malloc((size_t)jpeg.output_width * 3);
	if (!row) {
		jpeg_destroy_decompress(&jpeg);
		return 1;
	}
	printf("P6\n%u %u\n255\n", jpeg.output_width, jpeg.output_height);
	while (jpeg.output_scanline < jpeg.output_height) {
		jpeg_read_scanlines(&jpeg, &row, 1);
		fwrite(row, 3, jpeg.output_width, stdout);
	}
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
	free(row);
	return 0;
}

int jpeg_main(int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "encode"))
		return encode();
	if (argc == 1 && !strcmp(argv[0], "decode"))
		return decode();
	return 2;
}
