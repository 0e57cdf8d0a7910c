// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "recorder-args.h"
#include "recorder-fs.h"
#include "recorder-guard.h"
#include "recorder-readers.h"
#include "recorder.h"

#define DEFAULT_PATIENCE_MS 20000
/* Merging the per-CPU files of a long run takes as long as writing them. */
#define STOP_PATIENCE_MS 120000
#define KILL_PATIENCE_MS 3000
#define POLL_MS          5

/* of an instance's name; its owner's process id follows */
#define RECORDER_PREFIX "trapline-"

struct recorder {
	struct recorder_config config;
	char *program;
	char *path;
	char *instance; /* its directory in tracefs */
	char name[32];
	pid_t pid;
	int stderr_fd; /* what trace-cmd complains about */
	int status;    /* wait status, once @pid is 0 */
};

/* --- small helpers ---------------------------------------------------------*/

static char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *format(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text;
}

/* --- looking before leaping ------------------------------------------------*/

static char *find_program(void)
{
	const char *path = getenv("PATH");
	const char *dir = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin";

	while (*dir) {
		size_t len = strcspn(dir, ":");
		char *file = format("%.*s/trace-cmd", (int)len, dir);

		if (len && file && !access(file, X_OK))
			return file;
		free(file);
		dir += len;
		if (*dir)
			dir++;
	}
	return NULL;
}

static int check_tracefs(const char *tracefs, struct error *err)
{
	char *instances;
	int ret = 0;

	if (!tracefs)
		return error_set(err, TL_TRACE, ENOENT,
				 geteuid() ? "recording needs root: tracefs "
					     "cannot be read"
					   : "tracefs is not mounted: \"mount "
					     "-t tracefs tracefs "
					     "/sys/kernel/tracing\"");
	if (!tracefs_has(tracefs, "events/kvm"))
		return error_set(err, TL_TRACE, ENOENT,
				 "this host's kernel has no KVM trace events "
				 "(%s/events/kvm)",
				 tracefs);
	instances = format("%s/instances", tracefs);
	if (!instances)
		return error_set(err, TL_TRACE, ENOMEM,
				 "no memory for the recording");
	if (access(instances, W_OK))
		ret = error_set(err, TL_TRACE, errno,
				errno == ENOENT
					? "this host's kernel has no tracing "
					  "instances (%s): Linux 3.10 or later "
					  "is needed"
					: "recording needs root: no permission "
					  "to write to %s",
				instances);
	free(instances);
	return ret;
}

/* trace-cmd's own message would come after the guest was built. */
static int check_output(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return error_set(err, TL_TRACE, errno,
				 "cannot write the trace %s: %s", path,
				 strerror(errno));
	close(fd);
	return 0;
}

/* --- trace-cmd -------------------------------------------------------------*/

/* Remove what a trace-cmd that did not finish leaves; nothing, if it did. */
static void sweep(void *opaque)
{
	struct recorder *rec = opaque;
	long cpu, cpus = sysconf(_SC_NPROCESSORS_CONF);

	for (cpu = 0; cpu < cpus; cpu++) {
		char *file = format("%s.cpu%ld", rec->path, cpu);
		char *mine = format("%s.%s.cpu%ld", rec->path, rec->name, cpu);

		if (file)
			unlink(file);
		if (mine)
			unlink(mine);
		free(file);
		free(mine);
	}
	tracefs_write(rec->instance, "events/enable", "0");
	rmdir(rec->instance);
}

static int spawn(struct recorder *rec, struct error *err)
{
	struct recorder_args args = { 0 };
	int ret = 0;
	pid_t pid;

	recorder_args_make(&args, &(struct recorder_request){
					  .path = rec->path,
					  .instance = rec->name,
					  .tracefs = rec->config.tracefs,
					  .buffer_kb = rec->config.buffer_kb,
					  .pid = rec->config.pid,
					  .full = rec->config.full,
					  .irqs = rec->config.irqs,
				  });
	if (args.failed) {
		ret = error_set(err, TL_TRACE, ENOMEM,
				"no memory for the recording");
		goto out;
	}
	pid = recorder_guard_start(&(struct recorder_guard){
		.program = rec->program,
		.argv = args.arg,
		.stderr_fd = rec->stderr_fd,
		.sweep = sweep,
		.opaque = rec,
	});
	if (pid < 0)
		ret = error_set(err, TL_TRACE, errno,
				"cannot start trace-cmd: %s", strerror(errno));
	else
		rec->pid = pid;
out:
	recorder_args_free(&args);
	return ret;
}

/* True once trace-cmd has ended. */
static bool has_ended(struct recorder *rec)
{
	pid_t pid;

	if (!rec->pid)
		return true;
	pid = waitpid(rec->pid, &rec->status, WNOHANG);
	if (!pid || (pid < 0 && errno == EINTR))
		return false;
	rec->pid = 0;
	return true;
}

