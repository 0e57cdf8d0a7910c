// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes and properties follow the bindings in Linux,
 * Documentation/devicetree/bindings/ (named at each function), and their names
 * and order QEMU's virt board, which guests are written for.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch-arm/fdt.h"
#include "arch-arm/virt.h"

/* interrupt-controller/arm,gic.yaml, arm,gic-v3.yaml: the three cells. */
#define GIC_SPI        0
#define GIC_PPI        1
#define IRQ_EDGE       0x1 /* rising */
#define IRQ_LEVEL      0x4 /* high */
#define GICV2_CPUS     8
#define GICR_PER_CPU   0x20000ULL

#define PHANDLE_GIC    1
#define PHANDLE_CLK    2
#define PHANDLE_GPIO   3
#define PHANDLE_POWER  4

#define KEY_POWER      116 /* <linux/input-event-codes.h> */

#define UART_CLOCK_HZ  24000000

#define FDT_SIZE_START 0x4000
#define FDT_SIZE_MAX   0x200000 /* Linux's limit */

/* The first libfdt error sticks; what follows is skipped. */
struct writer {
	void *buf;
	int ret;
};

#define W(w, call)                         \
	do {                               \
		if ((w)->ret == 0)         \
			(w)->ret = (call); \
	} while (0)

static void begin(struct writer *w, const char *name)
{
	W(w, fdt_begin_node(w->buf, name));
}

static void begin_at(struct writer *w, const char *name, uint64_t addr)
{
	char full[64];

	snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)addr);
	begin(w, full);
}

static void end(struct writer *w)
{
	W(w, fdt_end_node(w->buf));
}

static void prop_u32(struct writer *w, const char *name, uint32_t val)
{
	W(w, fdt_property_u32(w->buf, name, val));
}

static void prop_u64(struct writer *w, const char *name, uint64_t val)
{
	W(w, fdt_property_u64(w->buf, name, val));
}

static void prop_string(struct writer *w, const char *name, const char *val)
{
	W(w, fdt_property(w->buf, name, val, (int)strlen(val) + 1));
}

static void prop_empty(struct writer *w, const char *name)
{
	W(w, fdt_property(w->buf, name, NULL, 0));
}

static void prop_bytes(struct writer *w, const char *name, const void *val,
		       size_t len)
{
	W(w, fdt_property(w->buf, name, val, (int)len));
}

/* A string list: a literal with NULs between the strings. */
#define prop_list(w, name, literal) \
	prop_bytes(w, name, literal, sizeof(literal))

#define CELLS_MAX 16

static void prop_cells(struct writer *w, const char *name,
		       const uint32_t *cells, unsigned int nr)
{
	fdt32_t be[CELLS_MAX];
	unsigned int i;

	for (i = 0; i < nr && i < CELLS_MAX; i++)
		be[i] = cpu_to_fdt32(cells[i]);
	prop_bytes(w, name, be, nr * sizeof(be[0]));
}

#define prop_array(w, name, array) \
	prop_cells(w, name, array, sizeof(array) / sizeof((array)[0]))

static void prop_reg(struct writer *w, uint64_t base, uint64_t size)
{
	const uint32_t cells[] = { (uint32_t)(base >> 32), (uint32_t)base,
				   (uint32_t)(size >> 32), (uint32_t)size };

	prop_array(w, "reg", cells);
}

static void prop_spi(struct writer *w, unsigned int spi, uint32_t trigger)
{
	const uint32_t cells[] = { GIC_SPI, spi, trigger };

	prop_array(w, "interrupts", cells);
}

/* chosen.yaml (dt-schema); the console is the first PL011. */
static void add_chosen(struct writer *w, const struct fdt_request *req)
{
	char path[40];
	unsigned int i;

	begin(w, "chosen");
	prop_string(w, "bootargs", req->bootargs ? req->bootargs : "");
	for (i = 0; i < req->nr_devs; i++) {
		if (req->devs[i].kind != BOARD_PL011)
			continue;
		snprintf(path, sizeof(path), "/pl011@%llx",
			 (unsigned long long)req->devs[i].base);
		prop_string(w, "stdout-path", path);
		break;
	}
	if (req->initrd_gpa && req->initrd_size) {
		prop_u64(w, "linux,initrd-start", req->initrd_gpa);
		prop_u64(w, "linux,initrd-end",
			 req->initrd_gpa + req->initrd_size);
	}
	prop_bytes(w, "rng-seed", req->rng_seed, sizeof(req->rng_seed));
	if (req->kaslr_seed)
		prop_u64(w, "kaslr-seed", req->kaslr_seed);
	end(w);
}

