// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm/stats.h"
#include "kvm/stats-debugfs.h"

/* Beyond any kernel's; so that a broken one does no harm. */
#define MAX_DESCS 4096
#define MAX_NAME  256
#define MAX_DATA  (1 << 20)

static int read_at(int fd, uint64_t offset, void *buf, size_t len)
{
	ssize_t n = pread(fd, buf, len, (off_t)offset);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

const struct stats_counter *stats_find(const struct stats *stats,
				       const char *name)
{
	unsigned int i;

	for (i = 0; i < stats->nr; i++)
		if (!strcmp(stats->counter[i].name, name))
			return &stats->counter[i];
	return NULL;
}

/* --- any statistics descriptor ---------------------------------------------*/

static bool decode(const struct kvm_stats_desc *raw, size_t name_size,
		   struct stats_desc *desc)
{
	const unsigned int type = raw->flags & KVM_STATS_TYPE_MASK;
	const unsigned int unit = (raw->flags & KVM_STATS_UNIT_MASK) >>
				  KVM_STATS_UNIT_SHIFT;
	const size_t max = sizeof(desc->name) - 1;

	/* KVM numbers types and units as the two enums do. */
	if (type > STATS_LOG_HIST || unit > STATS_BOOLEAN || !raw->size)
		return false;
	*desc = (struct stats_desc){
		.type = type,
		.unit = unit,
		.base = raw->flags & KVM_STATS_BASE_MASK ? 2 : 10,
		.exponent = raw->exponent,
		.bucket_size = raw->bucket_size,
		.nr = raw->size,
	};
	memcpy(desc->name, raw->name, name_size < max ? name_size : max);
	return true;
}

/* The file in three parts: its header, what there is, and the values. */
struct snapshot {
	struct kvm_stats_header header;
	size_t desc_size;
	uint8_t *descs; /* malloc'ed */
	uint64_t *data; /* malloc'ed */
};

static const struct kvm_stats_desc *desc_at(const struct snapshot *snap,
					    uint32_t i)
{
	return (const void *)(snap->descs + i * snap->desc_size);
}

static size_t data_end(const struct kvm_stats_desc *raw)
{
	return (size_t)raw->offset + raw->size * sizeof(uint64_t);
}

static int read_descs(int fd, struct snapshot *snap)
{
	const struct kvm_stats_header *header = &snap->header;
	int ret;

	ret = read_at(fd, 0, &snap->header, sizeof(snap->header));
	if (ret)
		return ret;
	if (header->num_desc > MAX_DESCS || header->name_size > MAX_NAME)
		return -EPROTO;
	/* Each descriptor is followed by its name in a field of fixed size. */
	snap->desc_size = sizeof(struct kvm_stats_desc) + header->name_size;
	snap->descs = malloc(header->num_desc * snap->desc_size + 1);
	if (!snap->descs)
		return -ENOMEM;
	return read_at(fd, header->desc_offset, snap->descs,
		       header->num_desc * snap->desc_size);
}

/* All values at one time, so that they belong together. */
static int read_data(int fd, struct snapshot *snap)
{
	size_t size = 0;
	uint32_t i;

	for (i = 0; i < snap->header.num_desc; i++)
		if (data_end(desc_at(snap, i)) > size)
			size = data_end(desc_at(snap, i));
	if (size > MAX_DATA)
		return -EPROTO;
	snap->data = malloc(size + 1);
	if (!snap->data)
		return -ENOMEM;
	return read_at(fd, snap->header.data_offset, snap->data, size);
}

int stats_walk(int fd,
	       int (*fn)(void *opaque, const struct stats_desc *desc,
			 const uint64_t *value),
	       void *opaque)
{
	struct snapshot snap = { 0 };
	struct stats_desc desc;
	uint32_t i;
	int ret;

	if (stats_is_debugfs(fd))
		return stats_debugfs_walk(fd, fn, opaque);
	ret = read_descs(fd, &snap);
	if (!ret)
		ret = read_data(fd, &snap);
	for (i = 0; !ret && i < snap.header.num_desc; i++) {
		const struct kvm_stats_desc *raw = desc_at(&snap, i);

		if (decode(raw, snap.header.name_size, &desc))
			ret = fn(opaque, &desc,
				 snap.data + raw->offset / sizeof(uint64_t));
	}
	free(snap.data);
	free(snap.descs);
	return ret;
}

static int open_fd(int fd)
{
	int ret = ioctl(fd, KVM_GET_STATS_FD, 0UL);

	return ret < 0 ? -errno : ret;
}

int stats_open_vm(const struct vm *vm)
{
	return vm->has_stats ? open_fd(vm->fd) : -ENOSYS;
}

int stats_open_vcpu(const struct vcpu *vcpu)
{
	if (!vcpu->vm->has_stats)
		return stats_debugfs_open(vcpu);
	return open_fd(vcpu->fd);
}

/* --- sums over boots -------------------------------------------------------*/

static int add(void *opaque, const struct stats_desc *desc,
	       const uint64_t *value)
{
	struct stats *total = opaque;
	struct stats_counter *counter;

	if (desc->type != STATS_CUMULATIVE || desc->nr != 1)
		return 0;
	counter = (struct stats_counter *)stats_find(total, desc->name);
	if (!counter) {
		if (total->nr == STATS_MAX)
			return -ENOSPC;
		counter = &total->counter[total->nr++];
		memcpy(counter->name, desc->name, STATS_NAME_MAX);
	}
	counter->value += *value;
	return 0;
}

int stats_add(const struct vcpu *vcpu, struct stats *total, struct error *err)
{
	int fd, ret;

	fd = stats_open_vcpu(vcpu);
	if (fd == -ENOSYS)
		return fd;
	ret = fd < 0 ? fd : stats_walk(fd, add, total);
	if (fd >= 0)
		close(fd);
	if (ret)
		error_set(err, TL_HOST, -ret,
			  "cannot read KVM's statistics of vCPU %u: %s",
			  vcpu->id, strerror(-ret));
	return ret;
}
