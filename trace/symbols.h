/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest kernel's functions: from its System.map, its vmlinux (ELF), or
 * /proc/kallsyms of the guest, and where the kernel was at run time.
 */
#ifndef TL_TRACE_SYMBOLS_H
#define TL_TRACE_SYMBOLS_H

#include "lib/error.h"
#include "profile.h"

struct symbols;

/* What the user knows of where the kernel was; else it is found. */
struct symbols_hint {
	bool kaslr_given, phys_given;
	uint64_t kaslr; /* run-time address less the one in the file */
	uint64_t phys;  /* guest-physical address of the kernel's first byte */
};

/*
 * Read @path, whichever of the three it is.  NULL and one line in @err if it
 * cannot be read, has no function, or has them at address 0 (a kallsyms that
 * was read without the right to see addresses).
 */
struct symbols *symbols_open(const char *path, struct error *err);

/* The same from memory; @path is for messages. */
struct symbols *symbols_parse(const char *path, const char *data, size_t size,
			      struct error *err);
void symbols_free(struct symbols *symbols);

/* From here on addresses are the kernel's: what profile.virt_base wants. */
uint64_t symbols_virt_base(const struct symbols *symbols);

/*
 * Find where the kernel was, from the addresses in @profile: a hypercall comes
 * out of the function that makes them, WFI out of the idle loop, a PL011's
 * register is touched by its driver.
 */
void symbols_place(struct symbols *symbols, const struct profile *profile,
		   const struct symbols_hint *hint);

/* One line about the outcome of symbols_place(). */
void symbols_describe(const struct symbols *symbols, char *buf, size_t size);

/*
 * The function that @pc is in.  In brackets where there is none: "[user]",
 * "[module]" (or another kernel address beyond its text), "[early]" (before the
 * kernel's own mappings, and not in it).  @offset (may be NULL): @pc from the
 * function's start.
 */
void symbols_name(const struct symbols *symbols, uint64_t pc, bool early,
		  char *buf, size_t size, uint64_t *offset);

#endif
