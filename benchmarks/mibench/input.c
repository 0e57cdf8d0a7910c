// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inputs, by integer arithmetic only.
 */
#include "workload.h"

static uint32_t noise(uint32_t *state)
{
	/* xorshift32 (Marsaglia, 2003) */
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A triangle of period 2^16 in @phase, -16384..16383. */
static int triangle(uint32_t phase)
{
	int p = phase & 0xffff;

	return p < 0x8000 ? p - 0x4000 : 0xbfff - p;
}

void input_pcm(int16_t *samples, size_t n, uint32_t seed)
{
	uint32_t state = seed | 1, pitch = 1000, a = 0, b = 0, c = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		int loud, sum;

		/* A syllable is a quarter of a second, at 8 kHz. */
		if (i % 2000 == 0)
			pitch = 700 + noise(&state) % 900;
		a += pitch;
		b += pitch * 5 + 37;
		c += pitch * 11 + 101;
		sum = triangle(a) + triangle(b) / 2 + triangle(c) / 4;
		sum += (int)(noise(&state) & 0x7ff) - 0x400;
		loud = (int)(i % 2000);
		loud = loud < 1000 ? loud : 2000 - loud;
		samples[i] = (int16_t)(sum / 2 * loud / 1000);
	}
}

static uint8_t clamp(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void input_rgb(uint8_t *rgb, unsigned int width, unsigned int height)
{
	uint32_t state = 0x2545f491;
	unsigned int x, y;

	for (y = 0; y < height; y++)
		for (x = 0; x < width; x++) {
			int grain = (int)(noise(&state) & 15) - 8;
			int edge = ((x / 48) ^ (y / 40)) & 1 ? 60 : 0;
			unsigned int d = (x * x + y * y) / 512;

			*rgb++ = clamp((int)(x * 255 / width) + edge + grain);
			*rgb++ = clamp((int)(y * 255 / height) - edge + grain);
			*rgb++ = clamp((int)(d & 255) / 2 + 64 + grain);
		}
}

uint64_t digest_add(uint64_t digest, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--) {
		digest ^= *p++;
		digest *= UINT64_C(0x100000001b3);
	}
	return digest;
}
