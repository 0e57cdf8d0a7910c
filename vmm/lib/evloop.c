// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/evloop.h"

#define EVLOOP_BATCH 16

#define NS_PER_SEC   UINT64_C(1000000000)

/* A time_t of 32 bits ends there; CLOCK_MONOTONIC is 68 years from it. */
#define TIMER_MAX_SEC INT32_MAX

struct watch {
	struct watch *next;
	int fd;
	uint32_t events; /* 0: not in the epoll set */
	bool dead;
	evloop_fn fn;
	void *opaque;
};

struct post {
	struct post *next;
	void (*fn)(void *opaque);
	void *opaque;
};

struct evloop {
	int epfd;
	int wakefd;          /* eventfd: something was posted, or stop */
	int timerfd;         /* of all timers; -1: there was none yet */
	uint64_t timerfd_ns; /* when it is due; UINT64_MAX: never */
	atomic_bool stop;

	struct evloop_timer *timers;
	uint64_t round; /* of firing: each timer does so once in one */

	struct watch *watches;
	/*
	 * Deleted, but the batch may still point to them: freed when the batch
	 * is done.
	 */
	struct watch *graveyard;

	/* A stop leaves the rest of the batch to the next evloop_run(). */
	struct epoll_event batch[EVLOOP_BATCH];
	int batch_nr;
	int batch_next;

	pthread_mutex_t post_lock; /* protects post_head, post_tail */
	struct post *post_head;
	struct post **post_tail;
	/* Taken off the queue to be run; the loop's thread only. */
	struct post *post_running;
};

struct evloop_timer {
	struct evloop_timer *next;
	struct evloop *loop;
	uint64_t when_ns; /* UINT64_MAX: stopped */
	uint64_t round;   /* in which it was set or fired last */
	void (*fn)(void *opaque);
	void *opaque;
};

static void wake(struct evloop *loop)
{
	const uint64_t one = 1;

	/* EAGAIN means a counter that is full, which wakes the loop as well. */
	while (write(loop->wakefd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void drain_wake(struct evloop *loop)
{
	uint64_t count;

	while (read(loop->wakefd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

struct evloop *evloop_new(struct error *err)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct evloop *loop;

	loop = calloc(1, sizeof(*loop));
	if (!loop) {
		error_set(err, TL_FAIL, ENOMEM, "no memory for the event loop");
		return NULL;
	}
	loop->post_tail = &loop->post_head;
	loop->timerfd = -1;

	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0) {
		error_set(err, TL_FAIL, errno, "event loop: epoll_create1: %s",
			  strerror(errno));
		goto free_loop;
	}
	loop->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wakefd < 0) {
		error_set(err, TL_FAIL, errno, "event loop: eventfd: %s",
			  strerror(errno));
		goto close_epfd;
	}
	/* A null pointer marks the loop's own descriptor. */
	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, loop->wakefd, &ev) < 0) {
		error_set(err, TL_FAIL, errno, "event loop: epoll_ctl: %s",
			  strerror(errno));
		goto close_wakefd;
	}
	pthread_mutex_init(&loop->post_lock, NULL);
	return loop;

close_wakefd:
	close(loop->wakefd);
close_epfd:
	close(loop->epfd);
free_loop:
	free(loop);
	return NULL;
}

static void free_watches(struct watch **list)
{
	struct watch *watch;

	while ((watch = *list)) {
		*list = watch->next;
		free(watch);
	}
}

static void free_posts(struct post *post)
{
	while (post) {
		struct post *next = post->next;

		free(post);
		post = next;
	}
}

void evloop_free(struct evloop *loop)
{
	if (!loop)
		return;
	free_posts(loop->post_running);
	free_posts(loop->post_head);
	free_watches(&loop->watches);
	free_watches(&loop->graveyard);
	pthread_mutex_destroy(&loop->post_lock);
	if (loop->timerfd >= 0)
		close(loop->timerfd);
	close(loop->wakefd);
	close(loop->epfd);
	free(loop);
}

/* The link that points to @fd's watch, or the link at the list's end. */
static struct watch **find_watch(struct evloop *loop, int fd)
{
	struct watch **link = &loop->watches;

	while (*link && (*link)->fd != fd)
		link = &(*link)->next;
	return link;
}

static int watch_ctl(struct evloop *loop, int op, struct watch *watch,
		     uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epfd, op, watch->fd, &ev) < 0 ? -errno : 0;
}

