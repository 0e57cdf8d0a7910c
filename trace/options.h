/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of trapline-report. */
#ifndef TL_TRACE_OPTIONS_H
#define TL_TRACE_OPTIONS_H

#include "analysis.h"
#include "render.h"

/* Traces, or sides of traces, that can be looked at together. */
#define PATHS_MAX 8

struct options {
	const char *path[PATHS_MAX];
	size_t nr_paths;
	const char *vm_file[PATHS_MAX]; /* by path, or of the only one */
	size_t nr_vm_files;
	bool diff; /* A against B; several paths without: side by side */
	const char *output; /* NULL: standard output */
	struct analysis_setup setup;
	struct query query;
	enum format format;
	unsigned int top; /* rows of each table, 0: all */
	bool help, version;
};

extern const char options_help[];

/*
 * Fill @opt from the command line, without side effects; it points into
 * @argv, which may be changed.  -EINVAL and one line in @err.
 */
int options_parse(int argc, char **argv, struct options *opt,
		  struct error *err);

#endif
