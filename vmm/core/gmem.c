// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "core/gmem.h"

#define GMEM_PAGE  UINT64_C(0x1000)
#define GMEM_BLOCK UINT64_C(0x200000) /* level-2 block, 4 KiB granule */

static int check_range(const struct gmem *gm, uint64_t gpa, uint64_t size,
		       struct error *err)
{
	unsigned int i;

	if (!size || gpa % GMEM_PAGE || size % GMEM_PAGE)
		return error_set(err, TL_MEMORY, EINVAL,
				 "guest RAM of 0x%" PRIx64
				 " bytes at 0x%" PRIx64
				 " is not made of whole 4 KiB pages",
				 size, gpa);
	if (size - 1 > UINT64_MAX - gpa)
		return error_set(err, TL_MEMORY, EINVAL,
				 "guest RAM of 0x%" PRIx64
				 " bytes at 0x%" PRIx64
				 " goes beyond the last guest address",
				 size, gpa);

	for (i = 0; i < gm->nr; i++) {
		const struct gmem_region *r = &gm->region[i];

		/* The last byte, as a region may end at the last address. */
		if (gpa <= r->gpa + (r->size - 1) && r->gpa <= gpa + (size - 1))
			return error_set(err, TL_MEMORY, EINVAL,
					 "guest RAM at 0x%" PRIx64
					 " overlaps the RAM at 0x%" PRIx64,
					 gpa, r->gpa);
	}
	if (gm->nr == GMEM_MAX_REGIONS)
		return error_set(err, TL_MEMORY, ENOSPC,
				 "guest RAM at 0x%" PRIx64
				 ": there are %d regions already, the most "
				 "there can be",
				 gpa, GMEM_MAX_REGIONS);
	return 0;
}

/*
 * Map the region at an address congruent to its GPA modulo 2 MiB: only then can
 * KVM back a stage-2 block with a huge page.  One block more is mapped than
 * needed; what sticks out on either side lets nobody pass.
 */
static bool map_aligned(struct gmem_region *r)
{
	size_t total;
	uint8_t *p;

	/* A 32-bit host has less address space than a guest has addresses. */
	if (r->size > SIZE_MAX - GMEM_BLOCK) {
		errno = ENOMEM;
		return false;
	}
	total = (size_t)r->size + GMEM_BLOCK;
	p = mmap(NULL, total, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return false;
	r->below = (r->gpa - (uintptr_t)p) % GMEM_BLOCK;
	r->above = GMEM_BLOCK - r->below;
	r->hva = p + r->below;
	if (mprotect(r->hva, (size_t)r->size, PROT_READ | PROT_WRITE)) {
		munmap(p, total);
		return false;
	}
	return true;
}

int gmem_add_ram(struct gmem *gm, uint64_t gpa, uint64_t size,
		 struct error *err)
{
	struct gmem_region region = { .gpa = gpa, .size = size };
	int ret;

	ret = check_range(gm, gpa, size, err);
	if (ret)
		return ret;

	if (!map_aligned(&region))
		return error_set(err, TL_MEMORY, ENOMEM,
				 "cannot map %" PRIu64
				 " MiB of guest memory (%s): give the guest "
				 "less with --mem",
				 size >> 20, strerror(errno));

	/* Both are improvements that a host may well do without. */
	madvise(region.hva, (size_t)size, MADV_HUGEPAGE);
	madvise(region.hva, (size_t)size, MADV_DONTDUMP);
	/*
	 * A fork() would write-protect it all: the guest would fault on its own
	 * memory, and a recording would show that.
	 */
	madvise(region.hva, (size_t)size, MADV_DONTFORK);

	gm->region[gm->nr++] = region;
	return 0;
}

int gmem_add_mapping(struct gmem *gm, uint64_t gpa, uint64_t size, void *hva,
		     struct error *err)
{
	int ret = check_range(gm, gpa, size, err);

	if (ret)
		return ret;
	gm->region[gm->nr++] = (struct gmem_region){
		.gpa = gpa,
		.size = size,
		.hva = hva,
	};
	return 0;
}

void gmem_destroy(struct gmem *gm)
{
	while (gm->nr) {
		struct gmem_region *r = &gm->region[--gm->nr];

		munmap(r->hva - r->below,
		       r->below + (size_t)r->size + r->above);
		*r = (struct gmem_region){ 0 };
	}
}

void *gmem_ptr(const struct gmem *gm, uint64_t gpa, uint64_t len)
{
	unsigned int i;

	if (!len)
		return NULL;

	for (i = 0; i < gm->nr; i++) {
		const struct gmem_region *r = &gm->region[i];

		if (gpa < r->gpa || gpa - r->gpa >= r->size)
			continue;
		/* Compare with what is left: gpa + len could wrap. */
		if (len > r->size - (gpa - r->gpa))
			return NULL;
		return r->hva + (gpa - r->gpa);
	}
	return NULL;
}

int gmem_read(const struct gmem *gm, uint64_t gpa, void *buf, size_t len)
{
	const void *p = gmem_ptr(gm, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(buf, p, len);
	return 0;
}

int gmem_write(const struct gmem *gm, uint64_t gpa, const void *buf, size_t len)
{
	void *p = gmem_ptr(gm, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, buf, len);
	return 0;
}
