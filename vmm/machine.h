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
 */
enum tl_status machine_run(const struct run_config *cfg, struct error *err);

#endif
