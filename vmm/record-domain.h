/* SPDX-License-Identifier: GPL-2.0-only */
/* A libvirt domain as what to record. */
#ifndef TL_RECORD_DOMAIN_H
#define TL_RECORD_DOMAIN_H

#include "lib/error.h"
#include "record-target.h"

/*
 * A domain that libvirt runs with QEMU, by its name, or with trapline-libvirt
 * (libvirt/ask.h) beside us or in PATH by UUID and number, too.  Its process and
 * threads are in libvirt's files in /run/libvirt/qemu or, of a user's own
 * libvirt, below $XDG_RUNTIME_DIR; @run is in front of the former, "" unless it
 * is a test's.  TL_NAME if it does not run.
 */
int record_domain_find(struct record_target *target, const char *domain,
		       const char *run, struct error *err);

#endif
