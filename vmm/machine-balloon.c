// SPDX-License-Identifier: GPL-2.0-only
/* The balloon between the guest and the control socket's clients. */
#include <errno.h>

#include "control.h"
#include "lib/clock.h"
#include "machine-parts.h"
#include "virtio/balloon.h"

/*
 * A guest that fills its balloon says so after each few pages; clients hear of
 * it once in a second, as QEMU's do, and of the last word in any case.
 */
#define NEWS_NS UINT64_C(1000000000)

/* What the guest says it has given up is its word: no more than it has. */
int session_balloon_kept(const struct session *session, uint64_t *bytes)
{
	const uint64_t size = session->cfg->mem_size;
	struct virtio_balloon_stats stats;

	if (!session->boot || !session->boot->balloon)
		return -ENODEV;
	virtio_balloon_get_stats(session->boot->balloon, &stats);
	*bytes = size - (stats.actual < size ? stats.actual : size);
	return 0;
}

int session_balloon(struct session *session, uint64_t bytes)
{
	if (!session->cfg->balloon)
		return -ENODEV;
	session->balloon_target = bytes;
	if (session->boot && session->boot->balloon)
		virtio_balloon_set_target(session->boot->balloon, bytes);
	return 0;
}

static void tell(void *opaque)
{
	struct session *session = opaque;
	uint64_t kept;

	/* What changes from here on is told next time. */
	atomic_store(&session->balloon_news.is_posted, false);
	session->balloon_news.next_ns = monotonic_ns() + NEWS_NS;
	if (!session_balloon_kept(session, &kept))
		control_event_balloon(session->control, kept);
}

static void tell_soon(void *opaque)
{
	struct session *session = opaque;
	struct balloon_news *news = &session->balloon_news;

	/* Most sessions need none. */
	if (!news->timer)
		news->timer =
			evloop_timer_new(session->loop, tell, session, NULL);
	if (news->timer)
		evloop_timer_set(news->timer, news->next_ns);
	else
		tell(session);
}

/* On a vCPU thread. */
static void balloon_changed(void *opaque)
{
	struct session *session = opaque;
	struct balloon_news *news = &session->balloon_news;

	if (session->control && !atomic_exchange(&news->is_posted, true) &&
	    evloop_post(session->loop, tell_soon, session))
		atomic_store(&news->is_posted, false);
}

int machine_balloon_new(struct session *session, struct virtio_device **out,
			struct error *err)
{
	const int ret = virtio_balloon_new(session->balloon_target, out, err);

	if (!ret)
		virtio_balloon_on_change(*out, balloon_changed, session);
	return ret;
}

void session_balloon_close(struct session *session)
{
	evloop_timer_free(session->balloon_news.timer);
}
