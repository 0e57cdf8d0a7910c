// SPDX-License-Identifier: GPL-2.0-only
/* libvirt domain descriptions: to options, and back. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "domain.h"

#if __has_include(<libvirt/libvirt.h>)
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#define HAVE_LIBVIRT 1
#else
#define HAVE_LIBVIRT 0
#endif

#define MIB 0x100000ULL

static const char full[] =
	"<?xml version='1.0'?>\n"
	"<!-- a note -->\n"
	"<domain type='kvm'>\n"
	"  <name>web</name>\n"
	"  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\n"
	"  <metadata><app:x xmlns:app='http://x'>any</app:x></metadata>\n"
	"  <memory unit='MiB'>512</memory>\n"
	"  <currentMemory>262144</currentMemory>\n"
	"  <vcpu placement='static'>2</vcpu>\n"
	"  <cputune>\n"
	"    <vcpupin vcpu='0' cpuset='2'/>\n"
	"    <vcpupin vcpu='1' cpuset='3-4,6'/>\n"
	"  </cputune>\n"
	"  <os>\n"
	"    <type arch='armv7l' machine='virt'>hvm</type>\n"
	"    <kernel>/boot/zImage</kernel>\n"
	"    <initrd>/boot/initrd</initrd>\n"
	"    <cmdline>console=ttyAMA0 a=&quot;b &lt;c&gt;&quot;</cmdline>\n"
	"  </os>\n"
	"  <features><gic version='2'/><pmu state='on'/></features>\n"
	"  <on_reboot>destroy</on_reboot>\n"
	"  <on_crash>preserve</on_crash>\n"
	"  <devices>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='raw' cache='none' queues='2'/>\n"
	"      <source file='/img/a.img'/>\n"
	"      <target dev='vda' bus='virtio'/>\n"
	"      <transient/><serial>A1</serial>\n"
	"    </disk>\n"
	"    <disk type='block' device='disk'><source dev='/dev/x'/>\n"
	"      <target dev='vdb' bus='virtio'/><readonly/></disk>\n"
	"    <interface type='user'><backend type='passt'/>\n"
	"      <mac address='52:54:00:12:34:56'/><model type='virtio'/>\n"
	"    </interface>\n"
	"    <interface type='ethernet'><target dev='tap3' managed='no'/>\n"
	"      <mtu size='1400'/></interface>\n"
	"    <serial type='file'><source path='/log'/>\n"
	"      <target port='0'/></serial>\n"
	"    <console type='file'><source path='/log'/>\n"
	"      <target type='serial' port='0'/></console>\n"
	"    <channel type='unix'><source mode='bind' path='/agent'/>\n"
	"      <target type='virtio' name='org.agent.0'/></channel>\n"
	"    <rng model='virtio'>\n"
	"      <backend model='random'>/dev/urandom</backend></rng>\n"
	"    <vsock model='virtio'><cid auto='no' address='7'/></vsock>\n"
	"    <memballoon model='virtio'/>\n"
	"  </devices>\n"
	"</domain>\n";

static void parse(const char *text, struct run_config *cfg)
{
	struct domain_args args;
	struct error err = { 0 };

	if (domain_read(text, strlen(text), "x.xml", &args, &err) ||
	    config_parse_run(args.argc, args.argv, cfg, &err))
		fail_msg("%s", err.text);
	domain_args_free(&args);
}

static void check_full(const struct run_config *cfg)
{
	assert_string_equal(cfg->name, "web");
	assert_int_equal(cfg->mem_size, 512 * MIB);
	assert_true(cfg->balloon);
	assert_int_equal(cfg->balloon_size, 256 * MIB);
	assert_int_equal(cfg->cpus, 2);
	assert_int_equal(cfg->width, GUEST_32BIT);
	assert_string_equal(cfg->kernel, "/boot/zImage");
	assert_string_equal(cfg->initrd, "/boot/initrd");
	assert_true(cfg->nodefaults);
	assert_string_equal(cfg->params, "console=ttyAMA0 a=\"b <c>\"");
	assert_int_equal(cfg->gic, 2);
	assert_true(cfg->pmu && cfg->no_reboot && cfg->rng);
	assert_int_equal(cfg->panic, PANIC_HOLD);
	assert_int_equal(cfg->nr_disks, 2);
	assert_string_equal(cfg->disk[0].path, "/img/a.img");
	assert_string_equal(cfg->disk[0].id, "A1");
	assert_true(cfg->disk[0].snapshot && cfg->disk[0].direct);
	assert_int_equal(cfg->disk[0].queues, 2);
	assert_string_equal(cfg->disk[1].path, "/dev/x");
	assert_true(cfg->disk[1].read_only);
	assert_int_equal(cfg->nr_nets, 2);
	assert_int_equal(cfg->net[0].mode, CONFIG_NET_USER);
	assert_memory_equal(cfg->net[0].mac, "\x52\x54\0\x12\x34\x56", 6);
	assert_int_equal(cfg->net[1].mode, CONFIG_NET_TAP);
	assert_string_equal(cfg->net[1].tap.ifname, "tap3");
	assert_int_equal(cfg->net[1].mtu, 1400);
	assert_int_equal(cfg->console, CONSOLE_SERIAL);
	assert_string_equal(cfg->serial_where, "file:/log");
	assert_int_equal(cfg->nr_ports, 1);
	assert_string_equal(cfg->port[0].name, "org.agent.0");
	assert_string_equal(cfg->port[0].where, "unix:/agent");
	assert_int_equal(cfg->vsock.cid, 7);
}

/* What is read is written, and what is written is read as the same again. */
static void there_and_back(void **state)
{
	struct run_config cfg;
	struct domain_facts facts = { GUEST_32BIT, 2, NULL };
	char *text, *again;

	(void)state;
	parse(full, &cfg);
	check_full(&cfg);
	assert_string_equal(cfg.cpu_pin, "0=2,1=3-4,6");
	facts.bootargs = cfg.params;
	text = domain_write(&cfg, &facts);
	assert_non_null(text);
	config_free(&cfg);

	parse(text, &cfg);
	check_full(&cfg);
	assert_string_equal(cfg.cpu_pin, "0=2,1=3,4,6");
	facts.bootargs = cfg.params;
	again = domain_write(&cfg, &facts);
	assert_string_equal(text, again);
	free(again);
	free(text);
	config_free(&cfg);
}

