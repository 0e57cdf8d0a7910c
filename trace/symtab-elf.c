// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "symtab.h"

static bool in_text(Elf *elf, const GElf_Sym *sym)
{
	GElf_Shdr header;
	Elf_Scn *section;

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE)
		return false;
	section = elf_getscn(elf, sym->st_shndx);
	return section && gelf_getshdr(section, &header) &&
	       header.sh_flags & SHF_EXECINSTR;
}

static int add_symbol(struct symtab *tab, Elf *elf, const GElf_Shdr *header,
		      const GElf_Sym *sym, bool thumb)
{
	const char *name = elf_strptr(elf, header->sh_link, sym->st_name);
	unsigned char type = GELF_ST_TYPE(sym->st_info);
	uint64_t address = sym->st_value, size = sym->st_size;

	if (!name || !name[0] || name[0] == '$' || name[0] == '.' ||
	    sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS ||
	    (type != STT_FUNC && type != STT_NOTYPE && type != STT_OBJECT))
		return 0;
	/* bit 0 of an AArch32 function says Thumb */
	if (thumb && type == STT_FUNC)
		address &= ~1ull;
	return symtab_add(tab, address, type == STT_FUNC ? size : 0,
			  type != STT_OBJECT && in_text(elf, sym),
			  GELF_ST_BIND(sym->st_info) != STB_LOCAL, name,
			  strlen(name));
}

/* The symbols of one section: 0, or -ENOMEM. */
static int read_section(struct symtab *tab, Elf *elf, Elf_Scn *section,
			bool thumb)
{
	GElf_Shdr header;
	Elf_Data *data;
	GElf_Sym sym;

	if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB ||
	    !header.sh_entsize)
		return 0;
	data = elf_getdata(section, NULL);
	for (int i = 0; data && gelf_getsym(data, i, &sym); i++) {
		if (add_symbol(tab, elf, &header, &sym, thumb))
			return -ENOMEM;
	}
	return 0;
}

int symtab_read_elf(struct symtab *tab, const char *path, const char *data,
		    size_t size, struct error *err)
{
	Elf_Scn *section = NULL;
	GElf_Ehdr header;
	bool ok = false;
	int ret = 0;
	Elf *elf;

	elf_version(EV_CURRENT);
	/* libelf reads, and writes only where it is told to */
	elf = elf_memory((char *)(uintptr_t)data, size);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header))
		ok = header.e_machine == EM_ARM ||
		     header.e_machine == EM_AARCH64;
	while (ok && !ret && (section = elf_nextscn(elf, section)))
		ret = read_section(tab, elf, section,
				   header.e_machine == EM_ARM);
	if (elf)
		elf_end(elf);
	if (ret)
		return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	if (!ok)
		return error_set(err, TL_TRACE, EINVAL,
				 "%s: damaged, or no kernel for ARM", path);
	if (!tab->count)
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: no symbols in it; take the vmlinux that is not stripped, or System.map",
			path);
	return 0;
}
