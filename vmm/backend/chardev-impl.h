/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Behind chardev.h: what a kind of back end is made of.  chardev.c has what all
 * kinds share, chardev-fd.c what those have that move bytes through one
 * non-blocking descriptor.
 */
#ifndef TL_BACKEND_CHARDEV_IMPL_H
#define TL_BACKEND_CHARDEV_IMPL_H

#include <pthread.h>

#include "backend/chardev.h"
#include "lib/evloop.h"

struct chardev_ops {
	/* As chardev_write(); dev->lock is held. */
	size_t (*write)(struct chardev *dev, const uint8_t *buf, size_t len);
	/*
	 * The front end has room, or a write came short: look after both.  May
	 * come without a reason.  Loop thread, without the lock.
	 */
	void (*wake)(struct chardev *dev);
	/* Or NULL. */
	bool (*size)(struct chardev *dev, uint16_t *columns, uint16_t *rows);
	void (*close)(struct chardev *dev); /* frees @dev as well */
};

struct chardev {
	const struct chardev_ops *ops;
	char name[64]; /* for messages: "serial port (pty)" */
	struct evloop *loop;
	struct chardev_front front; /* loop thread */
	int wake_fd;
	pthread_mutex_t lock;   /* the far end's descriptor, and what follows */
	pthread_cond_t changed; /* full or hurry */
	bool full;              /* a write came short */
	bool hurry;
	bool is_connected;
};

/* Fill @dev, which ops->close() will free. */
int chardev_init(struct chardev *dev, const struct chardev_ops *ops,
		 const char *what, const char *kind, struct evloop *loop,
		 struct error *err);
void chardev_fini(struct chardev *dev);

/* Loop thread, without the lock. */
size_t chardev_offer(struct chardev *dev, const uint8_t *buf, size_t len);
void chardev_writable(struct chardev *dev);
void chardev_set_connected(struct chardev *dev, bool connected);

/* --- one descriptor (chardev-fd.c) ----------------------------------------- */

#define CHARDEV_FD_BUF 4096

struct chardev_fd {
	struct chardev dev; /* first: the two are cast */
	int fd;             /* -1: nobody there; changed under dev.lock */
	bool polled;        /* it is in the event loop, */
	uint32_t events;    /* which waits for these */
	bool out_only;
	bool out_waits; /* under dev.lock: a write came short */
	bool complained;
	/*
	 * The far end is gone: chardev_fd_rest() or chardev_fd_drop() is due.
	 * NULL: drop.
	 */
	void (*hangup)(struct chardev_fd *cfd);
	size_t start; /* input read and not yet taken: buf[start..end-1] */
	size_t end;
	uint8_t buf[CHARDEV_FD_BUF];
};

/* Begin to use @fd, non-blocking, from here on ours.  Loop thread. */
int chardev_fd_take(struct chardev_fd *cfd, int fd, struct error *err);
/* Do not listen to it for now, until it is taken once more.  Loop thread. */
void chardev_fd_rest(struct chardev_fd *cfd);
/* Stop using it and close it; input that was read stays.  Loop thread. */
void chardev_fd_drop(struct chardev_fd *cfd);

/* For struct chardev_ops. */
size_t chardev_fd_write(struct chardev *dev, const uint8_t *buf, size_t len);
void chardev_fd_wake(struct chardev *dev);

/* --- the kinds ------------------------------------------------------------- */

/* @arg is what follows the colon, NULL without one. */
struct chardev_request {
	const char *what;
	const char *arg;
	struct evloop *loop;
	const struct chardev_keys *keys;
};

int chardev_open_tty(const struct chardev_request *req, struct chardev **out,
		     struct error *err);
int chardev_open_pty(const struct chardev_request *req, struct chardev **out,
		     struct error *err);
int chardev_open_file(const struct chardev_request *req, struct chardev **out,
		      struct error *err);
int chardev_open_unix(const struct chardev_request *req, struct chardev **out,
		      struct error *err);
int chardev_open_unix_connect(const struct chardev_request *req,
			      struct chardev **out, struct error *err);

#endif
