// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>

#include "symbols.h"

static const char map32[] = "c0008000 T _text\n"
			    "c0008000 T stext\n"
			    "c0008100 t one\n"
			    "c0008180 T two\n"
			    "c0008180 t two_alias\n"
			    "c0008200 D data\n"
			    "c0008280 T three\n"
			    "c0009000 A absolute\n"
			    "c0010000 B _end\n";

static struct symbols *parse(const char *text)
{
	struct error err = { 0 };
	struct symbols *s = symbols_parse("map", text, strlen(text), &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static void assert_at(const struct symbols *s, uint64_t pc, bool early,
		      const char *want, uint64_t want_offset)
{
	char name[64];
	uint64_t offset;

	symbols_name(s, pc, early, name, sizeof(name), &offset);
	assert_string_equal(name, want);
	assert_int_equal(offset, want_offset);
}

static struct vmmap map;

static void add(struct profile *profile, uint8_t ec, uint64_t ipa, uint64_t pc)
{
	static uint64_t ts;
	struct trap_exit exit = { .tid = 1,
				  .vcpu = 0,
				  .kind = EXIT_TRAP,
				  .ec = ec,
				  .ts = ts++,
				  .pc = pc,
				  .ipa = ipa,
				  .esr = 0x93810005,
				  .have = HAVE_ESR | HAVE_IPA };

	profile_exit(&exit, profile);
}

static void test_system_map(void **state)
{
	const struct symbols_hint none = { 0 };
	struct symbols *s = parse(map32);
	struct profile profile;

	(void)state;
	profile_init(&profile, &map);
	assert_int_equal(symbols_virt_base(s), 0xc0000000);
	symbols_place(s, &profile, &none);
	assert_at(s, 0xc0008000, false, "_text", 0);
	assert_at(s, 0xc000817f, false, "one", 0x7f);
	assert_at(s, 0xc0008180, false, "two", 0);
	assert_at(s, 0xc0008200, false, "[module]", 0);
	assert_at(s, 0xc00082f0, false, "three", 0x70);
	assert_at(s, 0xbf000010, false, "[module]", 0);
	assert_at(s, 0x00010000, false, "[user]", 0);
	assert_at(s, 0xffff0018, false, "[module]", 0);
	assert_at(s, 0x40008100, true, "[early]", 0);
	profile_free(&profile);
	symbols_free(s);
}

/* Before the MMU is on, and after; each vCPU and thread starts anew. */
static void test_early_addresses(void **state)
{
	const struct symbols_hint none = { 0 };
	struct symbols_hint given = { .phys_given = true, .phys = 0x88008000 };
	struct symbols *s = parse(map32);
	struct profile profile;
	int early = 0, late = 0;

	(void)state;
	profile_init(&profile, &map);
	profile.virt_base = symbols_virt_base(s);
	add(&profile, EC_IABT_LOW, 0x40400000, 0x40400000);
	add(&profile, EC_CP15_32, 0, 0x40008184);
	add(&profile, EC_CP15_32, 0, 0xc0008284);
	add(&profile, EC_CP15_32, 0, 0x40008184); /* a program's, now */
	for (size_t i = 0; i < profile.row_space; i++) {
		if (profile.row[i].sum.count && profile.row[i].early)
			early++;
		else if (profile.row[i].sum.count)
			late++;
	}
	assert_int_equal(early, 2);
	assert_int_equal(late, 2);
	symbols_place(s, &profile, &none);
	assert_at(s, 0x40008184, true, "two", 4);
	assert_at(s, 0x40008184, false, "[user]", 0);
	assert_at(s, 0x40400000, true, "[early]", 0);
	symbols_place(s, &profile, &given);
	assert_at(s, 0x88008184, true, "two", 4);
	profile_free(&profile);
	symbols_free(s);
}

static const char map64[] = "ffff800008000000 T _text\n"
			    "ffff800008010000 T cpu_do_idle\n"
			    "ffff800008010010 T other\n"
			    "ffff800008020000 T __arm_smccc_hvc\n"
			    "ffff800008020020 T third\n"
			    "ffff800008030000 t pl011_read\n"
			    "ffff800008030040 T fourth\n"
			    "ffff800008400000 B _end\n";

static void test_kaslr(void **state)
{
	const struct symbols_hint none = { 0 };
	struct symbols_hint given = { .kaslr_given = true, .kaslr = 0x200000 };
	const uint64_t at = 0x12345600000;
	const uint64_t base = 0xffff800008000000 + at;
	struct symbols *s = parse(map64);
	struct profile profile;
	char text[256];

	(void)state;
	profile_init(&profile, &map);
	profile.virt_base = symbols_virt_base(s);
	add(&profile, EC_WFX, 0, base + 0x10008);
	add(&profile, EC_HVC64, 0, base + 0x20004); /* behind it */
	add(&profile, EC_DABT_LOW, 0x09000018, base + 0x30010);
	add(&profile, EC_SYS64, 0, base + 0x200000);
	add(&profile, EC_SYS64, 0, 0xffff7ffff0000000); /* a module */
	symbols_place(s, &profile, &none);
	assert_at(s, base + 0x10008, false, "cpu_do_idle", 8);
	assert_at(s, base + 0x30010, false, "pl011_read", 0x10);
	assert_at(s, 0xffff7ffff0000000, false, "[module]", 0);
	assert_at(s, 0x0000aaaa00000000, false, "[user]", 0);
	symbols_describe(s, text, sizeof(text));
	assert_non_null(strstr(text, "KASLR offset 0x12345600000 (found)"));
	symbols_place(s, &profile, &given);
	assert_at(s, 0xffff800008210004, false, "cpu_do_idle", 4);
	profile_free(&profile);
	symbols_free(s);

	/* no KASLR, and little to go by: where it was linked to */
	s = parse(map64);
	profile_init(&profile, &map);
	profile.virt_base = symbols_virt_base(s);
	add(&profile, EC_SYS64, 0, 0xffff800008010014);
	symbols_place(s, &profile, &none);
	assert_at(s, 0xffff800008010014, false, "other", 4);
	profile_free(&profile);
	symbols_free(s);

	/* another kernel: said, not guessed */
	s = parse(map64);
	profile_init(&profile, &map);
	profile.virt_base = symbols_virt_base(s);
	add(&profile, EC_SYS64, 0, 0xffffffc008010014);
	add(&profile, EC_WFX, 0, 0xffffffc008010114);
	symbols_place(s, &profile, &none);
	assert_at(s, 0xffffffc008010014, false, "[kernel]", 0);
	symbols_describe(s, text, sizeof(text));
	assert_non_null(strstr(text, "--kaslr-offset"));
	profile_free(&profile);
	symbols_free(s);
}

static void assert_refused(const char *data, size_t size, const char *why)
{
	struct error err = { 0 };

	assert_null(symbols_parse("file", data, size, &err));
	assert_int_equal(err.status, TL_TRACE);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void test_refused(void **state)
{
	static const char zeroes[] = "0000000000000000 T _text\n"
				     "0000000000000000 t one\n";
	static const char none[] = "ffffffffffffffff B The real one is\n";
	static const char data[] = "c0008000 D only_data\n";
	struct error err = { 0 };

	(void)state;
	assert_refused("", 0, "no list of symbols");
	assert_refused("hello\n", 6, "no list of symbols");
	assert_refused(zeroes, strlen(zeroes), "kptr_restrict");
	assert_refused(none, strlen(none), "no list of symbols");
	assert_refused(data, strlen(data), "no list of symbols");
	assert_refused("\177ELF", 4, "damaged");
	assert_null(symbols_open("/no/such", &err));
	assert_non_null(strstr(err.text, "No such file"));
	err = (struct error){ 0 };
	assert_null(symbols_open("/tmp", &err));
	assert_non_null(strstr(err.text, "not a file"));
}

/* kallsyms with modules; names that would break a report's format. */
static void test_kallsyms(void **state)
{
	static const char text[] = "ffff800008000000 T _text\n"
				   "ffff800008000100 t odd;name\n"
				   "ffff800008000200 t last\n"
				   "ffff800000000000 t probe\t[virtio_blk]\n"
				   "ffff800000000040 t $x\t[virtio_blk]\n";
	const struct symbols_hint none = { 0 };
	struct symbols *s = parse(text);
	struct profile profile;

	(void)state;
	profile_init(&profile, &map);
	symbols_place(s, &profile, &none);
	assert_at(s, 0xffff800000000044, false, "probe", 0x44);
	assert_at(s, 0xffff800008000108, false, "odd?name", 8);
	assert_at(s, 0xffff800008000208, false, "last", 8);
	profile_free(&profile);
	symbols_free(s);
}

/* A vmlinux of two functions, one of them Thumb. */
struct image {
	Elf32_Ehdr header;
	Elf32_Shdr section[4];
	Elf32_Sym symbol[5];
	char names[64];
};

static void make_image(struct image *im)
{
	static const char names[] = "\0_text\0thumb\0asm_entry\0.Llocal\0";

	memset(im, 0, sizeof(*im));
	memcpy(im->names, names, sizeof(names));
	memcpy(im->header.e_ident, ELFMAG, SELFMAG);
	im->header.e_ident[EI_CLASS] = ELFCLASS32;
	im->header.e_ident[EI_DATA] = ELFDATA2LSB;
	im->header.e_ident[EI_VERSION] = EV_CURRENT;
	im->header.e_type = ET_EXEC;
	im->header.e_machine = EM_ARM;
	im->header.e_version = EV_CURRENT;
	im->header.e_ehsize = sizeof(im->header);
	im->header.e_shentsize = sizeof(im->section[0]);
	im->header.e_shnum = 4;
	im->header.e_shstrndx = 3;
	im->header.e_shoff = offsetof(struct image, section);
	im->section[1].sh_type = SHT_NOBITS;
	im->section[1].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	im->section[2].sh_type = SHT_SYMTAB;
	im->section[2].sh_offset = offsetof(struct image, symbol);
	im->section[2].sh_size = sizeof(im->symbol);
	im->section[2].sh_entsize = sizeof(im->symbol[0]);
	im->section[2].sh_link = 3;
	im->section[3].sh_type = SHT_STRTAB;
	im->section[3].sh_offset = offsetof(struct image, names);
	im->section[3].sh_size = sizeof(im->names);
	im->symbol[1] = (Elf32_Sym){ 1, 0xc0008000,
				     0, ELF32_ST_INFO(STB_GLOBAL, STT_NOTYPE),
				     0, 1 };
	im->symbol[2] = (Elf32_Sym){ 7,    0xc0008101,
				     0x20, ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
				     0,    1 };
	im->symbol[3] = (Elf32_Sym){ 13, 0xc0008200,
				     0,  ELF32_ST_INFO(STB_LOCAL, STT_NOTYPE),
				     0,  1 };
	im->symbol[4] = (Elf32_Sym){ 23, 0xc0008204,
				     0,  ELF32_ST_INFO(STB_LOCAL, STT_NOTYPE),
				     0,  1 };
}

static void test_elf(void **state)
{
	const struct symbols_hint none = { 0 };
	struct error err = { 0 };
	struct profile profile;
	struct symbols *s;
	struct image im;

	(void)state;
	make_image(&im);
	s = symbols_parse("vmlinux", (const char *)&im, sizeof(im), &err);
	if (!s)
		fail_msg("%s", err.text);
	profile_init(&profile, &map);
	symbols_place(s, &profile, &none);
	assert_at(s, 0xc0008004, false, "_text", 4);
	assert_at(s, 0xc0008102, false, "thumb", 2);
	assert_at(s, 0xc0008120, false, "[module]", 0); /* its size is known */
	assert_at(s, 0xc0008208, false, "asm_entry", 8);
	profile_free(&profile);
	symbols_free(s);

	/* cut or changed anywhere: refused, or read as far as it goes */
	for (size_t cut = 4; cut < sizeof(im); cut++) {
		s = symbols_parse("cut", (const char *)&im, cut, &err);
		symbols_free(s);
	}
	for (size_t i = 4; i < sizeof(im); i++) {
		((unsigned char *)&im)[i] ^= 0xff;
		s = symbols_parse("bad", (const char *)&im, sizeof(im), &err);
		symbols_free(s);
		make_image(&im);
	}
	im.header.e_machine = EM_X86_64;
	assert_refused((const char *)&im, sizeof(im), "no kernel for ARM");
}

static int setup(void **state)
{
	struct error err = { 0 };

	(void)state;
	return vmmap_default(&map, &err);
}

static int teardown(void **state)
{
	(void)state;
	vmmap_free(&map);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_map),
		cmocka_unit_test(test_early_addresses),
		cmocka_unit_test(test_kaslr),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_kallsyms),
		cmocka_unit_test(test_elf),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
