// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bindings are those in Linux, Documentation/devicetree/bindings/; the values
 * are fdt.c's, where the same thing is in both trees.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch-arm/fdt-vexpress.h"
#include "arch-arm/vexpress.h"

/* interrupt-controller/arm,gic.yaml */
#define GIC_SPI   0
#define GIC_PPI   1
#define IRQ_EDGE  0x1 /* rising */
#define IRQ_LEVEL 0x4 /* high */

#define CELLS_MAX 16

/*
 * What the board has and this machine has not.  A driver that finds nothing
 * there says so and gives up, mostly; one less message is better.  The LEDs'
 * triggers would cost an exit at each turn of the idle loop.
 */
static const char *const missing[] = {
	"arm,cortex-a15-pmu", "arm,hdlcd",
	"arm,pl041",          "arm,pl050",
	"arm,pl111",          "arm,pl180",
	"arm,pl330",          "arm,pl341",
	"arm,pl354",          "arm,sp805",
	"arm,versatile-i2c",  "arm,vexpress-cf",
	"arm,vexpress-flash", "arm,vexpress-psram",
	"gpio-leds",          "nxp,usb-isp1761",
	"smsc,lan9118",       "virtio,mmio", /* ours are added */
};

static const char *const gic_names[] = {
	"arm,gic-400",
	"arm,cortex-a15-gic",
	"arm,cortex-a9-gic",
};

/* The first libfdt error sticks; what follows is skipped. */
struct patch {
	void *fdt;
	int ret;
};

#define P(p, call)                         \
	do {                               \
		if ((p)->ret == 0)         \
			(p)->ret = (call); \
	} while (0)

static void set_cells(struct patch *p, int node, const char *name,
		      const uint32_t *cells, unsigned int nr)
{
	fdt32_t be[CELLS_MAX];
	unsigned int i;

	for (i = 0; i < nr && i < CELLS_MAX; i++)
		be[i] = cpu_to_fdt32(cells[i]);
	P(p, fdt_setprop(p->fdt, node, name, be, (int)(nr * sizeof(be[0]))));
}

#define set_array(p, node, name, array) \
	set_cells(p, node, name, array, sizeof(array) / sizeof((array)[0]))

static void set_string(struct patch *p, int node, const char *name,
		       const char *val)
{
	P(p, fdt_setprop(p->fdt, node, name, val, (int)strlen(val) + 1));
}

static void set_u32(struct patch *p, int node, const char *name, uint32_t val)
{
	P(p, fdt_setprop_u32(p->fdt, node, name, val));
}

/* The child @name of @parent, made if there is none; 0 after an error. */
static int subnode(struct patch *p, int parent, const char *name)
{
	int node;

	if (p->ret)
		return 0;
	node = fdt_subnode_offset(p->fdt, parent, name);
	if (node == -FDT_ERR_NOTFOUND)
		node = fdt_add_subnode(p->fdt, parent, name);
	if (node < 0)
		p->ret = node;
	return node < 0 ? 0 : node;
}

/* devicetree specification 0.3, 2.3.6: the root has two cells for each. */
static void set_reg(struct patch *p, int node, uint64_t base, uint64_t size)
{
	const uint32_t cells[] = { (uint32_t)(base >> 32), (uint32_t)base,
				   (uint32_t)(size >> 32), (uint32_t)size };

	set_array(p, node, "reg", cells);
}

/* --- node by node ----------------------------------------------------------*/

static void patch_memory(struct patch *p, const struct fdt_request *req)
{
	static const char type[] = "memory";
	char name[40];
	int node;

	for (;;) {
		node = fdt_node_offset_by_prop_value(p->fdt, -1, "device_type",
						     type, sizeof(type));
		if (node < 0)
			break;
		P(p, fdt_del_node(p->fdt, node));
		if (p->ret)
			return;
	}
	snprintf(name, sizeof(name), "memory@%llx",
		 (unsigned long long)req->ram_base);
	node = subnode(p, 0, name);
	set_string(p, node, "device_type", type);
	set_reg(p, node, req->ram_base, req->ram_size);
}

