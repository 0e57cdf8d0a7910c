// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arch-arm/arch.h"
#include "core/host-cap.h"

/* Aff3 (64-bit only), Aff2, Aff1, Aff0: ARM DDI 0487, MPIDR_EL1. */
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

#define PSCI_0_1       1
#define PSCI_0_2       2

/* On a VM of its own: a vCPU is initialised as one kind of core, and stays. */
static int try_target(const struct vm *vm, struct kvm_vcpu_init *init)
{
	int vm_fd, fd, ret;

	vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0UL);
	if (vm_fd < 0)
		return -errno;
	fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0UL);
	ret = fd < 0 || ioctl(fd, KVM_ARM_VCPU_INIT, init) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	close(vm_fd);
	return ret;
}

/* Before Linux 3.13 KVM does not say which core it has: EINVAL for others. */
static int search_target(const struct vm *vm, struct kvm_vcpu_init *init)
{
	uint32_t target;
	int ret = -EINVAL;

	for (target = 0; ret && target < arch_host_nr_targets(); target++) {
		init->target = target;
		ret = try_target(vm, init);
	}
	return ret;
}

static int preferred_target(const struct vm *vm, struct kvm_vcpu_init *init)
{
	memset(init, 0, sizeof(*init));
	if (!(vm->disabled & HOST_CAP_PREFERRED_TARGET) &&
	    !ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, init))
		return 0;
	return search_target(vm, init);
}

int arch_vcpu_init(const struct vcpu *vcpu, enum guest_width width, bool pmu,
		   struct error *err)
{
	struct kvm_vcpu_init init;
	uint32_t pmu_feature = 0;
	int ret;

	if (pmu) {
		ret = arch_host_pmu_feature(vcpu->vm, &pmu_feature, err);
		if (ret)
			return ret;
	}
	ret = preferred_target(vcpu->vm, &init);
	if (ret)
		return error_set(err, TL_HOST, -ret,
				 "KVM does not know this host's core "
				 "(KVM_ARM_VCPU_INIT: %s)",
				 strerror(-ret));

	memset(init.features, 0, sizeof(init.features));
	init.features[0] |= arch_host_width_feature(width) | pmu_feature;
	if (vm_check(vcpu->vm, KVM_CAP_ARM_PSCI_0_2))
		init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (vcpu->id)
		init.features[0] |= 1U << KVM_ARM_VCPU_POWER_OFF;

	if (ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init) < 0)
		return error_set(err, TL_HOST, errno,
				 "KVM cannot make vCPU %u a %d-bit core: %s",
				 vcpu->id, width, strerror(errno));
	return 0;
}

int arch_vcpu_mpidr(const struct vcpu *vcpu, uint64_t *mpidr, struct error *err)
{
	uint64_t id = arch_host_mpidr_id();
	int ret;

	*mpidr = 0;
	/* Little-endian: a register of 4 bytes fills the low half. */
	ret = vcpu_get_reg(vcpu, id, mpidr);
	if (ret)
		return error_set(err, TL_HOST, -ret,
				 "cannot read MPIDR of vCPU %u: %s", vcpu->id,
				 strerror(-ret));
	*mpidr &= MPIDR_AFFINITY;
	return 0;
}

bool arch_has_system_off(const struct vm *vm)
{
	return vm_check(vm, KVM_CAP_ARM_PSCI_0_2);
}

uint32_t arch_vcpu_psci_version(const struct vcpu *vcpu)
{
	uint64_t version;

	/* The register exists from Linux 4.16 on. */
	if (!vcpu_get_reg(vcpu, KVM_REG_ARM_PSCI_VERSION, &version))
		return (uint32_t)version;
	return vm_check(vcpu->vm, KVM_CAP_ARM_PSCI_0_2) ? PSCI_0_2 : PSCI_0_1;
}

const char *arch_cpu_compatible(const struct vm *vm, enum guest_width width)
{
	struct kvm_vcpu_init init;

	preferred_target(vm, &init);
	return arch_host_cpu_compatible(init.target, width);
}

static int set_reg(const struct vcpu *vcpu, uint64_t id, uint64_t val,
		   struct error *err)
{
	int ret;

	/* Little-endian: the low half is what a register of 4 bytes takes. */
	ret = vcpu_set_reg(vcpu, id, &val);
	if (ret)
		return error_set(err, TL_HOST, -ret,
				 "cannot set register 0x%" PRIx64
				 " of vCPU %u: %s",
				 id, vcpu->id, strerror(-ret));
	return 0;
}

int arch_vcpu_set_entry(const struct vcpu *vcpu, enum guest_width width,
			uint64_t entry, uint64_t dtb, struct error *err)
{
	/* Documentation/arm/booting.rst and arm64/booting.rst (Linux). */
	const uint64_t arg32[] = { 0, UINT32_MAX, dtb };
	const uint64_t arg64[] = { dtb, 0, 0, 0 };
	const uint64_t *arg = width == GUEST_32BIT ? arg32 : arg64;
	const unsigned int nr = width == GUEST_32BIT ? 3 : 4;
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = set_reg(vcpu, arch_host_reg_id(i), arg[i], err);
		if (ret)
			return ret;
	}
	return set_reg(vcpu, arch_host_pc_id(), entry, err);
}

uint64_t arch_vcpu_pc(const struct vcpu *vcpu)
{
	uint64_t pc = 0;

	return vcpu_get_reg(vcpu, arch_host_pc_id(), &pc) ? UINT64_MAX : pc;
}

int arch_counter_get(const struct vcpu *vcpu, uint64_t *count)
{
	return vcpu_get_reg(vcpu, arch_host_counter_id(), count);
}

int arch_counter_set(const struct vcpu *vcpu, uint64_t count)
{
	return vcpu_set_reg(vcpu, arch_host_counter_id(), &count);
}
