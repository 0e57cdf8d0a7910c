// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/gmem.h"

#define MIB   UINT64_C(0x100000)
#define BLOCK (2 * MIB)
#define BASE  UINT64_C(0x40000000)

static void test_add_and_translate(void **state)
{
	struct gmem gm = { 0 };
	struct error err = { 0 };
	uint8_t *p;

	(void)state;
	assert_int_equal(gmem_add_ram(&gm, BASE, 16 * MIB, &err), 0);
	assert_int_equal(err.status, TL_OK);
	assert_int_equal(gm.nr, 1);

	p = gmem_ptr(&gm, BASE, 16 * MIB);
	assert_ptr_equal(p, gm.region[0].hva);
	/* Anonymous memory starts as zero, and all of it is there. */
	assert_int_equal(p[0], 0);
	assert_int_equal(p[16 * MIB - 1], 0);
	p[16 * MIB - 1] = 0x5a;

	assert_ptr_equal(gmem_ptr(&gm, BASE + 0x1234, 1), p + 0x1234);
	assert_ptr_equal(gmem_ptr(&gm, BASE + 16 * MIB - 1, 1),
			 p + 16 * MIB - 1);
	gmem_destroy(&gm);
	assert_int_equal(gm.nr, 0);
	assert_null(gmem_ptr(&gm, BASE, 1));
}

static void test_bounds(void **state)
{
	const uint64_t end = BASE + 4 * MIB;
	struct gmem gm = { 0 };

	(void)state;
	assert_null(gmem_ptr(&gm, 0, 1));
	assert_int_equal(gmem_add_ram(&gm, BASE, 4 * MIB, NULL), 0);

	assert_null(gmem_ptr(&gm, BASE, 0));
	assert_null(gmem_ptr(&gm, BASE - 1, 1));
	assert_null(gmem_ptr(&gm, BASE - 1, 2));
	assert_null(gmem_ptr(&gm, end, 1));
	assert_null(gmem_ptr(&gm, end - 1, 2));
	assert_null(gmem_ptr(&gm, BASE, 4 * MIB + 1));
	assert_non_null(gmem_ptr(&gm, BASE, 4 * MIB));
	assert_null(gmem_ptr(&gm, 0, UINT64_MAX));

	/* Ranges that wrap, among them one that ends inside of the region. */
	assert_null(gmem_ptr(&gm, BASE, UINT64_MAX));
	assert_null(gmem_ptr(&gm, BASE + 1, UINT64_MAX));
	assert_null(gmem_ptr(&gm, BASE + 2 * MIB, UINT64_MAX - BASE));
	assert_null(gmem_ptr(&gm, UINT64_MAX, 1));
	assert_null(gmem_ptr(&gm, UINT64_MAX, BASE + 2));
	gmem_destroy(&gm);
}

static void test_regions_do_not_join(void **state)
{
	struct gmem gm = { 0 };

	(void)state;
	/* Adjacent for the guest, anywhere for the host; added in any order. */
	assert_int_equal(gmem_add_ram(&gm, BASE + 2 * MIB, 2 * MIB, NULL), 0);
	assert_int_equal(gmem_add_ram(&gm, BASE, 2 * MIB, NULL), 0);

	assert_ptr_equal(gmem_ptr(&gm, BASE, 2 * MIB), gm.region[1].hva);
	assert_ptr_equal(gmem_ptr(&gm, BASE + 2 * MIB, 1), gm.region[0].hva);
	assert_null(gmem_ptr(&gm, BASE + 2 * MIB - 1, 2));
	gmem_destroy(&gm);
}

static void expect_error(struct gmem *gm, uint64_t gpa, uint64_t size, int ret)
{
	struct error err = { 0 };
	const unsigned int nr = gm->nr;

	assert_int_equal(gmem_add_ram(gm, gpa, size, &err), ret);
	assert_int_equal(err.status, TL_MEMORY);
	assert_int_equal(err.errnum, -ret);
	assert_true(strlen(err.text) > 10);
	assert_null(strchr(err.text, '\n'));
	assert_int_equal(gm->nr, nr);
}

static void test_bad_sizes(void **state)
{
	struct gmem gm = { 0 };

	(void)state;
	expect_error(&gm, BASE, 0, -EINVAL);
	expect_error(&gm, BASE, 1, -EINVAL);
	expect_error(&gm, BASE, 4095, -EINVAL);
	expect_error(&gm, BASE, MIB + 512, -EINVAL);
	expect_error(&gm, BASE + 1, MIB, -EINVAL);
	expect_error(&gm, UINT64_MAX - 4095, 8192, -EINVAL);
	expect_error(&gm, MIB, UINT64_MAX - 4095, -EINVAL);
}

static void test_overlaps(void **state)
{
	struct gmem gm = { 0 };

	(void)state;
	assert_int_equal(gmem_add_ram(&gm, BASE, 4 * MIB, NULL), 0);
	expect_error(&gm, BASE, 4 * MIB, -EINVAL);
	expect_error(&gm, BASE + MIB, MIB, -EINVAL);
	expect_error(&gm, BASE - MIB, MIB + 4096, -EINVAL);
	expect_error(&gm, BASE - MIB, 16 * MIB, -EINVAL);
	expect_error(&gm, BASE + 4 * MIB - 4096, MIB, -EINVAL);
	assert_int_equal(gmem_add_ram(&gm, BASE - MIB, MIB, NULL), 0);
	assert_int_equal(gmem_add_ram(&gm, BASE + 4 * MIB, MIB, NULL), 0);
	gmem_destroy(&gm);
}

