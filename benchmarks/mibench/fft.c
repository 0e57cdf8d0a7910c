// SPDX-License-Identifier: GPL-2.0-only
/*
 * Radix-2 FFT, decimation in time (Cooley and Tukey, 1965).  The twiddle factors
 * come from basic operations alone, which IEEE 754 rounds the same everywhere;
 * a C library's sine may differ in its last bit from another's.  It is compiled with
 * -ffp-contract=off, or a machine with fused multiply and add would round less.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

static const double pi = 3.14159265358979323846;

/* Of 0 <= @x <= pi/4, by the series. */
static void sine_cosine(double x, double *sine, double *cosine)
{
	double term = x, s = x, c = 1;
	int i;

	for (i = 2; i < 22; i += 2) {
		double even = term * x / i;

		c += i % 4 ? -even : even;
		term = even * x / (i + 1);
		s += i % 4 ? -term : term;
	}
	*sine = s;
	*cosine = c;
}

/* exp(-2 pi i k / n) for k < n / 2: each from its octant. */
static void twiddles(double *re, double *im, size_t n)
{
	size_t k;

	for (k = 0; k < n / 2; k++) {
		size_t eighth = 8 * k / n;
		size_t from = eighth * n / 8, to = (eighth + 1) * n / 8;
		double s, c;

		switch (eighth) {
		case 0:
			sine_cosine(2 * pi * (double)k / (double)n, &s, &c);
			break;
		case 1:
			sine_cosine(2 * pi * (double)(to - k) / (double)n, &c,
				    &s);
			break;
		case 2:
			sine_cosine(2 * pi * (double)(k - from) / (double)n, &c,
				    &s);
			c = -c;
			break;
		default:
			sine_cosine(2 * pi * (double)(to - k) / (double)n, &s,
				    &c);
			c = -c;
			break;
		}
		re[k] = c;
		im[k] = -s;
	}
}

static void bit_reverse(double *re, double *im, size_t n)
{
	size_t i, j = 0, bit;

	for (i = 1; i < n; i++) {
		for (bit = n / 2; j & bit; bit /= 2)
			j ^= bit;
		j |= bit;
		if (i < j) {
			double r = re[i], m = im[i];

			re[i] = re[j];
			im[i] = im[j];
			re[j] = r;
			im[j] = m;
		}
	}
}

int fft(double *re, double *im, size_t n, int inverse)
{
	double *wr, *wi;
	size_t half, i, k;

	if (n < 2 || n > 1 << 24 || n & (n - 1))
		return -EINVAL;
	wr = malloc(n * sizeof(*wr));
	if (!wr)
		return -ENOMEM;
	wi = wr + n / 2;
	if (n >= 8) {
		twiddles(wr, wi, n);
	} else {
		wr[0] = 1;
		wi[0] = 0;
		if (n == 4) {
			wr[1] = 0;
			wi[1] = -1;
		}
	}
	bit_reverse(re, im, n);
	for (half = 1; half < n; half *= 2)
		for (i = 0; i < n; i += 2 * half)
			for (k = 0; k < half; k++) {
				size_t a = i + k, b = a + half;
				double c = wr[k * (n / 2 / half)];
				double s = wi[k * (n / 2 / half)];
				double r, m;

				if (inverse)
					s = -s;
				r = re[b] * c - im[b] * s;
				m = re[b] * s + im[b] * c;
				re[b] = re[a] - r;
				im[b] = im[a] - m;
				re[a] += r;
				im[a] += m;
			}
	if (inverse)
		for (i = 0; i < n; i++) {
			re[i] /= (double)n;
			im[i] /= (double)n;
		}
	free(wr);
	return 0;
}

/*
 * ROUNDS transforms of POINTS points each, of sums of square waves; "inverse":
 * there and back.  The output is the last one's, 64-bit floats.
 */
int fft_main(int argc, char **argv)
{
	double *re, *im;
	long rounds, points;
	size_t n, i;
	int status = 1, inverse;

	if (argc < 2 || argc > 3)
		return 2;
	inverse = argc == 3;
	rounds = strtol(argv[0], NULL, 10);
	points = strtol(argv[1], NULL, 10);
	if (rounds < 1 || points < 2 || (inverse && strcmp(argv[2], "inverse")))
		return 2;
	n = (size_t)points;
	re = malloc(2 * n * sizeof(*re));
	if (!re)
		return 1;
	im = re + n;
	while (rounds-- > 0) {
		for (i = 0; i < n; i++) {
			re[i] = (double)((i >> 3 & 1) + (i >> 5 & 1) * 3 +
					 (i * (size_t)(rounds + 1) & 15));
			im[i] = 0;
		}
		if (fft(re, im, n, 0) || (inverse && fft(re, im, n, 1)))
			goto out;
	}
	if (fwrite(re, sizeof(*re), 2 * n, stdout) == 2 * n)
		status = 0;
out:
	free(re);
	return status;
}
