// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command: a table of subcommands, and programs named trapline-NAME for
 * those that are not in it.  Nothing but main() prints an error or exits.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "doctor.h"
#include "domain.h"
#include "lib/error.h"
#include "lib/log.h"
#include "machine.h"
#include "record.h"
#include "stat.h"
#include "top.h"

static enum tl_status cmd_run(int argc, char **argv, struct error *err);
static enum tl_status cmd_record(int argc, char **argv, struct error *err);
static enum tl_status cmd_client(int argc, char **argv, struct error *err);
static enum tl_status cmd_stat(int argc, char **argv, struct error *err);
static enum tl_status cmd_top(int argc, char **argv, struct error *err);
static enum tl_status cmd_diff(int argc, char **argv, struct error *err);
static enum tl_status cmd_doctor(int argc, char **argv, struct error *err);
static enum tl_status cmd_help(int argc, char **argv, struct error *err);
static enum tl_status cmd_version(int argc, char **argv, struct error *err);

/* argv[0] is the subcommand itself. */
struct command {
	const char *name;
	enum tl_status (*run)(int argc, char **argv, struct error *err);
	const char *summary; /* NULL: another spelling */
};

static const struct command commands[] = {
	{ "run", cmd_run, "boot a guest" },
	{ "record", cmd_record, "record what a guest of any VMM traps on" },
	{ "list", cmd_client, "list the running guests" },
	{ "stop", cmd_client, "end a guest at once" },
	{ "pause", cmd_client, "hold a guest still" },
	{ "resume", cmd_client, "let a paused guest go on" },
	{ "reset", cmd_client, "restart a guest at once" },
	{ "powerdown", cmd_client, "ask a guest to shut down" },
	{ "balloon", cmd_client, "show or change a guest's memory" },
	{ "stat", cmd_stat, "show the counters of a guest's vCPUs" },
	{ "top", cmd_top, "show live what guests exit for" },
	{ "diff", cmd_diff, "compare recorded guests (trapline-report)" },
	{ "dumpxml", cmd_client, "describe a guest as libvirt does" },
	{ "doctor", cmd_doctor, "show what this host offers and lacks" },
	{ "help", cmd_help, "show this" },
	{ "--help", cmd_help, NULL },
	{ "-h", cmd_help, NULL },
	{ "version", cmd_version, "show the version" },
	{ "--version", cmd_version, NULL },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static enum tl_status cmd_run(int argc, char **argv, struct error *err)
{
	struct domain_args args;
	struct run_config cfg;
	enum tl_status status;
	int ret;

	if (domain_expand(argc - 1, argv + 1, &args, err) < 0)
		return err->status;
	ret = config_parse_run(args.argc, args.argv, &cfg, err);
	domain_args_free(&args);
	if (ret < 0)
		return err->status;
	if (cfg.help) {
		fputs(config_run_help, stdout);
		status = TL_OK;
	} else {
		log_set_level(cfg.loglevel);
		status = machine_run(&cfg, err);
	}
	config_free(&cfg);
	return status;
}

static enum tl_status cmd_client(int argc, char **argv, struct error *err)
{
	return client_run(argc, argv, stdout, err);
}

static enum tl_status cmd_record(int argc, char **argv, struct error *err)
{
	return record_run(argc, argv, stderr, err);
}

static enum tl_status cmd_stat(int argc, char **argv, struct error *err)
{
	return stat_run(argc, argv, stdout, err);
}

static enum tl_status cmd_top(int argc, char **argv, struct error *err)
{
	return top_run(argc, argv, stdout, err);
}

static enum tl_status cmd_doctor(int argc, char **argv, struct error *err)
{
	return doctor_run(argc, argv, host_probe, stdout, err);
}

static enum tl_status cmd_version(int argc, char **argv, struct error *err)
{
	(void)argc;
	(void)argv;
	(void)err;
	puts("trapline " TRAPLINE_VERSION);
	return TL_OK;
}

static enum tl_status cmd_help(int argc, char **argv, struct error *err)
{
	size_t i;

	(void)err;
	if (argc > 1 && !strcmp(argv[1], "run")) {
		fputs(config_run_help, stdout);
		return TL_OK;
	}
	puts("usage: trapline COMMAND [options]\n");
	for (i = 0; i < NR_COMMANDS; i++)
		if (commands[i].summary)
			printf("  %-10s %s\n", commands[i].name,
			       commands[i].summary);
	puts("  report     explain what a recorded guest trapped on "
	     "(trapline-report)\n"
	     "  bench      measure programs, exits and VMMs (trapline-bench)\n"
	     "\n"
	     "trapline run --help lists the options; the manual is "
	     "trapline(1).");
	return TL_OK;
}

static enum tl_status exec_external(char **argv, struct error *err);

/* "diff A B" is the profiler's "report --diff A B". */
static enum tl_status cmd_diff(int argc, char **argv, struct error *err)
{
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	enum tl_status status;

	if (!args) {
		error_set(err, TL_FAIL, ENOMEM, "out of memory");
		return TL_FAIL;
	}
	args[0] = (char *)"report";
	args[1] = (char *)"--diff";
	memcpy(&args[2], &argv[1], ((size_t)argc - 1) * sizeof(*args));
	status = exec_external(args, err);
	free(args);
	return status;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

/* trapline-@name in our own directory: what was built or installed together. */
static void exec_beside(const char *name, char **argv)
{
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len <= 0)
		return;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return;
	*slash = '\0';
	if (snprintf(path, sizeof(path), "%s/trapline-%s", self, name) >=
	    (int)sizeof(path))
		return;
	if (is_program(path))
		execv(path, argv);
}

/* Replace this process by trapline-@argv[0]; returns only if that fails. */
static enum tl_status exec_external(char **argv, struct error *err)
{
	const char *name = argv[0];
	char program[64];

	/* A path here would run what is not ours. */
	if (strlen(name) < 32 && !strchr(name, '/') && *name != '-') {
		snprintf(program, sizeof(program), "trapline-%s", name);
		argv[0] = program;
		errno = 0;
		exec_beside(name, argv);
		if (errno == 0 || errno == ENOENT)
			execvp(program, argv);
		if (errno != ENOENT) {
			error_set(err, TL_FAIL, errno, "cannot run %s: %s",
				  program, strerror(errno));
			return TL_FAIL;
		}
	}
	if (!strcmp(name, "report"))
		error_set(err, TL_FAIL, ENOENT,
			  "the profiler, trapline-report, is not installed "
			  "beside trapline or in PATH: build it with make all, "
			  "or copy it there");
	else if (!strcmp(name, "bench"))
		error_set(err, TL_FAIL, ENOENT,
			  "the benchmarks, trapline-bench, are not installed "
			  "beside trapline or in PATH: run make install, or "
			  "make all and build/ARCH/trapline bench");
	else
		error_set(err, TL_USAGE, EINVAL,
			  "'%.60s' is not a trapline command (trapline help)",
			  name);
	return err->status;
}

static enum tl_status dispatch(int argc, char **argv, struct error *err)
{
	size_t i;

	if (argc < 1) {
		error_set(err, TL_USAGE, EINVAL,
			  "no command given; try trapline help");
		return TL_USAGE;
	}
	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(argv[0], commands[i].name))
			return commands[i].run(argc, argv, err);
	return exec_external(argv, err);
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	enum tl_status status;

	status = dispatch(argc - 1, argv + 1, &err);
	/* Only now, so that --help > /dev/full does not pass for success. */
	if (status == TL_OK && (fflush(stdout) || ferror(stdout))) {
		error_set(&err, TL_FAIL, errno, "cannot write the output: %s",
			  strerror(errno));
		status = TL_FAIL;
	}
	if (status != TL_OK && err.text[0])
		log_error("%s", err.text);
	return (int)status;
}
