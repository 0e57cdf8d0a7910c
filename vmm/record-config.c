// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record-config.h"

#define DURATION_MAX 1000000

const char record_help[] =
	"usage: trapline record [options] -- COMMAND [ARG...]\n"
	"       trapline record [options] --name VM | --pid PID | --domain NAME\n"
	"\n"
	"Records what a guest traps on, under any VMM, until COMMAND or the VM\n"
	"ends, --duration is over or Ctrl-C is pressed.\n"
	"\n"
	"  -o, --output FILE    the recording (trace.dat); beside it, FILE.vm.json\n"
	"  --name VM            a running VM of trapline's\n"
	"  -p, --pid PID        the process of any VMM\n"
	"  --domain NAME        a libvirt domain\n"
	"  --duration S         stop after S seconds\n"
	"  --events profile     what trapline report needs (default)\n"
	"  --events full        all events of KVM\n"
	"  --irqs               the host's interrupts, too: which one ended what exit\n"
	"  --symbols FILE       the guest kernel's symbols, for the report\n"
	"  --buffer KIB         the ring buffer of each CPU\n"
	"  -h, --help           print this\n";

static int parse_number(const char *option, const char *text, unsigned long max,
			unsigned long *value, struct error *err)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || !*value ||
	    *value > max)
		return error_set(err, TL_USAGE, EINVAL,
				 "%s %s: want a number from 1 to %lu", option,
				 text, max);
	return 0;
}

static int parse_duration(const char *text, unsigned int *ms, struct error *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value < 0.001 ||
	    value > DURATION_MAX)
		return error_set(err, TL_USAGE, EINVAL,
				 "--duration %s: want seconds, up to %d", text,
				 DURATION_MAX);
	*ms = (unsigned int)(value * 1000);
	return 0;
}

static int set_option(struct record_config *config, int c, const char *arg,
		      struct error *err)
{
	unsigned long value = 0;
	int ret = 0;

	switch (c) {
	case 'o':
		config->output = arg;
		break;
	case 'n':
		config->name = arg;
		break;
	case 'D':
		config->domain = arg;
		break;
	case 'p':
		ret = parse_number("--pid", arg, INT_MAX, &value, err);
		config->pid = (pid_t)value;
		break;
	case 'd':
		ret = parse_duration(arg, &config->ms, err);
		break;
	case 'e':
		config->full = !strcmp(arg, "full");
		if (!config->full && strcmp(arg, "profile"))
			ret = error_set(err, TL_USAGE, EINVAL,
					"--events %s: want profile or full",
					arg);
		break;
	case 's':
		config->symbols = arg;
		break;
	case 'i':
		config->irqs = true;
		break;
	case 'b':
		ret = parse_number("--buffer", arg, 1 << 22, &value, err);
		config->buffer_kb = (unsigned int)value;
		break;
	case 'h':
		config->help = true;
		break;
	}
	return ret;
}

int record_config_parse(int argc, char **argv, struct record_config *config,
			struct error *err)
{
	static const struct option longopt[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "name", required_argument, NULL, 'n' },
		{ "pid", required_argument, NULL, 'p' },
		{ "domain", required_argument, NULL, 'D' },
		{ "duration", required_argument, NULL, 'd' },
		{ "events", required_argument, NULL, 'e' },
		{ "symbols", required_argument, NULL, 's' },
		{ "irqs", no_argument, NULL, 'i' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c, whom;

	memset(config, 0, sizeof(*config));
	config->output = "trace.dat";
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:o:p:h", longopt, NULL)) != -1) {
		if (c == ':')
			return error_set(
				err, TL_USAGE, EINVAL,
				"%s wants a value; try trapline record --help",
				argv[optind - 1]);
		if (c == '?')
			return error_set(
				err, TL_USAGE, EINVAL,
				"unknown option %s; try trapline record --help",
				argv[optind - 1]);
		if (set_option(config, c, optarg, err))
			return -EINVAL;
	}
	if (config->help)
		return 0;
	if (optind < argc)
		config->command = argv + optind;
	whom = !!config->command + !!config->name + !!config->domain +
	       !!config->pid;
	if (whom != 1)
		return error_set(
			err, TL_USAGE, EINVAL,
			"%s: one of -- COMMAND, --name VM, --pid PID and --domain NAME is wanted",
			whom ? "whose VM, of several" : "nothing to record");
	return 0;
}
