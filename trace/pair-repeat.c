// SPDX-License-Identifier: GPL-2.0-only
#include "pair-repeat.h"
#include "ring.h"

/* A slot is another PC's when it has been of no use so many times. */
#define STEAL 4

static inline struct repeat_slot *slot_of(const struct pair *pair, int tid,
					  uint64_t pc)
{
	uint64_t h = pc ^ (uint32_t)tid * 0x9e3779b9u;

	return &pair->repeat[(h ^ h >> 7) / 4 % REPEAT_SLOTS];
}

/* In the bytes of the records at @offset, these bits make a difference. */
static void care(struct repeat *r, size_t offset, size_t size, int bits)
{
	for (; size--; offset++)
		((uint8_t *)r->bytes[offset / 16][1])[offset % 16] =
			(uint8_t)bits;
}

/* The field is compared by its number, not by its bytes. */
static bool take_number(struct repeat *r, uint16_t *place, size_t data,
			const struct record_field *field)
{
	if (*place || field->size != sizeof(uint64_t))
		return false;
	*place = (uint16_t)(data + field->offset);
	care(r, *place, field->size, 0);
	return true;
}

/* A record's bytes at @data of those of @r that make a difference. */
static bool take_record(struct repeat *r, const struct record_format *format,
			size_t data, bool first)
{
	care(r, data, sizeof(uint16_t), 0xff);
	if (!format)
		return true;
	care(r, data + format->tid.offset, format->tid.size, 0xff);
	if (format->type == EV_ENTRY)
		return true;
	for (int i = 0; i < RECORD_FIELDS; i++) {
		if (format->field[i].mask)
			care(r, data + format->field[i].offset,
			     format->field[i].size, 0xff);
	}
	switch (format->type) {
	case EV_EXIT:
		return first;
	case EV_VCPU_EXIT:
		return take_number(r, &r->nr, data, &format->field[3]);
	case EV_EXCHVC:
		return !first &&
		       take_number(r, &r->trap_nr, data, &format->field[2]);
	case EV_USER:
		r->user = r->records;
		return true;
	case EV_IRQ:
	case EV_LOST:
		return false;
	default:
		return true;
	}
}

static bool take_records(struct repeat *r, const struct record_span *span,
			 const uint8_t *from, const uint8_t *to, int tid)
{
	const uint8_t *at = from;

	while (at < to) {
		const size_t start = (size_t)(at - from);
		const struct record_format *format;
		int32_t whose;
		uint16_t id;

		/* they were read before: none is longer than short ones are */
		memcpy(&id, at + 4, sizeof(id));
		memcpy(&whose, at + 8, sizeof(whose));
		format = span->records->format[id];
		if (r->records == REPEAT_RECORDS || (format && whose != tid))
			return false;
		care(r, start, 1, 0x1f);
		if (!take_record(r, format, start + 4, !start))
			return false;
		r->start[r->records] = (uint16_t)start;
		r->type[r->records++] =
			(uint8_t)(format ? format->type : EV_TYPES);
		at += 4 + 4 * (size_t)(*at & 0x1f);
	}
	return true;
}

static void fill(struct repeat *r, const struct record_span *span,
		 const uint8_t *from, const uint8_t *to,
		 const struct trap_exit *exit)
{
	size_t length = (size_t)(to - from);

	memset(r, 0, sizeof(*r));
	if (length > REPEAT_BYTES || !(exit->have & HAVE_TIME) ||
	    exit->have & HAVE_IRQ ||
	    !take_records(r, span, from, to, exit->tid))
		return;
	for (size_t i = 0; i < length; i++)
		((uint8_t *)r->bytes[i / 16][0])[i % 16] = from[i];
	r->exit = *exit;
	r->length = (uint16_t)length;
}

void repeat_learn(struct pair *pair, const struct record_span *span,
		  const uint8_t *from, const uint8_t *to,
		  const struct trap_exit *exit)
{
	struct repeat_slot *slot = slot_of(pair, exit->tid, exit->pc);
	struct repeat *r;

	slot->misses++;
	if (slot->pc != exit->pc) {
		/* what comes only once is not worth it */
		if (slot->pc && slot->misses < STEAL)
			return;
		slot->pc = exit->pc;
		slot->misses = 0;
		for (int i = 0; i < REPEAT_WAYS; i++)
			slot->way[i].length = 0;
		return;
	}
	/* nor is it to be done over and over */
	if (slot->misses & (slot->misses - 1))
		return;
	slot->recent = !slot->recent;
	r = &slot->way[slot->recent];
	fill(r, span, from, to, exit);
	r->exit.like = ++pair->learnt * PAIR_LIKES +
		       (uint64_t)(slot - pair->repeat) * REPEAT_WAYS +
		       (uint64_t)(r - slot->way);
}

