/* SPDX-License-Identifier: GPL-2.0-only */
/* A table of symbols by address, and the files that it is read from. */
#ifndef TL_TRACE_SYMTAB_H
#define TL_TRACE_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

struct symbol {
	uint64_t address;
	uint64_t size; /* to the next one, where the file does not tell */
	bool text;     /* a function; others are only where one ends */
	bool global;
	char *name;
};

struct symtab {
	struct symbol *symbol; /* by address, once each */
	size_t count, space;
	size_t functions;
	uint64_t text, end; /* _text, and _etext or what there is of it */
	bool wide;          /* of a 64-bit kernel */
};

/* Copies @name. -ENOMEM. */
int symtab_add(struct symtab *tab, uint64_t address, uint64_t size, bool text,
	       bool global, const char *name, size_t length);

/* After the last symtab_add(): sort, drop doubles, fill in sizes and bounds. */
void symtab_finish(struct symtab *tab);

/* The function that @address is in, NULL if in none. */
const struct symbol *symtab_find(const struct symtab *tab, uint64_t address);
void symtab_free(struct symtab *tab);

/* Lines of "address type name", as nm(1), System.map and kallsyms have them. */
int symtab_read_text(struct symtab *tab, const char *path, const char *data,
		     size_t size, struct error *err);
int symtab_read_elf(struct symtab *tab, const char *path, const char *data,
		    size_t size, struct error *err);

#endif
