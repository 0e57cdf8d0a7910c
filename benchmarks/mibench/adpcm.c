// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "workload.h"

static const int16_t step_sizes[89] = {
	7,     8,     9,     10,    11,    12,    13,    14,    16,    17,
	19,    21,    23,    25,    28,    31,    34,    37,    41,    45,
	50,    55,    60,    66,    73,    80,    88,    97,    107,   118,
	130,   143,   157,   173,   190,   209,   230,   253,   279,   307,
	337,   371,   408,   449,   494,   544,   598,   658,   724,   796,
	876,   963,   1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,
	2272,  2499,  2749,  3024,  3327,  3660,  4026,  4428,  4871,  5358,
	5894,  6484,  7132,  7845,  8630,  9493,  10442, 11487, 12635, 13899,
	15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};

static const int8_t index_steps[8] = { -1, -1, -1, -1, 2, 4, 6, 8 };

static int limit(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

int16_t adpcm_decode(struct adpcm *state, unsigned int code)
{
	int step = step_sizes[state->index];
	int diff = step >> 3;

	if (code & 4)
		diff += step;
	if (code & 2)
		diff += step >> 1;
	if (code & 1)
		diff += step >> 2;
	if (code & 8)
		diff = -diff;
	state->predicted = limit(state->predicted + diff, INT16_MIN, INT16_MAX);
	state->index = limit(state->index + index_steps[code & 7], 0, 88);
	return (int16_t)state->predicted;
}

unsigned int adpcm_encode(struct adpcm *state, int16_t sample)
{
	int diff = sample - state->predicted;
	int step = step_sizes[state->index];
	unsigned int code = 0;

	if (diff < 0) {
		code = 8;
		diff = -diff;
	}
	if (diff >= step) {
		code |= 4;
		diff -= step;
	}
	step >>= 1;
	if (diff >= step) {
		code |= 2;
		diff -= step;
	}
	if (diff >= step >> 1)
		code |= 1;
	/* The decoder's state, so that errors do not add up. */
	adpcm_decode(state, code);
	return code;
}

int adpcm_main(int argc, char **argv)
{
	/* MiBench reads so many at once. */
	enum { CHUNK = 1000 };
	struct adpcm state = { 0 };
	int16_t pcm[CHUNK];
	uint8_t codes[CHUNK / 2];
	size_t n, i;

	if (argc == 1 && !strcmp(argv[0], "encode")) {
		while ((n = fread(pcm, 2, CHUNK, stdin)) > 0) {
			if (n % 2)
				pcm[n++] = 0;
			for (i = 0; i < n; i += 2) {
				unsigned int high, low;

				high = adpcm_encode(&state, pcm[i]);
				low = adpcm_encode(&state, pcm[i + 1]);
				codes[i / 2] = (uint8_t)(high << 4 | low);
			}
			fwrite(codes, 1, n / 2, stdout);
		}
	} else if (argc == 1 && !strcmp(argv[0], "decode")) {
		while ((n = fread(codes, 1, CHUNK / 2, stdin)) > 0) {
			for (i = 0; i < n; i++) {
				pcm[2 * i] =
					adpcm_decode(&state, codes[i] >> 4);
				pcm[2 * i + 1] =
					adpcm_decode(&state, codes[i] & 15);
			}
			fwrite(pcm, 4, n, stdout);
		}
	} else {
		return 2;
	}
	return ferror(stdin) ? 1 : 0;
}
