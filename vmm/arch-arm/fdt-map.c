// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libfdt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch-arm/fdt-map.h"

/* What a node is, by "compatible"; entry n of "reg" is called name[n]. */
static const struct {
	const char *compatible;
	const char *name[2], *type[2];
	unsigned int gic;
} kinds[] = {
	{ "arm,pl011", { "pl011" }, { "pl011" }, 0 },
	{ "arm,pl031", { "pl031" }, { "pl031" }, 0 },
	{ "arm,pl061", { "pl061" }, { "pl061" }, 0 },
	{ "virtio,mmio", { "virtio-mmio" }, { "virtio-mmio" }, 0 },
	{ "arm,cortex-a15-gic",
	  { "gic-dist", "gic-cpu" },
	  { "gicv2-dist", "gicv2-cpu" },
	  2 },
	{ "arm,gic-400",
	  { "gic-dist", "gic-cpu" },
	  { "gicv2-dist", "gicv2-cpu" },
	  2 },
	{ "arm,gic-v3",
	  { "gic-dist", "gic-redist" },
	  { "gicv3-dist", "gicv3-redist" },
	  3 },
	{ "pci-host-ecam-generic", { "pci-config" }, { "pci-config" }, 0 },
	{ "pci-host-cam-generic", { "pci-config" }, { "pci-config" }, 0 },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *text_of(const void *fdt, int node, const char *name)
{
	int len;
	const char *text = fdt_getprop(fdt, node, name, &len);

	return text && len > 0 && !text[len - 1] ? text : NULL;
}

static uint64_t read_cells(const fdt32_t *cell, int n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 32 | fdt32_to_cpu(*cell++);
	return value;
}

/* Entry @n of a node's "reg"; false: there is none, or it is unusable. */
static bool read_reg(const void *fdt, int node, int parent, int n,
		     uint64_t *base, uint64_t *size)
{
	const int address = fdt_address_cells(fdt, parent);
	const int length = fdt_size_cells(fdt, parent);
	const int entry = address + length;
	const fdt32_t *reg;
	int len;

	reg = fdt_getprop(fdt, node, "reg", &len);
	if (!reg || address < 1 || address > 2 || length < 1 || length > 2 ||
	    (n + 1) * entry * (int)sizeof(*reg) > len)
		return false;
	*base = read_cells(reg + n * entry, address);
	*size = read_cells(reg + n * entry + address, length);
	return *size && *size - 1 <= UINT64_MAX - *base;
}

static void add_dev(struct fdt_map *map, const char *name, const char *type,
		    uint64_t base, uint64_t size, int spi)
{
	struct fdt_map_dev *dev = &map->dev[map->nr_devs];

	if (map->nr_devs == FDT_MAP_DEVS || !size)
		return;
	*dev = (struct fdt_map_dev){ .base = base, .size = size, .spi = spi };
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	snprintf(dev->type, sizeof(dev->type), "%s", type);
	map->nr_devs++;
}

/* A GIC's "interrupts": type (0 is an SPI), number, flags. */
static int read_spi(const void *fdt, int node)
{
	const fdt32_t *cell;
	int len;

	cell = fdt_getprop(fdt, node, "interrupts", &len);
	if (!cell || len < 12 || fdt32_to_cpu(cell[0]) ||
	    fdt32_to_cpu(cell[1]) > 1019)
		return -1;
	return (int)fdt32_to_cpu(cell[1]);
}

/* PCI Bus Binding to IEEE 1275, 2.2.1.1: the space is in phys.hi. */
static void add_windows(struct fdt_map *map, const void *fdt, int node)
{
	static const char *const name[] = { NULL, "pci-io", "pci-mmio",
					    "pci-mmio-high" };
	const int parent_cells = fdt_address_cells(fdt, 0);
	const int size_cells = fdt_size_cells(fdt, node);
	const int entry = 3 + parent_cells + size_cells;
	const fdt32_t *cell;
	int len, i;

	cell = fdt_getprop(fdt, node, "ranges", &len);
	if (!cell || parent_cells < 1 || parent_cells > 2 || size_cells < 1 ||
	    size_cells > 2)
		return;
	for (i = 0; (i + 1) * entry * (int)sizeof(*cell) <= len; i++) {
		const fdt32_t *at = cell + i * entry;
		const unsigned int space = fdt32_to_cpu(at[0]) >> 24 & 3;

		if (space)
			add_dev(map, name[space], name[space],
				read_cells(at + 3, parent_cells),
				read_cells(at + 3 + parent_cells, size_cells),
				-1);
	}
}

static void add_known(struct fdt_map *map, const void *fdt, int node,
		      int parent, size_t kind)
{
	uint64_t base, size;
	int n;

	for (n = 0; n < 2 && kinds[kind].name[n]; n++)
		if (read_reg(fdt, node, parent, n, &base, &size))
			add_dev(map, kinds[kind].name[n], kinds[kind].type[n],
				base, size, n ? -1 : read_spi(fdt, node));
	if (kinds[kind].gic)
		map->gic_version = kinds[kind].gic;
	if (!strncmp(kinds[kind].compatible, "pci-", 4))
		add_windows(map, fdt, node);
}

/* By its own name, without the address. */
static void add_other(struct fdt_map *map, const void *fdt, int node,
		      int parent)
{
	const char *full = fdt_get_name(fdt, node, NULL);
	const char *compatible = text_of(fdt, node, "compatible");
	uint64_t base, size;
	char name[32];
	int n;

	if (!full || !compatible)
		return;
	for (n = 0; read_reg(fdt, node, parent, n, &base, &size); n++) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(full, "@"),
			 full);
		add_dev(map, name, compatible, base, size,
			n ? -1 : read_spi(fdt, node));
	}
}

