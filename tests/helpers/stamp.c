// SPDX-License-Identifier: GPL-2.0-only
/*
 * stamp: copy standard input to standard output, before each line the
 * milliseconds since this machine came up (CLOCK_BOOTTIME, as /proc/uptime).
 */
#include <stdio.h>
#include <time.h>

int main(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		struct timespec ts;

		clock_gettime(CLOCK_BOOTTIME, &ts);
		printf("%lld %s", ts.tv_sec * 1000LL + ts.tv_nsec / 1000000,
		       line);
		fflush(stdout);
	}
	return 0;
}
