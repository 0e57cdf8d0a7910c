/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM has counted for each VM at one moment: for our own through their
 * control sockets (KVM_GET_STATS_FD, for each vCPU), for those of any VMM from
 * debugfs, which has sums over the vCPUs and, with our kernel patches on hosts
 * before Linux 5.14, each vCPU too.
 */
#ifndef TL_SAMPLE_H
#define TL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

#define SAMPLE_NAME_MAX 48

enum sample_type {
	SAMPLE_COUNTER,
	SAMPLE_GAUGE,       /* an instantaneous value or a peak */
	SAMPLE_LINEAR_HIST, /* bucket n: values below (n + 1) * bucket_size */
	SAMPLE_LOG_HIST,    /* bucket n: values below 2^n */
};

struct sample_stat {
	char name[SAMPLE_NAME_MAX];
	enum sample_type type;
	char unit[12];     /* "seconds", "bytes", "cycles", "boolean" or "" */
	unsigned int base; /* 2 or 10: a value counts base^exponent units */
	int exponent;
	unsigned int bucket_size;
	unsigned int nr; /* values: 1, or the buckets of a histogram */
	uint64_t *value;
};

/* Whose statistics; 0 and above is a vCPU. */
#define SAMPLE_VM  (-1) /* the VM's own */
#define SAMPLE_SUM (-2) /* the VM's own, and sums over its vCPUs */

struct sample_object {
	int id;
	pid_t tid; /* a vCPU's thread, 0: not known */
	struct sample_stat *stat;
	size_t nr;
};

struct sample_vm {
	char name[64];
	pid_t pid;
	uint64_t ns; /* CLOCK_MONOTONIC, when it was asked */
	struct sample_object *object;
	size_t nr;
};

struct sample {
	struct sample_vm *vm;
	size_t nr;
};

struct sample_request {
	const char *const *name; /* VMs of ours */
	size_t nr_names;
	pid_t pid; /* a process of any VMM, or 0 */
	bool all;  /* of ours, and of debugfs where that can be read */
	const char *debugfs; /* NULL: /sys/kernel/debug */
};

/*
 * Ask all that @request names; @sample is to be freed even after an error.
 * TL_NAME for a VM or process that there is not, TL_HOST where KVM's statistics
 * cannot be read.  With @all, no VM at all is no error.
 */
int sample_take(const struct sample_request *request, struct sample *sample,
		struct error *err);
void sample_free(struct sample *sample);

/* NULL if @sample has no such VM. */
const struct sample_vm *sample_find(const struct sample *sample, pid_t pid,
				    const char *name);

/* Of vCPU @id, SAMPLE_VM or SAMPLE_SUM; NULL if there is none. */
const struct sample_stat *sample_stat(const struct sample_vm *vm, int id,
				      const char *name);

/*
 * A counter of vCPU @id, or with SAMPLE_SUM that of the VM: its own, or the sum
 * over its vCPUs.  False if KVM does not count that there.
 */
bool sample_counter(const struct sample_vm *vm, int id, const char *name,
		    uint64_t *value);

/* --- for the files of sample*.c --------------------------------------------*/

/* Room for another, all zero; NULL: no memory. */
struct sample_vm *sample_add_vm(struct sample *sample);
struct sample_object *sample_add_object(struct sample_vm *vm, int id);
/* With room for @nr values. */
struct sample_stat *sample_add_stat(struct sample_object *object,
				    const char *name, unsigned int nr);

/*
 * The VMs of process @pid, or all (0), except of processes that @sample has
 * already.  -ENOENT, @err empty: no such VM; -EACCES and its like: debugfs
 * cannot be read.
 */
int sample_debugfs(struct sample *sample, const char *debugfs, pid_t pid,
		   struct error *err);

#endif
