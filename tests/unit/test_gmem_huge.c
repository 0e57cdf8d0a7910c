// SPDX-License-Identifier: GPL-2.0-only
/* Huge pages that are set aside, of which a build machine often has none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/gmem-huge.h"

#define BASE 0x40000000ULL
#define MIB  0x100000ULL

static void refuse(uint64_t size, uint64_t page, const char *dir, int ret,
		   const char *text)
{
	const struct gmem_huge huge = { page, dir };
	struct error err = { 0 };
	struct gmem gm = { 0 };

	assert_int_equal(gmem_add_huge_ram(&gm, BASE, size, &huge, &err), ret);
	assert_int_equal(err.status, TL_MEMORY);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(gm.nr, 0);
}

static void refusals(void **state)
{
	(void)state;
	refuse(3 * MIB, 2 * MIB, NULL, -EINVAL, "whole number");
	refuse(12 * MIB, 3 * MIB, NULL, -EINVAL, "no huge pages of that size");
	/* A size that no architecture has. */
	refuse(8 * MIB, 8 * MIB, NULL, -EINVAL, "no huge pages of that size");
	refuse(2 * MIB, 0, "/no/such/dir", -ENOENT, "/no/such/dir");
	refuse(2 * MIB, 0, "/tmp", -EINVAL, "is no hugetlbfs");
	/* More than there can be. */
	refuse(UINT64_C(1) << 46, 2 * MIB, NULL, -ENOMEM, "nr_hugepages");
}

static void pages(void **state)
{
	const struct gmem_huge huge = { 0 };
	struct error err = { 0 };
	struct gmem gm = { 0 };
	uint32_t val = 7;

	(void)state;
	if (gmem_add_huge_ram(&gm, BASE, 512 * MIB, &huge, &err)) {
		assert_int_equal(err.status, TL_MEMORY);
		skip();
	}
	assert_int_equal(gmem_write(&gm, BASE + 4 * MIB, &val, 4), 0);
	gmem_destroy(&gm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
