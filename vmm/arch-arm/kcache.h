/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unpacked kernels, kept from one boot to the next: found by a digest of the
 * packed file's content, so a copy hits and a changed file misses, whatever its
 * name and time.  docs/adr/0005-kernel-cache.md has the reasons.
 *
 *   DIR/key             a secret of the cache's own, for the digests
 *   DIR/kernel-DIGEST   struct kcache_head, then the kernel
 *
 * A file there appears complete, by link or rename, and is never changed; what
 * its digest does not fit is removed.  It costs nothing to lose it all.
 */
#ifndef TL_ARCH_ARM_KCACHE_H
#define TL_ARCH_ARM_KCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KCACHE_DIGEST 16
#define KCACHE_SECRET 192

/* The most that is kept; what was used longest ago goes first. */
#define KCACHE_FILES    16
#define KCACHE_BYTES    (512UL << 20)
#define KCACHE_FILE_MAX (KCACHE_BYTES / 4)

struct kcache {
	const char *path; /* NULL: no cache */
	bool tried;       /* to open it, which waits for the first key */
	int why;          /* -errno if that failed, else 0 */
	int dir;          /* -1: nothing is found, nothing is kept */
	uint8_t secret[KCACHE_SECRET];
};

/*
 * Where it is unless told: below XDG_CACHE_HOME or ~/.cache.  malloc'ed; NULL
 * where neither is set, or the directory that is set is not the user's own.
 */
char *kcache_default_dir(void);

/*
 * The cache in @path, which stays the caller's; NULL for none.  It is opened at
 * the first key, made if it is missing.  Where it cannot be, or is another
 * user's, or others may write to it (-EPERM), nothing is found or kept.
 */
void kcache_init(struct kcache *kc, const char *path);
void kcache_close(struct kcache *kc);

/* The key of what @packed unpacks to.  All zero without a cache. */
void kcache_key(struct kcache *kc, const void *packed, size_t size,
		uint8_t key[KCACHE_DIGEST]);

/*
 * What was kept under @key, verified: *@map is for munmap() with *@map_size,
 * the kernel is the *@size bytes at *@data in it, to be read only.
 */
bool kcache_get(const struct kcache *kc, const uint8_t key[KCACHE_DIGEST],
		void **map, size_t *map_size, uint8_t **data, size_t *size);

/*
 * Keep @data under @key.  Not to be able to is no error: -errno for a message
 * that nobody has to see.
 */
int kcache_put(const struct kcache *kc, const uint8_t key[KCACHE_DIGEST],
	       const void *data, size_t size);

#endif
