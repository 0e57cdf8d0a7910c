// SPDX-License-Identifier: GPL-2.0-only
/* The subcommands that control running VMs, as lkvm has them. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "client-vms.h"

/* A VM has devices to quiesce and a recording to complete. */
#define END_SECONDS 20

#define MIB         (INT64_C(1) << 20)

/* --- what is done to one VM ------------------------------------------------*/

/* What the command line asks for, besides which VM. */
struct request {
	const char *command; /* the subcommand */
	const char *qmp;     /* what simple() executes */
	FILE *out;
	bool several;
	bool zeros;      /* stat: counters that are 0 too */
	int64_t inflate; /* balloon: bytes to take away, < 0: to give back */
	int64_t target;  /* balloon: bytes to leave, or 0 */
};

typedef int (*client_fn)(struct client_session *session,
			 const struct client_vm *vm,
			 const struct request *request, struct error *err);

static int simple(struct client_session *session, const struct client_vm *vm,
		  const struct request *request, struct error *err)
{
	json_t *value = client_execute(session, request->qmp, NULL, err);

	(void)vm;
	json_decref(value);
	return value ? 0 : -EIO;
}

static int do_stop(struct client_session *session, const struct client_vm *vm,
		   const struct request *request, struct error *err)
{
	int ret = simple(session, vm, request, err);

	/* When this command ends, the VM has ended and its name is free. */
	if (!ret && client_wait_end(session, END_SECONDS))
		ret = error_set(err, TL_FAIL, ETIMEDOUT,
				"%s has not ended after %d s (process %ld)",
				session->what, END_SECONDS, (long)session->pid);
	return ret;
}

static int do_balloon(struct client_session *session,
		      const struct client_vm *vm, const struct request *request,
		      struct error *err)
{
	int64_t target = request->target;
	json_t *value;

	(void)vm;
	if (request->inflate || !target) {
		value = client_execute(session, "query-balloon", NULL, err);
		if (!value)
			return -EIO;
		target = json_integer_value(json_object_get(value, "actual"));
		json_decref(value);
	}
	if (!request->inflate && !request->target) {
		fprintf(request->out, "%" PRId64 "\n", target / MIB);
		return 0;
	}
	target -= request->inflate;
	if (target <= 0)
		return error_set(err, TL_FAIL, ERANGE,
				 "%s has only %" PRId64 " MiB", session->what,
				 (target + request->inflate) / MIB);
	value = client_execute(session, "balloon",
			       json_pack("{s:I}", "value", (json_int_t)target),
			       err);
	json_decref(value);
	return value ? 0 : -EIO;
}

static int do_dumpxml(struct client_session *session,
		      const struct client_vm *vm, const struct request *request,
		      struct error *err)
{
	json_t *value = client_execute(session, "x-query-domain", NULL, err);
	const char *xml = json_string_value(json_object_get(value, "xml"));

	(void)vm;
	if (xml)
		fputs(xml, request->out);
	else if (value)
		error_set(err, TL_FAIL, EPROTO,
			  "%s: no description in its "
			  "answer",
			  session->what);
	json_decref(value);
	return xml ? 0 : -EIO;
}

/* --- stat ------------------------------------------------------------------*/

/* One counter of vCPU @n in the reply to query-stats, if it is a number. */
static json_t *counter_at(json_t *vcpus, size_t n, size_t row)
{
	json_t *stats = json_object_get(json_array_get(vcpus, n), "stats");
	json_t *value = json_object_get(json_array_get(stats, row), "value");

	return json_is_integer(value) ? value : NULL;
}

static void print_row(FILE *out, const char *name, json_t *vcpus, size_t row,
		      bool zeros)
{
	json_int_t total = 0;
	bool any = false;
	size_t i;

	for (i = 0; i < json_array_size(vcpus); i++) {
		json_t *value = counter_at(vcpus, i, row);

		any = any || value;
		total += json_integer_value(value);
	}
	if (!any || (!total && !zeros))
		return;
	fprintf(out, "%-32s %14" JSON_INTEGER_FORMAT, name, total);
	for (i = 0; i < json_array_size(vcpus); i++)
		fprintf(out, " %14" JSON_INTEGER_FORMAT,
			json_integer_value(counter_at(vcpus, i, row)));
	fputc('\n', out);
}

static void print_stats(FILE *out, json_t *vcpus, bool zeros)
{
	json_t *names = json_object_get(json_array_get(vcpus, 0), "stats");
	json_t *entry;
	size_t i;

	fprintf(out, "%-32s %14s", "COUNTER", "TOTAL");
	for (i = 0; i < json_array_size(vcpus); i++) {
		char head[32];

		snprintf(head, sizeof(head), "vCPU%zu", i);
		fprintf(out, " %14s", head);
	}
	fputc('\n', out);
	json_array_foreach (names, i, entry) {
		const char *name =
			json_string_value(json_object_get(entry, "name"));

		print_row(out, name ? name : "?", vcpus, i, zeros);
	}
}

