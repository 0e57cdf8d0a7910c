/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames over a stream socket, each behind its length as 4 bytes, big-endian:
 * what QEMU's "-netdev stream" and passt speak.
 */
#ifndef TL_BACKEND_NET_STREAM_H
#define TL_BACKEND_NET_STREAM_H

#include "backend/net.h"

struct net_stream_config {
	int fd; /* connected stream socket; taken over, also on failure */
	const char *label;
	/*
	 * Say why the peer went, in a few words; NULL where nobody knows.
	 * Called once, by whoever sends or receives.
	 */
	const char *(*why)(void *opaque);
	/* After the socket was closed.  May be NULL. */
	void (*closed)(void *opaque);
	void *opaque;
};

/* -ENOMEM. */
int net_stream_open(const struct net_stream_config *config, struct net **net,
		    struct error *err);

#endif
