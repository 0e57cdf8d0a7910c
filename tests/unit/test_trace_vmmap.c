// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "vmmap.h"

#define HEAD "{\"format\":\"trapline-vm\",\"version\":1,"

static int parse(struct vmmap *map, const char *text, struct error *err)
{
	memset(err, 0, sizeof(*err));
	return vmmap_parse(map, "vm.json", text, strlen(text), err);
}

static void test_whole_file(void **state)
{
	static const char text[] = HEAD
		"\"vmm\":\"trapline 0.1.0\",\"name\":\"demo\",\"pid\":9,"
		"\"machine\":\"virt\",\"guest_width\":32,\"gic_version\":2,"
		"\"kernel\":\"zImage\",\"ended\":\"power-off\",\"boots\":2,"
		"\"memory\":[{\"gpa\":1073741824,\"size\":67108864}],"
		"\"devices\":["
		"{\"name\":\"uart\",\"type\":\"pl011\",\"base\":150994944,"
		"\"size\":4096,\"spi\":1},"
		"{\"name\":\"disk\",\"type\":\"virtio-mmio\",\"virtio\":\"blk\","
		"\"base\":167772160,\"size\":512}],"
		"\"vcpus\":[{\"id\":1,\"tid\":12,\"tids\":[10,12],"
		"\"stats\":{\"exits\":7,\"trap_exits\":5}},"
		"{\"id\":0,\"tid\":11,\"stats\":{\"exits\":3}}]}";
	struct vmmap map;
	struct error err;
	int i;

	(void)state;
	assert_int_equal(parse(&map, text, &err), 0);
	assert_true(map.from_file);
	assert_string_equal(map.name, "demo");
	assert_string_equal(map.ended, "power-off");
	assert_int_equal(map.guest_width, 32);
	assert_int_equal(map.boots, 2);
	i = vmmap_find(&map, 0x09000018);
	assert_true(i >= 0);
	assert_string_equal(map.range[i].name, "uart");
	assert_int_equal(map.range[i].type, DEVREG_PL011);
	i = vmmap_find(&map, 0x0a0001ff);
	assert_true(i >= 0);
	assert_string_equal(map.range[i].name, "disk");
	assert_int_equal(vmmap_find(&map, 0x0a000200), -1);
	assert_int_equal(vmmap_find(&map, 0), -1);
	assert_int_equal(vmmap_find(&map, UINT64_MAX), -1);
	i = vmmap_find(&map, 0x43ffffff);
	assert_true(i >= 0 && map.range[i].ram);
	assert_int_equal(vmmap_find(&map, 0x44000000), -1);
	assert_int_equal(vmmap_vcpu_of(&map, 10)->id, 1);
	assert_int_equal(vmmap_vcpu_of(&map, 12)->id, 1);
	assert_int_equal(vmmap_vcpu_of(&map, 11)->id, 0);
	assert_null(vmmap_vcpu_of(&map, 13));
	assert_true(map.vcpu[0].trap_exits.known);
	assert_int_equal(map.vcpu[0].exits.value, 7);
	assert_false(map.vcpu[1].trap_exits.known);
	assert_false(map.vcpu[1].hyp_exits.known);
	vmmap_free(&map);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"not json",
		"[]",
		"null",
		"{}",
		"{\"format\":\"trapline-vm\",\"version\":2}",
		"{\"format\":\"other\",\"version\":1}",
		"{\"format\":1,\"version\":1}",
		HEAD "\"memory\":[{\"gpa\":0}]}",
		HEAD "\"memory\":[{\"gpa\":-1,\"size\":1}]}",
		HEAD "\"memory\":[{\"gpa\":0,\"size\":0}]}",
		HEAD "\"memory\":[7]}",
		HEAD "\"devices\":[{\"base\":0,\"size\":\"big\"}]}",
		HEAD "\"memory\":[{\"gpa\":0,\"size\":4097},"
		     "{\"gpa\":4096,\"size\":1}]}",
		HEAD "\"vcpus\":[{\"id\":0}]}",
		HEAD "\"vcpus\":[{\"id\":0,\"tid\":0}]}",
		HEAD "\"vcpus\":[{\"id\":-1,\"tid\":5}]}",
		HEAD
		"\"vcpus\":[{\"id\":0,\"tid\":5},{\"id\":1,\"tids\":[\"x\"]}]}",
		HEAD "\"vcpus\":[null]}",
	};
	struct vmmap map;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&map, bad[i], &err), -EINVAL);
		assert_int_equal(err.status, TL_TRACE);
		assert_non_null(strstr(err.text, "vm.json"));
		assert_null(strchr(err.text, '\n'));
		assert_int_equal(map.nr_ranges, 0);
	}
}

