// SPDX-License-Identifier: GPL-2.0-only
/*
 * A libvirt domain as what to record: with a libvirt.so.0 that this test builds,
 * with a helper of the test's, and without either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "libvirt/ask.h"
#include "record-domain.h"

static char dir[64];
static struct record_target *target;
static struct error error;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[600];
	FILE *shell;
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	shell = popen(command, "w");
	assert_non_null(shell);
	assert_int_equal(pclose(shell), 0);
}

static void put(const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/trapline-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	run("mkdir -p %s/run/libvirt/qemu %s/bin %s/user/libvirt/qemu/run", dir,
	    dir, dir);
	target = calloc(1, sizeof(*target));
	assert_non_null(target);
	error = (struct error){ 0 };
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("LIBVIRT_DEFAULT_URI");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(target);
	run("rm -rf %s", dir);
	return 0;
}

/* --- the library -----------------------------------------------------------*/

/* Two domains, one of which runs; nothing at the session's URI but errors. */
static const char library[] =
	"#include <string.h>\n"
	"#define NULL_ ((void *)0)\n"
	"static int opened, found;\n"
	"int virInitialize(void) { return 0; }\n"
	"void virSetErrorFunc(void *a, void *b) { (void)a; (void)b; }\n"
	"const char *virGetLastErrorMessage(void) { return \"no daemon\"; }\n"
	"void *virConnectOpenReadOnly(const char *uri)\n"
	"{ if (strcmp(uri, \"qemu:///system\")) return NULL_;\n"
	"  opened++; return &opened; }\n"
	"int virConnectClose(void *c) { (void)c; return 0; }\n"
	"void *virDomainLookupByName(void *c, const char *name)\n"
	"{ (void)c; found = !strcmp(name, \"anna\") ? 1 :\n"
	"  !strcmp(name, \"berta\") ? 5 : 0; return found ? &found : NULL_; }\n"
	"void *virDomainLookupByUUIDString(void *c, const char *uuid)\n"
	"{ (void)c; found = *uuid == '1'; return found ? &found : NULL_; }\n"
	"void *virDomainLookupByID(void *c, int id)\n"
	"{ (void)c; found = id == 7; return found ? &found : NULL_; }\n"
	"const char *virDomainGetName(void *d)\n"
	"{ return *(int *)d == 5 ? \"berta\" : \"anna\"; }\n"
	"int virDomainGetUUIDString(void *d, char *buf)\n"
	"{ (void)d; memcpy(buf, \"1b4e28ba\", 9); return 0; }\n"
	"int virDomainGetState(void *d, int *state, int *why, unsigned int f)\n"
	"{ (void)why; (void)f; *state = *(int *)d; return 0; }\n"
	"struct info { unsigned int number; int state;\n"
	"  unsigned long long time; int cpu; };\n"
	"int virDomainGetVcpus(void *d, struct info *info, int max, void *m,\n"
	"  int len)\n"
	"{ (void)m; (void)len; if (*(int *)d == 5 || max < 2) return -1;\n"
	"  info[0].number = 0; info[0].state = 1; info[0].cpu = 3;\n"
	"  info[1].number = 1; info[1].state = 2; info[1].cpu = 0;\n"
	"  return 2; }\n"
	"int virDomainFree(void *d) { (void)d; return 0; }\n";

static char answer[1000];

static int ask(const char *name, const char *domain)
{
	char path[200];
	FILE *out = fmemopen(answer, sizeof(answer), "w");
	int ret;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	error = (struct error){ 0 };
	ret = libvirt_ask(path, domain, out, &error);
	fclose(out);
	return ret;
}

static void build(const char *name, const char *text)
{
	put("fake.c", text);
	run("${CC:-cc} -shared -fPIC -w -o %s/%s %s/fake.c", dir, name, dir);
}

static void libvirt_is_asked(void **state)
{
	static const char *const names[] = {
		"anna", "7", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
	};

	(void)state;
	build("libvirt.so.0", library);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ask("libvirt.so.0", names[i]), 0);
		assert_string_equal(answer, "name anna\nuuid 1b4e28ba\n"
					    "uri qemu:///system\n"
					    "state running\n"
					    "vcpu 0 running 3\n"
					    "vcpu 1 blocked 0\n");
	}
	assert_int_equal(ask("libvirt.so.0", "berta"), 0);
	assert_non_null(strstr(answer, "state shut off\n"));
	assert_null(strstr(answer, "vcpu"));
	assert_true(ask("libvirt.so.0", "carla") < 0);
	assert_int_equal(error.status, TL_NAME);
	assert_non_null(strstr(error.text, "carla"));
	setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://there/system", 1);
	assert_true(ask("libvirt.so.0", "anna") < 0);
	assert_int_equal(error.status, TL_HOST);
	assert_non_null(strstr(error.text, "no daemon"));
}

