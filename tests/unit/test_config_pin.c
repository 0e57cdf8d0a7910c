// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "config-pin.h"

static void lists(void **state)
{
	static const char text[] = "0=2,1=4-5,7,3=0";
	cpu_set_t cpus;

	(void)state;
	assert_int_equal(config_pin_check(text, NULL), 0);
	assert_true(config_pin_cpus(text, 0, &cpus));
	assert_int_equal(CPU_COUNT(&cpus), 1);
	assert_true(CPU_ISSET(2, &cpus));
	assert_true(config_pin_cpus(text, 1, &cpus));
	assert_int_equal(CPU_COUNT(&cpus), 3);
	assert_true(CPU_ISSET(4, &cpus) && CPU_ISSET(5, &cpus) &&
		    CPU_ISSET(7, &cpus));
	assert_false(config_pin_cpus(text, 2, &cpus));
	assert_true(config_pin_cpus(text, 3, &cpus));
	assert_false(config_pin_cpus(NULL, 0, &cpus));
}

static void fits(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_pin_fits(NULL, 1, &err), 0);
	assert_int_equal(config_pin_fits("0=0,1=0", 2, &err), 0);
	assert_int_equal(config_pin_fits("0=0,2=0", 2, &err), -EINVAL);
	assert_int_equal(err.status, TL_USAGE);
	assert_non_null(strstr(err.text, "CPU 2"));
}

static void garbage(void **state)
{
	static const char *const bad[] = {
		"",
		"2",
		"0",
		"0=",
		"=0",
		"0=1,",
		",0=1",
		"0=-1",
		"0=1-",
		"0=2-1",
		"0=1,,1=2",
		"0=1 ",
		"0=a",
		"a=0",
		"0=1024",
		"0=1=2",
		"0=1,1=2;3",
		"-1=0",
		"0=99999999999999999999",
	};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(config_pin_check(bad[i], &err), -EINVAL);
		assert_int_equal(err.status, TL_USAGE);
		assert_non_null(strstr(err.text, "--cpu-pin"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(fits),
		cmocka_unit_test(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
