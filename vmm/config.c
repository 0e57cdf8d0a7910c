// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config-lkvm.h"
#include "config-machine.h"
#include "config-panic.h"
#include "config-pin.h"
#include "config-ports.h"
#include "config-sandbox.h"
#include "config.h"
#include "config-disk.h"
#include "core/host-cap.h"

#define BLOCK        (2ULL << 20) /* a stage-2 block mapping */
#define NAME_MAX_LEN 64

/* Long options without a letter; above every character. */
enum {
	OPT_AARCH32 = 256,
	OPT_IRQCHIP,
	OPT_NAME,
	OPT_CONSOLE,
	OPT_SERIAL,
	OPT_PORT,
	OPT_RNG,
	OPT_VSOCK,
	OPT_BALLOON,
	OPT_DUMP_DTB,
	OPT_NODEFAULTS,
	OPT_LOGLEVEL,
	OPT_TRACE,
	OPT_NO_REBOOT,
	OPT_PANIC,
	OPT_CPU_PIN,
	OPT_PMU,
	OPT_HUGETLBFS,
	OPT_CONTROL,
	OPT_DISABLE_CAP,
	OPT_DECOMPRESS,
	OPT_KERNEL_CACHE,
	OPT_MACHINE,
	OPT_DTB,
	OPT_VIRTIO_LEGACY,
	OPT_SANDBOX,
};

/* ':' first: a missing value is told from an unknown option. */
static const char short_opts[] = ":k:i:p:d:c:m:n:h";

static const struct option long_opts[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "params", required_argument, NULL, 'p' },
	{ "disk", required_argument, NULL, 'd' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "mem", required_argument, NULL, 'm' },
	{ "network", required_argument, NULL, 'n' },
	{ "aarch32", no_argument, NULL, OPT_AARCH32 },
	{ "irqchip", required_argument, NULL, OPT_IRQCHIP },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "console", required_argument, NULL, OPT_CONSOLE },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "rng", no_argument, NULL, OPT_RNG },
	{ "vsock", required_argument, NULL, OPT_VSOCK },
	{ "balloon", optional_argument, NULL, OPT_BALLOON },
	{ "dump-dtb", required_argument, NULL, OPT_DUMP_DTB },
	{ "nodefaults", no_argument, NULL, OPT_NODEFAULTS },
	{ "loglevel", required_argument, NULL, OPT_LOGLEVEL },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "no-reboot", no_argument, NULL, OPT_NO_REBOOT },
	{ "panic", required_argument, NULL, OPT_PANIC },
	{ "cpu-pin", required_argument, NULL, OPT_CPU_PIN },
	{ "pmu", no_argument, NULL, OPT_PMU },
	{ "hugetlbfs", optional_argument, NULL, OPT_HUGETLBFS },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "disable-cap", required_argument, NULL, OPT_DISABLE_CAP },
	{ "decompress", required_argument, NULL, OPT_DECOMPRESS },
	{ "kernel-cache", required_argument, NULL, OPT_KERNEL_CACHE },
	{ "machine", required_argument, NULL, OPT_MACHINE },
	{ "dtb", required_argument, NULL, OPT_DTB },
	{ "virtio-legacy", no_argument, NULL, OPT_VIRTIO_LEGACY },
	{ "sandbox", required_argument, NULL, OPT_SANDBOX },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

