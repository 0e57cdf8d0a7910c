// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/file.h"
#include "sandbox-root.h"

/*
 * Where the new root is until it is the root.  On any system there is one of
 * these, and what is below it is reached by descriptors meanwhile.
 */
static const char *const places[] = { "/tmp", "/run", "/mnt" };

#define OWN_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

/* --- what is to be in it ---------------------------------------------------*/

static void add(struct sandbox_root *root, const char *path, size_t len)
{
	char cwd[PATH_MAX] = "";
	char *full = NULL;

	if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
		root->failed = true;
	else if (root->nr == SANDBOX_ROOT_MAX ||
		 asprintf(&full, "%s%s%.*s", cwd, *path == '/' ? "" : "/",
			  (int)len, path) < 0)
		root->failed = true;
	else
		root->path[root->nr++] = full;
}

void sandbox_root_add(struct sandbox_root *root, const char *path)
{
	if (path && !access(path, F_OK))
		add(root, path, strlen(path));
}

void sandbox_root_add_parent(struct sandbox_root *root, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (slash)
		add(root, path, (size_t)(slash - path) + 1);
	else if (path)
		add(root, ".", 1);
}

void sandbox_root_free(struct sandbox_root *root)
{
	while (root->nr)
		free(root->path[--root->nr]);
}

/* --- namespaces ------------------------------------------------------------*/

/* An ordinary user is root in a user namespace, and stays who he is outside. */
static int unshare_as_user(void)
{
	const unsigned int uid = getuid(), gid = getgid();
	char map[64];
	int ret;

	if (unshare(CLONE_NEWUSER | OWN_NAMESPACES))
		return -errno;
	ret = file_put("/proc/self/setgroups", "deny");
	if (ret && ret != -ENOENT)
		return ret;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	ret = file_put("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return ret ? ret : file_put("/proc/self/gid_map", map);
}

/* --- the root --------------------------------------------------------------*/

/* @path below @top, and all directories on the way.  -errno. */
static int make_place(const char *top, const char *path, bool dir)
{
	char full[PATH_MAX];
	char *p;
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", top, path) >=
	    (int)sizeof(full))
		return -ENAMETOOLONG;
	for (p = full + strlen(top) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (mkdir(full, 0755) && errno != EEXIST)
			return -errno;
	}
	/* In a directory that has its place already. */
	if (!access(full, F_OK))
		return 0;
	if (dir)
		return mkdir(full, 0755) && errno != EEXIST ? -errno : 0;
	fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Give @path of the old root, open as @fd, its place. */
static int bind_place(const char *top, const char *path, int fd)
{
	char from[32], to[PATH_MAX];
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	ret = make_place(top, path, S_ISDIR(st.st_mode));
	if (ret)
		return ret;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	snprintf(to, sizeof(to), "%s%s", top, path);
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL) ? -errno : 0;
}

/* The working directory's path, empty unless something named is there. */
static int keep_cwd(const char *top, const char *cwd)
{
	return *cwd ? make_place(top, cwd, true) : 0;
}

static int swap_roots(const char *top)
{
	if (chdir(top))
		return -errno;
	if (!syscall(SYS_pivot_root, ".", "."))
		return umount2(".", MNT_DETACH) ? -errno : 0;
	/* An initramfs cannot be left behind, but can be covered. */
	if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		return -errno;
	return 0;
}

static const char *find_place(void)
{
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!stat(places[i], &st) && S_ISDIR(st.st_mode))
			return places[i];
	return NULL;
}

static int fill_root(const struct sandbox_root *root, const char *top)
{
	int fd[SANDBOX_ROOT_MAX];
	char cwd[PATH_MAX] = "";
	unsigned int i;
	int ret = 0;

	if (!getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	/* Before the new root covers what is below @top. */
	for (i = 0; i < root->nr; i++)
		fd[i] = open(root->path[i], O_PATH | O_CLOEXEC);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("trapline", top, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=755,size=1m"))
		ret = -errno;
	for (i = 0; !ret && i < root->nr; i++)
		if (fd[i] >= 0)
			ret = bind_place(top, root->path[i], fd[i]);
	for (i = 0; i < root->nr; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	if (!ret)
		ret = keep_cwd(top, cwd);
	if (!ret && mount(NULL, top, NULL,
			  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID |
				  MS_NODEV | MS_NOEXEC,
			  NULL))
		ret = -errno;
	if (!ret)
		ret = swap_roots(top);
	if (!ret && *cwd && chdir(cwd))
		ret = -errno;
	return ret;
}

int sandbox_root_enter(const struct sandbox_root *root, struct error *err)
{
	const char *top = find_place();
	int ret;

	if (root->failed || !top)
		return error_set(err, TL_HOST, ENOMEM,
				 "option --sandbox=full: no room for a root of "
				 "its own");
	ret = unshare(OWN_NAMESPACES) ? -errno : 0;
	if (ret == -EPERM)
		ret = unshare_as_user();
	if (ret)
		return error_set(err, TL_HOST, -ret,
				 "option --sandbox=full: this host gives no "
				 "namespaces of its own to this process (%s): "
				 "run as root, allow user namespaces, or use "
				 "--sandbox=seccomp",
				 strerror(-ret));
	ret = fill_root(root, top);
	if (ret)
		return error_set(err, TL_HOST, -ret,
				 "option --sandbox=full: cannot make a root of "
				 "its own: %s%s",
				 strerror(-ret),
				 ret == -EINVAL ? " (in a chroot it cannot be "
						  "done)"
						: "");
	return 0;
}
