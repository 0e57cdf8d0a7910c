// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client-vms.h"
#include "client.h"
#include "lib/clock.h"
#include "sample.h"

#define DEBUGFS "/sys/kernel/debug"

/* --- the sample ------------------------------------------------------------*/

struct sample_vm *sample_add_vm(struct sample *sample)
{
	struct sample_vm *vm =
		realloc(sample->vm, (sample->nr + 1) * sizeof(*vm));

	if (!vm)
		return NULL;
	sample->vm = vm;
	vm += sample->nr++;
	memset(vm, 0, sizeof(*vm));
	return vm;
}

struct sample_object *sample_add_object(struct sample_vm *vm, int id)
{
	struct sample_object *object =
		realloc(vm->object, (vm->nr + 1) * sizeof(*object));

	if (!object)
		return NULL;
	vm->object = object;
	object += vm->nr++;
	*object = (struct sample_object){ .id = id };
	return object;
}

struct sample_stat *sample_add_stat(struct sample_object *object,
				    const char *name, unsigned int nr)
{
	struct sample_stat *stat =
		realloc(object->stat, (object->nr + 1) * sizeof(*stat));

	if (!stat)
		return NULL;
	object->stat = stat;
	stat += object->nr;
	*stat = (struct sample_stat){ .base = 10, .nr = nr };
	stat->value = calloc(nr ? nr : 1, sizeof(*stat->value));
	if (!stat->value)
		return NULL;
	strncpy(stat->name, name, sizeof(stat->name) - 1);
	object->nr++;
	return stat;
}

static void free_vm(struct sample_vm *vm)
{
	size_t i, k;

	for (i = 0; i < vm->nr; i++) {
		for (k = 0; k < vm->object[i].nr; k++)
			free(vm->object[i].stat[k].value);
		free(vm->object[i].stat);
	}
	free(vm->object);
}

void sample_free(struct sample *sample)
{
	size_t i;

	for (i = 0; i < sample->nr; i++)
		free_vm(&sample->vm[i]);
	free(sample->vm);
	*sample = (struct sample){ 0 };
}

const struct sample_vm *sample_find(const struct sample *sample, pid_t pid,
				    const char *name)
{
	size_t i;

	for (i = 0; i < sample->nr; i++)
		if (sample->vm[i].pid == pid &&
		    !strcmp(sample->vm[i].name, name))
			return &sample->vm[i];
	return NULL;
}

static const struct sample_stat *stat_of(const struct sample_object *object,
					 const char *name)
{
	size_t i;

	for (i = 0; i < object->nr; i++)
		if (!strcmp(object->stat[i].name, name))
			return &object->stat[i];
	return NULL;
}

const struct sample_stat *sample_stat(const struct sample_vm *vm, int id,
				      const char *name)
{
	size_t i;

	for (i = 0; i < vm->nr; i++)
		if (vm->object[i].id == id)
			return stat_of(&vm->object[i], name);
	return NULL;
}

bool sample_counter(const struct sample_vm *vm, int id, const char *name,
		    uint64_t *value)
{
	const struct sample_stat *stat = sample_stat(vm, id, name);
	bool any = false;
	size_t i;

	if (!stat && id == SAMPLE_SUM)
		stat = sample_stat(vm, SAMPLE_VM, name);
	if (stat) {
		*value = stat->value[0];
		return stat->type == SAMPLE_COUNTER;
	}
	if (id != SAMPLE_SUM)
		return false;
	*value = 0;
	for (i = 0; i < vm->nr; i++) {
		stat = vm->object[i].id >= 0 ? stat_of(&vm->object[i], name)
					     : NULL;
		if (!stat || stat->type != SAMPLE_COUNTER)
			continue;
		*value += stat->value[0];
		any = true;
	}
	return any;
}

/* --- our own VMs -----------------------------------------------------------*/

