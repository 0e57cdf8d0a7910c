// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols.h"
#include "symtab.h"

/*
 * arm64 moves its kernel by multiples of 64 KiB at least (EFI_KIMG_ALIGN), and
 * of 2 MiB where no EFI stub loaded it (MIN_KIMG_ALIGN).
 */
#define ALIGN_MAX  (2ull << 20)
#define ALIGN_MIN  (64ull << 10)
#define CANDIDATES 4096

struct symbols {
	char *path;
	struct symtab tab;
	bool kaslr_given, phys_known, phys_given;
	bool placed;          /* @kaslr is more than a guess */
	uint64_t kaslr, phys; /* as in struct symbols_hint */
	uint64_t votes;
	uint64_t kernel, inside; /* rows at kernel addresses; within its text */
};

struct symbols *symbols_parse(const char *path, const char *data, size_t size,
			      struct error *err)
{
	struct symbols *s = calloc(1, sizeof(*s));
	int ret;

	if (!s || !(s->path = strdup(path))) {
		free(s);
		error_set(err, TL_FAIL, ENOMEM, "out of memory");
		return NULL;
	}
	if (size >= 4 && !memcmp(data, "\177ELF", 4))
		ret = symtab_read_elf(&s->tab, path, data, size, err);
	else
		ret = symtab_read_text(&s->tab, path, data, size, err);
	if (!ret)
		symtab_finish(&s->tab);
	if (!ret && !s->tab.functions)
		ret = error_set(
			err, TL_TRACE, EINVAL,
			"%s: no functions in it; want a System.map, a vmlinux or a kallsyms",
			path);
	if (ret) {
		symbols_free(s);
		return NULL;
	}
	return s;
}

/* kallsyms has no size to map: read until it ends. */
static char *read_all(int fd, size_t *size)
{
	size_t space = 1 << 20;
	char *data = malloc(space), *more;
	ssize_t n;

	*size = 0;
	while (data && (n = read(fd, data + *size, space - *size)) > 0) {
		*size += (size_t)n;
		if (*size < space)
			continue;
		space *= 2;
		more = realloc(data, space);
		if (!more)
			free(data);
		data = more;
	}
	return data;
}

struct symbols *symbols_open(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct symbols *symbols = NULL;
	struct stat st;
	size_t size;
	char *data;

	if (fd < 0 || fstat(fd, &st)) {
		error_set(err, TL_TRACE, errno, "%s: %s", path,
			  strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		error_set(
			err, TL_TRACE, EINVAL,
			"%s: not a file; want a System.map, a vmlinux or a kallsyms",
			path);
	} else if ((uint64_t)st.st_size > SIZE_MAX) {
		error_set(err, TL_TRACE, EFBIG,
			  "%s: more than a 32-bit program can read", path);
	} else if (st.st_size) {
		size = (size_t)st.st_size;
		data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED) {
			error_set(err, TL_TRACE, errno, "%s: %s", path,
				  strerror(errno));
		} else {
			symbols = symbols_parse(path, data, size, err);
			munmap(data, size);
		}
	} else {
		data = read_all(fd, &size);
		if (data)
			symbols = symbols_parse(path, data, size, err);
		else
			error_set(err, TL_FAIL, ENOMEM, "out of memory");
		free(data);
	}
	if (fd >= 0)
		close(fd);
	return symbols;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	symtab_free(&symbols->tab);
	free(symbols->path);
	free(symbols);
}

uint64_t symbols_virt_base(const struct symbols *s)
{
	/* PAGE_OFFSET of a 32-bit kernel: a multiple of 256 MiB */
	return s->tab.wide ? 1ull << 63 : s->tab.text & 0xf0000000;
}

