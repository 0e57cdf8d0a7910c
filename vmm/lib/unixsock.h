/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unix stream sockets, unix(7), by the path of their file.  All descriptors here
 * are non-blocking and closed by exec.
 */
#ifndef TL_LIB_UNIXSOCK_H
#define TL_LIB_UNIXSOCK_H

#include <sys/types.h>
#include <sys/un.h>

/* Bytes that a path may have, its '\0' among them. */
#define UNIX_PATH_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path))

struct unix_listener {
	int fd; /* -1: none */
	char path[UNIX_PATH_SIZE];
	dev_t dev; /* of the file at @path, to know it again */
	ino_t ino;
};

/*
 * Listen at @path with room for @backlog clients.  The file has mode @mode, or,
 * if that is 0, what the umask leaves.  One that a killed process left there is
 * replaced.  -EADDRINUSE if somebody listens there, -EEXIST for a file that is
 * no socket, -ENAMETOOLONG, or as bind(2) says; @l->fd is -1 then.
 */
int unix_listen(struct unix_listener *l, const char *path, mode_t mode,
		int backlog);

/* Stop listening, and remove the file if it still is @l's. */
void unix_unlisten(struct unix_listener *l);

/*
 * 0 if nothing is at @path, or a socket that nobody is behind; else -EADDRINUSE,
 * -EEXIST for a file that is no socket, or what else is wrong with the path.
 */
int unix_check_free(const char *path);

/*
 * Connect to @path: a descriptor or -errno, of which -ECONNREFUSED and -ENOENT
 * mean that nobody listens, and -EAGAIN that the listener's backlog is full.
 */
int unix_connect(const char *path);

#endif
