// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"

#define FIRST_CHUNK 65536

/* Double *@cap, at most to @max + 1: that one byte shows what is too big. */
static int grow(uint8_t **data, size_t *cap, size_t max)
{
	size_t want = *cap > max / 2 ? max + 1 : *cap * 2;
	uint8_t *bigger = realloc(*data, want + 1);

	if (!bigger)
		return -ENOMEM;
	*data = bigger;
	*cap = want;
	return 0;
}

static int read_all(int fd, size_t max, uint8_t **data, size_t *size)
{
	struct stat st;
	size_t cap = FIRST_CHUNK;
	uint8_t *buf;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > max)
		return -EFBIG;
	/* One byte more than there is: its absence tells the end of file. */
	if (S_ISREG(st.st_mode))
		cap = (size_t)st.st_size + 1;

	*size = 0;
	*data = malloc(cap + 1);
	if (!*data)
		return -ENOMEM;

	for (;;) {
		if (*size == cap && grow(data, &cap, max) < 0)
			return -ENOMEM;
		n = read(fd, *data + *size, cap - *size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*size += (size_t)n;
		if (*size > max)
			return -EFBIG;
	}

	buf = realloc(*data, *size + 1);
	if (buf)
		*data = buf;
	(*data)[*size] = '\0';
	return 0;
}

int file_read(const char *path, const char *what, size_t max,
	      enum tl_status status, uint8_t **data, size_t *size,
	      struct error *err)
{
	int fd, ret;

	*data = NULL;
	*size = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, status, errno, "%s %s: %s", what, path,
				 strerror(errno));

	ret = read_all(fd, max, data, size);
	close(fd);
	if (ret == 0)
		return 0;

	free(*data);
	*data = NULL;
	*size = 0;
	if (ret == -EISDIR)
		return error_set(err, status, EISDIR,
				 "%s %s is a directory, not a file", what,
				 path);
	if (ret == -EFBIG)
		return error_set(err, status, EFBIG,
				 "%s %s is larger than %zu MiB", what, path,
				 max >> 20);
	return error_set(err, status, -ret, "cannot read %s %s: %s", what, path,
			 strerror(-ret));
}

int file_write(const char *path, const char *what, const void *data,
	       size_t size, enum tl_status status, struct error *err)
{
	const uint8_t *p = data;
	struct stat st;
	ssize_t n;
	int fd, e;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set(err, status, errno, "cannot create %s %s: %s",
				 what, path, strerror(errno));

	while (size) {
		n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto fail;
		p += n;
		size -= (size_t)n;
	}
	if (close(fd) == 0)
		return 0;
	fd = -1;
fail:
	e = errno;
	/* /dev/full and the like stay. */
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		unlink(path);
	if (fd >= 0)
		close(fd);
	return error_set(err, status, e, "cannot write %s %s: %s", what, path,
			 strerror(e));
}

int file_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}
