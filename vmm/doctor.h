/* SPDX-License-Identifier: GPL-2.0-only */
/* `trapline doctor`: what this host offers and lacks, and what to do about it. */
#ifndef TL_DOCTOR_H
#define TL_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include "arch-arm/probe.h"
#include "lib/error.h"

/* Where to look; a test has a tree of its own. */
struct doctor_host {
	const char *root; /* in front of /sys, /proc and /dev; "" for the host */
	const char *path; /* to find programs in, like PATH; may be NULL */
	struct host_probe probe;
};

/*
 * Print one line for each item: its state (ok, no or FAIL), what it is, what
 * was found, and below it what to do where something is missing.  True if
 * `trapline run` will work: only KVM itself and a GIC can prevent it.
 */
bool doctor_print(const struct doctor_host *host, FILE *out);

/*
 * The subcommand; TL_HOST if a guest cannot be run.  @probe is host_probe(), or
 * a test's.
 */
enum tl_status doctor_run(int argc, char **argv,
			  void (*probe)(struct host_probe *probe), FILE *out,
			  struct error *err);

#endif