const char config_run_help[] =
	"usage: trapline run [options] [-k] KERNEL\n"
	"\n"
	"      --domain FILE        take all this from a libvirt domain's XML;\n"
	"                           options beside it win\n"
	"  -k, --kernel FILE        zImage, Image or flat binary, packed or not\n"
	"  -i, --initrd FILE        initial RAM disk\n"
	"  -p, --params STRING      add to the kernel command line\n"
	"  -d, --disk FILE[,OPT...] raw image as a virtio disk (repeatable); OPT:\n"
	"                           ro, snapshot, overlay=FILE, direct,\n"
	"                           queues=N, id=STRING\n"
	"  -c, --cpus N             virtual CPUs (1)\n"
	"  -m, --mem SIZE[BKMGT]    memory, in MiB without a suffix (512)\n"
	"  -n, --network user[,hostfwd=tcp:PORT:PORT]|tap[,tapif=NAME]|none\n"
	"                           network device (repeatable; none)\n"
	"      --cpu-pin N=LIST,... host CPUs that virtual CPU N may run on\n"
	"      --pmu                performance counters for the guest\n"
	"      --hugetlbfs[=SIZE|DIR]  memory in huge pages set aside for it\n"
	"      --aarch32            32-bit guest; a flat binary does not tell\n"
	"      --machine virt|vexpress-a15  the board (virt)\n"
	"      --dtb FILE           the device tree that vexpress-a15 starts from\n"
	"      --irqchip gicv2|gicv3  interrupt controller (what the host has)\n"
	"      --name NAME          name of the virtual machine (guest-PID)\n"
	"      --control PATH|none  control socket (made from the name)\n"
	"      --console serial|virtio[,WHERE]\n"
	"                           PL011 or virtio console (serial,tty)\n"
	"      --serial WHERE       the PL011, where it is not the console\n"
	"      --port NAME=WHERE    named virtio console port (repeatable)\n"
	"                           WHERE: tty (Ctrl-A x quits), pty[:LINK],\n"
	"                           file:PATH, unix:PATH, unix-connect:PATH, "
	"none\n"
	"      --rng                virtio random number generator\n"
	"      --vsock cid=N[,uds=PATH]  sockets between guest and host: Unix\n"
	"                           sockets at PATH, or the kernel's AF_VSOCK\n"
	"      --balloon[=SIZE]     virtio balloon, taking SIZE from the start\n"
	"      --virtio-legacy      virtio-mmio version 1, for old drivers\n"
	"      --dump-dtb FILE      write the guest's device tree to FILE\n"
	"      --decompress host|guest\n"
	"                           who unpacks a zImage (host)\n"
	"      --kernel-cache DIR|none  unpacked kernels (~/.cache/trapline)\n"
	"      --nodefaults         use -p alone as the kernel command line\n"
	"      --no-reboot          end when the guest resets itself\n"
	"      --panic exit|reset|hold  when its kernel panics (exit)\n"
	"      --trace FILE         record the guest's traps for trapline "
	"report\n"
	"      --disable-cap CAP[,CAP...]\n"
	"                           do without these of the host's KVM: irqfd,\n"
	"                           ioeventfd, readonly-mem, coalesced-mmio,\n"
	"                           psci-0.2, vgic-v2-device, preferred-target,\n"
	"                           immediate-exit, stats-fd\n"
	"      --sandbox none|seccomp|full  shut the VM in (seccomp)\n"
	"      --loglevel LEVEL     error, warning, info or debug (warning)\n"
	"  -h, --help               show this\n";

static const char *name_of(int opt)
{
	static const char *const letters[] = {
		['k'] = "-k", ['i'] = "-i", ['p'] = "-p", ['d'] = "-d",
		['c'] = "-c", ['m'] = "-m", ['n'] = "-n",
	};
	const struct option *o;

	if (opt < (int)(sizeof(letters) / sizeof(letters[0])) && letters[opt])
		return letters[opt];
	for (o = long_opts; o->name; o++)
		if (o->val == opt)
			return o->name;
	return "?";
}

/* "-k" or "--name": letters come with their dash, long names without. */
static const char *dashes(int opt)
{
	return opt >= OPT_AARCH32 ? "--" : "";
}

#define bad(err, opt, fmt, ...)                                          \
	error_set(err, TL_USAGE, EINVAL, "option %s%s" fmt, dashes(opt), \
		  name_of(opt), __VA_ARGS__)

/*
 * An unsigned decimal number, without the sign and white space that strtoull()
 * takes.  False if there is none or it does not fit.
 */
static bool parse_number(const char *s, const char **end, uint64_t *val)
{
	char *e;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*val = strtoull(s, &e, 10);
	*end = e;
	return errno == 0;
}

static int parse_cpus(const char *arg, unsigned int *cpus, struct error *err)
{
	const char *end;
	uint64_t n;

	if (!parse_number(arg, &end, &n) || *end || n < 1 ||
	    n > CONFIG_MAX_CPUS)
		return bad(err, 'c', ": '%.40s' is no number of CPUs: 1 to %d",
			   arg, CONFIG_MAX_CPUS);
	*cpus = (unsigned int)n;
	return 0;
}

