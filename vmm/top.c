// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/clock.h"
#include "top-rows.h"
#include "top-screen.h"
#include "top.h"

#define DELAY_MAX 3600
/* A ring buffer is emptied this often. */
#define DRAIN_MS 50

static const char usage[] =
	"usage: trapline top [options] [NAME...]\n"
	"\n"
	"Shows, live, what virtual machines and their vCPUs exit for, a second:\n"
	"your own, and those of any VMM if debugfs can be read; or NAME... only.\n"
	"\n"
	"  -d, --delay S     refresh every S seconds (1)\n"
	"  -p, --pid PID     the VM of this process, of any VMM\n"
	"  -s, --sort KEY    by name, or by a column: exits, %cpu, irq, ...\n"
	"  -t, --trace       classes of exits by tracing, which slows guests\n"
	"                    down; needs root\n"
	"  --no-vcpus        a line for each VM only\n"
	"  -b, --batch       print lines, to anything; no keys\n"
	"  -n, --count N     end after N refreshes\n"
	"  --debugfs DIR     where it is mounted (/sys/kernel/debug)\n"
	"  -h, --help        print this\n"
	"\n"
	"Keys: q quit, v vCPUs, < and > the column to sort by, n e c sort by name,\n"
	"exits, processor time, t tracing, up and down scroll, space refresh.\n";

struct top {
	struct sample_request request;
	const char **name; /* points into argv */
	double delay;
	unsigned long count;
	const char *sort;
	bool batch, trace_wanted, help;
	struct top_options options;
	struct top_trace trace;
	struct top_moment before, now;
	struct top_table table;
	char note[160]; /* why something cannot be */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* --- the command line ------------------------------------------------------*/

static int parse_number(const char *option, const char *text, unsigned long max,
			unsigned long *value, struct error *err)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && *value &&
	    *value <= max)
		return 0;
	return error_set(err, TL_USAGE, EINVAL,
			 "top: %s %.60s: want a number of 1 and more", option,
			 text);
}

static int set_option(struct top *top, int c, const char *arg,
		      struct error *err)
{
	unsigned long value = 0;
	char *end;
	int ret = 0;

	switch (c) {
	case 'd':
		top->delay = strtod(arg, &end);
		if (end == arg || *end || !isfinite(top->delay) ||
		    top->delay < 0.05 || top->delay > DELAY_MAX)
			ret = error_set(err, TL_USAGE, EINVAL,
					"top: -d %.60s: want seconds, 0.05 to "
					"%d",
					arg, DELAY_MAX);
		break;
	case 'n':
		ret = parse_number("-n", arg, ULONG_MAX - 1, &top->count, err);
		break;
	case 'p':
		ret = parse_number("-p", arg, INT_MAX, &value, err);
		top->request.pid = (pid_t)value;
		break;
	case 's':
		top->sort = arg;
		break;
	case 't':
		top->trace_wanted = true;
		break;
	case 'V':
		top->options.vcpus = false;
		break;
	case 'b':
		top->batch = true;
		break;
	case 'D':
		top->request.debugfs = arg;
		break;
	case 'h':
		top->help = true;
		break;
	}
	return ret;
}

static int set_sort(struct top *top, struct error *err)
{
	const struct top_column *column;
	unsigned int i, nr;

	top->options.sort = TOP_COLUMN_EXITS;
	if (!top->sort)
		return 0;
	if (!strcasecmp(top->sort, "name")) {
		top->options.by_name = true;
		return 0;
	}
	column = top_columns(top->trace_wanted, &nr);
	for (i = 0; i < nr; i++)
		if (!strcasecmp(top->sort,
				column[i].title + (*column[i].title == '%')) ||
		    !strcasecmp(top->sort, column[i].title)) {
			top->options.sort = i;
			return 0;
		}
	return error_set(err, TL_USAGE, EINVAL,
			 "top: --sort %.40s: there is no such column%s",
			 top->sort, top->trace_wanted ? "" : " without -t");
}

