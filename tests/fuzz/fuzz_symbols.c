// SPDX-License-Identifier: GPL-2.0-only
/* A list of symbols, or an ELF, that no linker has written; and any address. */
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct symbols_hint hint = { 0 };
	struct error err = { 0 };
	struct profile profile;
	struct symbols *symbols;
	struct vmmap map = { 0 };
	uint64_t pc[4] = { 0, 0xc0008000, UINT64_MAX, 0x40000000 };
	char name[192];

	symbols = symbols_parse("fuzz", (const char *)data, size, &err);
	if (!symbols) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (size >= sizeof(pc[0]))
		memcpy(pc, data + size - sizeof(pc[0]), sizeof(pc[0]));
	profile_init(&profile, &map);
	profile.virt_base = symbols_virt_base(symbols);
	for (int i = 0; i < 4; i++) {
		struct trap_exit exit = { .tid = 1 + i % 2,
					  .kind = EXIT_TRAP,
					  .ec = i % 2 ? EC_WFX : EC_HVC64,
					  .pc = pc[i] };

		profile_exit(&exit, &profile);
	}
	symbols_place(symbols, &profile, &hint);
	for (int i = 0; i < 8; i++) {
		symbols_name(symbols, pc[i / 2], i % 2, name, sizeof(name),
			     NULL);
		if (!name[0])
			abort();
	}
	symbols_describe(symbols, name, sizeof(name));
	profile_free(&profile);
	symbols_free(symbols);
	return 0;
}
