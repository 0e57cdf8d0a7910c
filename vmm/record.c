// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "record.h"
#include "record-config.h"
#include "record-domain.h"
#include "record-side.h"
#include "record-target.h"
#include "recorder.h"

/* How often to look: while no vCPU is known, and then. */
#define LOOK_EAGER_MS 5
#define LOOK_MS       200
#define PROGRESS_MS   1000
/* A command that is asked to end has this long. */
#define COMMAND_PATIENCE 10000

struct recording {
	struct record_config config;
	struct record_target target;
	struct record_side side;
	struct recorder *recorder;
	struct recorder_counts counts;
	pid_t child; /* the command, until it has ended */
	int child_status;
	int go; /* the child waits at the other end of it */
	FILE *out;
	bool progress; /* @out is a terminal */
	uint64_t start_ms;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted++;
}

static uint64_t now_ms(void)
{
	return (uint64_t)monotonic_ms();
}

/* --- the command -----------------------------------------------------------*/

static _Noreturn void run_command(int go, char **command)
{
	int error;
	char c;

	/* its threads are recorded from the first on: wait for the recorder */
	if (read(go, &c, 1) != 1)
		_exit(127);
	execvp(command[0], command);
	error = errno;
	if (write(go, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static int start_command(struct recording *rec, struct error *err)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return error_set(err, TL_FAIL, errno, "cannot start %s: %s",
				 rec->config.command[0], strerror(errno));
	rec->child = fork();
	if (!rec->child) {
		close(fd[0]);
		run_command(fd[1], rec->config.command);
	}
	close(fd[1]);
	rec->go = fd[0];
	if (rec->child < 0) {
		rec->child = 0;
		return error_set(err, TL_FAIL, errno, "cannot start %s: %s",
				 rec->config.command[0], strerror(errno));
	}
	snprintf(rec->target.name, sizeof(rec->target.name), "%s",
		 rec->config.command[0]);
	return record_target_pid(&rec->target, rec->child, err);
}

static int let_go(struct recording *rec, struct error *err)
{
	int error = 0;
	ssize_t n;

	if (write(rec->go, "g", 1) != 1)
		error = errno;
	do
		n = error ? 0 : read(rec->go, &error, sizeof(error));
	while (n < 0 && errno == EINTR && !interrupted);
	if (error)
		return error_set(err, TL_FAIL, error, "cannot run %s: %s",
				 rec->config.command[0], strerror(error));
	return 0;
}

static bool child_ended(struct recording *rec)
{
	if (rec->child &&
	    waitpid(rec->child, &rec->child_status, WNOHANG) == rec->child)
		rec->child = 0;
	return !rec->child;
}

/* Ctrl-C at a terminal has reached the command as well; ask it all the same. */
static void end_command(struct recording *rec)
{
	uint64_t end = now_ms() + COMMAND_PATIENCE;
	int asked = interrupted;

	if (child_ended(rec))
		return;
	kill(rec->child, SIGTERM);
	while (!child_ended(rec) && now_ms() < end && interrupted == asked)
		sleep_ms(LOOK_EAGER_MS);
	if (child_ended(rec))
		return;
	kill(rec->child, SIGKILL);
	while (!child_ended(rec))
		sleep_ms(LOOK_EAGER_MS);
}

/* --- watching --------------------------------------------------------------*/

static bool is_over(struct recording *rec)
{
	if (interrupted)
		return true;
	if (rec->config.ms && now_ms() - rec->start_ms >= rec->config.ms)
		return true;
	if (rec->config.command)
		return child_ended(rec);
	return kill(rec->target.pid, 0) && errno == ESRCH;
}

static void show_progress(struct recording *rec)
{
	rec->counts = recorder_count(rec->recorder);
	if (!rec->progress)
		return;
	fprintf(rec->out,
		"\rrecording %s, %u vCPU%s: %llu s, %llu events, %llu lost ",
		rec->target.name, rec->target.nr,
		rec->target.nr == 1 ? "" : "s",
		(unsigned long long)(now_ms() - rec->start_ms) / 1000,
		(unsigned long long)rec->counts.events,
		(unsigned long long)rec->counts.lost);
	fflush(rec->out);
}

static void watch(struct recording *rec)
{
	uint64_t shown = 0;

	while (!is_over(rec)) {
		uint64_t now = now_ms();
		unsigned int ms = LOOK_MS;

		record_target_scan(&rec->target);
		record_side_look(&rec->side, &rec->target);
		if (rec->config.command && !rec->target.nr)
			ms = LOOK_EAGER_MS;
		if (rec->config.ms && rec->start_ms + rec->config.ms < now + ms)
			ms = (unsigned int)(rec->start_ms + rec->config.ms > now
						    ? rec->start_ms +
							      rec->config.ms -
							      now
						    : 0);
		if (now - shown >= PROGRESS_MS) {
			show_progress(rec);
			shown = now;
		}
		sleep_ms(ms);
	}
	record_target_scan(&rec->target);
	record_side_look(&rec->side, &rec->target);
	if (rec->config.command)
		end_command(rec);
	show_progress(rec);
	if (rec->progress)
		fputc('\n', rec->out);
}

/* --- before and after ------------------------------------------------------*/

static void tell(const struct recording *rec, uint64_t ms)
{
	const struct recorder_counts *counts = &rec->counts;

	fprintf(rec->out, "%s: %llu.%03llu s of %s, %llu events, ",
		rec->config.output, (unsigned long long)ms / 1000,
		(unsigned long long)ms % 1000, rec->target.name,
		(unsigned long long)counts->events);
	if (counts->lost)
		fprintf(rec->out,
			"%llu LOST: record again with a larger --buffer, ",
			(unsigned long long)counts->lost);
	else
		fputs("none lost, ", rec->out);
	if (rec->target.nr)
		fprintf(rec->out, "%u vCPU%s\n", rec->target.nr,
			rec->target.nr == 1 ? "" : "s");
	else
		fputs("no vCPU known by its thread's name\n", rec->out);
	if (rec->config.command && WIFEXITED(rec->child_status) &&
	    WEXITSTATUS(rec->child_status))
		fprintf(rec->out, "%s ended with status %d\n",
			rec->config.command[0], WEXITSTATUS(rec->child_status));
}

static int find_target(struct recording *rec, struct error *err)
{
	const struct record_config *config = &rec->config;

	if (config->command)
		return start_command(rec, err);
	if (config->name)
		return record_target_name(&rec->target, config->name, err);
	if (config->domain)
		return record_domain_find(&rec->target, config->domain, "",
					  err);
	return record_target_pid(&rec->target, config->pid, err);
}

static void catch_signals(void)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP };
	/* without SA_RESTART: it ends a sleep */
	struct sigaction action = { .sa_handler = on_signal };

	interrupted = 0;
	for (size_t i = 0; i < sizeof(sig) / sizeof(sig[0]); i++)
		sigaction(sig[i], &action, NULL);
}

