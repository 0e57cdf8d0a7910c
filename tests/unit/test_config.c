// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"

#define MIB 0x100000ULL

/* Parse the arguments, a list that ends in NULL. */
#define PARSE(cfg, err, ...) \
	parse((const char *const[]){ __VA_ARGS__, NULL }, cfg, err)

static int parse(const char *const *args, struct run_config *cfg,
		 struct error *err)
{
	int argc = 0;

	while (args[argc])
		argc++;
	memset(err, 0, sizeof(*err));
	return config_parse_run(argc, (char **)args, cfg, err);
}

/* The arguments are refused with one usage line that has @want in it. */
#define REFUSE(want, ...)                                          \
	do {                                                       \
		struct run_config c_;                              \
		struct error e_;                                   \
		assert_true(PARSE(&c_, &e_, __VA_ARGS__) < 0);     \
		assert_int_equal(e_.status, TL_USAGE);             \
		if (!strstr(e_.text, want))                        \
			fail_msg("no '%s' in: %s", want, e_.text); \
		assert_null(strchr(e_.text, '\n'));                \
		assert_null(c_.arena);                             \
	} while (0)

static void defaults(void **state)
{
	struct run_config cfg;
	struct error err;
	char name[32];

	(void)state;
	assert_int_equal(PARSE(&cfg, &err, "-k", "Image"), 0);
	assert_string_equal(cfg.kernel, "Image");
	assert_null(cfg.initrd);
	assert_null(cfg.params);
	assert_null(cfg.dump_dtb);
	assert_null(cfg.trace);
	assert_int_equal(cfg.nr_disks, 0);
	assert_int_equal(cfg.cpus, 1);
	assert_int_equal(cfg.mem_size, 512 * MIB);
	assert_int_equal(cfg.width, GUEST_WIDTH_ANY);
	assert_int_equal(cfg.gic, 0);
	assert_int_equal(cfg.loglevel, LOG_WARN);
	assert_int_equal(cfg.sandbox, SANDBOX_AUTO);
	assert_false(cfg.nodefaults || cfg.no_reboot || cfg.help);
	snprintf(name, sizeof(name), "guest-%d", (int)getpid());
	assert_string_equal(cfg.name, name);
	config_free(&cfg);
}

static void every_option(void **state)
{
	struct run_config cfg;
	struct error err;

	(void)state;
	assert_int_equal(
		PARSE(&cfg, &err, "--kernel=zImage", "--initrd", "rd.gz",
		      "--params", "quiet a=\"b c\"", "--disk=a.img", "-d",
		      "b,c.img,ro", "--cpus", "4", "--mem=1G", "--network",
		      "mode=none", "--aarch32", "--irqchip", "gicv3",
		      "--name=vm_1", "--console", "serial", "--dump-dtb=o.dtb",
		      "--nodefaults", "--loglevel", "debug", "--sandbox=none",
		      "--trace", "trace.dat", "--no-reboot", "--panic=hold",
		      "--cpu-pin=0=1,3=2-3", "--pmu", "--hugetlbfs=32M"),
		0);
	assert_string_equal(cfg.kernel, "zImage");
	assert_string_equal(cfg.initrd, "rd.gz");
	assert_string_equal(cfg.params, "quiet a=\"b c\"");
	assert_int_equal(cfg.nr_disks, 2);
	assert_string_equal(cfg.disk[0].path, "a.img");
	assert_false(cfg.disk[0].read_only);
	assert_string_equal(cfg.disk[1].path, "b,c.img");
	assert_true(cfg.disk[1].read_only);
	assert_int_equal(cfg.cpus, 4);
	assert_int_equal(cfg.mem_size, 1024 * MIB);
	assert_int_equal(cfg.width, GUEST_32BIT);
	assert_int_equal(cfg.gic, 3);
	assert_string_equal(cfg.name, "vm_1");
	assert_string_equal(cfg.dump_dtb, "o.dtb");
	assert_true(cfg.nodefaults);
	assert_int_equal(cfg.loglevel, LOG_DEBUG);
	assert_int_equal(cfg.sandbox, SANDBOX_NONE);
	assert_string_equal(cfg.trace, "trace.dat");
	assert_true(cfg.no_reboot);
	assert_int_equal(cfg.panic, PANIC_HOLD);
	assert_string_equal(cfg.cpu_pin, "0=1,3=2-3");
	assert_true(cfg.pmu);
	assert_true(cfg.hugetlb);
	assert_int_equal(cfg.huge.page, 32 * MIB);
	config_free(&cfg);
}

