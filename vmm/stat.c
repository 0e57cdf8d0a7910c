// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "openmetrics.h"
#include "sample.h"
#include "stat-lines.h"
#include "stat.h"

#define INTERVAL_MAX 86400

static const char usage[] =
	"usage: trapline stat [-z] NAME... | --all\n"
	"       trapline stat -i S [options] NAME... | -p PID | --all\n"
	"       trapline stat --format openmetrics NAME... | -p PID | --all\n"
	"\n"
	"Prints KVM's counters of each vCPU; with -i, a line for each interval;\n"
	"as OpenMetrics, text for Prometheus.\n"
	"\n"
	"  -z, --zeros          counters that are 0, too\n"
	"  -i, --interval S     every S seconds, what was counted since the last\n"
	"  -c, --count N        end after N intervals\n"
	"  -e, --counters LIST  these counters, with commas between\n"
	"  --vcpus              a line for each vCPU as well\n"
	"  --format FORMAT      text, or openmetrics: once, all statistics\n"
	"  -p, --pid PID        the VM of this process, of any VMM\n"
	"  -a, --all            all VMs of yours; with -i or openmetrics, those of\n"
	"                       any VMM if debugfs can be read\n"
	"  --debugfs DIR        where it is mounted (/sys/kernel/debug)\n"
	"  -h, --help           print this\n";

struct stat_config {
	struct sample_request request;
	const char **name; /* points into argv */
	double interval;   /* seconds, 0: none */
	unsigned long count;
	struct stat_columns columns;
	bool own_columns;
	bool vcpus, openmetrics, help;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* --- the command line ------------------------------------------------------*/

static int bad(struct error *err, const char *option, const char *value,
	       const char *wanted)
{
	return error_set(err, TL_USAGE, EINVAL,
			 "stat: %s %.60s: want %s (trapline stat --help)",
			 option, value, wanted);
}

static int parse_ulong(const char *option, const char *text, unsigned long max,
		       unsigned long *value, struct error *err)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || !*value ||
	    *value > max)
		return bad(err, option, text, "a number of 1 and more");
	return 0;
}

static int set_option(struct stat_config *config, int c, const char *arg,
		      struct error *err)
{
	unsigned long value = 0;
	char *end;
	int ret = 0;

	switch (c) {
	case 'i':
		config->interval = strtod(arg, &end);
		if (end == arg || *end || !isfinite(config->interval) ||
		    config->interval < 0.01 || config->interval > INTERVAL_MAX)
			ret = bad(err, "-i", arg, "seconds, 0.01 to 86400");
		break;
	case 'c':
		ret = parse_ulong("-c", arg, ULONG_MAX - 1, &config->count,
				  err);
		break;
	case 'e':
		config->own_columns = true;
		ret = stat_columns_parse(&config->columns, arg, err);
		break;
	case 'V':
		config->vcpus = true;
		break;
	case 'f':
		config->openmetrics = !strcmp(arg, "openmetrics");
		if (!config->openmetrics && strcmp(arg, "text"))
			ret = bad(err, "--format", arg, "text or openmetrics");
		break;
	case 'p':
		ret = parse_ulong("-p", arg, INT_MAX, &value, err);
		config->request.pid = (pid_t)value;
		break;
	case 'a':
		config->request.all = true;
		break;
	case 'd':
		config->request.debugfs = arg;
		break;
	case 'n':
		config->name[config->request.nr_names++] = arg;
		break;
	case 'h':
		config->help = true;
		break;
	}
	return ret;
}

static int check(const struct stat_config *config, struct error *err)
{
	const struct sample_request *request = &config->request;
	const char *what = NULL;

	if (request->all + !!request->pid + !!request->nr_names > 1)
		what = "one of NAME, -p PID and --all";
	else if (!request->all && !request->pid && !request->nr_names)
		what = "which virtual machine? NAME, -p PID or --all";
	else if (config->openmetrics &&
		 (config->interval > 0 || config->count || config->vcpus ||
		  config->own_columns))
		what = "openmetrics is all statistics, once: no -i, -c, -e, "
		       "--vcpus";
	else if (!config->openmetrics && !(config->interval > 0))
		what = "how often? -i SECONDS";
	if (!what)
		return 0;
	return error_set(err, TL_USAGE, EINVAL,
			 "stat: %s (trapline stat --help)", what);
}

