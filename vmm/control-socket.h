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

#include "lib/error.h"
#include "lib/unixsock.h"

#define CONTROL_SOCKET_MAX_DIRS 4
#define CONTROL_SOCKET_SUFFIX   ".sock"

/*
 * Listen for the VM called @name, at @path or, if that is NULL, where the list
 * above says.  A socket there that nobody listens on is replaced.  -EADDRINUSE
 * with TL_NAME if somebody does; with TL_FAIL: -ENAMETOOLONG, -EEXIST for a
 * file at @path that is no socket, -ENOENT if no directory can be made, or as
 * bind(2) says.
 */
int control_socket_claim(const char *name, const char *path,
			 struct unix_listener *sock, struct error *err);

/* The directories of the list above that could be; how many there are. */
unsigned int control_socket_dirs(char dirs[CONTROL_SOCKET_MAX_DIRS][PATH_MAX]);

#endif
