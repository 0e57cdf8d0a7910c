// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define TOP_DEFAULT 10
#define TOP_MAX     1000000

const char options_help[] =
	"Usage: trapline-report [OPTION...] [FILE]\n"
	"Print what the guest in FILE (default trace.dat) trapped on.\n"
	"\n"
	"What to add up:\n"
	"  --by LIST       one table by a list of dimensions, such as vcpu,class:\n"
	"                  vcpu thread class group cause device register dir\n"
	"                  hypercall irq user pc\n"
	"  --sort KEY      count (default), total, user (times) or max\n"
	"  --top N         show N rows of each table (default 10, 0: all)\n"
	"\n"
	"What of the trace:\n"
	"  --DIMENSION X,Y what matches one of these alone: --vcpu 0,\n"
	"                  --device 'virtio*'; --cause takes one pattern\n"
	"  --from SECONDS  exits from then on, from the recording's start\n"
	"  --to SECONDS    exits before then\n"
	"\n"
	"Files:\n"
	"  --vm-file FILE  the VM's description (default FILE.vm.json, if there)\n"
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
	OPT_SORT,
	OPT_FROM,
	OPT_TO,
	OPT_DIM, /* and one for each dimension */
};

static const struct option longopt[] = {
	{ "top", required_argument, NULL, OPT_TOP },
	{ "by", required_argument, NULL, OPT_BY },
	{ "sort", required_argument, NULL, OPT_SORT },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
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

static int take(int c, char **argv, struct options *opt, struct error *err)
{
	switch (c) {
	case OPT_TOP:
		return parse_top(optarg, &opt->top, err);
	case OPT_BY:
		return query_by(&opt->query, optarg, err);
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
	case OPT_SIDE:
		opt->setup.side = optarg;
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

int options_parse(int argc, char **argv, struct options *opt, struct error *err)
{
	struct option list[NR_LONG + DIMS + 1];
	int c;

	memset(opt, 0, sizeof(*opt));
	query_init(&opt->query);
	opt->path = "trace.dat";
	opt->top = TOP_DEFAULT;
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
	if (optind < argc)
		opt->path = argv[optind++];
	if (optind < argc)
		return error_set(err, TL_USAGE, EINVAL,
				 "one trace at a time, not also %s",
				 argv[optind]);
	return 0;
}