int evloop_mod(struct evloop *loop, int fd, uint32_t events)
{
	struct watch *watch = *find_watch(loop, fd);
	int ret, op;

	if (!watch)
		return -ENOENT;
	if (!watch->events && !events)
		return 0;
	/*
	 * epoll reports EPOLLERR and EPOLLHUP whatever the mask, so to hear
	 * nothing the descriptor has to leave the set.
	 */
	if (!events)
		op = EPOLL_CTL_DEL;
	else if (!watch->events)
		op = EPOLL_CTL_ADD;
	else
		op = EPOLL_CTL_MOD;
	ret = watch_ctl(loop, op, watch, events);
	if (!ret)
		watch->events = events;
	return ret;
}

int evloop_add(struct evloop *loop, int fd, uint32_t events, evloop_fn fn,
	       void *opaque, struct error *err)
{
	struct watch *watch, **link = find_watch(loop, fd);
	int ret;

	if (*link)
		return error_set(err, TL_FAIL, EEXIST,
				 "event loop: descriptor %d is watched already",
				 fd);
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return error_set(err, TL_FAIL, ENOMEM,
				 "event loop: no memory to watch descriptor %d",
				 fd);
	watch->fd = fd;
	watch->events = events;
	watch->fn = fn;
	watch->opaque = opaque;

	/* Tried with an empty mask too, to find out what cannot be watched. */
	ret = watch_ctl(loop, EPOLL_CTL_ADD, watch, events);
	if (!ret && !events)
		ret = watch_ctl(loop, EPOLL_CTL_DEL, watch, 0);
	if (ret) {
		free(watch);
		/* Who only asks whether it can be watched wants no words. */
		return !err ? ret
			    : error_set(err, TL_FAIL, -ret,
					"event loop: cannot watch descriptor "
					"%d: %s",
					fd, strerror(-ret));
	}
	*link = watch;
	return 0;
}

void evloop_del(struct evloop *loop, int fd)
{
	struct watch *watch, **link = find_watch(loop, fd);

	watch = *link;
	if (!watch)
		return;
	if (watch->events)
		watch_ctl(loop, EPOLL_CTL_DEL, watch, 0);
	*link = watch->next;
	watch->dead = true;
	watch->next = loop->graveyard;
	loop->graveyard = watch;
}

/* --- timers, which share a descriptor --------------------------------------*/

static uint64_t first_due(const struct evloop *loop)
{
	const struct evloop_timer *timer;
	uint64_t first = UINT64_MAX;

	for (timer = loop->timers; timer; timer = timer->next)
		if (timer->when_ns < first)
			first = timer->when_ns;
	return first;
}

static void set_timerfd(struct evloop *loop)
{
	const uint64_t when_ns = first_due(loop);
	struct itimerspec its = { 0 };

	if (when_ns == loop->timerfd_ns)
		return;
	loop->timerfd_ns = when_ns;
	if (when_ns != UINT64_MAX) {
		uint64_t sec = when_ns / NS_PER_SEC;

		its.it_value.tv_sec =
			(time_t)(sec < TIMER_MAX_SEC ? sec : TIMER_MAX_SEC);
		/* All zero would stop the timer, not fire it at once. */
		its.it_value.tv_nsec = when_ns ? (long)(when_ns % NS_PER_SEC)
					       : 1;
	}
	timerfd_settime(loop->timerfd, TFD_TIMER_ABSTIME, &its, NULL);
}

/* A timer that is set anew meanwhile waits for the next round. */
static struct evloop_timer *next_due(const struct evloop *loop, uint64_t now)
{
	struct evloop_timer *timer;

	for (timer = loop->timers; timer; timer = timer->next)
		if (timer->when_ns <= now && timer->round != loop->round)
			return timer;
	return NULL;
}

static void timers_due(void *opaque, uint32_t events)
{
	struct evloop *loop = opaque;
	struct evloop_timer *timer;
	uint64_t count, now;

	(void)events;
	/* EAGAIN: moved by a handler earlier in the same batch. */
	if (read(loop->timerfd, &count, sizeof(count)) != sizeof(count))
		return;
	loop->timerfd_ns = UINT64_MAX;
	now = monotonic_ns();
	loop->round++;
	/* From the start each time: a handler may free any timer. */
	while (!loop->stop && (timer = next_due(loop, now))) {
		timer->when_ns = UINT64_MAX;
		timer->round = loop->round;
		timer->fn(timer->opaque);
	}
	set_timerfd(loop);
}

