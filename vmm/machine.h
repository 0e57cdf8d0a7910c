/* SPDX-License-Identifier: GPL-2.0-only */
/* A running VM: built from a board and torn down in plain order. */
#ifndef TL_MACHINE_H
#define TL_MACHINE_H

#include "config.h"
#include "lib/error.h"

/*
 * Build the VM, run it until the guest or the user ends it, tear it down.
 * Returns the process's exit status (enum tl_status); where that is not TL_OK
 * @err has the line to print.  On a build without KVM (vmm/native.c) it writes
 * the device tree if --dump-dtb asks for it, and otherwise says where
 * `trapline run` does work.
 *
 *   the guest powers off           TL_OK
 *   Ctrl-A x at the terminal       TL_OK
 *   the guest asks for a reset     it boots again, kernel and initrd read anew;
 *                                  with --no-reboot TL_GUEST_RESET
 *   a reset after a kernel panic   TL_GUEST_PANIC, with the panic's line; with
 *                                  --panic=reset as any reset, with --panic=hold
 *                                  the guest is kept until one of the others
 *   KVM cannot go on               TL_GUEST_CRASH
 *   SIGTERM, SIGINT, SIGHUP or     TL_FAIL, "ended by signal NAME"; the VM is
 *   SIGQUIT                        torn down and a recording completed
 *
 * Uses the process's signal mask, SIGPIPE's disposition and descriptors 0 to 2
 * and gives none of them back: one call a process.
 */
enum tl_status machine_run(const struct run_config *cfg, struct error *err);

#endif
