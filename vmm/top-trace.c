// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder-fs.h"
#include "top-trace.h"

/* A CPU's ring buffer; some 10,000 exits. */
#define BUFFER_KB "1024"

/* of an instance's name; its owner's process id follows */
#define INSTANCE_PREFIX "trapline-top-"

/* --- one line --------------------------------------------------------------*/

/* Names of exception classes as the kernel has them; the first match counts. */
static const struct {
	const char *prefix;
	enum top_class class;
} classes[] = {
	{ "DABT", TOP_DATA },  { "IABT", TOP_INSN }, { "SYS64", TOP_SYSREG },
	{ "CP1", TOP_SYSREG }, { "HVC", TOP_CALL },  { "SMC", TOP_CALL },
	{ "WFx", TOP_WAIT },   { "WFI", TOP_WAIT },  { "ID", TOP_SYSREG },
};

static enum top_class class_of(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strncmp(text, classes[i].prefix,
			     strlen(classes[i].prefix)))
			return classes[i].class;
	return TOP_ELSE;
}

/*
 * "    trapline-812     [001] d..1. 12.3: kvm_exit: TRAP: HSR_EC: 0x0024
 * (DABT_LOW), PC: 0x..."; 32-bit hosts write HVC for TRAP, and "kvm_exit: IRQ:"
 * has a class as well, which means nothing.
 */
bool top_trace_parse(const char *line, pid_t *tid, enum top_class *class)
{
	const char *event = strstr(line, ": kvm_exit: ");
	const char *cpu = strchr(line, '['), *p;

	if (!event || !cpu || cpu > event)
		return false;
	for (p = cpu; p > line && p[-1] == ' '; p--)
		;
	while (p > line && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (p == line || p[-1] != '-')
		return false;
	*tid = (pid_t)strtol(p, NULL, 10);
	event += strlen(": kvm_exit: ");
	if (!strncmp(event, "TRAP", 4) || !strncmp(event, "HVC", 3)) {
		p = strchr(event, '(');
		*class = p ? class_of(p + 1) : TOP_ELSE;
	} else {
		*class = strncmp(event, "IRQ", 3) ? TOP_ELSE : TOP_IRQ;
	}
	return true;
}

/* --- counting --------------------------------------------------------------*/

static int by_tid(const void *a, const void *b)
{
	const pid_t x = ((const struct top_thread *)a)->tid;
	const pid_t y = ((const struct top_thread *)b)->tid;

	return (x > y) - (x < y);
}

const struct top_thread *top_trace_of(const struct top_trace *trace, pid_t tid)
{
	const struct top_thread key = { .tid = tid };

	if (!trace->nr)
		return NULL;
	return bsearch(&key, trace->thread, trace->nr, sizeof(key), by_tid);
}

static void count(struct top_trace *trace, pid_t tid, enum top_class class)
{
	struct top_thread *thread =
		(struct top_thread *)top_trace_of(trace, tid);

	if (!thread) {
		thread = realloc(trace->thread,
				 (trace->nr + 1) * sizeof(*thread));
		if (!thread)
			return;
		trace->thread = thread;
		thread += trace->nr++;
		*thread = (struct top_thread){ .tid = tid };
		qsort(trace->thread, trace->nr, sizeof(*thread), by_tid);
		thread = (struct top_thread *)top_trace_of(trace, tid);
	}
	thread->exits[class]++;
}

static void take_line(struct top_trace *trace)
{
	enum top_class class;
	unsigned long lost;
	pid_t tid;

	trace->line[trace->length] = '\0';
	trace->length = 0;
	if (top_trace_parse(trace->line, &tid, &class))
		count(trace, tid, class);
	else if (sscanf(trace->line, "CPU:%*d [LOST %lu EVENTS]", &lost) == 1)
		trace->lost += lost;
}

void top_trace_read(struct top_trace *trace)
{
	char text[65536];
	ssize_t n, i;

	while ((n = read(trace->pipe, text, sizeof(text))) > 0)
		for (i = 0; i < n; i++) {
			if (text[i] == '\n')
				take_line(trace);
			else if (trace->length < sizeof(trace->line) - 1)
				trace->line[trace->length++] = text[i];
		}
}

void top_trace_reset(struct top_trace *trace)
{
	trace->nr = 0;
	trace->lost = 0;
}

/* --- the instance ----------------------------------------------------------*/

int top_trace_open(struct top_trace *trace, const char *tracefs,
		   struct error *err)
{
	char path[PATH_MAX];
	int ret;

	*trace = (struct top_trace){ .pipe = -1 };
	if (!tracefs)
		tracefs = tracefs_find();
	if (!tracefs)
		return error_set(err, TL_TRACE, EACCES,
				 "tracing needs root and tracefs: mount -t "
				 "tracefs tracefs /sys/kernel/tracing");
	tracefs_remove_stale(tracefs, INSTANCE_PREFIX);
	if (asprintf(&trace->instance, "%s/instances/" INSTANCE_PREFIX "%d",
		     tracefs, (int)getpid()) < 0) {
		trace->instance = NULL;
		return error_set(err, TL_TRACE, ENOMEM, "no memory");
	}
	if (mkdir(trace->instance, 0700)) {
		ret = error_set(err, TL_TRACE, errno,
				"tracing needs root: cannot make %s: %s",
				trace->instance, strerror(errno));
		free(trace->instance);
		trace->instance = NULL;
		return ret;
	}
	tracefs_write(trace->instance, "buffer_size_kb", BUFFER_KB);
	snprintf(path, sizeof(path), "%s/trace_pipe", trace->instance);
	trace->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ret = trace->pipe < 0
		      ? -errno
		      : tracefs_write(trace->instance,
				      "events/kvm/kvm_exit/enable", "1");
	if (!ret)
		return 0;
	error_set(err, TL_TRACE, -ret, "cannot trace %s/events/kvm: %s",
		  trace->instance, strerror(-ret));
	top_trace_close(trace);
	return ret;
}

void top_trace_close(struct top_trace *trace)
{
	if (trace->instance) {
		tracefs_write(trace->instance, "events/enable", "0");
		if (trace->pipe >= 0)
			close(trace->pipe);
		rmdir(trace->instance);
	}
	free(trace->instance);
	free(trace->thread);
	*trace = (struct top_trace){ .pipe = -1 };
}
