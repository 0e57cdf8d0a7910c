/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of `trapline record`. */
#ifndef TL_RECORD_CONFIG_H
#define TL_RECORD_CONFIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/error.h"

struct record_config {
	const char *output;
	const char *name;       /* of trapline's VM, or NULL */
	const char *domain;     /* of libvirt's, or NULL */
	pid_t pid;              /* or 0 */
	char **command;         /* or NULL */
	unsigned int ms;        /* how long; 0: to the end */
	const char *symbols;    /* of the guest's kernel, or NULL */
	bool full;              /* all of KVM's events */
	bool irqs;              /* the host's interrupts, too */
	unsigned int buffer_kb; /* a CPU; 0: chosen */
	bool help;
};

extern const char record_help[];

/* Everything behind "record".  -EINVAL, TL_USAGE. */
int record_config_parse(int argc, char **argv, struct record_config *config,
			struct error *err);

#endif
