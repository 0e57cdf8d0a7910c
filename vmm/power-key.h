/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The board's power key: a push button on a GPIO line.  A guest takes it as the
 * wish to shut down (Linux: gpio-keys, KEY_POWER, and what listens to it).
 */
#ifndef TL_POWER_KEY_H
#define TL_POWER_KEY_H

#include "lib/error.h"

struct evloop;
struct pl061;
struct power_key;

/* How long it is held down. */
#define POWER_KEY_MS 100

/* Input @line of @gpio, which outlives the key.  Loop thread. */
int power_key_new(struct evloop *loop, struct pl061 *gpio, unsigned int line,
		  struct power_key **out, struct error *err);
/* NULL is fine.  Loop thread. */
void power_key_free(struct power_key *key);

/*
 * Press it now; the loop lets it go POWER_KEY_MS later.  While it is down,
 * nothing but to hold it for longer.  Loop thread.
 */
void power_key_press(struct power_key *key);

#endif
