// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config-pin.h"
#include "domain.h"

#define KIB(bytes) ((unsigned long long)(bytes) >> 10)

/* Text or the value of an attribute in single quotes; XML 1.0, 2.4. */
static void put_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		case '\'':
			fputs("&apos;", f);
			break;
		default:
			/* XML has no other control characters. */
			if ((unsigned char)*text >= ' ' || *text == '\t' ||
			    *text == '\n')
				fputc(*text, f);
		}
	}
}

/* "<@open@text@close\n" */
static void put(FILE *f, const char *open, const char *text, const char *close)
{
	fputs(open, f);
	put_text(f, text);
	fprintf(f, "%s\n", close);
}

/* @path from the root, as libvirt wants them; it may not be there. */
static void put_path(FILE *f, const char *open, const char *path,
		     const char *close)
{
	char *whole = realpath(path, NULL);
	char cwd[PATH_MAX];

	fputs(open, f);
	if (!whole && *path != '/' && getcwd(cwd, sizeof(cwd))) {
		put_text(f, cwd);
		fputc('/', f);
	}
	put_text(f, whole ? whole : path);
	fprintf(f, "%s\n", close);
	free(whole);
}

static void put_memory(FILE *f, const struct run_config *cfg)
{
	fprintf(f, "  <memory unit='KiB'>%llu</memory>\n", KIB(cfg->mem_size));
	fprintf(f, "  <currentMemory unit='KiB'>%llu</currentMemory>\n",
		KIB(cfg->mem_size - cfg->balloon_size));
	if (!cfg->hugetlb)
		return;
	fputs("  <memoryBacking>\n    <hugepages", f);
	if (cfg->huge.page)
		fprintf(f,
			">\n      <page size='%llu' unit='KiB'/>\n"
			"    </hugepages>\n",
			KIB(cfg->huge.page));
	else
		fputs("/>\n", f);
	fputs("  </memoryBacking>\n", f);
}

static void put_pins(FILE *f, const struct run_config *cfg)
{
	cpu_set_t cpus;
	unsigned int i;
	size_t cpu;
	char comma;

	if (!cfg->cpu_pin)
		return;
	fputs("  <cputune>\n", f);
	for (i = 0; i < cfg->cpus; i++) {
		if (!config_pin_cpus(cfg->cpu_pin, i, &cpus))
			continue;
		fprintf(f, "    <vcpupin vcpu='%u' cpuset=", i);
		comma = '\'';
		for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &cpus)) {
				fprintf(f, "%c%zu", comma, cpu);
				comma = ',';
			}
		fputs("'/>\n", f);
	}
	fputs("  </cputune>\n", f);
}

static void put_os(FILE *f, const struct run_config *cfg,
		   const struct domain_facts *facts)
{
	static const char *const crash[] = { [PANIC_EXIT] = "destroy",
					     [PANIC_RESET] = "restart",
					     [PANIC_HOLD] = "preserve" };

	fprintf(f, "  <os>\n    <type arch='%s' machine='%s'>hvm</type>\n",
		facts->width == GUEST_32BIT ? "armv7l" : "aarch64",
		cfg->machine ? cfg->machine->name : virt_memmap.name);
	put_path(f, "    <kernel>", cfg->kernel, "</kernel>");
	if (cfg->initrd)
		put_path(f, "    <initrd>", cfg->initrd, "</initrd>");
	if (cfg->dtb)
		put_path(f, "    <dtb>", cfg->dtb, "</dtb>");
	if (*facts->bootargs)
		put(f, "    <cmdline>", facts->bootargs, "</cmdline>");
	fprintf(f,
		"  </os>\n  <features>\n    <gic version='%u'/>\n"
		"    <pmu state='%s'/>\n  </features>\n"
		"  <cpu mode='host-passthrough'/>\n"
		"  <on_poweroff>destroy</on_poweroff>\n"
		"  <on_reboot>%s</on_reboot>\n"
		"  <on_crash>%s</on_crash>\n",
		facts->gic, cfg->pmu ? "on" : "off",
		cfg->no_reboot ? "destroy" : "restart", crash[cfg->panic]);
}

static void put_disk(FILE *f, const struct disk_options *disk, unsigned int n)
{
	fputs("    <disk type='file' device='disk'>\n"
	      "      <driver name='qemu' type='raw'",
	      f);
	if (disk->direct)
		fputs(" cache='none'", f);
	if (disk->queues > 1)
		fprintf(f, " queues='%u'", disk->queues);
	fputs("/>\n", f);
	put_path(f, "      <source file='", disk->path, "'/>");
	/* 26 letters, and then two of them: at most 32 disks. */
	fprintf(f, "      <target dev='vd%s%c' bus='virtio'/>\n",
		n < 26 ? "" : "a", 'a' + (int)(n % 26));
	if (disk->read_only)
		fputs("      <readonly/>\n", f);
	if (disk->snapshot)
		fputs("      <transient/>\n", f);
	if (disk->id)
		put(f, "      <serial>", disk->id, "</serial>");
	fputs("    </disk>\n", f);
}

