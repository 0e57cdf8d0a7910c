// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "core/mmio.h"

/* Index of the first region whose base is above @addr. */
static unsigned int first_above(const struct mmio_bus *bus, uint64_t addr)
{
	unsigned int lo = 0, hi = bus->nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (bus->region[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int overlap(const struct mmio_region *region,
		   const struct mmio_region *other, struct error *err)
{
	return error_set(err, TL_FAIL, EEXIST,
			 "%s at 0x%" PRIx64 " overlaps %s at 0x%" PRIx64,
			 region->name, region->base, other->name, other->base);
}

int mmio_bus_add(struct mmio_bus *bus, const struct mmio_region *region,
		 struct error *err)
{
	unsigned int pos;

	if (!region->size || region->size - 1 > UINT64_MAX - region->base)
		return error_set(err, TL_FAIL, EINVAL,
				 "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64
				 " is no valid address range",
				 region->name, region->size, region->base);

	/* A region may end at the last address, so compare distances. */
	pos = first_above(bus, region->base);
	if (pos > 0) {
		const struct mmio_region *below = &bus->region[pos - 1];

		if (region->base - below->base < below->size)
			return overlap(region, below, err);
	}
	if (pos < bus->nr) {
		const struct mmio_region *above = &bus->region[pos];

		if (above->base - region->base < region->size)
			return overlap(region, above, err);
	}

	if (bus->nr == MMIO_MAX_REGIONS)
		return error_set(err, TL_FAIL, ENOSPC,
				 "%s at 0x%" PRIx64
				 ": the bus has its %d devices already",
				 region->name, region->base, MMIO_MAX_REGIONS);

	memmove(&bus->region[pos + 1], &bus->region[pos],
		(bus->nr - pos) * sizeof(bus->region[0]));
	bus->region[pos] = *region;
	bus->nr++;
	return 0;
}

static bool covers(const struct mmio_region *region, uint64_t addr,
		   unsigned int size)
{
	return addr - region->base < region->size &&
	       size <= region->size - (addr - region->base);
}

/*
 * A driver's accesses come in runs: where this thread's last one went is looked
 * at first.  Inlined, as each exit of a guest to user space passes here.
 */
static inline const struct mmio_region *find(const struct mmio_bus *bus,
					     uint64_t addr, unsigned int size)
{
	static _Thread_local unsigned int last;
	unsigned int pos;

	if (!size || size > 8 || size & (size - 1))
		return NULL;
	if (last < bus->nr && covers(&bus->region[last], addr, size))
		return &bus->region[last];
	pos = first_above(bus, addr);
	if (!pos || !covers(&bus->region[pos - 1], addr, size))
		return NULL;
	last = pos - 1;
	return &bus->region[last];
}

/* What is beyond the access's width is no part of it, in either direction. */
static uint64_t truncate_to(uint64_t val, unsigned int size)
{
	return size == 8 ? val : val & ((UINT64_C(1) << (8 * size)) - 1);
}

bool mmio_bus_read(const struct mmio_bus *bus, uint64_t addr, unsigned int size,
		   uint64_t *val)
{
	const struct mmio_region *region = find(bus, addr, size);

	*val = 0;
	if (!region)
		return false;
	*val = truncate_to(region->ops->read(region->dev, addr - region->base,
					     size),
			   size);
	return true;
}

bool mmio_bus_write(const struct mmio_bus *bus, uint64_t addr,
		    unsigned int size, uint64_t val)
{
	const struct mmio_region *region = find(bus, addr, size);

	if (!region)
		return false;
	region->ops->write(region->dev, addr - region->base, size,
			   truncate_to(val, size));
	return true;
}
