/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device tree that a VMM gave its guest, found in the memory of the VMM's
 * process: so devices have names whichever VMM it is.
 */
#ifndef TL_RECORD_MEMORY_H
#define TL_RECORD_MEMORY_H

#include <sys/types.h>

#include "arch-arm/fdt-map.h"

/*
 * Look through the pages that process @pid has now, and read the device tree
 * with the most devices into @map.  Memory is not changed, nor are pages brought
 * in.  -ENOENT: there is none; -errno: the process cannot be looked at.
 */
int record_memory_find(pid_t pid, struct fdt_map *map);

#endif