static void consoles_and_ports(void **state)
{
	struct run_config cfg;
	struct error err;

	(void)state;
	assert_int_equal(PARSE(&cfg, &err, "k"), 0);
	assert_int_equal(cfg.console, CONSOLE_SERIAL);
	assert_string_equal(cfg.console_where, "tty");
	assert_null(cfg.serial_where);
	assert_int_equal(cfg.nr_ports, 0);
	assert_false(cfg.rng || cfg.balloon);
	config_free(&cfg);

	assert_int_equal(PARSE(&cfg, &err, "k", "--console", "virtio,unix:/a,b",
			       "--serial=file:log", "--port", "a=pty",
			       "--port=b.c=unix-connect:x=y", "--rng",
			       "--balloon=100"),
			 0);
	assert_int_equal(cfg.console, CONSOLE_VIRTIO);
	assert_string_equal(cfg.console_where, "unix:/a,b");
	assert_string_equal(cfg.serial_where, "file:log");
	assert_int_equal(cfg.nr_ports, 2);
	assert_string_equal(cfg.port[0].name, "a");
	assert_string_equal(cfg.port[0].where, "pty");
	assert_string_equal(cfg.port[1].name, "b.c");
	assert_string_equal(cfg.port[1].where, "unix-connect:x=y");
	assert_true(cfg.rng && cfg.balloon);
	assert_int_equal(cfg.balloon_size, 100 * MIB);
	config_free(&cfg);

	assert_int_equal(cfg.vsock.cid, 0);
	assert_int_equal(PARSE(&cfg, &err, "k", "--vsock=cid=3,uds=/a,b=c"), 0);
	assert_int_equal(cfg.vsock.cid, 3);
	assert_string_equal(cfg.vsock.uds, "/a,b=c");
	config_free(&cfg);
	assert_int_equal(PARSE(&cfg, &err, "k", "--vsock", "vhost,4294967294"),
			 0);
	assert_int_equal(cfg.vsock.cid, UINT32_MAX - 1);
	assert_null(cfg.vsock.uds);
	config_free(&cfg);

	assert_int_equal(PARSE(&cfg, &err, "--balloon", "k", "--console",
			       "serial,pty:l", "--port", "a=tty"),
			 0);
	assert_string_equal(cfg.kernel, "k");
	assert_true(cfg.balloon);
	assert_int_equal(cfg.balloon_size, 0);
	assert_string_equal(cfg.serial_where, "pty:l");
	config_free(&cfg);
}

static void kernel_as_argument(void **state)
{
	char *argv[] = { "Image", "-m", "256", "-p", "x", NULL };
	struct error err = { 0 };
	struct run_config cfg;

	(void)state;
	assert_int_equal(config_parse_run(5, argv, &cfg, &err), 0);
	assert_string_equal(cfg.kernel, "Image");
	assert_int_equal(cfg.mem_size, 256 * MIB);
	/* The caller's arguments are as they were. */
	assert_string_equal(argv[0], "Image");
	assert_string_equal(argv[4], "x");
	config_free(&cfg);

	assert_int_equal(PARSE(&cfg, &err, "-c2", "--", "-odd-name"), 0);
	assert_string_equal(cfg.kernel, "-odd-name");
	assert_int_equal(cfg.cpus, 2);
	config_free(&cfg);

	REFUSE("one argument too many", "a", "b");
	REFUSE("one argument too many", "-k", "a", "b");
	REFUSE("no kernel given; use -k FILE", "-m", "64");
	REFUSE("no kernel given", NULL);
}

