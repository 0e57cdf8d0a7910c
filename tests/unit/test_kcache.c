// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "arch-arm/kcache.h"

static char base[64];

static int setup(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/test_kcache.XXXXXX");
	return mkdtemp(base) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Files in the cache that match @pattern; the first one's path. */
static unsigned int count(const char *pattern, char first[PATH_MAX])
{
	char path[128];
	unsigned int n;
	glob_t g;

	snprintf(path, sizeof(path), "%s/%s", base, pattern);
	if (glob(path, 0, NULL, &g))
		return 0;
	n = g.gl_pathc;
	if (first)
		snprintf(first, PATH_MAX, "%s", g.gl_pathv[0]);
	globfree(&g);
	return n;
}

static bool get(struct kcache *kc, const void *packed, size_t packed_size,
		const void *want, size_t want_size)
{
	uint8_t key[KCACHE_DIGEST], *data;
	size_t map_size, size;
	void *map;

	kcache_key(kc, packed, packed_size, key);
	if (!kcache_get(kc, key, &map, &map_size, &data, &size))
		return false;
	assert_int_equal(size, want_size);
	assert_memory_equal(data, want, want_size);
	munmap(map, map_size);
	return true;
}

static int put(struct kcache *kc, const void *packed, size_t packed_size,
	       const void *data, size_t size)
{
	uint8_t key[KCACHE_DIGEST];

	kcache_key(kc, packed, packed_size, key);
	return kcache_put(kc, key, data, size);
}

static void test_kept(void **state)
{
	struct kcache kc;
	char path[100];
	struct stat st;

	(void)state;
	/* Directories on the way are made, for the user alone. */
	snprintf(path, sizeof(path), "%s/a/b", base);
	kcache_init(&kc, path);
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_int_equal(put(&kc, "packed", 6, "kernel", 6), 0);
	assert_true(get(&kc, "packed", 6, "kernel", 6));
	assert_false(get(&kc, "other!", 6, NULL, 0));
	assert_false(get(&kc, "packe", 5, NULL, 0));
	kcache_close(&kc);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* Another process finds it; the same again is no harm. */
	kcache_init(&kc, path);
	assert_true(get(&kc, "packed", 6, "kernel", 6));
	assert_int_equal(put(&kc, "packed", 6, "kernel", 6), 0);
	kcache_close(&kc);
	assert_int_equal(count("a/b/kernel-*", NULL), 1);
	assert_int_equal(count("a/b/tmp-*", NULL), 0);
}

static void test_none(void **state)
{
	struct kcache kc;

	(void)state;
	kcache_init(&kc, NULL);
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_int_equal(put(&kc, "packed", 6, "kernel", 6), -EBADF);
	assert_int_equal(kc.why, 0);
	kcache_close(&kc);
}

/* Each byte of a file counts; one that is damaged goes. */
static void test_damaged(void **state)
{
	struct kcache kc;
	char path[PATH_MAX];
	off_t at, size;
	int fd;
	uint8_t c;

	(void)state;
	kcache_init(&kc, base);
	for (at = 0;; at++) {
		assert_int_equal(put(&kc, "packed", 6, "kernel", 6), 0);
		assert_int_equal(count("kernel-*", path), 1);
		fd = open(path, O_RDWR);
		size = lseek(fd, 0, SEEK_END);
		if (at == size)
			break;
		/* The head's last 16 bytes say nothing. */
		if (at == 48)
			at = 64;
		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= 1;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		close(fd);
		assert_false(get(&kc, "packed", 6, NULL, 0));
		assert_int_equal(count("kernel-*", NULL), 0);
	}
	assert_true(size == 70);
	/* Cut short, and too long. */
	for (at = 0; at <= 71; at += at == 69 ? 2 : 1) {
		assert_int_equal(ftruncate(fd, at), 0);
		assert_false(get(&kc, "packed", 6, NULL, 0));
		assert_int_equal(count("kernel-*", NULL), 0);
		close(fd);
		assert_int_equal(put(&kc, "packed", 6, "kernel", 6), 0);
		fd = open(path, O_RDWR);
	}
	close(fd);
	/* A link, a directory. */
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_int_equal(put(&kc, "packed", 6, "kernel", 6), 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_true(put(&kc, "packed", 6, "kernel", 6) < 0);
	assert_int_equal(count("tmp-*", NULL), 0);
	kcache_close(&kc);
}

static void test_damaged_key(void **state)
{
	struct kcache kc;
	char path[100];

	(void)state;
	kcache_init(&kc, base);
	assert_int_equal(put(&kc, "packed", 6, "kernel", 6), 0);
	kcache_close(&kc);
	snprintf(path, sizeof(path), "%s/key", base);
	assert_int_equal(truncate(path, 10), 0);
	/* Another secret: nothing of before is found, all goes on. */
	kcache_init(&kc, base);
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_int_equal(kc.why, 0);
	assert_int_equal(put(&kc, "packed", 6, "kernel", 6), 0);
	assert_true(get(&kc, "packed", 6, "kernel", 6));
	kcache_close(&kc);
}

static void test_unusable(void **state)
{
	struct kcache kc;
	char path[100];
	FILE *f;

	(void)state;
	/* A file on the way. */
	snprintf(path, sizeof(path), "%s/file", base);
	f = fopen(path, "w");
	fclose(f);
	snprintf(path, sizeof(path), "%s/file/cache", base);
	kcache_init(&kc, path);
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_int_equal(kc.why, -ENOTDIR);
	assert_int_equal(put(&kc, "packed", 6, "kernel", 6), -EBADF);
	kcache_close(&kc);
	/* Others may write there. */
	assert_int_equal(chmod(base, 0770), 0);
	kcache_init(&kc, base);
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_int_equal(kc.why, -EPERM);
	kcache_close(&kc);
	kcache_init(&kc, "/proc/nothing/there");
	assert_false(get(&kc, "packed", 6, NULL, 0));
	assert_int_not_equal(kc.why, 0);
	kcache_close(&kc);
}

static void test_bounded(void **state)
{
	char first[PATH_MAX];
	struct kcache kc;
	unsigned int i;

	(void)state;
	kcache_init(&kc, base);
	assert_int_equal(put(&kc, "old", 3, "kernel", 6), 0);
	assert_int_equal(count("kernel-*", first), 1);
	/* Used long ago. */
	assert_int_equal(
		utimensat(AT_FDCWD, first,
			  (struct timespec[2]){ { 1000, 0 }, { 1000, 0 } }, 0),
		0);
	for (i = 1; i < KCACHE_FILES; i++)
		assert_int_equal(put(&kc, &i, sizeof(i), "kernel", 6), 0);
	assert_int_equal(count("kernel-*", NULL), KCACHE_FILES);
	/* To be used makes it young. */
	assert_true(get(&kc, "old", 3, "kernel", 6));
	for (; i < 3 * KCACHE_FILES; i++)
		assert_int_equal(put(&kc, &i, sizeof(i), "kernel", 6), 0);
	assert_int_equal(count("kernel-*", NULL), KCACHE_FILES);
	/* What was just put is there. */
	i--;
	assert_true(get(&kc, &i, sizeof(i), "kernel", 6));
	assert_int_equal(put(&kc, "big", 3, "kernel", KCACHE_FILE_MAX), -EFBIG);
	assert_int_equal(put(&kc, "none", 4, "kernel", 0), -EFBIG);
	kcache_close(&kc);
}

static void *hammer(void *arg)
{
	static const uint8_t data[300000];
	struct kcache kc;
	unsigned int i, key;

	for (i = 0; i < 40; i++) {
		kcache_init(&kc, base);
		key = i % 5;
		if (!get(&kc, &key, sizeof(key), data, sizeof(data) - key))
			put(&kc, &key, sizeof(key), data, sizeof(data) - key);
		assert_int_equal(kc.why, 0);
		kcache_close(&kc);
	}
	return arg;
}

/* Many at once, from no cache at all on: nobody sees half a file. */
static void test_at_once(void **state)
{
	pthread_t thread[4];
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_false(pthread_create(&thread[i], NULL, hammer, NULL));
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(count("kernel-*", NULL), 5);
	assert_int_equal(count("tmp-*", NULL), 0);
	assert_int_equal(count("key", NULL), 1);
}

static void test_default(void **state)
{
	char want[100], *dir;

	(void)state;
	setenv("XDG_CACHE_HOME", base, 1);
	dir = kcache_default_dir();
	snprintf(want, sizeof(want), "%s/trapline", base);
	assert_string_equal(dir, want);
	free(dir);
	setenv("XDG_CACHE_HOME", "relative", 1);
	setenv("HOME", base, 1);
	dir = kcache_default_dir();
	snprintf(want, sizeof(want), "%s/.cache/trapline", base);
	assert_string_equal(dir, want);
	free(dir);
	unsetenv("HOME");
	assert_null(kcache_default_dir());
	setenv("HOME", "/no/such", 1);
	assert_null(kcache_default_dir());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kept),        TEST(test_none),     TEST(test_damaged),
		TEST(test_damaged_key), TEST(test_unusable), TEST(test_bounded),
		TEST(test_at_once),     TEST(test_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
