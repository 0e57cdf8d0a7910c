// SPDX-License-Identifier: GPL-2.0-only
#include "config-net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>

#include "virtio/net.h"

#define bad(err, ...) \
	error_set(err, TL_USAGE, EINVAL, "option -n: " __VA_ARGS__)

/* A decimal number of @min to @max, and nothing else. */
static bool parse_number(const char *s, unsigned long min, unsigned long max,
			 unsigned long *val)
{
	size_t len = strspn(s, "0123456789");

	if (len == 0 || len > 9 || s[len])
		return false;
	*val = strtoul(s, NULL, 10);
	return *val >= min && *val <= max;
}

static bool parse_port(const char *s, uint16_t *port)
{
	unsigned long n;

	if (!parse_number(s, 1, 65535, &n))
		return false;
	*port = (uint16_t)n;
	return true;
}

static int parse_mac(const char *s, uint8_t mac[6], struct error *err)
{
	static const uint8_t zero[6];
	const char *p = s;
	unsigned int i;

	for (i = 0; i < 6; i++, p += 3) {
		if (!isxdigit((unsigned char)p[0]) ||
		    !isxdigit((unsigned char)p[1]) || p[2] != (i < 5 ? ':' : 0))
			return bad(err,
				   "guest_mac=%.40s is no MAC address: six "
				   "pairs of hex digits with ':' between",
				   s);
		mac[i] = (uint8_t)strtoul(p, NULL, 16);
	}
	/* The group bit (IEEE 802, I/G): no interface may have such a one. */
	if ((mac[0] & 1) || !memcmp(mac, zero, sizeof(zero)))
		return bad(err,
			   "guest_mac=%.40s is no address of one interface: "
			   "the first byte has to be even, and not all be 0",
			   s);
	return 0;
}

static int bad_fwd(const char *text, struct error *err)
{
	return bad(err,
		   "hostfwd=%.80s: write tcp:HOSTPORT:GUESTPORT or "
		   "tcp:[ADDR]:HOSTPORT-:GUESTPORT, or udp in place of tcp",
		   text);
}

static bool is_address(const char *s)
{
	uint8_t addr[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, addr) == 1 ||
	       inet_pton(AF_INET6, s, addr) == 1;
}

/*
 * Short: PROTO:HOSTPORT:GUESTPORT.  QEMU's: PROTO:[ADDR]:HOSTPORT-:GUESTPORT,
 * an IPv6 address in brackets; passt has no use for a guest address.
 */
static int parse_fwd(char *text, struct net_fwd *fwd, struct error *err)
{
	char copy[128], *host, *guest, *end, *colon;

	if (strlen(text) >= sizeof(copy))
		return bad_fwd(text, err);
	memcpy(copy, text, strlen(text) + 1);
	*fwd = (struct net_fwd){ .udp = !strncmp(text, "udp:", 4) };
	if (!fwd->udp && strncmp(text, "tcp:", 4))
		return bad_fwd(copy, err);
	host = text + 4;

	end = strrchr(host, '-');
	if (end) {
		guest = end + 1;
		if (*guest++ != ':')
			return bad_fwd(copy, err);
		*end = '\0';
		colon = strrchr(host, ':');
		if (!colon)
			return bad_fwd(copy, err);
		*colon = '\0';
		if (*host == '[' && colon[-1] == ']') {
			host++;
			colon[-1] = '\0';
		}
		if (*host && !is_address(host))
			return bad_fwd(copy, err);
		if (*host)
			fwd->addr = host;
		host = colon + 1;
	} else {
		guest = strchr(host, ':');
		if (!guest)
			return bad_fwd(copy, err);
		*guest++ = '\0';
	}
	if (!parse_port(host, &fwd->host_port) ||
	    !parse_port(guest, &fwd->guest_port))
		return bad_fwd(copy, err);
	return 0;
}

static int parse_mode(const char *val, struct config_net *net,
		      struct error *err)
{
	if (!strcmp(val, "none"))
		net->mode = CONFIG_NET_NONE;
	else if (!strcmp(val, "tap"))
		net->mode = CONFIG_NET_TAP;
	else if (!strcmp(val, "user"))
		net->mode = CONFIG_NET_USER;
	else
		return bad(err, "mode '%.40s' is none of user, tap and none",
			   val);
	return 0;
}

static int parse_key(const char *key, char *val, struct config_net *net,
		     struct error *err)
{
	unsigned long n;
	int ret;