/* Whose code an exit of a class, by a device, has to be in. */
static const struct anchor {
	int ec;             /* -1: of the device */
	const char *device; /* a part of the device's name */
	const char *prefix; /* of the function's name */
} anchors[] = {
	{ EC_HVC64, NULL, "__arm_smccc_hvc" },
	{ EC_HVC32, NULL, "__arm_smccc_hvc" },
	{ EC_SMC64, NULL, "__arm_smccc_smc" },
	{ EC_SMC32, NULL, "__arm_smccc_smc" },
	{ EC_WFX, NULL, "cpu_do_idle" },
	{ EC_WFX, NULL, "cpu_v7_do_idle" },
	{ EC_WFX, NULL, "arch_cpu_idle" },
	{ EC_WFX, NULL, "default_idle" },
	{ -1, "pl011", "pl011_" },
	{ -1, "pl031", "pl031_" },
	{ -1, "pl061", "pl061_" },
	{ -1, "gic", "gic_" },
	{ -1, "virtio", "vm_" },
};

struct candidate {
	uint64_t offset, votes;
};

struct ballot {
	struct candidate *list;
	size_t count;
	uint64_t voters;
};

static void vote(struct ballot *b, uint64_t offset)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->list[i].offset == offset) {
			b->list[i].votes++;
			return;
		}
	}
	if (b->count < CANDIDATES)
		b->list[b->count++] = (struct candidate){ offset, 1 };
}

static bool anchored(const struct anchor *anchor, const struct profile *profile,
		     const struct profile_row *row)
{
	char device[64];

	if (!anchor->device)
		return row->class == anchor->ec;
	return cause_device(&profile->cause[row->cause], profile->map, device,
			    sizeof(device)) &&
	       strstr(device, anchor->device);
}

/* Every offset, a multiple of @align, that puts @row where it has to be. */
static bool vote_row(const struct symbols *s, const struct anchor *anchor,
		     const struct profile_row *row, uint64_t align,
		     struct ballot *b)
{
	/* for HVC the PC is that of the next instruction */
	uint64_t pc =
		row->pc -
		(row->class == EC_HVC64 || row->class == EC_HVC32 ? 4 : 0);
	size_t length = strlen(anchor->prefix);
	bool any = false;

	for (size_t i = 0; i < s->tab.count; i++) {
		const struct symbol *sym = &s->tab.symbol[i];
		uint64_t inside = (pc - sym->address) & (align - 1);

		if (!sym->text ||
		    strncmp(sym->name, anchor->prefix, length) != 0)
			continue;
		any = true;
		if (inside < sym->size)
			vote(b, pc - sym->address - inside);
	}
	return any;
}

static void count_inside(const struct symbols *s, const struct profile *profile,
			 uint64_t offset, uint64_t *kernel, uint64_t *inside)
{
	uint64_t base = symbols_virt_base(s);

	*kernel = *inside = 0;
	for (size_t i = 0; i < profile->row_space; i++) {
		const struct profile_row *row = &profile->row[i];
		uint64_t at = row->pc - offset;

		if (!row->sum.count || row->pc < base)
			continue;
		(*kernel)++;
		*inside += at >= s->tab.text && at < s->tab.end;
	}
}

static void collect(const struct symbols *s, const struct profile *profile,
		    uint64_t align, struct ballot *b)
{
	b->count = 0;
	b->voters = 0;
	for (size_t i = 0; i < profile->row_space; i++) {
		const struct profile_row *row = &profile->row[i];
		bool voter = false;

		if (!row->sum.count || row->pc < symbols_virt_base(s))
			continue;
		for (size_t a = 0; a < sizeof(anchors) / sizeof(anchors[0]);
		     a++) {
			if (anchored(&anchors[a], profile, row))
				voter |=
					vote_row(s, &anchors[a], row, align, b);
		}
		b->voters += voter;
	}
}

/* The offset that at least half of the anchored rows agree on. */
static bool elect(struct symbols *s, const struct profile *profile,
		  uint64_t align, struct ballot *b)
{
	uint64_t kernel, inside;

	collect(s, profile, align, b);
	for (size_t i = 0; i < b->count; i++) {
		const struct candidate *c = &b->list[i];

		if (2 * c->votes < b->voters || c->votes <= s->votes)
			continue;
		count_inside(s, profile, c->offset, &kernel, &inside);
		/* modules and vectors lie outside, most of it does not */
		if (2 * inside < kernel)
			continue;
		s->kaslr = c->offset;
		s->votes = c->votes;
		s->placed = true;
	}
	return s->placed;
}

