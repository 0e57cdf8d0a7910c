// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "config-sandbox.h"

int config_check_sandbox(const struct run_config *cfg, struct error *err)
{
	if (cfg->sandbox != SANDBOX_FULL)
		return 0;
	/* trace-cmd is started late, and is at home in the host's tracefs. */
	if (cfg->trace)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --sandbox=full leaves nothing to "
				 "record from: leave out --trace and run "
				 "trapline record beside the guest");
	if (cfg->machine && !cfg->dtb)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --sandbox=full: say where the device "
				 "tree of machine %s is (--dtb)",
				 cfg->machine->name);
	return 0;
}
