// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vminfo.h"

static const pid_t tids[] = { 101, 205 };
static const struct vminfo_counter upstream[] = { { "exits", 12 },
						  { "hvc_exit_stat", 3 } };
static const struct vminfo_counter patched[] = { { "exits", UINT64_C(1) << 60 },
						 { "trap_exits", 7 } };
static const struct vminfo_memory memory[] = { { 0x40000000, 512 << 20 } };
static const struct vminfo_device devices[] = {
	{ "gic-dist", "gicv2-dist", NULL, 0x8000000, 0x10000, -1 },
	{ "virtio0-blk", "virtio-mmio", "blk", 0xa000000, 0x200, 16 },
};

struct world {
	char dir[64];
	char trace[96];
	char side[128];
	struct vminfo_vcpu vcpu[2];
	struct vminfo info;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/trapline-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->trace, sizeof(w->trace), "%s/t.dat", w->dir);
	snprintf(w->side, sizeof(w->side), "%s/t.dat.vm.json", w->dir);
	w->vcpu[0] = (struct vminfo_vcpu){ 0, tids, 2, upstream, 2, NULL, 0 };
	w->vcpu[1] =
		(struct vminfo_vcpu){ 1, tids + 1, 1, upstream, 2, NULL, 0 };
	w->info = (struct vminfo){
		.name = "guest",
		.pid = 99,
		.guest_width = 32,
		.gic_version = 2,
		.machine = "virt",
		.kernel = "/boot/zImage",
		.memory = memory,
		.nr_memory = 1,
		.devices = devices,
		.nr_devices = 2,
		.vcpus = w->vcpu,
		.nr_vcpus = 2,
		.ended = "power-off",
		.boots = 2,
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	unlink(w->side);
	rmdir(w->dir);
	free(w);
	return 0;
}

static json_t *write_and_load(struct world *w)
{
	struct error err = { 0 };
	json_error_t why;
	json_t *root;

	assert_int_equal(vminfo_write(w->trace, &w->info, &err), 0);
	root = json_load_file(w->side, JSON_REJECT_DUPLICATES, &why);
	assert_non_null(root);
	return root;
}

static const char *text(const json_t *obj, const char *key)
{
	const char *value = json_string_value(json_object_get(obj, key));

	assert_non_null(value);
	return value;
}

