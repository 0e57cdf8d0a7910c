// SPDX-License-Identifier: GPL-2.0-only
/* trapline-report: from a trace.dat to a trap profile. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/log.h"
#include "options.h"
#include "render.h"

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
	struct report report;
	int ret, failed;

	if (!out)
		return error_set(err, TL_FAIL, errno, "%s: %s", name,
				 strerror(errno));
	report_init(&report, analysis);
	report.query = opt->query;
	report.top = opt->top;
	ret = render_text(out, &report);
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
	ret = analysis_load(&analysis, opt->path, &opt->setup, err);
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
	struct options opt;
	struct error err = { 0 };
	enum tl_status status;

	if (options_parse(argc, argv, &opt, &err)) {
		status = err.status;
	} else if (opt.help || opt.version) {
		if (opt.help)
			fputs(options_help, stdout);
		else
			printf("trapline-report %s\n", TRAPLINE_VERSION);
		return fflush(stdout) ? TL_FAIL : TL_OK;
	} else {
		status = report(&opt, &err);
	}
	if (err.text[0])
		log_error("%s", err.text);
	return (int)status;
}
