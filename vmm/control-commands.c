// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments and results are those of QEMU's schema (its qapi/), members that
 * it calls optional or deprecated left out where they mean nothing here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control-commands.h"

#define MAX_ARGS 3

struct argument {
	const char *name;
	json_type type;
	bool required;
};

struct command {
	const char *name;
	json_t *(*run)(const struct control_target *target, json_t *args,
		       struct qmp_error *error);
	struct argument arg[MAX_ARGS];
};

/* An operation failed with @ret. */
static json_t *failed(int ret, const struct error *err, struct qmp_error *error)
{
	qmp_error_set(error,
		      ret == -ENODEV ? QMP_DEVICE_NOT_ACTIVE : QMP_GENERIC,
		      "%s", err->text[0] ? err->text : strerror(-ret));
	return NULL;
}

/* --- queries ---------------------------------------------------------------*/

static json_t *query_status(const struct control_target *target, json_t *args,
			    struct qmp_error *error)
{
	const bool paused = target->ops->is_paused(target->opaque);

	(void)args;
	(void)error;
	return json_pack("{s:s, s:b, s:b}", "status",
			 paused ? "paused" : "running", "running", !paused,
			 "singlestep", 0);
}

static json_t *query_version(const struct control_target *target, json_t *args,
			     struct qmp_error *error)
{
	(void)target;
	(void)args;
	(void)error;
	return qmp_version();
}

static json_t *query_name(const struct control_target *target, json_t *args,
			  struct qmp_error *error)
{
	(void)args;
	(void)error;
	return json_pack("{s:o}", "name", qmp_string(target->name));
}

/*
 * Not QEMU's.  The state is spelled as libvirt's enum virDomainState has it, and
 * numbered so.
 */
static json_t *query_domain(const struct control_target *target, json_t *args,
			    struct qmp_error *error)
{
	const bool paused = target->ops->is_paused(target->opaque);
	char *xml = target->ops->describe(target->opaque);
	json_t *result;

	(void)args;
	if (!xml) {
		qmp_error_set(error, QMP_GENERIC, "out of memory");
		return NULL;
	}
	result = json_pack("{s:o, s:s, s:i}", "xml", qmp_string(xml), "state",
			   paused ? "VIR_DOMAIN_PAUSED" : "VIR_DOMAIN_RUNNING",
			   "state-id", paused ? 3 : 1);
	free(xml);
	return result;
}

static json_t *query_kvm(const struct control_target *target, json_t *args,
			 struct qmp_error *error)
{
	(void)target;
	(void)args;
	(void)error;
	return json_pack("{s:b, s:b}", "enabled", 1, "present", 1);
}

static json_t *query_cpus_fast(const struct control_target *target,
			       json_t *args, struct qmp_error *error)
{
	const unsigned int nr = target->ops->nr_cpus(target->opaque);
	json_t *list = json_array();
	unsigned int i;

	(void)args;
	(void)error;
	for (i = 0; i < nr; i++) {
		struct control_cpu cpu;
		char path[40];

		target->ops->cpu(target->opaque, i, &cpu);
		snprintf(path, sizeof(path), CONTROL_CPU_PATH, i);
		json_array_append_new(
			list,
			json_pack("{s:i, s:{s:i}, s:i, s:s, s:s}", "cpu-index",
				  i, "props", "core-id", i, "thread-id",
				  (int)cpu.tid, "qom-path", path, "target",
				  cpu.width == 32 ? "arm" : "aarch64"));
	}
	return list;
}

/* BlockDeviceInfo: what has no limit here says so as QEMU does, with 0. */
static json_t *describe_medium(const struct control_disk *disk)
{
	json_t *file = qmp_string(disk->file);
	json_t *medium;

	medium = json_pack(
		"{s:O, s:b, s:s, s:i, s:b, s:s, s:i, s:{s:b, s:b, s:b},"
		" s:{s:O, s:s, s:I}}",
		"file", file, "ro", disk->read_only, "drv", disk->format,
		"backing_file_depth", 0, "encrypted", 0, "detect_zeroes", "off",
		"write_threshold", 0, "cache", "writeback", 1, "direct",
		disk->direct, "no-flush", 0, "image", "filename", file,
		"format", disk->format, "virtual-size", (json_int_t)disk->size);
	json_decref(file);
	if (medium) {
		static const char *const limits[] = { "bps",     "bps_rd",
						      "bps_wr",  "iops",
						      "iops_rd", "iops_wr" };
		size_t i;

		for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
			json_object_set_new(medium, limits[i], json_integer(0));
	}
	return medium;
}

static json_t *query_block(const struct control_target *target, json_t *args,
			   struct qmp_error *error)
{
	const unsigned int nr = target->ops->nr_disks(target->opaque);
	json_t *list = json_array();
	unsigned int i;

	(void)args;
	(void)error;
	for (i = 0; i < nr; i++) {
		struct control_disk disk;

		target->ops->disk(target->opaque, i, &disk);
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:b, s:b, s:o}", "device",
					disk.name, "type", "unknown",
					"removable", 0, "locked", 0, "inserted",
					describe_medium(&disk)));
	}
	return list;
}

static json_t *query_balloon(const struct control_target *target, json_t *args,
			     struct qmp_error *error)
{
	struct error err = { 0 };
	uint64_t actual;
	int ret;

	(void)args;
	ret = target->ops->balloon_get(target->opaque, &actual, &err);
	if (ret)
		return failed(ret, &err, error);
	return json_pack("{s:I}", "actual", (json_int_t)actual);
}

