/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop: one epoll set, run by the main thread.  It owns the console,
 * the control socket, signals and timers.
 */
#ifndef TL_LIB_EVLOOP_H
#define TL_LIB_EVLOOP_H

#include <stdint.h>

#include "lib/error.h"

struct evloop;

/* A handler gets the EPOLL* bits that are ready. */
typedef void (*evloop_fn)(void *opaque, uint32_t events);

struct evloop *evloop_new(struct error *err); /* NULL on failure */
void evloop_free(struct evloop *loop);

/*
 * Watch @fd for @events; a descriptor is watched at most once.  -EPERM for a
 * descriptor that epoll cannot watch (a regular file): it is then always ready,
 * and the caller decides what to do.  Loop thread only.
 */
int evloop_add(struct evloop *loop, int fd, uint32_t events, evloop_fn fn,
	       void *opaque, struct error *err);
/* Change the event mask; 0 keeps the descriptor but hears nothing of it. */
int evloop_mod(struct evloop *loop, int fd, uint32_t events);
/*
 * Forget @fd; nothing if it is not watched.  Before closing it, and also from
 * within a handler, @fd's own or another's: it is not called any more.
 */
void evloop_del(struct evloop *loop, int fd);

/*
 * One-shot timer at CLOCK_MONOTONIC @when_ns; evloop_timer_set() moves it,
 * UINT64_MAX stops it.  Loop thread only.
 */
struct evloop_timer;
struct evloop_timer *evloop_timer_new(struct evloop *loop,
				      void (*fn)(void *opaque), void *opaque,
				      struct error *err);
void evloop_timer_set(struct evloop_timer *timer, uint64_t when_ns);
void evloop_timer_free(struct evloop_timer *timer);

/* Run until evloop_stop(); 0, or -errno if epoll fails. */
int evloop_run(struct evloop *loop, struct error *err);
/* Make evloop_run() return after the current handler.  Any thread. */
void evloop_stop(struct evloop *loop);
/* Run @fn on the loop's thread, soon.  Any thread. -ENOMEM. */
int evloop_post(struct evloop *loop, void (*fn)(void *opaque), void *opaque);

#endif
