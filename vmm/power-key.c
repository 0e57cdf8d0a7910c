// SPDX-License-Identifier: GPL-2.0-only
#include "power-key.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "hw/pl061.h"
#include "lib/clock.h"
#include "lib/evloop.h"

struct power_key {
	struct pl061 *gpio;
	unsigned int line;
	struct evloop_timer *timer;
};

static void let_go(void *opaque)
{
	struct power_key *key = opaque;

	pl061_set_input(key->gpio, key->line, false);
}

void power_key_press(struct power_key *key)
{
	pl061_set_input(key->gpio, key->line, true);
	evloop_timer_set(key->timer,
			 monotonic_ns() + POWER_KEY_MS * UINT64_C(1000000));
}

int power_key_new(struct evloop *loop, struct pl061 *gpio, unsigned int line,
		  struct power_key **out, struct error *err)
{
	struct power_key *key;

	*out = NULL;
	key = calloc(1, sizeof(*key));
	if (!key)
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory for a power key");
	key->gpio = gpio;
	key->line = line;
	key->timer = evloop_timer_new(loop, let_go, key, err);
	if (!key->timer) {
		free(key);
		return err && err->errnum ? -err->errnum : -ENOMEM;
	}
	*out = key;
	return 0;
}

void power_key_free(struct power_key *key)
{
	if (!key)
		return;
	evloop_timer_free(key->timer);
	free(key);
}
