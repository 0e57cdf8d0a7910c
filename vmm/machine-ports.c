// SPDX-License-Identifier: GPL-2.0-only
/* Where console, serial port and named ports go: open as long as the session. */
#include <errno.h>
#include <stdio.h>

#include "lib/log.h"
#include "machine-parts.h"
#include "virtio/console.h"

static void quit(void *opaque)
{
	session_end(opaque, END_USER, NULL);
}

static void powerdown(void *opaque)
{
	session_powerdown(opaque);
}

/* The terminal is one, however many use it. */
static int open_one(struct session *session, const char *where,
		    const char *what, struct chardev **out, struct error *err)
{
	const struct chardev_keys keys = {
		.quit = quit,
		.powerdown = powerdown,
		.opaque = session,
	};
	int ret;

	if (chardev_is_tty(where) && session->tty) {
		*out = session->tty;
		return 0;
	}
	ret = chardev_open(where, what, session->loop, &keys, out, err);
	if (ret)
		return ret;
	session->chardev[session->nr_chardevs++] = *out;
	if (chardev_is_tty(where))
		session->tty = *out;
	return 0;
}

int session_open_ports(struct session *session, struct error *err)
{
	const struct run_config *cfg = session->cfg;
	const char *serial = cfg->serial_where ? cfg->serial_where : "tty";
	char what[16 + VIRTIO_CONSOLE_NAME_MAX];
	unsigned int i;
	int ret = 0;

	if (cfg->console == CONSOLE_VIRTIO)
		ret = open_one(session, cfg->console_where, "console",
			       &session->console, err);
	if (ret)
		return ret;
	/* Early output, before there is a driver for the console, is seen. */
	session->serial = session->console;
	if (!session->console || cfg->serial_where)
		ret = open_one(session, serial, "serial port", &session->serial,
			       err);
	for (i = 0; !ret && i < cfg->nr_ports; i++) {
		snprintf(what, sizeof(what), "port %s", cfg->port[i].name);
		ret = open_one(session, cfg->port[i].where, what,
			       &session->port[i], err);
	}
	return ret;
}

void session_close_ports(struct session *session)
{
	while (session->nr_chardevs)
		chardev_close(session->chardev[--session->nr_chardevs]);
}

void session_hurry_ports(struct session *session, bool hurry)
{
	unsigned int i;

	for (i = 0; i < session->nr_chardevs; i++)
		chardev_set_hurry(session->chardev[i], hurry);
}

void session_room_ports(struct session *session)
{
	unsigned int i;

	for (i = 0; i < session->nr_chardevs; i++)
		chardev_room(session->chardev[i]);
}

static void watch_console(void *opaque, const uint8_t *buf, size_t len)
{
	struct boot *boot = opaque;

	panic_watch_feed(&boot->console_panic, buf, len);
}

int machine_console_new(struct boot *boot, struct virtio_device **out,
			struct error *err)
{
	const struct session *session = boot->session;
	struct virtio_console_port port[CONFIG_MAX_PORTS];
	const struct virtio_console_params params = {
		.console = session->console,
		.port = port,
		.nr_ports = boot->cfg->nr_ports,
		.watch = watch_console,
		.opaque = boot,
	};
	unsigned int i;

	for (i = 0; i < boot->cfg->nr_ports; i++)
		port[i] = (struct virtio_console_port){
			.name = boot->cfg->port[i].name,
			.dev = session->port[i],
		};
	return virtio_console_new(&params, out, err);
}

/* --- what a control socket does to the guest -------------------------------- */

static void press_power_key(void *opaque)
{
	struct session *session = opaque;

	if (session->boot && session->boot->power_key)
		power_key_press(session->boot->power_key);
	else if (session->boot)
		log_warn("machine %s has no power key: shut the guest down "
			 "from inside",
			 session->boot->board.map->name);
}

int session_powerdown(struct session *session)
{
	return evloop_post(session->loop, press_power_key, session);
}