static void memory_sizes(void **state)
{
	static const struct {
		const char *arg;
		uint64_t bytes;
	} good[] = {
		{ "1", 2 * MIB },         { "2", 2 * MIB },
		{ "3", 4 * MIB },         { "64M", 64 * MIB },
		{ "64m", 64 * MIB },      { "2048K", 2 * MIB },
		{ "2049k", 4 * MIB },     { "1B", 2 * MIB },
		{ "2097153B", 4 * MIB },  { "2G", 2048 * MIB },
		{ "255G", 255ULL << 30 }, { "261120", 255ULL << 30 },
		{ "0064", 64 * MIB },
	};
	static const char *const range[] = {
		"0",
		"0G",
		"256G",
		"1T",
		"1P",
		"16384P",
		"17592186044416M",
		"18446744073709551615",
		"18446744073709551616",
		"99999999999999999999999999",
	};
	static const char *const garbage[] = {
		"",     "x", "-1",   "+1",  " 1",    "1 ",  "1.5G",
		"64MB", "G", "0x40", "1e3", "64MiB", "1KK",
	};
	struct run_config cfg;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(PARSE(&cfg, &err, "k", "-m", good[i].arg), 0);
		assert_int_equal(cfg.mem_size, good[i].bytes);
		config_free(&cfg);
	}
	for (i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		REFUSE("is out of range: 2M to 255G", "k", "-m", range[i]);
	for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
		REFUSE("is no memory size", "k", "--mem", garbage[i]);
	REFUSE("address of memory is fixed", "k", "-m", "512M@2G");
}

static void cpu_counts(void **state)
{
	static const char *const bad[] = {
		"0",   "-1",         "124", "1x", "",
		"two", "4294967297", "0x2", " 1", "18446744073709551617"
	};
	struct run_config cfg;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSE("is no number of CPUs: 1 to 123", "k", "-c", bad[i]);
	assert_int_equal(PARSE(&cfg, &err, "k", "-c", "123"), 0);
	assert_int_equal(cfg.cpus, 123);
	config_free(&cfg);

	assert_int_equal(PARSE(&cfg, &err, "k", "-c8", "--irqchip=gicv2"), 0);
	config_free(&cfg);
	REFUSE("at most 8 CPUs", "k", "-c9", "--irqchip=gicv2");
}

static void machines(void **state)
{
	struct run_config cfg;
	struct error err;

	(void)state;
	assert_int_equal(PARSE(&cfg, &err, "k"), 0);
	assert_null(cfg.machine);
	config_free(&cfg);
	assert_int_equal(PARSE(&cfg, &err, "k", "--machine", "virt"), 0);
	assert_null(cfg.machine);
	config_free(&cfg);
	assert_int_equal(PARSE(&cfg, &err, "k", "--machine=vexpress-a15",
			       "--dtb", "x.dtb"),
			 0);
	assert_ptr_equal(cfg.machine, &vexpress_memmap);
	assert_string_equal(cfg.dtb, "x.dtb");
	config_free(&cfg);
}