static int do_stat(struct client_session *session, const struct client_vm *vm,
		   const struct request *request, struct error *err)
{
	json_t *vcpus;
	int ret = 0;

	vcpus = client_execute(session, "query-stats",
			       json_pack("{s:s}", "target", "vcpu"), err);
	if (!vcpus)
		return -EIO;
	if (request->several)
		fprintf(request->out, "%s:\n", vm->name);
	if (json_array_size(vcpus))
		print_stats(request->out, vcpus, request->zeros);
	else
		ret = error_set(err, TL_HOST, ENOSYS,
				"%s: its host's kernel gives no statistics "
				"(Linux 5.14 and later do)",
				session->what);
	json_decref(vcpus);
	return ret;
}

/* --- list ------------------------------------------------------------------*/

static void get_state(struct client_session *session, char *buf, size_t size)
{
	struct error ignored = { 0 };
	json_t *value = client_execute(session, "query-status", NULL, &ignored);
	const char *status =
		json_string_value(json_object_get(value, "status"));

	snprintf(buf, size, "%s", status ? status : "unknown");
	json_decref(value);
}

static enum tl_status run_list(const struct request *request)
{
	struct client_vms vms = client_vms_find();
	size_t i;

	if (vms.nr)
		fprintf(request->out, "%-24s %10s  %s\n", "NAME", "PID",
			"STATE");
	for (i = 0; i < vms.nr; i++) {
		const struct client_vm *vm = &vms.list[i];
		struct client_session session;
		struct error err = { 0 };
		char state[32] = "no answer";
		int ret = client_open(vm->path, &session, &err);

		if (ret == -ECONNREFUSED || ret == -ENOENT)
			continue;
		if (!ret)
			get_state(&session, state, sizeof(state));
		fprintf(request->out, "%-24s %10ld  %s\n", vm->name,
			(long)session.pid, state);
		client_close(&session);
	}
	client_vms_free(&vms);
	return TL_OK;
}

/* --- the table and its command lines ---------------------------------------*/

struct subcommand {
	const char *name;
	client_fn fn; /* NULL: list */
	const char *qmp;
	const char *usage;
};

static const struct subcommand subcommands[] = {
	{ "list", NULL, NULL,
	  "usage: trapline list\n"
	  "Prints NAME, PID and STATE of each of your running VMs.\n" },
	{ "stop", do_stop, "quit",
	  "usage: trapline stop NAME... | --all\n"
	  "Ends VMs at once, like pulling the plug; powerdown asks the guest.\n" },
	{ "pause", simple, "stop",
	  "usage: trapline pause NAME... | --all\n"
	  "Holds VMs still; the guest's clock stands too.\n" },
	{ "resume", simple, "cont",
	  "usage: trapline resume NAME... | --all\n"
	  "Lets paused VMs go on.\n" },
	{ "reset", simple, "system_reset",
	  "usage: trapline reset NAME... | --all\n"
	  "Restarts VMs at once, like the reset button.\n" },
	{ "powerdown", simple, "system_powerdown",
	  "usage: trapline powerdown NAME... | --all\n"
	  "Presses the guests' power key, so that they shut down.\n" },
	{ "balloon", do_balloon, NULL,
	  "usage: trapline balloon NAME [SIZE | -i SIZE | -d SIZE]\n"
	  "Prints the guest's memory in MiB; makes it SIZE MiB; takes SIZE MiB\n"
	  "away (-i, --inflate) or gives them back (-d, --deflate).\n" },
	{ "dumpxml", do_dumpxml, NULL,
	  "usage: trapline dumpxml NAME\n"
	  "Prints the VM as a libvirt domain.\n" },
	{ "stat", do_stat, NULL,
	  "usage: trapline stat [-z] NAME... | --all\n"
	  "Prints KVM's counters of each vCPU; -z: those that are 0 too.\n" },
};

#define NR_SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

struct arguments {
	struct request request;
	const char **name; /* points into argv */
	size_t nr_names;
	bool all;
	bool help;
};

/* Decimal MiB, 1 and more. */
static bool parse_mib(const char *text, int64_t *bytes)
{
	char *end;
	long long n;

	if (!text || !isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || n < 1 || n > INT64_MAX / MIB)
		return false;
	if ((*end == 'M' || *end == 'm') && !end[1])
		end++;
	*bytes = n * MIB;
	return !*end;
}

