// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs under one name; see workload.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "workload.h"

/* gen pcm SAMPLES | gen ppm WIDTH HEIGHT: an input to standard output */
static int gen_main(int argc, char **argv)
{
	unsigned long a, b;
	size_t size;
	void *data;
	int ok;

	if (argc < 2 || argc > 3)
		return 2;
	a = strtoul(argv[1], NULL, 10);
	b = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	if (a < 1 || a > 1 << 26 || b < 1 || b > 1 << 14 || a * b > 1 << 26)
		return 2;
	if (argc == 2 && !strcmp(argv[0], "pcm"))
		size = a * sizeof(int16_t);
	else if (argc == 3 && !strcmp(argv[0], "ppm"))
		size = a * b * 3;
	else
		return 2;
	data = malloc(size);
	if (!data)
		return 1;
	if (argc == 2) {
		input_pcm(data, a, 1);
	} else {
		input_rgb(data, (unsigned int)a, (unsigned int)b);
		printf("P6\n%lu %lu\n255\n", a, b);
	}
	ok = fwrite(data, 1, size, stdout) == size;
	free(data);
	return ok ? 0 : 1;
}

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *usage;
} programs[] = {
	{ "adpcm", adpcm_main, "encode|decode <IN >OUT" },
	{ "gsm", gsm_main, "encode|decode <IN >OUT" },
	{ "crc32", crc32_main, "PASSES <IN >OUT" },
	{ "fft", fft_main, "ROUNDS POINTS [inverse] >OUT" },
	{ "jpeg", jpeg_main, "encode|decode <IN >OUT" },
	{ "load", load_main,
	  "syscall|fork|touch|sched N, disk FILE random|sequential "
	  "read|write SIZE N, net HOST up|down|echo N, serve" },
	{ "gen", gen_main, "pcm SAMPLES >OUT | gen ppm WIDTH HEIGHT >OUT" },
	{ "cell", cell_main, "[--wait] PLAN [NAME...]" },
};

#define NR_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

int main(int argc, char **argv)
{
	size_t i;

#ifdef __arm__
	/*
	 * libjpeg looks for "neon" in /proc/cpuinfo, where an arm64 kernel has
	 * other words for it except to those who ask like this.
	 */
	personality(PER_LINUX32);
#endif
	for (i = 0; argc > 1 && i < NR_PROGRAMS; i++) {
		int status;

		if (strcmp(argv[1], programs[i].name))
			continue;
		status = programs[i].main(argc - 2, argv + 2);
		if (status == 2)
			break;
		if (fflush(stdout) || ferror(stdout))
			status = 1;
		/* A cell has said it in its table. */
		if (status && strcmp(argv[1], "cell"))
			fprintf(stderr,
				"mibench: %s: bad input, or no room "
				"for the output\n",
				argv[1]);
		return status;
	}
	for (i = 0; i < NR_PROGRAMS; i++)
		fprintf(stderr, "%s mibench %s %s\n",
			i ? "      " : "usage:", programs[i].name,
			programs[i].usage);
	return 2;
}
