/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's device tree, made with libfdt.  No KVM here. */
#ifndef TL_ARCH_ARM_FDT_H
#define TL_ARCH_ARM_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch-arm/image.h"
#include "lib/error.h"

enum board_dev_kind {
	BOARD_PL011,
	BOARD_PL031,
	BOARD_PL061,
	BOARD_VIRTIO,
	BOARD_POWER, /* hw/power-reg.h */
	/* Machine vexpress-a15's; they are in its own tree. */
	BOARD_SP804,
	BOARD_VEXPRESS_SYSREG,
};

/* What a BOARD_POWER's register takes (hw/power-reg.h). */
#define FDT_POWER_OFF   1
#define FDT_POWER_RESET 2

/* One row of the board: also what the profiler's device map is made from. */
struct board_dev {
	enum board_dev_kind kind;
	char name[24]; /* "pl011", "virtio0-blk": unique, for people */
	uint64_t base;
	uint64_t size;
	unsigned int spi; /* shared peripheral interrupt, INTID - 32 */
};

struct fdt_request {
	enum guest_width width;
	unsigned int nr_cpus; /* 1 and more; MPIDR affinity from mpidr[] */
	const uint64_t *mpidr;
	const char *cpu_compatible; /* "arm,cortex-a15" */
	unsigned int gic_version;   /* 2 or 3 */
	uint64_t ram_base;
	uint64_t ram_size;
	const char *bootargs;
	uint64_t initrd_gpa; /* 0 for none */
	uint64_t initrd_size;
	const struct board_dev *devs;
	unsigned int nr_devs;
	uint8_t rng_seed[32];
	uint64_t kaslr_seed; /* 0: no property */
	bool pmu;
	uint32_t psci_version; /* KVM's: (major << 16) | minor; 0.1 is 1 */
};

/* *@blob is malloc'ed and *@size bytes long.  -ENOMEM, or a libfdt error. */
int fdt_build(const struct fdt_request *req, void **blob, size_t *size,
	      struct error *err);

#endif
