// SPDX-License-Identifier: GPL-2.0-only
/* The recorder against a trace-cmd and a tracefs made of a script and files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder.h"

struct world {
	char dir[64];
	char tracefs[128];
	char program[128];
	char out[128];
	char instance[192];
	struct recorder_config config;
	struct error err;
};

/* What the real one does, in its order: events, then tracing on. */
#define ARM_BUT_READ(events, on)                               \
	"i=$(dirname \"$0\")/tracefs/instances/$6\n"           \
	"echo \"$@\" >\"$0.args\"\n"                           \
	"mkdir -p $i/events/kvm $i/options\n"                  \
	": >$i/set_event_pid; echo 0 >$i/options/event-fork\n" \
	"echo " events " >$i/events/kvm/enable\n"              \
	"echo " on " >$i/tracing_on\n"

/* A process for each CPU that reads its buffer while the script lives. */
#define READ                                                       \
	"c=0; while [ $c -lt $(getconf _NPROCESSORS_ONLN) ]; do\n" \
	"mkdir -p $i/per_cpu/cpu$c\n"                              \
	": >$i/per_cpu/cpu$c/trace_pipe_raw\n"                     \
	"{ while kill -0 $$ 2>&1; do sleep 0.05; done\n"           \
	"} 3<$i/per_cpu/cpu$c/trace_pipe_raw >/dev/null &\n"       \
	"c=$((c + 1)); done\n"

#define ARM_AS(events, on) ARM_BUT_READ(events, on) READ
#define ARM                ARM_AS("1", "1")

/*
 * An instance has its events from the start.  To be put before ARM, which
 * turns tracing on last; all events get on, kvm_entry as told.
 */
#define PATCHED(entry)                                            \
	"i=$(dirname \"$0\")/tracefs/instances/$6\n"              \
	"mkdir -p $i/events/kvm\n"                                \
	"cp -r $i/../../events/kvm/* $i/events/kvm/\n"            \
	"for e in $i/events/kvm/*/; do echo 1 >$e/enable; done\n" \
	"echo " entry " >$i/events/kvm/kvm_entry/enable\n"

#define IDLE "while :; do sleep 0.02; done\n"

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *fmt, ...)
{
	char command[512];
	va_list ap;
	FILE *shell;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	shell = popen(command, "w");
	assert_non_null(shell);
	assert_int_equal(pclose(shell), 0);
}

static void set_script(const struct world *w, const char *body)
{
	FILE *f = fopen(w->program, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s", body);
	fclose(f);
	assert_int_equal(chmod(w->program, 0755), 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/trapline-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->tracefs, sizeof(w->tracefs), "%s/tracefs", w->dir);
	snprintf(w->program, sizeof(w->program), "%s/trace-cmd", w->dir);
	snprintf(w->out, sizeof(w->out), "%s/trace.dat", w->dir);
	snprintf(w->instance, sizeof(w->instance), "%s/instances/trapline-%d",
		 w->tracefs, (int)getpid());
	run("mkdir -p %s/events/kvm %s/instances %s/options", w->tracefs,
	    w->tracefs, w->tracefs);
	run("echo 0 >%s/options/event-fork", w->tracefs);
	w->config = (struct recorder_config){
		.path = w->out,
		.tracefs = w->tracefs,
		.program = w->program,
		.buffer_kb = 2048,
		.patience_ms = 5000,
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	run("rm -rf %s", w->dir);
	free(w);
	return 0;
}

static void read_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
}

static void assert_failed(struct world *w, const char *words)
{
	assert_int_equal(w->err.status, TL_TRACE);
	if (!strstr(w->err.text, words))
		fail_msg("\"%s\" is not in \"%s\"", words, w->err.text);
	assert_null(strchr(w->err.text, '\n'));
}

static void assert_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_records(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char text[512], want[512];

	set_script(w, "trap 'echo done >\"$4\"; exit 0' INT\n" ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);

	snprintf(want, sizeof(want), "%s.args", w->program);
	read_text(want, text, sizeof(text));
	snprintf(want, sizeof(want),
		 "record -q -o %s -B trapline-%d -C mono -b 2048 "
		 "-O event-fork -P %d -e kvm\n",
		 w->out, (int)getpid(), (int)getpid());
	assert_string_equal(text, want);

	assert_int_equal(recorder_stop(rec, &w->err), 0);
	read_text(w->out, text, sizeof(text));
	assert_string_equal(text, "done\n");
	assert_no_children();
}

/* A path is one argument, whatever is in it. */
static void test_path_with_blanks(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[256], text[16];

	snprintf(path, sizeof(path), "%s/a b; $(c) 'd", w->dir);
	w->config.path = path;
	set_script(w, "trap 'echo done >\"$4\"; exit 0' INT\n" ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_int_equal(recorder_stop(rec, &w->err), 0);
	read_text(path, text, sizeof(text));
	assert_string_equal(text, "done\n");
}

/* Tracing on without events, or the reverse, is not yet recording. */
static void test_waits_for_both(void **state)
{
	struct world *w = *state;
	struct recorder *rec;

	w->config.patience_ms = 300;
	set_script(w, "trap 'exit 0' INT\n" ARM_AS("1", "0") IDLE);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "did not start recording within");
	assert_no_children();

	memset(&w->err, 0, sizeof(w->err));
	set_script(w, "trap 'exit 0' INT\n" ARM_AS("0", "1") IDLE);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "did not start recording within");
	assert_no_children();
}

