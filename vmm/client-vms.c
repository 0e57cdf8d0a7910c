// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-vms.h"
#include "control-socket.h"

void client_vms_free(struct client_vms *vms)
{
	size_t i;

	for (i = 0; i < vms->nr; i++) {
		free(vms->list[i].name);
		free(vms->list[i].path);
	}
	free(vms->list);
}

static bool has_name(const struct client_vms *vms, const char *name)
{
	size_t i;

	for (i = 0; i < vms->nr; i++)
		if (!strcmp(vms->list[i].name, name))
			return true;
	return false;
}

/* Somebody listens there, though perhaps not for us. */
static bool is_live(const char *path)
{
	int fd = unix_connect(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN;
}

static void add_vm(struct client_vms *vms, const char *dir, const char *file)
{
	const size_t suffix = strlen(CONTROL_SOCKET_SUFFIX);
	const size_t len = strlen(file);
	struct client_vm vm, *list;

	if (len <= suffix ||
	    strcmp(file + len - suffix, CONTROL_SOCKET_SUFFIX) != 0)
		return;
	vm.name = strndup(file, len - suffix);
	if (asprintf(&vm.path, "%s/%s", dir, file) < 0)
		vm.path = NULL;
	list = realloc(vms->list, (vms->nr + 1) * sizeof(*list));
	if (list)
		vms->list = list;
	if (!list || !vm.name || !vm.path || has_name(vms, vm.name) ||
	    !is_live(vm.path)) {
		free(vm.name);
		free(vm.path);
		return;
	}
	vms->list[vms->nr++] = vm;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct client_vm *)a)->name,
		      ((const struct client_vm *)b)->name);
}

static bool is_ours(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_uid == geteuid();
}

struct client_vms client_vms_find(void)
{
	char dirs[CONTROL_SOCKET_MAX_DIRS][PATH_MAX];
	const unsigned int nr = control_socket_dirs(dirs);
	struct client_vms vms = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		DIR *dir = opendir(dirs[i]);
		struct dirent *ent;

		/* In /tmp somebody else could have been there first. */
		while (dir && is_ours(dirfd(dir)) && (ent = readdir(dir)))
			add_vm(&vms, dirs[i], ent->d_name);
		if (dir)
			closedir(dir);
	}
	if (vms.nr)
		qsort(vms.list, vms.nr, sizeof(*vms.list), by_name);
	return vms;
}

int client_vms_unknown(const struct client_vms *vms, const char *name,
		       struct error *err)
{
	char names[256] = "";
	size_t i, len = 0;

	for (i = 0; i < vms->nr && len + 80 < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s%.64s", i ? ", " : "",
					vms->list[i].name);
	if (vms->nr)
		error_set(err, TL_NAME, ENOENT,
			  "no virtual machine called '%.70s' is running; there "
			  "is %s%s",
			  name, names, i < vms->nr ? ", ..." : "");
	else
		error_set(err, TL_NAME, ENOENT,
			  "no virtual machine called '%.70s' is running, nor "
			  "any other",
			  name);
	return -ENOENT;
}

int client_vms_open(const struct client_vm *vm, struct client_session *session,
		    struct error *err)
{
	int ret = client_open(vm->path, session, err);

	/* It ended between our looking and our asking. */
	if (ret && !err->text[0])
		error_set(err, TL_NAME, -ret,
			  "virtual machine '%s' has just ended", vm->name);
	snprintf(session->what, sizeof(session->what), "virtual machine '%s'",
		 vm->name);
	return ret;
}