static void another_machine(void **state)
{
	static const char domain[] =
		"<domain type='kvm'><name>a</name><os>"
		"<type arch='armv7l' machine='vexpress-a15'>hvm</type>"
		"<kernel>/boot/zImage</kernel><dtb>/boot/x.dtb</dtb>"
		"</os></domain>";
	struct domain_facts facts = { GUEST_32BIT, 2, "" };
	struct run_config cfg;
	char *text;

	(void)state;
	parse(domain, &cfg);
	assert_ptr_equal(cfg.machine, &vexpress_memmap);
	assert_string_equal(cfg.dtb, "/boot/x.dtb");
	text = domain_write(&cfg, &facts);
	assert_non_null(strstr(text, "machine='vexpress-a15'"));
	assert_non_null(strstr(text, "<dtb>/boot/x.dtb</dtb>"));
	free(text);
	config_free(&cfg);
}

/* The schema that libvirt has: where its tools are installed. */
static void validates(void **state)
{
	static const char *const more[] = {
		"--console=virtio,pty",
		"--hugetlbfs=2M",
		"--serial=unix-connect:/x",
		"--port=a=none",
		"--port=b=tty",
		"-n",
		"user",
		"-d",
		"/tmp/x.img,ro,id=abc",
	};
	char path[] = "/tmp/domain-XXXXXX", command[200];
	struct domain_facts facts = { GUEST_64BIT, 3, "quiet 'a' & <b>" };
	const char *argv[16] = { "k" };
	struct run_config cfg;
	struct error err = { 0 };
	char *text;
	int fd, i;
	FILE *p;

	(void)state;
	if (access("/usr/bin/virt-xml-validate", X_OK))
		skip();
	for (i = 0; i < 2; i++) {
		if (i == 0)
			parse(full, &cfg);
		else {
			memcpy(argv + 1, more, sizeof(more));
			if (config_parse_run(1 + sizeof(more) / sizeof(more[0]),
					     (char **)argv, &cfg, &err))
				fail_msg("%s", err.text);
		}
		text = domain_write(&cfg, &facts);
		fd = i ? open(path, 1) : mkstemp(path);
		assert_true(ftruncate(fd, 0) == 0);
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
		close(fd);
		snprintf(command, sizeof(command),
			 "virt-xml-validate %s domain >&2", path);
		p = popen(command, "w");
		assert_int_equal(pclose(p), 0);
		free(text);
		config_free(&cfg);
	}
	unlink(path);
}

static void refuse(const char *text, const char *want)
{
	struct domain_args args;
	struct error err = { 0 };

	assert_true(domain_read(text, strlen(text), "x.xml", &args, &err) < 0);
	assert_int_equal(err.status, TL_USAGE);
	if (!strstr(err.text, want))
		fail_msg("'%s' is not in '%s'", want, err.text);
	assert_int_equal(args.argc, 0);
	assert_null(args.argv);
}