static int record(struct recording *rec, struct error *err)
{
	struct error later = { 0 };
	uint64_t end;
	bool ran;
	int ret;

	ret = find_target(rec, err);
	if (ret)
		return ret;
	rec->side.name = rec->config.name;
	rec->side.from_birth = rec->config.command;
	record_side_before(&rec->side, rec->target.pid);
	catch_signals();
	ret = recorder_start(
		&(struct recorder_config){
			.path = rec->config.output,
			.buffer_kb = rec->config.buffer_kb,
			.pid = rec->target.pid,
			.full = rec->config.full,
			.irqs = rec->config.irqs,
		},
		&rec->recorder, err);
	if (ret)
		return ret;
	record_side_begun(&rec->side, rec->target.pid);
	rec->side.patched = recorder_patched(rec->recorder);
	rec->start_ms = now_ms();
	if (rec->config.command)
		ret = let_go(rec, err);
	ran = !ret;
	if (ran)
		watch(rec);
	end = now_ms();
	if (recorder_stop(rec->recorder, ret ? &later : err) && !ret)
		ret = -EIO;
	record_side_after(&rec->side, rec->target.pid);
	if (!ret)
		ret = record_side_write(&rec->side, &rec->target,
					rec->config.output, rec->config.symbols,
					err);
	else if (!ran)
		unlink(rec->config.output);
	if (!ret)
		tell(rec, end - rec->start_ms);
	return ret;
}

enum tl_status record_run(int argc, char **argv, FILE *out, struct error *err)
{
	struct recording *rec = calloc(1, sizeof(*rec));
	int ret;

	if (!rec) {
		error_set(err, TL_FAIL, ENOMEM, "no memory for the recording");
		return TL_FAIL;
	}
	rec->go = -1;
	rec->out = out;
	rec->progress = isatty(fileno(out));
	ret = record_config_parse(argc, argv, &rec->config, err);
	if (!ret && rec->config.help)
		fputs(record_help, stdout);
	else if (!ret)
		ret = record(rec, err);
	/* one that still waits for the recorder sees the end of its socket */
	if (rec->go >= 0)
		close(rec->go);
	if (rec->child)
		end_command(rec);
	record_side_free(&rec->side);
	free(rec);
	return ret ? err->status : TL_OK;
}
