// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "arch-arm/kcache.h"

/* Another layout, or another idea of what unpacking is, gets another magic. */
#define MAGIC     "TLKERN1"
#define KEY_NAME  "key"
#define PREFIX    "kernel-"
#define TMP       "tmp-"
#define NAME_SIZE (sizeof(PREFIX) + 2 * KCACHE_DIGEST)
/* A writer that has not finished by then was killed. */
#define TMP_AGE 3600
/* So often is the time of last use noted. */
#define USED_AGE 3600

struct kcache_head {
	char magic[8];
	uint8_t key[KCACHE_DIGEST];
	uint8_t digest[KCACHE_DIGEST]; /* of the kernel */
	uint64_t size;
	uint8_t zero[16];
};

_Static_assert(sizeof(struct kcache_head) == 64, "the kernel is aligned");

static void digest(const struct kcache *kc, const void *data, size_t size,
		   uint8_t out[KCACHE_DIGEST])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c,
				 XXH3_128bits_withSecret(data, size, kc->secret,
							 KCACHE_SECRET));
	memcpy(out, c.digest, KCACHE_DIGEST);
}

static void entry_name(const uint8_t key[KCACHE_DIGEST], char name[NAME_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	unsigned int i;

	memcpy(name, PREFIX, sizeof(PREFIX));
	for (name += sizeof(PREFIX) - 1, i = 0; i < KCACHE_DIGEST; i++) {
		*name++ = hex[key[i] >> 4];
		*name++ = hex[key[i] & 15];
	}
	*name = '\0';
}

/* --- the directory ---------------------------------------------------------*/

char *kcache_default_dir(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *rest = "/trapline";
	struct stat st;
	char *dir;

	/* The XDG Base Directory Specification: a relative one is ignored. */
	if (!base || *base != '/') {
		base = getenv("HOME");
		rest = "/.cache/trapline";
	}
	/* root with a user's HOME would leave him what he cannot remove. */
	if (!base || *base != '/' || stat(base, &st) || st.st_uid != geteuid())
		return NULL;
	if (asprintf(&dir, "%s%s", base, rest) < 0)
		return NULL;
	return dir;
}

/* mkdir -p */
static int make_dirs(const char *path)
{
	char *copy, *slash;
	int ret = 0;

	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	slash = strrchr(copy, '/');
	if (slash && slash != copy) {
		*slash = '\0';
		ret = make_dirs(copy);
	}
	free(copy);
	if (!ret && mkdir(path, 0700) && errno != EEXIST)
		ret = -errno;
	return ret;
}

static int open_dir(const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct stat st;
	int fd, ret;

	fd = open(path, flags);
	if (fd < 0 && errno == ENOENT) {
		ret = make_dirs(path);
		if (ret)
			return ret;
		fd = open(path, flags);
	}
	if (fd < 0)
		return -errno;
	/* Who can write there could give us a kernel of his own. */
	if (fstat(fd, &st) || st.st_uid != geteuid() || st.st_mode & 022) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* A new file of ours with what is in @iov; its name in @name. */
static int write_tmp(int dir, char name[NAME_SIZE], const struct iovec *iov,
		     int nr)
{
	uint64_t word;
	ssize_t n;
	size_t at;
	int fd, i;

	if (getrandom(&word, sizeof(word), 0) != sizeof(word))
		return -EAGAIN;
	snprintf(name, NAME_SIZE, TMP "%016llx", (unsigned long long)word);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	for (i = 0; i < nr; i++)
		for (at = 0; at < iov[i].iov_len; at += (size_t)n) {
			n = write(fd, (uint8_t *)iov[i].iov_base + at,
				  iov[i].iov_len - at);
			if (n <= 0)
				goto fail;
		}
	if (!close(fd))
		return 0;
	fd = -1;
fail:
	i = errno ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	unlinkat(dir, name, 0);
	return i;
}

static int read_secret(struct kcache *kc)
{
	int fd = openat(kc->dir, KEY_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, kc->secret, KCACHE_SECRET);
	close(fd);
	return n == KCACHE_SECRET ? 0 : -EIO;
}

/* Of those that make one at the same time, the first one's is everybody's. */
static int make_secret(struct kcache *kc)
{
	struct iovec iov = { kc->secret, KCACHE_SECRET };
	char tmp[NAME_SIZE];
	int ret;

	if (getrandom(kc->secret, KCACHE_SECRET, 0) != KCACHE_SECRET)
		return -EAGAIN;
	ret = write_tmp(kc->dir, tmp, &iov, 1);
	if (ret)
		return ret;
	ret = linkat(kc->dir, tmp, kc->dir, KEY_NAME, 0) ? -errno : 0;
	unlinkat(kc->dir, tmp, 0);
	return ret == -EEXIST ? read_secret(kc) : ret;
}

static int open_cache(struct kcache *kc)
{
	int ret;

	ret = open_dir(kc->path);
	if (ret < 0)
		return ret;
	kc->dir = ret;
	ret = read_secret(kc);
	if (ret == -EIO)
		unlinkat(kc->dir, KEY_NAME, 0);
	if (ret)
		ret = make_secret(kc);
	if (ret)
		kcache_close(kc);
	return ret;
}

void kcache_init(struct kcache *kc, const char *path)
{
	*kc = (struct kcache){ .path = path, .dir = -1 };
}

void kcache_close(struct kcache *kc)
{
	if (kc->dir >= 0)
		close(kc->dir);
	kc->dir = -1;
}

/* --- its files -------------------------------------------------------------*/

void kcache_key(struct kcache *kc, const void *packed, size_t size,
		uint8_t key[KCACHE_DIGEST])
{
	if (kc->path && !kc->tried)
		kc->why = open_cache(kc);
	kc->tried = true;
	memset(key, 0, KCACHE_DIGEST);
	if (kc->dir >= 0)
		digest(kc, packed, size, key);
}

static bool is_entry(const struct kcache *kc, const struct kcache_head *head,
		     size_t file_size, const uint8_t key[KCACHE_DIGEST])
{
	uint8_t is[KCACHE_DIGEST];

	if (memcmp(head->magic, MAGIC, sizeof(head->magic)) ||
	    memcmp(head->key, key, KCACHE_DIGEST) ||
	    head->size != file_size - sizeof(*head))
		return false;
	digest(kc, head + 1, (size_t)head->size, is);
	return !memcmp(head->digest, is, KCACHE_DIGEST);
}

bool kcache_get(const struct kcache *kc, const uint8_t key[KCACHE_DIGEST],
		void **map, size_t *map_size, uint8_t **data, size_t *size)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
					 { .tv_nsec = UTIME_NOW } };
	char name[NAME_SIZE];
	struct stat st;
	size_t have;
	void *p;
	int fd;

	if (kc->dir < 0)
		return false;
	entry_name(key, name);
	fd = openat(kc->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size <= (off_t)sizeof(struct kcache_head) ||
	    st.st_size > (off_t)KCACHE_FILE_MAX)
		goto bad;
	have = (size_t)st.st_size;
	p = mmap(NULL, have, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		goto bad;
	if (!is_entry(kc, p, have, key)) {
		munmap(p, have);
		goto bad;
	}
	if (time(NULL) - st.st_mtime > USED_AGE)
		futimens(fd, now);
	close(fd);
	*map = p;
	*map_size = have;
	*data = (uint8_t *)p + sizeof(struct kcache_head);
	*size = have - sizeof(struct kcache_head);
	return true;
bad:
	close(fd);
	unlinkat(kc->dir, name, 0);
	return false;
}

struct usage {
	unsigned int files;
	uint64_t bytes;
	char oldest[NAME_SIZE];
	time_t when;
};

static void look(int dir, struct usage *u)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	*u = (struct usage){ 0 };
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (strlen(e->d_name) >= NAME_SIZE ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (!strncmp(e->d_name, TMP, sizeof(TMP) - 1) &&
		    time(NULL) - st.st_mtime > TMP_AGE)
			unlinkat(dir, e->d_name, 0);
		if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1))
			continue;
		if (!u->files++ || st.st_mtime < u->when) {
			u->when = st.st_mtime;
			memcpy(u->oldest, e->d_name, strlen(e->d_name) + 1);
		}
		u->bytes += (uint64_t)st.st_size;
	}
	closedir(d);
}

