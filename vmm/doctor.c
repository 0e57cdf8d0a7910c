// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

/* A GICv2 distributor has 8 CPU interfaces (IHI 0048B, 2.1). */
#define GICV2_CPUS 8

enum verdict {
	GOOD,
	LACKING, /* something is slower, or not to be had */
	BAD,     /* no guest can run */
};

struct report {
	const struct doctor_host *host;
	FILE *out;
	bool works;
};

/*
 * One item; @advice is what to do about it unless it is GOOD, NULL if nothing
 * can be done.
 */
static void item(struct report *report, enum verdict verdict, const char *name,
		 const char *found, const char *advice)
{
	static const char *const words[] = { "ok", "no", "FAIL" };

	fprintf(report->out, "%-5s %-24s %s\n", words[verdict], name, found);
	if (verdict != GOOD && advice)
		fprintf(report->out, "%-5s %-24s -> %s\n", "", "", advice);
	if (verdict == BAD)
		report->works = false;
}

static void feature(struct report *report, bool there, const char *name,
		    const char *advice)
{
	item(report, there ? GOOD : LACKING, name, there ? "yes" : "no",
	     advice);
}

/* --- KVM -------------------------------------------------------------------*/

static void report_guests(struct report *report, const struct host_probe *probe)
{
	char text[96];

	snprintf(text, sizeof(text), "%s", probe->guest64 ? "yes" : "no");
	item(report, probe->guest64 ? GOOD : LACKING, "64-bit guests", text,
	     "an ARMv7 host has 32-bit guests only");
	feature(report, probe->guest32, "32-bit guests",
		"the cores have no AArch32 at EL1; use 64-bit kernels, or a "
		"host with such cores (Cortex-A53, A57, A72, ...)");
	snprintf(text, sizeof(text), "%u bits", probe->ipa_bits);
	item(report, GOOD, "guest addresses (IPA)", text, NULL);
	if (!probe->gicv3 && probe->max_vcpus > GICV2_CPUS)
		snprintf(text, sizeof(text), "%d", GICV2_CPUS);
	else
		snprintf(text, sizeof(text), "%u%s", probe->max_vcpus,
			 probe->gicv2 && probe->max_vcpus > GICV2_CPUS
				 ? ", 8 with a GICv2"
				 : "");
	item(report, GOOD, "vCPUs of a guest", text, NULL);
}

static void report_gic(struct report *report, const struct host_probe *probe)
{
	const char *found = "none";

	if (probe->gicv2 && probe->gicv3)
		found = "GICv2 and GICv3";
	else if (probe->gicv2)
		found = "GICv2";
	else if (probe->gicv3)
		found = "GICv3";
	item(report, probe->gicv2 || probe->gicv3 ? GOOD : BAD,
	     "interrupt controller", found,
	     "KVM offers none for guests: see \"dmesg | grep -i gic\", the "
	     "host's firmware hides its virtualization registers");
}

static void report_kvm(struct report *report)
{
	const struct host_probe *probe = &report->host->probe;

	if (!probe->can_open || !probe->can_create) {
		item(report, BAD, "KVM",
		     probe->can_open ? "/dev/kvm makes no VM"
				     : "/dev/kvm cannot be used",
		     probe->why.text);
		return;
	}
	item(report, GOOD, "KVM", "/dev/kvm, interface version 12", NULL);
	report_guests(report, probe);
	report_gic(report, probe);
	feature(report, probe->irqfd, "irqfd",
		"virtio interrupts take a system call more; Linux 4.0 has it");
	feature(report, probe->ioeventfd, "ioeventfd",
		"virtio notifications exit to trapline; Linux 4.0 has it");
	feature(report, probe->readonly_mem, "read-only memory",
		"reads of device registers exit; Linux 3.17 has it");
	feature(report, probe->coalesced_mmio, "coalesced MMIO",
		"each byte to the console exits; build the kernel with "
		"CONFIG_KVM_MMIO");
	feature(report, probe->immediate_exit, "immediate exit",
		"a slower way is taken to stop vCPUs; Linux 4.11 has it");
	feature(report, probe->stats, "KVM statistics",
		"trapline stat has nothing to show; Linux 5.14 has them");
	feature(report, probe->patched, "patched kernel",
		"traps are counted only in part: kernel-patches/README.md "
		"says how to build one (scripts/build-kernel)");
}

