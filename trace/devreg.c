// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "devreg-row.h"
#include "devreg.h"

static const struct reg pl011[] = {
	ONE(0x00, "DR"),
	ONE(0x04, "RSR/ECR"),
	ONE(0x18, "FR"),
	ONE(0x20, "ILPR"),
	ONE(0x24, "IBRD"),
	ONE(0x28, "FBRD"),
	ONE(0x2c, "LCRH"),
	ONE(0x30, "CR"),
	ONE(0x34, "IFLS"),
	ONE(0x38, "IMSC"),
	ONE(0x3c, "RIS"),
	ONE(0x40, "MIS"),
	ONE(0x44, "ICR"),
	ONE(0x48, "DMACR"),
	ROW(0xfe0, 4, 4, "PeriphID"),
	ROW(0xff0, 4, 4, "PCellID"),
	{ 0, 0, 0, NULL, 0 },
};

static const struct reg pl031[] = {
	ONE(0x00, "DR"),
	ONE(0x04, "MR"),
	ONE(0x08, "LR"),
	ONE(0x0c, "CR"),
	ONE(0x10, "IMSC"),
	ONE(0x14, "RIS"),
	ONE(0x18, "MIS"),
	ONE(0x1c, "ICR"),
	ROW(0xfe0, 4, 4, "PeriphID"),
	ROW(0xff0, 4, 4, "PCellID"),
	{ 0, 0, 0, NULL, 0 },
};

static const struct reg pl061[] = {
	WIDE(0x000, 0x400, "DATA"),
	ONE(0x400, "DIR"),
	ONE(0x404, "IS"),
	ONE(0x408, "IBE"),
	ONE(0x40c, "IEV"),
	ONE(0x410, "IE"),
	ONE(0x414, "RIS"),
	ONE(0x418, "MIS"),
	ONE(0x41c, "IC"),
	ONE(0x420, "AFSEL"),
	ROW(0xfe0, 4, 4, "PeriphID"),
	ROW(0xff0, 4, 4, "PCellID"),
	{ 0, 0, 0, NULL, 0 },
};

static const struct reg virtio_mmio[] = {
	ONE(0x000, "MagicValue"),      ONE(0x004, "Version"),
	ONE(0x008, "DeviceID"),        ONE(0x00c, "VendorID"),
	ONE(0x010, "DeviceFeatures"),  ONE(0x014, "DeviceFeaturesSel"),
	ONE(0x020, "DriverFeatures"),  ONE(0x024, "DriverFeaturesSel"),
	ONE(0x028, "GuestPageSize"), /* legacy, 4.2.4 */
	ONE(0x030, "QueueSel"),        ONE(0x034, "QueueNumMax"),
	ONE(0x038, "QueueNum"),        ONE(0x03c, "QueueAlign"), /* legacy */
	ONE(0x040, "QueuePFN"),                                  /* legacy */
	ONE(0x044, "QueueReady"),      ONE(0x050, "QueueNotify"),
	ONE(0x060, "InterruptStatus"), ONE(0x064, "InterruptACK"),
	ONE(0x070, "Status"),          ONE(0x080, "QueueDescLow"),
	ONE(0x084, "QueueDescHigh"),   ONE(0x090, "QueueDriverLow"),
	ONE(0x094, "QueueDriverHigh"), ONE(0x0a0, "QueueDeviceLow"),
	ONE(0x0a4, "QueueDeviceHigh"), ONE(0x0ac, "SHMSel"),
	ONE(0x0b0, "SHMLenLow"),       ONE(0x0b4, "SHMLenHigh"),
	ONE(0x0b8, "SHMBaseLow"),      ONE(0x0bc, "SHMBaseHigh"),
	ONE(0x0c0, "QueueReset"),      ONE(0x0fc, "ConfigGeneration"),
	WIDE(0x100, 0x100, "Config"),  { 0, 0, 0, NULL, 0 },
};

static const struct reg gicd[] = {
	ONE(0x000, "CTLR"),
	ONE(0x004, "TYPER"),
	ONE(0x008, "IIDR"),
	ONE(0x00c, "TYPER2"),
	ONE(0x010, "STATUSR"),
	ONE(0x040, "SETSPI_NSR"),
	ONE(0x048, "CLRSPI_NSR"),
	ROW(0x080, 4, 32, "IGROUPR"),
	ROW(0x100, 4, 32, "ISENABLER"),
	ROW(0x180, 4, 32, "ICENABLER"),
	ROW(0x200, 4, 32, "ISPENDR"),
	ROW(0x280, 4, 32, "ICPENDR"),
	ROW(0x300, 4, 32, "ISACTIVER"),
	ROW(0x380, 4, 32, "ICACTIVER"),
	ROW(0x400, 4, 255, "IPRIORITYR"),
	ROW(0x800, 4, 255, "ITARGETSR"),
	ROW(0xc00, 4, 64, "ICFGR"),
	ROW(0xd00, 4, 32, "IGRPMODR"),
	ROW(0xe00, 4, 64, "NSACR"),
	ONE(0xf00, "SGIR"),
	ROW(0xf10, 4, 4, "CPENDSGIR"),
	ROW(0xf20, 4, 4, "SPENDSGIR"),
	ONE(0xfe8, "PIDR2"),
	{ 0x6100, 8, 988, "IROUTER", 32 },
	{ 0xffd0, 4, 4, "PIDR", 4 },
	ROW(0xffe0, 4, 4, "PIDR"),
	ROW(0xfff0, 4, 4, "CIDR"),
	{ 0, 0, 0, NULL, 0 },
};

