// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's debugfs: a directory PID-FD for each VM, with a file for each statistic
 * (virt/kvm/kvm_main.c, kvm_create_vm_debugfs()).  A vCPU's file has the sum
 * over the vCPUs; a histogram's has its first bucket only, and is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "record-target.h"
#include "sample.h"

/* What is not a running count; debugfs does not tell. */
static const char *const gauges[] = { "blocking", "guest_mode" };

static bool read_number(int dir, const char *name, uint64_t *value)
{
	char text[32], *end;
	ssize_t n;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && end != text && (*end == '\n' || !*end);
}

static bool is_wanted(const char *name)
{
	const size_t len = strlen(name);

	return *name != '.' && len < SAMPLE_NAME_MAX &&
	       (len < 5 || strcmp(name + len - 5, "_hist") != 0);
}

static bool is_gauge(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (!strcmp(name, gauges[i]))
			return true;
	return false;
}

/* All numbers in directory @fd, which is taken over. */
static int add_numbers(struct sample_vm *vm, int id, int fd)
{
	struct sample_object *object = NULL;
	struct dirent *entry;
	uint64_t value;
	DIR *dir = fdopendir(fd);

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir))) {
		struct sample_stat *stat;

		if (!is_wanted(entry->d_name) ||
		    !read_number(fd, entry->d_name, &value))
			continue;
		if (!object)
			object = sample_add_object(vm, id);
		stat = object ? sample_add_stat(object, entry->d_name, 1)
			      : NULL;
		if (!stat)
			break;
		stat->type = is_gauge(stat->name) ? SAMPLE_GAUGE
						  : SAMPLE_COUNTER;
		stat->value[0] = value;
	}
	closedir(dir);
	return entry ? -ENOMEM : 0;
}

static int add_vcpus(struct sample_vm *vm, int fd)
{
	char name[24];
	int id, dir, ret = 0;

	for (id = 0; !ret; id++) {
		snprintf(name, sizeof(name), "vcpu%d", id);
		dir = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			break;
		ret = add_numbers(vm, id, dir);
	}
	return ret;
}

static struct sample_object *vcpu_of(struct sample_vm *vm, int id)
{
	size_t i;

	for (i = 0; i < vm->nr; i++)
		if (vm->object[i].id == id)
			return &vm->object[i];
	return sample_add_object(vm, id);
}

/* Which threads run its vCPUs, by what record knows of other VMMs. */
static void add_threads(struct sample_vm *vm)
{
	struct record_target *target = calloc(1, sizeof(*target));
	struct error ignored = { 0 };
	unsigned int i;

	if (target && !record_target_pid(target, vm->pid, &ignored))
		for (i = 0; i < target->nr; i++) {
			const struct record_vcpu *vcpu = &target->vcpu[i];
			struct sample_object *object =
				vcpu_of(vm, (int)vcpu->id);

			if (object && vcpu->nr)
				object->tid = vcpu->tid[vcpu->nr - 1];
		}
	free(target);
}

/* --- what the VM is called -------------------------------------------------*/

/* The value of @option in a command line of @len bytes; as kept in /proc. */
static const char *option_in(const char *line, size_t len, const char *option)
{
	const char *at = line, *end = line + len;
	const size_t size = strlen(option);

	for (; at < end; at += strlen(at) + 1) {
		if (!strncmp(at, option, size) && at[size] == '=')
			return at + size + 1;
		if (!strcmp(at, option) && at + size + 1 < end)
			return at + size + 1;
	}
	return NULL;
}

/* QEMU: -name [guest=]NAME[,...]; lkvm, cloud-hypervisor: --name NAME. */
static bool name_by_command(pid_t pid, char *name, size_t size)
{
	static const char *const options[] = { "-name", "--name" };
	char path[64], line[8192];
	const char *value = NULL;
	size_t len, i;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[len] = '\0';
	for (i = 0; !value && i < 2; i++)
		value = option_in(line, len, options[i]);
	if (!value)
		return false;
	if (!strncmp(value, "guest=", 6))
		value += 6;
	snprintf(name, size, "%.*s", (int)strcspn(value, ","), value);
	return name[0] != '\0';
}

static void name_vm(struct sample_vm *vm)
{
	char path[64], comm[32] = "";
	FILE *file;

	if (name_by_command(vm->pid, vm->name, sizeof(vm->name)))
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)vm->pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(comm, sizeof(comm), file))
			comm[0] = '\0';
		fclose(file);
	}
	comm[strcspn(comm, "\n")] = '\0';
	snprintf(vm->name, sizeof(vm->name), "%s-%d", comm[0] ? comm : "vm",
		 (int)vm->pid);
}

/* A process can have several VMs: all but the first are named apart. */
static void name_apart(struct sample *sample, const char *fd)
{
	struct sample_vm *vm = &sample->vm[sample->nr - 1];
	const size_t len = strlen(vm->name);
	size_t i;

	for (i = 0; i + 1 < sample->nr; i++)
		if (sample->vm[i].pid == vm->pid)
			break;
	if (i + 1 < sample->nr)
		snprintf(vm->name + len, sizeof(vm->name) - len, "/%.12s", fd);
}

/* --- all directories -------------------------------------------------------*/

static int add_vm(struct sample *sample, int fd, pid_t pid, const char *suffix)
{
	struct sample_vm *vm = sample_add_vm(sample);
	int ret;

	if (!vm) {
		close(fd);
		return -ENOMEM;
	}
	vm->pid = pid;
	name_vm(vm);
	name_apart(sample, suffix);
	vm->ns = monotonic_ns();
	/* add_numbers() closes @fd */
	ret = add_vcpus(vm, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	ret = add_numbers(vm, SAMPLE_SUM, fd);
	add_threads(vm);
	return ret;
}

static bool has_process(const struct sample *sample, size_t nr, pid_t pid)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (sample->vm[i].pid == pid)
			return true;
	return false;
}

static int walk(struct sample *sample, DIR *dir, pid_t wanted)
{
	const size_t before = sample->nr;
	struct dirent *entry;
	int ret = 0;

	while (!ret && (entry = readdir(dir))) {
		char *end;
		const long pid = strtol(entry->d_name, &end, 10);
		int fd;

		if (pid <= 0 || pid > INT_MAX || *end != '-' ||
		    (wanted && pid != wanted) ||
		    has_process(sample, before, (pid_t)pid))
			continue;
		/* gone by now, if it cannot be opened */
		fd = openat(dirfd(dir), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			ret = add_vm(sample, fd, (pid_t)pid, end + 1);
	}
	if (!ret && wanted && sample->nr == before)
		ret = -ENOENT;
	return ret;
}

int sample_debugfs(struct sample *sample, const char *debugfs, pid_t pid,
		   struct error *err)
{
	char path[PATH_MAX];
	DIR *dir;
	int ret;

	snprintf(path, sizeof(path), "%s/kvm", debugfs);
	dir = opendir(path);
	if (!dir)
		return error_set(
			err, TL_HOST, errno,
			errno == ENOENT
				? "%s is not there: load KVM, and mount -t "
				  "debugfs debugfs /sys/kernel/debug"
				: "%s cannot be read: root is needed for VMs "
				  "of other programs",
			path);
	ret = walk(sample, dir, pid);
	closedir(dir);
	if (ret == -ENOMEM)
		error_set(err, TL_FAIL, ENOMEM,
			  "no memory for KVM's "
			  "statistics");
	return ret;
}
