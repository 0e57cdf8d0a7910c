/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scattered buffers.  A driver may split a request over descriptors wherever it
 * likes (virtio 1.2, 2.7.4.1), so a device takes fields out by byte count and
 * never by descriptor.
 */
#ifndef TL_VIRTIO_IOV_H
#define TL_VIRTIO_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* A buffer of @nr segments; @iov may be changed by whoever holds it. */
struct iov_buf {
	struct iovec *iov;
	unsigned int nr;
};

/*
 * Copy the first bytes of @buf to @dst, or @src to its first bytes.  Returns how
 * many were copied: @len, or less where @buf ends before that.
 */
size_t iov_copy_out(const struct iov_buf *buf, void *dst, size_t len);
size_t iov_copy_in(const struct iov_buf *buf, const void *src, size_t len);

/* Drop @len bytes, or all there are, from the front or the back. */
void iov_trim_front(struct iov_buf *buf, size_t len);
void iov_trim_back(struct iov_buf *buf, size_t len);

#endif
