/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory in huge pages that the host has set aside (hugetlbfs): there or
 * not there when the guest starts, never split, never swapped.  Transparent
 * ones, which gmem_add_ram() asks for, need no such care.
 */
#ifndef TL_CORE_GMEM_HUGE_H
#define TL_CORE_GMEM_HUGE_H

#include <stdint.h>

#include "core/gmem.h"

struct gmem_huge {
	uint64_t page;   /* bytes; 0: the host's usual huge page */
	const char *dir; /* a mounted hugetlbfs, which says the size; or NULL */
};

/*
 * gmem_add_ram() in such pages.  TL_MEMORY: -EINVAL where @size is no multiple of
 * the page or the host has no such page, -ENOMEM where too few are free.
 */
int gmem_add_huge_ram(struct gmem *gm, uint64_t gpa, uint64_t size,
		      const struct gmem_huge *huge, struct error *err);

#endif
