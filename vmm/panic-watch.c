// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <string.h>

#include "panic-watch.h"

/* kernel/panic.c.  Its first character does not come again in it, so a failed
 * match can only restart at the character that broke it. */
static const char phrase[] = "Kernel panic - not syncing";

#define PHRASE_LEN (sizeof(phrase) - 1)

enum { SEARCH, COLLECT, DONE };

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
	if (c == '\r' || c == '\n' || watch->len == PANIC_WATCH_TEXT - 1) {
		watch->state = DONE;
		return;
	}
	watch->text[watch->len++] = c;
}

void panic_watch_feed(struct panic_watch *watch, const uint8_t *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		const char c = (char)buf[i];

		watch->total++;
		if (watch->state == COLLECT)
			collect(watch, c);
		else
			search(watch, c);
		watch->text[watch->len] = '\0';
	}
}

const char *panic_watch_text(const struct panic_watch *watch)
{
	if (watch->state == SEARCH || expired(watch))
		return NULL;
	return watch->text;
}
