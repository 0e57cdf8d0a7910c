// SPDX-License-Identifier: GPL-2.0-only
/* The sandbox's root of its own, with namespaces around it. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "sandbox-root.h"
#include "sandbox.h"
#include "sandbox_child.h"

static char place[64];

static bool exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	return !access(path, F_OK);
}

static void make(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, "kernel", 6) != 6)
		_exit(95);
	close(fd);
}

/* In a chroot the root is no mount, and cannot be exchanged; see proc(5). */
static bool in_chroot(void)
{
	char line[512], at[256];
	bool found = false;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");

	assert_non_null(mounts);
	while (!found && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%*d %*d %*s %*s %255s", at) == 1 &&
			!strcmp(at, "/");
	fclose(mounts);
	return !found;
}

static void enter_root(void)
{
	struct sandbox_root root = { .nr = 0 };
	struct error err = { 0 };
	char text[16] = "";
	int fd;

	if (mkdir(place, 0700) || chdir(place) || mkdir("run", 0700))
		_exit(94);
	make("kernel");
	make("other");
	make("run/here");
	fd = open("other", O_RDONLY);
	sandbox_root_add(&root, "kernel");
	sandbox_root_add(&root, "missing");
	sandbox_root_add(&root, "/dev/null");
	sandbox_root_add(&root, NULL);
	sandbox_root_add_parent(&root, "run/socket");
	if (sandbox_root_enter(&root, &err)) {
		dprintf(STDERR_FILENO, "%s\n", err.text);
		/* ENOSPC: the host's limit of namespaces, which can be none */
		_exit(err.errnum == EPERM || err.errnum == EACCES ||
				      err.errnum == ENOSPC
			      ? 77
			      : 1);
	}
	sandbox_root_free(&root);
	/* What was named, at its place, by either kind of path; and no more. */
	if (!exists("kernel") || access("kernel", R_OK) || exists("other") ||
	    exists("missing") || !exists("run/here") ||
	    access("/dev/null", R_OK) || !access("/etc", F_OK) ||
	    !access("/proc/self", F_OK) || !access("/dev/zero", F_OK))
		_exit(2);
	/* A directory is the real one, the root cannot be written to. */
	make("run/socket");
	if (open("new", O_WRONLY | O_CREAT, 0600) >= 0)
		_exit(3);
	/* What is open stays open. */
	if (read(fd, text, sizeof(text)) != 6 || strcmp(text, "kernel"))
		_exit(4);
	/* No way to any network. */
	if (if_nametoindex("lo") != 1 || if_nametoindex("eth0"))
		_exit(5);
}

/* Also that the other half goes with it. */
static void enter_root_and_lock(void)
{
	enter_root();
	if (sandbox_open(SANDBOX_FULL, NULL) || sandbox_lock(false, NULL))
		_exit(6);
	close(open("kernel", O_RDONLY));
	execl("/bin/true", "true", (char *)NULL);
}

static void remove_all(void)
{
	static const char *const names[] = { "run/here", "run/socket", "run",
					     "kernel",   "other",      "" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place, names[i]);
		remove(path);
	}
}

static void test_root(void **state)
{
	char text[1024], path[128];
	int status;

	(void)state;
	snprintf(place, sizeof(place), "/tmp/trapline-root-%d", (int)getpid());
	status = sandbox_child(IN_THE_OPEN, enter_root_and_lock, text,
			       sizeof(text));
	snprintf(path, sizeof(path), "%s/run/socket", place);
	if (status == TL_SANDBOX)
		assert_int_equal(unlink(path), 0);
	remove_all();
	if (status == 77)
		skip(); /* no namespaces for this user */
	if (in_chroot()) {
		assert_int_equal(status, 1);
		assert_non_null(strstr(text, "in a chroot it cannot"));
		skip();
	}
	assert_int_equal(status, TL_SANDBOX);
	assert_non_null(strstr(text, "called execve"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
