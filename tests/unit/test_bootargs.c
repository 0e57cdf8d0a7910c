// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bootargs.h"

static void has(void **state)
{
	(void)state;
	assert_true(bootargs_has("quiet root=/dev/vda", "root"));
	assert_true(bootargs_has("\"root=a b\"", "root"));
	assert_false(bootargs_has("quiet roots=/dev/vda", "root"));
	assert_false(bootargs_has("root", "root"));
	assert_false(bootargs_has("x=\"a root=b\"", "root"));
	assert_false(bootargs_has("-- root=x", "root"));
	assert_false(bootargs_has("", "root"));
	assert_false(bootargs_has(NULL, "root"));
}

static void tiny(const char *params, const char *with)
{
	char text[120] = "";

	assert_true(bootargs_tiny_mem(params, text, sizeof(text)));
	if (!strstr(text, with))
		fail_msg("no '%s' in: %s", with, text);
	assert_true(strlen(text) < sizeof(text) - 1);
}

static void enough(const char *params)
{
	char text[120];

	if (bootargs_tiny_mem(params, text, sizeof(text)))
		fail_msg("'%s': %s", params, text);
}

static void mem_without_a_unit(void **state)
{
	(void)state;
	tiny("console=ttyAMA0 mem=512 root=/dev/vda ip=dhcp",
	     "mem=512 is 512 bytes");
	tiny("mem=512", "mem=512M was meant");
	tiny("mem=512@0x80000000", "mem=512M");
	tiny("mem=1048575", "1048575 bytes");
	tiny("mem=0x200", "mem=512M");
	/* Each is looked at. */
	tiny("mem=512M mem=256", "mem=256M");
}

static void mem_with_one(void **state)
{
	(void)state;
	enough("mem=512M");
	enough("mem=512m@0x80000000");
	enough("mem=1G");
	enough("mem=524288K");
	enough("mem=536870912");
	enough("mem=0x20000000");
	enough("mem=nopentium");
	enough("mem=");
	enough("memory=512");
	enough("-- mem=512");
	enough("mem=99999999999999999999999");
	enough("");
	enough(NULL);
}

static void silent(void **state)
{
	char text[120];
	size_t i;
	static const char *const heard[] = {
		"console=ttyAMA0",
		"console=hvc0",
		"console=ttyS0 console=tty0",
		"console=ttyS",
		"console=ttySAC0",
		"-- console=ttyS0",
		"noconsole=ttyS0",
		"console=",
		"",
		NULL,
	};

	(void)state;
	assert_true(bootargs_silent("console=ttyS0", text, sizeof(text)));
	assert_non_null(strstr(text, "console=ttyS0 is no console"));
	assert_non_null(strstr(text, "leave console= out"));
	assert_true(bootargs_silent("console=ttyAMA0 console=ttyS1,115200n8 ro",
				    text, sizeof(text)));
	assert_non_null(strstr(text, "ttyS1 "));
	for (i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		if (bootargs_silent(heard[i], text, sizeof(text)))
			fail_msg("'%s': %s", heard[i], text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has),
		cmocka_unit_test(mem_without_a_unit),
		cmocka_unit_test(mem_with_one),
		cmocka_unit_test(silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
