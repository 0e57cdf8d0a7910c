// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pairing straight from the ring buffer's records, which is nearly all of what
 * reading a trace takes: no call and no struct event for a record, and what the
 * loop needs stays in registers.
 */
#include <errno.h>

#include "pair-repeat.h"
#include "record-format.h"
#include "ring.h"

/* No tid. */
#define NOBODY INT64_MIN

/* Index of the thread, or -1: it is of no vCPU, so far. -ENOMEM. */
static __attribute__((noinline)) ssize_t change(struct pair *pair, int tid,
						enum ev_type type)
{
	size_t i;
	int ret = pair_find(pair, tid, type, &i);

	if (ret)
		return ret;
	return i == pair->count ? -1 : (ssize_t)i;
}

/* What seldom comes. */
static __attribute__((noinline)) void
take_made(struct pair *pair, struct pair_thread *thread, struct pairing *p,
	  const struct record_format *format, const uint8_t *data, size_t size,
	  uint64_t ts, int cpu)
{
	struct event ev = { .ts = ts, .cpu = cpu };

	record_read(format, data, size, &ev);
	pair_take(pair, thread, p, ev.type, &ev);
}

/* With @type a constant nothing is left of the event. */
static inline __attribute__((always_inline)) void
take_as(const enum ev_type type, struct pair *pair, struct pair_thread *thread,
	struct pairing *p, const struct record_format *format,
	const uint8_t *data, uint64_t ts)
{
	struct event ev;

	ev.ts = ts;
	record_fill(format, type, data, format->need, &ev, true, false);
	pair_take(pair, thread, p, type, &ev);
}

int pair_span(struct pair *pair, struct record_span *span)
{
	struct record_format *const *const formats = span->records->format;
	const uint64_t until = span->until;
	const uint8_t *at = span->at, *const end = span->end;
	struct pair_thread *thread = NULL;
	struct pairing *p = NULL;
	int64_t whose = NOBODY;
	/* the last exit whose first record is here */
	const uint8_t *first = NULL;
	uint64_t before = 0;
	uint64_t ts = span->ts, taken = 0, seen[EV_TYPES] = { 0 };
	int ret = 0;

	while (at + 4 <= end) {
		const struct record_format *format;
		const uint8_t *data = at + 4;
		enum ev_type type;
		uint32_t head, words;
		uint16_t id;
		int32_t tid;

		memcpy(&head, at, sizeof(head));
		memcpy(&id, data, sizeof(id));
		memcpy(&tid, data + 4, sizeof(tid));
		words = head & 0x1f;
		if (words - 1 >= RING_DATA_MAX || data + 4 * words > end)
			break;
		at = data + 4 * words;
		ts += head >> 5;
		taken++;
		format = formats[id];
		if (!format)
			continue;
		type = format->type;
		if (ts >= until || words < format->need_words)
			goto give_back;
		if (tid != whose) {
			ssize_t i = change(pair, tid, type);

			whose = NOBODY;
			if (i < -1) {
				ret = (int)i; /* the end of all reading */
				break;
			}
			if (i == -1) {
				seen[type]++;
				continue;
			}
			whose = tid;
			thread = &pair->thread[i];
			p = &pair->pairing[i];
		}
#define TAKE(which)                                                \
	do {                                                       \
		seen[which]++;                                     \
		take_as(which, pair, thread, p, format, data, ts); \
	} while (0)
		if ((type == EV_EXIT || type == EV_VCPU_EXIT) && !p->open) {
			span->ts = ts - (head >> 5);
			span->taken = taken - 1;
			at = repeat_take(pair, thread, p, format, data - 4,
					 span);
			if (at != data - 4) {
				ts = span->ts;
				taken = span->taken;
				continue;
			}
			at = data + 4 * words;
			first = data - 4;
			before = thread->exits;
		}
		/* every exit has the first two, and is looked for first */
		if (type == EV_ENTRY) {
			TAKE(EV_ENTRY);
			if (first && thread->exits == before + 1)
				repeat_learn(pair, span, first, at, &p->exit);
			first = NULL;
			continue;
		}
		if (type == EV_EXIT) {
			TAKE(EV_EXIT);
			continue;
		}
		switch (type) {
		case EV_VCPU_EXIT:
			TAKE(EV_VCPU_EXIT);
			break;
		case EV_EXCHVC:
			TAKE(EV_EXCHVC);
			break;
		case EV_FAULT:
			TAKE(EV_FAULT);
			break;
		case EV_MMIO:
			TAKE(EV_MMIO);
			break;
		case EV_SYS_ACCESS:
			TAKE(EV_SYS_ACCESS);
			break;
		case EV_USER:
			TAKE(EV_USER);
			break;
		default:
			seen[type]++;
			take_made(pair, thread, p, format, data, 4 * words, ts,
				  span->cpu);
			break;
		}
#undef TAKE
		continue;
give_back:
		at = data - 4;
		ts -= head >> 5;
		taken--;
		break;
	}
	for (int i = 0; i < EV_TYPES; i++)
		span->seen[i] += seen[i];
	span->at = at;
	span->ts = ts;
	span->taken = taken;
	return ret;
}
