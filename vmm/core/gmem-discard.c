// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/gmem.h"

size_t gmem_discard(void *hva, size_t len)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)hva, end = start + len;

	start = (start + page - 1) & ~(page - 1);
	end &= ~(page - 1);
	if (start >= end || madvise((void *)start, end - start, MADV_DONTNEED))
		return 0;
	return end - start;
}
