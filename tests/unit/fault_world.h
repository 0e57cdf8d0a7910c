/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of a machine on a KVM that is none (fake_kvm.h), and the same
 * machine again and again, each time with another call that fails.
 */
#ifndef TESTS_FAULT_WORLD_H
#define TESTS_FAULT_WORLD_H

#include "fake_kvm.h"

/* virtio devices from there on: the disk, its copy on write, others. */
#define FAULT_FIRST_SLOT 0x0a000000

struct fault_world {
	char dir[64];
	const char *cpus;
	const char *net; /* NULL: none */
	char *dtb;       /* machine "vexpress-a15" with it; NULL: "virt" */
	char kernel[96], disk[128], base[128], serial[128], control[96];
	char vsock[128], port[128];
};

/* cmocka's setup and teardown of a world, which is the test's state. */
int fault_setup(void **state);
int fault_teardown(void **state);

/*
 * A client's connection to a socket of the machine, on which a call waits for
 * two seconds at most; negative while nobody listens.
 */
int fault_connect(const char *path);

/*
 * A run of the machine in which vCPU 0 does @exits and no call fails; a failure
 * of the test if there is no VM.
 */
void fault_run_well(struct fault_world *w, const struct fake_exit *exits);

/*
 * The same with the first call failing, the second, and so on until all have:
 * each time it unwinds, says what happened in one line, and leaves no thread,
 * descriptor or memory behind.  @before and @after are called around each run.
 */
void fault_each(struct fault_world *w, const struct fake_exit *exits,
		void (*before)(struct fault_world *w),
		void (*after)(struct fault_world *w));

#endif