/* A running VM was recorded: its counters grew by so much. */
static void test_counted(void **state)
{
	struct vmmap map;
	struct error err;

	(void)state;
	assert_int_equal(parse(&map,
			       HEAD
			       "\"only\":true,\"counted\":{\"exits\":[5,9],"
			       "\"trap_exits\":[4,null]},\"vcpus\":["
			       "{\"id\":0,\"tid\":5,\"counted\":{"
			       "\"exits\":[-1,2],\"trap_exits\":[1]}}]}",
			       &err),
			 0);
	assert_true(map.only);
	assert_true(map.exits.known && map.exits.span);
	assert_int_equal(map.exits.value, 5);
	assert_int_equal(map.exits.high, 9);
	assert_true(map.trap_exits.high == UINT64_MAX);
	assert_false(map.vcpu[0].exits.known);
	assert_true(map.vcpu[0].trap_exits.known);
	assert_true(map.vcpu[0].trap_exits.high == UINT64_MAX);
	/* devices are not described: those of QEMU's board */
	assert_true(vmmap_find(&map, 0x09000000) >= 0);
	vmmap_free(&map);
}

/* What is missing or of another type is not known, and no error. */
static void test_sparse(void **state)
{
	struct vmmap map;
	struct error err;

	(void)state;
	assert_int_equal(parse(&map,
			       HEAD "\"name\":5,\"memory\":{},\"boots\":-3,"
				    "\"vcpus\":[{\"id\":0,\"tid\":5,\"stats\":"
				    "{\"exits\":-1,\"trap_exits\":\"9\"}}]}",
			       &err),
			 0);
	assert_string_equal(map.name, "");
	assert_int_equal(map.boots, 0);
	assert_false(map.vcpu[0].exits.known);
	assert_false(map.vcpu[0].trap_exits.known);
	vmmap_free(&map);
}

/* Names go to a terminal: nothing in them may control it. */
static void test_control_characters(void **state)
{
	struct vmmap map;
	struct error err;

	(void)state;
	assert_int_equal(
		parse(&map, HEAD "\"name\":\"a\\u001b[2Jb\\n\"}", &err), 0);
	assert_string_equal(map.name, "a?[2Jb?");
	vmmap_free(&map);
}

static void test_long_name(void **state)
{
	char name[501], text[1024];
	struct vmmap map;
	struct error err;

	(void)state;
	memset(name, 'x', 500);
	name[500] = '\0';
	snprintf(text, sizeof(text), HEAD "\"name\":\"%s\"}", name);
	assert_int_equal(parse(&map, text, &err), 0);
	assert_int_equal(strlen(map.name), sizeof(map.name) - 1);
	vmmap_free(&map);
}

static void test_no_file(void **state)
{
	struct error err = { 0 };
	struct vmmap map;

	(void)state;
	assert_int_equal(vmmap_read(&map, "tests/golden/none.vm.json", &err),
			 -ENOENT);
	/* One whose VM was killed is empty. */
	assert_int_equal(vmmap_read(&map, "/dev/null", &err), -ENOENT);
	assert_string_equal(err.text, "");
	assert_true(vmmap_read(&map, "tests", &err) < 0);
	assert_int_equal(err.status, TL_TRACE);
}

static void test_default_map(void **state)
{
	struct error err = { 0 };
	struct vmmap map;
	int i;

	(void)state;
	assert_int_equal(vmmap_default(&map, &err), 0);
	assert_false(map.from_file);
	for (size_t n = 1; n < map.nr_ranges; n++)
		assert_true(map.range[n - 1].base + map.range[n - 1].size <=
			    map.range[n].base);
	i = vmmap_find(&map, 0x0a000000 + 31 * 0x200);
	assert_string_equal(map.range[i].name, "virtio-mmio31");
	assert_int_equal(vmmap_find(&map, 0x0b000000), -1);
	i = vmmap_find(&map, 0x40000000);
	assert_true(map.range[i].ram);
	vmmap_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_file),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_default_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
