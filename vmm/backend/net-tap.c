// SPDX-License-Identifier: GPL-2.0-only
#include "backend/net-tap.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>

#include "lib/log.h"

#define TUN_PATH   "/dev/net/tun"
#define VHOST_PATH "/dev/vhost-net"

struct net_tap {
	struct net net; /* first: the two are cast */
	bool gone;
};

static int tap_gone(struct net_tap *tap)
{
	if (!tap->gone)
		log_warn("network %s: the tap device is gone; the guest's link "
			 "is down",
			 tap->net.label);
	tap->gone = true;
	return -EPIPE;
}

static int tap_send(struct net *net, const struct iovec *iov, int iovcnt)
{
	struct net_tap *tap = (struct net_tap *)net;

	if (writev(net->fd, iov, iovcnt) >= 0)
		return 0;
	switch (errno) {
	case EAGAIN:
		return -EAGAIN;
	case EBADFD: /* detached from its device */
		return tap_gone(tap);
	default: /* the device is down (EIO), the header makes no sense, ... */
		return 0;
	}
}

static ssize_t tap_receive(struct net *net, const struct iovec *iov, int iovcnt)
{
	struct net_tap *tap = (struct net_tap *)net;
	ssize_t n = readv(net->fd, iov, iovcnt);

	if (n >= 0)
		return n;
	return errno == EBADFD ? tap_gone(tap) : -EAGAIN;
}

static void tap_set_offload(struct net *net, unsigned int offload)
{
	static const struct {
		unsigned int net, tun;
	} map[] = {
		{ NET_CSUM, TUN_F_CSUM },
		{ NET_TSO4, TUN_F_TSO4 },
		{ NET_TSO6, TUN_F_TSO6 },
		{ NET_ECN, TUN_F_TSO_ECN },
	};
	unsigned long tun = 0;
	size_t i;

	/* Segmentation implies checksums, for the tap as for virtio. */
	if (!(offload & NET_CSUM))
		offload = 0;
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (offload & map[i].net)
			tun |= map[i].tun;
	if (ioctl(net->fd, TUNSETOFFLOAD, tun) < 0)
		log_debug("network %s: TUNSETOFFLOAD: %s", net->label,
			  strerror(errno));
}

static void tap_close(struct net *net)
{
	if (net->vhost_fd >= 0)
		close(net->vhost_fd);
	if (net->fd >= 0)
		close(net->fd);
	free(net);
}

static const struct net_ops tap_ops = {
	.send = tap_send,
	.receive = tap_receive,
	.set_offload = tap_set_offload,
	.close = tap_close,
};

/* --- opening ---------------------------------------------------------------*/

static int open_tun(struct net *net, struct error *err)
{
	net->fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (net->fd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return error_set(err, TL_HOST, errno,
				 "network: this host has no " TUN_PATH
				 ": load the module tun (modprobe tun), or use "
				 "-n user");
	case EACCES:
	case EPERM:
		return error_set(err, TL_HOST, errno,
				 "network: no permission for " TUN_PATH
				 ": run as root, or use -n user");
	default:
		return error_set(err, TL_HOST, errno,
				 "network: " TUN_PATH ": %s", strerror(errno));
	}
}

static void set_name(struct ifreq *ifr, const char *name)
{
	memcpy(ifr->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
}

static bool interface_exists(int sock, const char *name)
{
	struct ifreq ifr = { 0 };

	set_name(&ifr, name);
	return ioctl(sock, SIOCGIFFLAGS, &ifr) == 0;
}

static int attach_failed(const char *name, bool exists, int errnum,
			 struct error *err)
{
	switch (errnum) {
	case EPERM:
		if (exists)
			return error_set(err, TL_HOST, errnum,
					 "network %s: this tap device belongs "
					 "to another user: run as root",
					 name);
		return error_set(
			err, TL_HOST, errnum,
			"network: no permission to make a tap device: run as "
			"root, have root make one for you (ip tuntap add dev "
			"%s mode tap user NAME), or use -n user",
			*name ? name : "tap0");
	case EBUSY:
		return error_set(err, TL_HOST, errnum,
				 "network %s: the tap device is in use by "
				 "another program",
				 name);
	case EINVAL:
		return error_set(err, TL_HOST, errnum,
				 "network %s: this is no tap device, or one "
				 "with several queues: use another name with "
				 "tapif=",
				 name);
	default:
		return error_set(err, TL_HOST, errnum,
				 "network %s: cannot attach to the tap device: "
				 "%s",
				 name, strerror(errnum));
	}
}

static int attach(struct net *net, const char *name, bool exists,
		  struct error *err)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int hdr_size = NET_HDR_SIZE, le = 1;

	if (name)
		set_name(&ifr, name);
	if (ioctl(net->fd, TUNSETIFF, &ifr) < 0)
		return attach_failed(ifr.ifr_name, exists, errno, err);
	memcpy(net->label, ifr.ifr_name, IFNAMSIZ);

	if (ioctl(net->fd, TUNSETVNETHDRSZ, &hdr_size) < 0)
		return error_set(err, TL_HOST, errno,
				 "network %s: the host's tap driver cannot "
				 "carry virtio headers: %s",
				 net->label, strerror(errno));
	/* The header is little-endian (5.1.6); so is the host, all but never. */
	if (ioctl(net->fd, TUNSETVNETLE, &le) < 0 &&
	    BYTE_ORDER != LITTLE_ENDIAN)
		return error_set(err, TL_HOST, errno,
				 "network %s: the host's tap driver knows no "
				 "little-endian headers",
				 net->label);
	return 0;
}

