/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's end of virtio-vsock: a place where ports of the host are found and
 * from where streams to ports of the guest come.  virtio/ sees this header
 * only.  One thread at a time, the device's worker.
 */
#ifndef TL_BACKEND_VSOCK_H
#define TL_BACKEND_VSOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "lib/error.h"

struct vsock_host;

/* One stream; the head of the back-end's own structure. */
struct vsock_stream {
	struct vsock_host *host;
	void *owner; /* the device's */
};

struct vsock_event {
	struct vsock_stream *stream;
	bool incoming; /* a new stream, to @port of the guest */
	uint32_t port;
	/* Else what watch() asked for has come. */
	bool readable; /* or at its end */
	bool writable; /* or nobody reads it any more */
};

struct vsock_host_ops {
	/* The next event, false if there is none: host->fd tells when. */
	bool (*next)(struct vsock_host *host, struct vsock_event *event);
	/*
	 * While off, streams to the guest wait where they are: next() gives
	 * none.  On at first.
	 */
	void (*listen)(struct vsock_host *host, bool on);
	/* A stream to @port of the host, or -errno: nobody is there. */
	int (*connect)(struct vsock_host *host, uint32_t port,
		       struct vsock_stream **out);
	/* Tell an incoming stream that it is connected, from @host_port. */
	int (*accept)(struct vsock_stream *stream, uint32_t host_port);
	/*
	 * One event of a stream is heard for each call: readable, writable or,
	 * with neither, only its loss, which comes as both.
	 */
	void (*watch)(struct vsock_stream *stream, bool readable,
		      bool writable);
	/* Bytes; 0 at the end of the stream; -EAGAIN; -errno: it is gone. */
	ssize_t (*read)(struct vsock_stream *stream, const struct iovec *iov,
			int iovcnt);
	/* Bytes, -EAGAIN, or -errno: nobody reads it any more. */
	ssize_t (*write)(struct vsock_stream *stream, const struct iovec *iov,
			 int iovcnt);
	/* Is it lost in both directions?  What was sent may still be read. */
	bool (*is_lost)(struct vsock_stream *stream);
	/* No more of it will be read, or written. */
	void (*shutdown)(struct vsock_stream *stream, bool read, bool write);
	void (*close)(struct vsock_stream *stream);
	/* All streams are closed by then. */
	void (*free)(struct vsock_host *host);
};

/* The head of the back-end's own structure. */
struct vsock_host {
	const struct vsock_host_ops *ops;
	int fd; /* poll it for POLLIN; constant */
	char label[32];
};

static inline void vsock_host_free(struct vsock_host *host)
{
	if (host)
		host->ops->free(host);
}

#endif
