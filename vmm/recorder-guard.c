// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder-guard.h"

static void default_signals(void)
{
	const int defaults[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction sa = { .sa_handler = SIG_DFL };
	size_t i;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		sigaction(defaults[i], &sa, NULL);
}

/* A VM that we hold on to would live as long as the recording takes to end. */
static void close_others(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		const long fd = strtol(entry->d_name, NULL, 10);

		if (fd > STDERR_FILENO && fd != dirfd(dir))
			close((int)fd);
	}
	closedir(dir);
}

static _Noreturn void run_program(const struct recorder_guard *guard)
{
	static const char sorry[] = "cannot be executed\n";
	sigset_t none;

	default_signals();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* If somebody kills the guard, too. */
	prctl(PR_SET_PDEATHSIG, SIGINT);
	execv(guard->program, guard->argv);
	if (write(STDERR_FILENO, sorry, sizeof(sorry) - 1) < 0)
		_exit(126);
	_exit(127);
}

/* The program's wait status. */
static int watch(pid_t program, const sigset_t *signals)
{
	int status;

	for (;;) {
		if (waitpid(program, &status, WNOHANG) == program)
			return status;
		switch (sigwaitinfo(signals, NULL)) {
		case SIGINT:
		case SIGTERM:
			kill(program, SIGINT);
			break;
		default: /* SIGCHLD; EINTR */
			break;
		}
	}
}

static _Noreturn void run_guard(const struct recorder_guard *guard,
				const sigset_t *signals, pid_t parent)
{
	const int null = open("/dev/null", O_RDWR);
	pid_t program;
	int status;

	/* Else a Ctrl-C at the terminal would end the record before the guest. */
	setpgid(0, 0);
	prctl(PR_SET_NAME, "trapline-guard");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(guard->stderr_fd, STDERR_FILENO);
	close_others();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	program = fork();
	if (!program)
		run_program(guard);
	if (program < 0)
		_exit(126);
	status = watch(program, signals);
	guard->sweep(guard->opaque);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

pid_t recorder_guard_start(const struct recorder_guard *guard)
{
	const pid_t parent = getpid();
	sigset_t signals, before;
	pid_t pid;

	/* They wait until they are asked for. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	if (!pid)
		run_guard(guard, &signals, parent);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* Now, or a signal to the group might come too early. */
	if (pid > 0)
		setpgid(pid, pid);
	return pid;
}
