/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connections of a virtio-vsock device: which there are, what each has to
 * say to the guest, and how many bytes each side may still send (virtio 1.2,
 * 5.10.6.3).  No queue is seen here.
 */
#ifndef TL_VIRTIO_VSOCK_CONN_H
#define TL_VIRTIO_VSOCK_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backend/vsock.h"
#include "virtio/iov.h"

/* What a connection is to tell the guest, in the order in which it does. */
enum vsock_say {
	VSOCK_SAY_RST = 1 << 0, /* it ends with that */
	VSOCK_SAY_REQUEST = 1 << 1,
	VSOCK_SAY_RESPONSE = 1 << 2,
	VSOCK_SAY_CREDIT = 1 << 3,
	VSOCK_SAY_DATA = 1 << 4, /* the stream may have some */
	VSOCK_SAY_SHUTDOWN = 1 << 5,
};

struct vsock_conn {
	struct vsock_conn *next_hash;
	/* Of those that have something to say, and know not of it otherwise. */
	struct vsock_conn *ready_prev, *ready_next;
	bool queued;

	uint32_t host_port, guest_port;
	struct vsock_stream *stream; /* NULL once it is closed */
	bool requested;      /* by us, and the guest did not answer yet */
	bool gone;           /* for the guest; bytes wait for the host still */
	unsigned int say;    /* enum vsock_say */
	uint32_t guest_shut; /* VIRTIO_VSOCK_SHUTDOWN_* by the guest */
	uint32_t host_shut;  /* by us; told, or with VSOCK_SAY_SHUTDOWN to be */
	bool starved;        /* the guest has no room for what may be there */
	bool blocked;        /* the stream takes no more for now */

	/* Free-running counts of bytes (5.10.6.3). */
	uint32_t peer_alloc; /* the guest's buffer */
	uint32_t peer_fwd;   /* what it took out of it */
	uint32_t rx_cnt;     /* what we sent to it */
	uint32_t fwd_cnt;    /* what the host took of the guest's */
	uint32_t told_fwd;   /* fwd_cnt as the guest knows it */

	/* From the guest, for the host: a ring, made when it is needed. */
	uint8_t *buf;
	uint32_t start, len;
};

#define VSOCK_CONN_BUCKETS 256

struct vsock_conns {
	struct vsock_conn *bucket[VSOCK_CONN_BUCKETS];
	struct vsock_conn ready; /* head of the list, first in first out */
	unsigned int nr;
	uint32_t next_port; /* of the host, for the next stream that comes */
};

void vsock_conns_init(struct vsock_conns *conns);

/* NULL if there is none; one that is gone is not found. */
struct vsock_conn *vsock_conn_find(const struct vsock_conns *conns,
				   uint32_t host_port, uint32_t guest_port);

/* A new connection over @stream, which is told its owner.  NULL: no memory. */
struct vsock_conn *vsock_conn_new(struct vsock_conns *conns, uint32_t host_port,
				  uint32_t guest_port,
				  struct vsock_stream *stream);

/* Close the stream, forget all. */
void vsock_conn_free(struct vsock_conns *conns, struct vsock_conn *conn);
void vsock_conns_free_all(struct vsock_conns *conns);

/* A port of the host that no connection to @guest_port has. */
uint32_t vsock_conn_new_port(struct vsock_conns *conns, uint32_t guest_port);

/* Add to what @conn has to say; it is last in the queue if it was not in it. */
void vsock_conn_say(struct vsock_conns *conns, struct vsock_conn *conn,
		    unsigned int say);
/* The first in the queue, out of it, or NULL. */
struct vsock_conn *vsock_conn_next_ready(struct vsock_conns *conns);

/* The guest said how much it takes.  What waited for that is ready again. */
void vsock_conn_set_credit(struct vsock_conns *conns, struct vsock_conn *conn,
			   uint32_t alloc, uint32_t fwd_cnt);
/* Bytes that the guest takes now. */
uint32_t vsock_conn_credit(const struct vsock_conn *conn);

/*
 * Bytes from the guest: to the stream, or kept for it.  -EPROTO: more than we
 * said we take, or after the guest's shutdown; the connection cannot go on.
 */
int vsock_conn_put(struct vsock_conns *conns, struct vsock_conn *conn,
		   const struct iov_buf *data, uint32_t len);

/* The stream takes some again: pass on what was kept. */
void vsock_conn_flush(struct vsock_conns *conns, struct vsock_conn *conn);

/*
 * The guest will not receive, or not send, any more (@flags as in 5.10.6.6).
 * When both are so and the host has all bytes, an RST ends the connection.
 */
void vsock_conn_guest_shutdown(struct vsock_conns *conns,
			       struct vsock_conn *conn, uint32_t flags);

/*
 * The guest, or we with VSOCK_SAY_RST, ended the connection: @conn is freed, at
 * once or when the host has got the bytes that wait.
 */
void vsock_conn_end(struct vsock_conns *conns, struct vsock_conn *conn);

/* The stream gave its last byte: tell the guest. */
void vsock_conn_host_end(struct vsock_conns *conns, struct vsock_conn *conn);

/* Ask the back-end for the events that @conn waits for now, if for any. */
void vsock_conn_watch(const struct vsock_conn *conn);

#endif
