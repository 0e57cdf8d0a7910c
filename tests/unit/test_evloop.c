// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/evloop.h"

#define MS UINT64_C(1000000)

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int setup(void **state)
{
	/* A loop that hangs fails the test instead of the whole run. */
	alarm(20);
	*state = evloop_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	evloop_free(*state);
	alarm(0);
	return 0;
}

static void stop_fn(void *opaque)
{
	evloop_stop(opaque);
}

/* Deliver what is ready now, and return. */
static void run_once(struct evloop *loop)
{
	struct error err = { 0 };
	struct evloop_timer *timer;

	/* A timer, as a posted stop could come before what is ready. */
	timer = evloop_timer_new(loop, stop_fn, loop, NULL);
	assert_non_null(timer);
	evloop_timer_set(timer, now() + 5 * MS);
	assert_int_equal(evloop_run(loop, &err), 0);
	evloop_timer_free(timer);
}

/* --- descriptors ---------------------------------------------------------- */

struct source {
	struct evloop *loop;
	int fd;
	unsigned int calls;
	uint32_t events;
	/* What the handler does. */
	bool drain;
	bool stop;
	int del[2]; /* descriptors to delete, or -1 */
	int mod;    /* descriptor to mute, or -1 */
};

static void source_ready(void *opaque, uint32_t events)
{
	struct source *src = opaque;
	uint64_t count;
	unsigned int i;

	src->calls++;
	src->events = events;
	if (src->drain)
		assert_int_equal(read(src->fd, &count, 8), 8);
	for (i = 0; i < 2; i++)
		if (src->del[i] >= 0)
			evloop_del(src->loop, src->del[i]);
	if (src->mod >= 0)
		assert_int_equal(evloop_mod(src->loop, src->mod, 0), 0);
	if (src->stop)
		evloop_stop(src->loop);
}

static void source_init(struct source *src, struct evloop *loop, uint64_t count)
{
	*src = (struct source){
		.loop = loop,
		.fd = eventfd(count, EFD_NONBLOCK),
		.drain = true,
		.del = { -1, -1 },
		.mod = -1,
	};
	assert_true(src->fd >= 0);
	assert_int_equal(
		evloop_add(loop, src->fd, EPOLLIN, source_ready, src, NULL), 0);
}

static void source_kick(struct source *src)
{
	const uint64_t one = 1;

	assert_int_equal(write(src->fd, &one, 8), 8);
}

static void source_end(struct source *src)
{
	evloop_del(src->loop, src->fd);
	close(src->fd);
}

static void test_ready(void **state)
{
	struct source a, b;

	source_init(&a, *state, 1);
	source_init(&b, *state, 0);
	run_once(*state);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.events, EPOLLIN);
	assert_int_equal(b.calls, 0);

	source_kick(&b);
	run_once(*state);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 1);
	source_end(&a);
	source_end(&b);
}

static void test_add_misuse(void **state)
{
	struct error err = { 0 };
	struct source a;

	source_init(&a, *state, 0);
	assert_int_equal(evloop_add(*state, a.fd, EPOLLIN, source_ready, &a,
				    &err),
			 -EEXIST);
	assert_int_equal(err.errnum, EEXIST);
	memset(&err, 0, sizeof(err));
	assert_int_equal(evloop_add(*state, -1, EPOLLIN, source_ready, &a,
				    &err),
			 -EBADF);
	assert_int_equal(err.errnum, EBADF);
	assert_int_equal(evloop_mod(*state, a.fd + 1, EPOLLIN), -ENOENT);
	evloop_del(*state, a.fd + 1);
	evloop_del(*state, -1);

	/* The first registration still works. */
	source_kick(&a);
	run_once(*state);
	assert_int_equal(a.calls, 1);
	source_end(&a);
}

static void test_regular_file(void **state)
{
	char path[] = "/tmp/test_evloop.XXXXXX";
	struct source src = { .del = { -1, -1 }, .mod = -1 };
	struct error err = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(evloop_add(*state, fd, EPOLLIN, source_ready, &src,
				    &err),
			 -EPERM);
	assert_int_equal(err.errnum, EPERM);
	assert_int_equal(evloop_add(*state, fd, 0, source_ready, &src, NULL),
			 -EPERM);
	/* It left no trace. */
	assert_int_equal(evloop_mod(*state, fd, EPOLLIN), -ENOENT);
	close(fd);
}

