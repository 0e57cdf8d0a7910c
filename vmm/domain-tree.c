// SPDX-License-Identifier: GPL-2.0-only
#include "domain-tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <expat.h>

struct builder {
	XML_Parser parser;
	struct domain_node *root;
	struct domain_node *at; /* whose end was not seen yet */
	unsigned int depth;
	const char *why; /* it cannot go on */
};

static void stop(struct builder *b, const char *why)
{
	if (!b->why)
		b->why = why;
	XML_StopParser(b->parser, XML_FALSE);
}

/* Behind the last child, so that the order stays. */
static void link_node(struct builder *b, struct domain_node *node)
{
	struct domain_node **at = b->at ? &b->at->child : &b->root;

	while (*at)
		at = &(*at)->next;
	*at = node;
	node->parent = b->at;
	b->at = node;
}

static bool copy_attrs(struct domain_node *node, const char **attr)
{
	size_t n = 0, i;

	while (attr[n])
		n++;
	node->attr = calloc(n + 1, sizeof(*node->attr));
	for (i = 0; node->attr && i < n; i++) {
		node->attr[i] = strdup(attr[i]);
		if (!node->attr[i])
			return false;
	}
	return node->attr;
}

static void on_start(void *opaque, const char *name, const char **attr)
{
	struct builder *b = opaque;
	struct domain_node *node;

	if (b->why)
		return;
	if (++b->depth > DOMAIN_MAX_DEPTH) {
		stop(b, "elements inside one another too deep");
		return;
	}
	node = calloc(1, sizeof(*node));
	if (!node) {
		stop(b, "out of memory");
		return;
	}
	node->line = (unsigned int)XML_GetCurrentLineNumber(b->parser);
	link_node(b, node);
	node->name = strdup(name);
	node->text = calloc(1, 1);
	if (!node->name || !node->text || !copy_attrs(node, attr))
		stop(b, "out of memory");
}

static void on_end(void *opaque, const char *name)
{
	struct builder *b = opaque;
	struct domain_node *node = b->at;
	size_t len, skip = 0;

	(void)name;
	if (b->why || !node)
		return;
	len = strlen(node->text);
	while (len && isspace((unsigned char)node->text[len - 1]))
		node->text[--len] = '\0';
	while (isspace((unsigned char)node->text[skip]))
		skip++;
	memmove(node->text, node->text + skip, len - skip + 1);
	b->at = node->parent;
	b->depth--;
}

static void on_text(void *opaque, const char *text, int len)
{
	struct builder *b = opaque;
	size_t have;
	char *more;

	if (b->why || !b->at)
		return;
	have = strlen(b->at->text);
	more = realloc(b->at->text, have + (size_t)len + 1);
	if (!more) {
		stop(b, "out of memory");
		return;
	}
	memcpy(more + have, text, (size_t)len);
	more[have + (size_t)len] = '\0';
	b->at->text = more;
}

static void on_doctype(void *opaque, const char *name, const char *sysid,
		       const char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	stop(opaque, "a document type has no place here");
}

int domain_tree_parse(const char *text, size_t len, const char *what,
		      struct domain_node **out, struct error *err)
{
	struct builder b = { .parser = XML_ParserCreate(NULL) };
	int ret = 0;

	*out = NULL;
	if (!b.parser)
		return error_set(err, TL_FAIL, ENOMEM, "%s: out of memory",
				 what);
	XML_SetUserData(b.parser, &b);
	XML_SetElementHandler(b.parser, on_start, on_end);
	XML_SetCharacterDataHandler(b.parser, on_text);
	XML_SetStartDoctypeDeclHandler(b.parser, on_doctype);
	if (len > DOMAIN_MAX_SIZE)
		ret = error_set(err, TL_USAGE, EFBIG,
				"%s: more than %u bytes are no description of "
				"a domain",
				what, DOMAIN_MAX_SIZE);
	else if (XML_Parse(b.parser, text, (int)len, 1) != XML_STATUS_OK ||
		 b.why)
		ret = error_set(
			err, TL_USAGE, EINVAL, "%s:%lu: %s (VIR_ERR_XML_ERROR)",
			what, (unsigned long)XML_GetCurrentLineNumber(b.parser),
			b.why ? b.why
			      : XML_ErrorString(XML_GetErrorCode(b.parser)));
	XML_ParserFree(b.parser);
	if (ret)
		domain_tree_free(b.root);
	else
		*out = b.root;
	return ret;
}

void domain_tree_free(struct domain_node *root)
{
	struct domain_node *node = root, *next;
	size_t i;

	/* A list of many siblings must not become as many calls. */
	for (; node; node = next) {
		next = node->next;
		domain_tree_free(node->child);
		for (i = 0; node->attr && node->attr[i]; i++)
			free(node->attr[i]);
		free(node->attr);
		free(node->name);
		free(node->text);
		free(node);
	}
}

const char *domain_attr(const struct domain_node *node, const char *name)
{
	size_t i;

	for (i = 0; node && node->attr[i]; i += 2)
		if (!strcmp(node->attr[i], name))
			return node->attr[i + 1];
	return NULL;
}

const struct domain_node *domain_child(const struct domain_node *node,
				       const char *name)
{
	const struct domain_node *child;

	for (child = node ? node->child : NULL; child; child = child->next)
		if (!strcmp(child->name, name))
			return child;
	return NULL;
}

const char *domain_child_attr(const struct domain_node *node, const char *child,
			      const char *name)
{
	return domain_attr(domain_child(node, child), name);
}
