// SPDX-License-Identifier: GPL-2.0-only
#include "config-ports.h"

#include <errno.h>
#include <string.h>

#include "backend/chardev.h"
#include "virtio/console.h"

_Static_assert(CONFIG_MAX_PORTS < VIRTIO_CONSOLE_MAX_PORTS,
	       "the device has room for every port");

static int check_where(const char *opt, const char *where, struct error *err)
{
	const char *why = chardev_check(where);

	if (!why)
		return 0;
	return error_set(err, TL_USAGE, EINVAL, "option %s: '%.100s' %s: %s",
			 opt, where, why, chardev_kinds);
}

int config_parse_serial(char *arg, struct run_config *cfg, struct error *err)
{
	cfg->serial_where = arg;
	return check_where("--serial", arg, err);
}

int config_parse_console(char *arg, struct run_config *cfg, struct error *err)
{
	char *where = strchr(arg, ',');

	if (where)
		*where++ = '\0';
	if (!strcmp(arg, "serial")) {
		cfg->console = CONSOLE_SERIAL;
		if (where)
			cfg->serial_where = where;
	} else if (!strcmp(arg, "virtio")) {
		cfg->console = CONSOLE_VIRTIO;
		if (where)
			cfg->console_where = where;
	} else {
		return error_set(err, TL_USAGE, EINVAL,
				 "option --console: '%.40s' is neither serial "
				 "nor virtio",
				 arg);
	}
	return where ? check_where("--console", where, err) : 0;
}

/* It becomes part of a path in the guest, /dev/virtio-ports/NAME. */
static bool is_port_name(const char *name)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(name);

	return len && len <= VIRTIO_CONSOLE_NAME_MAX &&
	       strspn(name, ok) == len && *name != '.';
}

int config_parse_port(char *arg, struct run_config *cfg, struct error *err)
{
	struct config_port *port = &cfg->port[cfg->nr_ports];
	char *where = strchr(arg, '=');
	unsigned int i;

	if (cfg->nr_ports == CONFIG_MAX_PORTS)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --port: '%.100s' is one too many: at "
				 "most %d",
				 arg, CONFIG_MAX_PORTS);
	if (!where)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --port: '%.100s' is no NAME=WHERE",
				 arg);
	*where++ = '\0';
	if (!is_port_name(arg))
		return error_set(err, TL_USAGE, EINVAL,
				 "option --port: '%.80s' is no name: 1 to %d "
				 "letters, digits, '-', '_' and '.', no '.' "
				 "first",
				 arg, VIRTIO_CONSOLE_NAME_MAX);
	for (i = 0; i < cfg->nr_ports; i++)
		if (!strcmp(cfg->port[i].name, arg))
			return error_set(err, TL_USAGE, EINVAL,
					 "option --port: there are two ports "
					 "with the name %s",
					 arg);
	port->name = arg;
	port->where = where;
	cfg->nr_ports++;
	return check_where("--port", where, err);
}

/* A terminal's input can go to one of them only. */
int config_check_ports(const struct run_config *cfg, struct error *err)
{
	const char *serial = cfg->serial_where ? cfg->serial_where : "tty";
	bool taken = cfg->console == CONSOLE_VIRTIO
			     ? chardev_is_tty(cfg->console_where)
			     : chardev_is_tty(serial);
	unsigned int i;

	for (i = 0; i < cfg->nr_ports; i++) {
		if (!chardev_is_tty(cfg->port[i].where))
			continue;
		if (taken)
			return error_set(err, TL_USAGE, EINVAL,
					 "option --port: %s=tty: the terminal "
					 "is taken; give the other one "
					 "another place",
					 cfg->port[i].name);
		taken = true;
	}
	return 0;
}
