/* SPDX-License-Identifier: GPL-2.0-only */
/* An XML document as a tree; the only file that sees the XML parser (expat). */
#ifndef TL_DOMAIN_TREE_H
#define TL_DOMAIN_TREE_H

#include <stddef.h>

#include "lib/error.h"

/* Limits on what is read: a description of a machine comes nowhere near. */
#define DOMAIN_MAX_SIZE  (1u << 20)
#define DOMAIN_MAX_DEPTH 32

struct domain_node {
	char *name;
	char *text;  /* of the element itself; white space around it is cut */
	char **attr; /* name, value, name, value, ..., NULL */
	unsigned int line;
	struct domain_node *child; /* the first */
	struct domain_node *next;  /* of the same parent */
	struct domain_node *parent;
};

/*
 * Parse @len bytes.  @what names them in the error: "FILE:LINE: ...", TL_USAGE.
 * A document type is refused: it could define entities without end.
 */
int domain_tree_parse(const char *text, size_t len, const char *what,
		      struct domain_node **out, struct error *err);
void domain_tree_free(struct domain_node *root);

/* NULL if there is none. */
const char *domain_attr(const struct domain_node *node, const char *name);
/* The first child of that name; @node may be NULL. */
const struct domain_node *domain_child(const struct domain_node *node,
				       const char *name);
/* An attribute of such a child, or NULL. */
const char *domain_child_attr(const struct domain_node *node, const char *child,
			      const char *name);

#endif
