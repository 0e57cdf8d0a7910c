/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM for the control socket that only remembers what was asked of it, and a
 * thread that serves the socket in a directory of its own.
 */
#ifndef TL_TESTS_UNIT_FAKE_VM_H
#define TL_TESTS_UNIT_FAKE_VM_H

#include <pthread.h>
#include <stdatomic.h>

#include "control.h"

#define FAKE_CPUS 2

struct fake_vm {
	struct evloop *loop;
	struct control *control;
	pthread_t thread;
	atomic_bool paused;
	atomic_uint resets, quits, powerdowns;
	bool has_key; /* it has a power key */
	bool has_balloon;
	bool no_stats; /* an old host */
	bool stats_fail;
	_Atomic uint64_t memory;
	unsigned int many; /* statistics more, to make answers long */
};

/* Serve a VM called @name; @stall_ms as in control_config. */
void fake_vm_start(struct fake_vm *vm, const char *name, unsigned int stall_ms);
/* End the thread, close the socket.  Once; a quit ends the thread as well. */
void fake_vm_stop(struct fake_vm *vm);

/* An empty $XDG_RUNTIME_DIR; fake_dir_remove() removes it and what is in it. */
void fake_dir_make(void);
void fake_dir_remove(void);
extern char fake_dir[64];

#endif
