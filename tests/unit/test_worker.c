// SPDX-License-Identifier: GPL-2.0-only
/* A worker serves while nobody holds it, and only then. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/worker.h"

struct fixture {
	int fd[2];
	struct worker *worker;
	unsigned int served[2]; /* atomic */
	unsigned int running;   /* atomic: handlers at work */
	sem_t done;
	sem_t *block; /* handlers wait for it, NULL: do not */
	bool yielded; /* the handler saw that it should */
	bool spin;    /* until that is so */
	char name[16];
	bool sigterm_blocked;
};

static void ready(void *opaque, unsigned int index)
{
	struct fixture *f = opaque;
	sigset_t mask;
	eventfd_t n;

	__atomic_add_fetch(&f->running, 1, __ATOMIC_SEQ_CST);
	eventfd_read(f->fd[index], &n);
	pthread_getname_np(pthread_self(), f->name, sizeof(f->name));
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	f->sigterm_blocked = sigismember(&mask, SIGTERM);
	__atomic_add_fetch(&f->served[index], 1, __ATOMIC_SEQ_CST);
	sem_post(&f->done);
	if (f->block)
		sem_wait(f->block);
	while (f->spin && !worker_should_yield(f->worker))
		usleep(100);
	f->yielded = worker_should_yield(f->worker);
	__atomic_sub_fetch(&f->running, 1, __ATOMIC_SEQ_CST);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct worker_config config = { "a-test-worker", f->fd, 2, ready, f };

	f->fd[0] = eventfd(0, EFD_NONBLOCK);
	f->fd[1] = eventfd(0, EFD_NONBLOCK);
	sem_init(&f->done, 0, 0);
	*state = f;
	return worker_new(&config, &f->worker, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	worker_free(f->worker);
	close(f->fd[0]);
	close(f->fd[1]);
	sem_destroy(&f->done);
	free(f);
	return 0;
}

static bool wait_ms(sem_t *sem, unsigned int ms)
{
	struct timespec t;
	int ret;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += (long)ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	do {
		ret = sem_timedwait(sem, &t);
	} while (ret && errno == EINTR);
	return ret == 0;
}

#define assert_served(f)     assert_true(wait_ms(&(f)->done, 10000))
#define assert_not_served(f) assert_false(wait_ms(&(f)->done, 30))

static void test_starts_held(void **state)
{
	struct fixture *f = *state;

	eventfd_write(f->fd[0], 1);
	assert_not_served(f);
	worker_resume(f->worker);
	assert_served(f);
}

static void test_serves_each_fd(void **state)
{
	struct fixture *f = *state;

	worker_resume(f->worker);
	eventfd_write(f->fd[1], 1);
	assert_served(f);
	eventfd_write(f->fd[0], 1);
	assert_served(f);
	worker_quiesce(f->worker);
	assert_int_equal(f->served[0], 1);
	assert_int_equal(f->served[1], 1);
	assert_string_equal(f->name, "a-test-worker");
	assert_true(f->sigterm_blocked);
}

static void test_holds_nest(void **state)
{
	struct fixture *f = *state;

	worker_resume(f->worker);
	worker_quiesce(f->worker); /* a reset */
	worker_quiesce(f->worker); /* a pause of the VM */
	eventfd_write(f->fd[0], 1);
	worker_resume(f->worker);
	assert_not_served(f);
	worker_resume(f->worker);
	assert_served(f);
}

static void *post_later(void *sem)
{
	usleep(30 * 1000);
	sem_post(sem);
	return NULL;
}

/* quiesce() comes back when the handler has ended, not before. */
static void test_quiesce_waits(void **state)
{
	struct fixture *f = *state;
	pthread_t t;
	sem_t block;

	sem_init(&block, 0, 0);
	f->block = &block;
	worker_resume(f->worker);
	eventfd_write(f->fd[0], 1);
	assert_served(f);
	pthread_create(&t, NULL, post_later, &block);
	worker_quiesce(f->worker);
	assert_int_equal(__atomic_load_n(&f->running, __ATOMIC_SEQ_CST), 0);
	assert_true(f->yielded);
	pthread_join(t, NULL);
	sem_destroy(&block);
}

static void test_yield(void **state)
{
	struct fixture *f = *state;

	f->spin = true;
	worker_resume(f->worker);
	assert_false(worker_should_yield(f->worker));
	eventfd_write(f->fd[0], 1);
	assert_served(f);
	worker_quiesce(f->worker);
	assert_true(f->yielded);
}

static unsigned int all_served(struct fixture *f)
{
	return __atomic_load_n(&f->served[0], __ATOMIC_SEQ_CST) +
	       __atomic_load_n(&f->served[1], __ATOMIC_SEQ_CST);
}

/* A hold right after a resume must not be taken for the one before it. */
static void test_hold_races_wakeup(void **state)
{
	struct fixture *f = *state;
	unsigned int i, served;

	for (i = 0; i < 3000; i++) {
		eventfd_write(f->fd[i & 1], 1);
		worker_resume(f->worker);
		worker_quiesce(f->worker);
		assert_int_equal(__atomic_load_n(&f->running, __ATOMIC_SEQ_CST),
				 0);
		served = all_served(f);
		if (i % 10 == 0)
			usleep(200);
		assert_int_equal(all_served(f), served);
	}
}

static void *pause_often(void *opaque)
{
	struct fixture *f = opaque;
	int i;

	for (i = 0; i < 1000; i++) {
		worker_quiesce(f->worker);
		if (__atomic_load_n(&f->running, __ATOMIC_SEQ_CST))
			abort();
		worker_resume(f->worker);
	}
	return NULL;
}

static void test_two_holders(void **state)
{
	struct fixture *f = *state;
	pthread_t a, b;
	int i;

	worker_resume(f->worker);
	pthread_create(&a, NULL, pause_often, f);
	pthread_create(&b, NULL, pause_often, f);
	for (i = 0; i < 1000; i++)
		eventfd_write(f->fd[i & 1], 1);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	/* Whatever was left by the holds is served now. */
	eventfd_write(f->fd[0], 1);
	assert_served(f);
}

/* Never resumed, or in the middle of things: the thread can be joined. */
static void test_end(void **state)
{
	struct fixture f = { .fd = { eventfd(1, EFD_NONBLOCK), -1 } };
	struct worker_config config = { "w", f.fd, 1, ready, &f };

	(void)state;
	sem_init(&f.done, 0, 0);
	worker_free(NULL);
	assert_int_equal(worker_new(&config, &f.worker, NULL), 0);
	worker_free(f.worker);
	assert_int_equal(f.served[0], 0);
	assert_int_equal(worker_new(&config, &f.worker, NULL), 0);
	worker_resume(f.worker);
	worker_free(f.worker);
	close(f.fd[0]);
}

static void test_no_descriptors(void **state)
{
	struct worker_config config = { "w", NULL, 0, ready, NULL };
	struct error err = { 0 };
	struct rlimit old, none;
	struct worker *w;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){ 0, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	assert_int_equal(worker_new(&config, &w, &err), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_null(w);
	assert_non_null(strstr(err.text, "eventfd"));
}

/* An event that nobody asks for waits; asked for again, it is served. */
static void test_watch(void **state)
{
	struct fixture *f = *state;

	worker_watch(f->worker, 0, 0);
	worker_watch(f->worker, 0, 0);
	worker_resume(f->worker);
	eventfd_write(f->fd[0], 1);
	assert_not_served(f);
	worker_quiesce(f->worker);
	worker_watch(f->worker, 0, POLLIN);
	worker_resume(f->worker);
	assert_served(f);
	assert_int_equal(f->served[0], 1);
	/* An eventfd is always writable. */
	worker_quiesce(f->worker);
	worker_watch(f->worker, 1, POLLOUT);
	worker_resume(f->worker);
	assert_served(f);
	worker_quiesce(f->worker);
	worker_watch(f->worker, 1, POLLIN);
	worker_resume(f->worker);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_starts_held),
		T(test_serves_each_fd),
		T(test_holds_nest),
		T(test_quiesce_waits),
		T(test_yield),
		T(test_hold_races_wakeup),
		T(test_two_holders),
		T(test_watch),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
