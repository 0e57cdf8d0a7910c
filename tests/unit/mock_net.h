/* SPDX-License-Identifier: GPL-2.0-only */
/* A network in memory, with virtio headers and refusals to order. */
#ifndef TL_TESTS_MOCK_NET_H
#define TL_TESTS_MOCK_NET_H

#include "backend/net.h"

#define MOCK_NET_ROOM 1024 /* frames sent or to be received */

struct mock_frame {
	uint8_t *data;
	size_t len;
};

struct mock_net {
	struct net net;
	unsigned int offload; /* as set_offload() had it */
	unsigned int sets;
	int refuse;   /* what send() returns next, 0: it takes the frame */
	int receive;  /* what receive() returns when it has no frame */
	int flush;    /* what flush() returns */
	bool *closed; /* set by close */
	/* Of send(): the frames, oldest first. */
	struct mock_frame sent[MOCK_NET_ROOM];
	unsigned int nr_sent;
	/* For receive(). */
	struct mock_frame queue[MOCK_NET_ROOM];
	unsigned int head, tail;
};

/* ops->close() frees it.  @offload: NET_*, only with @vnet_hdr. */
struct mock_net *mock_net_new(bool vnet_hdr, unsigned int offload);

/* A frame for the guest; what goes beyond the room is lost. */
void mock_net_put(struct mock_net *mock, const void *frame, size_t len);

#endif
