/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where control sockets are, and whose a name is.  A VM called NAME listens on
 * DIR/NAME.sock, DIR being the first of these that can be made:
 *
 *   $XDG_RUNTIME_DIR/trapline
 *   /run/trapline              for root
 *   $HOME/.trapline
 *   /tmp/trapline-UID
 *
 * DIR is its user's alone (0700), and so is the socket (0600).
 */
#ifndef TL_CONTROL_SOCKET_H
#define TL_CONTROL_SOCKET_H

#include <limits.h>
#include <sys/types.h>
#include <sys/un.h>

#include "lib/error.h"

#define CONTROL_SOCKET_MAX_DIRS 4
#define CONTROL_SOCKET_SUFFIX   ".sock"
#define CONTROL_SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path))

struct control_socket {
	int fd; /* listening, non-blocking */
	char path[CONTROL_SOCKET_PATH_MAX];
	dev_t dev; /* of the file at @path, to know it again */
	ino_t ino;
};

/*
 * Listen for the VM called @name, at @path or, if that is NULL, where the list
 * above says.  A socket there that nobody listens on is replaced.  -EADDRINUSE
 * with TL_NAME if somebody does; with TL_FAIL: -ENAMETOOLONG, -EEXIST for a
 * file at @path that is no socket, -ENOENT if no directory can be made, or as
 * bind(2) says.
 */
int control_socket_claim(const char *name, const char *path,
			 struct control_socket *sock, struct error *err);

/* Stop listening and remove the socket, if it still is ours. */
void control_socket_release(struct control_socket *sock);

/* The directories of the list above that could be; how many there are. */
unsigned int control_socket_dirs(char dirs[CONTROL_SOCKET_MAX_DIRS][PATH_MAX]);

/*
 * Connect to the socket at @path: a non-blocking descriptor or -errno, of which
 * -ECONNREFUSED and -ENOENT mean that nobody listens.
 */
int control_socket_connect(const char *path);

#endif
