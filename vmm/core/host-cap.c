// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/host-cap.h"

static const struct {
	const char *name;
	unsigned int cap;
} names[] = {
	{ "irqfd", HOST_CAP_IRQFD },
	{ "ioeventfd", HOST_CAP_IOEVENTFD },
	{ "readonly-mem", HOST_CAP_READONLY_MEM },
	{ "coalesced-mmio", HOST_CAP_COALESCED_MMIO },
	{ "psci-0.2", HOST_CAP_PSCI_0_2 },
	{ "vgic-v2-device", HOST_CAP_DEVICE_CTRL },
	{ "preferred-target", HOST_CAP_PREFERRED_TARGET },
	{ "immediate-exit", HOST_CAP_IMMEDIATE_EXIT },
	{ "stats-fd", HOST_CAP_STATS_FD },
};

#define NR_NAMES (sizeof(names) / sizeof(names[0]))

static unsigned int find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < NR_NAMES; i++)
		if (strlen(names[i].name) == len &&
		    !strncmp(names[i].name, name, len))
			return names[i].cap;
	return 0;
}

int host_cap_parse(const char *list, unsigned int *caps, struct error *err)
{
	const char *word = list;
	size_t len;

	*caps = 0;
	for (;;) {
		unsigned int cap;

		len = strcspn(word, ",");
		cap = find(word, len);
		if (!cap)
			return error_set(
				err, TL_USAGE, EINVAL,
				"option --disable-cap: '%.*s' is none of "
				"irqfd, ioeventfd, readonly-mem, "
				"coalesced-mmio, psci-0.2, vgic-v2-device, "
				"preferred-target, immediate-exit and stats-fd",
				len > 40 ? 40 : (int)len, word);
		*caps |= cap;
		if (!word[len])
			return 0;
		word += len + 1;
	}
}