/* lkvm's SIZE[BKMGTP]; MiB by default.  Rounded up to a @multiple. */
static int parse_size(int opt, const char *arg, uint64_t multiple,
		      uint64_t *mem, struct error *err)
{
	static const char units[] = "BKMGTP";
	unsigned int shift = 20;
	const char *end, *unit;
	uint64_t n;

	if (!isdigit((unsigned char)*arg))
		goto garbage;
	if (!parse_number(arg, &end, &n))
		goto range;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (end[1] == '@' || *end == '@')
			return bad(err, opt,
				   ": '%.40s': the address of memory is fixed "
				   "by the machine; give the size alone",
				   arg);
		if (!unit || end[1])
			goto garbage;
		shift = (unsigned int)(unit - units) * 10;
	}
	if (n == 0 || n > CONFIG_MAX_MEM >> shift)
		goto range;
	*mem = ((n << shift) + multiple - 1) / multiple * multiple;
	return 0;

garbage:
	return bad(
		err, opt,
		": '%.40s' is no memory size: a number of MiB, or one with B, "
		"K, M, G or T behind it",
		arg);
range:
	return bad(err, opt, ": '%.40s' is out of range: 2M to %lluG", arg,
		   CONFIG_MAX_MEM >> 30);
}

static int parse_net(char *arg, struct run_config *cfg, struct error *err)
{
	struct config_net net;
	int ret;

	ret = config_net_parse(arg, &net, err);
	if (ret < 0 || net.mode == CONFIG_NET_NONE)
		return ret;
	if (cfg->nr_nets == CONFIG_MAX_NETS)
		return bad(err, 'n', ": at most %d network devices",
			   CONFIG_MAX_NETS);
	cfg->net[cfg->nr_nets++] = net;
	return 0;
}

static int parse_irqchip(const char *arg, unsigned int *gic, struct error *err)
{
	if (!strcmp(arg, "gicv2"))
		*gic = 2;
	else if (!strcmp(arg, "gicv3"))
		*gic = 3;
	else if (!strcmp(arg, "gicv2m") || !strcmp(arg, "gicv3-its"))
		return bad(err, OPT_IRQCHIP,
			   ": %s is not in this version (there is no PCI): use "
			   "%.5s",
			   arg, arg);
	else
		return bad(err, OPT_IRQCHIP,
			   ": '%.40s' is neither gicv2 nor "
			   "gicv3",
			   arg);
	return 0;
}

/* It becomes a file's name: no '/', nothing hidden, nothing like an option. */
static int parse_name(const char *arg, const char **name, struct error *err)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(arg);

	if (len < 1 || len > NAME_MAX_LEN || strspn(arg, ok) != len ||
	    *arg == '.' || *arg == '-')
		return bad(
			err, OPT_NAME,
			": '%.70s' is no name: 1 to %d letters, digits, '-', "
			"'_' and '.', and a letter, digit or '_' first",
			arg, NAME_MAX_LEN);
	*name = arg;
	return 0;
}

static int parse_file(int opt, const char *arg, const char **file,
		      struct error *err)
{
	if (!*arg)
		return bad(err, opt, " %s", "needs the name of a file");
	*file = arg;
	return 0;
}

static int parse_positional(const char *arg, struct run_config *cfg,
			    struct error *err)
{
	if (cfg->kernel)
		return error_set(err, TL_USAGE, EINVAL,
				 "'%.200s' is one argument too many: the "
				 "kernel is %.200s (trapline run --help)",
				 arg, cfg->kernel);
	return parse_file('k', arg, &cfg->kernel, err);
}

