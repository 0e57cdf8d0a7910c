// SPDX-License-Identifier: GPL-2.0-only
#include "config-machine.h"

#include <errno.h>
#include <string.h>

int config_parse_machine(const char *arg, const struct memmap **machine,
			 struct error *err)
{
	*machine = NULL;
	if (!strcmp(arg, virt_memmap.name))
		return 0;
	if (!strcmp(arg, vexpress_memmap.name)) {
		*machine = &vexpress_memmap;
		return 0;
	}
	return error_set(err, TL_USAGE, EINVAL,
			 "option --machine: '%.40s' is neither %s nor %s", arg,
			 virt_memmap.name, vexpress_memmap.name);
}
