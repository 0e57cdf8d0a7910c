/* SPDX-License-Identifier: GPL-2.0-only */
/* A trace read once, from its file to sums: what every output starts from. */
#ifndef TL_TRACE_ANALYSIS_H
#define TL_TRACE_ANALYSIS_H

#include "lib/error.h"
#include "profile.h"
#include "reader.h"
#include "symbols.h"
#include "totals.h"
#include "vmmap.h"

struct analysis {
	char *path;
	char *side_path; /* of the VM's description, there or not */
	struct reader_info info;
	struct vmmap map;
	uint64_t start; /* ns: the first KVM event, where --from 0 is */
	struct profile profile;
	struct totals totals;
	struct symbols *symbols; /* NULL: not asked for */
};

/* How to read it; all zeroes will do. */
/* A file of the guest kernel's symbols beside its trace. */
#define ANALYSIS_SYMBOLS_SUFFIX ".symbols"

struct analysis_setup {
	const char *side;  /* NULL: "PATH.vm.json", if there is one */
	uint64_t from, to; /* ns from the start; @to 0: to the end */
	const char *
		symbols; /* file of the guest kernel's, or NULL: @path.symbols */
	struct symbols_hint hint;
};

/*
 * Read the trace.dat at @path; @setup may be NULL.  -errno, one line in @err and nothing to
 * free if either is unusable, if they do not belong together, or if no guest
 * was left in the trace.
 */
int analysis_load(struct analysis *analysis, const char *path,
		  const struct analysis_setup *setup, struct error *err);

/*
 * Read the trace again, and give @fn each exit that is in the profile, with the
 * row that it was counted in (without a sum).  -errno and one line in @err.
 */
int analysis_replay(struct analysis *analysis,
		    void (*fn)(const struct trap_exit *exit,
			       const struct profile_row *key, void *opaque),
		    void *opaque, struct error *err);
void analysis_free(struct analysis *analysis);

#endif