static int parse_option(int opt, char *arg, struct run_config *cfg,
			struct error *err)
{
	switch (opt) {
	case 'k':
		return parse_file(opt, arg, &cfg->kernel, err);
	case 'i':
		return parse_file(opt, arg, &cfg->initrd, err);
	case 'p':
		cfg->params = arg;
		return 0;
	case 'd':
		return config_parse_disk(arg, cfg, err);
	case 'c':
		return parse_cpus(arg, &cfg->cpus, err);
	case 'm':
		return parse_size(opt, arg, BLOCK, &cfg->mem_size, err);
	case 'n':
		return parse_net(arg, cfg, err);
	case OPT_AARCH32:
		cfg->width = GUEST_32BIT;
		return 0;
	case OPT_MACHINE:
		return config_parse_machine(arg, &cfg->machine, err);
	case OPT_DTB:
		return parse_file(opt, arg, &cfg->dtb, err);
	case OPT_IRQCHIP:
		return parse_irqchip(arg, &cfg->gic, err);
	case OPT_NAME:
		cfg->named = true;
		return parse_name(arg, &cfg->name, err);
	case OPT_CONTROL:
		cfg->no_control = !strcmp(arg, "none");
		return parse_file(opt, arg, &cfg->control, err);
	case OPT_CONSOLE:
		return config_parse_console(arg, cfg, err);
	case OPT_SERIAL:
		return config_parse_serial(arg, cfg, err);
	case OPT_PORT:
		return config_parse_port(arg, cfg, err);
	case OPT_VSOCK:
		return config_vsock_parse(arg, &cfg->vsock, err);
	case OPT_RNG:
		cfg->rng = true;
		return 0;
	case OPT_BALLOON:
		cfg->balloon = true;
		return arg ? parse_size(opt, arg, 1, &cfg->balloon_size, err)
			   : 0;
	case OPT_DUMP_DTB:
		return parse_file(opt, arg, &cfg->dump_dtb, err);
	case OPT_NODEFAULTS:
		cfg->nodefaults = true;
		return 0;
	case OPT_LOGLEVEL:
		if (log_level_parse(arg, &cfg->loglevel) < 0)
			return bad(err, opt,
				   ": '%.40s' is none of error, warning, info "
				   "and debug",
				   arg);
		return 0;
	case OPT_TRACE:
		return parse_file(opt, arg, &cfg->trace, err);
	case OPT_CPU_PIN:
		cfg->cpu_pin = arg;
		return config_pin_check(arg, err);
	case OPT_PMU:
		cfg->pmu = true;
		return 0;
	case OPT_HUGETLBFS:
		cfg->hugetlb = true;
		if (!arg || *arg == '/') {
			cfg->huge.dir = arg;
			return 0;
		}
		return parse_size(opt, arg, 1, &cfg->huge.page, err);
	case OPT_PANIC:
		return config_panic_parse(arg, &cfg->panic, err);
	case OPT_VIRTIO_LEGACY:
		cfg->virtio_legacy = true;
		return 0;
	case OPT_DECOMPRESS:
		cfg->guest_decompress = !strcmp(arg, "guest");
		if (cfg->guest_decompress || !strcmp(arg, "host"))
			return 0;
		return bad(err, opt, ": '%.40s' is neither host nor guest",
			   arg);
	case OPT_KERNEL_CACHE:
		cfg->no_kernel_cache = !strcmp(arg, "none");
		return parse_file(opt, arg, &cfg->kernel_cache, err);
	case OPT_NO_REBOOT:
		cfg->no_reboot = true;
		return 0;
	case OPT_SANDBOX:
		return sandbox_parse(arg, &cfg->sandbox, err);
	case OPT_DISABLE_CAP:
		return host_cap_parse(arg, &cfg->disabled_caps, err);
	}
	return -EINVAL;
}

static int parse_all(int argc, char **argv, struct run_config *cfg,
		     struct error *err)
{
	char one[] = "-?";
	int opt, ret;

