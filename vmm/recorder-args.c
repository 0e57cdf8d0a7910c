// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder-args.h"
#include "recorder-fs.h"

/* A ring buffer of 1/32 of the memory in all, within these bounds a CPU. */
#define BUFFER_SHARE  32
#define BUFFER_MIN_KB 1024
#define BUFFER_MAX_KB 32768

static void add_arg(struct recorder_args *args, const char *text)
{
	char **arg = realloc(args->arg, (args->nr + 2) * sizeof(*arg));
	char *copy = strdup(text);

	if (arg)
		args->arg = arg;
	if (!arg || !copy) {
		free(copy);
		args->failed = true;
		return;
	}
	arg[args->nr++] = copy;
	arg[args->nr] = NULL;
}

void recorder_args_free(struct recorder_args *args)
{
	while (args->nr)
		free(args->arg[--args->nr]);
	free(args->arg);
}

/*
 * Without a filter every VM on the host would be in the file.  trace-cmd sets
 * it before it turns tracing on, and event-fork adds each new thread of a
 * listed one before that first runs: no event is missed and none is foreign.
 */
static void add_threads(struct recorder_args *args, const char *tracefs,
			pid_t pid)
{
	char path[64] = "/proc/self/task";
	struct dirent *entry;
	DIR *tasks;

	if (!tracefs_has(tracefs, "options/event-fork"))
		return;
	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks) {
		args->failed = true;
		return;
	}
	add_arg(args, "-O");
	add_arg(args, "event-fork");
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		add_arg(args, "-P");
		add_arg(args, entry->d_name);
	}
	closedir(tasks);
}

/*
 * What trapline report needs.  Of a patched kernel the exit tells nearly all,
 * the others when it ended and what r0 of a hypercall was.  On a stock kernel
 * the causes are spread over what its handlers trace.  Either is a part of KVM's
 * events, and the guest is slowed down by as much less.
 */
static const char *const patched_events[] = {
	"kvm_vcpu_exit", "kvm_exchvc",    "kvm_entry", "kvm_userspace_exit",
	"kvm_hvc",       "kvm_hvc_arm64", NULL,
};
static const char *const stock_events[] = {
	"kvm_exit",
	"kvm_entry",
	"kvm_userspace_exit",
	"kvm_guest_fault",
	"kvm_mmio",
	"kvm_sys_access",
	"kvm_emulate_cp15_imp",
	"kvm_handle_sys_reg",
	"kvm_hvc",
	"kvm_hvc_arm64",
	"kvm_wfx",
	"kvm_wfx_arm64",
	NULL,
};

/* What tells which interrupt of the host ended a guest's run. */
#define IRQ_EVENT  "irq:irq_handler_entry"
#define IRQ_SYSTEM "irq/irq_handler_entry"

static bool has_event(const char *dir, const char *event)
{
	char path[64];

	snprintf(path, sizeof(path), "events/kvm/%s", event);
	return tracefs_has(dir, path);
}

bool recorder_events_patched(const char *instance)
{
	return has_event(instance, patched_events[0]);
}

/* NULL: all of KVM's, as on a kernel whose events have other names. */
static const char *const *profile_events(const char *dir, bool full)
{
	if (full)
		return NULL;
	if (recorder_events_patched(dir))
		return patched_events;
	return has_event(dir, stock_events[0]) ? stock_events : NULL;
}

static void add_events(struct recorder_args *args, const char *tracefs,
		       bool full)
{
	const char *const *name = profile_events(tracefs, full);
	char event[64];

	if (!name) {
		add_arg(args, "-e");
		add_arg(args, "kvm");
		return;
	}
	for (; *name; name++) {
		if (!has_event(tracefs, *name))
			continue;
		snprintf(event, sizeof(event), "kvm:%s", *name);
		add_arg(args, "-e");
		add_arg(args, event);
	}
}

/* All that add_events() asked for is on. */
bool recorder_events_on(const char *instance, bool full)
{
	const char *const *name = profile_events(instance, full);
	char path[64];

	if (!name)
		return tracefs_says(instance, "events/kvm/enable", '1');
	for (; *name; name++) {
		snprintf(path, sizeof(path), "events/kvm/%s/enable", *name);
		if (has_event(instance, *name) &&
		    !tracefs_says(instance, path, '1'))
			return false;
	}
	return true;
}

static unsigned int choose_buffer_kb(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page_kb = sysconf(_SC_PAGESIZE) / 1024;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	long kb;

	if (pages < 1 || cpus < 1)
		return BUFFER_MIN_KB;
	kb = pages / BUFFER_SHARE / cpus * page_kb;
	if (kb < BUFFER_MIN_KB)
		return BUFFER_MIN_KB;
	return (unsigned int)(kb > BUFFER_MAX_KB ? BUFFER_MAX_KB : kb);
}

void recorder_args_make(struct recorder_args *args,
			const struct recorder_request *req)
{
	/* Options after -B are the instance's. */
	const char *const first[] = { "trace-cmd",   "record",  "-q",
				      "-o",          req->path, "-B",
				      req->instance, "-C",      "mono",
				      "-b" };
	char size[16];
	size_t i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		add_arg(args, first[i]);
	snprintf(size, sizeof(size), "%u",
		 req->buffer_kb ? req->buffer_kb : choose_buffer_kb());
	add_arg(args, size);
	add_threads(args, req->tracefs, req->pid);
	add_events(args, req->tracefs, req->full);
	/* One that comes while a guest runs comes in the vCPU's thread. */
	if (req->irqs && tracefs_has(req->tracefs, "events/" IRQ_SYSTEM)) {
		add_arg(args, "-e");
		add_arg(args, IRQ_EVENT);
	}
}