static void disks(void **state)
{
	const char *args[2 * (CONFIG_MAX_DISKS + 1) + 2];
	struct run_config cfg;
	struct error err;
	unsigned int i, n = 0;

	(void)state;
	assert_int_equal(PARSE(&cfg, &err, "k", "-d", "x"), 0);
	assert_string_equal(cfg.disk[0].path, "x");
	assert_false(cfg.disk[0].read_only);
	assert_false(cfg.disk[0].snapshot);
	assert_false(cfg.disk[0].direct);
	assert_null(cfg.disk[0].overlay);
	assert_null(cfg.disk[0].id);
	assert_int_equal(cfg.disk[0].queues, 1);
	config_free(&cfg);

	assert_int_equal(PARSE(&cfg, &err, "k", "-d",
			       "a,b=c,ro ,snapshot,overlay=/o=p,direct,"
			       "queues=8,id=12345678901234567890"),
			 0);
	assert_string_equal(cfg.disk[0].path, "a,b=c,ro ");
	assert_true(cfg.disk[0].snapshot);
	assert_true(cfg.disk[0].direct);
	assert_string_equal(cfg.disk[0].overlay, "/o=p");
	assert_string_equal(cfg.disk[0].id, "12345678901234567890");
	assert_int_equal(cfg.disk[0].queues, 8);
	config_free(&cfg);

	/* An overlay may be looked at without being written to. */
	assert_int_equal(PARSE(&cfg, &err, "k", "-d", "x,rw", "-d",
			       "y,overlay=z,ro", "-d", "x,"),
			 0);
	assert_string_equal(cfg.disk[0].path, "x");
	assert_string_equal(cfg.disk[1].path, "y");
	assert_true(cfg.disk[1].read_only);
	assert_string_equal(cfg.disk[2].path, "x,");
	config_free(&cfg);

	assert_int_equal(PARSE(&cfg, &err, "k", "--virtio-legacy",
			       "--kernel-cache", "/some/dir"),
			 0);
	assert_true(cfg.virtio_legacy);
	assert_string_equal(cfg.kernel_cache, "/some/dir");
	assert_false(cfg.no_kernel_cache);
	config_free(&cfg);
	assert_int_equal(PARSE(&cfg, &err, "k", "--kernel-cache=none"), 0);
	assert_true(cfg.no_kernel_cache);
	assert_false(cfg.virtio_legacy);
	config_free(&cfg);

	REFUSE("takes no value", "k", "--virtio-legacy=1");
	REFUSE("needs a value", "k", "--kernel-cache");
	REFUSE("needs the name", "k", "--kernel-cache", "");
	REFUSE("neither host nor guest", "k", "--decompress", "both");
	REFUSE("needs the name of a disk image", "k", "-d", "");
	REFUSE("needs the name of a disk image", "k", "-d", ",ro");
	REFUSE("needs the name of a disk image", "k", "-d", ",direct,ro");
	REFUSE("both ro and rw", "k", "-d", "x,ro,rw");
	REFUSE("snapshot out", "k", "-d", "x,snapshot,ro");
	REFUSE("queues=0: a number from 1 to 8", "k", "-d", "x,queues=0");
	REFUSE("queues=: a", "k", "-d", "x,queues=");
	REFUSE("queues=9: a", "k", "-d", "x,queues=9");
	REFUSE("queues=10: a", "k", "-d", "x,queues=10");
	REFUSE("queues=2x: a", "k", "-d", "x,queues=2x");
	REFUSE("id=: 1 to 20", "k", "-d", "x,id=");
	REFUSE("1 to 20", "k", "-d", "x,id=123456789012345678901");
	REFUSE("none of them a space", "k", "-d", "x,id=a b");
	REFUSE("none of them a space", "k", "-d", "x,id=\xc3\xa4");
	REFUSE("overlay= needs the name", "k", "-d", "x,overlay=");

	args[n++] = "k";
	for (i = 0; i < CONFIG_MAX_DISKS; i++) {
		args[n++] = "-d";
		args[n++] = "disk";
	}
	args[n] = NULL;
	assert_int_equal(parse(args, &cfg, &err), 0);
	assert_int_equal(cfg.nr_disks, CONFIG_MAX_DISKS);
	config_free(&cfg);

	args[n++] = "-d";
	args[n++] = "disk";
	args[n] = NULL;
	assert_true(parse(args, &cfg, &err) < 0);
	assert_non_null(strstr(err.text, "at most 32"));
}

