/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages for the person at the terminal, on stderr, one write(2) a line so
 * that threads do not mix.  While the console has the tty in raw mode a line
 * ends in CR LF.
 */
#ifndef TL_LIB_LOG_H
#define TL_LIB_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Messages above @level are dropped.  The default is LOG_WARN. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* "error", "warning", "info", "debug" to a level; -EINVAL for anything else. */
int log_level_parse(const char *name, enum log_level *level);

/* Set while the tty is raw, so that a line feed needs a carriage return. */
void log_set_raw(bool raw);

void log_print(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#endif
