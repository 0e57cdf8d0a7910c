/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers that a guest reads without an exit: a copy of a device's registers
 * in memory that the guest sees, read-only, at the device's address.  A read
 * costs nothing and is not heard of; a write still comes to the device.
 *
 * The rules that keep a guest from a stale or a wrong value are the device's:
 *  - each word is what a read through its handler would give, before the access
 *    that changed it ends;
 *  - while a read does more than give a value, the shadow is hidden, and hidden
 *    before any register tells of the reason.
 */
#ifndef TL_CORE_SHADOW_H
#define TL_CORE_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

struct shadow {
	/*
	 * The device's registers in the page, aligned to 4 bytes and all zero
	 * at first.  NULL: the host has no such thing, and the calls below do
	 * nothing.
	 */
	uint8_t *regs;
	/*
	 * The word at @word changed: let it reach a guest whose reads bypass
	 * the caches.
	 */
	void (*publish)(const void *word);
	/*
	 * Let the guest see @regs, or let its reads come to the device again:
	 * all that start after the return.  False: it stays as it was.  Under
	 * the device's lock, any thread.  NULL for a shadow that is never
	 * hidden.
	 */
	bool (*show)(void *opaque, bool on);
	void *opaque;
};

/* Register @offset, a multiple of 4, now reads as @val. */
static inline void shadow_set(const struct shadow *shadow, uint64_t offset,
			      uint32_t val)
{
	uint32_t *word;

	if (!shadow->regs)
		return;
	word = (uint32_t *)(void *)(shadow->regs + offset);
	if (__atomic_load_n(word, __ATOMIC_RELAXED) == val)
		return;
	__atomic_store_n(word, val, __ATOMIC_SEQ_CST);
	shadow->publish(word);
}

#endif