static json_int_t number(const json_t *obj, const char *key)
{
	const json_t *value = json_object_get(obj, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void test_head(void **state)
{
	json_t *root = write_and_load(*state);

	assert_string_equal(text(root, "format"), "trapline-vm");
	assert_int_equal(number(root, "version"), 1);
	assert_string_equal(text(root, "vmm"), "trapline " TRAPLINE_VERSION);
	assert_string_equal(text(root, "name"), "guest");
	assert_int_equal(number(root, "pid"), 99);
	assert_string_equal(text(root, "machine"), "virt");
	assert_int_equal(number(root, "guest_width"), 32);
	assert_int_equal(number(root, "gic_version"), 2);
	assert_string_equal(text(root, "kernel"), "/boot/zImage");
	assert_string_equal(text(root, "ended"), "power-off");
	assert_int_equal(number(root, "boots"), 2);
	json_decref(root);
}

/* Of a VM that ran before: what the counters grew by, between two numbers. */
static void test_recorded(void **state)
{
	static const struct vminfo_span span[] = {
		{ "exits", 10, 12 },
		{ "trap_exits", 3, UINT64_MAX },
	};
	struct world *w = *state;
	json_t *root, *counted, *vcpu;

	root = write_and_load(w);
	assert_null(json_object_get(root, "only"));
	assert_null(json_object_get(root, "counted"));
	json_decref(root);
	w->info.only = true;
	w->info.counted = span;
	w->info.nr_counted = 2;
	w->vcpu[1].counted = span;
	w->vcpu[1].nr_counted = 1;
	root = write_and_load(w);
	assert_true(json_is_true(json_object_get(root, "only")));
	counted = json_object_get(root, "counted");
	assert_int_equal(json_integer_value(json_array_get(
				 json_object_get(counted, "exits"), 1)),
			 12);
	assert_true(json_is_null(
		json_array_get(json_object_get(counted, "trap_exits"), 1)));
	vcpu = json_array_get(json_object_get(root, "vcpus"), 1);
	assert_int_equal(
		json_integer_value(json_array_get(
			json_object_get(json_object_get(vcpu, "counted"),
					"exits"),
			0)),
		10);
	json_decref(root);
}

static void test_devices(void **state)
{
	json_t *root = write_and_load(*state);
	json_t *list = json_object_get(root, "devices");
	json_t *gic = json_array_get(list, 0);
	json_t *blk = json_array_get(list, 1);

	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text(gic, "type"), "gicv2-dist");
	assert_null(json_object_get(gic, "spi"));
	assert_null(json_object_get(gic, "virtio"));
	assert_string_equal(text(blk, "name"), "virtio0-blk");
	assert_string_equal(text(blk, "virtio"), "blk");
	assert_int_equal(number(blk, "base"), 0xa000000);
	assert_int_equal(number(blk, "size"), 0x200);
	assert_int_equal(number(blk, "spi"), 16);
	list = json_object_get(root, "memory");
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(number(json_array_get(list, 0), "gpa"), 0x40000000);
	json_decref(root);
}

static void test_vcpus(void **state)
{
	json_t *root = write_and_load(*state);
	json_t *list = json_object_get(root, "vcpus");
	json_t *vcpu = json_array_get(list, 0);
	json_t *boots = json_object_get(vcpu, "tids");

	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(number(vcpu, "id"), 0);
	assert_int_equal(number(vcpu, "tid"), 205);
	assert_int_equal(json_array_size(boots), 2);
	assert_int_equal(json_integer_value(json_array_get(boots, 0)), 101);
	assert_int_equal(number(json_object_get(vcpu, "stats"), "exits"), 12);
	assert_true(json_is_false(json_object_get(root, "patched")));
	json_decref(root);
}

static void test_patched(void **state)
{
	struct world *w = *state;
	json_t *root, *stats;

	w->vcpu[0].stats = w->vcpu[1].stats = patched;
	root = write_and_load(w);
	assert_true(json_is_true(json_object_get(root, "patched")));
	stats = json_object_get(
		json_array_get(json_object_get(root, "vcpus"), 0), "stats");
	assert_int_equal(number(stats, "exits"), INT64_C(1) << 60);
	json_decref(root);
}

/* A 32-bit host has no statistics: still a valid description. */
static void test_no_stats(void **state)
{
	struct world *w = *state;
	json_t *root;

	w->vcpu[0].nr_stats = w->vcpu[1].nr_stats = 0;
	root = write_and_load(w);
	assert_true(json_is_false(json_object_get(root, "patched")));
	json_decref(root);

	/* nor has a VM that was recorded from outside, on any host */
	w->info.patched = true;
	root = write_and_load(w);
	assert_true(json_is_true(json_object_get(root, "patched")));
	json_decref(root);
}

/* File names are bytes; the description stays valid JSON. */
static void test_odd_names(void **state)
{
	struct world *w = *state;
	json_t *root;

	w->info.kernel = "/boot/\"z\n\xff\xc3(mage";
	w->info.name = "g\xc3\xa4st";
	root = write_and_load(w);
	assert_string_equal(text(root, "kernel"), "/boot/\"z\n??"
						  "(mage");
	assert_string_equal(text(root, "name"), "g\xc3\xa4st");
	json_decref(root);
}

static void test_not_writable(void **state)
{
	struct world *w = *state;
	struct error err = { 0 };

	assert_int_equal(mkdir(w->side, 0700), 0);
	assert_int_not_equal(vminfo_write(w->trace, &w->info, &err), 0);
	assert_int_equal(err.status, TL_TRACE);
	assert_non_null(strstr(err.text, w->side));
	rmdir(w->side);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_head),         T(test_devices),  T(test_vcpus),
		T(test_recorded),     T(test_devices),  T(test_vcpus),
		T(test_patched),      T(test_no_stats), T(test_odd_names),
		T(test_not_writable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
