// SPDX-License-Identifier: GPL-2.0-only
/* What a VM in a root of its own still finds there: --sandbox=full. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch-arm/kcache.h"
#include "backend/disk.h"
#include "control.h"
#include "machine-parts.h"
#include "sandbox-root.h"

/* What follows the kind of a port's "kind:PATH" is made or removed there. */
static void add_port(struct sandbox_root *root, const char *where)
{
	const char *colon = where ? strchr(where, ':') : NULL;

	if (colon)
		sandbox_root_add_parent(root, colon + 1);
}

static void add_all(struct sandbox_root *root, const struct session *session)
{
	const struct run_config *cfg = session->cfg;
	char *cache = NULL;
	unsigned int i;

	/* A reset builds the VM from these once more. */
	sandbox_root_add(root, "/dev/kvm");
	sandbox_root_add(root, "/dev/vhost-vsock");
	sandbox_root_add(root, cfg->kernel);
	sandbox_root_add(root, cfg->initrd);
	sandbox_root_add(root, cfg->dtb);
	sandbox_root_add(root, cfg->huge.dir);
	if (!cfg->kernel_cache && !cfg->no_kernel_cache)
		cache = kcache_default_dir();
	sandbox_root_add(root, cache ? cache : cfg->kernel_cache);
	free(cache);
	sandbox_root_add_parent(root, cfg->dump_dtb);
	/* KVM's counters, of kernels that have no better place for them. */
	sandbox_root_add(root, "/sys/kernel/debug/kvm");
	/* Sockets and links that are removed at the end. */
	if (session->control)
		sandbox_root_add_parent(root, control_path(session->control));
	add_port(root, cfg->console_where);
	add_port(root, cfg->serial_where);
	for (i = 0; i < cfg->nr_ports; i++)
		add_port(root, cfg->port[i].where);
	sandbox_root_add_parent(root, cfg->vsock.uds);
}

int machine_root_enter(struct session *session, struct error *err)
{
	struct sandbox_root root = { .nr = 0 };
	struct disk *disk;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < session->cfg->nr_disks; i++) {
		ret = session_disk(session, i, &disk, err);
		if (!ret)
			disk_close(disk); /* the session keeps it */
	}
	if (ret)
		return ret;
	add_all(&root, session);
	ret = sandbox_root_enter(&root, err);
	sandbox_root_free(&root);
	return ret;
}
