// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmmap.h"

#define SIDE_FORMAT  "trapline-vm"
#define SIDE_VERSION 1
#define SIDE_MAX     (16u << 20) /* bytes; real ones have a few thousand */

/* Printed later: no control characters from a file into a terminal. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from && from[i] && i + 1 < size; i++)
		to[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7f
				? '?'
				: from[i];
	to[i] = '\0';
}

static int add_range(struct vmmap *map, uint64_t base, uint64_t size, bool ram,
		     enum devreg_type type, const char *name)
{
	struct vmmap_range *range;

	range = realloc(map->range, (map->nr_ranges + 1) * sizeof(*range));
	if (!range)
		return -ENOMEM;
	map->range = range;
	range += map->nr_ranges++;
	memset(range, 0, sizeof(*range));
	range->base = base;
	range->size = size;
	range->ram = ram;
	range->type = type;
	copy_text(range->name, sizeof(range->name), name);
	return 0;
}

static int compare_range(const void *a, const void *b)
{
	const struct vmmap_range *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static void sort_ranges(struct vmmap *map)
{
	if (map->nr_ranges)
		qsort(map->range, map->nr_ranges, sizeof(*map->range),
		      compare_range);
}

int vmmap_default(struct vmmap *map, struct error *err)
{
	static const struct {
		uint64_t base, size;
		bool ram;
		enum devreg_type type;
		const char *name;
	} virt[] = {
		{ 0x00000000, 0x08000000, false, DEVREG_UNKNOWN, "flash" },
		{ 0x08000000, 0x10000, false, DEVREG_GICD, "gicd" },
		{ 0x08010000, 0x10000, false, DEVREG_GICC, "gicc" },
		{ 0x08020000, 0x1000, false, DEVREG_UNKNOWN, "gicv2m" },
		{ 0x08080000, 0x20000, false, DEVREG_UNKNOWN, "gic-its" },
		{ 0x080a0000, 0xf60000, false, DEVREG_GICR, "gicr" },
		{ 0x09000000, 0x1000, false, DEVREG_PL011, "pl011" },
		{ 0x09010000, 0x1000, false, DEVREG_PL031, "pl031" },
		{ 0x09020000, 0x18, false, DEVREG_UNKNOWN, "fw-cfg" },
		{ 0x09030000, 0x1000, false, DEVREG_PL061, "pl061" },
		{ 0x10000000, 0x2eff0000, false, DEVREG_UNKNOWN, "pci-mmio" },
		{ 0x3eff0000, 0x10000, false, DEVREG_UNKNOWN, "pci-io" },
		{ 0x3f000000, 0x1000000, false, DEVREG_UNKNOWN, "pci-config" },
		/* with 255 GiB at most; what is above moves up with more */
		{ 0x40000000, 0x3fc0000000, true, DEVREG_UNKNOWN, "memory" },
		{ 0x4000000000, 0x4000000, false, DEVREG_GICR, "gicr-high" },
		{ 0x4010000000, 0x10000000, false, DEVREG_UNKNOWN,
		  "pci-config-high" },
		{ 0x8000000000, 0x8000000000, false, DEVREG_UNKNOWN,
		  "pci-mmio-high" },
	};
	int ret = 0;

	memset(map, 0, sizeof(*map));
	for (size_t i = 0; !ret && i < sizeof(virt) / sizeof(virt[0]); i++)
		ret = add_range(map, virt[i].base, virt[i].size, virt[i].ram,
				virt[i].type, virt[i].name);
	for (unsigned int i = 0; !ret && i < 32; i++) {
		char name[32];

		snprintf(name, sizeof(name), "virtio-mmio%u", i);
		ret = add_range(map, 0x0a000000 + 0x200 * i, 0x200, false,
				DEVREG_VIRTIO_MMIO, name);
	}
	if (ret) {
		vmmap_free(map);
		return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	}
	sort_ranges(map);
	return 0;
}

static void get_text(json_t *root, const char *key, char *to, size_t size)
{
	copy_text(to, size, json_string_value(json_object_get(root, key)));
}

/* A count or an address: a number from 0 on.  False if it is none. */
static bool get_u64(json_t *object, const char *key, uint64_t *value)
{
	json_t *number = json_object_get(object, key);

	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return false;
	*value = (uint64_t)json_integer_value(number);
	return true;
}

static unsigned int get_uint(json_t *object, const char *key)
{
	uint64_t value;

	return get_u64(object, key, &value) && value <= UINT32_MAX
		       ? (unsigned int)value
		       : 0;
}

