/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/kvm and the VM: the generic ioctls of both.  Sections in this room's
 * comments are those of Documentation/virt/kvm/api.rst.
 */
#ifndef TL_KVM_VM_H
#define TL_KVM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/gmem.h"
#include "lib/error.h"

struct vm {
	int kvm_fd; /* /dev/kvm */
	int fd;     /* the VM, -1 before vm_create() */
	size_t run_size;
	unsigned int max_vcpus;
	bool has_ioeventfd;
	bool has_irqfd;
	bool has_immediate_exit;
	bool has_stats;
	unsigned int disabled; /* core/host-cap.h: what not to use */
	unsigned int nr_slots;
	unsigned int nr_vcpus; /* that it will have; 0: not known */
};

/*
 * Open /dev/kvm and ask what it can do.  Status TL_HOST: no KVM, no
 * permission, or an interface other than version 12.
 */
int vm_open(struct vm *vm, struct error *err);

/*
 * Take the host for one that lacks @caps (core/host-cap.h): vm_check() says no
 * to them from here on.  After vm_open(), before anything else.
 */
void vm_disable(struct vm *vm, unsigned int caps);

/*
 * KVM_CHECK_EXTENSION (4.4) on /dev/kvm: 0 if @cap is missing, else a positive
 * number whose meaning is the capability's.
 */
int vm_check(const struct vm *vm, int cap);

/* KVM_CREATE_VM (4.2); @type is the architecture's.  TL_HOST, TL_MEMORY. */
int vm_create(struct vm *vm, unsigned long type, struct error *err);

/* Every region of @gmem becomes a memory slot (4.35).  TL_MEMORY. */
int vm_add_memory(struct vm *vm, const struct gmem *gmem, struct error *err);

/*
 * Drive an interrupt line (KVM_IRQ_LINE, 4.25); @irq as the architecture
 * encodes it.  Any thread; cannot fail for a line that exists.
 */
void vm_irq_line(const struct vm *vm, uint32_t irq, bool level);

/*
 * A guest's write of @data, 4 bytes wide, to @addr signals @fd and does not
 * exit to us (KVM_IOEVENTFD, 4.59).  -ENOSYS if the host cannot.
 */
int vm_bind_ioeventfd(const struct vm *vm, uint64_t addr, uint32_t data,
		      int fd);

/* The same for @len bytes, and its end with @on false; 0 or -errno. */
int vm_ioeventfd(const struct vm *vm, uint64_t addr, uint32_t len,
		 uint32_t data, int fd, bool on);

/*
 * A signal on @fd is one edge on @gsi (KVM_IRQFD, 4.75).  -ENOSYS if the host
 * cannot.
 */
int vm_bind_irqfd(const struct vm *vm, uint32_t gsi, int fd);

/* Close both descriptors; a struct vm that is all zero but fd = kvm_fd = -1,
 * or that vm_open() failed on, is fine. */
void vm_close(struct vm *vm);

#endif
