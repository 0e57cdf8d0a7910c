// SPDX-License-Identifier: GPL-2.0-only
/* trapline-report: from a trace.dat to a trap profile. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/log.h"
#include "render.h"

#define TOP_DEFAULT 10
#define TOP_MAX     1000000

static const char help[] =
	"Usage: trapline-report [OPTION...] [FILE]\n"
	"Print what the guest in FILE (default trace.dat) trapped on.\n"
	"\n"
	"  --top N         show N rows of each table (default 10, 0: all)\n"
	"  --vm-file FILE  the VM's description (default FILE.vm.json, if there)\n"
	"  -o, --output FILE\n"
	"                  write the report to FILE\n"
	"  -h, --help      print this text\n"
	"  --version       print the version\n"
	"\n"
	"Record with: trapline run --trace FILE, or trace-cmd record -e kvm.\n";

struct options {
	const char *path;
	const char *side;   /* NULL: beside the trace */
	const char *output; /* NULL: stdout */
	unsigned int top;
};

static int parse_top(const char *text, unsigned int *top)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value > TOP_MAX)
		return -EINVAL;
	*top = (unsigned int)value;
	return 0;
}

/* 0 to go on, 1 if all is said, -EINVAL. */
static int parse(int argc, char **argv, struct options *opt, struct error *err)
{
	static const struct option longopt[] = {
		{ "top", required_argument, NULL, 't' },
		{ "vm-file", required_argument, NULL, 's' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opt->path = "trace.dat";
	opt->top = TOP_DEFAULT;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":o:h", longopt, NULL)) != -1) {
		switch (c) {
		case 't':
			if (parse_top(optarg, &opt->top))
				return error_set(
					err, TL_USAGE, EINVAL,
					"--top %s: want a number from 0 to %d",
					optarg, TOP_MAX);
			break;
		case 's':
			opt->side = optarg;
			break;
		case 'o':
			opt->output = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 1;
		case 'V':
			printf("trapline-report %s\n", TRAPLINE_VERSION);
			return 1;
		case ':':
			return error_set(err, TL_USAGE, EINVAL,
					 "%s wants a value; see --help",
					 argv[optind - 1]);
		default:
			return error_set(err, TL_USAGE, EINVAL,
					 "unknown option %s; see --help",
					 argv[optind - 1]);
		}
	}
	if (optind < argc)
		opt->path = argv[optind++];
	if (optind < argc)
		return error_set(err, TL_USAGE, EINVAL,
				 "one trace at a time, not also %s",
				 argv[optind]);
	return 0;
}

/*
 * libtracecmd trusts what the file says of itself: a trace.dat that was cut
 * short or damaged makes it read where there is nothing.  While it has the file,
 * such a fault is the file's, and nothing has been written yet.  It also prints
 * to stderr whatever its log level is, so that goes nowhere meanwhile.
 */
static int real_stderr = -1;

static void damaged(int sig)
{
	static const char text[] =
		"trapline: error: truncated or damaged trace.dat: reading it failed; record again\n";

	(void)sig;
	if (write(real_stderr, text, sizeof(text) - 1) < 0)
		_exit(TL_FAIL);
	_exit(TL_TRACE);
}

static void guard_reader(bool on)
{
	static const int sig[] = { SIGBUS, SIGSEGV, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = on ? damaged : SIG_DFL };
	int null;

	if (on) {
		real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (real_stderr >= 0 && null >= 0)
			dup2(null, STDERR_FILENO);
		if (null >= 0)
			close(null);
	} else if (real_stderr >= 0) {
		dup2(real_stderr, STDERR_FILENO);
		close(real_stderr);
		real_stderr = -1;
	}
	for (size_t i = 0; i < sizeof(sig) / sizeof(sig[0]); i++)
		sigaction(sig[i], &action, NULL);
}

static int write_report(const struct analysis *analysis,
			const struct options *opt, struct error *err)
{
	FILE *out = opt->output ? fopen(opt->output, "we") : stdout;
	const char *name = opt->output ? opt->output : "standard output";
	int ret, failed;

	if (!out)
		return error_set(err, TL_FAIL, errno, "%s: %s", name,
				 strerror(errno));
	ret = render_text(out, analysis, opt->top);
	errno = 0;
	failed = fflush(out) || ferror(out);
	/* a reader that has seen enough is no error of ours */
	if (failed && errno == EPIPE)
		failed = 0;
	if (failed)
		error_set(err, TL_FAIL, errno ? errno : EIO, "%s: %s", name,
			  strerror(errno ? errno : EIO));
	if (opt->output && fclose(out) && !failed)
		failed = error_set(err, TL_FAIL, errno, "%s: %s", name,
				   strerror(errno));
	if (ret)
		return error_set(err, TL_FAIL, -ret, "out of memory");
	return failed ? -EIO : 0;
}

static enum tl_status report(const struct options *opt, struct error *err)
{
	struct analysis analysis;
	int ret;

	guard_reader(true);
	ret = analysis_load(&analysis, opt->path, opt->side, err);
	guard_reader(false);
	if (ret)
		return err->status;
	ret = write_report(&analysis, opt, err);
	if (!ret && analysis.totals.all.verdict == TOTALS_MISMATCH)
		error_set(
			err, TL_TRACE, 0,
			"%s: the exits in it are not those that the kernel counted",
			opt->path);
	analysis_free(&analysis);
	return err->status;
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct error err = { 0 };
	enum tl_status status;
	int ret = parse(argc, argv, &opt, &err);

	if (ret > 0)
		return fflush(stdout) ? TL_FAIL : TL_OK;
	status = ret ? err.status : report(&opt, &err);
	if (err.text[0])
		log_error("%s", err.text);
	return (int)status;
}