/* --- finding them again --------------------------------------------------- */

typedef uint64_t repeat_vector __attribute__((vector_size(16)));

/* The records at @at, which end before @end, begin with those of @r. */
static inline bool same(const struct repeat *r, const uint8_t *at,
			const uint8_t *end)
{
	const uint64_t(*bytes)[2][2] = r->bytes;
	const uint8_t *const to = at + r->length;

	if (r->length - (size_t)1 >= (size_t)(end - at))
		return false;
	do {
		repeat_vector differ = { 0, 0 };

#pragma GCC unroll 4
		for (int i = 0; i < REPEAT_BLOCK / 16; i++) {
			repeat_vector a, value, mask;

			memcpy(&a, at + 16 * i, sizeof(a));
			memcpy(&value, bytes[i][0], sizeof(value));
			memcpy(&mask, bytes[i][1], sizeof(mask));
			differ |= (a ^ value) & mask;
		}
		if (differ[0] | differ[1])
			return false;
		at += REPEAT_BLOCK;
		bytes += REPEAT_BLOCK / 16;
	} while (at < to);
	return true;
}

/* The exit whose records begin at @at is one that is remembered; or NULL. */
static inline struct repeat *find(const struct pair *pair, int tid, uint64_t pc,
				  const uint8_t *at, const uint8_t *end)
{
	struct repeat_slot *slot = slot_of(pair, tid, pc);
	unsigned int way = slot->recent;

	if (slot->pc != pc)
		return NULL;
	if (!same(&slot->way[way], at, end)) {
		way = !way;
		if (!same(&slot->way[way], at, end))
			return NULL;
		slot->recent = way;
	}
	slot->misses = 0;
	return &slot->way[way];
}

/* A running number that follows @last, of which there is one. */
static inline bool follows(const uint8_t *at, uint64_t last)
{
	uint64_t nr;

	memcpy(&nr, at, sizeof(nr));
	return nr > 1 && nr - 1 == last;
}

/* ns from the record before number @i of @r to the last. */
static inline uint64_t time_from(const struct repeat *r, int i,
				 const uint8_t *at)
{
	uint64_t ns = 0;
	uint32_t head;

	for (; i < r->records; i++) {
		memcpy(&head, at + r->start[i], sizeof(head));
		ns += head >> 5;
	}
	return ns;
}

static void count_events(struct repeat *r, uint64_t *seen)
{
	for (; r; r = r->also) {
		for (int i = 0; i < r->records; i++) {
			if (r->type[i] != EV_TYPES)
				seen[r->type[i]] += r->used;
		}
		r->used = 0;
	}
}

const uint8_t *repeat_take(struct pair *pair, struct pair_thread *thread,
			   struct pairing *p,
			   const struct record_format *format,
			   const uint8_t *at, struct record_span *span)
{
	const uint8_t *const end = span->end;
	uint64_t ts = span->ts, taken = 0, exits = 0, traps = 0;
	struct repeat *used = NULL;

	/* from here on a page's times do not overflow */
	if (ts - 1 >= INT64_MAX || p->irq.type == EV_IRQ)
		return at;
	for (;;) {
		uint64_t pc = record_load(at + 4, &format->field[0], false);
		struct repeat *r = find(pair, thread->tid, pc, at, end);
		uint64_t first, entry;
		uint32_t head;

		if (!r || thread->vcpu != r->exit.vcpu ||
		    thread->tid != r->exit.tid ||
		    (r->nr && !follows(at + r->nr, p->last_nr)) ||
		    (r->trap_nr && !follows(at + r->trap_nr, p->last_trap_nr)))
			break;
		memcpy(&head, at, sizeof(head));
		first = ts + (head >> 5);
		entry = first + time_from(r, 1, at);
		if (entry >= span->until)
			break;
		r->exit.ts = first;
		r->exit.ns = entry - first;
		if (r->user)
			r->exit.user_ns = time_from(r, r->user + 1, at);
		if (!r->used++) {
			r->also = used;
			used = r;
		}
		taken += r->records;
		at += r->length;
		ts = entry;
		/* and the same as if its events were taken one by one */
		exits++;
		p->unnumbered++;
		if (r->nr) {
			p->last_nr++;
			p->unnumbered = 0;
		}
		if (r->exit.kind == EXIT_TRAP) {
			traps++;
			p->unnumbered_traps++;
		}
		if (r->trap_nr) {
			p->last_trap_nr++;
			p->unnumbered_traps = 0;
		}
		pair->fn(&r->exit, pair->opaque);
	}
	if (exits)
		p->cut = false;
	thread->exits += exits;
	thread->traps += traps;
	count_events(used, span->seen);
	span->ts = ts;
	span->taken += taken;
	return at;
}
