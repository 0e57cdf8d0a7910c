/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel command line, read as Linux reads it. */
#ifndef TL_BOOTARGS_H
#define TL_BOOTARGS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the kernel parameter @key is among @params (NULL: none).  Words are
 * split as the kernel's next_arg() does: double quotes keep white space, "--"
 * ends it all.
 */
bool bootargs_has(const char *params, const char *key);

/*
 * Whether a mem= in @params leaves the kernel no memory to speak of because its
 * unit is missing: "mem=512" is 512 bytes.  Then @text (@size bytes) says so and
 * what was meant.
 */
bool bootargs_tiny_mem(const char *params, char *text, size_t size);

/*
 * Whether the last console= in @params, which becomes /dev/console, is an 8250
 * as other machines have it, so that nothing would be seen of the guest.  Then
 * @text (@size bytes) says so.
 */
bool bootargs_silent(const char *params, char *text, size_t size);

#endif