static void add_memory(struct fdt_map *map, const void *fdt, int node)
{
	struct fdt_map_memory *memory = &map->memory[map->nr_memory];
	int n;

	for (n = 0; map->nr_memory < FDT_MAP_MEMORIES &&
		    read_reg(fdt, node, 0, n, &memory->base, &memory->size);
	     n++)
		memory = &map->memory[++map->nr_memory];
}

static unsigned int count_cpus(const void *fdt, int cpus)
{
	unsigned int nr = 0;
	int node;

	for (node = fdt_first_subnode(fdt, cpus); node >= 0;
	     node = fdt_next_subnode(fdt, node)) {
		const char *type = text_of(fdt, node, "device_type");

		nr += type && !strcmp(type, "cpu");
	}
	return nr;
}

static void add_nodes(struct fdt_map *map, const void *fdt, int parent,
		      int depth);

static void add_node(struct fdt_map *map, const void *fdt, int node, int parent,
		     int depth)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	const char *type = text_of(fdt, node, "device_type");
	size_t kind;
	int len;

	if (type && !strcmp(type, "memory")) {
		add_memory(map, fdt, node);
		return;
	}
	if (name && !strcmp(name, "cpus")) {
		map->cpus = count_cpus(fdt, node);
		return;
	}
	for (kind = 0; kind < NR_KINDS; kind++)
		if (!fdt_node_check_compatible(fdt, node,
					       kinds[kind].compatible))
			break;
	if (kind < NR_KINDS)
		add_known(map, fdt, node, parent, kind);
	else
		add_other(map, fdt, node, parent);
	/* a bus whose addresses are the processors' own */
	if (!depth && fdt_getprop(fdt, node, "ranges", &len) && !len)
		add_nodes(map, fdt, node, depth + 1);
}

static void add_nodes(struct fdt_map *map, const void *fdt, int parent,
		      int depth)
{
	int node;

	for (node = fdt_first_subnode(fdt, parent); node >= 0;
	     node = fdt_next_subnode(fdt, node))
		add_node(map, fdt, node, parent, depth);
}

static int by_base(const void *a, const void *b)
{
	const struct fdt_map_dev *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

static bool overlaps(uint64_t base, uint64_t size, uint64_t base2,
		     uint64_t size2)
{
	return base < base2 ? base2 - base < size : base - base2 < size2;
}

/* Sort; of what overlaps, with memory too, only one can be told by address. */
static void tidy(struct fdt_map *map)
{
	unsigned int i, k, nr = 0, nr_memory = 0;

	for (i = 0; i < map->nr_memory; i++) {
		for (k = 0; k < nr_memory; k++)
			if (overlaps(map->memory[i].base, map->memory[i].size,
				     map->memory[k].base, map->memory[k].size))
				break;
		if (k == nr_memory)
			map->memory[nr_memory++] = map->memory[i];
	}
	map->nr_memory = nr_memory;
	qsort(map->dev, map->nr_devs, sizeof(map->dev[0]), by_base);
	for (i = 0; i < map->nr_devs; i++) {
		const struct fdt_map_dev *dev = &map->dev[i];

		for (k = 0; k < map->nr_memory; k++)
			if (overlaps(dev->base, dev->size, map->memory[k].base,
				     map->memory[k].size))
				break;
		if (k < map->nr_memory ||
		    (nr &&
		     overlaps(map->dev[nr - 1].base, map->dev[nr - 1].size,
			      dev->base, dev->size)))
			continue;
		map->dev[nr++] = *dev;
	}
	map->nr_devs = nr;
}

/* Several of a name are numbered by address, from 0. */
static void number(struct fdt_map *map)
{
	unsigned int i, k, n;

	for (i = 0; i < map->nr_devs; i++) {
		char name[sizeof(map->dev[i].name)];

		memcpy(name, map->dev[i].name, sizeof(name));
		n = 0;
		for (k = i + 1; k < map->nr_devs; k++) {
			if (strcmp(map->dev[k].name, name) != 0)
				continue;
			snprintf(map->dev[k].name, sizeof(name), "%.24s%u",
				 name, ++n);
		}
		if (n)
			snprintf(map->dev[i].name, sizeof(name), "%.24s0",
				 name);
	}
}

int fdt_map_read(const void *blob, size_t size, struct fdt_map *map)
{
	*map = (struct fdt_map){ 0 };
	if (size < sizeof(struct fdt_header) || fdt_check_full(blob, size))
		return -EINVAL;
	add_nodes(map, blob, 0, 0);
	tidy(map);
	number(map);
	return map->cpus && map->nr_memory ? 0 : -EINVAL;
}
