// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC-32 by zlib, of standard input, read PASSES times from its beginning.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "workload.h"

int crc32_main(int argc, char **argv)
{
	static uint8_t buffer[65536];
	unsigned long long total = 0;
	uLong crc = crc32(0, NULL, 0);
	long passes;
	size_t n;

	if (argc != 1)
		return 2;
	passes = strtol(argv[0], NULL, 10);
	while (passes-- > 0) {
		if (fseek(stdin, 0, SEEK_SET))
			return 1;
		while ((n = fread(buffer, 1, sizeof(buffer), stdin)) > 0) {
			crc = crc32(crc, buffer, (uInt)n);
			total += n;
		}
	}
	printf("%08lx %llu\n", crc, total);
	return ferror(stdin) ? 1 : 0;
}
