// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

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
