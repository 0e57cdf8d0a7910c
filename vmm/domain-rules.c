// SPDX-License-Identifier: GPL-2.0-only
#include "domain-rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * What has a meaning here: the element's path, and its attributes, with the only
 * values that they can have, if any.  A path that ends in a star is for the
 * reader's notes and its insides do not matter.
 */
static const struct rule {
	const char *path;
	const char *attrs;
} rules[] = {
	{ "domain", "type=kvm" },
	{ "domain/name", "" },
	{ "domain/uuid", "" },
	{ "domain/title*", "" },
	{ "domain/description*", "" },
	{ "domain/metadata*", "" },
	{ "domain/memory", "unit" },
	{ "domain/currentMemory", "unit" },
	{ "domain/memoryBacking", "" },
	{ "domain/memoryBacking/hugepages", "" },
	{ "domain/memoryBacking/hugepages/page", "size unit" },
	{ "domain/vcpu", "placement=static" },
	{ "domain/cputune", "" },
	{ "domain/cputune/vcpupin", "vcpu cpuset" },
	{ "domain/os", "" },
	{ "domain/os/type", "arch=aarch64|armv7l machine=virt|vexpress-a15" },
	{ "domain/os/dtb", "" },
	{ "domain/os/kernel", "" },
	{ "domain/os/initrd", "" },
	{ "domain/os/cmdline", "" },
	{ "domain/features", "" },
	{ "domain/features/gic", "version=2|3" },
	{ "domain/features/pmu", "state=on|off" },
	{ "domain/cpu", "mode=host-passthrough check=none migratable" },
	{ "domain/clock", "offset=utc" },
	{ "domain/on_poweroff", "" },
	{ "domain/on_reboot", "" },
	{ "domain/on_crash", "" },
	{ "domain/devices", "" },
	{ "domain/devices/emulator", "" },
	{ "domain/devices/disk", "type=file|block device=disk" },
	{ "domain/devices/disk/driver",
	  "name type=raw cache=none|writeback queues" },
	{ "domain/devices/disk/source", "file dev" },
	{ "domain/devices/disk/target", "dev bus=virtio" },
	{ "domain/devices/disk/readonly", "" },
	{ "domain/devices/disk/transient", "" },
	{ "domain/devices/disk/serial", "" },
	{ "domain/devices/disk/alias", "name" },
	{ "domain/devices/disk/address", "type=virtio-mmio" },
	{ "domain/devices/interface", "type=user|ethernet" },
	{ "domain/devices/interface/backend", "type=passt" },
	{ "domain/devices/interface/mac", "address" },
	{ "domain/devices/interface/mtu", "size" },
	{ "domain/devices/interface/model", "type=virtio" },
	{ "domain/devices/interface/target", "dev managed" },
	{ "domain/devices/interface/alias", "name" },
	{ "domain/devices/interface/address", "type=virtio-mmio" },
	{ "domain/devices/serial", "type=stdio|pty|file|unix|null" },
	{ "domain/devices/serial/source", "path mode=bind|connect" },
	{ "domain/devices/serial/target", "type=system-serial port=0" },
	{ "domain/devices/serial/target/model", "name=pl011" },
	{ "domain/devices/serial/alias", "name" },
	{ "domain/devices/console", "type=stdio|pty|file|unix|null" },
	{ "domain/devices/console/source", "path mode=bind|connect" },
	{ "domain/devices/console/target", "type=serial|virtio port=0" },
	{ "domain/devices/console/alias", "name" },
	{ "domain/devices/channel", "type=pty|file|unix|null" },
	{ "domain/devices/channel/source", "path mode=bind|connect" },
	{ "domain/devices/channel/target", "type=virtio name" },
	{ "domain/devices/channel/alias", "name" },
	{ "domain/devices/rng", "model=virtio" },
	{ "domain/devices/rng/backend", "model=random" },
	{ "domain/devices/rng/alias", "name" },
	{ "domain/devices/rng/address", "type=virtio-mmio" },
	{ "domain/devices/memballoon", "model=virtio|none" },
	{ "domain/devices/memballoon/alias", "name" },
	{ "domain/devices/memballoon/address", "type=virtio-mmio" },
	{ "domain/devices/vsock", "model=virtio" },
	{ "domain/devices/vsock/cid", "auto=no address" },
	{ "domain/devices/vsock/alias", "name" },
	{ "domain/devices/vsock/address", "type=virtio-mmio" },
};

int domain_unsupported(struct error *err, const char *what,
		       const struct domain_node *node, const char *fmt,
		       va_list ap)
{
	char text[300];

	vsnprintf(text, sizeof(text), fmt, ap);
	return error_set(err, TL_USAGE, EINVAL,
			 "%s:%u: %s (VIR_ERR_CONFIG_UNSUPPORTED)", what,
			 node->line, text);
}

static int refuse(struct error *err, const char *what,
		  const struct domain_node *node, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(struct error *err, const char *what,
		  const struct domain_node *node, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = domain_unsupported(err, what, node, fmt, ap);
	va_end(ap);
	return ret;
}

/* Whether the words "a=x|y b" in @attrs know @name with @value. */
static bool allows(const char *attrs, const char *name, const char *value,
		   const char **values)
{
	const size_t len = strlen(name);
	const char *word = attrs, *end;

	*values = NULL;
	for (; *word; word = end + (*end == ' ')) {
		end = word + strcspn(word, " ");
		if (strncmp(word, name, len) ||
		    (word[len] != '=' && word + len != end))
			continue;
		if (word + len == end)
			return true;
		*values = word += len + 1;
		for (; word < end; word += strcspn(word, "| ") + 1)
			if (strlen(value) == strcspn(word, "| ") &&
			    !strncmp(word, value, strlen(value)))
				return true;
		return false;
	}
	return false;
}

static const struct rule *find_rule(const char *path, bool *notes)
{
	size_t i, len = strlen(path);

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strncmp(rules[i].path, path, len))
			continue;
		*notes = rules[i].path[len] == '*';
		if (*notes || !rules[i].path[len])
			return &rules[i];
	}
	return NULL;
}

/* @parent is the path of the element around @node. */
static int check(const struct domain_node *node, const char *parent,
		 const char *what, struct error *err)
{
	const struct domain_node *child;
	const struct rule *rule;
	const char *values;
	char path[160];
	bool notes;
	int ret = 0;
	size_t i;

	if (snprintf(path, sizeof(path), "%s%s%s", parent, *parent ? "/" : "",
		     node->name) >= (int)sizeof(path))
		rule = NULL;
	else
		rule = find_rule(path, &notes);
	if (!rule) {
		return refuse(err, what, node, "<%.60s> has no meaning here",
			      node->name);
	}
	if (notes)
		return 0;
	for (i = 0; node->attr[i]; i += 2) {
		if (allows(rule->attrs, node->attr[i], node->attr[i + 1],
			   &values))
			continue;
		if (values)
			return refuse(
				err, what, node,
				"<%s %.40s='%.60s'>: only %.*s is in here",
				node->name, node->attr[i], node->attr[i + 1],
				(int)strcspn(values, " "), values);
		return refuse(err, what, node,
			      "<%s %.40s='%.60s'> has no meaning here",
			      node->name, node->attr[i], node->attr[i + 1]);
	}
	for (child = node->child; child && !ret; child = child->next)
		ret = check(child, path, what, err);
	return ret;
}

int domain_check(const struct domain_node *root, const char *what,
		 struct error *err)
{
	return check(root, "", what, err);
}