static void bad_values(void **state)
{
	char long_name[80];

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	long_name[65] = '\0';
	REFUSE("--name: ", "k", "--name", long_name);
	REFUSE("--name: ", "k", "--name", "");
	REFUSE("--name: ", "k", "--name", "a/b");
	REFUSE("--name: ", "k", "--name", "../x");
	REFUSE("--name: ", "k", "--name", ".x");
	REFUSE("--name: ", "k", "--name=-x");
	REFUSE("--name: ", "k", "--name", "a b");
	REFUSE("neither virt nor vexpress-a15", "k", "--machine=vexpress-a9");
	REFUSE("--dtb is for --machine", "k", "--dtb=x.dtb");
	REFUSE("--dtb is for", "k", "--machine=virt", "--dtb=x.dtb");
	REFUSE("neither gicv2 nor gicv3", "k", "--irqchip", "gic");
	REFUSE("use gicv2", "k", "--irqchip", "gicv2m");
	REFUSE("use gicv3", "k", "--irqchip", "gicv3-its");
	REFUSE("bridge", "k", "--network=bridge");
	REFUSE("neither serial nor virtio", "k", "--console", "hv");
	REFUSE("--console: 'lp0' is none of", "k", "--console", "virtio,lp0");
	REFUSE("tty, pty[:LINK], file:PATH", "k", "--console", "serial,");
	REFUSE("--serial: 'file' needs a path", "k", "--serial", "file");
	REFUSE("--serial: 'unix:' has an empty path", "k", "--serial=unix:");
	REFUSE("is no NAME=WHERE", "k", "--port", "none");
	REFUSE("is no name", "k", "--port", "=none");
	REFUSE("is no name", "k", "--port", "a/b=none");
	REFUSE("is no name", "k", "--port", "..=none");
	REFUSE("is no name", "k", "--port",
	       "1234567890123456789012345678901234567890"
	       "123456789012345678901234=none");
	REFUSE("'com1' is none of", "k", "--port", "a=com1");
	REFUSE("two ports with the name a", "k", "--port", "a=none", "--port",
	       "a=pty");
	REFUSE("the terminal is taken", "k", "--port", "a=tty");
	REFUSE("the terminal is taken", "k", "--console=virtio", "--port",
	       "a=tty");
	REFUSE("the terminal is taken", "k", "--serial=none", "--port", "a=tty",
	       "--port", "b=tty");
	REFUSE("the guest needs a number", "k", "--vsock=uds=/a");
	REFUSE("the guest needs a number", "k", "--vsock=vhost");
	REFUSE("'2' is no CID", "k", "--vsock=2");
	REFUSE("'4294967295' is no CID", "k", "--vsock=cid=4294967295");
	REFUSE("'3x' is no CID", "k", "--vsock=3x");
	REFUSE("'' is no CID", "k", "--vsock=cid=,uds=a");
	REFUSE("'port=1' is none of", "k", "--vsock=3,port=1");
	REFUSE("'' is none of", "k", "--vsock=");
	REFUSE("give one", "k", "--vsock=vhost,cid=3,uds=a");
	REFUSE("the path of a socket", "k", "--vsock=cid=3,uds=");
	REFUSE("the path of a socket", "k",
	       "--vsock=cid=3,uds=12345678901234567890123456789012345678901234"
	       "567890123456789012345678901234567890123456789012345678");
	REFUSE("is no list", "k", "--cpu-pin=1");
	REFUSE("no virtual CPU 1", "k", "--cpu-pin=1=0");
	REFUSE("is no memory size", "k", "--hugetlbfs=dir");
	REFUSE("cannot be given back", "k", "--hugetlbfs=/dir", "--balloon");
	REFUSE("'explode' is none of exit", "k", "--panic=explode");
	REFUSE("--panic needs a value", "k", "--panic");
	REFUSE("--balloon: 'much' is no memory size", "k", "--balloon=much");
	REFUSE("all of which the balloon", "k", "-m", "64", "--balloon=64M");
	REFUSE("none of error, warning", "k", "--loglevel", "loud");
	REFUSE("none of none, seccomp and full", "k", "--sandbox", "open");
	REFUSE("trapline record", "k", "--sandbox=full", "--trace", "t.dat");
	REFUSE("device tree of machine vexpress-a15", "k", "--sandbox=full",
	       "--machine", "vexpress-a15");
	REFUSE("-k needs the name of a file", "-k", "");
	REFUSE("-i needs the name of a file", "k", "-i", "");
	REFUSE("--dump-dtb needs the name", "k", "--dump-dtb=");
	REFUSE("--trace needs the name", "k", "--trace", "");
}