static void patch_chosen(struct patch *p, const struct fdt_request *req)
{
	int node = subnode(p, 0, "chosen");

	set_string(p, node, "bootargs", req->bootargs ? req->bootargs : "");
	if (fdt_get_alias(p->fdt, "serial0"))
		set_string(p, node, "stdout-path", "serial0");
	if (req->initrd_gpa && req->initrd_size) {
		P(p, fdt_setprop_u64(p->fdt, node, "linux,initrd-start",
				     req->initrd_gpa));
		P(p, fdt_setprop_u64(p->fdt, node, "linux,initrd-end",
				     req->initrd_gpa + req->initrd_size));
	}
	P(p, fdt_setprop(p->fdt, node, "rng-seed", req->rng_seed,
			 sizeof(req->rng_seed)));
	if (req->kaslr_seed)
		P(p,
		  fdt_setprop_u64(p->fdt, node, "kaslr-seed", req->kaslr_seed));
}

/* arm/cpus.yaml: one cell, MPIDR bits 23:0. */
static void patch_cpus(struct patch *p, const struct fdt_request *req)
{
	const uint32_t aff012 = 0xffffff;
	char name[24];
	unsigned int i;
	int cpus, node;

	node = fdt_path_offset(p->fdt, "/cpus");
	if (node >= 0)
		P(p, fdt_del_node(p->fdt, node));
	cpus = subnode(p, 0, "cpus");
	set_u32(p, cpus, "#address-cells", 1);
	set_u32(p, cpus, "#size-cells", 0);
	/* A new node comes first in its parent: the last one is added first. */
	for (i = req->nr_cpus; i-- > 0;) {
		const uint32_t id = (uint32_t)req->mpidr[i] & aff012;

		snprintf(name, sizeof(name), "cpu@%x", id);
		node = subnode(p, cpus, name);
		set_string(p, node, "device_type", "cpu");
		set_string(p, node, "compatible", req->cpu_compatible);
		set_string(p, node, "enable-method", "psci");
		set_u32(p, node, "reg", id);
	}
}

/*
 * arm/psci.yaml.  By the name of version 0.1 alone, Linux calls the functions
 * that are given here and no other, whatever version KVM has.
 */
static void patch_psci(struct patch *p, const struct fdt_request *req)
{
	const uint32_t v01 = 0x95c1ba5e, v02 = 0x84000000;
	const bool old = req->psci_version < 2;
	const int node = subnode(p, 0, "psci");

	set_string(p, node, "compatible", "arm,psci");
	set_string(p, node, "method", "hvc");
	set_u32(p, node, "cpu_suspend", old ? v01 : v02 + 1);
	set_u32(p, node, "cpu_off", old ? v01 + 1 : v02 + 2);
	set_u32(p, node, "cpu_on", old ? v01 + 2 : v02 + 3);
	set_u32(p, node, "migrate", old ? v01 + 3 : v02 + 5);
}

/* timer/arm,arch_timer.yaml; the PPIs are those of every ARM board. */
static void patch_timer(struct patch *p, const struct fdt_request *req)
{
	const uint32_t flags = IRQ_LEVEL | ((1u << req->nr_cpus) - 1) << 8;
	const uint32_t irqs[] = {
		GIC_PPI, 13, flags, GIC_PPI, 14, flags,
		GIC_PPI, 11, flags, GIC_PPI, 10, flags,
	};
	int node;

	node = fdt_node_offset_by_compatible(p->fdt, -1, "arm,armv7-timer");
	if (node < 0)
		node = subnode(p, 0, "timer");
	set_string(p, node, "compatible", "arm,armv7-timer");
	set_array(p, node, "interrupts", irqs);
	P(p, fdt_setprop(p->fdt, node, "always-on", NULL, 0));
}

static int find_gic(const void *fdt)
{
	size_t i;
	int node;

	for (i = 0; i < sizeof(gic_names) / sizeof(gic_names[0]); i++) {
		node = fdt_node_offset_by_compatible(fdt, -1, gic_names[i]);
		if (node >= 0)
			return node;
	}
	return -FDT_ERR_NOTFOUND;
}

/*
 * The guest has no virtualization extensions, and so neither their interface of
 * the GIC nor its interrupt.  Returns the phandle.
 */
