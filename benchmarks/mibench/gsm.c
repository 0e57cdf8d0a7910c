// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSM 06.10 full rate speech by libgsm, as MiBench's toast and untoast.
 */
#include <gsm.h>
#include <stdio.h>
#include <string.h>

#include "workload.h"

int gsm_main(int argc, char **argv)
{
	enum { SAMPLES = 160 };
	gsm_signal pcm[SAMPLES];
	gsm_frame frame;
	gsm state;
	size_t n;
	int status = 1;

	if (argc != 1 ||
	    (strcmp(argv[0], "encode") && strcmp(argv[0], "decode")))
		return 2;
	state = gsm_create();
	if (!state)
		return 1;
	if (argv[0][0] == 'e') {
		while ((n = fread(pcm, 2, SAMPLES, stdin)) > 0) {
			memset(&pcm[n], 0, (SAMPLES - n) * 2);
			gsm_encode(state, pcm, frame);
			fwrite(frame, sizeof(frame), 1, stdout);
		}
	} else {
		while (fread(frame, sizeof(frame), 1, stdin) == 1) {
			if (gsm_decode(state, frame, pcm) < 0)
				goto out;
			fwrite(pcm, 2, SAMPLES, stdout);
		}
	}
	status = ferror(stdin) ? 1 : 0;
out:
	gsm_destroy(state);
	return status;
}
