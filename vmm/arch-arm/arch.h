/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between ARM hosts, in front of KVM: everything the machine needs
 * to know of the architecture.  kvm-host64.c and kvm-host32.c are the two kinds
 * of host, of which one is built; kvm-gic.c and kvm-vcpu.c are for both.
 *
 * Order: arch_vm_type(), vm_create(), arch_gic_create(), every vCPU with
 * vcpu_create() and arch_vcpu_init(), arch_gic_init(), arch_vcpu_set_entry()
 * on vCPU 0, vcpu_start().
 */
#ifndef TL_ARCH_ARM_ARCH_H
#define TL_ARCH_ARM_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "arch-arm/image.h"
#include "arch-arm/memmap.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "lib/error.h"

/* Shared peripheral interrupts: a GIC has so many, or a multiple of it, */
#define ARCH_SPI_BLOCK 32
/* and every machine has room in these. */
#define ARCH_MAX_SPIS 96

struct arch_gic {
	unsigned int version; /* 2 or 3 */
	int fd; /* the KVM device; -1 on hosts before Linux 3.19 */
};

/* --- the VM ----------------------------------------------------------------*/

/* The width of a guest that does not say its own. */
enum guest_width arch_native_width(void);

/* Whether this host can run @width at all.  TL_HOST. */
int arch_check_width(const struct vm *vm, enum guest_width width,
		     struct error *err);

/*
 * The machine type for vm_create(): the number of IPA bits where the host's
 * limit is not KVM's usual 40.  TL_MEMORY if RAM up to @ram_end (GPA behind the
 * last byte) is out of the host's reach.
 */
int arch_vm_type(const struct vm *vm, uint64_t ram_end, unsigned long *type,
		 struct error *err);

/* --- the interrupt controller ----------------------------------------------*/

/*
 * The in-kernel GIC at @map's addresses.  @version 2, 3, or 0 for the
 * first of 2 and 3 that the host has; @nr_spis a multiple of ARCH_SPI_BLOCK.
 * TL_HOST if it has not, naming what it has, or if @nr_cpus is more than that
 * GIC or KVM can take.
 */
int arch_gic_create(const struct vm *vm, const struct memmap *map,
		    unsigned int version, unsigned int nr_cpus,
		    unsigned int nr_spis, struct arch_gic *gic,
		    struct error *err);

/* Whether @vm could have a GIC of @version, 2 or 3. */
bool arch_gic_exists(const struct vm *vm, unsigned int version);

/* After the last vCPU was created, before the first runs. */
int arch_gic_init(const struct arch_gic *gic, struct error *err);

void arch_gic_close(struct arch_gic *gic);

/* SPI @spi as KVM_IRQ_LINE and as KVM_IRQFD number it. */
uint32_t arch_spi_line(unsigned int spi);
uint32_t arch_spi_gsi(unsigned int spi);

/* --- vCPUs -----------------------------------------------------------------*/

/*
 * KVM_ARM_VCPU_INIT for the core the host prefers, with a PMU if @pmu.  vCPU 0
 * is powered on, the others wait for PSCI CPU_ON.  TL_HOST.
 */
int arch_vcpu_init(const struct vcpu *vcpu, enum guest_width width, bool pmu,
		   struct error *err);

/* Connect the PMU of each vCPU that has one; after arch_gic_init().  TL_HOST. */
int arch_vcpu_init_pmu(const struct vcpu *vcpu, struct error *err);

/* Affinity fields of MPIDR, as the device tree's "reg" wants them. */
int arch_vcpu_mpidr(const struct vcpu *vcpu, uint64_t *mpidr,
		    struct error *err);

/* Whether a guest can power off and reset by PSCI (0.2 and later). */
bool arch_has_system_off(const struct vm *vm);

/* The PSCI version KVM gives this guest: (major << 16) | minor. */
uint32_t arch_vcpu_psci_version(const struct vcpu *vcpu);

/* The "compatible" of the CPU nodes. */
const char *arch_cpu_compatible(const struct vm *vm, enum guest_width width);

/*
 * Registers at the first instruction, as the Linux boot protocol has them:
 * 32-bit r0 = 0, r1 = ~0, r2 = @dtb; 64-bit x0 = @dtb, x1..x3 = 0.
 */
int arch_vcpu_set_entry(const struct vcpu *vcpu, enum guest_width width,
			uint64_t entry, uint64_t dtb, struct error *err);

/* The program counter; UINT64_MAX if KVM does not give it. */
uint64_t arch_vcpu_pc(const struct vcpu *vcpu);

/*
 * The guest's virtual counter (CNTVCT), which all its vCPUs share; any one of
 * them will do, and none may be running.  -errno as KVM_GET_ONE_REG and
 * KVM_SET_ONE_REG give it.
 */
int arch_counter_get(const struct vcpu *vcpu, uint64_t *count);
int arch_counter_set(const struct vcpu *vcpu, uint64_t count);

/* --- between kvm-vcpu.c and the file of the host kind ----------------------*/

/* KVM's id of general register @n and of the PC. */
uint64_t arch_host_reg_id(unsigned int n);
uint64_t arch_host_pc_id(void);

/* KVM's ids of MPIDR and of the virtual counter. */
uint64_t arch_host_mpidr_id(void);
uint64_t arch_host_counter_id(void);

/* KVM_ARM_VCPU_INIT's targets are 0 to this less 1. */
uint32_t arch_host_nr_targets(void);

/* The feature bit that makes a vCPU @width, 0 for none. */
uint32_t arch_host_width_feature(enum guest_width width);

/* The feature bit that gives a vCPU a PMU.  TL_HOST if KVM has none. */
int arch_host_pmu_feature(const struct vm *vm, uint32_t *feature,
			  struct error *err);

/*
 * Write back the cache line of @word, for a guest that reads it as Device
 * memory and so past the caches (ARM DDI 0487, B2.8 "Mismatched memory
 * attributes").  NULL where a program may not do that.
 */
extern void (*const arch_host_publish)(const void *word);

const char *arch_host_cpu_compatible(uint32_t target, enum guest_width width);

#endif