/* --- actions ---------------------------------------------------------------*/

static json_t *cmd_balloon(const struct control_target *target, json_t *args,
			   struct qmp_error *error)
{
	json_int_t value = json_integer_value(json_object_get(args, "value"));
	struct error err = { 0 };
	int ret;

	if (value <= 0) {
		qmp_error_set(error, QMP_GENERIC,
			      "Parameter 'value' expects a size above 0");
		return NULL;
	}
	ret = target->ops->balloon_set(target->opaque, (uint64_t)value, &err);
	return ret ? failed(ret, &err, error) : json_object();
}

static json_t *cmd_powerdown(const struct control_target *target, json_t *args,
			     struct qmp_error *error)
{
	struct error err = { 0 };
	int ret;

	(void)args;
	ret = target->ops->powerdown(target->opaque, &err);
	if (ret) {
		/* To QMP no device is an error like any here. */
		failed(-EIO, &err, error);
		return NULL;
	}
	return json_object();
}

#define SIMPLE_ACTION(fn, op)                                                \
	static json_t *fn(const struct control_target *target, json_t *args, \
			  struct qmp_error *error)                           \
	{                                                                    \
		(void)args;                                                  \
		(void)error;                                                 \
		target->ops->op(target->opaque);                             \
		return json_object();                                        \
	}

SIMPLE_ACTION(cmd_stop, pause)
SIMPLE_ACTION(cmd_cont, resume)
SIMPLE_ACTION(cmd_reset, reset)
SIMPLE_ACTION(cmd_quit, quit)

/* --- the table -------------------------------------------------------------*/

static json_t *query_commands(const struct control_target *target, json_t *args,
			      struct qmp_error *error);

static const struct command commands[] = {
	{ "balloon", cmd_balloon, { { "value", JSON_INTEGER, true } } },
	{ "cont", cmd_cont, { { 0 } } },
	{ "query-balloon", query_balloon, { { 0 } } },
	{ "query-block", query_block, { { 0 } } },
	{ "query-commands", query_commands, { { 0 } } },
	{ "query-cpus-fast", query_cpus_fast, { { 0 } } },
	{ "query-kvm", query_kvm, { { 0 } } },
	{ "x-query-domain", query_domain, { { 0 } } },
	{ "query-name", query_name, { { 0 } } },
	{ "query-stats",
	  control_query_stats,
	  { { "target", JSON_STRING, true },
	    { "vcpus", JSON_ARRAY, false },
	    { "providers", JSON_ARRAY, false } } },
	{ "query-stats-schemas",
	  control_query_stats_schemas,
	  { { "provider", JSON_STRING, false } } },
	{ "query-status", query_status, { { 0 } } },
	{ "query-version", query_version, { { 0 } } },
	{ "quit", cmd_quit, { { 0 } } },
	{ "stop", cmd_stop, { { 0 } } },
	{ "system_powerdown", cmd_powerdown, { { 0 } } },
	{ "system_reset", cmd_reset, { { 0 } } },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static json_t *query_commands(const struct control_target *target, json_t *args,
			      struct qmp_error *error)
{
	json_t *list = json_array();
	size_t i;

	(void)target;
	(void)args;
	(void)error;
	for (i = 0; i < NR_COMMANDS; i++)
		json_array_append_new(list, json_pack("{s:s}", "name",
						      commands[i].name));
	/* The protocol's own, which the server answers by itself. */
	json_array_append_new(list,
			      json_pack("{s:s}", "name", "qmp_capabilities"));
	return list;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_INTEGER:
		return "integer";
	case JSON_STRING:
		return "string";
	case JSON_ARRAY:
		return "array";
	default:
		return "object";
	}
}

static const struct argument *find_argument(const struct command *command,
					    const char *name)
{
	size_t i;

	for (i = 0; i < MAX_ARGS && command->arg[i].name; i++)
		if (!strcmp(command->arg[i].name, name))
			return &command->arg[i];
	return NULL;
}

static int check_arguments(const struct command *command, json_t *args,
			   struct qmp_error *error)
{
	const struct argument *arg;
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach (args, key, value) {
		arg = find_argument(command, key);
		if (!arg)
			return qmp_error_set(error, QMP_GENERIC,
					     "Parameter '%.60s' is unexpected",
					     key);
		if (json_typeof(value) != arg->type)
			return qmp_error_set(error, QMP_GENERIC,
					     "Invalid parameter type for "
					     "'%s', expected: %s",
					     key, type_name(arg->type));
	}
	for (i = 0; i < MAX_ARGS && command->arg[i].name; i++) {
		arg = &command->arg[i];
		if (arg->required && !json_object_get(args, arg->name))
			return qmp_error_set(error, QMP_GENERIC,
					     "Parameter '%s' is missing",
					     arg->name);
	}
	return 0;
}

json_t *control_execute(const struct control_target *target,
			const char *command, json_t *args,
			struct qmp_error *error)
{
	json_t *value;
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(commands[i].name, command))
			continue;
		if (check_arguments(&commands[i], args, error))
			return NULL;
		value = commands[i].run(target, args, error);
		if (!value && !error->class)
			qmp_error_set(error, QMP_GENERIC, "out of memory");
		return value;
	}
	qmp_error_set(error, QMP_COMMAND_NOT_FOUND,
		      "The command %.100s has not been found", command);
	return NULL;
}
