/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking at files of tracefs; not named tracefs.h, which is libtracefs's. */
#ifndef TL_RECORDER_FS_H
#define TL_RECORDER_FS_H

#include <stdbool.h>

/* Is there a @dir/@name? */
bool tracefs_has(const char *dir, const char *name);

/* Can @dir/@name be read and is @c its first character? */
bool tracefs_says(const char *dir, const char *name, char c);

#endif