	if (!strcmp(key, "mode"))
		return parse_mode(val, net, err);
	if (!strcmp(key, "guest_mac") || !strcmp(key, "mac")) {
		ret = parse_mac(val, net->mac, err);
		net->has_mac = ret == 0;
		return ret;
	}
	if (!strcmp(key, "mtu")) {
		if (!parse_number(val, VIRTIO_NET_MTU_MIN, VIRTIO_NET_MTU_MAX,
				  &n))
			return bad(err, "mtu=%.40s is no MTU: %d to %d", val,
				   VIRTIO_NET_MTU_MIN, VIRTIO_NET_MTU_MAX);
		net->mtu = (uint16_t)n;
		return 0;
	}
	if (!strcmp(key, "trans")) {
		if (strcmp(val, "mmio"))
			return bad(err,
				   "trans=%.40s is not in this version: every "
				   "device is on mmio",
				   val);
		return 0;
	}
	if (!strcmp(key, "tapif")) {
		if (!*val || strlen(val) >= IFNAMSIZ || strpbrk(val, "/ %"))
			return bad(err,
				   "tapif=%.40s is no interface name: 1 to %d "
				   "characters without '/', '%%' and spaces",
				   val, IFNAMSIZ - 1);
		net->tap.ifname = val;
		return 0;
	}
	if (!strcmp(key, "host_ip")) {
		if (!is_address(val) || strchr(val, ':'))
			return bad(err, "host_ip=%.40s is no IPv4 address",
				   val);
		net->tap.host_ip = val;
		return 0;
	}
	if (!strcmp(key, "vhost")) {
		if (strcmp(val, "0") && strcmp(val, "1"))
			return bad(err, "vhost=%.40s is neither 0 nor 1", val);
		net->tap.vhost = *val == '1' ? NET_VHOST_ON : NET_VHOST_OFF;
		return 0;
	}
	if (!strcmp(key, "script") || !strcmp(key, "downscript")) {
		if (strcmp(val, "none"))
			return bad(err,
				   "%s=%.100s: scripts are not run; set the "
				   "tap device up first and name it with "
				   "tapif=, or use host_ip=",
				   key, val);
		return 0;
	}
	if (!strcmp(key, "hostfwd")) {
		if (net->nr_fwd == CONFIG_MAX_FWD)
			return bad(err, "hostfwd=%.80s is one too many: %d",
				   val, CONFIG_MAX_FWD);
		return parse_fwd(val, &net->fwd[net->nr_fwd++], err);
	}
	return bad(err,
		   "unknown key '%.40s': there are mode, guest_mac, mtu, "
		   "hostfwd, tapif, host_ip, vhost, script and trans",
		   key);
}

int config_net_parse(char *text, struct config_net *net, struct error *err)
{
	char *word, *val, *rest = text;
	bool mode = false;
	int ret;

	memset(net, 0, sizeof(*net));
	net->mode = CONFIG_NET_TAP; /* lkvm's, where only keys are given */
	while ((word = strsep(&rest, ","))) {
		val = strchr(word, '=');
		if (val) {
			*val++ = '\0';
			ret = parse_key(word, val, net, err);
			mode |= !strcmp(word, "mode");
		} else {
			ret = mode ? bad(err, "'%.40s' is no KEY=VALUE", word)
				   : parse_mode(word, net, err);
			mode = true;
		}
		if (ret < 0)
			return ret;
	}
	if (net->nr_fwd && net->mode != CONFIG_NET_USER)
		return bad(err, "%s", "hostfwd= is for mode=user");
	if ((net->tap.ifname || net->tap.host_ip ||
	     net->tap.vhost != NET_VHOST_AUTO) &&
	    net->mode != CONFIG_NET_TAP)
		return bad(err, "%s",
			   "tapif=, host_ip= and vhost= are for mode=tap");
	return 0;
}

void config_net_default_mac(struct config_net *net, const char *name,
			    unsigned int index)
{
	uint32_t hash = UINT32_C(2166136261); /* FNV-1a */

	if (net->has_mac)
		return;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
	net->mac[0] = 0x02;
	net->mac[1] = (uint8_t)(hash >> 24);
	net->mac[2] = hash >> 16 & 0xff;
	net->mac[3] = hash >> 8 & 0xff;
	net->mac[4] = hash & 0xff;
	net->mac[5] = (uint8_t)index;
}