static int parse(int argc, char **argv, struct stat_config *config,
		 struct error *err)
{
	static const struct option longopt[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "counters", required_argument, NULL, 'e' },
		{ "vcpus", no_argument, NULL, 'V' },
		{ "format", required_argument, NULL, 'f' },
		{ "pid", required_argument, NULL, 'p' },
		{ "all", no_argument, NULL, 'a' },
		{ "debugfs", required_argument, NULL, 'd' },
		{ "name", required_argument, NULL, 'n' },
		{ "zeros", no_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	stat_columns_default(&config->columns);
	optind = 0;
	opterr = 0;
	/* "-": names may come between options */
	while ((c = getopt_long(argc, argv, "-:i:c:e:p:an:zh", longopt,
				NULL)) != -1) {
		if (c == ':' || c == '?')
			return error_set(err, TL_USAGE, EINVAL,
					 "stat: %s%.60s (trapline stat --help)",
					 c == ':' ? "a value is missing: "
						  : "unknown option ",
					 argv[optind - 1]);
		if (set_option(config, c == 1 ? 'n' : c, optarg, err))
			return -EINVAL;
	}
	while (optind < argc)
		config->name[config->request.nr_names++] = argv[optind++];
	config->request.name = config->name;
	return config->help ? 0 : check(config, err);
}

/* --- again and again -------------------------------------------------------*/

/* False if a signal came first. */
static bool sleep_until(const struct timespec *when)
{
	int ret;

	do
		ret = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when,
				      NULL);
	while (ret == EINTR && !interrupted);
	return !interrupted;
}

static void add_seconds(struct timespec *ts, double seconds)
{
	const double whole = floor(seconds);

	ts->tv_sec += (time_t)whole;
	ts->tv_nsec += (long)((seconds - whole) * 1e9);
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
}

static double since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* VMs that were named have ended: so is the command, and well. */
static bool is_end(const struct error *err)
{
	return err->status == TL_NAME;
}

static int watch(const struct stat_config *config, FILE *out, struct error *err)
{
	struct sample before, now = { 0 };
	struct timespec start, next;
	unsigned long n;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &start);
	next = start;
	ret = sample_take(&config->request, &before, err);
	if (!ret && config->own_columns)
		ret = stat_columns_check(&config->columns, &before, err);
	if (ret)
		goto out;
	stat_print_head(out, &config->columns);
	for (n = 1; !fflush(out); n++) {
		struct error why = { 0 };

		add_seconds(&next, config->interval);
		if (!sleep_until(&next))
			break;
		ret = sample_take(&config->request, &now, &why);
		if (ret) {
			sample_free(&now);
			if (is_end(&why))
				ret = 0;
			else
				*err = why;
			break;
		}
		stat_print(out, &config->columns, &before, &now, since(&start),
			   config->vcpus);
		sample_free(&before);
		before = now;
		now = (struct sample){ 0 };
		if (n == config->count)
			break;
	}
out:
	sample_free(&before);
	return ret;
}

static int once(const struct stat_config *config, FILE *out, struct error *err)
{
	struct sample sample;
	int ret;

	ret = sample_take(&config->request, &sample, err);
	if (!ret)
		openmetrics_print(out, &sample);
	sample_free(&sample);
	return ret;
}

static int observe(const struct stat_config *config, FILE *out,
		   struct error *err)
{
	/* without SA_RESTART: it ends the sleep */
	const struct sigaction action = { .sa_handler = on_signal };

	if (config->openmetrics)
		return once(config, out, err);
	interrupted = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return watch(config, out, err);
}

/* Whether the command line asks for more than lkvm's stat has. */
static bool is_more(int argc, char **argv)
{
	static const char *const more[] = { "--interval", "--count",
					    "--counters", "--vcpus",
					    "--format",   "--pid",
					    "--debugfs",  "--help" };
	size_t k;
	int i;

	for (i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] &&
		    strchr("iceph", argv[i][1]))
			return true;
		for (k = 0; k < sizeof(more) / sizeof(more[0]); k++)
			if (!strncmp(argv[i], more[k], strlen(more[k])))
				return true;
	}
	return false;
}

enum tl_status stat_run(int argc, char **argv, FILE *out, struct error *err)
{
	struct stat_config config = { 0 };
	int ret;

	if (!is_more(argc, argv))
		return client_run(argc, argv, out, err);
	config.name = calloc((size_t)argc + 1, sizeof(*config.name));
	if (!config.name) {
		error_set(err, TL_FAIL, ENOMEM, "no memory for the arguments");
		return TL_FAIL;
	}
	ret = parse(argc, argv, &config, err);
	if (!ret && config.help)
		fputs(usage, out);
	else if (!ret)
		ret = observe(&config, out, err);
	free(config.name);
	return ret ? err->status : TL_OK;
}
