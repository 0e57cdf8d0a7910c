// SPDX-License-Identifier: GPL-2.0-only
/* query-stats and query-stats-schemas: QEMU's qapi/stats.json. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control-commands.h"

#define PROVIDER "kvm"

/* What a client asked for. */
struct filter {
	json_t *vcpus; /* paths, or NULL for all */
	json_t *names; /* or NULL for all */
};

struct collection {
	json_t *list; /* array */
	json_t *names;
};

static bool lists(json_t *array, const char *text)
{
	json_t *entry;
	size_t i;

	json_array_foreach (array, i, entry) {
		const char *string = json_string_value(entry);

		if (string && !strcmp(string, text))
			return true;
	}
	return false;
}

/* --- query-stats -----------------------------------------------------------*/

static json_t *make_value(const struct control_stat *stat)
{
	json_t *list;
	unsigned int i;

	if (stat->unit && !strcmp(stat->unit, "boolean") && stat->nr == 1)
		return json_boolean(stat->value[0]);
	if (stat->nr == 1)
		return json_integer((json_int_t)stat->value[0]);
	list = json_array();
	for (i = 0; i < stat->nr; i++)
		json_array_append_new(list,
				      json_integer((json_int_t)stat->value[i]));
	return list;
}

static int collect_value(void *arg, const struct control_stat *stat)
{
	struct collection *collection = arg;

	if (collection->names && !lists(collection->names, stat->name))
		return 0;
	json_array_append_new(collection->list,
			      json_pack("{s:o, s:o}", "name",
					qmp_string(stat->name), "value",
					make_value(stat)));
	return 0;
}

/* Statistics of one object, appended to @result; @path is NULL for the VM. */
static int add_object(const struct control_target *target, int which,
		      const char *path, const struct filter *filter,
		      json_t *result, struct qmp_error *error)
{
	struct collection collection = { json_array(), filter->names };
	struct error err = { 0 };
	json_t *object;
	int ret;

	ret = target->ops->stats(target->opaque, which, collect_value,
				 &collection, &err);
	if (ret) {
		json_decref(collection.list);
		/* A host without statistics has none to show. */
		if (ret == -ENOSYS)
			return 0;
		return qmp_error_set(error, QMP_GENERIC, "%s",
				     err.text[0] ? err.text : strerror(-ret));
	}
	object = json_pack("{s:s, s:o}", "provider", PROVIDER, "stats",
			   collection.list);
	if (path)
		json_object_set_new(object, "qom-path", json_string(path));
	json_array_append_new(result, object);
	return 0;
}

static int add_vcpus(const struct control_target *target,
		     const struct filter *filter, json_t *result,
		     struct qmp_error *error)
{
	const unsigned int nr = target->ops->nr_cpus(target->opaque);
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < nr; i++) {
		char path[40];

		snprintf(path, sizeof(path), CONTROL_CPU_PATH, i);
		if (!filter->vcpus || lists(filter->vcpus, path))
			ret = add_object(target, (int)i, path, filter, result,
					 error);
	}
	return ret;
}

/*
 * "providers": a list of { "provider": "kvm", "names": [...] }.  False if KVM is
 * not among them.
 */
static bool filter_provider(json_t *providers, struct filter *filter)
{
	json_t *entry, *provider;
	size_t i;

	if (!providers)
		return true;
	json_array_foreach (providers, i, entry) {
		provider = json_object_get(entry, "provider");
		if (!json_is_string(provider) ||
		    strcmp(json_string_value(provider), PROVIDER))
			continue;
		filter->names = json_object_get(entry, "names");
		return true;
	}
	return false;
}

json_t *control_query_stats(const struct control_target *target, json_t *args,
			    struct qmp_error *error)
{
	const char *what = json_string_value(json_object_get(args, "target"));
	struct filter filter = { .vcpus = json_object_get(args, "vcpus") };
	json_t *result = json_array();
	int ret = 0;

	if (strcmp(what, "vm") && strcmp(what, "vcpu"))
		ret = qmp_error_set(error, QMP_GENERIC,
				    "Parameter 'target' does not accept value "
				    "'%.40s'",
				    what);
	else if (!filter_provider(json_object_get(args, "providers"), &filter))
		;
	else if (!strcmp(what, "vm"))
		ret = add_object(target, CONTROL_STATS_VM, NULL, &filter,
				 result, error);
	else
		ret = add_vcpus(target, &filter, result, error);
	if (!ret)
		return result;
	json_decref(result);
	return NULL;
}

/* --- query-stats-schemas ---------------------------------------------------*/

static int collect_schema(void *arg, const struct control_stat *stat)
{
	struct collection *collection = arg;
	json_t *schema = json_pack("{s:o, s:s, s:i}", "name",
				   qmp_string(stat->name), "type", stat->type,
				   "exponent", stat->exponent);

	if (stat->unit)
		json_object_set_new(schema, "unit", json_string(stat->unit));
	if (stat->exponent)
		json_object_set_new(schema, "base", json_integer(stat->base));
	if (stat->bucket_size)
		json_object_set_new(schema, "bucket-size",
				    json_integer(stat->bucket_size));
	json_array_append_new(collection->list, schema);
	return 0;
}

static int add_schema(const struct control_target *target, const char *name,
		      int which, json_t *result, struct qmp_error *error)
{
	struct collection collection = { .list = json_array() };
	struct error err = { 0 };
	int ret;

	ret = target->ops->stats(target->opaque, which, collect_schema,
				 &collection, &err);
	if (!ret)
		return json_array_append_new(
			result,
			json_pack("{s:s, s:s, s:o}", "provider", PROVIDER,
				  "target", name, "stats", collection.list));
	json_decref(collection.list);
	if (ret == -ENOSYS)
		return 0;
	return qmp_error_set(error, QMP_GENERIC, "%s",
			     err.text[0] ? err.text : strerror(-ret));
}

json_t *control_query_stats_schemas(const struct control_target *target,
				    json_t *args, struct qmp_error *error)
{
	json_t *provider = json_object_get(args, "provider");
	json_t *result = json_array();

	if (provider && strcmp(json_string_value(provider), PROVIDER)) {
		qmp_error_set(error, QMP_GENERIC,
			      "Parameter 'provider' does not accept value "
			      "'%.40s'",
			      json_string_value(provider));
		goto fail;
	}
	if (add_schema(target, "vm", CONTROL_STATS_VM, result, error) ||
	    add_schema(target, "vcpu", 0, result, error))
		goto fail;
	return result;
fail:
	json_decref(result);
	return NULL;
}
