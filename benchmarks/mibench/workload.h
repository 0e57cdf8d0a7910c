/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The five programs of the experiment, as one static binary: what MiBench has
 * under telecomm/{adpcm,gsm,CRC32,FFT} and consumer/jpeg.  Every output is a
 * function of the arguments alone, to the bit, on each architecture, so that a
 * digest tells whether a run did its work.
 */
#ifndef BENCHMARKS_WORKLOAD_H
#define BENCHMARKS_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- inputs (input.c) --- */

/* Sound like a voice: @n samples at 8 kHz; the same for the same @seed. */
void input_pcm(int16_t *samples, size_t n, uint32_t seed);

/* A picture with slopes, edges and noise: @width x @height, RGB, 8 bits. */
void input_rgb(uint8_t *rgb, unsigned int width, unsigned int height);

#define DIGEST_INIT UINT64_C(0xcbf29ce484222325)

/* FNV-1a, 64 bits, of @len bytes more; start with DIGEST_INIT. */
uint64_t digest_add(uint64_t digest, const void *data, size_t len);

/* --- IMA ADPCM, 4 bits a sample (adpcm.c; IMA Digital Audio Focus, 1992) --- */

struct adpcm {
	int predicted; /* -32768..32767 */
	int index;     /* 0..88, into the table of step sizes */
};

/* One sample to a code of 0..15, and back; @state starts as all zeros. */
unsigned int adpcm_encode(struct adpcm *state, int16_t sample);
int16_t adpcm_decode(struct adpcm *state, unsigned int code);

/* --- FFT of a power of two of points (fft.c) --- */

/*
 * In place; @inverse undoes it, scale included.  0, or -EINVAL if @n is not a
 * power of two from 2 to 2^24, or -ENOMEM.
 */
int fft(double *re, double *im, size_t n, int inverse);

/* --- the programs: main(), less argv[0]; the status --- */

int adpcm_main(int argc, char **argv); /* encode|decode <IN >OUT */
int gsm_main(int argc, char **argv);   /* encode|decode <IN >OUT */
int crc32_main(int argc, char **argv); /* PASSES <IN >OUT */
int fft_main(int argc, char **argv);   /* ROUNDS POINTS [inverse] >OUT */
int jpeg_main(int argc, char **argv);  /* encode|decode <IN >OUT */

/*
 * Not computing (loads.c): syscall N; fork N; touch MIB; sched MESSAGES; disk
 * DEVICE random|sequential read|write SIZE N; net HOST up|down|echo BYTES,
 * against "serve" there.
 */
int load_main(int argc, char **argv);

/* --- what runs and times them (cell.c) --- */

/*
 * [--wait] PLAN [NAME...]: run the benchmarks of the file PLAN, or those named,
 * and print what each took.  --wait: print "@ready NAME" before each and start
 * it when a line comes.
 */
int cell_main(int argc, char **argv);

#endif