static const struct reg gicc[] = {
	ONE(0x00, "CTLR"),        ONE(0x04, "PMR"),    ONE(0x08, "BPR"),
	ONE(0x0c, "IAR"),         ONE(0x10, "EOIR"),   ONE(0x14, "RPR"),
	ONE(0x18, "HPPIR"),       ONE(0x1c, "ABPR"),   ONE(0x20, "AIAR"),
	ONE(0x24, "AEOIR"),       ONE(0x28, "AHPPIR"), ROW(0xd0, 4, 4, "APR"),
	ROW(0xe0, 4, 4, "NSAPR"), ONE(0xfc, "IIDR"),   ONE(0x1000, "DIR"),
	{ 0, 0, 0, NULL, 0 },
};

/* The two 64 KiB frames of one redistributor: RD_base, then SGI_base. */
static const struct reg gicr[] = {
	ONE(0x00000, "CTLR"),
	ONE(0x00004, "IIDR"),
	WIDE(0x00008, 8, "TYPER"),
	ONE(0x00010, "STATUSR"),
	ONE(0x00014, "WAKER"),
	WIDE(0x00040, 8, "SETLPIR"),
	WIDE(0x00048, 8, "CLRLPIR"),
	WIDE(0x00070, 8, "PROPBASER"),
	WIDE(0x00078, 8, "PENDBASER"),
	WIDE(0x000a0, 8, "INVLPIR"),
	WIDE(0x000b0, 8, "INVALLR"),
	WIDE(0x000c0, 8, "SYNCR"),
	{ 0x0ffd0, 4, 4, "PIDR", 4 },
	ROW(0x0ffe0, 4, 4, "PIDR"),
	ROW(0x0fff0, 4, 4, "CIDR"),
	ONE(0x10080, "IGROUPR0"),
	ONE(0x10100, "ISENABLER0"),
	ONE(0x10180, "ICENABLER0"),
	ONE(0x10200, "ISPENDR0"),
	ONE(0x10280, "ICPENDR0"),
	ONE(0x10300, "ISACTIVER0"),
	ONE(0x10380, "ICACTIVER0"),
	ROW(0x10400, 4, 8, "IPRIORITYR"),
	ROW(0x10c00, 4, 2, "ICFGR"),
	ONE(0x10d00, "IGRPMODR0"),
	ONE(0x10e00, "NSACR"),
	{ 0, 0, 0, NULL, 0 },
};

static const struct {
	const char *name; /* in the side file */
	const struct reg *reg;
	const char *prefix;
} device[] = {
	[DEVREG_UNKNOWN] = { "", NULL, "" },
	[DEVREG_PL011] = { "pl011", pl011, "" },
	[DEVREG_PL031] = { "pl031", pl031, "" },
	[DEVREG_PL061] = { "pl061", pl061, "" },
	[DEVREG_VIRTIO_MMIO] = { "virtio-mmio", virtio_mmio, "" },
	[DEVREG_GICD] = { "gicv2-dist", gicd, "GICD_" },
	[DEVREG_GICC] = { "gicv2-cpu", gicc, "GICC_" },
	[DEVREG_GICR] = { "gicv3-redist", gicr, "GICR_" },
	[DEVREG_SP804] = { "sp804", devreg_sp804, "" },
	[DEVREG_VEXPRESS_SYSREG] = { "vexpress-sysreg", devreg_vexpress_sysreg,
				     "" },
};

enum devreg_type devreg_type(const char *name)
{
	if (!strcmp(name, "gicv3-dist"))
		return DEVREG_GICD;
	for (size_t i = 1; i < sizeof(device) / sizeof(device[0]); i++) {
		if (!strcmp(name, device[i].name))
			return (enum devreg_type)i;
	}
	return DEVREG_UNKNOWN;
}

void devreg_name(enum devreg_type type, uint64_t offset, char *buf, size_t size)
{
	const struct reg *reg = device[type].reg;
	const char *prefix = device[type].prefix;

	if (type == DEVREG_GICR)
		offset &= 0x1ffff;
	for (; reg && reg->name; reg++) {
		uint64_t length = reg->count ? reg->stride * reg->count
					     : reg->stride;

		if (offset < reg->offset || offset - reg->offset >= length)
			continue;
		if (reg->count)
			snprintf(buf, size, "%s%s%u", prefix, reg->name,
				 (unsigned int)(offset - reg->offset) /
						 reg->stride +
					 reg->first);
		else if (reg->stride > 8)
			snprintf(buf, size, "%s%s+0x%x", prefix, reg->name,
				 (unsigned int)(offset - reg->offset));
		else
			snprintf(buf, size, "%s%s", prefix, reg->name);
		return;
	}
	snprintf(buf, size, "+0x%llx", (unsigned long long)offset);
}
