// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "qmp.h"
#include "vminfo.h"

#define FORMAT_VERSION 1

/* Only the kernel patch has this one; upstream counts no traps. */
#define PATCH_COUNTER "trap_exits"

/*
 * jansson's setters take over the value and refuse NULL, so that running out of
 * memory anywhere ends in a failed set.
 */
static int set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value);
}

static json_t *make_memory(const struct vminfo *info)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < info->nr_memory; i++)
		if (json_array_append_new(
			    list,
			    json_pack("{s:I, s:I}", "gpa",
				      (json_int_t)info->memory[i].gpa, "size",
				      (json_int_t)info->memory[i].size)))
			goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

static json_t *make_device(const struct vminfo_device *dev)
{
	json_t *obj = json_pack("{s:s, s:s, s:I, s:I}", "name", dev->name,
				"type", dev->type, "base",
				(json_int_t)dev->base, "size",
				(json_int_t)dev->size);

	if (!obj)
		return NULL;
	if (dev->virtio && set(obj, "virtio", json_string(dev->virtio)))
		goto fail;
	if (dev->spi >= 0 && set(obj, "spi", json_integer(dev->spi)))
		goto fail;
	return obj;
fail:
	json_decref(obj);
	return NULL;
}

static json_t *make_devices(const struct vminfo *info)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < info->nr_devices; i++)
		if (json_array_append_new(list, make_device(&info->devices[i])))
			goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

static json_t *make_tids(const struct vminfo_vcpu *vcpu)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < vcpu->nr_tids; i++)
		if (json_array_append_new(list, json_integer(vcpu->tids[i])))
			goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

static json_t *make_stats(const struct vminfo_vcpu *vcpu)
{
	json_t *obj = json_object();
	unsigned int i;

	for (i = 0; i < vcpu->nr_stats; i++)
		if (set(obj, vcpu->stats[i].name,
			json_integer((json_int_t)vcpu->stats[i].value)))
			goto fail;
	return obj;
fail:
	json_decref(obj);
	return NULL;
}

static json_t *make_counted(const struct vminfo_span *span, unsigned int nr)
{
	json_t *obj = json_object();
	unsigned int i;

	for (i = 0; i < nr; i++) {
		json_t *high = span[i].high == UINT64_MAX
				       ? json_null()
				       : json_integer((json_int_t)span[i].high);

		if (set(obj, span[i].name,
			json_pack("[I, o]", (json_int_t)span[i].low, high)))
			goto fail;
	}
	return obj;
fail:
	json_decref(obj);
	return NULL;
}

static json_t *make_vcpu(const struct vminfo_vcpu *vcpu)
{
	json_t *obj = json_object();
	pid_t last = vcpu->nr_tids ? vcpu->tids[vcpu->nr_tids - 1] : 0;

	if (set(obj, "id", json_integer(vcpu->id)) ||
	    set(obj, "tid", json_integer(last)) ||
	    set(obj, "tids", make_tids(vcpu)) ||
	    set(obj, "stats", make_stats(vcpu)) ||
	    (vcpu->nr_counted &&
	     set(obj, "counted",
		 make_counted(vcpu->counted, vcpu->nr_counted)))) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

static json_t *make_vcpus(const struct vminfo *info)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < info->nr_vcpus; i++)
		if (json_array_append_new(list, make_vcpu(&info->vcpus[i])))
			goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

static bool is_patched(const struct vminfo *info)
{
	unsigned int i;

	if (info->patched)
		return true;
	for (i = 0; info->nr_vcpus && i < info->vcpus[0].nr_stats; i++)
		if (!strcmp(info->vcpus[0].stats[i].name, PATCH_COUNTER))
			return true;
	return false;
}

static json_t *make_root(const struct vminfo *info)
{
	json_t *root = json_object();

	if (set(root, "format", json_string("trapline-vm")) ||
	    set(root, "version", json_integer(FORMAT_VERSION)) ||
	    set(root, "vmm",
		qmp_string(info->vmm ? info->vmm
				     : "trapline " TRAPLINE_VERSION)) ||
	    set(root, "name", qmp_string(info->name)) ||
	    set(root, "pid", json_integer(info->pid)) ||
	    set(root, "machine",
		json_string(info->machine ? info->machine : "")) ||
	    set(root, "guest_width", json_integer(info->guest_width)) ||
	    set(root, "gic_version", json_integer(info->gic_version)) ||
	    set(root, "kernel", qmp_string(info->kernel)) ||
	    set(root, "memory", make_memory(info)) ||
	    set(root, "devices", make_devices(info)) ||
	    set(root, "vcpus", make_vcpus(info)) ||
	    set(root, "patched", json_boolean(is_patched(info))) ||
	    set(root, "ended", json_string(info->ended)) ||
	    set(root, "boots", json_integer(info->boots)) ||
	    (info->only && set(root, "only", json_true())) ||
	    (info->nr_counted &&
	     set(root, "counted",
		 make_counted(info->counted, info->nr_counted)))) {
		json_decref(root);
		return NULL;
	}
	return root;
}

int vminfo_write(const char *trace, const struct vminfo *info,
		 struct error *err)
{
	json_t *root = make_root(info);
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	char *path = NULL;
	int ret;

	if (!text || asprintf(&path, "%s" VMINFO_SUFFIX, trace) < 0) {
		path = NULL;
		ret = error_set(err, TL_TRACE, ENOMEM,
				"no memory to describe the VM beside %s",
				trace);
		goto out;
	}
	ret = file_write(path, "VM description", text, strlen(text), TL_TRACE,
			 err);
out:
	free(path);
	free(text);
	json_decref(root);
	return ret;
}

static char *side_path(const char *trace)
{
	char *path;

	return asprintf(&path, "%s" VMINFO_SUFFIX, trace) < 0 ? NULL : path;
}

int vminfo_claim(const char *trace, struct error *err)
{
	char *path = side_path(trace);
	int ret;

	if (!path)
		return error_set(err, TL_TRACE, ENOMEM,
				 "no memory to describe the VM beside %s",
				 trace);
	ret = file_write(path, "VM description", "", 0, TL_TRACE, err);
	free(path);
	return ret;
}

void vminfo_unclaim(const char *trace)
{
	char *path = side_path(trace);
	struct stat st;

	if (path && !stat(path, &st) && S_ISREG(st.st_mode) && !st.st_size)
		unlink(path);
	free(path);
}
