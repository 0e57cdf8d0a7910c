/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a serial device talks to: a stream of bytes both ways, with flow control
 * both ways, so that nothing is lost between guest and host.
 *
 *   front end                          back end (a file beside this one)
 *   PL011, virtio-console  <- input -  terminal, pty, file, unix socket
 *   vCPU thread, worker    - write ->  event loop's thread
 *
 * A chardev lives as long as the session; front ends come and go with each boot.
 * While nobody is at the far end of a socket or pty, what is written is dropped.
 */
#ifndef TL_BACKEND_CHARDEV_H
#define TL_BACKEND_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

struct chardev;
struct evloop;

/* Who is at the guest's end.  All are called on the loop's thread. */
struct chardev_front {
	/*
	 * Offers @len bytes of input; returns how many were taken.  The rest is
	 * kept and offered again after chardev_room().
	 */
	size_t (*input)(void *opaque, const uint8_t *buf, size_t len);
	/* After a chardev_write() that took less than it was given.  Or NULL. */
	void (*writable)(void *opaque);
	/* Someone came to the far end, or went.  Or NULL. */
	void (*connected)(void *opaque, bool connected);
	/* The terminal has another size.  Or NULL. */
	void (*resized)(void *opaque, uint16_t columns, uint16_t rows);
	void *opaque;
};

/* --- for front ends -------------------------------------------------------- */

/*
 * Make @front the one that gets input; from now on or, with NULL, nobody does.
 * It is first called from the event loop, not from here.  Loop thread.
 */
void chardev_attach(struct chardev *dev, const struct chardev_front *front);

/*
 * Take what fits now of @len bytes of output; returns how many.  If that is
 * less, writable() follows.  Any thread.
 */
size_t chardev_write(struct chardev *dev, const uint8_t *buf, size_t len);

/*
 * The same, but wait until all is taken: for a front end that cannot keep what
 * is left.  Gives up while chardev_set_hurry() is on.  Any thread but the
 * loop's.
 */
void chardev_write_all(struct chardev *dev, const uint8_t *buf, size_t len);

/* input() would take some more now.  Any thread. */
void chardev_room(struct chardev *dev);

/* Someone is at the far end.  Any thread. */
bool chardev_connected(struct chardev *dev);

/* Size of the terminal behind it; false if there is none.  Any thread. */
bool chardev_size(struct chardev *dev, uint16_t *columns, uint16_t *rows);

/* --- for the machine ------------------------------------------------------- */

/* What WHERE may be, for messages: "tty, pty[:LINK], ..." */
extern const char chardev_kinds[];

/* NULL if @where can be opened by its spelling, or what is wrong with it. */
const char *chardev_check(const char *where);

/* @where names the process's own terminal. */
bool chardev_is_tty(const char *where);

/* What the keys behind Ctrl-A do.  Loop thread. */
struct chardev_keys {
	void (*quit)(void *opaque);
	void (*powerdown)(void *opaque);
	void *opaque;
};

/*
 * Open @where:
 *   tty                standard input and output
 *   pty[:LINK]         a new pseudo-terminal, LINK made to point to it
 *   file:PATH          output only, appended
 *   unix:PATH          wait there for one client after the other
 *   unix-connect:PATH  connect to a server
 *   none               output is dropped
 * @what ("serial port") is for messages, @keys for tty.  Status TL_CONSOLE.
 * SIGPIPE must be ignored in the process.  Loop thread.
 */
int chardev_open(const char *where, const char *what, struct evloop *loop,
		 const struct chardev_keys *keys, struct chardev **out,
		 struct error *err);

/* While set, no chardev_write_all() waits.  Any thread. */
void chardev_set_hurry(struct chardev *dev, bool hurry);

/* NULL is fine.  The front end has been detached.  Loop thread. */
void chardev_close(struct chardev *dev);

#endif