static int read_ranges(struct vmmap *map, json_t *root, const char *path,
		       struct error *err)
{
	static const char *const key[] = { "memory", "devices" };
	uint64_t base, size;
	size_t i;
	json_t *item;

	for (int k = 0; k < 2; k++) {
		bool ram = k == 0;

		json_array_foreach (json_object_get(root, key[k]), i, item) {
			const char *name = json_string_value(
				json_object_get(item, "name"));
			const char *type = json_string_value(
				json_object_get(item, "type"));

			if (!get_u64(item, ram ? "gpa" : "base", &base) ||
			    !get_u64(item, "size", &size) || !size ||
			    size - 1 > UINT64_MAX - base)
				return error_set(
					err, TL_TRACE, EINVAL,
					"%s: %s[%zu] has no usable address and size; record again, or remove the file to do without",
					path, key[k], i);
			if (add_range(map, base, size, ram,
				      type ? devreg_type(type) : DEVREG_UNKNOWN,
				      ram    ? "memory"
				      : name ? name
				      : type ? type
					     : "device"))
				return error_set(err, TL_FAIL, ENOMEM,
						 "out of memory");
		}
	}
	sort_ranges(map);
	for (i = 1; i < map->nr_ranges; i++) {
		const struct vmmap_range *low = &map->range[i - 1];

		if (low->size > map->range[i].base - low->base)
			return error_set(
				err, TL_TRACE, EINVAL,
				"%s: %s and %s overlap at 0x%" PRIx64
				"; record again, or remove the file to do without",
				path, low->name, map->range[i].name,
				map->range[i].base);
	}
	return 0;
}

static void get_count(json_t *stats, const char *key, struct vmmap_count *count)
{
	count->known = get_u64(stats, key, &count->value);
}

/* "counted": what a statistic grew by, as [low, high] or [low, null]. */
static void get_span(json_t *object, const char *key, struct vmmap_count *count)
{
	json_t *pair = json_object_get(json_object_get(object, "counted"), key);
	json_t *low = json_array_get(pair, 0), *high = json_array_get(pair, 1);

	if (!json_is_integer(low) || json_integer_value(low) < 0)
		return;
	count->known = count->span = true;
	count->value = (uint64_t)json_integer_value(low);
	count->high = UINT64_MAX;
	if (json_is_integer(high) && json_integer_value(high) >= 0)
		count->high = (uint64_t)json_integer_value(high);
}

static bool get_tid(json_t *number, int *tid)
{
	json_int_t value = json_integer_value(number);

	if (!json_is_integer(number) || value <= 0 || value > INT32_MAX)
		return false;
	*tid = (int)value;
	return true;
}

/* "tids" has the thread of each boot; "tid" alone is the last one's. */
static int read_tids(struct vmmap_vcpu *vcpu, json_t *item)
{
	json_t *list = json_object_get(item, "tids");
	size_t count = json_array_size(list);

	vcpu->tid = calloc(count ? count : 1, sizeof(*vcpu->tid));
	if (!vcpu->tid)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!get_tid(json_array_get(list, i), &vcpu->tid[i]))
			return -EINVAL;
	}
	if (!count && !get_tid(json_object_get(item, "tid"), &vcpu->tid[0]))
		return -EINVAL;
	vcpu->nr_tids = count ? count : 1;
	return 0;
}

static int read_vcpus(struct vmmap *map, json_t *root, const char *path,
		      struct error *err)
{
	json_t *list = json_object_get(root, "vcpus"), *item;
	uint64_t id;
	size_t i;
	int ret;

	if (!json_array_size(list))
		return 0;
	map->vcpu = calloc(json_array_size(list), sizeof(*map->vcpu));
	if (!map->vcpu)
		return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	json_array_foreach (list, i, item) {
		struct vmmap_vcpu *vcpu = &map->vcpu[map->nr_vcpus++];
		json_t *stats = json_object_get(item, "stats");

		ret = read_tids(vcpu, item);
		if (ret == -ENOMEM)
			return error_set(err, TL_FAIL, ENOMEM, "out of memory");
		if (ret || !get_u64(item, "id", &id) || id > INT32_MAX)
			return error_set(
				err, TL_TRACE, EINVAL,
				"%s: vcpus[%zu] has no usable id and tid; record again, or remove the file to do without",
				path, i);
		vcpu->id = (int)id;
		get_count(stats, "exits", &vcpu->exits);
		get_count(stats, "trap_exits", &vcpu->trap_exits);
		get_count(stats, "hyp_exits", &vcpu->hyp_exits);
		get_span(item, "exits", &vcpu->exits);
		get_span(item, "trap_exits", &vcpu->trap_exits);
	}
	return 0;
}

