/* SPDX-License-Identifier: GPL-2.0-only */
/* A tap device of the host's kernel. */
#ifndef TL_BACKEND_NET_TAP_H
#define TL_BACKEND_NET_TAP_H

#include "backend/net.h"

enum net_vhost {
	NET_VHOST_AUTO, /* where the host has it */
	NET_VHOST_OFF,
	NET_VHOST_ON, /* or fail */
};

struct net_tap_config {
	const char *ifname;  /* NULL: a new one, named by the kernel */
	const char *host_ip; /* IPv4 address for the host's end, or NULL */
	enum net_vhost vhost;
};

/*
 * Take an existing tap device, or make one that goes when it is closed; one
 * that was made is set up (IFF_UP).  TL_HOST: no tun driver, no permission, the
 * device is in use or is no tap device.
 */
int net_tap_open(const struct net_tap_config *config, struct net **net,
		 struct error *err);

#endif
