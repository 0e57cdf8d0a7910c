/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports of a guest over Unix sockets, by Firecracker's convention.  A program
 * of the host connects to PATH, writes "CONNECT port\n" and reads "OK hostport\n"
 * once the guest accepted, end of file if it did not.  The guest reaches port N
 * of the host where a program listens at PATH_N.
 */
#ifndef TL_BACKEND_VSOCK_UDS_H
#define TL_BACKEND_VSOCK_UDS_H

#include "backend/vsock.h"

/* What comes behind PATH. */
#define VSOCK_UDS_SUFFIX_MAX 11 /* "_4294967295" */

/* Clients that did not say yet where to; the oldest goes when one more comes. */
#define VSOCK_UDS_MAX_PENDING 64

/*
 * Listen at @path.  A socket there that nobody listens on is replaced.
 * -ENAMETOOLONG, -EADDRINUSE, -EEXIST for what is no socket, or as bind(2) says.
 */
int vsock_uds_open(const char *path, struct vsock_host **out,
		   struct error *err);

/* The longest path that vsock_uds_open() takes. */
extern const unsigned int vsock_uds_path_max;

#endif
