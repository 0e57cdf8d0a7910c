// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control-socket.h"

/*
 * Clients that wait to be accepted, while a guest is loaded.  Each command asks
 * all VMs whether they are there before it asks one for something.
 */
#define BACKLOG 64

/* Another VM holds the directory's lock for a few system calls. */
#define LOCK_TRIES    200
#define LOCK_PAUSE_US 5000

/* --- directories -----------------------------------------------------------*/

static void add_dir(char dirs[][PATH_MAX], unsigned int *nr, const char *base,
		    const char *rest)
{
	/* A relative one would depend on where each command is started. */
	if (!base || *base != '/')
		return;
	if (snprintf(dirs[*nr], PATH_MAX, "%s%s", base, rest) < PATH_MAX)
		(*nr)++;
}

unsigned int control_socket_dirs(char dirs[CONTROL_SOCKET_MAX_DIRS][PATH_MAX])
{
	unsigned int nr = 0;
	char own[40];

	add_dir(dirs, &nr, getenv("XDG_RUNTIME_DIR"), "/trapline");
	if (geteuid() == 0)
		add_dir(dirs, &nr, "/run", "/trapline");
	add_dir(dirs, &nr, getenv("HOME"), "/.trapline");
	snprintf(own, sizeof(own), "/trapline-%lu", (unsigned long)geteuid());
	add_dir(dirs, &nr, "/tmp", own);
	return nr;
}

/* Make @dir ours alone.  -EACCES if it is somebody else's. */
static int make_dir(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return -EACCES;
	if ((st.st_mode & 077) && chmod(dir, 0700) < 0)
		return -errno;
	return access(dir, W_OK) < 0 ? -errno : 0;
}

/* --- one path --------------------------------------------------------------*/

/*
 * Looking whether a socket is stale, removing it and listening must not mix
 * with another VM's doing the same: the directory's lock is around it.  Where
 * there is none to be had it is done all the same; somebody else's lock on a
 * public directory must not keep a VM from starting.
 */
static int lock_parent(const char *path)
{
	char dir[UNIX_PATH_SIZE + 2];
	unsigned int tries = LOCK_TRIES;
	char *slash;
	int fd;

	/* "." is the parent of a name without a slash. */
	snprintf(dir, sizeof(dir), "%s%s", strchr(path, '/') ? "" : "./", path);
	slash = strrchr(dir, '/');
	slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK &&
	       tries--)
		usleep(LOCK_PAUSE_US);
	return fd;
}

static int claim_path(const char *path, struct unix_listener *sock)
{
	int lock, ret;

	if (strlen(path) >= UNIX_PATH_SIZE)
		return -ENAMETOOLONG;
	lock = lock_parent(path);
	ret = unix_listen(sock, path, 0600, BACKLOG);
	if (lock >= 0)
		close(lock);
	return ret;
}

/* --- names -----------------------------------------------------------------*/

static int in_use(const char *name, struct error *err)
{
	return error_set(err, TL_NAME, EADDRINUSE,
			 "a virtual machine called '%s' is running: choose "
			 "another --name, or stop it (trapline stop %s)",
			 name, name);
}

static int path_in(const char *dir, const char *name, char *path)
{
	return snprintf(path, UNIX_PATH_SIZE, "%s/%s" CONTROL_SOCKET_SUFFIX,
			dir, name) < (int)UNIX_PATH_SIZE
		       ? 0
		       : -ENAMETOOLONG;
}

static int claim_name(const char *name, struct unix_listener *sock,
		      struct error *err)
{
	char dirs[CONTROL_SOCKET_MAX_DIRS][PATH_MAX];
	const unsigned int nr = control_socket_dirs(dirs);
	char path[UNIX_PATH_SIZE];
	int why = -ENOENT, ret;
	unsigned int i;

	/* A name is taken wherever its VM listens. */
	for (i = 0; i < nr; i++)
		if (!path_in(dirs[i], name, path) &&
		    unix_check_free(path) == -EADDRINUSE)
			return in_use(name, err);
	for (i = 0; i < nr; i++) {
		ret = make_dir(dirs[i]);
		if (!ret)
			ret = path_in(dirs[i], name, path);
		if (!ret)
			ret = claim_path(path, sock);
		if (!ret)
			return 0;
		if (ret == -EADDRINUSE)
			return in_use(name, err);
		/* The first is where it should have been. */
		if (i == 0)
			why = ret;
	}
	return error_set(err, TL_FAIL, -why,
			 "no control socket in %s or any other directory: %s; "
			 "use --control PATH, or --control none",
			 dirs[0], strerror(-why));
}

int control_socket_claim(const char *name, const char *path,
			 struct unix_listener *sock, struct error *err)
{
	int ret;

	*sock = (struct unix_listener){ .fd = -1 };
	if (!path)
		return claim_name(name, sock, err);
	ret = claim_path(path, sock);
	if (ret == -EADDRINUSE)
		return error_set(err, TL_NAME, EADDRINUSE,
				 "control socket %s: a virtual machine listens "
				 "there; choose another path",
				 path);
	if (ret == -EEXIST)
		return error_set(err, TL_FAIL, EEXIST,
				 "control socket %s: a file that is no socket "
				 "is in the way",
				 path);
	if (ret == -ENAMETOOLONG)
		return error_set(err, TL_FAIL, ENAMETOOLONG,
				 "control socket %.60s...: the path is longer "
				 "than the %zu bytes that a socket's may have",
				 path, UNIX_PATH_SIZE - 1);
	if (ret)
		return error_set(err, TL_FAIL, -ret, "control socket %s: %s",
				 path, strerror(-ret));
	return 0;
}
