// SPDX-License-Identifier: GPL-2.0-only
/* trapline-report: from a trace.dat to a trap profile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "lib/error.h"
#include "lib/log.h"
#include "options.h"

/* Something that was read, ready to be written. */
struct output {
	const struct options *opt;
	struct analysis analysis;
	struct diff diff;
};

static bool several(const struct options *opt)
{
	return opt->nr_paths > 1 || opt->nr_vm_files > 1;
}

static int render_output(FILE *out, struct output *output, struct error *err)
{
	const struct options *opt = output->opt;
	struct report report;

	if (several(opt))
		return (opt->format == FORMAT_JSON ? render_diff_json
						   : render_diff_text)(
			out, &output->diff, &opt->query, opt->top);
	report_init(&report, &output->analysis);
	report.query = opt->query;
	report.top = opt->top;
	return render(out, opt->format, &report, &output->analysis, err);
}

static int write_output(struct output *output, struct error *err)
{
	const char *path = output->opt->output;
	FILE *out = path ? fopen(path, "we") : stdout;
	const char *name = path ? path : "standard output";
	int ret, failed;

	if (!out)
		return error_set(err, TL_FAIL, errno, "%s: %s", name,
				 strerror(errno));
	ret = render_output(out, output, err);
	errno = 0;
	failed = fflush(out) || ferror(out);
	/* a reader that has seen enough is no error of ours */
	if (failed && errno == EPIPE)
		failed = 0;
	if (failed)
		error_set(err, TL_FAIL, errno ? errno : EIO, "%s: %s", name,
			  strerror(errno ? errno : EIO));
	if (path && fclose(out) && !failed)
		failed = error_set(err, TL_FAIL, errno, "%s: %s", name,
				   strerror(errno));
	if (ret)
		return error_set(err, TL_FAIL, -ret, "out of memory");
	return failed ? -EIO : 0;
}

/*
 * A trace that is damaged, or whose exits are not the kernel's, is an error; the
 * report is written all the same.
 */
static void check_totals(const struct analysis *analysis, struct error *err)
{
	if (analysis->info.damage[0])
		error_set(
			err, TL_TRACE, 0,
			"%s: truncated or damaged trace.dat: %s; the report is of what could be read",
			analysis->path, analysis->info.damage);
	else if (analysis->totals.all.verdict == TOTALS_MISMATCH)
		error_set(
			err, TL_TRACE, 0,
			"%s: the exits in it are not those that the kernel counted",
			analysis->path);
}

static int read_sides(struct output *output, struct error *err)
{
	const struct options *opt = output->opt;
	size_t count = opt->nr_paths > opt->nr_vm_files ? opt->nr_paths
							: opt->nr_vm_files;
	int ret = 0;

	output->diff.judge = opt->diff;
	for (size_t i = 0; !ret && i < count; i++) {
		struct analysis_setup setup = opt->setup;

		setup.side = i < opt->nr_vm_files ? opt->vm_file[i] : NULL;
		ret = diff_add(&output->diff,
			       opt->path[opt->nr_paths > 1 ? i : 0], &setup,
			       err);
	}
	return ret;
}

static enum tl_status report(const struct options *opt, struct error *err)
{
	struct output output = { .opt = opt };
	int ret;

	if (several(opt))
		ret = read_sides(&output, err);
	else
		ret = analysis_load(&output.analysis, opt->path[0], &opt->setup,
				    err);
	if (!ret)
		ret = write_output(&output, err);
	for (size_t s = 0; !ret && s < output.diff.count; s++) {
		for (size_t i = 0; i < output.diff.side[s].count; i++)
			check_totals(&output.diff.side[s].trace[i], err);
	}
	if (!ret && !several(opt))
		check_totals(&output.analysis, err);
	diff_free(&output.diff);
	analysis_free(&output.analysis);
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
