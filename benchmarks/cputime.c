// SPDX-License-Identifier: GPL-2.0-only
/*
 * cputime FILE COMMAND...: run COMMAND and write the processor time that all of
 * its threads used, in nanoseconds, to FILE.  In a host that counts instructions
 * instead of time, that is the number of instructions, the guest's included.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec used;
	siginfo_t info;
	clockid_t clock;
	FILE *out;
	pid_t pid;

	if (argc < 3)
		return 2;
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	/* The clock is there as long as the process has not been reaped. */
	if (pid < 0 || waitid(P_PID, pid, &info, WEXITED | WNOWAIT) ||
	    clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return 125;
	out = fopen(argv[1], "w");
	if (!out ||
	    fprintf(out, "%lld\n", used.tv_sec * 1000000000LL + used.tv_nsec) <
		    0 ||
	    fclose(out))
		return 125;
	return info.si_code == CLD_EXITED ? info.si_status : 126;
}