/* What it can do: IPv4, IPv6 and ECN came one after the other. */
static void probe_offload(struct net *net)
{
	net->offload = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN;
	if (ioctl(net->fd, TUNSETOFFLOAD,
		  (unsigned long)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 |
				  TUN_F_TSO_ECN)) < 0)
		net->offload = 0;
	tap_set_offload(net, 0);
}

static int set_host_ip(int sock, const char *name, const char *ip,
		       struct error *err)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in *addr = (struct sockaddr_in *)&ifr.ifr_addr;

	set_name(&ifr, name);
	addr->sin_family = AF_INET;
	if (inet_pton(AF_INET, ip, &addr->sin_addr) != 1)
		return error_set(err, TL_USAGE, EINVAL,
				 "network %s: host_ip=%s is no IPv4 address",
				 name, ip);
	if (ioctl(sock, SIOCSIFADDR, &ifr) < 0)
		goto fail;
	/* As lkvm has it: the guest's network is a /24. */
	addr->sin_addr.s_addr = htonl(0xffffff00);
	if (ioctl(sock, SIOCSIFNETMASK, &ifr) < 0)
		goto fail;
	return 0;
fail:
	return error_set(err, TL_HOST, errno,
			 "network %s: cannot set the address %s: %s", name, ip,
			 strerror(errno));
}

/* An interface that was there is somebody's, and configured already. */
static int configure(struct net *net, int sock, bool exists,
		     const struct net_tap_config *config, struct error *err)
{
	struct ifreq ifr = { 0 };
	int ret = 0;

	if (config->host_ip)
		ret = set_host_ip(sock, net->label, config->host_ip, err);
	if (ret || (exists && !config->host_ip))
		return ret;
	memcpy(ifr.ifr_name, net->label, IFNAMSIZ);
	if (ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		goto fail;
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		goto fail;
	return 0;
fail:
	return error_set(err, TL_HOST, errno,
			 "network %s: cannot set the tap device up: %s",
			 net->label, strerror(errno));
}

static int open_vhost(struct net *net, enum net_vhost want, struct error *err)
{
	if (want == NET_VHOST_OFF)
		return 0;
	net->vhost_fd = open(VHOST_PATH, O_RDWR | O_CLOEXEC);
	if (net->vhost_fd >= 0)
		return 0;
	if (want == NET_VHOST_ON)
		return error_set(err, TL_HOST, errno,
				 "network %s: cannot open " VHOST_PATH
				 " (%s): load the module vhost_net, or leave "
				 "out vhost=1",
				 net->label, strerror(errno));
	log_debug("network %s: no " VHOST_PATH " (%s): frames go through this "
		  "process",
		  net->label, strerror(errno));
	return 0;
}

int net_tap_open(const struct net_tap_config *config, struct net **out,
		 struct error *err)
{
	struct net_tap *tap;
	bool exists = false;
	int sock, ret;

	*out = NULL;
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return error_set(err, TL_FAIL, ENOMEM,
				 "network: out of memory");
	tap->net.ops = &tap_ops;
	tap->net.fd = -1;
	tap->net.vhost_fd = -1;
	tap->net.vnet_hdr = true;

	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0) {
		ret = error_set(err, TL_HOST, errno, "network: socket: %s",
				strerror(errno));
		goto close_net;
	}
	ret = open_tun(&tap->net, err);
	if (ret)
		goto close_sock;
	if (config->ifname)
		exists = interface_exists(sock, config->ifname);
	ret = attach(&tap->net, config->ifname, exists, err);
	if (ret)
		goto close_sock;
	probe_offload(&tap->net);
	ret = configure(&tap->net, sock, exists, config, err);
	if (!ret)
		ret = open_vhost(&tap->net, config->vhost, err);
close_sock:
	close(sock);
close_net:
	if (ret)
		net_close(&tap->net);
	else
		*out = &tap->net;
	return ret;
}