static void add_aliases(struct writer *w, const struct fdt_request *req)
{
	char alias[24], path[40];
	unsigned int i, nr = 0;

	begin(w, "aliases");
	for (i = 0; i < req->nr_devs; i++) {
		if (req->devs[i].kind != BOARD_PL011)
			continue;
		snprintf(alias, sizeof(alias), "serial%u", nr++);
		snprintf(path, sizeof(path), "/pl011@%llx",
			 (unsigned long long)req->devs[i].base);
		prop_string(w, alias, path);
	}
	end(w);
}

static void add_memory(struct writer *w, const struct fdt_request *req)
{
	begin_at(w, "memory", req->ram_base);
	prop_string(w, "device_type", "memory");
	prop_reg(w, req->ram_base, req->ram_size);
	end(w);
}

/*
 * arm/cpus.yaml: reg holds MPIDR bits 23:0, and on 64-bit systems with two
 * cells bits 39:32 in the first of them.
 */
static void add_cpus(struct writer *w, const struct fdt_request *req)
{
	const uint64_t aff012 = 0xffffff, aff3 = 0xff00000000;
	uint32_t cells = 1;
	unsigned int i;

	for (i = 0; i < req->nr_cpus; i++)
		if (req->width == GUEST_64BIT && req->mpidr[i] & aff3)
			cells = 2;

	begin(w, "cpus");
	prop_u32(w, "#address-cells", cells);
	prop_u32(w, "#size-cells", 0);
	for (i = 0; i < req->nr_cpus; i++) {
		uint64_t id = req->mpidr[i] & aff012;

		if (cells == 2)
			id |= req->mpidr[i] & aff3;
		begin_at(w, "cpu", id);
		prop_string(w, "device_type", "cpu");
		prop_string(w, "compatible", req->cpu_compatible);
		prop_string(w, "enable-method", "psci");
		if (cells == 2)
			prop_u64(w, "reg", id);
		else
			prop_u32(w, "reg", (uint32_t)id);
		end(w);
	}
	end(w);
}

/*
 * arm/psci.yaml.  Function IDs: PSCI 0.1 had none of its own, KVM's are in
 * <asm/kvm.h>; those of 0.2 (ARM DEN 0022, section 5.1) are given for guests
 * that only know "arm,psci", as the binding allows.
 */