static bool wait_ended(struct recorder *rec, unsigned int ms)
{
	unsigned int waited;

	for (waited = 0; !has_ended(rec); waited += POLL_MS) {
		if (waited >= ms)
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

/* The first line of trace-cmd's complaints that says something. */
static void first_complaint(const struct recorder *rec, char *line, size_t size)
{
	char text[1024];
	ssize_t n = pread(rec->stderr_fd, text, sizeof(text) - 1, 0);
	const char *p = text;

	text[n > 0 ? n : 0] = '\0';
	p += strspn(p, " \t\r\n");
	if (!*p)
		p = "it gave no reason";
	snprintf(line, size, "%.*s", (int)strcspn(p, "\r\n"), p);
}

static void kill_child(struct recorder *rec)
{
	pid_t group = rec->pid;

	if (has_ended(rec))
		return;
	kill(rec->pid, SIGINT);
	if (wait_ended(rec, KILL_PATIENCE_MS))
		return;
	/* Its per-CPU children are in its group. */
	kill(-group, SIGKILL);
	kill(group, SIGKILL);
	wait_ended(rec, KILL_PATIENCE_MS);
}

/* Events are recorded, and none will stay in the ring buffers at the end. */
static bool is_armed(const struct recorder *rec, cpu_set_t *readers)
{
	/* trace-cmd turns an instance's tracing on last. */
	return recorder_events_on(rec->instance, rec->config.full) &&
	       tracefs_says(rec->instance, "tracing_on", '1') &&
	       recorder_readers_seen(readers, rec->pid, rec->name);
}

static int wait_armed(struct recorder *rec, struct error *err)
{
	unsigned int patience = rec->config.patience_ms;
	unsigned int waited;
	cpu_set_t readers;
	char line[256];

	CPU_ZERO(&readers);
	if (!patience)
		patience = DEFAULT_PATIENCE_MS;
	for (waited = 0; waited < patience; waited += POLL_MS) {
		if (is_armed(rec, &readers))
			return 0;
		if (has_ended(rec)) {
			first_complaint(rec, line, sizeof(line));
			return error_set(err, TL_TRACE, EPIPE,
					 "trace-cmd did not start recording: "
					 "%s",
					 line);
		}
		sleep_ms(POLL_MS);
	}
	return error_set(err, TL_TRACE, ETIMEDOUT,
			 "trace-cmd did not start recording within %u s",
			 patience / 1000);
}

/* --- start, stop -----------------------------------------------------------*/

static void free_recorder(struct recorder *rec)
{
	if (rec->stderr_fd >= 0)
		close(rec->stderr_fd);
	free(rec->instance);
	free(rec->path);
	free(rec->program);
	free(rec);
}

static int fill(struct recorder *rec, const struct recorder_config *config,
		struct error *err)
{
	const char *tracefs = config->tracefs;

	rec->config = *config;
	rec->program = config->program ? strdup(config->program)
				       : find_program();
	if (!rec->program)
		return error_set(err, TL_TRACE, ENOENT,
				 "recording needs trace-cmd, which is not in "
				 "PATH: install the package trace-cmd");
	if (!tracefs)
		tracefs = tracefs_find();
	rec->config.tracefs = tracefs;
	if (check_tracefs(tracefs, err))
		return -EINVAL;
	if (check_output(config->path, err))
		return -EINVAL;
	snprintf(rec->name, sizeof(rec->name), RECORDER_PREFIX "%d",
		 (int)getpid());
	rec->instance = format("%s/instances/%s", tracefs, rec->name);
	rec->path = strdup(config->path);
	rec->stderr_fd = memfd_create("trace-cmd-stderr", MFD_CLOEXEC);
	if (!rec->instance || !rec->path || rec->stderr_fd < 0)
		return error_set(err, TL_TRACE, ENOMEM,
				 "no memory for the recording");
	return 0;
}

/* The file that check_output() made and nobody wrote. */
static void remove_if_empty(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISREG(st.st_mode) && !st.st_size)
		unlink(path);
}

int recorder_start(const struct recorder_config *config, struct recorder **out,
		   struct error *err)
{
	struct recorder *rec;
	int ret;

	rec = calloc(1, sizeof(*rec));
	if (!rec)
		return error_set(err, TL_TRACE, ENOMEM,
				 "no memory for the recording");
	rec->stderr_fd = -1;
	ret = fill(rec, config, err);
	if (!ret) {
		tracefs_remove_stale(rec->config.tracefs, RECORDER_PREFIX);
		ret = spawn(rec, err);
	}
	if (!ret) {
		ret = wait_armed(rec, err);
		if (ret) {
			kill_child(rec);
			sweep(rec);
		}
	}
	if (ret) {
		if (rec->path)
			remove_if_empty(rec->path);
		free_recorder(rec);
		return ret;
	}
	log_debug("recording to %s (trace-cmd is process %d)", rec->path,
		  (int)rec->pid);
	*out = rec;
	return 0;
}

struct recorder_counts recorder_count(const struct recorder *rec)
{
	struct recorder_counts counts = { 0, 0 };

	tracefs_counts(rec->instance, &counts.events, &counts.lost);
	return counts;
}

bool recorder_patched(const struct recorder *rec)
{
	return recorder_events_patched(rec->instance);
}

int recorder_stop(struct recorder *rec, struct error *err)
{
	char line[256];
	int ret = 0;

	if (!rec)
		return 0;
	if (has_ended(rec)) {
		first_complaint(rec, line, sizeof(line));
		ret = error_set(err, TL_TRACE, EPIPE,
				"trace-cmd ended before the guest did, so %s "
				"is incomplete: %s",
				rec->path, line);
		goto out;
	}
	kill(rec->pid, SIGINT);
	if (!wait_ended(rec, STOP_PATIENCE_MS)) {
		ret = error_set(err, TL_TRACE, ETIMEDOUT,
				"trace-cmd did not finish %s within %d s; the "
				"file is incomplete",
				rec->path, STOP_PATIENCE_MS / 1000);
		kill_child(rec);
	} else if (!WIFEXITED(rec->status) || WEXITSTATUS(rec->status)) {
		first_complaint(rec, line, sizeof(line));
		ret = error_set(err, TL_TRACE, EIO,
				"trace-cmd could not complete %s: %s",
				rec->path, line);
	}
out:
	if (ret)
		sweep(rec);
	free_recorder(rec);
	return ret;
}
