// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arch-arm/layout.h"

#define MIB      0x100000ULL
#define RAM_BASE 0x40000000ULL

static struct image zimage(uint64_t footprint)
{
	return (struct image){ .format = IMAGE_ZIMAGE,
			       .width = GUEST_32BIT,
			       .size = 1,
			       .text_offset = 0x8000,
			       .footprint = footprint };
}

static struct image arm64(uint64_t footprint)
{
	return (struct image){ .format = IMAGE_ARM64,
			       .width = GUEST_64BIT,
			       .size = 1,
			       .text_offset = 0,
			       .footprint = footprint };
}

static struct layout_request request(const struct image *k, uint64_t ram,
				     uint64_t initrd)
{
	return (struct layout_request){ .ram_base = RAM_BASE,
					.ram_size = ram,
					.kernel = k,
					.initrd_size = initrd,
					.dtb_size = 0x8100 };
}

/* The -m N of the message, in MiB; 0 if it has none. */
static uint64_t advised(const struct error *err)
{
	const char *m = strstr(err->text, "use -m ");

	return m ? strtoull(m + 7, NULL, 10) : 0;
}

static void recommended_places(void **state)
{
	struct image z = zimage(30 * MIB), a = arm64(30 * MIB);
	struct layout_request req;
	struct layout out;

	(void)state;
	req = request(&z, 512 * MIB, 5 * MIB);
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	assert_int_equal(out.kernel_gpa, RAM_BASE + 0x8000);
	assert_int_equal(out.entry, out.kernel_gpa);
	assert_int_equal(out.dtb_gpa, RAM_BASE + 128 * MIB);
	assert_int_equal(out.initrd_gpa, RAM_BASE + 128 * MIB + 0x9000);

	a.text_offset = 0x80000;
	req = request(&a, 512 * MIB, 0);
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	assert_int_equal(out.kernel_gpa, RAM_BASE + 0x80000);
	assert_int_equal(out.initrd_gpa, 0);

	/* A flat image: below it, unless that is too little. */
	a.format = IMAGE_FLAT;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	assert_int_equal(out.kernel_gpa, RAM_BASE + 0x80000);
	assert_int_equal(out.dtb_gpa, RAM_BASE);
	req.dtb_size = 0x80001;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	assert_int_equal(out.dtb_gpa, RAM_BASE + 128 * MIB);
}

static void large_kernel_pushes_boot_data_up(void **state)
{
	struct image z = zimage(200 * MIB);
	struct layout_request req = request(&z, 512 * MIB, MIB);
	struct layout out;

	(void)state;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	assert_int_equal(out.dtb_gpa, RAM_BASE + 202 * MIB);
}

static void too_little_memory(void **state)
{
	struct image z = zimage(20 * MIB);
	struct layout_request req = request(&z, 2 * MIB, 3 * MIB);
	struct error err = { 0 };
	struct layout out;
	uint64_t n;

	(void)state;
	assert_true(layout_plan(&req, &out, &err) < 0);
	assert_int_equal(err.status, TL_MEMORY);
	n = advised(&err);
	/* 26 MiB hold it all; 32 more are advised for Linux to run in. */
	assert_int_equal(n, 58);
	req.ram_size = n * MIB;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	req.ram_size = 26 * MIB;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	req.ram_size = 24 * MIB;
	assert_true(layout_plan(&req, &out, NULL) < 0);

	/* A flat image gets the bare minimum. */
	z.format = IMAGE_FLAT;
	memset(&err, 0, sizeof(err));
	assert_true(layout_plan(&req, &out, &err) < 0);
	assert_int_equal(advised(&err), 26);
}

static void lowmem_is_a_32_bit_limit(void **state)
{
	struct image z = zimage(20 * MIB), a = arm64(20 * MIB);
	struct layout_request req = request(&z, 4096 * MIB, 800 * MIB);
	struct error err = { 0 };
	struct layout out;

	(void)state;
	assert_true(layout_plan(&req, &out, &err) < 0);
	assert_int_equal(err.status, TL_MEMORY);
	/* More memory would not help, so none is advised. */
	assert_int_equal(advised(&err), 0);

	/* 128 MiB would push it out of low memory; lower down it fits. */
	req.initrd_size = 700 * MIB;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	assert_int_equal(out.dtb_gpa, RAM_BASE + 22 * MIB);

	req.kernel = &a;
	req.initrd_size = 800 * MIB;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
}

