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

struct vminfo_vcpu {
	unsigned int id;
	const pid_t *tids; /* its thread in each boot, the first first */
	unsigned int nr_tids;
	const struct vminfo_counter *stats; /* sums over all boots */
	unsigned int nr_stats;
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
	/* "power-off", "reset", "panic", "crash", "user" or "signal" */
	const char *ended;
	unsigned int boots;
};

/* Suffix of the side file behind the trace's name. */
#define VMINFO_SUFFIX ".vm.json"

/* Write it beside @trace.  TL_TRACE. */
int vminfo_write(const char *trace, const struct vminfo *info,
		 struct error *err);

#endif