static void place_virt(struct symbols *s, const struct profile *profile)
{
	struct ballot b = { 0 };

	/* a 32-bit kernel is where it was linked to */
	if (s->tab.wide) {
		b.list = calloc(CANDIDATES, sizeof(*b.list));
		if (b.list && !elect(s, profile, ALIGN_MAX, &b))
			elect(s, profile, ALIGN_MIN, &b);
		free(b.list);
	}
	count_inside(s, profile, s->kaslr, &s->kernel, &s->inside);
	/* nothing speaks against it, where little is known */
	if (!s->votes)
		s->placed = 2 * s->inside >= s->kernel;
}

/*
 * Booting Linux: an arm64 Image starts at its first byte, which is a multiple
 * of 2 MiB (Documentation/arm64/booting.rst); an arm zImage puts the kernel at
 * TEXT_OFFSET behind the 128 MiB boundary below itself (AUTO_ZRELADDR).
 */
static void place_phys(struct symbols *s, const struct profile *profile)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < profile->row_space; i++) {
		const struct profile_row *row = &profile->row[i];

		if (row->sum.count && row->early && row->pc < least)
			least = row->pc;
	}
	if (least == UINT64_MAX)
		return;
	s->phys_known = true;
	s->phys = s->tab.wide
			  ? least & ~(ALIGN_MAX - 1)
			  : (least & 0xf8000000) + (s->tab.text & 0x0fffffff);
}

void symbols_place(struct symbols *s, const struct profile *profile,
		   const struct symbols_hint *hint)
{
	s->kaslr_given = hint->kaslr_given;
	s->phys_given = s->phys_known = hint->phys_given;
	s->phys = hint->phys;
	if (s->kaslr_given) {
		s->kaslr = hint->kaslr;
		s->placed = true;
		count_inside(s, profile, s->kaslr, &s->kernel, &s->inside);
	} else {
		place_virt(s, profile);
	}
	if (!s->phys_given)
		place_phys(s, profile);
}

void symbols_describe(const struct symbols *s, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s: %zu functions", s->path,
			 s->tab.functions);

	if (n < 0 || (size_t)n >= size)
		return;
	buf += n;
	size -= (size_t)n;
	if (!s->placed)
		snprintf(
			buf, size,
			"; the kernel was elsewhere: %" PRIu64 " of %" PRIu64
			" addresses are in its text; give --kaslr-offset, or the file of the kernel that ran",
			s->inside, s->kernel);
	else if (s->kaslr_given || s->kaslr)
		snprintf(buf, size, ", KASLR offset 0x%" PRIx64 "%s", s->kaslr,
			 s->kaslr_given ? "" : " (found)");
}

void symbols_name(const struct symbols *s, uint64_t pc, bool early, char *buf,
		  size_t size, uint64_t *offset)
{
	uint64_t base = symbols_virt_base(s);
	const struct symbol *sym = NULL;
	const char *none;

	if (early) {
		none = "[early]";
		if (s->phys_known)
			sym = symtab_find(&s->tab, pc - s->phys + s->tab.text);
	} else {
		/* a 32-bit kernel has its modules in the 16 MiB below itself */
		none = pc >= (s->tab.wide ? base : base - (16 << 20))
			       ? "[module]"
			       : "[user]";
		if (s->placed)
			sym = symtab_find(&s->tab, pc - s->kaslr);
	}
	if (!sym) {
		snprintf(buf, size, "%s",
			 !early && !s->placed && pc >= base ? "[kernel]"
							    : none);
		if (offset)
			*offset = 0;
		return;
	}
	snprintf(buf, size, "%s", sym->name);
	if (offset)
		*offset = early ? pc - s->phys + s->tab.text - sym->address
				: pc - s->kaslr - sym->address;
}
