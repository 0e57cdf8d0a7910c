/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Namespaces of the process's own, for --sandbox=full: no network, no System V
 * objects, and a file system in which there is nothing but what is named here,
 * each at its own path.
 */
#ifndef TL_SANDBOX_ROOT_H
#define TL_SANDBOX_ROOT_H

#include <stdbool.h>

#include "lib/error.h"

#define SANDBOX_ROOT_MAX 128

struct sandbox_root {
	char *path[SANDBOX_ROOT_MAX]; /* absolute */
	unsigned int nr;
	bool failed; /* no memory, or too many */
};

/*
 * Let @path, relative to the working directory or absolute, be in the new root;
 * a directory with all that is below it.  NULL and what does not exist are
 * passed over: who opens it says so.
 */
void sandbox_root_add(struct sandbox_root *root, const char *path);

/* The same for the directory that @path is in, which need not exist itself. */
void sandbox_root_add_parent(struct sandbox_root *root, const char *path);

/*
 * Enter them.  Before the first thread; files that are open stay open, and the
 * working directory keeps its path.  As root, or where user namespaces are
 * allowed.  -errno with status TL_HOST: the process is then good for nothing
 * but to end.
 */
int sandbox_root_enter(const struct sandbox_root *root, struct error *err);
void sandbox_root_free(struct sandbox_root *root);

#endif
