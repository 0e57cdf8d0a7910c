// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symtab.h"

#define NAME_LENGTH 127
/* The last function has no next one to end it. */
#define LAST_SIZE 4096

int symtab_add(struct symtab *tab, uint64_t address, uint64_t size, bool text,
	       bool global, const char *name, size_t length)
{
	struct symbol *symbol;

	if (tab->count == tab->space) {
		size_t space = tab->space ? 2 * tab->space : 4096;

		symbol = realloc(tab->symbol, space * sizeof(*symbol));
		if (!symbol)
			return -ENOMEM;
		tab->symbol = symbol;
		tab->space = space;
	}
	symbol = &tab->symbol[tab->count];
	symbol->address = address;
	symbol->size = size;
	symbol->text = text;
	symbol->global = global;
	symbol->name =
		strndup(name, length < NAME_LENGTH ? length : NAME_LENGTH);
	if (!symbol->name)
		return -ENOMEM;
	/* goes into reports: no control characters, nothing that separates */
	for (char *c = symbol->name; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == ';')
			*c = '?';
	}
	tab->count++;
	return 0;
}

/* Where several have an address: a function first, a global one, by name. */
static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->text != y->text)
		return x->text ? -1 : 1;
	if (x->global != y->global)
		return x->global ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void find_bounds(struct symtab *tab)
{
	bool text = false, etext = false;

	for (size_t i = 0; i < tab->count; i++) {
		const struct symbol *s = &tab->symbol[i];

		if (!strcmp(s->name, "_text")) {
			tab->text = s->address;
			text = true;
		} else if (!strcmp(s->name, "_end")) {
			tab->end = s->address;
			etext = true;
		}
	}
	for (size_t i = 0; i < tab->count; i++) {
		const struct symbol *s = &tab->symbol[i];

		if (!s->text)
			continue;
		if (!text) {
			tab->text = s->address;
			text = true;
		}
		if (!etext && s->address + s->size > tab->end)
			tab->end = s->address + s->size;
	}
	tab->wide = tab->text > UINT32_MAX;
}

void symtab_finish(struct symtab *tab)
{
	size_t kept = 0;

	if (tab->count)
		qsort(tab->symbol, tab->count, sizeof(*tab->symbol), compare);
	for (size_t i = 0; i < tab->count; i++) {
		if (tab->symbol[i].text && !tab->symbol[i].size) {
			size_t next = i + 1;

			while (next < tab->count &&
			       tab->symbol[next].address ==
				       tab->symbol[i].address)
				next++;
			tab->symbol[i].size =
				next < tab->count
					? tab->symbol[next].address -
						  tab->symbol[i].address
					: LAST_SIZE;
		}
	}
	find_bounds(tab);
	for (size_t i = 0; i < tab->count; i++) {
		struct symbol *s = &tab->symbol[i];

		if (kept && tab->symbol[kept - 1].address == s->address) {
			free(s->name);
			continue;
		}
		tab->functions += s->text;
		tab->symbol[kept++] = *s;
	}
	tab->count = kept;
}

const struct symbol *symtab_find(const struct symtab *tab, uint64_t address)
{
	size_t low = 0, high = tab->count;
	const struct symbol *s;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tab->symbol[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	s = &tab->symbol[low - 1];
	return s->text && address - s->address < s->size ? s : NULL;
}

void symtab_free(struct symtab *tab)
{
	for (size_t i = 0; i < tab->count; i++)
		free(tab->symbol[i].name);
	free(tab->symbol);
	memset(tab, 0, sizeof(*tab));
}

static bool parse_line(const char *line, size_t length, uint64_t *address,
		       char *type, const char **name, size_t *name_length)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < length && i <= 16; i++) {
		char c = line[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (!i || i > 16 || i + 3 >= length || line[i] != ' ' ||
	    line[i + 2] != ' ')
		return false;
	*address = value;
	*type = line[i + 1];
	*name = line + i + 3;
	*name_length = 0;
	/* kallsyms has "\t[module]" behind the name */
	while (i + 3 + *name_length < length && (*name)[*name_length] > ' ' &&
	       (*name)[*name_length] != 0x7f)
		(*name_length)++;
	return *name_length > 0;
}

int symtab_read_text(struct symtab *tab, const char *path, const char *data,
		     size_t size, struct error *err)
{
	size_t functions = 0, hidden = 0, bad = 0;

	for (size_t at = 0; at < size;) {
		const char *line = data + at, *name;
		const char *end = memchr(line, '\n', size - at);
		size_t length = end ? (size_t)(end - line) : size - at;
		size_t name_length;
		uint64_t address;
		char type;
		bool text;

		at += length + 1;
		if (!parse_line(line, length, &address, &type, &name,
				&name_length)) {
			bad += length > 0;
			continue;
		}
		/* the absolute ones and the assembler's own are no places */
		if (type == 'a' || type == 'A' || type == 'U' ||
		    name[0] == '$' || name[0] == '.')
			continue;
		text = strchr("tTwW", type);
		hidden += text && !address;
		functions += text;
		if (symtab_add(tab, address, 0, text, type < 'a', name,
			       name_length))
			return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	}
	if (functions && hidden == functions)
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: all addresses are 0; read it as root, with kernel.kptr_restrict=0",
			path);
	if (!functions || bad > functions)
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: no list of symbols; want a System.map, a vmlinux or a kallsyms",
			path);
	return 0;
}
