// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

#define LOG_LINE_MAX 1024

static _Atomic int log_level = LOG_WARN;
static _Atomic bool log_raw;

static const char *const level_name[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static const char *const level_prefix[] = {
	[LOG_ERROR] = "trapline: error: ",
	[LOG_WARN] = "trapline: warning: ",
	[LOG_INFO] = "trapline: ",
	[LOG_DEBUG] = "trapline: debug: ",
};

void log_set_level(enum log_level level)
{
	log_level = level;
}

enum log_level log_get_level(void)
{
	return log_level;
}

int log_level_parse(const char *name, enum log_level *level)
{
	unsigned int i;

	for (i = 0; i < sizeof(level_name) / sizeof(level_name[0]); i++) {
		if (!strcmp(name, level_name[i])) {
			*level = i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_set_raw(bool raw)
{
	log_raw = raw;
}

/*
 * Messages quote file names and what a guest wrote; neither may break the line
 * in two or drive the user's terminal.
 */
static void make_printable(char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			text[i] = '?';
	}
}

void log_print(enum log_level level, const char *fmt, ...)
{
	static const char crlf[] = "\r\n";
	const int saved_errno = errno;
	const char *eol = log_raw ? crlf : crlf + 1;
	/* vsnprintf() may use all but the room for the line's end. */
	const size_t max = LOG_LINE_MAX - strlen(crlf);
	char line[LOG_LINE_MAX];
	size_t start, len;
	va_list ap;
	int n;

	if ((int)level > log_level)
		return;

	start = strlen(level_prefix[level]);
	memcpy(line, level_prefix[level], start);

	va_start(ap, fmt);
	n = vsnprintf(line + start, max - start, fmt, ap);
	va_end(ap);
	if (n < 0)
		goto out;
	len = strlen(line + start);
	while (len && line[start + len - 1] == '\n')
		len--;
	make_printable(line + start, len);
	len += start;

	memcpy(line + len, eol, strlen(eol));
	len += strlen(eol);
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
out:
	errno = saved_errno;
}
