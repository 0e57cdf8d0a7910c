// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "config-panic.h"

int config_panic_parse(const char *arg, enum config_panic *panic,
		       struct error *err)
{
	static const char *const name[] = {
		[PANIC_EXIT] = "exit",
		[PANIC_RESET] = "reset",
		[PANIC_HOLD] = "hold",
	};
	unsigned int i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (!strcmp(arg, name[i])) {
			*panic = i;
			return 0;
		}
	return error_set(err, TL_USAGE, EINVAL,
			 "option --panic: '%.40s' is none of exit, reset and "
			 "hold",
			 arg);
}