static void put_net(FILE *f, const struct config_net *net)
{
	const bool tap = net->mode == CONFIG_NET_TAP;

	fprintf(f, "    <interface type='%s'>\n", tap ? "ethernet" : "user");
	if (!tap)
		fputs("      <backend type='passt'/>\n", f);
	fprintf(f,
		"      <mac address='%02x:%02x:%02x:%02x:%02x:%02x'/>\n"
		"      <model type='virtio'/>\n",
		net->mac[0], net->mac[1], net->mac[2], net->mac[3], net->mac[4],
		net->mac[5]);
	if (net->mtu)
		fprintf(f, "      <mtu size='%u'/>\n", net->mtu);
	if (tap && net->tap.ifname)
		put(f, "      <target dev='", net->tap.ifname, "'/>");
	fputs("    </interface>\n", f);
}

/* The head of a character device that goes to @where; @element stays open. */
static void put_chardev(FILE *f, const char *element, const char *where)
{
	static const struct {
		const char *prefix, *type, *mode;
	} kinds[] = {
		{ "tty", "stdio", NULL },
		{ "pty", "pty", NULL },
		{ "file:", "file", "" },
		{ "unix:", "unix", " mode='bind'" },
		{ "unix-connect:", "unix", " mode='connect'" },
		{ "none", "null", NULL },
	};
	size_t i = 0;

	while (i + 1 < sizeof(kinds) / sizeof(kinds[0]) &&
	       strncmp(where, kinds[i].prefix, strlen(kinds[i].prefix)))
		i++;
	fprintf(f, "    <%s type='%s'>\n", element, kinds[i].type);
	if (!kinds[i].mode)
		return;
	fprintf(f, "      <source%s", kinds[i].mode);
	put_path(f, " path='", where + strlen(kinds[i].prefix), "'/>");
}

static void put_consoles(FILE *f, const struct run_config *cfg)
{
	const char *serial = cfg->serial_where;
	unsigned int i;

	if (!serial)
		serial = cfg->console == CONSOLE_SERIAL ? "tty" : NULL;
	if (serial) {
		put_chardev(f, "serial", serial);
		fputs("      <target type='system-serial' port='0'>\n"
		      "        <model name='pl011'/>\n      </target>\n"
		      "    </serial>\n",
		      f);
	}
	if (cfg->console == CONSOLE_VIRTIO) {
		put_chardev(f, "console", cfg->console_where);
		fputs("      <target type='virtio' port='0'/>\n"
		      "    </console>\n",
		      f);
	}
	for (i = 0; i < cfg->nr_ports; i++) {
		put_chardev(f, "channel", cfg->port[i].where);
		put(f, "      <target type='virtio' name='", cfg->port[i].name,
		    "'/>");
		fputs("    </channel>\n", f);
	}
}

static void put_devices(FILE *f, const struct run_config *cfg)
{
	unsigned int i;

	fputs("  <devices>\n", f);
	for (i = 0; i < cfg->nr_disks; i++)
		put_disk(f, &cfg->disk[i], i);
	for (i = 0; i < cfg->nr_nets; i++)
		put_net(f, &cfg->net[i]);
	put_consoles(f, cfg);
	if (cfg->rng)
		fputs("    <rng model='virtio'>\n      <backend "
		      "model='random'>/dev/urandom</backend>\n    </rng>\n",
		      f);
	if (cfg->vsock.cid)
		fprintf(f,
			"    <vsock model='virtio'>\n"
			"      <cid auto='no' address='%u'/>\n    </vsock>\n",
			cfg->vsock.cid);
	fprintf(f, "    <memballoon model='%s'/>\n  </devices>\n",
		cfg->balloon ? "virtio" : "none");
}

char *domain_write(const struct run_config *cfg,
		   const struct domain_facts *facts)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool bad;

	if (!f)
		return NULL;
	fputs("<domain type='kvm'>\n", f);
	put(f, "  <name>", cfg->name, "</name>");
	put_memory(f, cfg);
	fprintf(f, "  <vcpu placement='static'>%u</vcpu>\n", cfg->cpus);
	put_pins(f, cfg);
	put_os(f, cfg, facts);
	put_devices(f, cfg);
	fputs("</domain>\n", f);
	bad = ferror(f);
	if (fclose(f) || bad) {
		free(text);
		return NULL;
	}
	return text;
}
