// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record-domain.h"

#define HELPER "trapline-libvirt"

/* What the helper tells. */
struct answer {
	char name[64];
	char state[32];
};

/* --- asking libvirt --------------------------------------------------------*/

static _Noreturn void run_helper(int out, const char *domain)
{
	char path[PATH_MAX] = "";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);
	char *slash;

	dup2(out, STDOUT_FILENO);
	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		memcpy(slash + 1, HELPER, sizeof(HELPER));
		execl(path, HELPER, domain, (char *)NULL);
	}
	execlp(HELPER, HELPER, domain, (char *)NULL);
	_exit(TL_HOST);
}

static void take_line(struct answer *answer, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "name ", 5))
		snprintf(answer->name, sizeof(answer->name), "%.63s", line + 5);
	else if (!strncmp(line, "state ", 6))
		snprintf(answer->state, sizeof(answer->state), "%.31s",
			 line + 6);
}

/* TL_OK, TL_NAME, or anything else: it could not be asked. */
static int ask_libvirt(const char *domain, struct answer *answer)
{
	char line[256];
	int fd[2], status;
	FILE *in;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return TL_HOST;
	pid = fork();
	if (!pid) {
		/* whether libvirt is there or not matters to nobody */
		if (!freopen("/dev/null", "w", stderr))
			_exit(TL_HOST);
		run_helper(fd[1], domain);
	}
	close(fd[1]);
	in = fdopen(fd[0], "r");
	while (in && fgets(line, sizeof(line), in))
		take_line(answer, line);
	if (in)
		fclose(in);
	else
		close(fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return TL_HOST;
	return WEXITSTATUS(status);
}

/* --- libvirt's files -------------------------------------------------------*/

static pid_t read_pid(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[32];
	long pid = 0;

	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file))
		pid = strtol(line, NULL, 10);
	fclose(file);
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* "<vcpu id='0' pid='4711'/>" of the domain's state, as libvirt writes it. */
static void read_threads(struct record_target *target, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	unsigned int id;
	int tid;

	while (file && fgets(line, sizeof(line), file)) {
		const char *at = strstr(line, "<vcpu id='");

		if (at && sscanf(at, "<vcpu id='%u' pid='%d'", &id, &tid) == 2)
			record_target_add(target, id, (pid_t)tid);
	}
	if (file)
		fclose(file);
}

static bool find_files(struct record_target *target, const char *dir,
		       const char *name, int *ret, struct error *err)
{
	char path[PATH_MAX];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s.pid", dir, name);
	pid = read_pid(path);
	if (!pid)
		return false;
	snprintf(target->name, sizeof(target->name), "%s", name);
	*ret = record_target_pid(target, pid, err);
	snprintf(path, sizeof(path), "%s/%s.xml", dir, name);
	if (!*ret)
		read_threads(target, path);
	return true;
}

int record_domain_find(struct record_target *target, const char *domain,
		       const char *run, struct error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct answer answer = { 0 };
	char dir[PATH_MAX];
	int ret, asked;

	if (!*domain || strchr(domain, '/'))
		return error_set(err, TL_USAGE, EINVAL,
				 "--domain %s: not the name of a domain",
				 domain);
	asked = ask_libvirt(domain, &answer);
	if (asked == TL_NAME)
		return error_set(err, TL_NAME, ENOENT,
				 "libvirt has no domain '%s'", domain);
	if (asked || !answer.name[0] || strchr(answer.name, '/'))
		snprintf(answer.name, sizeof(answer.name), "%s", domain);
	snprintf(dir, sizeof(dir), "%s/run/libvirt/qemu", run);
	if (find_files(target, dir, answer.name, &ret, err))
		return ret;
	snprintf(dir, sizeof(dir), "%s/libvirt/qemu/run",
		 runtime ? runtime : "");
	if (runtime && find_files(target, dir, answer.name, &ret, err))
		return ret;
	if (!asked && answer.state[0])
		return error_set(err, TL_NAME, ESRCH,
				 "libvirt domain %s is %s: no process of its "
				 "is known",
				 answer.name, answer.state);
	return error_set(err, TL_NAME, ENOENT,
			 "no libvirt domain %s runs here "
			 "(%s/run/libvirt/qemu/%s.pid)",
			 domain, run, domain);
}