static int parse(int argc, char **argv, struct top *top, struct error *err)
{
	static const struct option longopt[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "pid", required_argument, NULL, 'p' },
		{ "sort", required_argument, NULL, 's' },
		{ "trace", no_argument, NULL, 't' },
		{ "no-vcpus", no_argument, NULL, 'V' },
		{ "batch", no_argument, NULL, 'b' },
		{ "debugfs", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":d:n:p:s:tbh", longopt, NULL)) !=
	       -1) {
		if (c == ':' || c == '?')
			return error_set(err, TL_USAGE, EINVAL,
					 "top: %s%.60s (trapline top --help)",
					 c == ':' ? "a value is missing: "
						  : "unknown option ",
					 argv[optind - 1]);
		if (set_option(top, c, optarg, err))
			return -EINVAL;
	}
	while (optind < argc)
		top->name[top->request.nr_names++] = argv[optind++];
	top->request.name = top->name;
	top->request.all = !top->request.nr_names && !top->request.pid;
	if (top->request.nr_names && top->request.pid)
		return error_set(err, TL_USAGE, EINVAL,
				 "top: either NAME or -p PID");
	return set_sort(top, err);
}

/* --- looking ---------------------------------------------------------------*/

/* 1: what was asked for has ended. */
static int look(struct top *top, struct error *err)
{
	struct error why = { 0 };
	int ret;

	top_moment_free(&top->before);
	top->before = top->now;
	top->now = (struct top_moment){ 0 };
	if (top->options.trace)
		top_trace_read(&top->trace);
	ret = sample_take(&top->request, &top->now.sample, &why);
	if (ret && why.status == TL_NAME && top->before.sample.nr)
		return 1;
	if (ret) {
		*err = why;
		return ret;
	}
	top_usage_read(&top->now);
	top_rows_free(&top->table);
	ret = top_rows_make(&top->table, &top->before, &top->now,
			    &top->options);
	if (ret)
		error_set(err, TL_FAIL, ENOMEM, "no memory for the table");
	return ret;
}

static void make_summary(const struct top *top, char *buf, size_t size)
{
	const time_t now = time(NULL);
	struct tm tm;
	char clock[16] = "";

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	snprintf(buf, size, "trapline top - %s, %zu VM%s, every %g s%s", clock,
		 top->now.sample.nr, top->now.sample.nr == 1 ? "" : "s",
		 top->delay, top->options.trace ? ", traced" : "");
	if (top->trace.lost)
		snprintf(buf + strlen(buf), size - strlen(buf),
			 ", %llu EVENTS LOST",
			 (unsigned long long)top->trace.lost);
}

static int set_trace(struct top *top, bool on, struct error *err)
{
	int ret = 0;

	if (on)
		ret = top_trace_open(&top->trace, NULL, err);
	else
		top_trace_close(&top->trace);
	if (ret)
		return ret;
	top->options.trace = on ? &top->trace : NULL;
	if (top->options.sort > TOP_COLUMN_EXITS)
		top->options.sort = TOP_COLUMN_EXITS;
	/* the table of the other view says nothing */
	top_rows_free(&top->table);
	return 0;
}

/* --- without a terminal ----------------------------------------------------*/

static void wait_quietly(struct top *top, int64_t until)
{
	int64_t left;

	while (!interrupted && (left = until - monotonic_ms()) > 0) {
		const int64_t most = top->options.trace ? DRAIN_MS : INT32_MAX;
		const struct timespec ts =
			timespec_of_ms((uint32_t)(left < most ? left : most));

		nanosleep(&ts, NULL);
		if (top->options.trace)
			top_trace_read(&top->trace);
	}
}

static int run_batch(struct top *top, FILE *out, struct error *err)
{
	char text[512];
	unsigned long n;
	size_t i;
	int ret = look(top, err);

	for (n = 1; !ret; n++) {
		int64_t next = monotonic_ms() + (int64_t)(top->delay * 1000);

		if (top->options.trace)
			top_trace_reset(&top->trace);
		wait_quietly(top, next);
		if (interrupted)
			break;
		ret = look(top, err);
		if (ret)
			break;
		make_summary(top, text, sizeof(text));
		fprintf(out, "%s%s\n", n > 1 ? "\n" : "", text);
		top_head_format(&top->options, text, sizeof(text));
		fprintf(out, "%s\n", text);
		for (i = 0; i < top->table.nr; i++) {
			top_row_format(&top->table.row[i], top->options.trace,
				       text, sizeof(text));
			fprintf(out, "%s\n", text);
		}
		if (fflush(out) || n == top->count)
			break;
	}
	return ret < 0 ? ret : 0;
}

/* --- with one --------------------------------------------------------------*/

static const char keys[] =
	"q quit  v vCPUs  < > sort  n name  e exits  c %CPU  t trace";