static void bad_options(void **state)
{
	(void)state;
	REFUSE("option -k needs a value", "-k");
	REFUSE("option -m needs a value", "k", "--mem");
	REFUSE("option --irqchip needs a value", "k", "--irqchip");
	REFUSE("option --aarch32 takes no value", "k", "--aarch32=1");
	REFUSE("unknown option '-x'", "k", "-x");
	REFUSE("unknown option '--bogus=1'", "k", "--bogus=1");
	REFUSE("unknown option '--bogus'", "--bogus", "k");
	REFUSE("option --rng takes no value", "k", "--rng=/dev/random");
	REFUSE("option --tty of lkvm", "k", "--tty", "0");
	REFUSE("option --9p of lkvm", "k", "--9p=/,x");
	REFUSE("option -f of lkvm", "k", "-f", "fw.bin");
}

static void help(void **state)
{
	struct run_config cfg;
	struct error err;

	(void)state;
	assert_int_equal(PARSE(&cfg, &err, "--help"), 0);
	assert_true(cfg.help);
	config_free(&cfg);
	assert_int_equal(PARSE(&cfg, &err, "-m", "64", "-h"), 0);
	assert_true(cfg.help);
	config_free(&cfg);
	assert_non_null(strstr(config_run_help, "--dump-dtb"));
}

/* A refused line must leave nothing behind for the next one. */
static void control_socket(void **state)
{
	struct run_config cfg;
	struct error err;

	(void)state;
	assert_int_equal(PARSE(&cfg, &err, "k"), 0);
	assert_false(cfg.named);
	assert_null(cfg.control);
	assert_false(cfg.no_control);
	config_free(&cfg);
	assert_int_equal(PARSE(&cfg, &err, "k", "--name", "dora", "--control",
			       "/tmp/c"),
			 0);
	assert_true(cfg.named);
	assert_string_equal(cfg.control, "/tmp/c");
	assert_false(cfg.no_control);
	config_free(&cfg);
	assert_int_equal(PARSE(&cfg, &err, "k", "--control=none"), 0);
	assert_true(cfg.no_control);
	config_free(&cfg);
	REFUSE("--control needs", "k", "--control", "");
	REFUSE("--control needs", "k", "--control");
}

static void parses_afresh(void **state)
{
	struct run_config cfg;
	struct error err;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_true(PARSE(&cfg, &err, "a", "b", "-xyz", "c") < 0);
		assert_int_equal(PARSE(&cfg, &err, "-c", "2", "Image"), 0);
		assert_string_equal(cfg.kernel, "Image");
		assert_int_equal(cfg.cpus, 2);
		config_free(&cfg);
	}
}

static void last_one_wins(void **state)
{
	struct run_config cfg;
	struct error err;

	(void)state;
	assert_int_equal(PARSE(&cfg, &err, "-k", "a", "-k", "b", "-m", "64",
			       "-m", "128", "-p", ""),
			 0);
	assert_string_equal(cfg.kernel, "b");
	assert_int_equal(cfg.mem_size, 128 * MIB);
	assert_string_equal(cfg.params, "");
	config_free(&cfg);
	config_free(&cfg); /* once more does no harm */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_option),
		cmocka_unit_test(consoles_and_ports),
		cmocka_unit_test(kernel_as_argument),
		cmocka_unit_test(memory_sizes),
		cmocka_unit_test(cpu_counts),
		cmocka_unit_test(machines),
		cmocka_unit_test(disks),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(help),
		cmocka_unit_test(control_socket),
		cmocka_unit_test(parses_afresh),
		cmocka_unit_test(last_one_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
