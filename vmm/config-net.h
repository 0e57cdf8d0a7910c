/* SPDX-License-Identifier: GPL-2.0-only */
/* The value of -n: one network device. */
#ifndef TL_CONFIG_NET_H
#define TL_CONFIG_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/net-passt.h"
#include "backend/net-tap.h"
#include "lib/error.h"

#define CONFIG_MAX_FWD 16

enum config_net_mode { CONFIG_NET_NONE, CONFIG_NET_TAP, CONFIG_NET_USER };

struct config_net {
	enum config_net_mode mode;
	bool has_mac;
	uint8_t mac[6];            /* the guest's */
	uint16_t mtu;              /* 0: not given */
	struct net_tap_config tap; /* CONFIG_NET_TAP; points into the text */
	struct net_fwd fwd[CONFIG_MAX_FWD]; /* CONFIG_NET_USER; likewise */
	unsigned int nr_fwd;
};

/*
 * Parse "MODE,KEY=VALUE,..." as lkvm has it; @text is cut into pieces.  On
 * error -EINVAL with status TL_USAGE.  Nothing is opened.
 */
int config_net_parse(char *text, struct config_net *net, struct error *err);

/*
 * Where no MAC was given: one that a VM called @name keeps from run to run for
 * its device number @index, so that DHCP leases last.  A locally administered
 * address (IEEE 802, U/L bit).
 */
void config_net_default_mac(struct config_net *net, const char *name,
			    unsigned int index);

#endif
