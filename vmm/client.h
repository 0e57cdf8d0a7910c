/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of the control socket: `trapline list`, `trapline stop NAME`
 * and their like.
 */
#ifndef TL_CLIENT_H
#define TL_CLIENT_H

#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/error.h"
#include "qmp.h"

/* --- a conversation --------------------------------------------------------*/

struct client_session {
	int fd;
	pid_t pid; /* of the VM's process, as the kernel knows it */
	struct qmp_reader in;
	char what[300]; /* the VM or path, for messages */
};

/*
 * Connect to the socket at @path and negotiate.  -ECONNREFUSED or -ENOENT, with
 * @err empty: nobody listens.  Anything else fills @err (TL_FAIL).  Waits a few
 * seconds for each answer, no longer.
 */
int client_open(const char *path, struct client_session *session,
		struct error *err);

/*
 * Execute @command with @args, an object that is taken over, or NULL.  What it
 * returned, or NULL with @err, TL_FAIL.
 */
json_t *client_execute(struct client_session *session, const char *command,
		       json_t *args, struct error *err);

/* Wait until the other side hangs up; -ETIMEDOUT after @seconds. */
int client_wait_end(struct client_session *session, unsigned int seconds);

void client_close(struct client_session *session);

/* --- subcommands -----------------------------------------------------------*/

/*
 * Run subcommand @argv[0] (list, stop, pause, resume, reset, powerdown, balloon
 * or stat) and print to @out.  TL_NAME for a VM that does not run.
 */
enum tl_status client_run(int argc, char **argv, FILE *out, struct error *err);

#endif
