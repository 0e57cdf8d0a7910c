/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What libvirt knows of a domain.  Its library is looked for when it is wanted
 * (dlopen), which trapline itself, a static program, cannot: so this is one of
 * its own, trapline-libvirt, and without it or libvirt nothing else is lost.
 */
#ifndef TL_LIBVIRT_ASK_H
#define TL_LIBVIRT_ASK_H

#include <stdio.h>

#include "lib/error.h"

/*
 * Ask @library ("libvirt.so.0") for @domain, a name, a UUID or a number, at
 * $LIBVIRT_DEFAULT_URI or, without one, qemu:///system and qemu:///session.
 * Only to read.  Prints lines "KEY VALUE" to @out: name, uuid, uri, state
 * ("running", "paused", ..., "shut off"), and for each vCPU "vcpu N STATE CPU".
 * TL_NAME: there is no such domain; TL_HOST: no library, or no libvirt answers.
 */
int libvirt_ask(const char *library, const char *domain, FILE *out,
		struct error *err);

#endif