static void refusals(void **state)
{
	static char deep[4000];
	unsigned int i;

	(void)state;
	refuse("", "x.xml:1: ");
	refuse("<domain type='kvm'>\n<name>", "x.xml:2: ");
	refuse("<domain type='kvm'></name>", "VIR_ERR_XML_ERROR");
	refuse("<domain type='qemu'/>", "x.xml:1: <domain type='qemu'>: only "
					"kvm");
	refuse("<network/>", "<network> has no meaning");
	refuse("<domain type='kvm'>\n\n<devices>\n<graphics/></devices>"
	       "</domain>",
	       "x.xml:4: <graphics> has no meaning here "
	       "(VIR_ERR_CONFIG_UNSUPPORTED)");
	refuse("<domain><memory foo='1'>5</memory></domain>",
	       "<memory foo='1'> has no meaning");
	refuse("<domain><memory unit='miles'>5</memory></domain>",
	       "'5' miles is no amount");
	refuse("<domain><memory>-5</memory></domain>", "is no amount");
	refuse("<domain><memory unit='TiB'>99999999</memory></domain>",
	       "is no amount");
	refuse("<domain><memory>500000</memory><currentMemory>4</currentMemory>"
	       "</domain>",
	       "memballoon");
	refuse("<domain><os><type arch='x86_64'>hvm</type></os></domain>",
	       "only aarch64|armv7l");
	refuse("<domain><os><type>xen</type></os></domain>", "not 'xen'");
	refuse("<domain><devices><disk device='cdrom'/></devices></domain>",
	       "only disk");
	refuse("<domain><devices><disk/></devices></domain>", "a source");
	refuse("<domain><devices><interface/></devices></domain>", "a type");
	refuse("<domain><devices><serial type='file'/></devices></domain>",
	       "without a path");
	refuse("<domain><on_reboot>dance</on_reboot></domain>", "'dance'");
	refuse("<domain><on_crash>dance</on_crash></domain>", "'dance'");
	refuse("<domain><on_poweroff>restart</on_poweroff></domain>",
	       "'restart'");
	refuse("<domain><cputune><vcpupin vcpu='0' cpuset='1-4,^2'/></cputune>"
	       "</domain>",
	       "^2");
	/* No entities, so none that grow without end. */
	refuse("<!DOCTYPE d [<!ENTITY a 'b'>]><domain>&a;</domain>",
	       "document type");
	for (i = 0; i < 100; i++)
		strncat(deep, "<domain>", sizeof(deep) - strlen(deep) - 1);
	refuse(deep, "too deep");
}

static void expand(void **state)
{
	char path[] = "/tmp/domain-XXXXXX";
	char *argv[] = { "-c", "4", "--domain", path, "-p", "x", NULL };
	char *twice[] = { "--domain=a", "--domain=b", NULL };
	char *behind[] = { "--", "--domain", "x", NULL };
	char *missing[] = { "--domain", "/no/such/file", NULL };
	struct domain_args args;
	struct run_config cfg;
	struct error err = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, full, strlen(full)), strlen(full));
	close(fd);
	assert_int_equal(domain_expand(6, argv, &args, &err), 0);
	assert_int_equal(config_parse_run(args.argc, args.argv, &cfg, &err), 0);
	domain_args_free(&args);
	/* What was said beside the file wins. */
	assert_int_equal(cfg.cpus, 4);
	assert_string_equal(cfg.params, "x");
	assert_string_equal(cfg.name, "web");
	config_free(&cfg);
	unlink(path);

	assert_int_equal(domain_expand(2, twice, &args, &err), -EINVAL);
	assert_non_null(strstr(err.text, "one too many"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(domain_expand(2, missing, &args, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/no/such/file"));
	assert_int_equal(domain_expand(3, behind, &args, NULL), 0);
	assert_int_equal(args.argc, 3);
	domain_args_free(&args);
	assert_int_equal(domain_expand(0, argv, &args, NULL), 0);
	assert_int_equal(args.argc, 0);
	domain_args_free(&args);
}

/* The names and numbers that we print are libvirt's. */
static void libvirt_names(void **state)
{
	(void)state;
#if HAVE_LIBVIRT
	assert_int_equal(VIR_DOMAIN_RUNNING, 1);
	assert_int_equal(VIR_DOMAIN_PAUSED, 3);
	assert_int_equal(VIR_ERR_XML_ERROR, 27);
	assert_int_equal(VIR_ERR_CONFIG_UNSUPPORTED, 67);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_machine),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(validates),
		cmocka_unit_test(refusals),
		cmocka_unit_test(expand),
		cmocka_unit_test(libvirt_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
