// SPDX-License-Identifier: GPL-2.0-only
/* Output into a file, a FIFO or a device. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/chardev-impl.h"

static void file_close(struct chardev *dev)
{
	chardev_fd_drop((struct chardev_fd *)dev);
	chardev_fini(dev);
	free(dev);
}

static const struct chardev_ops file_ops = {
	.write = chardev_fd_write,
	.wake = chardev_fd_wake,
	.close = file_close,
};

static int refuse(const struct chardev_request *req, int errnum,
		  struct error *err)
{
	return error_set(
		err, TL_CONSOLE, errnum, "%s: %s: %s", req->what, req->arg,
		errnum == ENXIO ? "nobody reads this FIFO" : strerror(errnum));
}

int chardev_open_file(const struct chardev_request *req, struct chardev **out,
		      struct error *err)
{
	struct chardev_fd *cfd;
	int fd, ret;

	/* Appended to: an earlier guest's log is not ours to destroy. */
	fd = open(req->arg,
		  O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY |
			  O_CLOEXEC,
		  0666);
	if (fd < 0)
		return refuse(req, errno, err);
	cfd = calloc(1, sizeof(*cfd));
	if (!cfd) {
		ret = refuse(req, ENOMEM, err);
		goto close_fd;
	}
	cfd->fd = -1;
	cfd->out_only = true;
	ret = chardev_init(&cfd->dev, &file_ops, req->what, req->arg, req->loop,
			   err);
	if (ret)
		goto free_cfd;
	ret = chardev_fd_take(cfd, fd, err);
	if (ret)
		goto fini;
	*out = &cfd->dev;
	return 0;

fini:
	chardev_fini(&cfd->dev);
free_cfd:
	free(cfd);
close_fd:
	close(fd);
	return ret;
}