/* Room for one file more, of @size bytes. */
static void make_room(int dir, size_t size)
{
	struct usage u;

	for (;;) {
		look(dir, &u);
		if (u.files < KCACHE_FILES && u.bytes + size <= KCACHE_BYTES)
			return;
		if (!u.files || unlinkat(dir, u.oldest, 0))
			return;
	}
}

int kcache_put(const struct kcache *kc, const uint8_t key[KCACHE_DIGEST],
	       const void *data, size_t size)
{
	struct kcache_head head = { .magic = MAGIC, .size = size };
	const struct iovec iov[2] = { { &head, sizeof(head) },
				      { (void *)data, size } };
	char tmp[NAME_SIZE], name[NAME_SIZE];
	int ret;

	if (kc->dir < 0)
		return -EBADF;
	if (!size || size > KCACHE_FILE_MAX - sizeof(head))
		return -EFBIG;
	memcpy(head.key, key, KCACHE_DIGEST);
	digest(kc, data, size, head.digest);
	make_room(kc->dir, size);
	ret = write_tmp(kc->dir, tmp, iov, 2);
	if (ret)
		return ret;
	entry_name(key, name);
	if (!renameat(kc->dir, tmp, kc->dir, name))
		return 0;
	ret = -errno;
	unlinkat(kc->dir, tmp, 0);
	return ret;
}
