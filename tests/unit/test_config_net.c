// SPDX-License-Identifier: GPL-2.0-only
/* The values of -n. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"

static char text[512];
static struct config_net net;
static struct error err;

static int parse(const char *value)
{
	memset(&err, 0, sizeof(err));
	snprintf(text, sizeof(text), "%s", value);
	return config_net_parse(text, &net, &err);
}

static void refuse(const char *value, const char *says)
{
	assert_true(parse(value) < 0);
	assert_int_equal(err.status, TL_USAGE);
	if (!strstr(err.text, says))
		fail_msg("'%s': '%s' does not say '%s'", value, err.text, says);
	assert_null(strchr(err.text, '\n'));
}

static void test_modes(void **state)
{
	(void)state;
	assert_int_equal(parse("none"), 0);
	assert_int_equal(net.mode, CONFIG_NET_NONE);
	assert_int_equal(parse("mode=none"), 0);
	assert_int_equal(net.mode, CONFIG_NET_NONE);
	assert_int_equal(parse("user"), 0);
	assert_int_equal(net.mode, CONFIG_NET_USER);
	assert_int_equal(parse("mode=tap"), 0);
	assert_int_equal(net.mode, CONFIG_NET_TAP);
	assert_null(net.tap.ifname);
	/* As lkvm has it. */
	assert_int_equal(parse("tapif=tap3"), 0);
	assert_int_equal(net.mode, CONFIG_NET_TAP);
	assert_string_equal(net.tap.ifname, "tap3");
	refuse("bridge", "bridge");
	refuse("mode=", "none of");
	refuse("", "none of");
	refuse("user,tap", "KEY=VALUE");
	refuse("mode=user,", "KEY=VALUE");
	refuse("user,speed=9", "unknown key 'speed'");
}

static void test_tap(void **state)
{
	(void)state;
	assert_int_equal(parse("mode=tap,tapif=br-lan.7,script=none,"
			       "host_ip=192.168.33.1,vhost=0,trans=mmio"),
			 0);
	assert_string_equal(net.tap.ifname, "br-lan.7");
	assert_string_equal(net.tap.host_ip, "192.168.33.1");
	assert_int_equal(net.tap.vhost, NET_VHOST_OFF);
	assert_int_equal(parse("tap,vhost=1"), 0);
	assert_int_equal(net.tap.vhost, NET_VHOST_ON);
	assert_int_equal(parse("tap"), 0);
	assert_int_equal(net.tap.vhost, NET_VHOST_AUTO);
	refuse("tap,tapif=", "interface name");
	refuse("tap,tapif=a/b", "interface name");
	refuse("tap,tapif=tap%d", "interface name");
	refuse("tap,tapif=sixteen-letters.", "interface name");
	refuse("tap,host_ip=fe80::1", "IPv4");
	refuse("tap,vhost=yes", "vhost=yes");
	refuse("tap,script=/etc/up", "/etc/up");
	refuse("tap,trans=pci", "mmio");
	refuse("user,tapif=tap0", "mode=tap");
	refuse("user,vhost=1", "mode=tap");
}

static void test_mac(void **state)
{
	static const uint8_t mac[] = { 2, 0xAB, 0, 0xff, 9, 0x10 };

	(void)state;
	assert_int_equal(parse("user,guest_mac=02:aB:00:Ff:09:10"), 0);
	assert_true(net.has_mac);
	assert_memory_equal(net.mac, mac, 6);
	config_net_default_mac(&net, "x", 1);
	assert_memory_equal(net.mac, mac, 6);
	refuse("user,guest_mac=", "MAC");
	refuse("user,guest_mac=02:ab:00:ff:09", "MAC");
	refuse("user,guest_mac=02:ab:00:ff:09:1", "MAC");
	refuse("user,guest_mac=02:ab:00:ff:09:10:11", "MAC");
	refuse("user,guest_mac=02-ab-00-ff-09-10", "MAC");
	refuse("user,guest_mac=01:00:00:00:00:01", "even");
	refuse("user,guest_mac=00:00:00:00:00:00", "all");
}

static void test_default_mac(void **state)
{
	struct config_net a = { 0 }, b = { 0 };

	(void)state;
	config_net_default_mac(&a, "web", 0);
	config_net_default_mac(&b, "web", 0);
	assert_memory_equal(a.mac, b.mac, 6);
	/* One interface, locally administered. */
	assert_int_equal(a.mac[0] & 3, 2);
	config_net_default_mac(&b, "web", 1);
	assert_memory_not_equal(a.mac, b.mac, 6);
	config_net_default_mac(&b, "db", 0);
	assert_memory_not_equal(a.mac, b.mac, 6);
}