static void test_mod(void **state)
{
	struct source a;

	source_init(&a, *state, 1);
	assert_int_equal(evloop_mod(*state, a.fd, 0), 0);
	assert_int_equal(evloop_mod(*state, a.fd, 0), 0);
	run_once(*state);
	assert_int_equal(a.calls, 0);
	assert_int_equal(evloop_mod(*state, a.fd, EPOLLIN), 0);
	run_once(*state);
	assert_int_equal(a.calls, 1);

	a.drain = false;
	a.stop = true;
	assert_int_equal(evloop_mod(*state, a.fd, EPOLLOUT), 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.events, EPOLLOUT);
	source_end(&a);
}

/* The same mask again arms a one-shot descriptor again. */
static void test_mod_oneshot(void **state)
{
	struct source a;

	source_init(&a, *state, 1);
	a.drain = false;
	assert_int_equal(evloop_mod(*state, a.fd, EPOLLIN | EPOLLONESHOT), 0);
	run_once(*state);
	assert_int_equal(a.calls, 1);
	run_once(*state);
	assert_int_equal(a.calls, 1);
	assert_int_equal(evloop_mod(*state, a.fd, EPOLLIN | EPOLLONESHOT), 0);
	run_once(*state);
	assert_int_equal(a.calls, 2);
	source_end(&a);
}

/*
 * epoll reports a hang-up whatever the mask; a muted descriptor must not spin
 * the loop with it.
 */
static void test_muted_hangup(void **state)
{
	struct source src = { .loop = *state, .del = { -1, -1 }, .mod = -1 };
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	assert_int_equal(
		evloop_add(*state, fds[0], 0, source_ready, &src, NULL), 0);
	run_once(*state);
	assert_int_equal(src.calls, 0);

	src.stop = true;
	assert_int_equal(evloop_mod(*state, fds[0], EPOLLIN), 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(src.calls, 1);
	assert_int_equal(src.events, EPOLLHUP);

	assert_int_equal(evloop_mod(*state, fds[0], 0), 0);
	run_once(*state);
	assert_int_equal(src.calls, 1);
	evloop_del(*state, fds[0]);
	close(fds[0]);
}

static void test_del_self(void **state)
{
	struct source a;

	source_init(&a, *state, 1);
	a.drain = false;
	a.del[0] = a.fd;
	run_once(*state);
	assert_int_equal(a.calls, 1);
	source_end(&a);
}

/* Two are ready; whichever comes first deletes the other. */
static void test_del_other_in_batch(void **state)
{
	struct source a, b;

	source_init(&a, *state, 1);
	source_init(&b, *state, 1);
	a.del[0] = b.fd;
	b.del[0] = a.fd;
	run_once(*state);
	assert_int_equal(a.calls + b.calls, 1);
	source_end(&a);
	source_end(&b);
}

static void test_mute_other_in_batch(void **state)
{
	struct source a, b;

	source_init(&a, *state, 1);
	source_init(&b, *state, 1);
	a.mod = b.fd;
	b.mod = a.fd;
	run_once(*state);
	assert_int_equal(a.calls + b.calls, 1);
	source_end(&a);
	source_end(&b);
}

/*
 * Both are in the batch; the first handler closes the other's descriptor and
 * the number is used again at once, by something that is not ready.
 */
struct recycle {
	struct evloop *loop;
	int fd;
	struct recycle *other;
	unsigned int calls;
	struct source fresh;
};

static void recycle_ready(void *opaque, uint32_t events)
{
	struct recycle *r = opaque;
	struct recycle *other = r->other;
	uint64_t count;

	(void)events;
	r->calls++;
	assert_int_equal(read(r->fd, &count, 8), 8);
	evloop_del(r->loop, other->fd);
	close(other->fd);
	source_init(&r->fresh, r->loop, 0);
	assert_int_equal(r->fresh.fd, other->fd);
	other->fd = -1;
}

static void test_number_reused_in_batch(void **state)
{
	struct recycle r[2] = { 0 };
	struct source *fresh;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		r[i].loop = *state;
		r[i].other = &r[!i];
		r[i].fd = eventfd(1, EFD_NONBLOCK);
		assert_int_equal(evloop_add(*state, r[i].fd, EPOLLIN,
					    recycle_ready, &r[i], NULL),
				 0);
	}
	run_once(*state);
	assert_int_equal(r[0].calls + r[1].calls, 1);

	i = r[0].calls ? 0 : 1;
	fresh = &r[i].fresh;
	assert_int_equal(fresh->calls, 0);
	source_kick(fresh);
	run_once(*state);
	assert_int_equal(fresh->calls, 1);
	source_end(fresh);
	evloop_del(*state, r[i].fd);
	close(r[i].fd);
}

