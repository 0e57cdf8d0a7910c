// SPDX-License-Identifier: GPL-2.0-only
#include "bootargs.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A kernel does not even begin to boot in less. */
#define TINY 0x100000ULL

/*
 * The value of @key in the words from *@p on, which moves behind that word, or
 * NULL.
 */
static const char *next_value(const char **p, const char *key)
{
	const size_t len = strlen(key);
	bool quoted = false;
	const char *word;

	while (*p && **p) {
		while (isspace((unsigned char)**p))
			(*p)++;
		word = *p;
		for (; **p && (quoted || !isspace((unsigned char)**p)); (*p)++)
			if (**p == '"')
				quoted = !quoted;
		if (*p - word == 2 && !strncmp(word, "--", 2))
			break;
		if (*word == '"')
			word++;
		if (!strncmp(word, key, len) && word[len] == '=')
			return word + len + 1;
	}
	return NULL;
}

bool bootargs_has(const char *params, const char *key)
{
	return next_value(&params, key);
}

bool bootargs_tiny_mem(const char *params, char *text, size_t size)
{
	const char *value;
	uint64_t bytes;
	char *end;

	while ((value = next_value(&params, "mem"))) {
		if (!isdigit((unsigned char)*value))
			continue;
		errno = 0;
		/* memparse(): any base, and a unit is a letter behind it. */
		bytes = strtoull(value, &end, 0);
		if (errno || (*end && *end != '@' && *end != '"' &&
			      !isspace((unsigned char)*end)))
			continue;
		if (bytes >= TINY)
			continue;
		snprintf(text, size,
			 "option -p: mem=%llu is %llu bytes, too little for "
			 "any kernel; mem=%lluM was meant",
			 (unsigned long long)bytes, (unsigned long long)bytes,
			 (unsigned long long)bytes);
		return true;
	}
	return false;
}

bool bootargs_silent(const char *params, char *text, size_t size)
{
	const char *value, *last = NULL;

	while ((value = next_value(&params, "console")))
		last = value;
	if (!last || strncmp(last, "ttyS", 4) ||
	    !isdigit((unsigned char)last[4]))
		return false;
	snprintf(text, size,
		 "option -p: console=ttyS%c is no console of this machine, and "
		 "the guest will seem silent; leave console= out",
		 last[4]);
	return true;
}
