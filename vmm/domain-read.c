// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain-rules.h"
#include "domain-tree.h"
#include "domain.h"
#include "lib/file.h"

struct reader {
	const char *what;
	struct domain_args *args;
	struct error *err;
	int ret;
	bool balloon;
};

/* Note the error, unless there is one already. */
static void unsupported(struct reader *r, const struct domain_node *node,
			const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void unsupported(struct reader *r, const struct domain_node *node,
			const char *fmt, ...)
{
	va_list ap;

	if (r->ret)
		return;
	va_start(ap, fmt);
	r->ret = domain_unsupported(r->err, r->what, node, fmt, ap);
	va_end(ap);
}

/* --- what it means ---------------------------------------------------------*/

static void add(struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* One argument more; @arg, NULL if there was no memory for it, is taken over. */
static void take(struct reader *r, char *arg)
{
	struct domain_args *args = r->args;
	char **more = NULL;

	if (arg)
		more = realloc(args->argv,
			       (size_t)(args->argc + 2) * sizeof(*more));
	if (!more) {
		free(arg);
		r->ret = error_set(r->err, TL_FAIL, ENOMEM, "out of memory");
		return;
	}
	args->argv = more;
	more[args->argc++] = arg;
	more[args->argc] = NULL;
}

static void add(struct reader *r, const char *fmt, ...)
{
	char *arg;
	va_list ap;

	if (r->ret)
		return;
	va_start(ap, fmt);
	if (vasprintf(&arg, fmt, ap) < 0)
		arg = NULL;
	va_end(ap);
	take(r, arg);
}

/* libvirt's units, formatdomain "memory": powers of 2 and of 10; KiB alone. */
static const struct {
	const char *name;
	uint64_t bytes;
} units[] = {
	{ "b", 1 },
	{ "bytes", 1 },
	{ "KB", 1000 },
	{ "k", 1024 },
	{ "KiB", 1024 },
	{ "MB", 1000000 },
	{ "M", 1 << 20 },
	{ "MiB", 1 << 20 },
	{ "GB", 1000000000 },
	{ "G", 1 << 30 },
	{ "GiB", 1 << 30 },
	{ "TB", UINT64_C(1000000000000) },
	{ "T", UINT64_C(1) << 40 },
	{ "TiB", UINT64_C(1) << 40 },
};

/* Bytes, 0 if @r has an error now. */
static uint64_t size_of(struct reader *r, const struct domain_node *node,
			const char *number, const char *unit)
{
	unsigned long long n = 0;
	char *end = NULL;
	size_t i = 0;

	if (!unit)
		unit = "KiB";
	errno = 0;
	if (number && *number >= '0' && *number <= '9')
		n = strtoull(number, &end, 10);
	while (i < sizeof(units) / sizeof(units[0]) &&
	       strcmp(units[i].name, unit))
		i++;
	if (!end || *end || errno || !n ||
	    i == sizeof(units) / sizeof(units[0]) ||
	    n > (UINT64_C(1) << 50) / units[i].bytes) {
		unsupported(r, node,
			    "<%s> '%.40s' %.20s is no amount of memory",
			    node->name, number ? number : "", unit);
		return 0;
	}
	return n * units[i].bytes;
}

static void read_memory(struct reader *r, const struct domain_node *root)
{
	const struct domain_node *all = domain_child(root, "memory");
	const struct domain_node *now = domain_child(root, "currentMemory");
	const struct domain_node *huge =
		domain_child(domain_child(root, "memoryBacking"), "hugepages");
	const struct domain_node *page = domain_child(huge, "page");
	uint64_t size = 0, current;

	if (all) {
		size = size_of(r, all, all->text, domain_attr(all, "unit"));
		add(r, "--mem=%lluB", (unsigned long long)size);
	}
	if (now) {
		current = size_of(r, now, now->text, domain_attr(now, "unit"));
		if (!r->ret && current < size && r->balloon)
			add(r, "--balloon=%lluB",
			    (unsigned long long)(size - current));
		else if (!r->ret && current < size)
			unsupported(r, now,
				    "<currentMemory> below <memory> needs "
				    "<memballoon model='virtio'>");
	}
	if (page)
		add(r, "--hugetlbfs=%lluB",
		    (unsigned long long)size_of(r, page,
						domain_attr(page, "size"),
						domain_attr(page, "unit")));
	else if (huge)
		add(r, "--hugetlbfs");
}

/* libvirt separates a vCPU's CPUs by commas and takes some away with '^'. */
static void read_pins(struct reader *r, const struct domain_node *cputune)
{
	const struct domain_node *pin = cputune ? cputune->child : NULL;
	const char *vcpu, *set;
	char *list = NULL, *more;

	for (; pin && !r->ret; pin = pin->next) {
		vcpu = domain_attr(pin, "vcpu");
		set = domain_attr(pin, "cpuset");
		if (!vcpu || !set || strpbrk(set, "^=")) {
			unsupported(r, pin, "<vcpupin> with cpuset='%.60s'",
				    set ? set : "");
			break;
		}
		if (asprintf(&more, "%s%s%s=%s", list ? list : "",
			     list ? "," : "", vcpu, set) < 0) {
			r->ret = error_set(r->err, TL_FAIL, ENOMEM,
					   "out of memory");
			break;
		}
		free(list);
		list = more;
	}
	if (list)
		add(r, "--cpu-pin=%s", list);
	free(list);
}

static void read_os(struct reader *r, const struct domain_node *root)
{
	const struct domain_node *os = domain_child(root, "os");
	const struct domain_node *kernel = domain_child(os, "kernel");
	const struct domain_node *initrd = domain_child(os, "initrd");
	const struct domain_node *params = domain_child(os, "cmdline");
	const char *arch = domain_child_attr(os, "type", "arch");
	const char *machine = domain_child_attr(os, "type", "machine");
	const struct domain_node *dtb = domain_child(os, "dtb");
	const struct domain_node *type = domain_child(os, "type");

	if (type && strcmp(type->text, "hvm"))
		unsupported(r, type, "<type> is hvm, not '%.40s'", type->text);
	if (kernel)
		add(r, "--kernel=%s", kernel->text);
	if (initrd)
		add(r, "--initrd=%s", initrd->text);
	if (machine)
		add(r, "--machine=%s", machine);
	if (dtb)
		add(r, "--dtb=%s", dtb->text);
	/* libvirt's command line is all of it. */
	add(r, "--nodefaults");
	if (params)
		add(r, "--params=%s", params->text);
	if (arch && !strcmp(arch, "armv7l"))
		add(r, "--aarch32");
}

/* on_reboot and on_crash: what becomes of the guest then. */
static void read_lifecycle(struct reader *r, const struct domain_node *root)
{
	const struct domain_node *off = domain_child(root, "on_poweroff");
	const struct domain_node *reboot = domain_child(root, "on_reboot");
	const struct domain_node *crash = domain_child(root, "on_crash");

	if (off && strcmp(off->text, "destroy"))
		unsupported(r, off, "<on_poweroff> is destroy, not '%.40s'",
			    off->text);
	if (reboot && !strcmp(reboot->text, "destroy"))
		add(r, "--no-reboot");
	else if (reboot && strcmp(reboot->text, "restart"))
		unsupported(r, reboot,
			    "<on_reboot> is restart or destroy, not '%.40s'",
			    reboot->text);
	if (!crash || !strcmp(crash->text, "destroy"))
		return;
	if (!strcmp(crash->text, "restart"))
		add(r, "--panic=reset");
	else if (!strcmp(crash->text, "preserve"))
		add(r, "--panic=hold");
	else
		unsupported(r, crash,
			    "<on_crash> is destroy, restart or preserve, not "
			    "'%.40s'",
			    crash->text);
}

static void read_disk(struct reader *r, const struct domain_node *disk)
{
	const char *path = domain_child_attr(disk, "source", "file");
	const char *cache = domain_child_attr(disk, "driver", "cache");
	const char *queues = domain_child_attr(disk, "driver", "queues");
	const struct domain_node *serial = domain_child(disk, "serial");

	if (!path)
		path = domain_child_attr(disk, "source", "dev");
	if (!path) {
		unsupported(r, disk, "a <disk> without a source");
		return;
	}
	add(r, "--disk=%s%s%s%s%s%s%s%s", path,
	    domain_child(disk, "readonly") ? ",ro" : "",
	    domain_child(disk, "transient") ? ",snapshot" : "",
	    cache && !strcmp(cache, "none") ? ",direct" : "",
	    queues ? ",queues=" : "", queues ? queues : "",
	    serial ? ",id=" : "", serial ? serial->text : "");
}

static void read_interface(struct reader *r, const struct domain_node *net)
{
	const char *type = domain_attr(net, "type");
	const char *mac = domain_child_attr(net, "mac", "address");
	const char *mtu = domain_child_attr(net, "mtu", "size");
	const char *tap = domain_child_attr(net, "target", "dev");

	if (!type) {
		unsupported(r, net, "an <interface> without a type");
		return;
	}
	if (!strcmp(type, "user"))
		tap = NULL;
	add(r, "--network=mode=%s%s%s%s%s%s%s",
	    !strcmp(type, "user") ? "user" : "tap", tap ? ",tapif=" : "",
	    tap ? tap : "", mac ? ",guest_mac=" : "", mac ? mac : "",
	    mtu ? ",mtu=" : "", mtu ? mtu : "");
}

/* Where a character device goes; @option is all before it. */
static void read_chardev(struct reader *r, const struct domain_node *dev,
			 const char *option)
{
	const char *type = domain_attr(dev, "type");
	const char *path = domain_child_attr(dev, "source", "path");
	const char *mode = domain_child_attr(dev, "source", "mode");

	if (!type || !strcmp(type, "pty"))
		add(r, "%spty", option);
	else if (!strcmp(type, "stdio"))
		add(r, "%stty", option);
	else if (!strcmp(type, "null"))
		add(r, "%snone", option);
	else if (!path)
		unsupported(r, dev, "<%s type='%s'> without a path", dev->name,
			    type);
	else if (!strcmp(type, "file"))
		add(r, "%sfile:%s", option, path);
	else
		add(r, "%sunix%s:%s", option,
		    mode && !strcmp(mode, "connect") ? "-connect" : "", path);
}

static void read_console(struct reader *r, const struct domain_node *console,
			 bool serial)
{
	const char *type = domain_child_attr(console, "target", "type");

	if (type && !strcmp(type, "virtio"))
		read_chardev(r, console, "--console=virtio,");
	else if (!serial) /* else it is the same as that one (formatdomain) */
		read_chardev(r, console, "--serial=");
}

static void read_device(struct reader *r, const struct domain_node *dev,
			bool serial)
{
	const char *name;
	char option[100];

	if (!strcmp(dev->name, "disk"))
		read_disk(r, dev);
	else if (!strcmp(dev->name, "interface"))
		read_interface(r, dev);
	else if (!strcmp(dev->name, "serial"))
		read_chardev(r, dev, "--serial=");
	else if (!strcmp(dev->name, "console"))
		read_console(r, dev, serial);
	else if (!strcmp(dev->name, "rng"))
		add(r, "--rng");
	else if (!strcmp(dev->name, "memballoon") && r->balloon)
		add(r, "--balloon");
	if (!strcmp(dev->name, "channel")) {
		name = domain_child_attr(dev, "target", "name");
		snprintf(option, sizeof(option),
			 "--port=%.80s=", name ? name : "");
		read_chardev(r, dev, option);
	}
	if (!strcmp(dev->name, "vsock")) {
		name = domain_child_attr(dev, "cid", "address");
		add(r, "--vsock=cid=%s", name ? name : "");
	}
}

static void read_domain(struct reader *r, const struct domain_node *root)
{
	const struct domain_node *devices = domain_child(root, "devices");
	const struct domain_node *vcpu = domain_child(root, "vcpu");
	const struct domain_node *name = domain_child(root, "name");
	const struct domain_node *features = domain_child(root, "features");
	const char *gic = domain_child_attr(features, "gic", "version");
	const char *pmu = domain_child_attr(features, "pmu", "state");
	const char *balloon = domain_child_attr(devices, "memballoon", "model");
	const bool serial = domain_child(devices, "serial");
	const struct domain_node *dev;

	r->balloon = balloon && !strcmp(balloon, "virtio");
	if (name)
		add(r, "--name=%s", name->text);
	if (vcpu)
		add(r, "--cpus=%s", vcpu->text);
	if (gic)
		add(r, "--irqchip=gicv%s", gic);
	if (pmu && !strcmp(pmu, "on"))
		add(r, "--pmu");
	read_os(r, root);
	read_pins(r, domain_child(root, "cputune"));
	read_lifecycle(r, root);
	for (dev = devices ? devices->child : NULL; dev; dev = dev->next)
		read_device(r, dev, serial);
	/* Behind --balloon, whose size it may tell. */
	read_memory(r, root);
}

int domain_read(const char *text, size_t len, const char *what,
		struct domain_args *args, struct error *err)
{
	struct reader r = { .what = what, .args = args, .err = err };
	struct domain_node *root;

	*args = (struct domain_args){ 0 };
	r.ret = domain_tree_parse(text, len, what, &root, err);
	if (r.ret)
		return r.ret;
	r.ret = domain_check(root, what, err);
	if (!r.ret)
		read_domain(&r, root);
	domain_tree_free(root);
	if (r.ret)
		domain_args_free(args);
	return r.ret;
}

/* Whether argv[@i] is --domain; its value, and how many arguments that is. */
static int is_domain(int argc, char **argv, int i, const char **file)
{
	if (!strncmp(argv[i], "--domain=", 9)) {
		*file = argv[i] + 9;
		return 1;
	}
	if (strcmp(argv[i], "--domain") || i + 1 >= argc)
		return 0;
	*file = argv[i + 1];
	return 2;
}

int domain_expand(int argc, char **argv, struct domain_args *args,
		  struct error *err)
{
	struct reader r = { .args = args, .err = err };
	const char *file = NULL;
	int i, n, at = argc, skip = 0;
	uint8_t *text;
	size_t len;

	*args = (struct domain_args){ 0 };
	for (i = 0; i < argc && strcmp(argv[i], "--"); i++) {
		n = is_domain(argc, argv, i, &file);
		if (!n)
			continue;
		if (at < argc)
			return error_set(err, TL_USAGE, EINVAL,
					 "option --domain: %.100s is one too "
					 "many: a guest has one description",
					 file);
		at = i;
		skip = n;
		i += n - 1;
	}
	if (file) {
		r.ret = file_read(file, "domain", DOMAIN_MAX_SIZE, TL_USAGE,
				  &text, &len, err);
		if (r.ret)
			return r.ret;
		r.ret = domain_read((char *)text, len, file, args, err);
		free(text);
	}
	for (i = 0; !r.ret && i < argc; i++)
		if (i < at || i >= at + skip)
			take(&r, strdup(argv[i]));
	if (r.ret)
		domain_args_free(args);
	return r.ret;
}

void domain_args_free(struct domain_args *args)
{
	while (args->argc)
		free(args->argv[--args->argc]);
	free(args->argv);
	*args = (struct domain_args){ 0 };
}