int vmmap_parse(struct vmmap *map, const char *path, const char *text,
		size_t length, struct error *err)
{
	json_error_t json_err;
	json_t *root = json_loadb(text, length, 0, &json_err);
	const char *format;
	int ret;

	memset(map, 0, sizeof(*map));
	if (!root)
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: no valid JSON in line %d; record again, or remove the file to do without",
			path, json_err.line);
	format = json_string_value(json_object_get(root, "format"));
	if (!format || strcmp(format, SIDE_FORMAT) ||
	    get_uint(root, "version") != SIDE_VERSION) {
		ret = error_set(
			err, TL_TRACE, EINVAL,
			"%s: not a description of a VM that this version reads (format \"%s\", version %d); remove the file to do without",
			path, SIDE_FORMAT, SIDE_VERSION);
		goto out;
	}
	/* of another VMM's VM only the threads are known */
	if (!json_array_size(json_object_get(root, "memory")) &&
	    !json_array_size(json_object_get(root, "devices"))) {
		ret = vmmap_default(map, err);
		if (ret)
			goto out;
	}
	map->from_file = true;
	get_text(root, "vmm", map->vmm, sizeof(map->vmm));
	get_text(root, "name", map->name, sizeof(map->name));
	get_text(root, "machine", map->machine, sizeof(map->machine));
	get_text(root, "kernel", map->kernel, sizeof(map->kernel));
	get_text(root, "ended", map->ended, sizeof(map->ended));
	map->guest_width = get_uint(root, "guest_width");
	map->gic_version = get_uint(root, "gic_version");
	map->boots = get_uint(root, "boots");
	map->only = json_is_true(json_object_get(root, "only"));
	get_span(root, "exits", &map->exits);
	get_span(root, "trap_exits", &map->trap_exits);
	ret = read_ranges(map, root, path, err);
	if (!ret)
		ret = read_vcpus(map, root, path, err);
	if (ret)
		vmmap_free(map);
out:
	json_decref(root);
	return ret;
}

int vmmap_read(struct vmmap *map, const char *path, struct error *err)
{
	FILE *file = fopen(path, "re");
	char *text = NULL, *more;
	size_t length = 0, space = 0, n;
	int ret;

	memset(map, 0, sizeof(*map));
	if (!file) {
		if (errno == ENOENT)
			return -ENOENT;
		return error_set(err, TL_TRACE, errno, "%s: %s", path,
				 strerror(errno));
	}
	do {
		space = space ? 2 * space : 16384;
		more = realloc(text, space);
		if (!more) {
			ret = error_set(err, TL_FAIL, ENOMEM, "out of memory");
			goto out;
		}
		text = more;
		n = fread(text + length, 1, space - length, file);
		length += n;
	} while (length == space && length <= SIDE_MAX);
	if (ferror(file) || length > SIDE_MAX)
		ret = error_set(err, TL_TRACE, EIO,
				"%s: cannot be read as the VM's description",
				path);
	else if (!length) /* its VM was killed */
		ret = -ENOENT;
	else
		ret = vmmap_parse(map, path, text, length, err);
out:
	free(text);
	fclose(file);
	return ret;
}

void vmmap_free(struct vmmap *map)
{
	for (size_t i = 0; i < map->nr_vcpus; i++)
		free(map->vcpu[i].tid);
	free(map->range);
	free(map->vcpu);
	memset(map, 0, sizeof(*map));
}

int vmmap_find(const struct vmmap *map, uint64_t address)
{
	size_t low = 0, high = map->nr_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct vmmap_range *range = &map->range[middle];

		if (address < range->base)
			high = middle;
		else if (address - range->base < range->size)
			return (int)middle;
		else
			low = middle + 1;
	}
	return -1;
}

const struct vmmap_vcpu *vmmap_vcpu_of(const struct vmmap *map, int tid)
{
	for (size_t i = 0; i < map->nr_vcpus; i++) {
		const struct vmmap_vcpu *vcpu = &map->vcpu[i];

		for (size_t boot = 0; boot < vcpu->nr_tids; boot++) {
			if (vcpu->tid[boot] == tid)
				return vcpu;
		}
	}
	return NULL;
}