static json_t *with_name(json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		const char *text =
			json_string_value(json_object_get(entry, "name"));

		if (text && !strcmp(text, name))
			return entry;
	}
	return NULL;
}

/* What query-stats-schemas says of statistics of @target ("vm" or "vcpu"). */
static json_t *schemas_of(json_t *schemas, const char *target)
{
	json_t *entry;
	size_t i;

	json_array_foreach (schemas, i, entry) {
		const char *text =
			json_string_value(json_object_get(entry, "target"));

		if (text && !strcmp(text, target))
			return json_object_get(entry, "stats");
	}
	return NULL;
}

static void describe(struct sample_stat *stat, json_t *schema)
{
	static const struct {
		const char *name;
		enum sample_type type;
	} types[] = {
		{ "cumulative", SAMPLE_COUNTER },
		{ "linear-histogram", SAMPLE_LINEAR_HIST },
		{ "log2-histogram", SAMPLE_LOG_HIST },
	};
	const char *type = json_string_value(json_object_get(schema, "type"));
	const char *unit = json_string_value(json_object_get(schema, "unit"));
	json_t *base = json_object_get(schema, "base");
	size_t i;

	stat->type = SAMPLE_GAUGE;
	for (i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i].name))
			stat->type = types[i].type;
	if (unit)
		strncpy(stat->unit, unit, sizeof(stat->unit) - 1);
	stat->exponent =
		(int)json_integer_value(json_object_get(schema, "exponent"));
	if (base)
		stat->base = (unsigned int)json_integer_value(base);
	stat->bucket_size = (unsigned int)json_integer_value(
		json_object_get(schema, "bucket-size"));
}

static uint64_t number_of(json_t *value)
{
	return json_is_true(value) ? 1 : (uint64_t)json_integer_value(value);
}

static int add_values(struct sample_object *object, json_t *stats,
		      json_t *schemas)
{
	struct sample_stat *stat;
	json_t *entry;
	size_t i, k;

	json_array_foreach (stats, i, entry) {
		const char *name =
			json_string_value(json_object_get(entry, "name"));
		json_t *value = json_object_get(entry, "value");
		const size_t nr = json_is_array(value) ? json_array_size(value)
						       : 1;
		json_t *schema = name ? with_name(schemas, name) : NULL;

		if (!schema || !nr)
			continue;
		stat = sample_add_stat(object, name, (unsigned int)nr);
		if (!stat)
			return -ENOMEM;
		describe(stat, schema);
		for (k = 0; k < nr; k++)
			stat->value[k] = number_of(
				json_is_array(value) ? json_array_get(value, k)
						     : value);
	}
	return 0;
}

/* All objects in the answer to query-stats for @target. */
static int add_objects(struct sample_vm *vm, json_t *answer, json_t *schemas,
		       const char *target)
{
	const bool vcpus = !strcmp(target, "vcpu");
	struct sample_object *object;
	json_t *entry;
	size_t i;
	int ret = 0;

	json_array_foreach (answer, i, entry) {
		object = sample_add_object(vm, vcpus ? (int)i : SAMPLE_VM);
		ret = object ? add_values(object,
					  json_object_get(entry, "stats"),
					  schemas_of(schemas, target))
			     : -ENOMEM;
		if (ret)
			break;
	}
	return ret;
}

static void add_threads(struct sample_vm *vm, json_t *cpus)
{
	json_t *cpu;
	size_t i, k;

	json_array_foreach (cpus, i, cpu) {
		const json_int_t id =
			json_integer_value(json_object_get(cpu, "cpu-index"));

		for (k = 0; k < vm->nr; k++)
			if (vm->object[k].id == id)
				vm->object[k].tid = (pid_t)json_integer_value(
					json_object_get(cpu, "thread-id"));
	}
}

static int ask(struct client_session *session, struct sample_vm *vm,
	       struct error *err)
{
	json_t *schemas, *answer[2] = { NULL, NULL }, *cpus = NULL;
	static const char *const target[] = { "vm", "vcpu" };
	int i, ret = -EIO;

