/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A serial console on two descriptors, usually stdin and stdout.
 *
 * Input that is a terminal is put into raw mode, and Ctrl-A is the escape:
 *   Ctrl-A x        quit
 *   Ctrl-A p        press the guest's power key
 *   Ctrl-A a        one Ctrl-A to the guest, as does Ctrl-A Ctrl-A
 * Any other input is passed on unchanged: a pipe, a file, /dev/null, or a
 * descriptor that is not open.  Its end only ends the input.
 */
#ifndef TL_BACKEND_CONSOLE_TTY_H
#define TL_BACKEND_CONSOLE_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/evloop.h"

struct console;

struct console_config {
	int in_fd;
	int out_fd;
	struct evloop *loop;
	/*
	 * Offers @len bytes of input; returns how many were taken.  The rest is
	 * kept and offered again after console_room().  Loop thread.
	 */
	size_t (*input)(void *opaque, const uint8_t *buf, size_t len);
	/* The user asked to quit.  Loop thread. */
	void (*quit)(void *opaque);
	/* The user pressed the power key; may be NULL.  Loop thread. */
	void (*powerdown)(void *opaque);
	void *opaque;
};

/*
 * Set the terminal up and start listening.  At most one console has a terminal.
 * Status TL_CONSOLE.  SIGPIPE must be ignored in the process.
 */
int console_open(const struct console_config *config, struct console **out,
		 struct error *err);

/*
 * Write what the guest sent, at once; waits if the reader is slow.  When there
 * is no reader any more, output is dropped and the guest goes on.  Not by two
 * threads at a time.
 */
void console_write(struct console *console, const uint8_t *buf, size_t len);

/* input() would take some more now.  Any thread. */
void console_room(struct console *console);

/*
 * While set, a console_write() that has to wait gives up as soon as a signal
 * interrupts it: so that a thread stuck in it can be joined.
 */
void console_set_hurry(struct console *console, bool hurry);

/* Restore the terminal.  The descriptors stay open.  NULL is fine. */
void console_close(struct console *console);

/* For a signal handler that ends the process: the terminal as it was. */
void console_restore_terminal(void);

#endif
