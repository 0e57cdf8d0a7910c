/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The side file of a recording, TRACE.vm.json: what a trace cannot say about
 * the VM.  The profiler names devices and vCPUs from it, and checks its totals
 * against KVM's own counters.  Its format is versioned and only ever grows.
 */
#ifndef TL_VMINFO_H
#define TL_VMINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

struct vminfo_memory {
	uint64_t gpa;
	uint64_t size;
};

struct vminfo_device {
	const char *name;
	const char *type;   /* "pl011", "gicv2-dist", "virtio-mmio", ... */
	const char *virtio; /* "blk", or NULL */
	uint64_t base;
	uint64_t size;
	int spi; /* -1 for none */
};

struct vminfo_counter {
	const char *name;
	uint64_t value;
};

/*
 * How much a counter grew while the trace was made: read before and after, at
 * both ends, so that what the trace has lies between.
 */
struct vminfo_span {
	const char *name;
	uint64_t low, high; /* UINT64_MAX: not known */
};

struct vminfo_vcpu {
	unsigned int id;
	const pid_t *tids; /* its thread in each boot, the first first */
	unsigned int nr_tids;
	const struct vminfo_counter *stats; /* sums over all boots */
	unsigned int nr_stats;
	const struct vminfo_span *counted;
	unsigned int nr_counted;
};

struct vminfo {
	const char *vmm; /* NULL: this trapline; of others less is known */
	const char *name;
	pid_t pid;
	unsigned int guest_width; /* 32 or 64 */
	unsigned int gic_version;
	const char *machine; /* NULL: not known */
	const char *kernel;  /* path, as it was given */
	const struct vminfo_memory *memory;
	unsigned int nr_memory;
	const struct vminfo_device *devices;
	unsigned int nr_devices;
	const struct vminfo_vcpu *vcpus;
	unsigned int nr_vcpus;
	const struct vminfo_span *counted; /* sums over the vCPUs */
	unsigned int nr_counted;
	/* The trace has threads of this VM's process only. */
	bool only;
	/* The host's kernel is known to have our patches, by other than @stats. */
	bool patched;
	/* "power-off", "reset", "panic", "crash", "user" or "signal" */
	const char *ended;
	unsigned int boots;
};

/* Suffix of the side file behind the trace's name. */
#define VMINFO_SUFFIX ".vm.json"

/*
 * Make its file, empty, while we still may: a description that never comes is
 * then as if there were no file.  TL_TRACE.
 */
int vminfo_claim(const char *trace, struct error *err);
/* It does not come. */
void vminfo_unclaim(const char *trace);

/* Write it beside @trace.  TL_TRACE. */
int vminfo_write(const char *trace, const struct vminfo *info,
		 struct error *err);

#endif
