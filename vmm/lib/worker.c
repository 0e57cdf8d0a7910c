// SPDX-License-Identifier: GPL-2.0-only
#include "lib/thread.h"
#include "lib/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/log.h"

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* holds, parked or ending */
	unsigned int holds;     /* written under lock, read by the handler */
	bool parked;            /* the thread is where a hold wants it */
	bool ending;
	int control; /* eventfd that gets the thread out of poll() */
	char name[16];
	void (*ready)(void *opaque, unsigned int index);
	void *opaque;
	unsigned int nr_fds;
	struct pollfd pfd[]; /* the caller's, then control */
};

bool worker_should_yield(const struct worker *worker)
{
	return __atomic_load_n(&worker->holds, __ATOMIC_RELAXED) != 0;
}

static void serve(struct worker *w)
{
	eventfd_t wakeups;
	unsigned int i;

	if (poll(w->pfd, w->nr_fds + 1, -1) < 0) {
		/* EINTR cannot be (signals are blocked); the rest is a bug or
		 * memory pressure, and spinning would make either worse. */
		log_warn("worker %s: poll: %s", w->name, strerror(errno));
		usleep(100 * 1000);
		return;
	}
	if (w->pfd[w->nr_fds].revents)
		eventfd_read(w->control, &wakeups);
	for (i = 0; i < w->nr_fds && !worker_should_yield(w); i++) {
		if (w->pfd[i].revents)
			w->ready(w->opaque, i);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	pthread_setname_np(pthread_self(), w->name);
	thread_enter(THREAD_WORKER);
	pthread_mutex_lock(&w->lock);
	while (!w->ending) {
		if (w->holds) {
			w->parked = true;
			pthread_cond_broadcast(&w->changed);
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		w->parked = false;
		pthread_mutex_unlock(&w->lock);
		serve(w);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int start_thread(struct worker *w)
{
	sigset_t all, old;
	int ret;

	/* Signals are the main thread's and the vCPU threads' business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = thread_start(&w->thread, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int worker_new(const struct worker_config *config, struct worker **out,
	       struct error *err)
{
	struct worker *w;
	unsigned int i;
	int ret;

	*out = NULL;
	w = calloc(1, sizeof(*w) + (config->nr_fds + 1) * sizeof(w->pfd[0]));
	if (!w)
		return error_set(err, TL_FAIL, ENOMEM,
				 "worker %s: out of memory", config->name);
	w->holds = 1;
	w->ready = config->ready;
	w->opaque = config->opaque;
	w->nr_fds = config->nr_fds;
	strncpy(w->name, config->name, sizeof(w->name) - 1);

	w->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->control < 0) {
		ret = error_set(err, TL_HOST, errno, "worker %s: eventfd: %s",
				w->name, strerror(errno));
		goto free_worker;
	}
	for (i = 0; i < config->nr_fds; i++)
		w->pfd[i] = (struct pollfd){ config->fds[i], POLLIN, 0 };
	w->pfd[i] = (struct pollfd){ w->control, POLLIN, 0 };

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	ret = start_thread(w);
	if (ret) {
		ret = error_set(err, TL_HOST, ret,
				"worker %s: no thread to be had: %s", w->name,
				strerror(ret));
		goto close_control;
	}
	*out = w;
	return 0;

close_control:
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	close(w->control);
free_worker:
	free(w);
	return ret;
}

void worker_watch(struct worker *w, unsigned int index, short events)
{
	struct pollfd *pfd = &w->pfd[index];

	pfd->events = events;
	/* poll() passes over a negative descriptor; the complement comes back. */
	if ((pfd->fd < 0) == (events != 0))
		pfd->fd = ~pfd->fd;
}

/* Under the lock: @holds also has a reader that takes none. */
static void set_holds(struct worker *w, unsigned int holds)
{
	__atomic_store_n(&w->holds, holds, __ATOMIC_RELAXED);
}

void worker_quiesce(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	set_holds(w, w->holds + 1);
	eventfd_write(w->control, 1);
	while (!w->parked)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void worker_resume(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	set_holds(w, w->holds - 1);
	/*
	 * Still parked until the thread itself says otherwise: a hold that comes
	 * before it wakes finds it waiting, and it looks at holds first.
	 */
	if (!w->holds)
		pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	worker_quiesce(w);
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);

	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	close(w->control);
	free(w);
}
