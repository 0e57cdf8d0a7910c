/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recognizes a Linux panic in what a guest prints.  A panicking Linux with
 * panic=-1 asks for a reset like any reboot; only its console tells them apart.
 */
#ifndef TL_PANIC_WATCH_H
#define TL_PANIC_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The panic is followed by register dumps and call traces, of other cores too,
 * before the reset; anything older was not the end of this guest.
 */
#define PANIC_WATCH_WINDOW 16384 /* bytes of output */
#define PANIC_WATCH_TEXT   160

/*
 * Fed by any thread: a guest has two ways to its virtio console, and each is
 * another thread's.
 */
struct panic_watch {
	pthread_mutex_t lock;
	uint64_t total;     /* bytes seen */
	uint64_t found;     /* the first match's end in @total, 0 for none */
	unsigned int match; /* bytes of the phrase seen so far */
	unsigned int len;   /* of text */
	char text[PANIC_WATCH_TEXT];
	unsigned char state; /* searching, collecting the line, done */
};

void panic_watch_init(struct panic_watch *watch);
void panic_watch_destroy(struct panic_watch *watch);

void panic_watch_feed(struct panic_watch *watch, const uint8_t *buf,
		      size_t len);

/*
 * The panic's line from "Kernel panic" on, if it began in the last
 * PANIC_WATCH_WINDOW bytes: true, and it is in @text, which has @size bytes.
 */
bool panic_watch_text(struct panic_watch *watch, char *text, size_t size);

#endif