static int open_timerfd(struct evloop *loop, struct error *err)
{
	int fd, ret;

	if (loop->timerfd >= 0)
		return 0;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return error_set(err, TL_FAIL, errno,
				 "event loop: timerfd_create: %s",
				 strerror(errno));
	ret = evloop_add(loop, fd, EPOLLIN, timers_due, loop, err);
	if (ret) {
		close(fd);
		return ret;
	}
	loop->timerfd = fd;
	loop->timerfd_ns = UINT64_MAX;
	return 0;
}

struct evloop_timer *evloop_timer_new(struct evloop *loop,
				      void (*fn)(void *opaque), void *opaque,
				      struct error *err)
{
	struct evloop_timer *timer;

	if (open_timerfd(loop, err))
		return NULL;
	timer = malloc(sizeof(*timer));
	if (!timer) {
		error_set(err, TL_FAIL, ENOMEM, "no memory for a timer");
		return NULL;
	}
	*timer = (struct evloop_timer){
		.next = loop->timers,
		.loop = loop,
		.when_ns = UINT64_MAX,
		.fn = fn,
		.opaque = opaque,
	};
	loop->timers = timer;
	return timer;
}

void evloop_timer_set(struct evloop_timer *timer, uint64_t when_ns)
{
	timer->when_ns = when_ns;
	timer->round = timer->loop->round;
	set_timerfd(timer->loop);
}

void evloop_timer_free(struct evloop_timer *timer)
{
	struct evloop_timer **link;

	if (!timer)
		return;
	link = &timer->loop->timers;
	while (*link != timer)
		link = &(*link)->next;
	*link = timer->next;
	free(timer);
}

int evloop_post(struct evloop *loop, void (*fn)(void *opaque), void *opaque)
{
	struct post *post;

	post = malloc(sizeof(*post));
	if (!post)
		return -ENOMEM;
	*post = (struct post){ .fn = fn, .opaque = opaque };

	pthread_mutex_lock(&loop->post_lock);
	*loop->post_tail = post;
	loop->post_tail = &post->next;
	pthread_mutex_unlock(&loop->post_lock);
	wake(loop);
	return 0;
}

void evloop_stop(struct evloop *loop)
{
	loop->stop = true;
	wake(loop);
}

/*
 * Run what is in the queue now.  What these functions post waits for the next
 * round, so that a function that posts itself does not starve the descriptors.
 */
static void run_posts(struct evloop *loop)
{
	struct post **tail = &loop->post_running;

	/* Behind what a stop left over. */
	while (*tail)
		tail = &(*tail)->next;

	pthread_mutex_lock(&loop->post_lock);
	*tail = loop->post_head;
	loop->post_head = NULL;
	loop->post_tail = &loop->post_head;
	pthread_mutex_unlock(&loop->post_lock);

	while (loop->post_running && !loop->stop) {
		struct post post = *loop->post_running;

		free(loop->post_running);
		loop->post_running = post.next;
		post.fn(post.opaque);
	}
}

static void dispatch(struct evloop *loop, const struct epoll_event *ev)
{
	struct watch *watch = ev->data.ptr;
	uint32_t events;

	if (!watch) {
		drain_wake(loop);
		run_posts(loop);
		return;
	}
	/* A handler before this one may have deleted or changed the watch. */
	if (watch->dead || !watch->events)
		return;
	events = ev->events & (watch->events | EPOLLERR | EPOLLHUP);
	if (events)
		watch->fn(watch->opaque, events);
}

int evloop_run(struct evloop *loop, struct error *err)
{
	int n, ret = 0;

	/* What a stop left over would wait for the next wake-up otherwise. */
	if (loop->post_running)
		wake(loop);

	while (!loop->stop) {
		if (loop->batch_next < loop->batch_nr) {
			dispatch(loop, &loop->batch[loop->batch_next++]);
			continue;
		}
		free_watches(&loop->graveyard);
		n = epoll_wait(loop->epfd, loop->batch, EVLOOP_BATCH, -1);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			ret = error_set(err, TL_FAIL, errno,
					"event loop: epoll_wait: %s",
					strerror(errno));
			break;
		}
		loop->batch_nr = n;
		loop->batch_next = 0;
	}
	loop->stop = false;
	return ret;
}
