/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose VM is recorded: a process of any VMM, and which of its threads runs
 * which vCPU.  Control sockets and thread names tell, or the call that a thread
 * waits in.
 */
#ifndef TL_RECORD_TARGET_H
#define TL_RECORD_TARGET_H

#include <sys/types.h>

#include "lib/error.h"

#define RECORD_VCPUS_MAX   512
#define RECORD_THREADS_MAX 16

struct record_vcpu {
	unsigned int id;
	pid_t tid[RECORD_THREADS_MAX]; /* in the order they were found */
	unsigned int nr;
};

struct record_target {
	const char *proc; /* "/proc", or where a test has it */
	pid_t pid;
	char name[64];                             /* of the VM, for people */
	char vmm[32];                              /* of the process */
	struct record_vcpu vcpu[RECORD_VCPUS_MAX]; /* by id */
	unsigned int nr;
};

/*
 * The vCPU that a thread named @comm runs, under QEMU, kvmtool, trapline,
 * Firecracker, cloud-hypervisor or crosvm; -1: none.
 */
int record_vcpu_of(const char *comm);

/* Fill @target.  TL_NAME or TL_FAIL if there is no such VM or process. */
int record_target_pid(struct record_target *target, pid_t pid,
		      struct error *err);
/* A running VM of trapline's, by its control socket. */
int record_target_name(struct record_target *target, const char *name,
		       struct error *err);

/* Thread @tid runs vCPU @id; what is out of range is left out. */
void record_target_add(struct record_target *target, unsigned int id,
		       pid_t tid);

/* Note the vCPU threads that are there now; threads that ended stay known. */
void record_target_scan(struct record_target *target);

#endif
