// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "panic-watch.h"

/* kernel/panic.c.  Its first character does not come again in it, so a failed
 * match can only restart at the character that broke it. */
static const char phrase[] = "Kernel panic - not syncing";

#define PHRASE_LEN (sizeof(phrase) - 1)

enum { SEARCH, COLLECT, DONE };

void panic_watch_init(struct panic_watch *watch)
{
	*watch = (struct panic_watch){ .state = SEARCH };
	pthread_mutex_init(&watch->lock, NULL);
}

void panic_watch_destroy(struct panic_watch *watch)
{
	pthread_mutex_destroy(&watch->lock);
}

static bool expired(const struct panic_watch *watch)
{
	return watch->total - watch->found > PANIC_WATCH_WINDOW;
}

static void search(struct panic_watch *watch, char c)
{
	if (c != phrase[watch->match])
		watch->match = 0;
	if (c == phrase[watch->match])
		watch->match++;
	if (watch->match < PHRASE_LEN)
		return;
	watch->match = 0;
	/* "---[ end Kernel panic" repeats what the first line said. */
	if (watch->state == DONE && !expired(watch))
		return;
	memcpy(watch->text, phrase, PHRASE_LEN);
	watch->len = PHRASE_LEN;
	watch->found = watch->total;
	watch->state = COLLECT;
}

static void collect(struct panic_watch *watch, char c)
{
	if (c == '\r' || c == '\n' || watch->len >= PANIC_WATCH_TEXT - 1) {
		watch->state = DONE;
		return;
	}
	watch->text[watch->len++] = c;
}

void panic_watch_feed(struct panic_watch *watch, const uint8_t *buf, size_t len)
{
	size_t i;

	pthread_mutex_lock(&watch->lock);
	for (i = 0; i < len; i++) {
		const char c = (char)buf[i];

		watch->total++;
		if (watch->state == COLLECT)
			collect(watch, c);
		else
			search(watch, c);
		watch->text[watch->len] = '\0';
	}
	pthread_mutex_unlock(&watch->lock);
}

bool panic_watch_text(struct panic_watch *watch, char *text, size_t size)
{
	bool panicked;

	pthread_mutex_lock(&watch->lock);
	panicked = watch->state != SEARCH && !expired(watch);
	if (panicked)
		snprintf(text, size, "%s", watch->text);
	pthread_mutex_unlock(&watch->lock);
	return panicked;
}