/* The value of option @argv[*i]: behind '=', or the next argument. */
static const char *option_value(int argc, char **argv, int *i)
{
	char *equals = strchr(argv[*i], '=');

	if (!strncmp(argv[*i], "--", 2) && equals)
		return equals + 1;
	return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool is_option(const char *arg, const char *letter, const char *name)
{
	const size_t len = strlen(name);

	return !strcmp(arg, letter) ||
	       (!strncmp(arg, name, len) && (!arg[len] || arg[len] == '='));
}

static int bad_usage(const char *command, struct error *err, const char *what,
		     const char *arg)
{
	return error_set(err, TL_USAGE, EINVAL,
			 "%s: %s%.100s (trapline %s --help)", command, what,
			 arg ? arg : "", command);
}

static int parse_one(int argc, char **argv, int *i, struct arguments *args,
		     struct error *err)
{
	const char *command = args->request.command;
	const bool balloon = !strcmp(command, "balloon");
	const char *arg = argv[*i], *value;
	int64_t size;

	if (!strcmp(arg, "-h") || !strcmp(arg, "--help")) {
		args->help = true;
	} else if (!strcmp(arg, "-a") || !strcmp(arg, "--all")) {
		args->all = true;
	} else if (!strcmp(command, "stat") &&
		   (!strcmp(arg, "-z") || !strcmp(arg, "--zeros"))) {
		args->request.zeros = true;
	} else if (!strcmp(command, "stat") &&
		   (!strcmp(arg, "-m") || !strcmp(arg, "--memory"))) {
		return bad_usage(command, err, "lkvm's -m is `trapline ",
				 "balloon NAME` here");
	} else if (is_option(arg, "-n", "--name")) {
		value = option_value(argc, argv, i);
		if (!value || !*value)
			return bad_usage(command, err, arg, " wants a name");
		args->name[args->nr_names++] = value;
	} else if (balloon && (is_option(arg, "-i", "--inflate") ||
			       is_option(arg, "-d", "--deflate"))) {
		const bool deflate = arg[1] == 'd' || arg[2] == 'd';

		value = option_value(argc, argv, i);
		if (!parse_mib(value, &size))
			return bad_usage(command, err, arg,
					 " wants a number of MiB");
		args->request.inflate = deflate ? -size : size;
	} else if (*arg == '-') {
		return bad_usage(command, err, "unknown option ", arg);
	} else if (balloon && args->nr_names && parse_mib(arg, &size)) {
		args->request.target = size;
	} else {
		args->name[args->nr_names++] = arg;
	}
	return 0;
}

static int parse_arguments(int argc, char **argv, struct arguments *args,
			   struct error *err)
{
	const char *command = args->request.command;
	const bool list = !strcmp(command, "list");
	int i, ret;

	for (i = 1; i < argc; i++) {
		ret = parse_one(argc, argv, &i, args, err);
		if (ret)
			return ret;
	}
	if (args->help)
		return 0;
	if (list && args->nr_names)
		return bad_usage(command, err,
				 "it takes no name: ", args->name[0]);
	if (list)
		return 0;
	if (args->all && args->nr_names)
		return bad_usage(command, err, "either --all or a name", "");
	if (!args->all && !args->nr_names)
		return bad_usage(command, err,
				 "which virtual machine? Give its name", "");
	if (args->request.target && args->request.inflate)
		return bad_usage(command, err, "either SIZE or -i or -d", "");
	return 0;
}

/* All that were named, or all there are; the first failure counts. */
static enum tl_status run_each(const struct subcommand *sub,
			       struct arguments *args, struct error *err)
{
	struct client_vms vms = client_vms_find();
	const size_t nr = args->all ? vms.nr : args->nr_names;
	enum tl_status status = TL_OK;
	size_t i, k;

	if (args->all && !nr) {
		error_set(err, TL_NAME, ENOENT,
			  "no virtual machine is running");
		status = TL_NAME;
	}
	args->request.several = nr > 1;
	for (i = 0; i < nr; i++) {
		struct client_session session;
		struct error why = { 0 };

		for (k = 0; !args->all && k < vms.nr; k++)
			if (!strcmp(vms.list[k].name, args->name[i]))
				break;
		if (args->all)
			k = i;
		if (k == vms.nr) {
			client_vms_unknown(&vms, args->name[i], &why);
		} else if (!client_vms_open(&vms.list[k], &session, &why)) {
			sub->fn(&session, &vms.list[k], &args->request, &why);
			client_close(&session);
		}
		if (why.text[0] && status == TL_OK) {
			*err = why;
			status = why.status;
		}
	}
	client_vms_free(&vms);
	return status;
}

enum tl_status client_run(int argc, char **argv, FILE *out, struct error *err)
{
	const struct subcommand *sub = subcommands;
	struct arguments args = { 0 };
	enum tl_status status;

	while (sub < subcommands + NR_SUBCOMMANDS && strcmp(sub->name, argv[0]))
		sub++;
	if (sub == subcommands + NR_SUBCOMMANDS) {
		error_set(err, TL_USAGE, EINVAL, "%.60s: no such command",
			  argv[0]);
		return TL_USAGE;
	}
	args.request = (struct request){
		.command = sub->name,
		.qmp = sub->qmp,
		.out = out,
	};
	args.name = calloc((size_t)argc + 1, sizeof(*args.name));
	if (!args.name) {
		error_set(err, TL_FAIL, ENOMEM, "no memory for the arguments");
		return TL_FAIL;
	}
	if (parse_arguments(argc, argv, &args, err)) {
		status = err->status;
	} else if (args.help) {
		fputs(sub->usage, out);
		status = TL_OK;
	} else {
		status = sub->fn ? run_each(sub, &args, err)
				 : run_list(&args.request);
	}
	free(args.name);
	return status;
}
