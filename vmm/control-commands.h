/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of the control socket, apart from who asks. */
#ifndef TL_CONTROL_COMMANDS_H
#define TL_CONTROL_COMMANDS_H

#include "control.h"
#include "qmp.h"

/* What a command works on. */
struct control_target {
	const char *name; /* the VM's */
	const struct control_ops *ops;
	void *opaque;
};

/*
 * Execute @command with @args, an object or NULL.  A new value to return to the
 * client, or NULL and @error.
 */
json_t *control_execute(const struct control_target *target,
			const char *command, json_t *args,
			struct qmp_error *error);

/*
 * query-stats and query-stats-schemas, in control-stats.c; @args were checked
 * for their names and types.
 */
json_t *control_query_stats(const struct control_target *target, json_t *args,
			    struct qmp_error *error);
json_t *control_query_stats_schemas(const struct control_target *target,
				    json_t *args, struct qmp_error *error);

/* The path of vCPU @n among QEMU's objects. */
#define CONTROL_CPU_PATH "/machine/vcpu[%u]"

#endif