static void add_psci(struct writer *w, const struct fdt_request *req)
{
	const uint32_t v01 = 0x95c1ba5e, smc32 = 0x84000000,
		       call = req->width == GUEST_64BIT ? 0xc4000000 : smc32;

	begin(w, "psci");
	if (req->psci_version >= 1 << 16)
		prop_list(w, "compatible",
			  "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
	else if (req->psci_version >= 2)
		prop_list(w, "compatible", "arm,psci-0.2\0arm,psci");
	else
		prop_string(w, "compatible", "arm,psci");
	prop_string(w, "method", "hvc");
	if (req->psci_version >= 2) {
		prop_u32(w, "cpu_suspend", call + 1);
		prop_u32(w, "cpu_off", smc32 + 2);
		prop_u32(w, "cpu_on", call + 3);
		prop_u32(w, "migrate", call + 5);
	} else {
		prop_u32(w, "cpu_suspend", v01);
		prop_u32(w, "cpu_off", v01 + 1);
		prop_u32(w, "cpu_on", v01 + 2);
		prop_u32(w, "migrate", v01 + 3);
	}
	end(w);
}

/*
 * timer/arm,arch_timer.yaml: secure physical, physical, virtual, hypervisor.
 * A GICv2 interrupt has the CPUs that the PPI goes to in bits 15:8.
 */
static void add_timer(struct writer *w, const struct fdt_request *req)
{
	uint32_t flags = IRQ_LEVEL;

	if (req->gic_version == 2)
		flags |= ((1u << req->nr_cpus) - 1) << 8;
	const uint32_t irqs[] = {
		GIC_PPI, VIRT_PPI_TIMER_SEC,  flags,
		GIC_PPI, VIRT_PPI_TIMER_PHYS, flags,
		GIC_PPI, VIRT_PPI_TIMER_VIRT, flags,
		GIC_PPI, VIRT_PPI_TIMER_HYP,  flags,
	};

	begin(w, "timer");
	if (req->width == GUEST_64BIT)
		prop_list(w, "compatible", "arm,armv8-timer\0arm,armv7-timer");
	else
		prop_string(w, "compatible", "arm,armv7-timer");
	prop_array(w, "interrupts", irqs);
	prop_empty(w, "always-on");
	end(w);
}

/* arm/pmu.yaml; KVM's PMU is an ARMv8 one, whatever the guest's width. */
static void add_pmu(struct writer *w, const struct fdt_request *req)
{
	uint32_t flags = IRQ_LEVEL;

	if (req->gic_version == 2)
		flags |= ((1u << req->nr_cpus) - 1) << 8;
	const uint32_t irq[] = { GIC_PPI, VIRT_PPI_PMU, flags };

	begin(w, "pmu");
	prop_string(w, "compatible", "arm,armv8-pmuv3");
	prop_array(w, "interrupts", irq);
	end(w);
}

static void add_gic(struct writer *w, const struct fdt_request *req)
{
	const uint32_t v2[] = { 0, VIRT_GICD_BASE, 0, VIRT_GICD_SIZE,
				0, VIRT_GICC_BASE, 0, VIRT_GICC_SIZE };
	const uint32_t v3[] = { 0, VIRT_GICD_BASE, 0, VIRT_GICD_SIZE,
				0, VIRT_GICR_BASE, 0, VIRT_GICR_SIZE };

	begin_at(w, "intc", VIRT_GICD_BASE);
	if (req->gic_version == 2) {
		prop_string(w, "compatible", "arm,cortex-a15-gic");
		prop_array(w, "reg", v2);
	} else {
		prop_string(w, "compatible", "arm,gic-v3");
		prop_array(w, "reg", v3);
		prop_u32(w, "#redistributor-regions", 1);
	}
	prop_u32(w, "#interrupt-cells", 3);
	prop_u32(w, "#address-cells", 0);
	prop_empty(w, "interrupt-controller");
	prop_u32(w, "phandle", PHANDLE_GIC);
	end(w);
}

static void add_clock(struct writer *w)
{
	begin(w, "apb-pclk");
	prop_string(w, "compatible", "fixed-clock");
	prop_u32(w, "#clock-cells", 0);
	prop_u32(w, "clock-frequency", UART_CLOCK_HZ);
	prop_string(w, "clock-output-names", "clk24mhz");
	prop_u32(w, "phandle", PHANDLE_CLK);
	end(w);
}

/* serial/pl011.yaml, rtc/arm,pl031.yaml, gpio/pl061-gpio.yaml, virtio/mmio.yaml */
static void add_device(struct writer *w, const struct board_dev *dev)
{
	const uint32_t clocks[] = { PHANDLE_CLK, PHANDLE_CLK };

	switch (dev->kind) {
	case BOARD_PL011:
		begin_at(w, "pl011", dev->base);
		prop_list(w, "compatible", "arm,pl011\0arm,primecell");
		prop_reg(w, dev->base, dev->size);
		prop_spi(w, dev->spi, IRQ_LEVEL);
		prop_array(w, "clocks", clocks);
		prop_list(w, "clock-names", "uartclk\0apb_pclk");
		break;
	case BOARD_PL031:
		begin_at(w, "pl031", dev->base);
		prop_list(w, "compatible", "arm,pl031\0arm,primecell");
		prop_reg(w, dev->base, dev->size);
		prop_spi(w, dev->spi, IRQ_LEVEL);
		prop_u32(w, "clocks", PHANDLE_CLK);
		prop_string(w, "clock-names", "apb_pclk");
		break;
	case BOARD_PL061:
		begin_at(w, "pl061", dev->base);
		prop_list(w, "compatible", "arm,pl061\0arm,primecell");
		prop_reg(w, dev->base, dev->size);
		prop_spi(w, dev->spi, IRQ_LEVEL);
		prop_u32(w, "#gpio-cells", 2);
		prop_empty(w, "gpio-controller");
		prop_u32(w, "phandle", PHANDLE_GPIO);
		prop_u32(w, "clocks", PHANDLE_CLK);
		prop_string(w, "clock-names", "apb_pclk");
		break;
	case BOARD_VIRTIO:
		begin_at(w, "virtio_mmio", dev->base);
		prop_string(w, "compatible", "virtio,mmio");
		prop_reg(w, dev->base, dev->size);
		prop_spi(w, dev->spi, IRQ_EDGE);
		prop_empty(w, "dma-coherent");
		break;
	case BOARD_POWER:
		begin_at(w, "power", dev->base);
		prop_string(w, "compatible", "syscon");
		prop_reg(w, dev->base, dev->size);
		prop_u32(w, "phandle", PHANDLE_POWER);
		break;
	case BOARD_SP804:
	case BOARD_VEXPRESS_SYSREG:
		return;
	}
	end(w);
}

/* power/reset/syscon-poweroff.yaml and syscon-reboot.yaml */
static void add_power_use(struct writer *w, const char *name,
			  const char *compatible, uint32_t value)
{
	begin(w, name);
	prop_string(w, "compatible", compatible);
	prop_u32(w, "regmap", PHANDLE_POWER);
	prop_u32(w, "offset", 0);
	prop_u32(w, "value", value);
	end(w);
}

static void add_power_uses(struct writer *w)
{
	add_power_use(w, "poweroff", "syscon-poweroff", FDT_POWER_OFF);
	add_power_use(w, "reboot", "syscon-reboot", FDT_POWER_RESET);
}

/* input/gpio-keys.yaml; it comes behind the PL061 that it points to. */
static void add_power_key(struct writer *w)
{
	const uint32_t gpio[] = { PHANDLE_GPIO, VIRT_GPIO_POWER, 0 };

	begin(w, "gpio-keys");
	prop_string(w, "compatible", "gpio-keys");
	begin(w, "poweroff");
	prop_string(w, "label", "GPIO Key Poweroff");
	prop_u32(w, "linux,code", KEY_POWER);
	prop_array(w, "gpios", gpio);
	end(w);
	end(w);
}

static int write_tree(const struct fdt_request *req, void *buf, int size)
{
	struct writer w = { buf, 0 };
	unsigned int i;

	/* To look for each name among all others costs more than the rest. */
	W(&w, fdt_create_with_flags(buf, size, FDT_CREATE_FLAG_NO_NAME_DEDUP));
	W(&w, fdt_finish_reservemap(buf));
	begin(&w, "");
	prop_u32(&w, "interrupt-parent", PHANDLE_GIC);
	prop_string(&w, "model", "linux,dummy-virt");
	prop_string(&w, "compatible", "linux,dummy-virt");
	prop_u32(&w, "#address-cells", 2);
	prop_u32(&w, "#size-cells", 2);
	add_chosen(&w, req);
	add_aliases(&w, req);
	add_memory(&w, req);
	add_cpus(&w, req);
	add_psci(&w, req);
	add_timer(&w, req);
	if (req->pmu)
		add_pmu(&w, req);
	add_gic(&w, req);
	add_clock(&w);
	for (i = 0; i < req->nr_devs; i++)
		add_device(&w, &req->devs[i]);
	for (i = 0; i < req->nr_devs; i++)
		if (req->devs[i].kind == BOARD_PL061)
			add_power_key(&w);
	for (i = 0; i < req->nr_devs; i++)
		if (req->devs[i].kind == BOARD_POWER)
			add_power_uses(&w);
	end(&w);
	W(&w, fdt_finish(buf));
	return w.ret;
}

static int check_request(const struct fdt_request *req, struct error *err)
{
	if (req->gic_version != 2 && req->gic_version != 3)
		return error_set(err, TL_FAIL, EINVAL,
				 "no device tree for GIC version %u",
				 req->gic_version);
	if (req->nr_cpus == 0)
		return error_set(err, TL_FAIL, EINVAL,
				 "a device tree needs at least one CPU");
	if (req->gic_version == 2 && req->nr_cpus > GICV2_CPUS)
		return error_set(err, TL_USAGE, EINVAL,
				 "GICv2 serves at most %u CPUs, not %u: use "
				 "-c %u or --irqchip gicv3",
				 GICV2_CPUS, req->nr_cpus, GICV2_CPUS);
	if (req->gic_version == 3 &&
	    req->nr_cpus > VIRT_GICR_SIZE / GICR_PER_CPU)
		return error_set(err, TL_USAGE, EINVAL,
				 "machine virt has room for %llu CPUs, not %u",
				 VIRT_GICR_SIZE / GICR_PER_CPU, req->nr_cpus);
	return 0;
}

int fdt_build(const struct fdt_request *req, void **blob, size_t *size,
	      struct error *err)
{
	int len, ret;
	void *buf;

	ret = check_request(req, err);
	if (ret < 0)
		return ret;

	for (len = FDT_SIZE_START;; len *= 2) {
		buf = malloc((size_t)len);
		if (!buf)
			return error_set(err, TL_FAIL, ENOMEM,
					 "no memory for the device tree");
		ret = write_tree(req, buf, len);
		if (ret == 0)
			break;
		free(buf);
		if (ret != -FDT_ERR_NOSPACE || len >= FDT_SIZE_MAX)
			return error_set(err, TL_FAIL, EINVAL,
					 "cannot make the device tree: %s",
					 fdt_strerror(ret));
	}
	*blob = buf;
	*size = fdt_totalsize(buf);
	return 0;
}