	/* glibc's getopt starts afresh at 0, its state of permuting included. */
	optind = 0;
	opterr = 0;
	for (;;) {
		optopt = 0;
		opt = getopt_long(argc, argv, short_opts, long_opts, NULL);
		if (opt == -1)
			break;
		if (opt == 'h' || optopt == 'h') {
			cfg->help = true;
			return 0;
		}
		if (opt == ':')
			return bad(err, optopt, " %s", "needs a value");
		if (opt == '?' && optopt >= OPT_AARCH32)
			return bad(err, optopt, " %s", "takes no value");
		if (opt == '?' && optopt) {
			one[1] = (char)optopt;
			return config_unknown_option(one, err);
		}
		if (opt == '?')
			return config_unknown_option(argv[optind - 1], err);
		ret = parse_option(opt, optarg, cfg, err);
		if (ret < 0)
			return ret;
	}
	for (; optind < argc; optind++) {
		ret = parse_positional(argv[optind], cfg, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

#define DEFAULT_NAME_SIZE 32

/*
 * A copy of the arguments that getopt may reorder and parse_disk() may cut: in
 * one block the pointers, an empty program name that getopt skips, the strings,
 * and lkvm's default name for a guest.
 */
static char **copy_args(int argc, char **argv, const char **default_name)
{
	size_t size = sizeof(char *) * ((size_t)argc + 2) + 1;
	char **ptr, *text;
	int i;

	for (i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	ptr = malloc(size + DEFAULT_NAME_SIZE);
	if (!ptr)
		return NULL;
	text = (char *)(ptr + argc + 2);
	ptr[0] = text;
	*text++ = '\0';
	for (i = 0; i < argc; i++) {
		ptr[i + 1] = text;
		text = stpcpy(text, argv[i]) + 1;
	}
	ptr[argc + 1] = NULL;
	snprintf(text, DEFAULT_NAME_SIZE, "guest-%ld", (long)getpid());
	*default_name = text;
	return ptr;
}

int config_parse_run(int argc, char **argv, struct run_config *cfg,
		     struct error *err)
{
	unsigned int i;
	char **args;
	int ret;

	memset(cfg, 0, sizeof(*cfg));
	cfg->cpus = 1;
	cfg->mem_size = CONFIG_DEFAULT_MEM;
	cfg->width = GUEST_WIDTH_ANY;
	cfg->loglevel = LOG_WARN;
	cfg->console_where = "tty";

	args = copy_args(argc, argv, &cfg->name);
	cfg->arena = (char *)args;
	if (!args)
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory for the command line");

	ret = parse_all(argc + 1, args, cfg, err);
	if (ret < 0)
		goto fail;
	if (cfg->help)
		return 0;
	if (!cfg->kernel) {
		ret = error_set(err, TL_USAGE, EINVAL,
				"no kernel given; use -k FILE "
				"(trapline run --help)");
		goto fail;
	}
	if (cfg->gic == 2 && cfg->cpus > 8) {
		ret = error_set(err, TL_USAGE, EINVAL,
				"option -c: GICv2 serves at most 8 CPUs, not "
				"%u; leave out --irqchip gicv2",
				cfg->cpus);
		goto fail;
	}
	if (cfg->nr_disks + cfg->nr_nets > CONFIG_MAX_DISKS) {
		ret = error_set(err, TL_USAGE, EINVAL,
				"option -n: %u disks and %u network devices "
				"are too many: at most %d together",
				cfg->nr_disks, cfg->nr_nets, CONFIG_MAX_DISKS);
		goto fail;
	}
	if (cfg->dtb && !cfg->machine) {
		ret = error_set(err, TL_USAGE, EINVAL,
				"option --dtb is for --machine vexpress-a15: "
				"machine virt makes its own");
		goto fail;
	}
	for (i = 0; i < cfg->nr_nets; i++)
		config_net_default_mac(&cfg->net[i], cfg->name, i);
	if (cfg->balloon_size >= cfg->mem_size) {
		ret = error_set(err, TL_USAGE, EINVAL,
				"option --balloon: the guest has %llu MiB, all "
				"of which the balloon would take",
				(unsigned long long)cfg->mem_size >> 20);
		goto fail;
	}
	if (cfg->balloon && cfg->hugetlb) {
		ret = error_set(err, TL_USAGE, EINVAL,
				"option --balloon: huge pages cannot be given "
				"back in parts: leave out --hugetlbfs");
		goto fail;
	}
	ret = config_check_sandbox(cfg, err);
	if (ret < 0)
		goto fail;
	ret = config_pin_fits(cfg->cpu_pin, cfg->cpus, err);
	if (ret < 0)
		goto fail;
	ret = config_check_ports(cfg, err);
	if (ret < 0)
		goto fail;
	return 0;
fail:
	config_free(cfg);
	return ret;
}

void config_free(struct run_config *cfg)
{
	free(cfg->arena);
	memset(cfg, 0, sizeof(*cfg));
}