static void no_library_and_half_a_one(void **state)
{
	(void)state;
	assert_true(ask("libvirt.so.0", "anna") < 0);
	assert_int_equal(error.status, TL_HOST);
	assert_non_null(strstr(error.text, "not installed"));
	build("libvirt.so.0", "int virInitialize(void) { return 0; }\n");
	assert_true(ask("libvirt.so.0", "anna") < 0);
	assert_int_equal(error.status, TL_HOST);
	assert_non_null(strstr(error.text, "has no vir"));
}

/* --- what is made of it ----------------------------------------------------*/

static void helper(const char *script)
{
	char path[200];

	put("bin/trapline-libvirt", script);
	run("chmod +x %s/bin/trapline-libvirt", dir);
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", dir);
	setenv("PATH", path, 1);
}

static void put_pid(const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	put(name, text);
}

static int find(const char *domain)
{
	memset(target, 0, sizeof(*target));
	error = (struct error){ 0 };
	return record_domain_find(target, domain, dir, &error);
}

static void threads_of_libvirts_state(void **state)
{
	(void)state;
	helper("#!/bin/sh\n[ $1 = 7 ] && echo name anna && echo state "
	       "running\n");
	put_pid("run/libvirt/qemu/anna.pid");
	put("run/libvirt/qemu/anna.xml",
	    "<domstatus state='running' pid='3'>\n"
	    "  <vcpus>\n    <vcpu id='0' pid='4711'/>\n"
	    "    <vcpu id='1' pid='4712'/>\n    <vcpu id='9999' pid='1'/>\n"
	    "    <vcpu id='2' pid='-4'/>\n    <vcpu id=\n  </vcpus>\n");
	assert_int_equal(find("7"), 0);
	assert_string_equal(target->name, "anna");
	assert_int_equal(target->pid, getpid());
	assert_int_equal(target->nr, 2);
	assert_int_equal(target->vcpu[0].tid[0], 4711);
	assert_int_equal(target->vcpu[1].tid[0], 4712);
}

static void without_libvirt_by_its_files(void **state)
{
	char path[128];

	(void)state;
	helper("#!/bin/sh\nexit 3\n");
	put_pid("run/libvirt/qemu/anna.pid");
	assert_int_equal(find("anna"), 0);
	run("rm %s/bin/trapline-libvirt", dir);
	assert_int_equal(find("anna"), 0);
	assert_string_equal(target->name, "anna");
	snprintf(path, sizeof(path), "%s/user", dir);
	setenv("XDG_RUNTIME_DIR", path, 1);
	put_pid("user/libvirt/qemu/run/berta.pid");
	assert_int_equal(find("berta"), 0);
}

static void what_does_not_run(void **state)
{
	(void)state;
	helper("#!/bin/sh\nexit 9\n");
	assert_true(find("anna") < 0);
	assert_int_equal(error.status, TL_NAME);
	assert_non_null(strstr(error.text, "libvirt has no domain"));
	helper("#!/bin/sh\necho name anna; echo state shut off\n");
	assert_true(find("anna") < 0);
	assert_int_equal(error.status, TL_NAME);
	assert_non_null(strstr(error.text, "shut off"));
	helper("#!/bin/sh\nexit 3\n");
	assert_true(find("anna") < 0);
	assert_int_equal(error.status, TL_NAME);
	assert_non_null(strstr(error.text, "anna.pid"));
	/* a name that leads elsewhere, from either side */
	assert_true(find("../anna") < 0);
	assert_int_equal(error.status, TL_USAGE);
	assert_true(find("") < 0);
	helper("#!/bin/sh\necho name ../../x; echo state running\n");
	put_pid("run/libvirt/qemu/anna.pid");
	assert_int_equal(find("anna"), 0);
	assert_string_equal(target->name, "anna");
	put("run/libvirt/qemu/anna.pid", "nonsense\n");
	assert_true(find("anna") < 0);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(libvirt_is_asked),
		test(no_library_and_half_a_one),
		test(threads_of_libvirts_state),
		test(without_libvirt_by_its_files),
		test(what_does_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
