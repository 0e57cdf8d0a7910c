// SPDX-License-Identifier: GPL-2.0-only
/*
 * group [-p] [-t SECONDS] [-h HOOK] LOG COMMAND...: run COMMANDs side by side,
 * each by sh, and start what they measure at the same moment.  With -p each is on
 * a terminal of its own: some VMMs take a guest's input from nothing else.
 *
 * A member that prints "@ready NAME" waits for a line on its standard input.
 * Once all that still run have, HOOK is run as "HOOK ready NAME", with their
 * process IDs in $MEMBERS, and each gets its line.  When all have printed "@end",
 * HOOK is run as "HOOK end NAME".  LOG gets a line of words for each event: the
 * host's monotonic clock in microseconds, the member from 0 on, and
 *
 *   started                     it was
 *   line TEXT                   it printed a line that begins with "@"
 *   go NAME                     it was given its line
 *   ended STATUS USER SYS RSS   it ended; microseconds, KiB
 *
 * What else members print goes to LOG.N.  The status is 1 if one failed, 124
 * if they were ended because of -t.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MAX_MEMBERS = 64, LINE = 4096 };

enum state { RUNS, READY, BUSY, ENDED };

struct member {
	pid_t pid;
	int in, out; /* our ends, one with -p; out is -1 at its end */
	FILE *log;
	enum state state;
	char line[LINE];
	size_t used;
};

static struct member members[MAX_MEMBERS];
static int nr_members;
static FILE *events;
static const char *hook;
static bool on_terminals;
static char waited[64];  /* the benchmark that members are ready for */
static char running[64]; /* the one that they were let go for */

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static void event(int i, const char *what, const char *text)
{
	fprintf(events, "%lld %d %s %s\n", (long long)now_us(), i, what, text);
}

/* Our end of a terminal that changes no byte, and a member's, as pipes' ends. */
static bool terminal(int in[2], int out[2])
{
	int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), theirs;
	struct termios raw;

	if (ours < 0 || grantpt(ours) || unlockpt(ours))
		return false;
	theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (theirs < 0 || tcgetattr(theirs, &raw))
		return false;
	cfmakeraw(&raw);
	in[0] = theirs;
	out[1] = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
	in[1] = out[0] = ours;
	return out[1] >= 0 && !tcsetattr(theirs, TCSANOW, &raw);
}

