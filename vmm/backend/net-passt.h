/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network of an unprivileged user: passt(1), a process of its own, turns
 * the guest's frames into sockets, and has DHCP, NDP and DNS for it.
 */
#ifndef TL_BACKEND_NET_PASST_H
#define TL_BACKEND_NET_PASST_H

#include "backend/net.h"

/* A port of the host that leads to one of the guest's. */
struct net_fwd {
	bool udp;
	const char *addr; /* the host's, IPv4 or IPv6; NULL is any */
	uint16_t host_port;
	uint16_t guest_port;
};

struct net_passt_config {
	const char *program; /* looked for in PATH if it has no '/' */
	const uint8_t *mac;  /* the guest's, 6 bytes */
	unsigned int mtu;    /* 0: passt's own choice */
	const struct net_fwd *fwd;
	unsigned int nr_fwd;
};

/*
 * Start passt, and wait until it answers.  It ends when the network is closed,
 * or with this process, however that ends.  TL_HOST: passt is not installed,
 * refuses (its own last line is in the error), or a port is taken.
 */
int net_passt_open(const struct net_passt_config *config, struct net **net,
		   struct error *err);

#endif
