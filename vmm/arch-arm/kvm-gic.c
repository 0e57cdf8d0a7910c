// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel interrupt controller: Documentation/virt/kvm/devices/
 * arm-vgic.rst (GICv2) and arm-vgic-v3.rst (GICv3).
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arch-arm/arch.h"
#include "arch-arm/virt.h"

/* SGIs and PPIs precede the SPIs in the interrupt IDs (INTIDs). */
#define GIC_SPI_BASE 32

/* A GICv2 distributor has 8 CPU interfaces (IHI 0048B, 2.1). */
#define GICV2_MAX_CPUS 8

/* Two 64 KiB frames a redistributor (IHI 0069, 12.10). */
#define GICR_SIZE      0x20000UL

#define GICV3_MAX_CPUS (VIRT_GICR_SIZE / GICR_SIZE)

uint32_t arch_spi_line(unsigned int spi)
{
	return KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
	       (GIC_SPI_BASE + spi);
}

uint32_t arch_spi_gsi(unsigned int spi)
{
	/* KVM's default routing: GSI n is SPI n. */
	return spi;
}

static int create_device(const struct vm *vm, uint32_t type, uint32_t flags)
{
	struct kvm_create_device dev = { .type = type, .flags = flags };

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &dev) < 0)
		return -errno;
	return (int)dev.fd;
}

/* Hosts before Linux 3.19 have no VGIC device, only KVM_CREATE_IRQCHIP. */
static bool is_legacy(const struct vm *vm)
{
	return !vm_check(vm, KVM_CAP_DEVICE_CTRL);
}

bool arch_gic_exists(const struct vm *vm, unsigned int version)
{
	uint32_t type = version == 2 ? KVM_DEV_TYPE_ARM_VGIC_V2
				     : KVM_DEV_TYPE_ARM_VGIC_V3;

	if (is_legacy(vm))
		return version == 2;
	return create_device(vm, type, KVM_CREATE_DEVICE_TEST) >= 0;
}

static int set_attr(int fd, uint32_t group, uint64_t attr, const void *val)
{
	struct kvm_device_attr arg = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)val,
	};

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &arg) < 0 ? -errno : 0;
}

static int set_legacy_addr(const struct vm *vm, uint64_t type, uint64_t addr)
{
	struct kvm_arm_device_addr arg = {
		.id = KVM_ARM_DEVICE_VGIC_V2 << KVM_ARM_DEVICE_ID_SHIFT | type,
		.addr = addr,
	};

	return ioctl(vm->fd, KVM_ARM_SET_DEVICE_ADDR, &arg) < 0 ? -errno : 0;
}

static int create_legacy(const struct vm *vm, const struct memmap *map)
{
	int ret;

	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0UL) < 0)
		return -errno;
	ret = set_legacy_addr(vm, KVM_VGIC_V2_ADDR_TYPE_DIST, map->gicd_base);
	if (ret)
		return ret;
	return set_legacy_addr(vm, KVM_VGIC_V2_ADDR_TYPE_CPU, map->gicc_base);
}

static int create(const struct vm *vm, const struct memmap *map,
		  unsigned int nr_spis, struct arch_gic *gic)
{
	const bool v2 = gic->version == 2;
	const uint64_t dist = map->gicd_base;
	const uint64_t other = v2 ? map->gicc_base : map->gicr_base;
	const uint32_t nr_irqs = GIC_SPI_BASE + nr_spis;
	int ret;

	if (is_legacy(vm))
		return create_legacy(vm, map);

	gic->fd = create_device(
		vm, v2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3,
		0);
	if (gic->fd < 0) {
		ret = gic->fd;
		gic->fd = -1;
		return ret;
	}
	ret = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
		       v2 ? KVM_VGIC_V2_ADDR_TYPE_DIST
			  : KVM_VGIC_V3_ADDR_TYPE_DIST,
		       &dist);
	if (ret)
		return ret;
	ret = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
		       v2 ? KVM_VGIC_V2_ADDR_TYPE_CPU
			  : KVM_VGIC_V3_ADDR_TYPE_REDIST,
		       &other);
	if (ret)
		return ret;
	ret = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr_irqs);
	/* Before Linux 3.15 the number is fixed, at 256 and more. */
	return ret == -ENXIO ? 0 : ret;
}

static int check_version(const struct vm *vm, unsigned int version,
			 struct arch_gic *gic, struct error *err)
{
	bool v2 = arch_gic_exists(vm, 2);
	bool v3 = arch_gic_exists(vm, 3);

	if (!v2 && !v3)
		return error_set(err, TL_HOST, ENODEV,
				 "this host's KVM has no in-kernel GIC; "
				 "trapline needs GICv2 or GICv3");
	if ((version == 2 && !v2) || (version == 3 && !v3))
		return error_set(err, TL_HOST, ENODEV,
				 "this host has no GICv%u for guests, only "
				 "GICv%d: use --irqchip gicv%d or leave "
				 "--irqchip out",
				 version, v2 ? 2 : 3, v2 ? 2 : 3);
	gic->version = version ? version : v2 ? 2 : 3;
	return 0;
}

static int check_cpus(const struct vm *vm, unsigned int nr_cpus,
		      const struct arch_gic *gic, struct error *err)
{
	unsigned int max = gic->version == 2 ? GICV2_MAX_CPUS : GICV3_MAX_CPUS;

	if (nr_cpus > vm->max_vcpus)
		return error_set(err, TL_HOST, E2BIG,
				 "%u vCPUs are more than this host's KVM "
				 "allows: -c %u at most",
				 nr_cpus, vm->max_vcpus);
	if (nr_cpus > max)
		return error_set(err, TL_HOST, E2BIG,
				 "%u vCPUs are more than a GICv%u serves on "
				 "this machine: -c %u at most",
				 nr_cpus, gic->version, max);
	return 0;
}

int arch_gic_create(const struct vm *vm, const struct memmap *map,
		    unsigned int version, unsigned int nr_cpus,
		    unsigned int nr_spis, struct arch_gic *gic,
		    struct error *err)
{
	int ret;

	*gic = (struct arch_gic){ .fd = -1 };
	if (!version && !map->gicr_size)
		version = 2;
	ret = check_version(vm, version, gic, err);
	if (ret)
		return ret;
	/* With a choice, the one that can serve all vCPUs. */
	if (!version && nr_cpus > GICV2_MAX_CPUS && arch_gic_exists(vm, 3))
		gic->version = 3;
	ret = check_cpus(vm, nr_cpus, gic, err);
	if (ret)
		return ret;
	ret = create(vm, map, nr_spis, gic);
	if (ret) {
		arch_gic_close(gic);
		return error_set(err, TL_HOST, -ret,
				 "KVM cannot set up the GICv%u: %s",
				 gic->version, strerror(-ret));
	}
	return 0;
}

int arch_gic_init(const struct arch_gic *gic, struct error *err)
{
	int ret;

	/* KVM_CREATE_IRQCHIP's is initialised when the first vCPU runs. */
	if (gic->fd < 0)
		return 0;
	ret = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
		       KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	/* Likewise a GICv2 before Linux 4.0. */
	if (ret && !(ret == -ENXIO && gic->version == 2))
		return error_set(err, TL_HOST, -ret,
				 "KVM cannot initialise the GICv%u: %s",
				 gic->version, strerror(-ret));
	return 0;
}

void arch_gic_close(struct arch_gic *gic)
{
	if (gic->fd >= 0)
		close(gic->fd);
	gic->fd = -1;
}
