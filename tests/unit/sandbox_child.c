// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/thread.h"
#include "lib/worker.h"
#include "sandbox.h"
#include "sandbox_child.h"

#define PATIENCE_S 20

static void (*act)(void);
pid_t sandbox_parent;

static void worker_ready(void *opaque, unsigned int index)
{
	(void)opaque;
	(void)index;
	act();
	_exit(0);
}

/* The kind that VMs have, with all signals blocked. */
static void act_in_worker(void)
{
	const int fd = eventfd(1, EFD_NONBLOCK);
	const struct worker_config config = {
		.name = "test",
		.fds = &fd,
		.nr_fds = 1,
		.ready = worker_ready,
	};
	struct worker *worker;

	if (worker_new(&config, &worker, NULL))
		_exit(99);
	worker_resume(worker);
	for (;;)
		sleep(1);
}

static void *vcpu_thread(void *opaque)
{
	thread_enter(THREAD_VCPU);
	act();
	_exit(0);
	return opaque;
}

void sandbox_run(enum place place, void (*fn)(void))
{
	pthread_t thread;

	act = fn;
	if (place == IN_THE_OPEN) {
		act();
		_exit(0);
	}
	if (sandbox_open(SANDBOX_SECCOMP, NULL))
		_exit(98);
	if (place == IN_MAIN_THREAD || place == IN_A_PARENT) {
		if (sandbox_lock(place == IN_A_PARENT, NULL))
			_exit(97);
		act();
		_exit(0);
	}
	if (place == IN_LATER_WORKER && sandbox_lock(false, NULL))
		_exit(97);
	if (place == IN_WORKER_THREAD || place == IN_LATER_WORKER)
		act_in_worker();
	if (thread_start(&thread, vcpu_thread, NULL))
		_exit(96);
	for (;;)
		sleep(1);
}

int sandbox_child(enum place place, void (*fn)(void), char *text, size_t size)
{
	int fd[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		alarm(PATIENCE_S);
		sandbox_parent = getppid();
		sandbox_run(place, fn);
	}
	close(fd[1]);
	while (len < size - 1 &&
	       (n = read(fd[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void sandbox_allowed(enum place place, void (*fn)(void))
{
	char text[1024];

	assert_int_equal(sandbox_child(place, fn, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

void sandbox_forbidden(enum place place, void (*fn)(void), const char *says)
{
	char text[1024], want[256];

	assert_int_equal(sandbox_child(place, fn, text, sizeof(text)),
			 TL_SANDBOX);
	snprintf(want, sizeof(want),
		 "trapline: error: the sandbox ended the VM: %s; ", says);
	assert_memory_equal(text, want, strlen(want));
	/* One line. */
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}