	schemas = client_execute(session, "query-stats-schemas", NULL, err);
	for (i = 0; schemas && i < 2; i++)
		answer[i] = client_execute(
			session, "query-stats",
			json_pack("{s:s}", "target", target[i]), err);
	if (answer[0] && answer[1])
		cpus = client_execute(session, "query-cpus-fast", NULL, err);
	if (cpus) {
		ret = 0;
		for (i = 0; !ret && i < 2; i++)
			ret = add_objects(vm, answer[i], schemas, target[i]);
		add_threads(vm, cpus);
	}
	json_decref(cpus);
	json_decref(answer[1]);
	json_decref(answer[0]);
	json_decref(schemas);
	return ret;
}

static int take_own(struct sample *sample, const struct client_vm *own,
		    const char *debugfs, struct error *err)
{
	struct client_session session;
	struct sample_vm *vm;
	struct error ignored = { 0 };
	int ret;

	ret = client_vms_open(own, &session, err);
	if (ret)
		return ret;
	vm = sample_add_vm(sample);
	if (vm) {
		snprintf(vm->name, sizeof(vm->name), "%s", own->name);
		vm->pid = session.pid;
		vm->ns = monotonic_ns();
		ret = ask(&session, vm, err);
	} else {
		ret = -ENOMEM;
	}
	client_close(&session);
	if (!ret && vm->nr)
		return 0;
	if (vm) {
		const pid_t pid = vm->pid;

		free_vm(vm);
		sample->nr--;
		/* A host before Linux 5.14 has sums for several vCPUs. */
		if (!ret)
			ret = sample_debugfs(sample, debugfs, pid, &ignored);
	}
	if (!ret)
		snprintf(sample->vm[sample->nr - 1].name,
			 sizeof(sample->vm->name), "%s", own->name);
	else if (!err->text[0])
		error_set(err, TL_HOST, ENOSYS,
			  "virtual machine '%s': its host's kernel gives no "
			  "statistics (Linux 5.14 and later do)",
			  own->name);
	return ret;
}

static int take_named(struct sample *sample,
		      const struct sample_request *request, const char *debugfs,
		      struct error *err)
{
	struct client_vms vms = client_vms_find();
	size_t i, k;
	int ret = 0;

	for (i = 0; !ret && i < request->nr_names; i++) {
		for (k = 0; k < vms.nr; k++)
			if (!strcmp(vms.list[k].name, request->name[i]))
				break;
		if (k == vms.nr)
			ret = client_vms_unknown(&vms, request->name[i], err);
		else
			ret = take_own(sample, &vms.list[k], debugfs, err);
	}
	client_vms_free(&vms);
	return ret;
}

/* One that does not answer is no reason to leave out the others. */
static int take_all(struct sample *sample, const char *debugfs)
{
	struct client_vms vms = client_vms_find();
	struct error ignored = { 0 };
	size_t i;

	for (i = 0; i < vms.nr; i++) {
		struct error why = { 0 };

		take_own(sample, &vms.list[i], debugfs, &why);
	}
	client_vms_free(&vms);
	sample_debugfs(sample, debugfs, 0, &ignored);
	return 0;
}

int sample_take(const struct sample_request *request, struct sample *sample,
		struct error *err)
{
	const char *debugfs = request->debugfs ? request->debugfs : DEBUGFS;
	int ret;

	*sample = (struct sample){ 0 };
	if (request->all)
		return take_all(sample, debugfs);
	ret = take_named(sample, request, debugfs, err);
	if (ret || !request->pid)
		return ret;
	ret = sample_debugfs(sample, debugfs, request->pid, err);
	if (ret == -ENOENT)
		error_set(err, TL_NAME, ENOENT,
			  "process %d has no virtual machine (%s/kvm)",
			  (int)request->pid, debugfs);
	return ret;
}
