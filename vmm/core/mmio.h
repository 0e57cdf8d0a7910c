/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MMIO bus: which device answers an address that KVM could not.
 */
#ifndef TL_CORE_MMIO_H
#define TL_CORE_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

/*
 * A device's registers.  @offset is from the region's base, @size is 1, 2, 4 or
 * 8 bytes and the access never crosses the region's end.  A device answers any
 * offset, size and alignment without failing: what has no meaning reads as zero
 * and ignores writes.  Called on a vCPU thread; the device does its own locking.
 */
struct mmio_ops {
	uint64_t (*read)(void *dev, uint64_t offset, unsigned int size);
	void (*write)(void *dev, uint64_t offset, unsigned int size,
		      uint64_t val);
};

struct mmio_region {
	const char *name; /* for messages; must outlive the bus */
	uint64_t base;
	uint64_t size; /* bytes, not 0 */
	const struct mmio_ops *ops;
	void *dev;
};

#define MMIO_MAX_REGIONS 128

/* Sorted by base; filled before the first vCPU runs and constant after. */
struct mmio_bus {
	unsigned int nr;
	struct mmio_region region[MMIO_MAX_REGIONS];
};

/* -EEXIST on an overlap, -EINVAL on a bad range, -ENOSPC when full. */
int mmio_bus_add(struct mmio_bus *bus, const struct mmio_region *region,
		 struct error *err);

/*
 * Deliver one access.  False if no device owns the whole range: a read then
 * gives zero and a write is dropped, and the caller decides what to say.
 */
bool mmio_bus_read(const struct mmio_bus *bus, uint64_t addr, unsigned int size,
		   uint64_t *val);
bool mmio_bus_write(const struct mmio_bus *bus, uint64_t addr,
		    unsigned int size, uint64_t val);

#endif
