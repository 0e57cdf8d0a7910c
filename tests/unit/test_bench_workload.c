// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark programs compute what their names say.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../benchmarks/mibench/workload.h"

static void digest_vectors(void **state)
{
	(void)state;
	/* FNV's own test vectors */
	assert_true(digest_add(DIGEST_INIT, "", 0) == 0xcbf29ce484222325u);
	assert_true(digest_add(DIGEST_INIT, "a", 1) == 0xaf63dc4c8601ec8cu);
	assert_true(digest_add(DIGEST_INIT, "foobar", 6) ==
		    0x85944171f73967e8u);
	/* in pieces as in one */
	assert_true(digest_add(digest_add(DIGEST_INIT, "foo", 3), "bar", 3) ==
		    0x85944171f73967e8u);
}

static void inputs_repeat(void **state)
{
	static int16_t a[16000], b[16000], c[16000];
	int low = 0, high = 0;

	(void)state;
	input_pcm(a, 16000, 1);
	input_pcm(b, 16000, 1);
	input_pcm(c, 16000, 7);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
	for (int i = 0; i < 16000; i++) {
		low = a[i] < low ? a[i] : low;
		high = a[i] > high ? a[i] : high;
	}
	/* loud enough to work on, and not clipped */
	assert_true(low < -4000 && high > 4000 && low > -32768 && high < 32767);
}

static void adpcm_vectors(void **state)
{
	struct adpcm s = { 0 };

	(void)state;
	/*
	 * By hand: step 7, code 4 is 7 / 8 + 7 = 7, and the index goes to 2;
	 * step 9, code 15 is -(1 + 9 + 4 + 2) = -16, the index to 10.
	 */
	assert_int_equal(adpcm_decode(&s, 4), 7);
	assert_int_equal(s.index, 2);
	assert_int_equal(adpcm_decode(&s, 15), -9);
	assert_int_equal(s.index, 10);
	/* step 19, code 0 is 19 / 8 = 2 */
	assert_int_equal(adpcm_decode(&s, 0), -7);
	assert_int_equal(s.index, 9);
}

static void adpcm_limits(void **state)
{
	struct adpcm s = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		adpcm_decode(&s, 7);
	assert_int_equal(s.predicted, 32767);
	assert_int_equal(s.index, 88);
	for (i = 0; i < 100; i++)
		adpcm_decode(&s, 15);
	assert_int_equal(s.predicted, -32768);
	for (i = 0; i < 200; i++)
		adpcm_decode(&s, 0);
	assert_int_equal(s.index, 0);
}

static void adpcm_round_trip(void **state)
{
	static int16_t pcm[16000];
	struct adpcm to = { 0 }, from = { 0 };
	double signal = 0, error = 0;
	int i;

	(void)state;
	input_pcm(pcm, 16000, 3);
	for (i = 0; i < 16000; i++) {
		unsigned int code = adpcm_encode(&to, pcm[i]);
		int16_t out = adpcm_decode(&from, code);

		assert_true(code < 16);
		/* the encoder knows what the decoder will make of it */
		assert_int_equal(out, to.predicted);
		assert_int_equal(from.index, to.index);
		signal += (double)pcm[i] * pcm[i];
		error += ((double)pcm[i] - out) * ((double)pcm[i] - out);
	}
	assert_true(signal > 50 * error);
}

static void fft_known(void **state)
{
	double re[16], im[16];
	size_t n, i, k;

	(void)state;
	for (n = 2; n <= 16; n *= 2)
		/* a turning pointer has one line in its spectrum, n high */
		for (k = 0; k < n; k++) {
			for (i = 0; i < n; i++) {
				double a = 2 * acos(-1) * (double)(i * k) /
					   (double)n;

				re[i] = cos(a);
				im[i] = sin(a);
			}
			assert_int_equal(fft(re, im, n, 0), 0);
			for (i = 0; i < n; i++) {
				double line = i == k ? (double)n : 0;

				assert_true(fabs(re[i] - line) < 1e-12);
				assert_true(fabs(im[i]) < 1e-12);
			}
		}
}

static void fft_round_trip(void **state)
{
	enum { N = 4096 };
	static double re[N], im[N];
	double power = 0, spectrum = 0;
	size_t i;

	(void)state;
	for (i = 0; i < N; i++) {
		re[i] = (double)(i * 7919 % 1000);
		im[i] = (double)(i * 104729 % 777);
		power += re[i] * re[i] + im[i] * im[i];
	}
	assert_int_equal(fft(re, im, N, 0), 0);
	for (i = 0; i < N; i++)
		spectrum += re[i] * re[i] + im[i] * im[i];
	/* Parseval */
	assert_true(fabs(spectrum / N / power - 1) < 1e-12);
	assert_int_equal(fft(re, im, N, 1), 0);
	for (i = 0; i < N; i++) {
		assert_true(fabs(re[i] - (double)(i * 7919 % 1000)) < 1e-9);
		assert_true(fabs(im[i] - (double)(i * 104729 % 777)) < 1e-9);
	}
}

static void fft_misuse(void **state)
{
	double x[4] = { 0 };

	(void)state;
	assert_int_equal(fft(x, x, 0, 0), -EINVAL);
	assert_int_equal(fft(x, x, 1, 0), -EINVAL);
	assert_int_equal(fft(x, x, 3, 0), -EINVAL);
	assert_int_equal(fft(x, x, (size_t)1 << 25, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_vectors),
		cmocka_unit_test(inputs_repeat),
		cmocka_unit_test(adpcm_vectors),
		cmocka_unit_test(adpcm_limits),
		cmocka_unit_test(adpcm_round_trip),
		cmocka_unit_test(fft_known),
		cmocka_unit_test(fft_round_trip),
		cmocka_unit_test(fft_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
