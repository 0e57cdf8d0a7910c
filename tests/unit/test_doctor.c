// SPDX-License-Identifier: GPL-2.0-only
/* The doctor's report on hosts that are trees of files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "doctor.h"
#include "fake_vm.h"

static char *output;

/* A file below the fake root, and the directories above it. */
static void make_file(const char *path, const char *text, mode_t mode)
{
	char full[300], *slash;
	int fd;

	snprintf(full, sizeof(full), "%s%s", fake_dir, path);
	for (slash = strchr(full + strlen(fake_dir) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	fd = open(full, O_CREAT | O_WRONLY | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	fake_dir_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(output);
	output = NULL;
	fake_dir_remove();
	return 0;
}

static bool report(const struct host_probe *probe, const char *path)
{
	struct doctor_host host = { .root = fake_dir,
				    .path = path,
				    .probe = *probe };
	size_t size;
	FILE *out;
	bool works;

	free(output);
	out = open_memstream(&output, &size);
	works = doctor_print(&host, out);
	fclose(out);
	return works;
}

/* A line that begins with @verdict and @name, in the report's columns. */
static void shows(const char *verdict, const char *name, const char *found)
{
	char line[200];

	snprintf(line, sizeof(line), "%-5s %-24s %s\n", verdict, name, found);
	if (!strstr(output, line))
		fail_msg("no '%s' in:\n%s", line, output);
}

static const struct host_probe good = {
	.can_open = true,
	.can_create = true,
	.ipa_bits = 44,
	.guest32 = true,
	.guest64 = true,
	.gicv2 = true,
	.gicv3 = true,
	.max_vcpus = 512,
	.irqfd = true,
	.ioeventfd = true,
	.readonly_mem = true,
	.coalesced_mmio = true,
	.immediate_exit = true,
	.stats = true,
	.patched = true,
};

static void a_host_that_has_all(void **state)
{
	char path[200];

	(void)state;
	make_file("/sys/kernel/mm/transparent_hugepage/enabled",
		  "always [madvise] never\n", 0644);
	make_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
		  "8\n", 0644);
	make_file("/sys/kernel/tracing/events/kvm/kvm_exit/id", "1\n", 0644);
	make_file("/dev/net/tun", "", 0600);
	make_file("/dev/vhost-net", "", 0600);
	make_file("/dev/vhost-vsock", "", 0600);
	make_file("/bin/trace-cmd", "", 0755);
	make_file("/usr/lib/aarch64-linux-gnu/traceevent/plugins/"
		  "plugin_kvm_arm.so",
		  "", 0644);
	make_file("/bin/passt", "", 0755);
	make_file("/proc/sys/kernel/seccomp/actions_avail",
		  "kill_process trap errno allow\n", 0444);
	snprintf(path, sizeof(path), "/nowhere::%s/bin", fake_dir);

	assert_true(report(&good, path));
	shows("ok", "KVM", "/dev/kvm, interface version 12");
	shows("ok", "interrupt controller", "GICv2 and GICv3");
	shows("ok", "guest addresses (IPA)", "44 bits");
	shows("ok", "vCPUs of a guest", "512, 8 with a GICv2");
	shows("ok", "transparent hugepages", "madvise");
	shows("ok", "reserved hugepages", "8 of 2048 KiB");
	shows("ok", "kvm trace events", "yes");
	shows("ok", "libtraceevent plugin",
	      "/usr/lib/aarch64-linux-gnu/"
	      "traceevent/plugins/"
	      "plugin_kvm_arm.so");
	shows("ok", "system call filters", "yes");
	/* Nothing is missing, so there is nothing to advise. */
	assert_null(strstr(output, "->"));
	assert_null(strstr(output, "\nno "));
}

static void a_bare_host_runs_guests_all_the_same(void **state)
{
	struct host_probe bare = { .can_open = true,
				   .can_create = true,
				   .ipa_bits = 40,
				   .guest32 = true,
				   .gicv2 = true,
				   .max_vcpus = 4 };

	(void)state;
	assert_true(report(&bare, NULL));
	shows("no", "64-bit guests", "no");
	shows("ok", "interrupt controller", "GICv2");
	shows("ok", "vCPUs of a guest", "4");
	shows("no", "patched kernel", "no");
	shows("no", "tracefs", "not there for us");
	shows("no", "transparent hugepages", "no");
	shows("no", "reserved hugepages", "none");
	shows("no", "trace-cmd", "not in PATH");
	shows("no", "system call filters", "no");
	shows("no", "libtraceevent plugin", "no");
	assert_null(strstr(output, "FAIL"));
}

static void details_that_are_off(void **state)
{
	(void)state;
	make_file("/sys/kernel/mm/transparent_hugepage/enabled",
		  "always madvise [never]\n", 0644);
	make_file("/sys/kernel/debug/tracing/events/enable", "0\n", 0644);
	assert_true(report(&good, ""));
	shows("no", "transparent hugepages", "never");
	shows("ok", "tracefs", "/sys/kernel/debug/tracing");
	shows("no", "kvm trace events", "no");
	make_file("/sys/kernel/mm/transparent_hugepage/enabled", "", 0644);
	assert_true(report(&good, ""));
	make_file("/sys/kernel/mm/transparent_hugepage/enabled", "[", 0644);
	assert_true(report(&good, ""));
}

static void hosts_that_run_nothing(void **state)
{
	struct host_probe probe = { 0 };

	(void)state;
	error_set(&probe.why, TL_HOST, EACCES, "no permission, says the test");
	assert_false(report(&probe, NULL));
	shows("FAIL", "KVM", "/dev/kvm cannot be used");
	assert_non_null(strstr(output, "-> no permission, says the test"));
	assert_null(strstr(output, "irqfd"));

	probe = good;
	probe.gicv2 = probe.gicv3 = false;
	assert_false(report(&probe, NULL));
	shows("FAIL", "interrupt controller", "none");
}

static void probe_nothing(struct host_probe *probe)
{
	*probe = (struct host_probe){ 0 };
	error_set(&probe->why, TL_HOST, ENOENT, "there is nothing");
}

static void probe_good(struct host_probe *probe)
{
	*probe = good;
}

static void the_command_line(void **state)
{
	char *help[] = { "doctor", "--help", NULL };
	char *extra[] = { "doctor", "extra", NULL };
	char *plain[] = { "doctor", NULL };
	struct error err = { 0 };
	size_t size;
	FILE *out;

	(void)state;
	out = open_memstream(&output, &size);
	assert_int_equal(doctor_run(2, help, probe_nothing, out, &err), TL_OK);
	assert_int_equal(doctor_run(2, extra, probe_nothing, out, &err),
			 TL_USAGE);
	assert_non_null(strstr(err.text, "extra"));
	err = (struct error){ 0 };
	assert_int_equal(doctor_run(1, plain, probe_good, out, &err), TL_OK);
	assert_int_equal(doctor_run(1, plain, probe_nothing, out, &err),
			 TL_HOST);
	assert_non_null(strstr(err.text, "FAIL"));
	fclose(out);
	assert_non_null(strstr(output, "usage: trapline doctor"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define HOST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		HOST(a_host_that_has_all),
		HOST(a_bare_host_runs_guests_all_the_same),
		HOST(details_that_are_off),
		HOST(hosts_that_run_nothing),
		HOST(the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
