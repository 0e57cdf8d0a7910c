/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of the user's VMs run, by their control sockets. */
#ifndef TL_CLIENT_VMS_H
#define TL_CLIENT_VMS_H

#include <stddef.h>

#include "client.h"
#include "lib/error.h"

struct client_vm {
	char *name;
	char *path; /* of its socket */
};

struct client_vms {
	struct client_vm *list; /* by name */
	size_t nr;
};

/* All that listen now, be they able to answer or not. */
struct client_vms client_vms_find(void);
void client_vms_free(struct client_vms *vms);

/* -ENOENT with TL_NAME: @name is not among @vms, whose names it tells. */
int client_vms_unknown(const struct client_vms *vms, const char *name,
		       struct error *err);

/* client_open(), with TL_NAME if @vm has ended meanwhile. */
int client_vms_open(const struct client_vm *vm, struct client_session *session,
		    struct error *err);

#endif
