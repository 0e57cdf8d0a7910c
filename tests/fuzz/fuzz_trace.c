// SPDX-License-Identifier: GPL-2.0-only
/*
 * From events to sums, with events and a side file that no kernel and no VMM
 * has written.  The file format itself is that of fuzz_trace_reader.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct vmmap *map, const uint8_t *data, size_t size)
{
	struct analysis a = { .path = (char *)"trace.dat",
			      .side_path = (char *)"trace.dat.vm.json" };
	const struct pair_thread *thread;
	struct report report;
	struct pair *pair;
	uint64_t counted = 0;
	struct event ev;
	size_t count;
	FILE *out;

	a.map = *map;
	profile_init(&a.profile, &a.map);
	pair = pair_new(profile_exit, &a.profile);
	for (; pair && size >= sizeof(ev);
	     data += sizeof(ev), size -= sizeof(ev)) {
		memset(&ev, 0, sizeof(ev));
		ev.type = data[0] % EV_TYPES;
		ev.tid = data[1] % 4;
		ev.ts = data[2];
		ev.pc = data[3] % 4;
		if (ev.type == EV_EXIT) {
			ev.exit.kind = data[4] % EXIT_KINDS;
			ev.exit.ec = data[5];
		} else if (ev.type == EV_EXCHVC) {
			ev.exchvc.vcpu = data[4];
			ev.exchvc.cond_valid = data[5] & 1;
			ev.exchvc.nr = data[6];
			memcpy(&ev.exchvc.esr, data + 8, 8);
		} else if (ev.type == EV_MMIO) {
			memcpy(&ev.mmio.gpa, data + 8, 8);
			ev.mmio.write = data[4] & 1;
		} else if (ev.type == EV_SYS_ACCESS) {
			memcpy(&ev.sys, data + 4, 5);
			ev.sys.write = data[9] & 1;
		} else if (ev.type != EV_WFX) {
			memcpy(&ev.vexit, data + 4, sizeof(ev.vexit));
		}
		pair_event(pair, &ev);
	}
	if (pair) {
		pair_finish(pair);
		thread = pair_threads(pair, &count);
		profile_sort(&a.profile);
		if (count &&
		    !totals_make(&a.totals, thread, count, &a.map, &a.info)) {
			for (size_t i = 0; i < a.profile.row_space; i++)
				counted += a.profile.row[i].sum.count;
			if (counted != a.totals.all.exits)
				abort();
			out = fopen("/dev/null", "w");
			if (out) {
				report_init(&report, &a);
				report.top = 3;
				render_text(out, &report);
				report.query.nr_by = 1 + count % 4;
				for (size_t d = 0; d < report.query.nr_by; d++)
					report.query.by[d] = (enum dim)(
						(count * 7 + d * 5) % DIMS);
				render_text(out, &report);
				render_json(out, &report);
				render_csv(out, &report);
				render_folded(out, &report);
				fclose(out);
			}
		}
	}
	pair_free(pair);
	totals_free(&a.totals);
	profile_free(&a.profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\0', size);
	struct error err = { 0 };
	struct vmmap map;
	size_t text;

	/* JSON up to the first NUL, events behind it */
	text = end ? (size_t)(end - data) : 0;
	if (vmmap_parse(&map, "fuzz.vm.json", (const char *)data, text, &err) &&
	    vmmap_default(&map, &err))
		return 0;
	if (size > text)
		run(&map, data + text + (end != NULL),
		    size - text - (end != NULL));
	vmmap_free(&map);
	return 0;
}
