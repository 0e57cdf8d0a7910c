// SPDX-License-Identifier: GPL-2.0-only
/*
 * RAM from its base upwards, for both widths:
 *
 *   +-- text_offset --+-- footprint --+- - - -+-- dtb --+-- initrd --+
 *   RAM base          kernel                  ^
 *                                             128 MiB if everything fits
 *                                             behind it, else the next 2 MiB
 *                                             boundary after the kernel
 *
 * Documentation/arm/booting.rst sections 4b and 5 recommend 128 MiB: it leaves
 * a kernel room that its header did not announce.  A device tree that starts on
 * a 2 MiB boundary and is no larger than 2 MiB meets every rule of
 * Documentation/arm64/booting.rst section 2, and packing all of it within 32
 * GiB of the RAM base meets that of section 4 for the initrd.
 *
 * A flat image has its device tree at the RAM base, if it fits below.
 */
#include <errno.h>
#include <stdbool.h>

#include "arch-arm/layout.h"

#define MIB        0x100000ULL

#define BLOCK      (2 * MIB)
#define PAGE       0x1000ULL
#define SAFE_START (128 * MIB)
#define DTB_MAX    (2 * MIB)
/*
 * What a 32-bit kernel maps at all times with its usual 3 GiB/1 GiB split and
 * 240 MiB of vmalloc space (arch/arm/mm/mmu.c); boot data must lie below.
 */
#define LOWMEM32 (760 * MIB)
/*
 * A Linux kernel that just fits has nothing left to run in, and panics; with
 * this much on top Debian's kernels reach init (16 MiB of it is the CMA area).  Only advice: what fits is
 * accepted, since how much a kernel needs is for its user to know.
 */
#define RUN_ROOM (32 * MIB)
/* Far above any file, far below where sums of such sizes overflow. */
#define SIZE_SANE (1ULL << 48)

static uint64_t align_up(uint64_t val, uint64_t to)
{
	return (val + to - 1) / to * to;
}

/* Offsets from the RAM base when the boot data starts at @start. */
struct plan {
	uint64_t dtb;
	uint64_t initrd;
	uint64_t end;
};

static struct plan plan_from(const struct layout_request *req, uint64_t start)
{
	struct plan p;

	p.dtb = start;
	p.initrd = p.dtb + align_up(req->dtb_size, PAGE);
	p.end = p.initrd + align_up(req->initrd_size, PAGE);
	return p;
}

int layout_plan(const struct layout_request *req, struct layout *out,
		struct error *err)
{
	const struct image *k = req->kernel;
	uint64_t start, limit = req->ram_size, need;
	uint64_t room = k->format == IMAGE_FLAT ? 0 : RUN_ROOM;
	bool narrow = k->width == GUEST_32BIT;
	struct plan p;

	if (!req->dtb_size || req->dtb_size > DTB_MAX)
		return error_set(err, TL_IMAGE, EFBIG,
				 "the device tree would have %llu bytes; Linux "
				 "takes at most 2 MiB",
				 (unsigned long long)req->dtb_size);
	if (req->initrd_size > SIZE_SANE || k->footprint > SIZE_SANE ||
	    k->text_offset > SIZE_SANE || k->footprint < k->size)
		return error_set(err, TL_IMAGE, EFBIG,
				 "kernel or initrd is too large for any guest");

	start = align_up(k->text_offset + k->footprint, BLOCK);
	p = plan_from(req, start);
	need = align_up(p.end, BLOCK);
	if (narrow && p.end > LOWMEM32)
		return error_set(err, TL_MEMORY, ENOMEM,
				 "kernel and initrd need %llu MiB, but a "
				 "32-bit guest can only use the first %llu MiB "
				 "of its memory for them; use a smaller initrd "
				 "or a disk (-d)",
				 (unsigned long long)(need / MIB),
				 LOWMEM32 / MIB);
	if (p.end > req->ram_size)
		return error_set(err, TL_MEMORY, ENOMEM,
				 "%llu MiB of guest memory are too little for "
				 "this kernel%s: use -m %llu or more",
				 (unsigned long long)(req->ram_size / MIB),
				 req->initrd_size ? " and initrd" : "",
				 (unsigned long long)((need + room) / MIB));

	if (narrow && limit > LOWMEM32)
		limit = LOWMEM32;
	if (start < SAFE_START) {
		struct plan safe = plan_from(req, SAFE_START);

		if (safe.end <= limit)
			p = safe;
	}

	/* Of a bare-metal guest one block is in use; QEMU has it there, too. */
	if (k->format == IMAGE_FLAT &&
	    align_up(req->dtb_size, PAGE) <= k->text_offset)
		p.dtb = 0;

	out->kernel_gpa = req->ram_base + k->text_offset;
	out->entry = out->kernel_gpa;
	out->dtb_gpa = req->ram_base + p.dtb;
	out->initrd_gpa = req->initrd_size ? req->ram_base + p.initrd : 0;
	return 0;
}