/*
 * Told to end while those that read the buffers start, trace-cmd writes a file
 * without events and says that all is well.
 */
static void test_waits_for_readers(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[256], text[16];

	w->config.patience_ms = 300;
	set_script(w, "trap 'exit 0' INT\n" ARM_BUT_READ("1", "1") IDLE);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "did not start recording within");
	assert_no_children();

	/* of another instance, or something else of this one */
	memset(&w->err, 0, sizeof(w->err));
	set_script(w, "trap 'exit 0' INT\n" ARM_BUT_READ(
			      "1", "1") "i=${i}0\n" READ IDLE);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "did not start recording within");

	memset(&w->err, 0, sizeof(w->err));
	w->config.patience_ms = 5000;
	set_script(
		w,
		"trap 'exit 0' INT\n" ARM_BUT_READ(
			"1",
			"1") "sleep 0.3; echo late >\"$0.late\"\n" READ IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	snprintf(path, sizeof(path), "%s.late", w->program);
	read_text(path, text, sizeof(text));
	assert_string_equal(text, "late\n");
	assert_int_equal(recorder_stop(rec, &w->err), 0);
}

/* What a recorder left that was killed while it started. */
static void test_removes_stale(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[256];
	pid_t gone = fork();

	if (!gone)
		_exit(0);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	run("cd %s/instances && mkdir trapline-%d trapline-%d trapline-%dx "
	    "trapline-top-%d foo-%d trapline-0 trapline- trapline-99999999999",
	    w->tracefs, (int)gone, (int)getppid(), (int)gone, (int)gone,
	    (int)gone);
	set_script(w, "trap 'exit 0' INT\n" ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_int_equal(recorder_stop(rec, &w->err), 0);

	snprintf(path, sizeof(path), "%s/instances/trapline-%d", w->tracefs,
		 (int)gone);
	assert_int_equal(access(path, F_OK), -1);
	run("cd %s/instances && [ -d trapline-%d -a -d trapline-%dx -a -d "
	    "trapline-top-%d -a -d foo-%d -a -d trapline-0 -a -d trapline- -a "
	    "-d trapline-99999999999 ]",
	    w->tracefs, (int)getppid(), (int)gone, (int)gone, (int)gone);
}

static void test_dies_at_once(void **state)
{
	struct world *w = *state;
	struct recorder *rec;

	set_script(w, "echo; echo '  No such event' >&2; echo more >&2\n"
		      "exit 22\n");
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "No such event");
	assert_null(strstr(w->err.text, "more"));
	/* The empty output file was ours. */
	assert_int_equal(access(w->out, F_OK), -1);
	assert_no_children();
}

static void test_silent_death(void **state)
{
	struct world *w = *state;
	struct recorder *rec;

	set_script(w, "exit 1\n");
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "gave no reason");
}

static void test_not_a_program(void **state)
{
	struct world *w = *state;
	struct recorder *rec;

	w->config.program = w->dir;
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "cannot be executed");
	assert_no_children();
}

/* One that ignores SIGINT is killed, and what it left is removed. */
static void test_stubborn(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char cpu[160];

	w->config.patience_ms = 100;
	set_script(w, "trap '' INT\n: >\"$4.cpu0\"\n: >\"$4.$6.cpu0\"\n"
		      "mkdir $(dirname \"$0\")/tracefs/instances/$6\n" IDLE);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "did not start recording within");
	assert_no_children();
	snprintf(cpu, sizeof(cpu), "%s.cpu0", w->out);
	assert_int_equal(access(cpu, F_OK), -1);
	assert_int_equal(access(w->instance, F_OK), -1);
}

static void test_fails_at_the_end(void **state)
{
	struct world *w = *state;
	struct recorder *rec;

	set_script(w, "trap 'echo disk full >&2; exit 1' INT\n" ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_int_not_equal(recorder_stop(rec, &w->err), 0);
	assert_failed(w, "disk full");
	assert_no_children();
}

/* It ended while the guest ran: status 0 or not, events are missing. */
static void test_ends_early(void **state)
{
	struct world *w = *state;
	struct recorder *rec;

	set_script(w, ARM "sleep 0.3; exit 0\n");
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	usleep(800000);
	assert_int_not_equal(recorder_stop(rec, &w->err), 0);
	assert_failed(w, "before the guest");
	assert_no_children();
}

static void test_host_cannot(void **state)
{
	struct world *w = *state;
	struct recorder *rec;

	set_script(w, "exit 1\n");
	run("rmdir %s/events/kvm", w->tracefs);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "no KVM trace events");

	memset(&w->err, 0, sizeof(w->err));
	run("mkdir %s/events/kvm; rmdir %s/instances", w->tracefs, w->tracefs);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "no tracing instances");
}

