// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvm/stats-debugfs.h"

#define KVM_DEBUGFS "/sys/kernel/debug/kvm"

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int stats_debugfs_open(const struct vcpu *vcpu)
{
	char path[sizeof(KVM_DEBUGFS) + 64];
	int fd;

	/* Named after the task that made the VM: the main thread. */
	snprintf(path, sizeof(path), KVM_DEBUGFS "/%ld-%d/vcpu%u",
		 (long)getpid(), vcpu->vm->fd, vcpu->id);
	fd = open_dir(path);
	if (fd < 0 && vcpu->vm->nr_vcpus == 1) {
		*strrchr(path, '/') = '\0';
		fd = open_dir(path);
	}
	return fd < 0 ? -ENOSYS : fd;
}

bool stats_is_debugfs(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISDIR(st.st_mode);
}

/* False if @name is no file with one number in it. */
static bool read_number(int dir, const char *name, uint64_t *value)
{
	char text[32], *end;
	ssize_t n;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
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

static int walk_stream(DIR *stream,
		       int (*fn)(void *opaque, const struct stats_desc *desc,
				 const uint64_t *value),
		       void *opaque)
{
	const struct dirent *entry;
	uint64_t value;
	int ret = 0;

	while (!ret && (entry = readdir(stream))) {
		struct stats_desc desc = {
			.type = STATS_CUMULATIVE,
			.base = 10,
			.nr = 1,
		};

		if (*entry->d_name == '.' ||
		    strlen(entry->d_name) >= sizeof(desc.name) ||
		    !read_number(dirfd(stream), entry->d_name, &value))
			continue;
		memcpy(desc.name, entry->d_name, strlen(entry->d_name));
		ret = fn(opaque, &desc, &value);
	}
	return ret;
}

int stats_debugfs_walk(int fd,
		       int (*fn)(void *opaque, const struct stats_desc *desc,
				 const uint64_t *value),
		       void *opaque)
{
	DIR *stream;
	int copy, ret;

	/* closedir() would close the caller's; "." has a position of its own */
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy < 0)
		return -errno;
	stream = fdopendir(copy);
	if (!stream) {
		ret = -errno;
		close(copy);
		return ret;
	}
	ret = walk_stream(stream, fn, opaque);
	closedir(stream);
	return ret;
}
