// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/iov.h"

#include <stdint.h>
#include <string.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t iov_copy_out(const struct iov_buf *buf, void *dst, size_t len)
{
	size_t done = 0, n;
	unsigned int i;

	for (i = 0; i < buf->nr && done < len; i++) {
		n = min_size(buf->iov[i].iov_len, len - done);
		memcpy((uint8_t *)dst + done, buf->iov[i].iov_base, n);
		done += n;
	}
	return done;
}

size_t iov_copy_in(const struct iov_buf *buf, const void *src, size_t len)
{
	size_t done = 0, n;
	unsigned int i;

	for (i = 0; i < buf->nr && done < len; i++) {
		n = min_size(buf->iov[i].iov_len, len - done);
		memcpy(buf->iov[i].iov_base, (const uint8_t *)src + done, n);
		done += n;
	}
	return done;
}

void iov_trim_front(struct iov_buf *buf, size_t len)
{
	while (buf->nr && len >= buf->iov->iov_len) {
		len -= buf->iov->iov_len;
		buf->iov++;
		buf->nr--;
	}
	if (buf->nr) {
		buf->iov->iov_base = (uint8_t *)buf->iov->iov_base + len;
		buf->iov->iov_len -= len;
	}
}

void iov_trim_back(struct iov_buf *buf, size_t len)
{
	while (buf->nr && len >= buf->iov[buf->nr - 1].iov_len)
		len -= buf->iov[--buf->nr].iov_len;
	if (buf->nr)
		buf->iov[buf->nr - 1].iov_len -= len;
}
