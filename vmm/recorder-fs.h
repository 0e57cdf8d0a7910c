/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking at files of tracefs; not named tracefs.h, which is libtracefs's. */
#ifndef TL_RECORDER_FS_H
#define TL_RECORDER_FS_H

#include <stdbool.h>
#include <stdint.h>

/* Where tracefs is mounted, or NULL. */
const char *tracefs_find(void);

/* Is there a @dir/@name? */
bool tracefs_has(const char *dir, const char *name);

/* Can @dir/@name be read and is @c its first character? */
bool tracefs_says(const char *dir, const char *name, char c);

/* Write @text to @dir/@name, which is there.  -errno. */
int tracefs_write(const char *dir, const char *name, const char *text);

/*
 * From the statistics of each CPU of the instance @dir: events that were
 * written, and events that were dropped.  Unchanged where there are none.
 */
void tracefs_counts(const char *dir, uint64_t *events, uint64_t *lost);

/*
 * Remove the instances of the tracefs @tracefs named @prefix and the id of a
 * process that no longer exists.  A tracer that was killed while it started
 * leaves one, and with it the memory of its buffers.  One of which anybody has
 * a file open, as trace-cmd while it records, stays.
 */
void tracefs_remove_stale(const char *tracefs, const char *prefix);

#endif
