// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"
#include "fault_world.h"
#include "lib/log.h"
#include "lib/unixsock.h"
#include "machine.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define leaks() __lsan_do_recoverable_leak_check()
#else
#define leaks() 0
#endif

/* No iteration takes seconds; one that hangs ends the program. */
#define PATIENCE_S 30

static void write_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("\x0f\x27\x18", f); /* a kernel, as far as anyone can tell */
	fflush(f);
	assert_int_equal(ftruncate(fileno(f), (off_t)size), 0);
	fclose(f);
}

int fault_setup(void **state)
{
	struct fault_world *w;

	fake_kvm_fail(0);
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/trapline-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->kernel, sizeof(w->kernel), "%s/flat", w->dir);
	snprintf(w->disk, sizeof(w->disk), "%s/disk,queues=2", w->dir);
	snprintf(w->base, sizeof(w->base), "%s/base,snapshot", w->dir);
	snprintf(w->serial, sizeof(w->serial), "file:%s/serial", w->dir);
	snprintf(w->control, sizeof(w->control), "%s/control", w->dir);
	snprintf(w->vsock, sizeof(w->vsock), "cid=3,uds=%s/vsock", w->dir);
	snprintf(w->port, sizeof(w->port), "data=file:%s/port", w->dir);
	w->cpus = "2";
	write_file(w->kernel, 64);
	*strchr(w->disk, ',') = *strchr(w->base, ',') = '\0';
	write_file(w->disk, 1 << 20);
	write_file(w->base, 1 << 20);
	w->disk[strlen(w->disk)] = w->base[strlen(w->base)] = ',';
	log_set_level(LOG_ERROR);
	*state = w;
	return 0;
}

int fault_teardown(void **state)
{
	struct fault_world *w = *state;
	struct dirent *entry;
	char path[512];
	DIR *dir = opendir(w->dir);

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, entry->d_name);
		unlink(path);
	}
	closedir(dir);
	rmdir(w->dir);
	free(w);
	return 0;
}

static unsigned int entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/*
 * In /proc a thread that was joined may be there for a moment more, and what a
 * sanitizer's own thread has open.
 */
static unsigned int least(const char *path)
{
	unsigned int i, now, n = entries(path);

	for (i = 0; i < 50; i++) {
		usleep(1000);
		now = entries(path);
		n = now < n ? now : n;
	}
	return n;
}

static bool becomes(const char *path, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 1000 && entries(path) != n; i++)
		usleep(1000);
	return entries(path) == n;
}

#define FDS   "/proc/self/fd"
#define TASKS "/proc/self/task"

static enum tl_status run(struct fault_world *w, const struct fake_exit *exits,
			  unsigned int nth, struct error *err)
{
	char *argv[32] = {
		"--kernel",      w->kernel,   "--aarch32", "-c",
		(char *)w->cpus, "-m",        "32",        "-d",
		w->disk,         "-d",        w->base,     "--serial",
		w->serial,       "--port",    w->port,     "--console",
		"virtio,none",   "--rng",     "--balloon", "--vsock",
		w->vsock,        "--control", w->control,  "--sandbox",
		"none",
	};
	int nr = 25;
	struct run_config cfg;
	enum tl_status status;

	if (w->net) {
		argv[nr++] = "-n";
		argv[nr++] = (char *)w->net;
	}
	if (w->dtb) {
		argv[nr++] = "--machine";
		argv[nr++] = "vexpress-a15";
		argv[nr++] = "--dtb";
		argv[nr++] = w->dtb;
	}
	assert_int_equal(config_parse_run(nr, argv, &cfg, err), 0);
	fake_kvm_play(exits);
	fake_kvm_fail(nth);
	alarm(PATIENCE_S);
	status = machine_run(&cfg, err);
	alarm(0);
	config_free(&cfg);
	return status;
}

int fault_connect(const char *path)
{
	const struct timeval patience = { .tv_sec = 2 };
	const int fd = unix_connect(path);

	if (fd < 0)
		return fd;
	fcntl(fd, F_SETFL, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

void fault_run_well(struct fault_world *w, const struct fake_exit *exits)
{
	struct error err = { 0 };

	if (run(w, exits, 0, &err) != TL_OK)
		fail_msg("status %d, \"%s\"", err.status, err.text);
}

void fault_each(struct fault_world *w, const struct fake_exit *exits,
		void (*before)(struct fault_world *w),
		void (*after)(struct fault_world *w))
{
	unsigned int nth, fds, tasks, refused = 0, gone_on = 0;
	struct error err = { 0 };

	fds = least(FDS);
	tasks = least(TASKS);
	log_set_level(LOG_ERROR);
	for (nth = 1;; nth++) {
		enum tl_status status;

		err = (struct error){ 0 };
		before(w);
		status = run(w, exits, nth, &err);
		after(w);
		if (!fake_kvm_failed())
			break;
		if (status == TL_OK)
			gone_on++;
		else
			refused++;
		if (status != TL_OK && (!err.text[0] || strchr(err.text, '\n')))
			fail_msg("call %u, %s: status %d, \"%s\"", nth,
				 fake_kvm_failed(), status, err.text);
		if (!becomes(FDS, fds) || !becomes(TASKS, tasks))
			fail_msg("call %u, %s: %u descriptors instead of %u, "
				 "%u threads instead of %u, \"%s\"",
				 nth, fake_kvm_failed(), entries(FDS), fds,
				 entries(TASKS), tasks, err.text);
		if (fake_kvm_bad_closes())
			fail_msg("call %u, %s: something is closed that is not "
				 "open, \"%s\"",
				 nth, fake_kvm_failed(), err.text);
		if (leaks())
			fail_msg("call %u, %s leaks, \"%s\"", nth,
				 fake_kvm_failed(), err.text);
	}
	print_message("%u calls failed: %u times there was no VM, %u times "
		      "something else did it\n",
		      nth - 1, refused, gone_on);
	assert_true(refused > 100);
}