/* --- files -----------------------------------------------------------------*/

static void host_path(const struct report *report, const char *path, char *buf)
{
	snprintf(buf, PATH_MAX, "%s%s", report->host->root, path);
}

/* The first line of @path, cut to @size; false if it cannot be read. */
static bool read_line(const struct report *report, const char *path, char *buf,
		      size_t size)
{
	char full[PATH_MAX];
	FILE *file;
	bool ok;

	host_path(report, path, full);
	file = fopen(full, "re");
	if (!file)
		return false;
	ok = fgets(buf, (int)size, file) != NULL;
	fclose(file);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

static bool is_accessible(const struct report *report, const char *path,
			  int mode)
{
	char full[PATH_MAX];

	host_path(report, path, full);
	return access(full, mode) == 0;
}

/* --- memory ----------------------------------------------------------------*/

#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

static void report_thp(struct report *report)
{
	char line[64], found[40];
	char *start, *end;

	if (!read_line(report, THP, line, sizeof(line))) {
		item(report, LACKING, "transparent hugepages", "no",
		     "guests fault in memory by 4 KiB pages: build the kernel "
		     "with CONFIG_TRANSPARENT_HUGEPAGE");
		return;
	}
	/* "always [madvise] never" */
	start = strchr(line, '[');
	end = start ? strchr(start, ']') : NULL;
	if (end)
		*end = '\0';
	snprintf(found, sizeof(found), "%s", end ? start + 1 : "?");
	item(report, strcmp(found, "never") ? GOOD : LACKING,
	     "transparent hugepages", found,
	     "guests fault in memory by 4 KiB pages: echo madvise >" THP);
}

/* Pools are directories hugepages-<size>kB. */
static void report_hugetlb(struct report *report)
{
	static const char pools[] = "/sys/kernel/mm/hugepages";
	char full[PATH_MAX], found[128] = "";
	unsigned long total = 0;
	struct dirent *ent;
	size_t len = 0;
	DIR *dir;

	host_path(report, pools, full);
	dir = opendir(full);
	while (dir && (ent = readdir(dir))) {
		char path[PATH_MAX], line[32];
		unsigned long kb, nr;

		if (sscanf(ent->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/nr_hugepages", pools,
			 ent->d_name);
		if (!read_line(report, path, line, sizeof(line)))
			continue;
		nr = strtoul(line, NULL, 10);
		total += nr;
		if (nr && len < sizeof(found) - 40)
			len += (size_t)snprintf(found + len,
						sizeof(found) - len,
						"%s%lu of %lu KiB",
						len ? ", " : "", nr, kb);
	}
	if (dir)
		closedir(dir);
	item(report, total ? GOOD : LACKING, "reserved hugepages",
	     total ? found : "none",
	     dir ? "only hugetlbfs-backed guests need them: "
		   "sysctl vm.nr_hugepages=N"
		 : "only hugetlbfs-backed guests need them: build the kernel "
		   "with CONFIG_HUGETLBFS");
}

/* --- tracing ---------------------------------------------------------------*/

static bool find_program(const struct report *report, const char *name,
			 char *found, size_t size)
{
	const char *dir = report->host->path;

	while (dir && *dir) {
		const size_t len = strcspn(dir, ":");
		struct stat st;

		if (len &&
		    snprintf(found, size, "%.*s/%s", (int)len, dir, name) <
			    (int)size &&
		    !stat(found, &st) && S_ISREG(st.st_mode) &&
		    !access(found, X_OK))
			return true;
		dir += len + (dir[len] == ':');
	}
	return false;
}

static void report_program(struct report *report, const char *name,
			   const char *advice)
{
	char found[PATH_MAX];
	const bool there = find_program(report, name, found, sizeof(found));

	item(report, there ? GOOD : LACKING, name,
	     there ? found : "not in PATH", advice);
}

/*
 * Where libtraceevent looks: beside the library, in the directory of its
 * architecture or not.
 */
static void report_plugin(struct report *report)
{
	static const char *const dirs[] = { "/usr/lib", "/usr/lib64",
					    "/usr/local/lib",
					    "/usr/local/lib64" };
	static const char *const triplets[] = { "", "/aarch64-linux-gnu",
						"/arm-linux-gnueabihf" };
	char path[PATH_MAX];
	size_t i, k;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		for (k = 0; k < sizeof(triplets) / sizeof(triplets[0]); k++) {
			snprintf(path, sizeof(path),
				 "%s%s/traceevent/plugins/plugin_kvm_arm.so",
				 dirs[i], triplets[k]);
			if (is_accessible(report, path, R_OK)) {
				item(report, GOOD, "libtraceevent plugin", path,
				     NULL);
				return;
			}
		}
	item(report, LACKING, "libtraceevent plugin", "no",
	     "trace-cmd report and KernelShark misread KVM's events: make "
	     "install puts plugin_kvm_arm.so where they look");
}

static void report_tracing(struct report *report)
{
	static const char *const mounts[] = { "/sys/kernel/tracing",
					      "/sys/kernel/debug/tracing" };
	const char *mount = NULL;
	char path[PATH_MAX];
	size_t i;

	for (i = 0; !mount && i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		snprintf(path, sizeof(path), "%s/events", mounts[i]);
		if (is_accessible(report, path, F_OK))
			mount = mounts[i];
	}
	if (!mount) {
		item(report, LACKING, "tracefs", "not there for us",
		     "trapline run --trace needs root and tracefs: mount -t "
		     "tracefs tracefs /sys/kernel/tracing");
	} else {
		item(report, GOOD, "tracefs", mount, NULL);
		snprintf(path, sizeof(path), "%s/events/kvm/kvm_exit", mount);
		feature(report, is_accessible(report, path, F_OK),
			"kvm trace events",
			"nothing can be recorded: build the kernel with "
			"CONFIG_FTRACE and CONFIG_KVM");
	}
	report_program(report, "trace-cmd",
		       "trapline run --trace needs it: install trace-cmd");
	report_plugin(report);
}

/* --- devices ---------------------------------------------------------------*/

static void report_node(struct report *report, const char *name,
			const char *node, const char *missing)
{
	if (!is_accessible(report, node, F_OK))
		item(report, LACKING, name, "no", missing);
	else if (!is_accessible(report, node, R_OK | W_OK))
		item(report, LACKING, name, "no permission",
		     "become root, or join the group that owns the device");
	else
		item(report, GOOD, name, node, NULL);
}

static void report_devices(struct report *report)
{
	report_node(report, "tap devices", "/dev/net/tun",
		    "no tap networks for guests: modprobe tun");
	report_node(report, "vhost-net", "/dev/vhost-net",
		    "tap networks go through trapline itself: modprobe "
		    "vhost_net");
	report_node(report, "vhost-vsock", "/dev/vhost-vsock",
		    "vsock goes through trapline itself: modprobe "
		    "vhost_vsock");
	report_program(report, "passt",
		       "no network without root: install passt");
}

static void report_sandbox(struct report *report)
{
	feature(report,
		is_accessible(report, "/proc/sys/kernel/seccomp/actions_avail",
			      F_OK),
		"system call filters",
		"guests run without a sandbox: build the kernel with "
		"CONFIG_SECCOMP_FILTER");
}

bool doctor_print(const struct doctor_host *host, FILE *out)
{
	struct report report = { .host = host, .out = out, .works = true };

	report_kvm(&report);
	report_thp(&report);
	report_hugetlb(&report);
	report_tracing(&report);
	report_devices(&report);
	report_sandbox(&report);
	return report.works;
}

enum tl_status doctor_run(int argc, char **argv,
			  void (*probe)(struct host_probe *probe), FILE *out,
			  struct error *err)
{
	struct doctor_host host = { .root = "", .path = getenv("PATH") };

	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs("usage: trapline doctor\n"
		      "Prints what this host offers guests and lacks, and what "
		      "to do about it.\n"
		      "Status 0 if trapline run will work, else 3.\n",
		      out);
		return TL_OK;
	}
	if (argc > 1) {
		error_set(err, TL_USAGE, EINVAL,
			  "doctor: it takes no arguments: %.100s (trapline "
			  "doctor --help)",
			  argv[1]);
		return TL_USAGE;
	}
	probe(&host.probe);
	if (doctor_print(&host, out))
		return TL_OK;
	/* The lines marked FAIL were printed and say why. */
	error_set(err, TL_HOST, 0,
		  "no guest can run on this host: see what is marked FAIL");
	return TL_HOST;
}
