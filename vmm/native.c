// SPDX-License-Identifier: GPL-2.0-only
/* The machine where there is no KVM for ARM: what needs no VM still works. */
#include <errno.h>
#include <stdlib.h>

#include "arch-arm/probe.h"
#include "board.h"
#include "machine.h"

#define GICV2_CPUS 8

/* PSCI 1.0 as KVM_REG_ARM_PSCI_VERSION has it. */
#define PSCI_1_0 0x10000

/* MPIDR as KVM gives it to vCPU @n: 16 to a cluster. */
static uint64_t mpidr_of(unsigned int n)
{
	return (n & 0xf) | (uint64_t)(n >> 4) << 8;
}

static int dump_dtb(const struct run_config *cfg, const struct board *board,
		    struct error *err)
{
	uint64_t mpidr[CONFIG_MAX_CPUS];
	unsigned int i, gic = cfg->gic;
	void *blob = NULL;
	size_t size;
	int ret;

	if (!gic)
		gic = cfg->cpus > GICV2_CPUS ? 3 : 2;
	for (i = 0; i < cfg->cpus; i++)
		mpidr[i] = mpidr_of(i);
	ret = board_make_fdt(board, cfg, gic, mpidr,
			     board->kernel.width == GUEST_32BIT
				     ? "arm,cortex-a15"
				     : "arm,cortex-a57",
			     PSCI_1_0, &blob, &size, err);
	if (ret == 0)
		ret = board_dump_fdt(cfg->dump_dtb, blob, size, err);
	free(blob);
	return ret;
}

void host_probe(struct host_probe *probe)
{
	*probe = (struct host_probe){ 0 };
	error_set(&probe->why, TL_HOST, ENODEV,
		  "this build has no KVM: it is not for an ARM machine");
}

enum tl_status machine_run(const struct run_config *cfg, struct error *err)
{
	struct board board;
	int ret;

	/* What is wrong with the files is worth knowing first. */
	ret = board_prepare(cfg, GUEST_64BIT, &board, err);
	if (ret < 0)
		return err->status;
	if (cfg->dump_dtb)
		ret = dump_dtb(cfg, &board, err);
	else
		ret = error_set(err, TL_HOST, ENODEV,
				"this build has no KVM: run it on an ARM "
				"machine, or in the nested host: "
				"scripts/nested-host -- trapline run ...");
	board_free(&board);
	return ret < 0 ? err->status : TL_OK;
}
