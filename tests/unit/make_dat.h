/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace.dat made up: of any host's width and endianness, version 6 or 7, with
 * kvm_entry, kvm_exit, kvm_hvc and an event that no reader knows.
 */
#ifndef TL_TEST_MAKE_DAT_H
#define TL_TEST_MAKE_DAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAKE_CPUS_MAX  4
#define MAKE_PAGE_SIZE 4096u

enum make_id { MAKE_ENTRY = 10, MAKE_EXIT, MAKE_HVC, MAKE_OTHER };

struct make_dat {
	bool big, host32, packed; /* packed: version 7 with zlib */
	int version, cpus;
	unsigned int buffers; /* 1, or 2: CPU 1 and on are an instance's */
	/* pages of each CPU; the last one is open */
	uint8_t *page[MAKE_CPUS_MAX];
	size_t pages[MAKE_CPUS_MAX], fill[MAKE_CPUS_MAX];
	uint64_t ts[MAKE_CPUS_MAX];
	/* the file */
	uint8_t *data;
	size_t size, space;
};

void make_init(struct make_dat *m);
void make_free(struct make_dat *m);

/* Add an event at @ts, not before the last of its @cpu. */
void make_event(struct make_dat *m, int cpu, uint64_t ts, enum make_id id,
		int tid, uint64_t a, uint64_t b);

/* End @cpu's page: the next event's says that @lost came before; -1: some. */
void make_lost(struct make_dat *m, int cpu, int64_t lost);

/* Raw bytes as the data of a page of @cpu. */
void make_page(struct make_dat *m, int cpu, uint64_t ts, const uint8_t *data,
	       size_t size);

/* Put it all together in m->data. */
void make_finish(struct make_dat *m);

#endif