static void absurd_sizes(void **state)
{
	struct image a = arm64(20 * MIB);
	struct layout_request req = request(&a, 512 * MIB, UINT64_MAX);
	struct layout out;

	(void)state;
	assert_true(layout_plan(&req, &out, NULL) < 0);
	req.initrd_size = UINT64_MAX - 0xfff;
	assert_true(layout_plan(&req, &out, NULL) < 0);
	req.initrd_size = 0;
	a.footprint = UINT64_MAX;
	assert_true(layout_plan(&req, &out, NULL) < 0);
	a = arm64(MIB);
	a.text_offset = UINT64_MAX;
	assert_true(layout_plan(&req, &out, NULL) < 0);
	a = arm64(MIB);
	req.dtb_size = 0;
	assert_true(layout_plan(&req, &out, NULL) < 0);
	req.dtb_size = 2 * MIB + 1;
	assert_true(layout_plan(&req, &out, NULL) < 0);
	req.dtb_size = 2 * MIB;
	assert_int_equal(layout_plan(&req, &out, NULL), 0);
	a.size = 2 * MIB; /* larger than its footprint */
	assert_true(layout_plan(&req, &out, NULL) < 0);
}

static bool apart(uint64_t a, uint64_t na, uint64_t b, uint64_t nb)
{
	return a + na <= b || b + nb <= a;
}

/* What both booting.rst demand of any plan. */
static void check_plan(const struct layout_request *req,
		       const struct layout *out)
{
	const struct image *k = req->kernel;
	uint64_t end = req->ram_base + req->ram_size;
	uint64_t kend = out->kernel_gpa + k->footprint;

	assert_true(out->kernel_gpa >= req->ram_base && kend <= end);
	assert_int_equal(out->kernel_gpa - k->text_offset, req->ram_base);
	assert_int_equal(out->dtb_gpa % 8, 0);
	assert_int_equal(out->dtb_gpa / (2 * MIB),
			 (out->dtb_gpa + req->dtb_size - 1) / (2 * MIB));
	assert_true(out->dtb_gpa >= req->ram_base &&
		    out->dtb_gpa + req->dtb_size <= end);
	assert_true(apart(out->kernel_gpa, k->footprint, out->dtb_gpa,
			  req->dtb_size));
	if (k->width == GUEST_32BIT)
		assert_true(out->dtb_gpa + req->dtb_size <=
			    req->ram_base + 760 * MIB);
	if (!req->initrd_size) {
		assert_int_equal(out->initrd_gpa, 0);
		return;
	}
	assert_int_equal(out->initrd_gpa % 0x1000, 0);
	assert_true(out->initrd_gpa >= req->ram_base &&
		    out->initrd_gpa + req->initrd_size <= end);
	assert_true(apart(out->kernel_gpa, k->footprint, out->initrd_gpa,
			  req->initrd_size));
	assert_true(apart(out->dtb_gpa, req->dtb_size, out->initrd_gpa,
			  req->initrd_size));
	if (k->width == GUEST_32BIT)
		assert_true(out->initrd_gpa + req->initrd_size <=
			    req->ram_base + 760 * MIB);
}

/* Up to 2^@bits, small values as likely as large ones. */
static uint64_t rnd(unsigned int bits)
{
	uint64_t v = (uint64_t)random() << 31 | (uint64_t)random();

	return v & ((1ULL << (1 + random() % bits)) - 1);
}

static void random_sizes_never_overlap(void **state)
{
	unsigned int i, planned = 0, refused = 0;

	(void)state;
	srandom(20);
	for (i = 0; i < 200000; i++) {
		struct image k = random() % 2 ? zimage(rnd(29) + 1)
					      : arm64(rnd(33) + 1);
		struct layout_request req = request(&k, (rnd(14) + 1) * 2 * MIB,
						    random() % 4 ? rnd(31) : 0);
		struct error err = { 0 };
		struct layout out;
		uint64_t n;

		if (k.width == GUEST_64BIT)
			k.text_offset = rnd(20) & ~0xfffULL;
		req.dtb_size = rnd(20) + 1;
		if (layout_plan(&req, &out, &err) == 0) {
			check_plan(&req, &out);
			planned++;
			continue;
		}
		refused++;
		assert_int_equal(err.status, TL_MEMORY);
		n = advised(&err);
		if (!n) {
			assert_int_equal(k.width, GUEST_32BIT);
			continue;
		}
		/* The advice holds, and is no more than 32 MiB generous. */
		assert_true(n * MIB > req.ram_size);
		req.ram_size = n * MIB;
		assert_int_equal(layout_plan(&req, &out, NULL), 0);
		check_plan(&req, &out);
		req.ram_size = (n - 34) * MIB;
		assert_true(layout_plan(&req, &out, NULL) < 0);
	}
	/* Both ways were taken often. */
	assert_true(planned > 1000 && refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recommended_places),
		cmocka_unit_test(large_kernel_pushes_boot_data_up),
		cmocka_unit_test(too_little_memory),
		cmocka_unit_test(lowmem_is_a_32_bit_limit),
		cmocka_unit_test(absurd_sizes),
		cmocka_unit_test(random_sizes_never_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
