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

void record_target_add(struct record_target *target, unsigned int id, pid_t tid)
{
	struct record_vcpu *vcpu = target->vcpu;
	unsigned int at = 0;

	if (id >= RECORD_VCPUS_MAX || tid <= 0)
		return;

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

/* Which vCPU a descriptor of the process is, by the kernel's name; -1: none. */
static int vcpu_of_fd(const struct record_target *target, const char *fd)
{
	char path[PATH_MAX], link[64];
	unsigned int id;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%d/fd/%s", target->proc,
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

/* ioctl(fd, KVM_RUN) as /proc has it: number and arguments of the call. */
#define KVM_RUN_CALL "%*d 0x%x 0xae80 "

/*
 * By what the thread waits in: KVM_RUN of a descriptor.  It works whatever the
 * thread is called, as in a QEMU without debug-threads=on, but only while its
 * guest is idle.
 */
static int vcpu_by_call(const struct record_target *target, pid_t tid)
{
	char path[PATH_MAX], line[160], fd[16];
	unsigned int n;

	snprintf(path, sizeof(path), "%s/%d/task/%d/syscall", target->proc,
		 (int)target->pid, (int)tid);
	if (!read_line(path, line, sizeof(line)) ||
	    sscanf(line, KVM_RUN_CALL, &n) != 1 || !strstr(line, " 0xae80 "))
		return -1;
	snprintf(fd, sizeof(fd), "%u", n);
	return vcpu_of_fd(target, fd);
}

static bool is_known(const struct record_target *target, pid_t tid)
{
	for (unsigned int i = 0; i < target->nr; i++)
		for (unsigned int k = 0; k < target->vcpu[i].nr; k++)
			if (target->vcpu[i].tid[k] == tid)
				return true;
	return false;
}

/* Has it run a guest?  proc(5), guest_time of /proc/PID/stat. */
static bool ran_guest(const struct record_target *target, pid_t tid)
{
	char path[PATH_MAX], line[1024], *p;
	int field;

	snprintf(path, sizeof(path), "%s/%d/task/%d/stat", target->proc,
		 (int)target->pid, (int)tid);
	if (!read_line(path, line, sizeof(line)))
		return false;
	/* the command's name, field 2, may hold anything but this */
	p = strrchr(line, ')');
	for (field = 2; p && field < 43; field++)
		p = strchr(p + 1, ' ');
	return p && strtoul(p, NULL, 10) > 0;
}

/* The numbers in directory @name of the process's; how many. */
static unsigned int list_numbers(const struct record_target *target,
				 const char *name, int *list, unsigned int max)
{
	char path[PATH_MAX];
	struct dirent *entry;
	unsigned int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%d/%s", target->proc, (int)target->pid,
		 name);
	dir = opendir(path);
	while (dir && nr < max && (entry = readdir(dir)))
		if (*entry->d_name >= '0' && *entry->d_name <= '9')
			list[nr++] = (int)strtol(entry->d_name, NULL, 10);
	if (dir)
		closedir(dir);
	return nr;
}

static int by_number(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) -
	       (*(const int *)a < *(const int *)b);
}

static bool has_vcpu(const struct record_target *target, unsigned int id)
{
	for (unsigned int i = 0; i < target->nr; i++)
		if (target->vcpu[i].id == id)
			return true;
	return false;
}

/*
 * Guests that are never idle, in threads without a name: VMMs make the threads
 * in the order of their vCPUs, so where as many have run a guest as there are
 * vCPUs without a thread, they are these.
 */
static void add_by_order(struct record_target *target)
{
	int list[2 * RECORD_VCPUS_MAX], id[RECORD_VCPUS_MAX];
	unsigned int nr, ids = 0, tids = 0, i;
	char fd[16];

	nr = list_numbers(target, "fd", list, 2 * RECORD_VCPUS_MAX);
	for (i = 0; i < nr && ids < RECORD_VCPUS_MAX; i++) {
		snprintf(fd, sizeof(fd), "%d", list[i]);
		id[ids] = vcpu_of_fd(target, fd);
		if (id[ids] >= 0 && !has_vcpu(target, (unsigned int)id[ids]))
			ids++;
	}
	if (!ids)
		return;
	nr = list_numbers(target, "task", list, 2 * RECORD_VCPUS_MAX);
	for (i = 0; i < nr; i++)
		if (!is_known(target, list[i]) && ran_guest(target, list[i]))
			list[tids++] = list[i];
	if (tids != ids)
		return;
	qsort(id, ids, sizeof(*id), by_number);
	qsort(list, tids, sizeof(*list), by_number);
	for (i = 0; i < ids; i++)
		record_target_add(target, (unsigned int)id[i], list[i]);
}

void record_target_scan(struct record_target *target)
{
	char path[PATH_MAX], comm[64];
	struct dirent *entry;
	DIR *tasks;

	/* a command that was started just now is still called as we are */
	snprintf(path, sizeof(path), "%s/%d/comm", target->proc,
		 (int)target->pid);
	if (read_line(path, comm, sizeof(comm)))
		snprintf(target->vmm, sizeof(target->vmm), "%.31s", comm);
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
			record_target_add(target, (unsigned int)id, tid);
	}
	closedir(tasks);
	add_by_order(target);
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
			record_target_add(target, (unsigned int)id, (pid_t)tid);
	}
	json_decref(cpus);
	client_close(&session);
out:
	client_vms_free(&vms);
	return ret;
}
