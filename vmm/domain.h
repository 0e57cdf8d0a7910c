/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A libvirt domain description: `trapline run --domain FILE.xml` reads one,
 * `trapline dumpxml` writes one.  docs/domain.md has the elements.
 */
#ifndef TL_DOMAIN_H
#define TL_DOMAIN_H

#include <stddef.h>

#include "config.h"
#include "lib/error.h"

/* Options of `trapline run`, as config_parse_run() takes them. */
struct domain_args {
	char **argv; /* argc strings, then NULL */
	int argc;
};

/*
 * The options that say what the @len bytes at @text describe.  Anything in there
 * that has no meaning here is an error with its line: "@what:LINE: ...",
 * TL_USAGE.
 */
int domain_read(const char *text, size_t len, const char *what,
		struct domain_args *args, struct error *err);

/*
 * Where @argv (without program and subcommand) has --domain FILE: the options of
 * the file, and behind them the others, which win.  Otherwise a copy.
 */
int domain_expand(int argc, char **argv, struct domain_args *args,
		  struct error *err);
void domain_args_free(struct domain_args *args);

/* What a VM got that its configuration leaves open. */
struct domain_facts {
	enum guest_width width;
	unsigned int gic;     /* 2 or 3 */
	const char *bootargs; /* all of the kernel's command line */
};

/*
 * The description of a VM that runs by @cfg; malloc'ed, or NULL without memory.
 * Paths are made absolute.  What libvirt has no word for is left out.
 */
char *domain_write(const struct run_config *cfg,
		   const struct domain_facts *facts);

#endif
