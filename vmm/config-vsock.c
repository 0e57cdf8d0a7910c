// SPDX-License-Identifier: GPL-2.0-only
#include "config-vsock.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vsock-uds.h"
#include "virtio/vsock.h"

static int bad_cid(const char *text, struct error *err)
{
	return error_set(err, TL_USAGE, EINVAL,
			 "option --vsock: '%.40s' is no CID for a guest: %d to "
			 "%u",
			 text, VIRTIO_VSOCK_CID_MIN, VIRTIO_VSOCK_CID_MAX);
}

static int parse_cid(const char *text, uint32_t *cid, struct error *err)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return bad_cid(text, err);
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || n < VIRTIO_VSOCK_CID_MIN ||
	    n > VIRTIO_VSOCK_CID_MAX)
		return bad_cid(text, err);
	*cid = (uint32_t)n;
	return 0;
}

static int parse_uds(const char *path, struct error *err)
{
	const size_t len = strlen(path);

	if (len && len <= vsock_uds_path_max)
		return 0;
	return error_set(err, TL_USAGE, EINVAL,
			 "option --vsock: uds=%.120s: the path of a socket has "
			 "1 to %u bytes here, \"_PORT\" comes behind it",
			 path, vsock_uds_path_max);
}

int config_vsock_parse(char *text, struct config_vsock *vsock,
		       struct error *err)
{
	struct config_vsock got = { 0 };
	int vhost = 0, ret = 0;
	char *key = text, *next;

	for (; !ret && key; key = next) {
		next = NULL;
		if (!strncmp(key, "uds=", 4)) {
			got.uds = key + 4;
			ret = parse_uds(got.uds, err);
			continue;
		}
		next = strchr(key, ',');
		if (next)
			*next++ = '\0';
		if (!strcmp(key, "vhost"))
			vhost = 1;
		else if (!strncmp(key, "cid=", 4))
			ret = parse_cid(key + 4, &got.cid, err);
		else if (isdigit((unsigned char)*key))
			ret = parse_cid(key, &got.cid, err);
		else
			ret = error_set(err, TL_USAGE, EINVAL,
					"option --vsock: '%.40s' is none of "
					"cid=N, uds=PATH and vhost",
					key);
	}
	if (ret)
		return ret;
	if (!got.cid)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --vsock: the guest needs a number: "
				 "cid=N, %d or more",
				 VIRTIO_VSOCK_CID_MIN);
	if (vhost && got.uds)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --vsock: uds=%.100s is served by "
				 "trapline, vhost by the kernel: give one",
				 got.uds);
	*vsock = got;
	return 0;
}
