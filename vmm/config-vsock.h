/* SPDX-License-Identifier: GPL-2.0-only */
/* The value of --vsock. */
#ifndef TL_CONFIG_VSOCK_H
#define TL_CONFIG_VSOCK_H

#include <stdint.h>

#include "lib/error.h"

struct config_vsock {
	uint32_t cid;    /* the guest's; 0: no such device */
	const char *uds; /* where its ports are; NULL: vhost-vsock */
};

/*
 * Parse "cid=N[,uds=PATH|,vhost]"; a bare number is a CID, as lkvm has it.
 * @text is cut into pieces.  PATH is the rest, commas and all.  On error
 * -EINVAL with status TL_USAGE.  Nothing is opened.
 */
int config_vsock_parse(char *text, struct config_vsock *vsock,
		       struct error *err);

#endif
