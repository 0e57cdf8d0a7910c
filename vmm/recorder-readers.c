// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder-readers.h"

/*
 * Does the process @pid of the group @group sleep?  See proc(5), "stat".  The
 * name in the second field can hold anything, ") S 1 2" included.
 */
static bool sleeps_in(const char *pid, pid_t group)
{
	char path[64], text[512];
	const char *end;
	char state;
	FILE *file;
	size_t n;
	int pgrp;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end, ") %c %*d %d", &state, &pgrp) == 2 &&
	       pgrp == group && state == 'S';
}

/*
 * The CPU whose buffer in the instance @name is the file @path, or -1.  Where
 * trace-cmd found tracefs is its choice.
 */
static int cpu_of(const char *path, const char *name)
{
	const char *dir = strstr(path, "/instances/");
	size_t len = strlen(name);
	int cpu, end = 0;

	if (!dir)
		return -1;
	dir += strlen("/instances/");
	if (strncmp(dir, name, len))
		return -1;
	if (sscanf(dir + len, "/per_cpu/cpu%d/trace_pipe_raw%n", &cpu, &end) !=
		    1 ||
	    !end || dir[len + (size_t)end])
		return -1;
	return cpu;
}

static void add_open(cpu_set_t *seen, const char *pid, const char *name)
{
	char dir[64], path[PATH_MAX];
	struct dirent *entry;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
	fds = opendir(dir);
	if (!fds)
		return;
	while ((entry = readdir(fds))) {
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, path,
				       sizeof(path) - 1);
		int cpu;

		if (n < 0)
			continue;
		path[n] = '\0';
		cpu = cpu_of(path, name);
		if (cpu >= 0 && cpu < CPU_SETSIZE)
			CPU_SET((size_t)cpu, seen);
	}
	closedir(fds);
}

/*
 * A process that has the buffer open and sleeps is past its start: it waits
 * for the buffer to fill, or for its file.
 */
bool recorder_readers_seen(cpu_set_t *seen, pid_t group, const char *name)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return false;
	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    sleeps_in(entry->d_name, group))
			add_open(seen, entry->d_name, name);
	closedir(proc);
	if (cpus > CPU_SETSIZE)
		cpus = CPU_SETSIZE;
	return CPU_COUNT(seen) >= cpus;
}
