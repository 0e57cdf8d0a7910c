// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm/stats.h"

static int read_at(int fd, uint64_t offset, void *buf, size_t len)
{
	ssize_t n = pread(fd, buf, len, offset);

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

static int add(struct stats *total, const char *name, uint64_t value)
{
	struct stats_counter *counter;

	counter = (struct stats_counter *)stats_find(total, name);
	if (!counter) {
		if (total->nr == STATS_MAX)
			return -ENOSPC;
		counter = &total->counter[total->nr++];
		memcpy(counter->name, name, STATS_NAME_MAX);
	}
	counter->value += value;
	return 0;
}

static int read_all(int fd, struct stats *total)
{
	struct kvm_stats_header header;
	size_t desc_size;
	uint8_t *descs;
	uint32_t i;
	int ret;

	ret = read_at(fd, 0, &header, sizeof(header));
	if (ret)
		return ret;
	if (header.num_desc > 4096 || header.name_size > 256)
		return -EPROTO;

	/* Each descriptor is followed by its name in a field of fixed size. */
	desc_size = sizeof(struct kvm_stats_desc) + header.name_size;
	descs = malloc(header.num_desc * desc_size);
	if (!descs)
		return -ENOMEM;
	ret = read_at(fd, header.desc_offset, descs,
		      header.num_desc * desc_size);

	for (i = 0; !ret && i < header.num_desc; i++) {
		const struct kvm_stats_desc *desc =
			(const void *)(descs + i * desc_size);
		char name[STATS_NAME_MAX] = "";
		uint64_t value;

		if ((desc->flags & KVM_STATS_TYPE_MASK) !=
			    KVM_STATS_TYPE_CUMULATIVE ||
		    desc->size != 1)
			continue;
		memcpy(name, (const uint8_t *)desc + sizeof(*desc),
		       header.name_size < sizeof(name) ? header.name_size
						       : sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		ret = read_at(fd, (uint64_t)header.data_offset + desc->offset,
			      &value, sizeof(value));
		if (!ret)
			ret = add(total, name, value);
	}
	free(descs);
	return ret;
}

int stats_add(const struct vcpu *vcpu, struct stats *total, struct error *err)
{
	int fd, ret;

	if (!vcpu->vm->has_stats)
		return -ENOSYS;
	fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, 0UL);
	ret = fd < 0 ? -errno : read_all(fd, total);
	if (fd >= 0)
		close(fd);
	if (ret)
		error_set(err, TL_HOST, -ret,
			  "cannot read KVM's statistics of vCPU %u: %s",
			  vcpu->id, strerror(-ret));
	return ret;
}
