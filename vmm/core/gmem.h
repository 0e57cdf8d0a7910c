/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: the only place where a guest physical address (GPA, what the
 * architecture calls IPA) becomes a host pointer.  Every translation is
 * bounds-checked and can say no; nothing else in the VMM does address
 * arithmetic on what a guest wrote.
 */
#ifndef TL_CORE_GMEM_H
#define TL_CORE_GMEM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define GMEM_MAX_REGIONS 4

struct gmem_region {
	uint64_t gpa;
	uint64_t size; /* bytes */
	uint8_t *hva;
	/* Bytes mapped on either side of it that nobody may access. */
	size_t below, above;
};

struct gmem {
	unsigned int nr;
	struct gmem_region region[GMEM_MAX_REGIONS];
};

/*
 * Map @size bytes (a multiple of 4 KiB, not 0) of anonymous memory and make it
 * the guest's RAM at @gpa.  The mapping is aligned so that 2 MiB blocks of host
 * and guest coincide, and transparent huge pages are asked for: one stage-2
 * fault then maps 2 MiB.  -ENOMEM if the host cannot, -EINVAL for a bad size or
 * an overlap, -ENOSPC beyond GMEM_MAX_REGIONS.
 */
int gmem_add_ram(struct gmem *gm, uint64_t gpa, uint64_t size,
		 struct error *err);

/* The same for memory that is mapped already, and now belongs to @gm. */
int gmem_add_mapping(struct gmem *gm, uint64_t gpa, uint64_t size, void *hva,
		     struct error *err);

/* Unmap everything that gmem_add_ram() mapped. */
void gmem_destroy(struct gmem *gm);

/*
 * Host pointer to the @len bytes at @gpa, or NULL unless the whole range lies
 * in one region (@len 0 is never valid; ranges that wrap are refused).
 */
void *gmem_ptr(const struct gmem *gm, uint64_t gpa, uint64_t len);

/* Copy out of and into guest memory; -EFAULT where gmem_ptr() says no. */
int gmem_read(const struct gmem *gm, uint64_t gpa, void *buf, size_t len);
int gmem_write(const struct gmem *gm, uint64_t gpa, const void *buf,
	       size_t len);

/*
 * Give the memory of the pages that lie wholly within the @len bytes at @hva,
 * which gmem_ptr() gave, back to the host: the guest reads zeros there until it
 * writes.  A host whose pages are larger than the guest's keeps what is no
 * whole page of its own.  Returns the bytes given back.
 */
size_t gmem_discard(void *hva, size_t len);

#endif
