// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a plan: the benchmarks of one column of a table, each a few processes
 * whose times are summed.  A plan is a file of lines of words:
 *
 *   bench NAME          begins the benchmark NAME
 *   cd DIR              go there, for what follows of this benchmark
 *   prep IN OUT ARGV... run a program, not timed
 *   run IN OUT ARGV...  run one, timed
 *   digest HEX FILE...  what its outputs must be; "?" where nobody knows
 *   remove FILE...      make room
 *
 * IN and OUT are files or "-", none; the program "mibench" is this one.  Printed
 * is a line for each, which is found among what a console prints besides:
 *
 *   @ready NAME
 *   @end NAME REAL USER SYS ELAPSED STATUS DIGEST
 *
 * times in microseconds, those of the runs, and what this clock shows from the
 * beginning of the first to this line; STATUS is ok, wrong (another digest) or failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

enum { MAX_WORDS = 32 };

struct cell {
	char home[1024]; /* where it was started */
	char name[64];   /* the benchmark, "" before the first */
	bool wanted;     /* it is to run */
	bool begun;      /* a timed process of it was started */
	bool wait;       /* for a line before that */
	const char *status;
	int64_t real, user, sys; /* microseconds */
	int64_t since;           /* the first run was let go */
	uint64_t digest;
	int bad; /* benchmarks that were not ok */
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int64_t tv_us(struct timeval tv)
{
	return tv.tv_sec * INT64_C(1000000) + tv.tv_usec;
}

/* The child's side: does not return. */
static void child(char **words)
{
	int in = open(strcmp(words[1], "-") ? words[1] : "/dev/null", O_RDONLY);
	int out = open(strcmp(words[2], "-") ? words[2] : "/dev/null",
		       O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0) {
		fprintf(stderr, "%s, %s: %s\n", words[1], words[2],
			strerror(errno));
		_exit(126);
	}
	if (!strcmp(words[3], "mibench"))
		execv("/proc/self/exe", &words[3]);
	else
		execv(words[3], &words[3]);
	fprintf(stderr, "%s: %s\n", words[3], strerror(errno));
	_exit(127);
}

static void spawn(struct cell *cell, char **words, bool timed)
{
	struct rusage usage;
	int64_t start;
	int status;
	pid_t pid;

	/* A benchmark that has failed already has no more to say. */
	if (strcmp(cell->status, "ok"))
		return;
	fflush(stdout);
	start = now_us();
	pid = fork();
	if (pid == 0)
		child(words);
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status) {
		cell->status = "failed";
		return;
	}
	if (!timed)
		return;
	cell->real += now_us() - start;
	cell->user += tv_us(usage.ru_utime);
	cell->sys += tv_us(usage.ru_stime);
}

static void begin(struct cell *cell)
{
	int c;

	cell->begun = true;
	cell->since = now_us();
	if (!cell->wait)
		return;
	printf("@ready %s\n", cell->name);
	fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
	cell->since = now_us();
}

static void check(struct cell *cell, char **words)
{
	static uint8_t buffer[65536];
	char hex[17];
	size_t n;
	int i;

	if (strcmp(cell->status, "ok"))
		return;
	for (i = 2; words[i]; i++) {
		FILE *file = fopen(words[i], "r");

		if (!file) {
			cell->status = "failed";
			return;
		}
		while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
			cell->digest = digest_add(cell->digest, buffer, n);
		fclose(file);
	}
	snprintf(hex, sizeof(hex), "%016" PRIx64, cell->digest);
	if (strcmp(words[1], "?") && strcmp(words[1], hex))
		cell->status = "wrong";
}

static void end(struct cell *cell)
{
	if (!cell->wanted || !cell->name[0])
		return;
	/* Who waits for the start of it must not wait for ever. */
	if (!cell->begun)
		begin(cell);
	printf("@end %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	       " %s %016" PRIx64 "\n",
	       cell->name, cell->real, cell->user, cell->sys,
	       now_us() - cell->since, cell->status, cell->digest);
	fflush(stdout);
	if (strcmp(cell->status, "ok"))
		cell->bad++;
}

static void start(struct cell *cell, const char *name, char **names)
{
	int i;

	end(cell);
	snprintf(cell->name, sizeof(cell->name), "%s", name);
	cell->wanted = !names[0];
	for (i = 0; names[i]; i++)
		if (!strcmp(names[i], name))
			cell->wanted = true;
	cell->begun = false;
	cell->status = chdir(cell->home) ? "failed" : "ok";
	cell->real = cell->user = cell->sys = 0;
	cell->digest = DIGEST_INIT;
}

/* One line of a plan; -EINVAL if it is none. */
static int line(struct cell *cell, char **words, int n, char **names)
{
	int i;

	if (!strcmp(words[0], "bench") && n == 2) {
		start(cell, words[1], names);
	} else if (!cell->name[0]) {
		return -EINVAL;
	} else if (!cell->wanted) {
		return 0;
	} else if (!strcmp(words[0], "cd") && n == 2) {
		if (chdir(words[1]))
			cell->status = "failed";
	} else if (!strcmp(words[0], "prep") && n > 3) {
		spawn(cell, words, false);
	} else if (!strcmp(words[0], "run") && n > 3) {
		if (!cell->begun)
			begin(cell);
		spawn(cell, words, true);
	} else if (!strcmp(words[0], "digest") && n > 2) {
		check(cell, words);
	} else if (!strcmp(words[0], "remove") && n > 1) {
		for (i = 1; i < n; i++)
			unlink(words[i]);
	} else {
		return -EINVAL;
	}
	return 0;
}

int cell_main(int argc, char **argv)
{
	struct cell cell = { .status = "ok" };
	char text[1024], *words[MAX_WORDS + 1], *save;
	FILE *plan;
	int number = 0;

	if (argc > 0 && !strcmp(argv[0], "--wait")) {
		cell.wait = true;
		argv++;
		argc--;
	}
	if (argc < 1)
		return 2;
	plan = fopen(argv[0], "re");
	if (!plan || !getcwd(cell.home, sizeof(cell.home))) {
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		return 1;
	}
	while (fgets(text, sizeof(text), plan)) {
		int n = 0;

		number++;
		words[0] = strtok_r(text, " \t\n", &save);
		while (words[n] && n < MAX_WORDS)
			words[++n] = strtok_r(NULL, " \t\n", &save);
		words[n] = NULL;
		if (!n || words[0][0] == '#')
			continue;
		if (line(&cell, words, n, argv + 1)) {
			fprintf(stderr, "%s:%d: not a line of a plan\n",
				argv[0], number);
			fclose(plan);
			return 1;
		}
	}
	end(&cell);
	fclose(plan);
	return cell.bad ? 1 : 0;
}