static bool start(int i, const char *log, const char *command)
{
	struct member *m = &members[i];
	char path[1024];
	int in[2], out[2];

	snprintf(path, sizeof(path), "%s.%d", log, i);
	m->log = fopen(path, "we");
	if (!m->log)
		return false;
	if (on_terminals ? !terminal(in, out)
			 : pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return false;
	m->pid = fork();
	if (m->pid < 0)
		return false;
	if (m->pid == 0) {
		/* A group of its own, so that all of it can be ended. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	setpgid(m->pid, m->pid);
	close(in[0]);
	close(out[1]);
	m->in = in[1];
	m->out = out[0];
	event(i, "started", "");
	return true;
}

static void run_hook(const char *when)
{
	char pids[MAX_MEMBERS * 12] = "";
	size_t len;
	pid_t pid;
	int i;

	if (!hook)
		return;
	for (i = 0; i < nr_members; i++) {
		len = strlen(pids);
		snprintf(pids + len, sizeof(pids) - len, "%d ",
			 (int)members[i].pid);
	}
	setenv("MEMBERS", pids, 1);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", hook, when, running, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* All that still run are in state @from: on to @to. */
static bool together(enum state from, enum state to)
{
	int i, n = 0;

	for (i = 0; i < nr_members; i++)
		if (members[i].state == from)
			n++;
		else if (members[i].state != ENDED)
			return false;
	if (!n)
		return false;
	for (i = 0; i < nr_members; i++)
		if (members[i].state == from)
			members[i].state = to;
	return true;
}

static void barrier(void)
{
	int i;

	if (!together(READY, BUSY))
		return;
	memcpy(running, waited, sizeof(running));
	run_hook("ready");
	for (i = 0; i < nr_members; i++)
		if (members[i].state == BUSY) {
			event(i, "go", running);
			if (write(members[i].in, "\n", 1) < 0)
				members[i].state = ENDED;
		}
}

static void got_line(int i, char *text)
{
	struct member *m = &members[i];
	char *mark = strchr(text, '@');

	text[strcspn(text, "\r")] = '\0';
	fprintf(m->log, "%s\n", text);
	if (!mark || (strncmp(mark, "@ready ", 7) && strncmp(mark, "@end ", 5)))
		return;
	event(i, "line", mark);
	if (mark[1] == 'r') {
		snprintf(waited, sizeof(waited), "%s", mark + 7);
		m->state = READY;
		barrier();
	} else if (m->state == BUSY) {
		m->state = RUNS;
		for (i = 0; i < nr_members; i++)
			if (members[i].state == BUSY)
				return;
		run_hook("end");
	}
}

static void reap(int i)
{
	struct member *m = &members[i];
	struct rusage usage = { 0 };
	char text[128];
	int status = -1;

	wait4(m->pid, &status, 0, &usage);
	m->pid = 0;
	m->state = ENDED;
	close(m->out);
	m->out = -1;
	snprintf(text, sizeof(text), "%d %lld %lld %ld",
		 WIFEXITED(status) ? WEXITSTATUS(status)
				   : 128 + WTERMSIG(status),
		 usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec,
		 usage.ru_stime.tv_sec * 1000000LL + usage.ru_stime.tv_usec,
		 usage.ru_maxrss);
	event(i, "ended", text);
	barrier();
}

static void get(int i)
{
	struct member *m = &members[i];
	char *newline;
	ssize_t n;

	n = read(m->out, m->line + m->used, LINE - 1 - m->used);
	if (n <= 0) {
		reap(i);
		return;
	}
	m->used += (size_t)n;
	m->line[m->used] = '\0';
	while ((newline = memchr(m->line, '\n', m->used))) {
		size_t len = (size_t)(newline + 1 - m->line);

		*newline = '\0';
		got_line(i, m->line);
		m->used -= len;
		memmove(m->line, m->line + len, m->used + 1);
	}
	/* A line that long has nothing for us. */
	if (m->used == LINE - 1)
		m->used = 0;
}

/* Until none is left; false after @end, of the host's clock. */
static bool serve(int64_t end)
{
	struct pollfd fds[MAX_MEMBERS];
	int i, left;

	for (;;) {
		int64_t wait = end - now_us();

		left = 0;
		for (i = 0; i < nr_members; i++) {
			fds[i] = (struct pollfd){ members[i].out, POLLIN, 0 };
			left += members[i].out >= 0;
		}
		if (!left)
			return true;
		if (wait <= 0)
			return false;
		if (poll(fds, (nfds_t)nr_members, (int)(wait / 1000) + 1) < 0 &&
		    errno != EINTR)
			return false;
		for (i = 0; i < nr_members; i++)
			if (fds[i].revents && members[i].out >= 0)
				get(i);
		fflush(events);
	}
}

int main(int argc, char **argv)
{
	int64_t limit = 86400;
	const char *log;
	int opt, i, status = 0;

	while ((opt = getopt(argc, argv, "+pt:h:")) > 0)
		if (opt == 'p')
			on_terminals = true;
		else if (opt == 't')
			limit = strtol(optarg, NULL, 10);
		else if (opt == 'h')
			hook = optarg;
		else
			return 2;
	if (argc - optind < 2 || argc - optind - 1 > MAX_MEMBERS || limit < 1) {
		fprintf(stderr, "usage: group [-p] [-t SECONDS] [-h HOOK] "
				"LOG COMMAND...\n");
		return 2;
	}
	log = argv[optind++];
	events = fopen(log, "we");
	if (!events) {
		fprintf(stderr, "group: %s: %s\n", log, strerror(errno));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	for (; optind < argc; optind++)
		if (start(nr_members, log, argv[optind]))
			nr_members++;
		else
			status = 1;
	if (!serve(now_us() + limit * 1000000)) {
		for (i = 0; i < nr_members; i++)
			if (members[i].pid) {
				kill(-members[i].pid, SIGKILL);
				reap(i);
			}
		status = 124;
	}
	for (i = 0; i < nr_members; i++)
		fclose(members[i].log);
	fclose(events);
	return status;
}
