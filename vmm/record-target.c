// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-vms.h"
#include "record-target.h"

int record_vcpu_of(const char *comm)
{
	/* a name of 15 characters may be cut, which the last part is not */
	static const struct {
		const char *before, *after;
	} name[] = {
		{ "CPU ", "/KVM" },   /* QEMU; /TCG is no KVM */
		{ "kvm-vcpu-", "" },  /* kvmtool */
		{ "vcpu", "" },       /* trapline, cloud-hypervisor */
		{ "fc_vcpu ", "" },   /* Firecracker */
		{ "crosvm_vcpu", "" } /* crosvm */
	};

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		size_t length = strlen(name[i].before);
		unsigned long id;
		char *end;

		if (strncmp(comm, name[i].before, length) ||
		    comm[length] < '0' || comm[length] > '9')
			continue;
		id = strtoul(comm + length, &end, 10);
		if (!strcmp(end, name[i].after) && id < RECORD_VCPUS_MAX)
			return (int)id;
	}
	return -1;
}

/* One line of a file in /proc, without its end; false if there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok;

	if (!file)
		return false;
	ok = fgets(line, (int)size, file);
	fclose(file);
	if (ok)
		line[strcspn(line, "\n")] = '\0';
	return ok;
}

static void add_vcpu(struct record_target *target, unsigned int id, pid_t tid)
{
	struct record_vcpu *vcpu = target->vcpu;
	unsigned int at = 0;

	while (at < target->nr && vcpu[at].id < id)
		at++;
	if (at == target->nr || vcpu[at].id != id) {
		if (target->nr == RECORD_VCPUS_MAX)
			return;
		memmove(&vcpu[at + 1], &vcpu[at],
			(target->nr++ - at) * sizeof(*vcpu));
		memset(&vcpu[at], 0, sizeof(*vcpu));
		vcpu[at].id = id;
	}
	for (unsigned int i = 0; i < vcpu[at].nr; i++)
		if (vcpu[at].tid[i] == tid)
			return;
	if (vcpu[at].nr < RECORD_THREADS_MAX)
		vcpu[at].tid[vcpu[at].nr++] = tid;
}

/* ioctl(fd, KVM_RUN) as /proc has it: number and arguments of the call. */
#define KVM_RUN_CALL "%*d 0x%x 0xae80 "

/*
 * By what the thread waits in: KVM_RUN of a descriptor that the kernel calls
 * kvm-vcpu:N.  It works whatever the thread is called, as in a QEMU without
 * debug-threads=on, but only while its guest is idle.
 */
static int vcpu_by_call(const struct record_target *target, pid_t tid)
{
	char path[PATH_MAX], line[160], link[64];
	unsigned int fd, id;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%d/task/%d/syscall", target->proc,
		 (int)target->pid, (int)tid);
	if (!read_line(path, line, sizeof(line)) ||
	    sscanf(line, KVM_RUN_CALL, &fd) != 1 || !strstr(line, " 0xae80 "))
		return -1;
	snprintf(path, sizeof(path), "%s/%d/fd/%u", target->proc,
		 (int)target->pid, fd);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -1;
	link[len] = '\0';
	if (sscanf(link, "anon_inode:kvm-vcpu:%u", &id) != 1 ||
	    id >= RECORD_VCPUS_MAX)
		return -1;
	return (int)id;
}

void record_target_scan(struct record_target *target)
{
	char path[PATH_MAX], comm[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "%s/%d/task", target->proc,
		 (int)target->pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		int id;

		if (tid <= 0)
			continue;
		snprintf(path, sizeof(path), "%s/%d/task/%d/comm", target->proc,
			 (int)target->pid, (int)tid);
		if (!read_line(path, comm, sizeof(comm)))
			continue;
		id = record_vcpu_of(comm);
		if (id < 0)
			id = vcpu_by_call(target, tid);
		if (id >= 0)
			add_vcpu(target, (unsigned int)id, tid);
	}
	closedir(tasks);
}

int record_target_pid(struct record_target *target, pid_t pid,
		      struct error *err)
{
	char path[PATH_MAX];

	if (!target->proc)
		target->proc = "/proc";
	target->pid = pid;
	snprintf(path, sizeof(path), "%s/%d/comm", target->proc, (int)pid);
	if (!read_line(path, target->vmm, sizeof(target->vmm)))
		return error_set(err, TL_FAIL, ESRCH, "no process %d",
				 (int)pid);
	if (!target->name[0])
		snprintf(target->name, sizeof(target->name), "process %d",
			 (int)pid);
	record_target_scan(target);
	return 0;
}

int record_target_name(struct record_target *target, const char *name,
		       struct error *err)
{
	struct client_vms vms = client_vms_find();
	struct client_session session;
	size_t i = 0, n;
	json_t *cpus, *cpu;
	int ret;

	while (i < vms.nr && strcmp(vms.list[i].name, name))
		i++;
	if (i == vms.nr) {
		ret = client_vms_unknown(&vms, name, err);
		goto out;
	}
	ret = client_vms_open(&vms.list[i], &session, err);
	if (ret)
		goto out;
	snprintf(target->name, sizeof(target->name), "%s", name);
	ret = record_target_pid(target, session.pid, err);
	cpus = ret ? NULL
		   : client_execute(&session, "query-cpus-fast", NULL, err);
	if (!ret && !cpus)
		ret = -EIO;
	json_array_foreach (cpus, n, cpu) {
		json_int_t id =
			json_integer_value(json_object_get(cpu, "cpu-index"));
		json_int_t tid =
			json_integer_value(json_object_get(cpu, "thread-id"));

		if (id >= 0 && id < RECORD_VCPUS_MAX && tid > 0)
			add_vcpu(target, (unsigned int)id, (pid_t)tid);
	}
	json_decref(cpus);
	client_close(&session);
out:
	client_vms_free(&vms);
	return ret;
}

int record_target_domain(struct record_target *target, const char *domain,
			 struct error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[2][PATH_MAX] = { "", "" }, line[32];

	if (!*domain || strchr(domain, '/'))
		return error_set(err, TL_USAGE, EINVAL,
				 "--domain %s: not the name of a domain",
				 domain);
	snprintf(path[0], PATH_MAX, "/run/libvirt/qemu/%s.pid", domain);
	if (runtime)
		snprintf(path[1], PATH_MAX, "%s/libvirt/qemu/run/%s.pid",
			 runtime, domain);
	for (int i = 0; i < 2; i++) {
		long pid;

		if (!path[i][0] || !read_line(path[i], line, sizeof(line)))
			continue;
		pid = strtol(line, NULL, 10);
		if (pid <= 0 || pid > INT_MAX)
			continue;
		snprintf(target->name, sizeof(target->name), "%s", domain);
		return record_target_pid(target, (pid_t)pid, err);
	}
	return error_set(err, TL_NAME, ENOENT,
			 "no libvirt domain %s runs here (%s)", domain,
			 path[0]);
}
