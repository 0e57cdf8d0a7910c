/* SPDX-License-Identifier: GPL-2.0-only */
/* What is learned of a VM while it is recorded, for the file beside the trace. */
#ifndef TL_RECORD_SIDE_H
#define TL_RECORD_SIDE_H

#include <stdbool.h>

#include "arch-arm/fdt-map.h"
#include "record-target.h"
#include "sample.h"

struct record_side {
	const char *name; /* of a VM of ours, whose vCPUs count apart; or NULL */
	bool from_birth;  /* the VM is made after recording began */
	bool patched;     /* the host's kernel */
	/* KVM's counters, before and after the trace's begin and end. */
	struct sample before, begun, ending, after;
	struct fdt_map *map; /* NULL: not found yet */
	unsigned int looks;
};

/* Just before and just after recording begins. */
void record_side_before(struct record_side *side, pid_t pid);
void record_side_begun(struct record_side *side, pid_t pid);

/* Again and again while it goes on, and last just before it ends. */
void record_side_look(struct record_side *side,
		      const struct record_target *target);

/* When it has ended, if the VM is still there. */
void record_side_after(struct record_side *side, pid_t pid);

/*
 * Write it beside @trace.  @symbols, a file with the guest kernel's or NULL, is
 * copied there, too.  TL_TRACE.
 */
int record_side_write(const struct record_side *side,
		      const struct record_target *target, const char *trace,
		      const char *symbols, struct error *err);

void record_side_free(struct record_side *side);

#endif
