// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

#define TOP_DEFAULT 10
#define TOP_MAX     1000000
#define TOP_UNSET   UINT_MAX

const char options_help[] =
	"Usage: trapline-report [OPTION...] [FILE]\n"
	"       trapline-report [OPTION...] --diff A[,A2...] B[,B2...]\n"
	"       trapline-report [OPTION...] FILE FILE...\n"
	"Print what the guest in FILE (default trace.dat) trapped on, what changed\n"
	"from A to B, or several guests side by side.\n"
	"\n"
	"What to add up:\n"
	"  --by LIST       one table by a list of dimensions, such as vcpu,class:\n"
	"                  vcpu thread class group cause device register dir\n"
	"                  hypercall irq user symbol pc\n"
	"  --sort KEY      count (default), total, user (times) or max\n"
	"  --top N         show N rows of each table (0: all; default: 10 in text)\n"
	"  --format F      text (default), json, csv, folded (for flame graphs),\n"
	"                  perfetto (timeline; also for chrome://tracing), html\n"
	"\n"
	"What of the trace:\n"
	"  --DIMENSION X,Y what matches one of these alone: --vcpu 0,\n"
	"                  --device 'virtio*'; --cause takes one pattern\n"
	"  --from SECONDS  exits from then on, from the recording's start\n"
	"  --to SECONDS    exits before then\n"
	"\n"
	"Files:\n"
	"  --symbols FILE  the guest kernel's System.map, vmlinux or kallsyms\n"
	"  --kaslr-offset N   run-time address of a symbol less that in the file\n"
	"  --phys-base N   guest-physical address that the kernel was loaded to\n"
	"  --vm-file FILE  the VM's description (default FILE.vm.json, if there);\n"
	"                  several show the guests of one trace side by side\n"
	"  -o, --output FILE\n"
	"                  write the report to FILE\n"
	"\n"
	"  -h, --help      print this text\n"
	"  --version       print the version\n"
	"\n"
	"Record with: trapline run --trace FILE, or trace-cmd record -e kvm.\n";

enum {
	OPT_TOP = 256,
	OPT_SIDE,
	OPT_VERSION,
	OPT_BY,
	OPT_DIFF,
	OPT_FORMAT,
	OPT_SORT,
	OPT_FROM,
	OPT_TO,
	OPT_SYMBOLS,
	OPT_KASLR,
	OPT_PHYS,
	OPT_DIM, /* and one for each dimension */
};

static const struct option longopt[] = {
	{ "top", required_argument, NULL, OPT_TOP },
	{ "by", required_argument, NULL, OPT_BY },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "diff", no_argument, NULL, OPT_DIFF },
	{ "sort", required_argument, NULL, OPT_SORT },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ "symbols", required_argument, NULL, OPT_SYMBOLS },
	{ "kaslr-offset", required_argument, NULL, OPT_KASLR },
	{ "phys-base", required_argument, NULL, OPT_PHYS },
	{ "vm-file", required_argument, NULL, OPT_SIDE },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
};

#define NR_LONG (sizeof(longopt) / sizeof(longopt[0]))

/* The fixed options, and one a dimension. */
static void make_options(struct option list[NR_LONG + DIMS + 1])
{
	memset(list, 0, (NR_LONG + DIMS + 1) * sizeof(*list));
	memcpy(list, longopt, sizeof(longopt));
	for (int d = 0; d < DIMS; d++) {
		list[NR_LONG + (size_t)d].name = dim_word((enum dim)d);
		list[NR_LONG + (size_t)d].has_arg = required_argument;
		list[NR_LONG + (size_t)d].val = OPT_DIM + d;
	}
}

static int parse_top(const char *text, unsigned int *top, struct error *err)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value > TOP_MAX)
		return error_set(err, TL_USAGE, EINVAL,
				 "--top %s: want a number from 0 to %d", text,
				 TOP_MAX);
	*top = (unsigned int)value;
	return 0;
}

static int parse_format(const char *text, enum format *format,
			struct error *err)
{
	static const char *const word[FORMATS] = {
		[FORMAT_TEXT] = "text",         [FORMAT_JSON] = "json",
		[FORMAT_CSV] = "csv",           [FORMAT_FOLDED] = "folded",
		[FORMAT_PERFETTO] = "perfetto", [FORMAT_HTML] = "html",
	};

	for (int i = 0; i < FORMATS; i++) {
		if (!strcmp(text, word[i])) {
			*format = (enum format)i;
			return 0;
		}
	}
	return error_set(
		err, TL_USAGE, EINVAL,
		"--format %s: want text, json, csv, folded, perfetto or html",
		text);
}

static int parse_time(const char *name, const char *text, uint64_t *ns,
		      struct error *err)
{
	char *end;
	double value = strtod(text, &end);

	if (((text[0] < '0' || text[0] > '9') && text[0] != '.') || *end ||
	    !isfinite(value) || value > 1e9)
		return error_set(err, TL_USAGE, EINVAL,
				 "--%s %s: want seconds, such as 1.5", name,
				 text);
	*ns = (uint64_t)(value * 1e9 + 0.5);
	return 0;
}

static int parse_address(const char *name, const char *text, uint64_t *value,
			 struct error *err)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || *end || errno)
		return error_set(err, TL_USAGE, EINVAL,
				 "--%s %s: want an address, such as 0x40200000",
				 name, text);
	return 0;
}

/* Given, or beside the (first) trace: see analysis_load(). */
static bool has_symbols(const struct options *opt)
{
	char path[PATH_MAX];

	if (opt->setup.symbols)
		return true;
	snprintf(path, sizeof(path), "%s" ANALYSIS_SYMBOLS_SUFFIX,
		 opt->path[0]);
	return !access(path, F_OK);
}

