// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record-config.h"
#include "record-side.h"
#include "record-target.h"
#include "recorder-fs.h"

static void test_thread_names(void **state)
{
	(void)state;
	assert_int_equal(record_vcpu_of("CPU 0/KVM"), 0);
	assert_int_equal(record_vcpu_of("CPU 12/KVM"), 12);
	assert_int_equal(record_vcpu_of("kvm-vcpu-3"), 3);
	assert_int_equal(record_vcpu_of("vcpu7"), 7);
	assert_int_equal(record_vcpu_of("fc_vcpu 1"), 1);
	assert_int_equal(record_vcpu_of("crosvm_vcpu2"), 2);
	/* emulated, not run; and names that are only alike */
	assert_int_equal(record_vcpu_of("CPU 0/TCG"), -1);
	assert_int_equal(record_vcpu_of("CPU /KVM"), -1);
	assert_int_equal(record_vcpu_of("CPU -1/KVM"), -1);
	assert_int_equal(record_vcpu_of("vcpu"), -1);
	assert_int_equal(record_vcpu_of("vcpu1x"), -1);
	assert_int_equal(record_vcpu_of("vcpu512"), -1);
	assert_int_equal(record_vcpu_of("vcpu99999999999"), -1);
	assert_int_equal(record_vcpu_of("kvm-vcpu--1"), -1);
	assert_int_equal(record_vcpu_of(""), -1);
}

static char dir[] = "/tmp/trapline-test-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *p = path + strlen(dir) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_dir(void **state)
{
	(void)state;
	return !mkdtemp(dir);
}

static int drop_dir(void **state)
{
	char command[128];
	FILE *pipe;

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	pipe = popen(command, "w");
	return !pipe || pclose(pipe);
}

/* Threads come and go: the second boot's are added, the first's stay. */
static void test_scan(void **state)
{
	struct record_target *target = calloc(1, sizeof(*target));
	struct error err = { 0 };

	(void)state;
	assert_non_null(target);
	target->proc = dir;
	put("80/comm", "qemu-system-aar\n");
	put("80/task/80/comm", "qemu-system-aar\n");
	put("80/task/83/comm", "CPU 1/KVM\n");
	put("80/task/82/comm", "CPU 0/KVM\n");
	put("80/task/85/comm", "vnc_worker\n");
	assert_int_equal(record_target_pid(target, 80, &err), 0);
	assert_string_equal(target->vmm, "qemu-system-aar");
	assert_string_equal(target->name, "process 80");
	assert_int_equal(target->nr, 2);
	assert_int_equal(target->vcpu[0].id, 0);
	assert_int_equal(target->vcpu[0].tid[0], 82);
	assert_int_equal(target->vcpu[1].tid[0], 83);
	put("80/task/82/comm", "gone\n");
	put("80/comm", "renamed\n");
	put("80/task/90/comm", "CPU 0/KVM\n");
	put("80/task/91/comm", "CPU 2/KVM\n");
	record_target_scan(target);
	record_target_scan(target);
	assert_string_equal(target->vmm, "renamed");
	assert_int_equal(target->nr, 3);
	assert_int_equal(target->vcpu[0].nr, 2);
	assert_int_equal(target->vcpu[0].tid[1], 90);
	assert_int_equal(target->vcpu[1].nr, 1);
	assert_int_equal(target->vcpu[2].id, 2);
	assert_int_not_equal(record_target_pid(target, 81, &err), 0);
	assert_non_null(strstr(err.text, "81"));
	free(target);
}

/* Field 43 is the time that a guest ran. */
#define STAT(guest_time)                                                  \
	"70 (a ) b) S 1 70 70 0 -1 1 0 0 0 0 14 15 0 0 20 0 4 0 1 2 3 4 " \
	"5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 " guest_time " 0 1 2\n"

/* QEMU without debug-threads=on: by the call that the thread waits in. */
static void test_scan_calls(void **state)
{
	struct record_target *target = calloc(1, sizeof(*target));
	struct error err = { 0 };
	char path[300];

	(void)state;
	assert_non_null(target);
	target->proc = dir;
	put("70/comm", "qemu-system-aar\n");
	put("70/task/71/comm", "qemu-system-aar\n");
	put("70/task/71/syscall",
	    "29 0x16 0xae80 0x0 0x1 0x2 0x3 0x7ffe 0xffff\n");
	put("70/task/72/comm", "qemu-system-aar\n");
	put("70/task/72/syscall", "running\n");
	put("70/task/73/comm", "qemu-system-aar\n");
	put("70/task/73/syscall", "29 0x17 0xae80 0x0\n");
	put("70/task/74/comm", "qemu-system-aar\n");
	put("70/task/74/syscall", "29 0x16 0xae41 0x0 0x1 0x2\n");
	put("70/task/75/comm", "qemu-system-aar\n");
	put("70/fd/none", "");
	snprintf(path, sizeof(path), "%s/70/fd/22", dir);
	assert_int_equal(symlink("anon_inode:kvm-vcpu:3", path), 0);
	snprintf(path, sizeof(path), "%s/70/fd/23", dir);
	assert_int_equal(symlink("anon_inode:[eventfd]", path), 0);
	assert_int_equal(record_target_pid(target, 70, &err), 0);
	assert_int_equal(target->nr, 1);
	assert_int_equal(target->vcpu[0].id, 3);
	assert_int_equal(target->vcpu[0].tid[0], 71);
	/* busy ones: as many have run a guest as there are vCPUs left */
	snprintf(path, sizeof(path), "%s/70/fd/24", dir);
	assert_int_equal(symlink("anon_inode:kvm-vcpu:1", path), 0);
	snprintf(path, sizeof(path), "%s/70/fd/25", dir);
	assert_int_equal(symlink("anon_inode:kvm-vcpu:0", path), 0);
	put("70/task/71/stat", STAT("5"));
	put("70/task/72/stat", STAT("9"));
	put("70/task/73/stat", STAT("0"));
	record_target_scan(target);
	assert_int_equal(target->nr, 1);
	put("70/task/75/stat", STAT("1"));
	record_target_scan(target);
	assert_int_equal(target->nr, 3);
	assert_int_equal(target->vcpu[0].tid[0], 72);
	assert_int_equal(target->vcpu[1].tid[0], 75);
	assert_int_equal(target->vcpu[2].tid[0], 71);
	free(target);
}

