/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of the VM beside the trace: its memory, its devices, which
 * thread runs which vCPU, and what the kernel counted.  `trapline run --trace
 * FILE` writes it to FILE.vm.json when the VM ends; without that file the
 * devices of QEMU's "virt" board are assumed.
 */
#ifndef TL_TRACE_VMMAP_H
#define TL_TRACE_VMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devreg.h"
#include "lib/error.h"

struct vmmap_range {
	uint64_t base, size;
	bool ram;
	enum devreg_type type;
	char name[32];
};

/*
 * A KVM statistic of one vCPU at the end of the run, over all boots; or, where a
 * running VM was recorded, how much it grew meanwhile.
 */
struct vmmap_count {
	bool known;
	uint64_t value;
	bool span; /* from @value to @high, UINT64_MAX: no upper bound */
	uint64_t high;
};

struct vmmap_vcpu {
	int id;
	int *tid; /* its thread in each boot, at least one */
	size_t nr_tids;
	struct vmmap_count exits, trap_exits, hyp_exits;
};

struct vmmap {
	bool from_file;
	char vmm[32], name[64], machine[32], kernel[96], ended[32];
	unsigned int guest_width;  /* 32, 64, or 0: not known */
	unsigned int gic_version;  /* 0: not known */
	unsigned int boots;        /* 0: not known */
	struct vmmap_range *range; /* by address, not overlapping */
	size_t nr_ranges;
	struct vmmap_vcpu *vcpu;
	size_t nr_vcpus;
	bool only; /* the trace has threads of this VM's process only */
	struct vmmap_count exits, trap_exits; /* sums over the vCPUs */
};

/* QEMU's virt board: devices below 1 GiB, memory above. -ENOMEM. */
int vmmap_default(struct vmmap *map, struct error *err);

/*
 * Read side file @path, or its contents @text for vmmap_parse() (@path is for
 * messages then).  -ENOENT without a filled @err if there is no such file;
 * -EINVAL and one line for one that is no such file, or of another version.
 */
int vmmap_read(struct vmmap *map, const char *path, struct error *err);
int vmmap_parse(struct vmmap *map, const char *path, const char *text,
		size_t length, struct error *err);
void vmmap_free(struct vmmap *map);

/* Index of the range that holds @address, -1 if none does. */
int vmmap_find(const struct vmmap *map, uint64_t address);

/* The vCPU that thread @tid ran, NULL if the side file has none. */
const struct vmmap_vcpu *vmmap_vcpu_of(const struct vmmap *map, int tid);

#endif