static void test_mtu(void **state)
{
	(void)state;
	assert_int_equal(parse("user,mtu=1400"), 0);
	assert_int_equal(net.mtu, 1400);
	assert_int_equal(parse("user,mtu=65535"), 0);
	refuse("user,mtu=67", "MTU");
	refuse("user,mtu=65536", "MTU");
	refuse("user,mtu=-1", "MTU");
	refuse("user,mtu=99999999999999999999", "MTU");
	refuse("user,mtu=1500x", "MTU");
}

static void test_hostfwd(void **state)
{
	(void)state;
	assert_int_equal(parse("user,hostfwd=tcp:8080:80,"
			       "hostfwd=udp:127.0.0.1:53-:5353,"
			       "hostfwd=tcp::2222-:22,"
			       "hostfwd=tcp:[::1]:1-:65535"),
			 0);
	assert_int_equal(net.nr_fwd, 4);
	assert_false(net.fwd[0].udp);
	assert_null(net.fwd[0].addr);
	assert_int_equal(net.fwd[0].host_port, 8080);
	assert_int_equal(net.fwd[0].guest_port, 80);
	assert_true(net.fwd[1].udp);
	assert_string_equal(net.fwd[1].addr, "127.0.0.1");
	assert_int_equal(net.fwd[1].host_port, 53);
	assert_int_equal(net.fwd[1].guest_port, 5353);
	assert_null(net.fwd[2].addr);
	assert_int_equal(net.fwd[2].host_port, 2222);
	assert_string_equal(net.fwd[3].addr, "::1");
	assert_int_equal(net.fwd[3].guest_port, 65535);
	refuse("user,hostfwd=", "hostfwd");
	refuse("user,hostfwd=tcp", "hostfwd");
	refuse("user,hostfwd=tcp:", "hostfwd");
	refuse("user,hostfwd=tcp:80", "hostfwd");
	refuse("user,hostfwd=sctp:80:80", "hostfwd");
	refuse("user,hostfwd=tcp:0:80", "hostfwd");
	refuse("user,hostfwd=tcp:80:65536", "hostfwd");
	refuse("user,hostfwd=tcp:80-:80", "hostfwd");
	refuse("user,hostfwd=tcp::80-80", "hostfwd");
	refuse("user,hostfwd=tcp::80-10.0.2.15:80", "hostfwd");
	refuse("user,hostfwd=tcp:]:80-:80", "hostfwd");
	refuse("user,hostfwd=tcp:[:80-:80", "hostfwd");
	refuse("tap,hostfwd=tcp:80:80", "mode=user");
}

static void test_too_many_hostfwd(void **state)
{
	char value[512] = "user";
	size_t len = strlen(value);
	unsigned int i;

	(void)state;
	for (i = 0; i <= CONFIG_MAX_FWD; i++) {
		if (i == CONFIG_MAX_FWD)
			assert_int_equal(parse(value), 0);
		len += (size_t)snprintf(value + len, sizeof(value) - len,
					",hostfwd=tcp:1:1");
	}
	refuse(value, "too many");
}

/* On the whole command line. */
static void test_run(void **state)
{
	char *argv[2 * CONFIG_MAX_DISKS + 8];
	struct run_config cfg;
	int argc = 0, i;

	(void)state;
	argv[argc++] = "kernel";
	for (i = 0; i < CONFIG_MAX_NETS; i++) {
		argv[argc++] = "-n";
		argv[argc++] = i % 2 ? "user" : "tap,tapif=tap0";
	}
	argv[argc++] = "--network=none";
	assert_int_equal(config_parse_run(argc, argv, &cfg, &err), 0);
	assert_int_equal(cfg.nr_nets, CONFIG_MAX_NETS);
	assert_int_equal(cfg.net[1].mode, CONFIG_NET_USER);
	assert_memory_not_equal(cfg.net[0].mac, cfg.net[1].mac, 6);
	config_free(&cfg);

	argv[argc++] = "-nuser";
	memset(&err, 0, sizeof(err));
	assert_true(config_parse_run(argc, argv, &cfg, &err) < 0);
	assert_non_null(strstr(err.text, "at most 8"));

	argc = 0;
	argv[argc++] = "kernel";
	argv[argc++] = "-nuser";
	for (i = 0; i < CONFIG_MAX_DISKS; i++) {
		argv[argc++] = "-d";
		argv[argc++] = "disk";
	}
	memset(&err, 0, sizeof(err));
	assert_true(config_parse_run(argc, argv, &cfg, &err) < 0);
	assert_non_null(strstr(err.text, "together"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_tap),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_default_mac),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_hostfwd),
		cmocka_unit_test(test_too_many_hostfwd),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