static void test_counts(void **state)
{
	uint64_t events = 0, lost = 0;

	(void)state;
	put("per_cpu/cpu0/stats",
	    "entries: 7\noverrun: 1\ncommit overrun: 2\nbytes: 900\n"
	    "oldest event ts:  2.000001\nnow ts:  5.000002\n"
	    "dropped events: 4\nread events: 1000\n");
	tracefs_counts(dir, &events, &lost);
	assert_int_equal(events, 1007);
	assert_int_equal(lost, 7);
	tracefs_counts("/nonexistent", &events, &lost);
	assert_int_equal(events, 1007);
}

#define PARSE(config, err, ...)                                     \
	record_config_parse(                                        \
		(int)(sizeof((char *[]){ "record", __VA_ARGS__ }) / \
		      sizeof(char *)),                              \
		(char *[]){ "record", __VA_ARGS__, NULL }, (config), (err))

/* A VM of which no counter could be read: the host's kernel is what it is. */
static void test_side_patched(void **state)
{
	struct record_target *target = calloc(1, sizeof(*target));
	struct record_side side = { .from_birth = true };
	struct error err = { 0 };
	char trace[64], path[96], text[1024];

	(void)state;
	assert_non_null(target);
	target->proc = dir;
	put("60/comm", "trapline\n");
	put("60/task/60/comm", "vcpu0\n");
	assert_int_equal(record_target_pid(target, 60, &err), 0);
	snprintf(trace, sizeof(trace), "%s/side.dat", dir);
	snprintf(path, sizeof(path), "%s.vm.json", trace);
	for (int patched = 0; patched < 2; patched++) {
		FILE *file;
		size_t n;

		side.patched = patched;
		assert_int_equal(
			record_side_write(&side, target, trace, NULL, &err), 0);
		file = fopen(path, "r");
		assert_non_null(file);
		n = fread(text, 1, sizeof(text) - 1, file);
		text[n] = '\0';
		fclose(file);
		assert_non_null(strstr(text, patched ? "\"patched\": true"
						     : "\"patched\": false"));
	}
	free(target);
}

static void test_options(void **state)
{
	struct record_config c;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(PARSE(&c, &err, "-p", "12"), 0);
	assert_string_equal(c.output, "trace.dat");
	assert_int_equal(c.pid, 12);
	assert_int_equal(c.ms, 0);
	assert_false(c.full);
	assert_int_equal(PARSE(&c, &err, "-o", "x.dat", "--name", "vm",
			       "--duration", "1.5", "--events", "full",
			       "--buffer", "64"),
			 0);
	assert_string_equal(c.output, "x.dat");
	assert_string_equal(c.name, "vm");
	assert_int_equal(c.ms, 1500);
	assert_true(c.full);
	assert_int_equal(c.buffer_kb, 64);
	/* what follows the command is the command's */
	assert_int_equal(PARSE(&c, &err, "--", "qemu", "-p", "x"), 0);
	assert_string_equal(c.command[0], "qemu");
	assert_string_equal(c.command[2], "x");
	assert_int_equal(PARSE(&c, &err, "qemu", "--name", "x"), 0);
	assert_null(c.name);
	assert_string_equal(c.command[1], "--name");
	assert_int_equal(PARSE(&c, &err, "--help"), 0);
	assert_true(c.help);
}

static void test_misuse(void **state)
{
	struct record_config c;
	struct error err = { 0 };

	(void)state;
#define REFUSED(why, ...)                                              \
	do {                                                           \
		memset(&err, 0, sizeof(err));                          \
		assert_int_not_equal(PARSE(&c, &err, __VA_ARGS__), 0); \
		assert_int_equal(err.status, TL_USAGE);                \
		assert_non_null(strstr(err.text, why));                \
	} while (0)
	REFUSED("nothing to record", "-o", "x");
	REFUSED("of several", "-p", "1", "--name", "x");
	REFUSED("of several", "--domain", "d", "--", "x");
	REFUSED("--pid", "-p", "0");
	REFUSED("--pid", "-p", "1x");
	REFUSED("--pid", "-p", "-1");
	REFUSED("--duration", "--duration", "0", "-p", "1");
	REFUSED("--duration", "--duration", "nan", "-p", "1");
	REFUSED("--duration", "--duration", "1e99", "-p", "1");
	REFUSED("--duration", "--duration", "", "-p", "1");
	REFUSED("--events", "--events", "some", "-p", "1");
	REFUSED("--buffer", "--buffer", "99999999999", "-p", "1");
	REFUSED("wants a value", "--name");
	REFUSED("unknown option", "--frobnicate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thread_names),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_scan_calls),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_side_patched),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_misuse),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