/* Many ready at once, more than one batch; each deletes two others. */
static void test_many(void **state)
{
	static struct source src[100];
	unsigned int i, calls = 0, unseen = 0;

	for (i = 0; i < 100; i++)
		source_init(&src[i], *state, 1);
	for (i = 0; i < 100; i++) {
		src[i].del[0] = src[(i + 1) % 100].fd;
		src[i].del[1] = src[(i + 50) % 100].fd;
	}
	run_once(*state);
	for (i = 0; i < 100; i++) {
		assert_true(src[i].calls <= 1);
		calls += src[i].calls;
		unseen += !src[i].calls;
	}
	assert_true(calls > 0 && unseen > 0);
	for (i = 0; i < 100; i++)
		source_end(&src[i]);
}

/* --- stop ------------------------------------------------------------------ */

static void test_stop_before_run(void **state)
{
	struct source a;

	source_init(&a, *state, 1);
	evloop_stop(*state);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(a.calls, 0);

	/* It stopped one run only. */
	run_once(*state);
	assert_int_equal(a.calls, 1);
	source_end(&a);
}

/* After the current handler; the rest is not lost, edge-triggered or not. */
static void test_stop_within_batch(void **state)
{
	struct source src[3];
	unsigned int i, round, calls = 0;

	for (i = 0; i < 3; i++) {
		source_init(&src[i], *state, 0);
		src[i].stop = true;
		src[i].drain = false;
		assert_int_equal(
			evloop_mod(*state, src[i].fd, EPOLLIN | EPOLLET), 0);
	}
	for (i = 0; i < 3; i++)
		source_kick(&src[i]);
	for (round = 1; round <= 3; round++) {
		assert_int_equal(evloop_run(*state, NULL), 0);
		for (i = 0, calls = 0; i < 3; i++)
			calls += src[i].calls;
		assert_int_equal(calls, round);
	}
	for (i = 0; i < 3; i++)
		source_end(&src[i]);
}

static void *stop_later(void *opaque)
{
	usleep(20000);
	evloop_stop(opaque);
	return NULL;
}

static void test_stop_from_thread(void **state)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, stop_later, *state), 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	pthread_join(thread, NULL);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void *signal_then_stop(void *opaque)
{
	void **arg = opaque;

	usleep(20000);
	pthread_kill(*(pthread_t *)arg[1], SIGUSR1);
	usleep(20000);
	evloop_stop(arg[0]);
	return NULL;
}

/* An interrupted wait goes on. */
static void test_signal(void **state)
{
	const struct sigaction sa = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), thread;
	void *arg[] = { *state, &self };
	uint64_t start = now();

	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, signal_then_stop, arg),
			 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_true(now() - start >= 40 * MS);
	pthread_join(thread, NULL);
}

/* --- posted functions ------------------------------------------------------ */

struct order {
	struct evloop *loop;
	unsigned int nr;
	unsigned int seen[8];
	unsigned int again; /* how often to post itself */
};

struct mark {
	struct order *order;
	unsigned int id;
	bool stop;
};

static void mark_fn(void *opaque)
{
	struct mark *mark = opaque;

	mark->order->seen[mark->order->nr++] = mark->id;
	if (mark->stop)
		evloop_stop(mark->order->loop);
}

