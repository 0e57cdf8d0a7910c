// SPDX-License-Identifier: GPL-2.0-only
/* What is known of a recorded VM, in the form of its side file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine-parts.h"
#include "vminfo.h"

/* The GIC's frames are in no board table: KVM makes them. */
#define GIC_FRAMES 2

static const char *type_of(enum board_dev_kind kind)
{
	switch (kind) {
	case BOARD_PL011:
		return "pl011";
	case BOARD_PL031:
		return "pl031";
	case BOARD_PL061:
		return "pl061";
	case BOARD_VIRTIO:
		return "virtio-mmio";
	case BOARD_POWER:
		return "power";
	case BOARD_SP804:
		return "sp804";
	case BOARD_VEXPRESS_SYSREG:
		return "vexpress-sysreg";
	}
	return "unknown";
}

static void add_gic(struct vminfo_device *dev, const struct memmap *map,
		    unsigned int version)
{
	const bool v2 = version == 2;

	dev[0] = (struct vminfo_device){
		.name = "gic-dist",
		.type = v2 ? "gicv2-dist" : "gicv3-dist",
		.base = map->gicd_base,
		.size = map->gicd_size,
		.spi = -1,
	};
	dev[1] = (struct vminfo_device){
		.name = v2 ? "gic-cpu" : "gic-redist",
		.type = v2 ? "gicv2-cpu" : "gicv3-redist",
		.base = v2 ? map->gicc_base : map->gicr_base,
		.size = v2 ? map->gicc_size : map->gicr_size,
		.spi = -1,
	};
}

/* "blk" of "virtio0-blk" */
static const char *virtio_of(const struct board_dev *row)
{
	const char *dash = strchr(row->name, '-');

	return row->kind == BOARD_VIRTIO && dash ? dash + 1 : NULL;
}

static void add_board(struct vminfo_device *dev,
		      const struct machine_result *result)
{
	unsigned int i;

	for (i = 0; i < result->nr_devs; i++) {
		const struct board_dev *row = &result->dev[i];

		dev[i] = (struct vminfo_device){
			.name = row->name,
			.type = type_of(row->kind),
			.virtio = virtio_of(row),
			.base = row->base,
			.size = row->size,
			.spi = row->spi ? (int)row->spi : -1,
		};
	}
}

/* One vCPU's part of @result; @tids and @stats have room. */
static void fill_vcpu(struct vminfo_vcpu *vcpu,
		      const struct machine_result *result, unsigned int id,
		      unsigned int cpus, pid_t *tids,
		      struct vminfo_counter *counters)
{
	const struct stats *stats = &result->stats[id];
	unsigned int i;

	for (i = 0; i < result->boots; i++)
		tids[i] = result->tid[i * cpus + id];
	for (i = 0; i < stats->nr; i++) {
		counters[i].name = stats->counter[i].name;
		counters[i].value = stats->counter[i].value;
	}
	*vcpu = (struct vminfo_vcpu){
		.id = id,
		.tids = tids,
		.nr_tids = result->boots,
		.stats = counters,
		.nr_stats = stats->nr,
	};
}

int machine_record_write(const struct session *session, const char *ended,
			 struct error *err)
{
	const struct machine_result *result = &session->result;
	const struct run_config *cfg = session->cfg;
	const struct memmap *map = cfg->machine ? cfg->machine : &virt_memmap;
	const unsigned int cpus = cfg->cpus;
	struct vminfo_device devices[BOARD_MAX_DEVS + GIC_FRAMES];
	const struct vminfo_memory memory = { .gpa = map->ram_base,
					      .size = cfg->mem_size };
	struct vminfo_vcpu *vcpus = calloc(cpus, sizeof(*vcpus));
	pid_t *tids = calloc((size_t)cpus * result->boots + 1, sizeof(*tids));
	struct vminfo_counter *counters =
		calloc((size_t)cpus * STATS_MAX, sizeof(*counters));
	struct vminfo info = {
		.name = cfg->name,
		.pid = getpid(),
		.guest_width = result->width,
		.gic_version = result->gic_version,
		.machine = map->name,
		.kernel = cfg->kernel,
		.memory = &memory,
		.nr_memory = 1,
		.devices = devices,
		.nr_devices = GIC_FRAMES + result->nr_devs,
		.vcpus = vcpus,
		.nr_vcpus = cpus,
		.ended = ended,
		.boots = result->boots,
	};
	unsigned int i;
	int ret;

	if (!vcpus || !tids || !counters) {
		ret = error_set(err, TL_TRACE, ENOMEM,
				"no memory to describe the VM");
		goto out;
	}
	add_gic(devices, map, result->gic_version);
	add_board(devices + GIC_FRAMES, result);
	for (i = 0; i < cpus; i++)
		fill_vcpu(&vcpus[i], result, i, cpus, tids + i * result->boots,
			  counters + (size_t)i * STATS_MAX);
	ret = vminfo_write(cfg->trace, &info, err);
out:
	free(counters);
	free(tids);
	free(vcpus);
	return ret;
}
