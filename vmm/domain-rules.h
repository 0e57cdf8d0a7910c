/* SPDX-License-Identifier: GPL-2.0-only */
/* Which elements and attributes of a libvirt domain have a meaning here. */
#ifndef TL_DOMAIN_RULES_H
#define TL_DOMAIN_RULES_H

#include <stdarg.h>

#include "domain-tree.h"

/* -EINVAL, TL_USAGE and the line for the first that has none; see below. */
int domain_check(const struct domain_node *root, const char *what,
		 struct error *err);

/* "@what:LINE: ... (VIR_ERR_CONFIG_UNSUPPORTED)"; -EINVAL, TL_USAGE. */
int domain_unsupported(struct error *err, const char *what,
		       const struct domain_node *node, const char *fmt,
		       va_list ap) __attribute__((format(printf, 4, 0)));

#endif
