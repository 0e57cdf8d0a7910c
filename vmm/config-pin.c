// SPDX-License-Identifier: GPL-2.0-only
#include "config-pin.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* One item: host CPUs @first to @last for @vcpu. */
struct pin {
	long vcpu; /* -1 before the first */
	long first, last;
};

/* Numbers beyond anything that can be meant come out as -1. */
static bool number(const char **at, long *val)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*val = strtol(*at, &end, 10);
	*at = end;
	return !errno && *val < CPU_SETSIZE;
}

/* The item at *@at, which moves on behind it and its comma. */
static bool next(const char **at, struct pin *pin)
{
	if (!number(at, &pin->first))
		return false;
	if (**at == '=') {
		++*at;
		pin->vcpu = pin->first;
		if (!number(at, &pin->first))
			return false;
	}
	pin->last = pin->first;
	if (**at == '-') {
		++*at;
		if (!number(at, &pin->last))
			return false;
	}
	if (pin->vcpu < 0 || pin->last < pin->first)
		return false;
	if (**at == ',')
		return *++*at != '\0';
	return !**at;
}

int config_pin_check(const char *text, struct error *err)
{
	struct pin pin = { .vcpu = -1 };
	const char *at = text;

	do {
		if (!next(&at, &pin))
			return error_set(
				err, TL_USAGE, EINVAL,
				"option --cpu-pin: '%.100s' is no list "
				"like 0=2,1=4-5: a virtual CPU, then "
				"CPUs of the host",
				text);
	} while (*at);
	return 0;
}

int config_pin_fits(const char *text, unsigned int cpus, struct error *err)
{
	struct pin pin = { .vcpu = -1 };

	while (text && *text && next(&text, &pin))
		if (pin.vcpu >= (long)cpus)
			return error_set(
				err, TL_USAGE, EINVAL,
				"option --cpu-pin: there is no virtual "
				"CPU %ld: the guest has %u (-c)",
				pin.vcpu, cpus);
	return 0;
}

bool config_pin_cpus(const char *text, unsigned int n, cpu_set_t *cpus)
{
	struct pin pin = { .vcpu = -1 };
	bool found = false;

	CPU_ZERO(cpus);
	while (text && *text && next(&text, &pin)) {
		if (pin.vcpu != (long)n)
			continue;
		found = true;
		for (; pin.first <= pin.last; pin.first++)
			CPU_SET((size_t)pin.first, cpus);
	}
	return found;
}