static void test_output_not_writable(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[160];

	snprintf(path, sizeof(path), "%s/no/such/place", w->dir);
	w->config.path = path;
	set_script(w, ARM IDLE);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, path);
	assert_no_children();
}

static void test_no_program(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char *path = strdup(getenv("PATH"));

	w->config.program = NULL;
	setenv("PATH", w->tracefs, 1);
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	setenv("PATH", path, 1);
	free(path);
	assert_failed(w, "install the package trace-cmd");
}

static void *wait_for_go(void *opaque)
{
	int *fd = opaque;
	char c;

	if (read(*fd, &c, 1) < 0)
		return NULL;
	return opaque;
}

/* Workers made before the recording are in it. */
static void test_all_threads(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[256], text[512];
	pthread_t thread;
	const char *p;
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_go, &fd[0]), 0);
	set_script(w, "trap 'exit 0' INT\n" ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	close(fd[1]);
	pthread_join(thread, NULL);
	close(fd[0]);
	assert_int_equal(recorder_stop(rec, &w->err), 0);

	snprintf(path, sizeof(path), "%s.args", w->program);
	read_text(path, text, sizeof(text));
	p = strstr(text, "-P ");
	assert_non_null(p);
	assert_non_null(strstr(p + 1, "-P "));
}

/* Of a patched kernel only what a profile needs, all of it on. */
static void test_patched(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[256], text[512];

	run("cd %s/events/kvm && mkdir kvm_vcpu_exit kvm_exchvc kvm_entry "
	    "kvm_exit kvm_hvc_arm64",
	    w->tracefs);
	set_script(w, "trap 'exit 0' INT\n" PATCHED("1") ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_true(recorder_patched(rec));
	assert_int_equal(recorder_stop(rec, &w->err), 0);
	snprintf(path, sizeof(path), "%s.args", w->program);
	read_text(path, text, sizeof(text));
	assert_non_null(strstr(text,
			       " -e kvm:kvm_vcpu_exit -e kvm:kvm_exchvc "
			       "-e kvm:kvm_entry -e kvm:kvm_hvc_arm64\n"));

	/* One that stays off is waited for. */
	run("rm -rf %s", w->instance);
	set_script(w, "trap 'exit 0' INT\n" PATCHED("0") ARM IDLE);
	w->config.patience_ms = 300;
	assert_int_not_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_failed(w, "did not start recording");
}

/* Of a stock kernel what says why, but not its timers and interrupts. */
static void test_stock(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[256], text[512];

	run("cd %s/events/kvm && mkdir kvm_exit kvm_entry kvm_mmio "
	    "kvm_timer_update_irq vgic_update_irq_pending",
	    w->tracefs);
	set_script(w, "trap 'exit 0' INT\n" ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_false(recorder_patched(rec));
	assert_int_equal(recorder_stop(rec, &w->err), 0);
	snprintf(path, sizeof(path), "%s.args", w->program);
	read_text(path, text, sizeof(text));
	assert_non_null(strstr(text, " -e kvm:kvm_exit -e kvm:kvm_entry "
				     "-e kvm:kvm_mmio\n"));
	/* unless it is asked for, as the host's interrupts are */
	run("rm -rf %s; mkdir -p %s/events/irq/irq_handler_entry", w->instance,
	    w->tracefs);
	w->config.full = true;
	w->config.irqs = true;
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_int_equal(recorder_stop(rec, &w->err), 0);
	read_text(path, text, sizeof(text));
	assert_non_null(strstr(text, " -e kvm -e irq:irq_handler_entry\n"));
}

/* A host before Linux 4.8 records everything rather than nothing. */
static void test_no_event_fork(void **state)
{
	struct world *w = *state;
	struct recorder *rec;
	char path[256], text[512];

	run("rm %s/options/event-fork", w->tracefs);
	set_script(w, "trap 'exit 0' INT\n" ARM IDLE);
	assert_int_equal(recorder_start(&w->config, &rec, &w->err), 0);
	assert_int_equal(recorder_stop(rec, &w->err), 0);
	snprintf(path, sizeof(path), "%s.args", w->program);
	read_text(path, text, sizeof(text));
	assert_null(strstr(text, " -P "));
}

static void test_stop_nothing(void **state)
{
	(void)state;
	assert_int_equal(recorder_stop(NULL, NULL), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_records),
		T(test_path_with_blanks),
		T(test_waits_for_both),
		T(test_waits_for_readers),
		T(test_removes_stale),
		T(test_dies_at_once),
		T(test_silent_death),
		T(test_not_a_program),
		T(test_stubborn),
		T(test_fails_at_the_end),
		T(test_ends_early),
		T(test_host_cannot),
		T(test_output_not_writable),
		T(test_no_program),
		T(test_all_threads),
		T(test_patched),
		T(test_stock),
		T(test_no_event_fork),
		T(test_stop_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