static void test_post_order(void **state)
{
	struct order order = { .loop = *state };
	struct mark mark[] = {
		{ &order, 10, false },
		{ &order, 11, false },
		{ &order, 12, true },
	};
	unsigned int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(evloop_post(*state, mark_fn, &mark[i]), 0);
	assert_int_equal(order.nr, 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(order.nr, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(order.seen[i], 10 + i);
}

/* A stop in the middle keeps the rest, and the order, for the next run. */
static void test_post_stop(void **state)
{
	struct order order = { .loop = *state };
	struct mark mark[] = {
		{ &order, 0, true },
		{ &order, 1, false },
		{ &order, 2, true },
	};

	assert_int_equal(evloop_post(*state, mark_fn, &mark[0]), 0);
	assert_int_equal(evloop_post(*state, mark_fn, &mark[1]), 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(order.nr, 1);

	assert_int_equal(evloop_post(*state, mark_fn, &mark[2]), 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(order.nr, 3);
	assert_int_equal(order.seen[1], 1);
	assert_int_equal(order.seen[2], 2);
}

static void post_again(void *opaque)
{
	struct order *order = opaque;

	order->again++;
	assert_int_equal(evloop_post(order->loop, post_again, order), 0);
}

/* A function that posts itself for ever leaves the descriptors their turn. */
static void test_post_does_not_starve(void **state)
{
	struct order order = { .loop = *state };
	struct source a;

	source_init(&a, *state, 1);
	a.stop = true;
	post_again(&order);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(a.calls, 1);
	source_end(&a);
	/* One is still queued: evloop_free() drops it. */
}

#define POSTERS  4
#define PER_POST 5000

struct poster {
	struct evloop *loop;
	pthread_t loop_thread;
	atomic_uint posted;
	unsigned int ran; /* the loop's thread only: a race is TSan's to see */
};

static void count_post(void *opaque)
{
	struct poster *p = opaque;

	assert_true(pthread_equal(pthread_self(), p->loop_thread));
	if (++p->ran == POSTERS * PER_POST)
		evloop_stop(p->loop);
}

static void *poster_main(void *opaque)
{
	struct poster *p = opaque;
	unsigned int i;

	for (i = 0; i < PER_POST; i++)
		if (!evloop_post(p->loop, count_post, p))
			p->posted++;
	return NULL;
}

static void test_post_threads(void **state)
{
	struct poster p = { .loop = *state, .loop_thread = pthread_self() };
	pthread_t thread[POSTERS];
	unsigned int i;

	for (i = 0; i < POSTERS; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, poster_main, &p), 0);
	assert_int_equal(evloop_run(*state, NULL), 0);
	for (i = 0; i < POSTERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(p.posted, POSTERS * PER_POST);
	assert_int_equal(p.ran, POSTERS * PER_POST);
}

/* --- timers ----------------------------------------------------------------- */

struct alarm_clock {
	struct evloop *loop;
	struct evloop_timer *timer;
	struct evloop_timer *other; /* moved away when this one fires */
	unsigned int fired;
	uint64_t at;
	bool free_it;
	bool stop;
};

static void alarm_fn(void *opaque)
{
	struct alarm_clock *c = opaque;

	c->fired++;
	c->at = now();
	if (c->other)
		evloop_timer_set(c->other, now() + 3600 * 1000 * MS);
	if (c->free_it)
		evloop_timer_free(c->timer);
	if (c->stop)
		evloop_stop(c->loop);
}

static void alarm_init(struct alarm_clock *c, struct evloop *loop)
{
	*c = (struct alarm_clock){ .loop = loop };
	c->timer = evloop_timer_new(loop, alarm_fn, c, NULL);
	assert_non_null(c->timer);
}

static void test_timer(void **state)
{
	const uint64_t when = now() + 30 * MS;
	struct alarm_clock c;

	alarm_init(&c, *state);
	run_once(*state);
	assert_int_equal(c.fired, 0); /* not set yet */

	c.stop = true;
	evloop_timer_set(c.timer, when);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(c.fired, 1);
	assert_true(c.at >= when);
	run_once(*state);
	assert_int_equal(c.fired, 1); /* once */
	evloop_timer_free(c.timer);
	evloop_timer_free(NULL);
}

static void test_timer_past(void **state)
{
	static const uint64_t when[] = { 0, 1, 1000000000 };
	struct alarm_clock c;
	unsigned int i;

	alarm_init(&c, *state);
	c.stop = true;
	for (i = 0; i < 3; i++) {
		evloop_timer_set(c.timer, when[i]);
		assert_int_equal(evloop_run(*state, NULL), 0);
		assert_int_equal(c.fired, i + 1);
	}
	evloop_timer_free(c.timer);
}

static void test_timer_move_and_stop(void **state)
{
	const uint64_t start = now();
	struct alarm_clock c;

	alarm_init(&c, *state);
	evloop_timer_set(c.timer, 0);
	evloop_timer_set(c.timer, UINT64_MAX);
	run_once(*state);
	assert_int_equal(c.fired, 0);

	/* As far as can be is not the past. */
	evloop_timer_set(c.timer, UINT64_MAX - 1);
	run_once(*state);
	assert_int_equal(c.fired, 0);

	c.stop = true;
	evloop_timer_set(c.timer, start + 40 * MS);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_true(c.at >= start + 40 * MS);
	evloop_timer_free(c.timer);
}

/* Both are due and in the batch; the first to fire moves the other away. */
static void test_timer_moved_in_batch(void **state)
{
	struct alarm_clock a, b;

	alarm_init(&a, *state);
	alarm_init(&b, *state);
	a.other = b.timer;
	b.other = a.timer;
	evloop_timer_set(a.timer, 1);
	evloop_timer_set(b.timer, 1);
	run_once(*state);
	assert_int_equal(a.fired + b.fired, 1);
	evloop_timer_free(a.timer);
	evloop_timer_free(b.timer);
}

static void test_timer_free_in_handler(void **state)
{
	struct alarm_clock c;

	alarm_init(&c, *state);
	c.free_it = true;
	evloop_timer_set(c.timer, 1);
	run_once(*state);
	assert_int_equal(c.fired, 1);
}

static void again_at_once(void *opaque)
{
	struct alarm_clock *c = opaque;

	c->fired++;
	evloop_timer_set(c->timer, 1);
}

/* One that is always due keeps neither timers nor descriptors waiting. */
static void test_timer_always_due(void **state)
{
	struct alarm_clock busy = { .loop = *state };
	struct alarm_clock c;

	alarm_init(&c, *state);
	busy.timer = evloop_timer_new(*state, again_at_once, &busy, NULL);
	assert_non_null(busy.timer);
	evloop_timer_set(busy.timer, 1);
	evloop_timer_set(c.timer, now() + 10 * MS);
	c.stop = true;
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(c.fired, 1);
	assert_true(busy.fired > 1);
	evloop_timer_free(busy.timer);
	evloop_timer_free(c.timer);
}

/* What is due behind a timer that stops the loop fires in the next run. */
static void test_timer_left_by_stop(void **state)
{
	struct alarm_clock a, b;

	alarm_init(&a, *state);
	alarm_init(&b, *state);
	a.stop = b.stop = true;
	evloop_timer_set(a.timer, 1);
	evloop_timer_set(b.timer, 1);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(a.fired + b.fired, 1);
	assert_int_equal(evloop_run(*state, NULL), 0);
	assert_int_equal(a.fired + b.fired, 2);
	evloop_timer_free(a.timer);
	evloop_timer_free(b.timer);
}

static void test_free_null(void **state)
{
	(void)state;
	evloop_free(NULL);
}

/* A loop can go with descriptors watched and functions queued. */
static void test_free_busy(void **state)
{
	struct evloop *loop = evloop_new(NULL);
	struct order order = { .loop = loop };
	struct source a;

	(void)state;
	assert_non_null(loop);
	source_init(&a, loop, 1);
	assert_int_equal(evloop_post(loop, post_again, &order), 0);
	evloop_free(loop);
	close(a.fd);
	assert_int_equal(order.again, 0);
}

#define loop_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		loop_test(test_ready),
		loop_test(test_add_misuse),
		loop_test(test_regular_file),
		loop_test(test_mod),
		loop_test(test_mod_oneshot),
		loop_test(test_muted_hangup),
		loop_test(test_del_self),
		loop_test(test_del_other_in_batch),
		loop_test(test_mute_other_in_batch),
		loop_test(test_number_reused_in_batch),
		loop_test(test_many),
		loop_test(test_stop_before_run),
		loop_test(test_stop_within_batch),
		loop_test(test_stop_from_thread),
		loop_test(test_signal),
		loop_test(test_post_order),
		loop_test(test_post_stop),
		loop_test(test_post_does_not_starve),
		loop_test(test_post_threads),
		loop_test(test_timer),
		loop_test(test_timer_past),
		loop_test(test_timer_move_and_stop),
		loop_test(test_timer_moved_in_batch),
		loop_test(test_timer_free_in_handler),
		loop_test(test_timer_always_due),
		loop_test(test_timer_left_by_stop),
		cmocka_unit_test(test_free_null),
		cmocka_unit_test(test_free_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