static void test_last_page(void **state)
{
	const uint64_t last = UINT64_MAX - 4095;
	struct gmem gm = { 0 };

	(void)state;
	assert_int_equal(gmem_add_ram(&gm, last, 4096, NULL), 0);
	assert_non_null(gmem_ptr(&gm, last, 4096));
	assert_non_null(gmem_ptr(&gm, UINT64_MAX, 1));
	assert_null(gmem_ptr(&gm, UINT64_MAX, 2));
	assert_null(gmem_ptr(&gm, 0, 1));
	expect_error(&gm, last, 4096, -EINVAL);
	gmem_destroy(&gm);
}

static void test_too_many_regions(void **state)
{
	struct gmem gm = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < GMEM_MAX_REGIONS; i++)
		assert_int_equal(gmem_add_ram(&gm, BASE + i * MIB, MIB, NULL),
				 0);
	expect_error(&gm, BASE + i * MIB, MIB, -ENOSPC);
	gmem_destroy(&gm);
}

static void test_host_cannot(void **state)
{
	struct gmem gm = { 0 };
	struct error err = { 0 };

	(void)state;
	/* More than the address space of any host. */
	assert_int_equal(gmem_add_ram(&gm, 0, UINT64_C(1) << 60, &err),
			 -ENOMEM);
	assert_int_equal(err.status, TL_MEMORY);
	assert_non_null(strstr(err.text, "1099511627776 MiB"));
	assert_non_null(strstr(err.text, "--mem"));
	assert_int_equal(gm.nr, 0);

	/* The reservation for alignment must not wrap. */
	expect_error(&gm, 0, UINT64_MAX - 4095, -ENOMEM);
	gmem_destroy(&gm);
}

/* Whether the page at @p is mapped, by the kernel's account. */
static int is_mapped(const void *p)
{
	unsigned long lo, hi, at = (unsigned long)p;
	int found = 0;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &lo, &hi) == 2 && at >= lo &&
		    at < hi)
			found = 1;
	fclose(maps);
	return found;
}

static void test_alignment(void **state)
{
	static const uint64_t gpa[] = { BASE, 0, BASE + 4096, BASE + MIB,
					BASE + BLOCK - 4096 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(gpa) / sizeof(gpa[0]); i++) {
		struct gmem gm = { 0 };
		uint8_t *hva;

		assert_int_equal(gmem_add_ram(&gm, gpa[i], 3 * MIB, NULL), 0);
		hva = gm.region[0].hva;
		assert_int_equal((uintptr_t)hva % BLOCK, gpa[i] % BLOCK);
		memset(hva, 0xa5, 3 * MIB);
		gmem_destroy(&gm);
		assert_false(is_mapped(hva));
		assert_false(is_mapped(hva + 3 * MIB - 4096));
	}
}

/* Nothing of the over-allocation may stay behind. */
static void test_no_leak(void **state)
{
	unsigned long before = 0, after = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct gmem gm = { 0 };
		FILE *statm;

		assert_int_equal(
			gmem_add_ram(&gm, BASE + 4096 * i, 64 * MIB, NULL), 0);
		gmem_destroy(&gm);
		statm = fopen("/proc/self/statm", "r");
		assert_non_null(statm);
		assert_int_equal(fscanf(statm, "%lu", i ? &after : &before), 1);
		fclose(statm);
	}
	assert_true(after < before + 16 * MIB / 4096);
}

static void test_read_write(void **state)
{
	const uint64_t end = BASE + 2 * MIB;
	struct gmem gm = { 0 };
	uint8_t buf[4] = { 0 };

	(void)state;
	assert_int_equal(gmem_add_ram(&gm, BASE, 2 * MIB, NULL), 0);
	assert_int_equal(gmem_write(&gm, end - 4, "\1\2\3\4", 4), 0);
	assert_int_equal(gmem_read(&gm, end - 4, buf, 4), 0);
	assert_memory_equal(buf, "\1\2\3\4", 4);

	/* All or nothing. */
	assert_int_equal(gmem_write(&gm, end - 3, "\5\6\7\x8", 4), -EFAULT);
	assert_int_equal(gmem_read(&gm, end - 3, buf, 4), -EFAULT);
	assert_memory_equal(buf, "\1\2\3\4", 4);
	assert_int_equal(gmem_read(&gm, end - 4, buf, 4), 0);
	assert_memory_equal(buf, "\1\2\3\4", 4);

	assert_int_equal(gmem_read(&gm, BASE, buf, 0), -EFAULT);
	assert_int_equal(gmem_write(&gm, BASE, buf, 0), -EFAULT);
	assert_int_equal(gmem_read(&gm, BASE - 4, buf, 4), -EFAULT);
	assert_int_equal(gmem_write(&gm, BASE, buf, SIZE_MAX), -EFAULT);
	gmem_destroy(&gm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_and_translate),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_regions_do_not_join),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_last_page),
		cmocka_unit_test(test_too_many_regions),
		cmocka_unit_test(test_host_cannot),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_no_leak),
		cmocka_unit_test(test_read_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