/* True if it needs another look. */
static bool obey(struct top *top, enum top_key key)
{
	struct error why = { 0 };
	unsigned int nr;

	top->note[0] = '\0';
	top_columns(top->options.trace, &nr);
	switch (key) {
	case TOP_VCPUS:
		top->options.vcpus = !top->options.vcpus;
		break;
	case TOP_LEFT:
		top->options.sort =
			(top->options.sort + nr - !top->options.by_name) % nr;
		top->options.by_name = false;
		break;
	case TOP_RIGHT:
		top->options.sort =
			(top->options.sort + !top->options.by_name) % nr;
		top->options.by_name = false;
		break;
	case TOP_BY_NAME:
		top->options.by_name = true;
		break;
	case TOP_BY_CPU:
		top->options.by_name = false;
		top->options.sort = TOP_COLUMN_CPU;
		break;
	case TOP_BY_EXITS:
		top->options.by_name = false;
		top->options.sort = TOP_COLUMN_EXITS;
		break;
	case TOP_TRACE:
		if (set_trace(top, !top->options.trace, &why))
			snprintf(top->note, sizeof(top->note), "%.150s",
				 why.text);
		return true;
	case TOP_REFRESH:
		return true;
	default:
		break;
	}
	return false;
}

/* The same two moments, in another order or with other rows. */
static void rearrange(struct top *top)
{
	top_rows_free(&top->table);
	top_rows_make(&top->table, &top->before, &top->now, &top->options);
}

static void draw(const struct top *top)
{
	char text[512];

	make_summary(top, text, sizeof(text));
	top_screen_draw(text, &top->table, &top->options,
			top->note[0] ? top->note : keys);
}

/* Until it is time to look again; false: the user has seen enough. */
static bool attend(struct top *top, int64_t until)
{
	int64_t left;

	while (!interrupted && (left = until - monotonic_ms()) > 0) {
		enum top_key key = top_screen_key(
			(int)(top->options.trace && left > DRAIN_MS ? DRAIN_MS
								    : left));

		if (top->options.trace)
			top_trace_read(&top->trace);
		if (key == TOP_QUIT)
			return false;
		if (key == TOP_NONE)
			continue;
		if (obey(top, key))
			return true;
		/* what is traced since is no longer that of the table */
		if (!top->options.trace)
			rearrange(top);
		draw(top);
	}
	return !interrupted;
}

static int run_screen(struct top *top, struct error *err)
{
	unsigned long n;
	int ret = top_screen_open(err);

	if (ret)
		return ret;
	ret = look(top, err);
	for (n = 0; !ret; n++) {
		int64_t delay = (int64_t)(top->delay * 1000);

		draw(top);
		if (top->options.trace)
			top_trace_reset(&top->trace);
		if (n && n == top->count)
			break;
		/* the first table, which needs two moments, comes soon */
		if (!n && delay > 250)
			delay = 250;
		if (!attend(top, monotonic_ms() + delay))
			break;
		ret = look(top, err);
	}
	top_screen_close();
	return ret < 0 ? ret : 0;
}

static int observe(struct top *top, FILE *out, struct error *err)
{
	/* without SA_RESTART: it ends what waits */
	const struct sigaction action = { .sa_handler = on_signal };
	int ret = 0;

	interrupted = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (top->trace_wanted)
		ret = set_trace(top, true, err);
	if (!ret && top->sort)
		ret = set_sort(top, err);
	if (!ret)
		ret = top->batch ? run_batch(top, out, err)
				 : run_screen(top, err);
	top_trace_close(&top->trace);
	top_rows_free(&top->table);
	top_moment_free(&top->before);
	top_moment_free(&top->now);
	return ret;
}

enum tl_status top_run(int argc, char **argv, FILE *out, struct error *err)
{
	struct top top = {
		.delay = 1,
		.options = { .vcpus = true },
		.trace = { .pipe = -1 },
	};
	int ret;

	top.name = calloc((size_t)argc + 1, sizeof(*top.name));
	if (!top.name) {
		error_set(err, TL_FAIL, ENOMEM, "no memory for the arguments");
		return TL_FAIL;
	}
	ret = parse(argc, argv, &top, err);
	if (!ret && top.help)
		fputs(usage, out);
	else if (!ret)
		ret = observe(&top, out, err);
	free(top.name);
	return ret ? err->status : TL_OK;
}
