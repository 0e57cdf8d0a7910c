// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "recorder-fs.h"

static bool join(char *path, const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX;
}

bool tracefs_has(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return join(path, dir, name) && !access(path, F_OK);
}

const char *tracefs_find(void)
{
	static const char *const places[] = { "/sys/kernel/tracing",
					      "/sys/kernel/debug/tracing" };
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (tracefs_has(places[i], "events"))
			return places[i];
	return NULL;
}

int tracefs_write(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];

	return join(path, dir, name) ? file_put(path, text) : -ENAMETOOLONG;
}

bool tracefs_says(const char *dir, const char *name, char c)
{
	char path[PATH_MAX];
	char got = 0;
	int fd;

	if (!join(path, dir, name))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &got, 1) != 1)
		got = 0;
	close(fd);
	return got == c;
}

static void add_counts(FILE *file, uint64_t *events, uint64_t *lost)
{
	static const struct {
		const char *format;
		bool lost;
	} line[] = {
		{ "entries: %" SCNu64, false },
		{ "read events: %" SCNu64, false },
		{ "overrun: %" SCNu64, true },
		{ "commit overrun: %" SCNu64, true },
		{ "dropped events: %" SCNu64, true },
	};
	char text[128];
	uint64_t n;

	while (fgets(text, sizeof(text), file))
		for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
			if (sscanf(text, line[i].format, &n) == 1)
				*(line[i].lost ? lost : events) += n;
}

void tracefs_counts(const char *dir, uint64_t *events, uint64_t *lost)
{
	long cpu, cpus = sysconf(_SC_NPROCESSORS_CONF);
	char path[PATH_MAX], name[64];

	for (cpu = 0; cpu < cpus; cpu++) {
		FILE *file;

		snprintf(name, sizeof(name), "per_cpu/cpu%ld/stats", cpu);
		file = join(path, dir, name) ? fopen(path, "re") : NULL;
		if (!file)
			continue;
		add_counts(file, events, lost);
		fclose(file);
	}
}

/* The process id that follows @prefix in @name and ends it, or 0. */
static pid_t owner_of(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);
	char *end;
	long pid;

	if (strncmp(name, prefix, len) || name[len] < '1' || name[len] > '9')
		return 0;
	errno = 0;
	pid = strtol(name + len, &end, 10);
	return errno || *end || pid > INT_MAX ? 0 : (pid_t)pid;
}

void tracefs_remove_stale(const char *tracefs, const char *prefix)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (!join(path, tracefs, "instances"))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		pid_t pid = owner_of(entry->d_name, prefix);

		if (pid && kill(pid, 0) && errno == ESRCH)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}
