// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <unistd.h>

#include "arch-arm/arch.h"
#include "arch-arm/probe.h"
#include "kvm/stats.h"

/* Where a VM's type is not chosen, KVM for ARM gives it 40 bits. */
#define DEFAULT_IPA_BITS 40

/* A counter that only the patched kernel has. */
#define PATCH_COUNTER "trap_exits"

static int match_patch(void *opaque, const struct stats_desc *desc,
		       const uint64_t *value)
{
	bool *found = opaque;

	(void)value;
	*found = *found || !strcmp(desc->name, PATCH_COUNTER);
	return 0;
}

/* The statistics that a vCPU would have say whose kernel it is. */
static bool is_patched(const struct vm *vm, bool *stats)
{
	static const struct vcpu_env nothing;
	struct error ignored = { 0 };
	struct vcpu vcpu;
	bool found = false;
	int fd;

	if (vcpu_create(&vcpu, vm, 0, &nothing, &ignored))
		return false;
	fd = stats_open_vcpu(&vcpu);
	if (fd >= 0) {
		*stats = true;
		stats_walk(fd, match_patch, &found);
		close(fd);
	}
	vcpu_destroy(&vcpu);
	return found;
}

static void probe_vm(const struct vm *vm, struct host_probe *probe)
{
	struct error ignored = { 0 };
	const int bits = vm_check(vm, KVM_CAP_ARM_VM_IPA_SIZE);

	probe->ipa_bits = bits ? (unsigned int)bits : DEFAULT_IPA_BITS;
	probe->guest32 = !arch_check_width(vm, GUEST_32BIT, &ignored);
	probe->guest64 = !arch_check_width(vm, GUEST_64BIT, &ignored);
	probe->gicv2 = arch_gic_exists(vm, 2);
	probe->gicv3 = arch_gic_exists(vm, 3);
	probe->max_vcpus = vm->max_vcpus;
	probe->irqfd = vm->has_irqfd;
	probe->ioeventfd = vm->has_ioeventfd;
	probe->immediate_exit = vm->has_immediate_exit;
	probe->stats = vm->has_stats;
	probe->readonly_mem = vm_check(vm, KVM_CAP_READONLY_MEM);
	probe->coalesced_mmio = vm_check(vm, KVM_CAP_COALESCED_MMIO);
	probe->patched = is_patched(vm, &probe->stats);
}

void host_probe(struct host_probe *probe)
{
	unsigned long type;
	struct vm vm;

	*probe = (struct host_probe){ 0 };
	if (vm_open(&vm, &probe->why))
		return;
	probe->can_open = true;
	if (!arch_vm_type(&vm, 0, &type, &probe->why) &&
	    !vm_create(&vm, type, &probe->why)) {
		probe->can_create = true;
		probe_vm(&vm, probe);
	}
	vm_close(&vm);
}