/* A dimension that takes a file of symbols needs one. */
static bool wants_symbols(const struct query *query)
{
	for (size_t i = 0; i < query->nr_by; i++) {
		if (query->by[i] == DIM_SYMBOL)
			return true;
	}
	for (size_t i = 0; i < query->nr_filters; i++) {
		if (query->filter[i].dim == DIM_SYMBOL)
			return true;
	}
	return false;
}

static int take(int c, char **argv, struct options *opt, struct error *err)
{
	switch (c) {
	case OPT_TOP:
		return parse_top(optarg, &opt->top, err);
	case OPT_BY:
		return query_by(&opt->query, optarg, err);
	case OPT_FORMAT:
		return parse_format(optarg, &opt->format, err);
	case OPT_SORT:
		return query_sort(&opt->query, optarg, err);
	case OPT_FROM:
		return parse_time("from", optarg, &opt->setup.from, err);
	case OPT_TO:
		if (parse_time("to", optarg, &opt->setup.to, err))
			return -EINVAL;
		if (!opt->setup.to)
			return error_set(err, TL_USAGE, EINVAL,
					 "--to 0: nothing is before that");
		return 0;
	case OPT_SYMBOLS:
		opt->setup.symbols = optarg;
		return 0;
	case OPT_KASLR:
		opt->setup.hint.kaslr_given = true;
		return parse_address("kaslr-offset", optarg,
				     &opt->setup.hint.kaslr, err);
	case OPT_PHYS:
		opt->setup.hint.phys_given = true;
		return parse_address("phys-base", optarg, &opt->setup.hint.phys,
				     err);
	case OPT_DIFF:
		opt->diff = true;
		return 0;
	case OPT_SIDE:
		if (opt->nr_vm_files == PATHS_MAX)
			return error_set(err, TL_USAGE, EINVAL,
					 "--vm-file: more than %d", PATHS_MAX);
		opt->vm_file[opt->nr_vm_files++] = optarg;
		return 0;
	case 'o':
		opt->output = optarg;
		return 0;
	case 'h':
		opt->help = true;
		return 0;
	case OPT_VERSION:
		opt->version = true;
		return 0;
	case ':':
		return error_set(err, TL_USAGE, EINVAL,
				 "%s wants a value; see --help",
				 argv[optind - 1]);
	case '?':
		return error_set(err, TL_USAGE, EINVAL,
				 "unknown option %s; see --help",
				 argv[optind - 1]);
	default:
		return query_filter(&opt->query, (enum dim)(c - OPT_DIM),
				    optarg, err);
	}
}

/* What a format has by default. */
static void finish(struct options *opt)
{
	struct query *query = &opt->query;

	if (opt->top == TOP_UNSET)
		opt->top = opt->format == FORMAT_TEXT ? TOP_DEFAULT : 0;
	if (query->nr_by || opt->format == FORMAT_TEXT || opt->diff ||
	    opt->nr_paths > 1 || opt->nr_vm_files > 1)
		return;
	if (opt->format != FORMAT_FOLDED || !has_symbols(opt))
		query->by[query->nr_by++] = DIM_VCPU;
	if (has_symbols(opt))
		query->by[query->nr_by++] = DIM_SYMBOL;
	query->by[query->nr_by++] = DIM_CLASS;
	query->by[query->nr_by++] = DIM_CAUSE;
}

static int take_paths(int argc, char **argv, struct options *opt,
		      struct error *err)
{
	bool several;

	while (optind < argc && opt->nr_paths < PATHS_MAX)
		opt->path[opt->nr_paths++] = argv[optind++];
	if (optind < argc)
		return error_set(err, TL_USAGE, EINVAL,
				 "more than %d traces side by side", PATHS_MAX);
	if (opt->diff && opt->nr_paths != 2)
		return error_set(
			err, TL_USAGE, EINVAL,
			"--diff: want two traces, or two lists of them: A1,A2 B1,B2");
	if (!opt->nr_paths)
		opt->path[opt->nr_paths++] = "trace.dat";
	several = opt->nr_paths > 1 || opt->nr_vm_files > 1;
	if (opt->nr_vm_files && opt->nr_paths > 1 &&
	    opt->nr_vm_files != opt->nr_paths)
		return error_set(
			err, TL_USAGE, EINVAL,
			"--vm-file: want one for each trace, in order");
	if (several && opt->format != FORMAT_TEXT && opt->format != FORMAT_JSON)
		return error_set(err, TL_USAGE, EINVAL,
				 "several traces: want --format text or json");
	if (!several)
		opt->setup.side = opt->vm_file[0];
	return 0;
}

int options_parse(int argc, char **argv, struct options *opt, struct error *err)
{
	struct option list[NR_LONG + DIMS + 1];
	int c;

	memset(opt, 0, sizeof(*opt));
	query_init(&opt->query);
	opt->top = TOP_UNSET;
	make_options(list);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, ":o:h", list, NULL)) != -1) {
		if (take(c, argv, opt, err))
			return -EINVAL;
	}
	if (opt->setup.to && opt->setup.from >= opt->setup.to)
		return error_set(err, TL_USAGE, EINVAL,
				 "--from is not before --to");
	if (take_paths(argc, argv, opt, err))
		return -EINVAL;
	if (!has_symbols(opt) && wants_symbols(&opt->query))
		return error_set(
			err, TL_USAGE, EINVAL,
			"by symbol: give --symbols FILE too, the guest kernel's System.map or vmlinux");
	finish(opt);
	return 0;
}
