// SPDX-License-Identifier: GPL-2.0-only
/* trapline-report: from a trace.dat to a trap profile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/log.h"
#include "options.h"
#include "render.h"

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

	ret = analysis_load(&analysis, opt->path, &opt->setup, err);
	if (ret)
		return err->status;
	ret = write_report(&analysis, opt, err);
	if (!ret && analysis.info.damage[0])
		error_set(
			err, TL_TRACE, 0,
			"%s: truncated or damaged trace.dat: %s; the report is of what could be read",
			opt->path, analysis.info.damage);
	else if (!ret && analysis.totals.all.verdict == TOTALS_MISMATCH)
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
