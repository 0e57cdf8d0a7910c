// SPDX-License-Identifier: GPL-2.0-only
/*
 * pty ROWS COLUMNS COMMAND...: run COMMAND on a terminal of that size, which gets
 * what comes on standard input and prints to standard output.  Ends with its
 * status.
 */
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy(int from, int to, int *closed)
{
	char text[4096];
	ssize_t n = read(from, text, sizeof(text));

	if (n <= 0 || write(to, text, n) != n)
		*closed = 1;
}

int main(int argc, char **argv)
{
	struct winsize size = { 0 };
	int terminal, status, closed = 0, ended = 0;
	pid_t pid;

	if (argc < 4)
		return 2;
	size.ws_row = (unsigned short)strtoul(argv[1], NULL, 10);
	size.ws_col = (unsigned short)strtoul(argv[2], NULL, 10);
	pid = forkpty(&terminal, NULL, NULL, &size);
	if (!pid) {
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	while (pid > 0 && !closed) {
		struct pollfd fd[] = { { .fd = terminal, .events = POLLIN },
				       { .fd = ended ? -1 : STDIN_FILENO,
					 .events = POLLIN } };

		if (poll(fd, 2, -1) < 0)
			break;
		if (fd[0].revents)
			copy(terminal, STDOUT_FILENO, &closed);
		if (fd[1].revents)
			copy(STDIN_FILENO, terminal, &ended);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}
