// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>

#include "smccc.h"

/* Sorted by @id. */
static const struct function {
	uint32_t id;
	const char *name;
} function[] = {
	{ 0x80000000, "SMCCC_VERSION" },
	{ 0x80000001, "SMCCC_ARCH_FEATURES" },
	{ 0x80000002, "SMCCC_ARCH_SOC_ID" },
	{ 0x80003fff, "SMCCC_ARCH_WORKAROUND_3" },
	{ 0x80007fff, "SMCCC_ARCH_WORKAROUND_2" },
	{ 0x80008000, "SMCCC_ARCH_WORKAROUND_1" },
	{ 0x84000000, "PSCI_VERSION" },
	{ 0x84000001, "PSCI_CPU_SUSPEND" },
	{ 0x84000002, "PSCI_CPU_OFF" },
	{ 0x84000003, "PSCI_CPU_ON" },
	{ 0x84000004, "PSCI_AFFINITY_INFO" },
	{ 0x84000005, "PSCI_MIGRATE" },
	{ 0x84000006, "PSCI_MIGRATE_INFO_TYPE" },
	{ 0x84000007, "PSCI_MIGRATE_INFO_UP_CPU" },
	{ 0x84000008, "PSCI_SYSTEM_OFF" },
	{ 0x84000009, "PSCI_SYSTEM_RESET" },
	{ 0x8400000a, "PSCI_FEATURES" },
	{ 0x8400000b, "PSCI_CPU_FREEZE" },
	{ 0x8400000c, "PSCI_CPU_DEFAULT_SUSPEND" },
	{ 0x8400000d, "PSCI_NODE_HW_STATE" },
	{ 0x8400000e, "PSCI_SYSTEM_SUSPEND" },
	{ 0x8400000f, "PSCI_SET_SUSPEND_MODE" },
	{ 0x84000010, "PSCI_STAT_RESIDENCY" },
	{ 0x84000011, "PSCI_STAT_COUNT" },
	{ 0x84000012, "PSCI_SYSTEM_RESET2" },
	{ 0x84000013, "PSCI_MEM_PROTECT" },
	{ 0x84000014, "PSCI_MEM_PROTECT_CHECK_RANGE" },
	{ 0x84000050, "TRNG_VERSION" },
	{ 0x84000051, "TRNG_FEATURES" },
	{ 0x84000052, "TRNG_GET_UUID" },
	{ 0x84000053, "TRNG_RND" },
	{ 0x86000000, "KVM_FEATURES" },
	{ 0x86000001, "KVM_PTP" },
	{ 0x8600ff01, "VENDOR_HYP_CALL_UID" },
	/* PSCI 0.1 as KVM numbers it */
	{ 0x95c1ba5e, "PSCI_0_1_CPU_SUSPEND" },
	{ 0x95c1ba5f, "PSCI_0_1_CPU_OFF" },
	{ 0x95c1ba60, "PSCI_0_1_CPU_ON" },
	{ 0x95c1ba61, "PSCI_0_1_MIGRATE" },
	{ 0xc4000001, "PSCI_CPU_SUSPEND (64-bit)" },
	{ 0xc4000003, "PSCI_CPU_ON (64-bit)" },
	{ 0xc4000004, "PSCI_AFFINITY_INFO (64-bit)" },
	{ 0xc4000005, "PSCI_MIGRATE (64-bit)" },
	{ 0xc4000007, "PSCI_MIGRATE_INFO_UP_CPU (64-bit)" },
	{ 0xc400000c, "PSCI_CPU_DEFAULT_SUSPEND (64-bit)" },
	{ 0xc400000d, "PSCI_NODE_HW_STATE (64-bit)" },
	{ 0xc400000e, "PSCI_SYSTEM_SUSPEND (64-bit)" },
	{ 0xc4000010, "PSCI_STAT_RESIDENCY (64-bit)" },
	{ 0xc4000011, "PSCI_STAT_COUNT (64-bit)" },
	{ 0xc4000012, "PSCI_SYSTEM_RESET2 (64-bit)" },
	{ 0xc4000013, "PSCI_MEM_PROTECT (64-bit)" },
	{ 0xc4000014, "PSCI_MEM_PROTECT_CHECK_RANGE (64-bit)" },
	{ 0xc4000053, "TRNG_RND (64-bit)" },
	{ 0xc5000020, "PV_TIME_FEATURES" },
	{ 0xc5000021, "PV_TIME_ST" },
};

static int compare(const void *key, const void *member)
{
	uint32_t id = *(const uint32_t *)key;
	const struct function *f = member;

	return id < f->id ? -1 : id > f->id;
}

/* DEN 0028, table 2-1: bits 29:24 of a fast call are the owning service. */
static const char *owner(uint32_t id)
{
	static const char *const service[] = {
		"Arm architecture",
		"CPU",
		"SiP",
		"OEM",
		"standard",
		"standard hypervisor",
		"vendor hypervisor",
	};
	unsigned int number = id >> 24 & 0x3f;

	if (!(id >> 31))
		return "yielding";
	if (number < sizeof(service) / sizeof(service[0]))
		return service[number];
	if (number >= 48 && number <= 49)
		return "trusted application";
	if (number >= 50)
		return "trusted OS";
	return "reserved service's";
}

void smccc_name(uint32_t id, char *buf, size_t size)
{
	const struct function *f =
		bsearch(&id, function, sizeof(function) / sizeof(function[0]),
			sizeof(function[0]), compare);

	if (f)
		snprintf(buf, size, "%s", f->name);
	else
		snprintf(buf, size, "unnamed %s call", owner(id));
}