static uint32_t patch_gic(struct patch *p)
{
	const uint32_t reg[] = { 0, VEXPRESS_GICD_BASE, 0, VEXPRESS_GICD_SIZE,
				 0, VEXPRESS_GICC_BASE, 0, VEXPRESS_GICC_SIZE };
	int node = find_gic(p->fdt);
	uint32_t phandle;

	if (node < 0) {
		P(p, node);
		return 0;
	}
	set_array(p, node, "reg", reg);
	if (fdt_getprop(p->fdt, node, "interrupts", NULL))
		P(p, fdt_delprop(p->fdt, node, "interrupts"));
	phandle = fdt_get_phandle(p->fdt, node);
	if (!phandle && !p->ret) {
		P(p, fdt_generate_phandle(p->fdt, &phandle));
		set_u32(p, node, "phandle", phandle);
	}
	return phandle;
}

static void disable_missing(struct patch *p)
{
	size_t i;
	int node;

	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		node = fdt_node_offset_by_compatible(p->fdt, -1, missing[i]);
		while (node >= 0 && !p->ret) {
			set_string(p, node, "status", "disabled");
			node = fdt_node_offset_by_compatible(p->fdt, node,
							     missing[i]);
		}
	}
}

/* virtio/mmio.yaml, at the root, so that no bus translates the address. */
static void add_virtio(struct patch *p, const struct board_dev *dev,
		       uint32_t gic)
{
	const uint32_t irq[] = { GIC_SPI, dev->spi, IRQ_EDGE };
	char name[40];
	int node;

	snprintf(name, sizeof(name), "virtio_mmio@%llx",
		 (unsigned long long)dev->base);
	node = subnode(p, 0, name);
	set_string(p, node, "compatible", "virtio,mmio");
	set_reg(p, node, dev->base, dev->size);
	set_u32(p, node, "interrupt-parent", gic);
	set_array(p, node, "interrupts", irq);
	P(p, fdt_setprop(p->fdt, node, "dma-coherent", NULL, 0));
}

/* --- the tree --------------------------------------------------------------*/

static int bad_tree(const char *path, const char *why, struct error *err)
{
	return error_set(err, TL_IMAGE, ENOEXEC,
			 "device tree %s: %s; give that of the CoreTile, "
			 "vexpress-v2p-ca15-tc1.dtb",
			 path, why);
}

int fdt_vexpress_check(const char *path, const void *dtb, size_t size,
		       struct error *err)
{
	if (size < sizeof(struct fdt_header) || fdt_check_full(dtb, size))
		return bad_tree(path, "it is none, or damaged", err);
	if (fdt_node_check_compatible(dtb, 0, "arm,vexpress"))
		return bad_tree(path, "it is not for a Versatile Express", err);
	if (fdt_address_cells(dtb, 0) != 2 || fdt_size_cells(dtb, 0) != 2)
		return bad_tree(path, "its addresses do not have 64 bits", err);
	if (find_gic(dtb) < 0)
		return bad_tree(path, "it has no GIC", err);
	return 0;
}

int fdt_vexpress(const struct fdt_request *req, const void *dtb, void **blob,
		 size_t *size, struct error *err)
{
	size_t room = fdt_totalsize(dtb) + FDT_VEXPRESS_ROOM +
		      (size_t)req->nr_cpus * FDT_VEXPRESS_PER_CPU;
	struct patch p = { malloc(room), 0 };
	uint32_t gic;
	unsigned int i;

	if (!p.fdt)
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory for the device tree");
	P(&p, fdt_open_into(dtb, p.fdt, (int)room));
	if (!p.ret) {
		disable_missing(&p);
		patch_memory(&p, req);
		patch_chosen(&p, req);
		patch_cpus(&p, req);
		patch_psci(&p, req);
		patch_timer(&p, req);
		gic = patch_gic(&p);
		/* The last first, as with the CPUs: Linux probes in order. */
		for (i = req->nr_devs; i-- > 0;)
			if (req->devs[i].kind == BOARD_VIRTIO)
				add_virtio(&p, &req->devs[i], gic);
		P(&p, fdt_pack(p.fdt));
	}
	if (p.ret) {
		free(p.fdt);
		return error_set(err, TL_IMAGE, ENOEXEC,
				 "cannot patch the board's device tree: %s",
				 fdt_strerror(p.ret));
	}
	*blob = p.fdt;
	*size = fdt_totalsize(p.fdt);
	return 0;
}
