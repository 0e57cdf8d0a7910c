// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record-memory.h"
#include "record-side.h"
#include "vminfo.h"

/* A device tree is complete soon after the first vCPU is there. */
#define LOOKS 8

/* Where trapline-report looks for them. */
#define SYMBOLS_SUFFIX ".symbols"

/* The kernel's counters of which the report has its own. */
static const char *const counters[] = { "exits", "trap_exits" };

#define NR_COUNTERS (sizeof(counters) / sizeof(counters[0]))

/* --- the kernel's counters -------------------------------------------------*/

static void take(const struct record_side *side, pid_t pid,
		 struct sample *sample)
{
	const struct sample_request request = {
		.name = &side->name,
		.nr_names = side->name ? 1 : 0,
		.pid = side->name ? 0 : pid,
	};
	struct error ignored = { 0 };

	/* of two VMs in a process, or none, nothing is said */
	if (sample_take(&request, sample, &ignored) || sample->nr != 1)
		sample_free(sample);
}

void record_side_before(struct record_side *side, pid_t pid)
{
	if (!side->from_birth)
		take(side, pid, &side->before);
}

void record_side_begun(struct record_side *side, pid_t pid)
{
	if (!side->from_birth)
		take(side, pid, &side->begun);
}

void record_side_after(struct record_side *side, pid_t pid)
{
	take(side, pid, &side->after);
}

/* False where @sample has no VM or does not count that. */
static bool value_of(const struct sample *sample, int id, const char *name,
		     uint64_t *value)
{
	return sample->nr && sample_counter(&sample->vm[0], id, name, value);
}

/* Of vCPU @id, or of all; false if nothing can be said. */
static bool span_of(const struct record_side *side, int id, const char *name,
		    struct vminfo_span *span)
{
	uint64_t before = 0, begun = 0, ending, after;

	if (!value_of(&side->ending, id, name, &ending))
		return false;
	if (!side->from_birth && (!value_of(&side->before, id, name, &before) ||
				  !value_of(&side->begun, id, name, &begun)))
		return false;
	/* a VM that was made anew meanwhile counts from 0 */
	if (ending < begun)
		return false;
	*span = (struct vminfo_span){
		.name = name,
		.low = ending - begun,
		.high = UINT64_MAX,
	};
	if (value_of(&side->after, id, name, &after) && after >= ending)
		span->high = after - before;
	return true;
}

static unsigned int spans_of(const struct record_side *side, int id,
			     struct vminfo_span *span)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++)
		nr += span_of(side, id, counters[i], &span[nr]);
	return nr;
}

/* --- devices ---------------------------------------------------------------*/

static void find_devices(struct record_side *side, pid_t pid)
{
	struct fdt_map *map = malloc(sizeof(*map));

	side->looks++;
	if (!map || record_memory_find(pid, map) ||
	    (side->map && map->nr_devs < side->map->nr_devs)) {
		free(map);
		return;
	}
	free(side->map);
	side->map = map;
}

void record_side_look(struct record_side *side,
		      const struct record_target *target)
{
	struct sample sample;

	if (target->nr && side->looks < LOOKS)
		find_devices(side, target->pid);
	take(side, target->pid, &sample);
	if (!sample.nr)
		return;
	sample_free(&side->ending);
	side->ending = sample;
}

/* --- the file --------------------------------------------------------------*/

struct description {
	struct vminfo info;
	struct vminfo_memory memory[FDT_MAP_MEMORIES];
	struct vminfo_device dev[FDT_MAP_DEVS];
	struct vminfo_span all[NR_COUNTERS];
	struct vminfo_vcpu vcpu[RECORD_VCPUS_MAX];
	struct vminfo_span span[RECORD_VCPUS_MAX][NR_COUNTERS];
};

static void describe_devices(struct description *d, const struct fdt_map *map)
{
	unsigned int i;

	for (i = 0; i < map->nr_memory; i++)
		d->memory[i] = (struct vminfo_memory){
			.gpa = map->memory[i].base,
			.size = map->memory[i].size,
		};
	for (i = 0; i < map->nr_devs; i++)
		d->dev[i] = (struct vminfo_device){
			.name = map->dev[i].name,
			.type = map->dev[i].type,
			.base = map->dev[i].base,
			.size = map->dev[i].size,
			.spi = map->dev[i].spi,
		};
	d->info.memory = d->memory;
	d->info.nr_memory = map->nr_memory;
	d->info.devices = d->dev;
	d->info.nr_devices = map->nr_devs;
	d->info.gic_version = map->gic_version;
}

static void describe_vcpus(struct description *d,
			   const struct record_side *side,
			   const struct record_target *target)
{
	unsigned int i;

	for (i = 0; i < target->nr; i++) {
		const struct record_vcpu *vcpu = &target->vcpu[i];

		d->vcpu[i] = (struct vminfo_vcpu){
			.id = vcpu->id,
			.tids = vcpu->tid,
			.nr_tids = vcpu->nr,
			.counted = d->span[i],
			.nr_counted = spans_of(side, (int)vcpu->id, d->span[i]),
		};
	}
	d->info.vcpus = d->vcpu;
	d->info.nr_vcpus = target->nr;
	d->info.counted = d->all;
	d->info.nr_counted = spans_of(side, SAMPLE_SUM, d->all);
}

static int copy(int from, int to)
{
	char text[65536];
	ssize_t n, done, len;

	while ((len = read(from, text, sizeof(text))) > 0)
		for (done = 0; done < len; done += n) {
			n = write(to, text + done, (size_t)(len - done));
			if (n < 0)
				return -errno;
		}
	return len < 0 ? -errno : 0;
}

/* To @trace.symbols; so that the recording can be taken elsewhere whole. */
static int copy_symbols(const char *trace, const char *symbols,
			struct error *err)
{
	char path[PATH_MAX];
	int from, to, ret;

	snprintf(path, sizeof(path), "%s" SYMBOLS_SUFFIX, trace);
	from = open(symbols, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return error_set(err, TL_TRACE, errno, "cannot read %s: %s",
				 symbols, strerror(errno));
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	ret = to < 0 ? -errno : copy(from, to);
	if (to >= 0 && close(to) && !ret)
		ret = -errno;
	close(from);
	if (ret)
		error_set(err, TL_TRACE, -ret, "cannot copy %s to %s: %s",
			  symbols, path, strerror(-ret));
	return ret;
}

int record_side_write(const struct record_side *side,
		      const struct record_target *target, const char *trace,
		      const char *symbols, struct error *err)
{
	struct description *d = calloc(1, sizeof(*d));
	int ret;

	if (!d)
		return error_set(err, TL_TRACE, ENOMEM,
				 "no memory to describe the VM");
	d->info = (struct vminfo){
		.vmm = target->vmm,
		.name = target->name,
		.pid = target->pid,
		.kernel = "",
		.ended = "",
		.boots = 1,
		.only = true,
		.patched = side->patched,
	};
	if (side->map)
		describe_devices(d, side->map);
	describe_vcpus(d, side, target);
	ret = symbols ? copy_symbols(trace, symbols, err) : 0;
	if (!ret)
		ret = vminfo_write(trace, &d->info, err);
	free(d);
	return ret;
}

void record_side_free(struct record_side *side)
{
	sample_free(&side->before);
	sample_free(&side->begun);
	sample_free(&side->ending);
	sample_free(&side->after);
	free(side->map);
}
