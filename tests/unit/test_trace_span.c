// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "pair.h"
#include "record-format.h"

/*
 * Exits paired from spans of records, where those like one before are not read
 * again, are those paired event by event: whatever is lost, twice, of another
 * thread or of another vCPU.
 */
enum id { ENTRY = 10, EXIT, VCPU_EXIT, EXCHVC, FAULT, MMIO, USER, IRQ, OTHER };

#define COMMON                                                    \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;" \
	"\tsigned:0;\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
#define FIELD(type, name, offset, size)                                \
	"\tfield:" type " " name ";\toffset:" #offset ";\tsize:" #size \
	";\tsigned:0;\n"

static const struct {
	enum id id;
	int words; /* of its records */
	const char *system, *name, *fields;
} formats[] = {
	{ ENTRY, 4, "kvm", "kvm_entry", FIELD("u64", "vcpu_pc", 8, 8) },
	{ EXIT, 6, "kvm", "kvm_exit",
	  FIELD("int", "ret", 8, 4) FIELD("u32", "esr_ec", 12, 4)
		  FIELD("u64", "vcpu_pc", 16, 8) },
	{ VCPU_EXIT, 14, "kvm", "kvm_vcpu_exit",
	  FIELD("u64", "nr", 8, 8) FIELD("u64", "pc", 16, 8)
		  FIELD("u64", "esr", 24, 8) FIELD("u64", "far", 32, 8) FIELD(
			  "u64", "ipa", 40, 8) FIELD("u32", "vcpu_id", 48, 4)
			  FIELD("u8", "kind", 52, 1) FIELD("u8", "ec", 53, 1) },
	{ EXCHVC, 10, "kvm", "kvm_exchvc",
	  FIELD("u64", "nr", 8, 8) FIELD("u64", "pc", 16, 8)
		  FIELD("u64", "esr", 24, 8) FIELD("u32", "vcpu_id", 32, 4)
			  FIELD("bool", "cond_valid", 36, 1) },
	{ FAULT, 10, "kvm", "kvm_guest_fault",
	  FIELD("u64", "vcpu_pc", 8, 8) FIELD("u64", "hsr", 16, 8)
		  FIELD("u64", "hxfar", 24, 8) FIELD("u64", "ipa", 32, 8) },
	{ MMIO, 8, "kvm", "kvm_mmio",
	  FIELD("u32", "type", 8, 4) FIELD("u32", "len", 12, 4)
		  FIELD("u64", "gpa", 16, 8) FIELD("u64", "val", 24, 8) },
	{ USER, 4, "kvm", "kvm_userspace_exit", FIELD("u32", "reason", 8, 4) },
	{ IRQ, 4, "irq", "irq_handler_entry",
	  FIELD("int", "irq", 8, 4) FIELD("__data_loc char[]", "name", 12, 4) },
	{ OTHER, 3, "kvm", "kvm_unheard_of", "" },
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static void learn(struct records *records)
{
	struct dat dat = { 0 };
	char text[2048];

	memset(records, 0, sizeof(*records));
	for (size_t i = 0; i < FORMATS; i++) {
		int n = snprintf(text, sizeof(text),
				 "name: %s\nID: %d\nformat:\n" COMMON "\n%s",
				 formats[i].name, formats[i].id,
				 formats[i].fields);

		assert_int_equal(record_learn(records, &dat, formats[i].system,
					      text, (size_t)n),
				 0);
	}
	records_finish(records);
	assert_true(records->usual);
	assert_non_null(records->format[VCPU_EXIT]);
	assert_non_null(records->format[IRQ]);
	assert_null(records->format[OTHER]);
}

/* --- a host ----------------------------------------------------------------*/

#define PAGE    4096
#define THREADS 3

static uint64_t seed;

/* 0 to @below - 1. */
static unsigned int draw(unsigned int below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(seed >> 33) % below;
}

static bool rarely(void)
{
	return !draw(30);
}

struct host {
	bool patched, both;      /* kvm_vcpu_exit, kvm_exit as well */
	uint8_t page[PAGE + 64]; /* DAT_SLACK */
	size_t fill;
	uint8_t *record; /* the last one; NULL: it was lost */
	uint64_t nr[THREADS], trap_nr[THREADS];
	uint32_t vcpu[THREADS];
	unsigned int now; /* the thread that runs */
};

/* Now and then one is lost, and nobody knows. */
static void put_record(struct host *host, enum id id, int tid)
{
	uint32_t words = 0, head;

	for (size_t i = 0; i < FORMATS; i++) {
		if (formats[i].id == id)
			words = (uint32_t)formats[i].words;
	}
	host->record = NULL;
	if (host->fill + 4 + 4 * words > PAGE || (rarely() && draw(2)))
		return;
	host->record = host->page + host->fill;
	host->fill += 4 + 4 * words;
	head = words | draw(3000) << 5;
	memset(host->record, 0, 4 + 4 * words);
	memcpy(host->record, &head, 4);
	host->record[4] = (uint8_t)id;
	memcpy(host->record + 8, &tid, 4);
}

static void put(struct host *host, size_t offset, uint64_t value, size_t size)
{
	if (host->record)
		memcpy(host->record + 4 + offset, &value, size);
}

/* Threads whose exits are looked for at the same place. */
static int tid_of(unsigned int thread)
{
	return 100 + 65536 * (int)thread;
}

/* What comes between an exit and its entry, now and then. */
static void disturb(struct host *host, int tid)
{
	if (rarely())
		put_record(host, OTHER, draw(2) ? tid : 7);
	if (rarely())
		put_record(host, IRQ, tid);
	if (rarely())
		put_record(host, ENTRY, draw(2) ? tid_of(draw(THREADS)) : 7);
	if (rarely())
		put_record(host, EXIT, tid_of(draw(THREADS)));
}

/* One of a few exits, of those that an access to a device makes. */
static void add_exit(struct host *host)
{
	const unsigned int which = draw(5);
	const unsigned int thread = draw(12) ? host->now : draw(THREADS);
	const uint64_t pc = 0xc0100000 + 8 * (which / 2);
	const uint64_t esr = 0x93c08046 + which, gpa = 0x9000000 + 8 * which;
	const int tid = tid_of(thread);
	const uint8_t kind = which == 4;

	host->now = thread;
	disturb(host, tid);
	if (rarely())
		host->nr[thread] += draw(3);
	if (rarely() && !draw(5)) {
		host->vcpu[thread] = draw(3);
		if (draw(2))
			host->nr[thread] = host->trap_nr[thread] = 0;
	}
	if (!host->patched || host->both) {
		put_record(host, EXIT, tid);
		put(host, 8, kind ? 0 : 2, 4);
		put(host, 12, kind ? 0 : 0x24, 4);
		put(host, 16, pc, 8);
		disturb(host, tid);
	}
	if (host->patched) {
		put_record(host, VCPU_EXIT, tid);
		put(host, 8, ++host->nr[thread], 8);
		put(host, 16, pc, 8);
		put(host, 24, esr, 8);
		put(host, 40, kind ? UINT64_MAX : gpa, 8);
		put(host, 48, host->vcpu[thread], 4);
		put(host, 52, kind, 1);
		put(host, 53, 0x24, 1);
		if (!kind) {
			put_record(host, EXCHVC, tid);
			put(host, 8, ++host->trap_nr[thread], 8);
			put(host, 16, pc, 8);
			put(host, 24, esr, 8);
			put(host, 32, host->vcpu[thread], 4);
			put(host, 36, which != 3, 1);
		}
	} else if (!kind) {
		put_record(host, FAULT, tid);
		put(host, 8, pc, 8);
		put(host, 16, esr, 8);
		put(host, 24, 0xf0000000 + (gpa & 0xfff), 8);
		put(host, 32, gpa & ~0xfffull, 8);
	}
	disturb(host, tid);
	if (which < 3) {
		put_record(host, MMIO, tid);
		put(host, 8, which, 4);
		put(host, 16, gpa, 8);
		put(host, 24, draw(256), 8);
	}
	if (which == 1 || rarely()) {
		put_record(host, USER, tid);
		put(host, 8, 6 + (draw(20) == 0), 4);
	}
	disturb(host, tid);
	put_record(host, ENTRY, tid);
	put(host, 8, pc + 4 * draw(2), 8);
}

/* --- both ways -------------------------------------------------------------*/

struct way {
	struct pair *pair;
	struct trap_exit *exit;
	size_t count, space;
	uint64_t seen[EV_TYPES], taken, like;
	uint64_t until; /* when the next event is, of another CPU */
};

static void take(const struct trap_exit *exit, void *opaque)
{
	struct way *way = opaque;

	if (way->count == way->space) {
		way->space = 2 * way->space + 64;
		way->exit = realloc(way->exit, way->space * sizeof(*way->exit));
		assert_non_null(way->exit);
	}
	if (exit->have & HAVE_TIME)
		assert_true(exit->ts + exit->ns < way->until);
	way->like += exit->like != 0;
	way->exit[way->count] = *exit;
	way->exit[way->count++].like = 0;
}

static void one_by_one(struct way *way, const struct records *records,
		       const uint8_t **at, uint64_t *ts)
{
	const struct record_format *format;
	struct event ev = { .cpu = 1 };
	uint32_t head;

	memcpy(&head, *at, sizeof(head));
	*ts += head >> 5;
	format = record_format(records, *at + 4, 4 * (head & 0x1f));
	if (format) {
		record_read(format, *at + 4, 4 * (head & 0x1f), &ev);
		ev.ts = *ts;
		way->seen[ev.type]++;
		assert_int_equal(pair_event(way->pair, &ev), 0);
	}
	way->taken++;
	*at += 4 + 4 * (head & 0x1f);
}

static void by_spans(struct way *way, const struct records *records,
		     const struct host *host, uint64_t ts)
{
	struct record_span span = {
		.records = records,
		.at = host->page,
		.end = host->page + host->fill,
		.ts = ts,
		.cpu = 1,
		.seen = way->seen,
	};

	/* as the reader does it where another CPU's events are in between */
	for (;;) {
		span.until = draw(2) ? UINT64_MAX : span.ts + draw(100000);
		span.taken = 0;
		way->until = span.until;
		assert_int_equal(pair_span(way->pair, &span), 0);
		way->until = UINT64_MAX;
		way->taken += span.taken;
		if (span.at >= span.end)
			break;
		one_by_one(way, records, &span.at, &span.ts);
	}
	assert_ptr_equal(span.at, span.end);
}

static void compare(const struct way *fast, const struct way *slow)
{
	const struct pair_thread *a, *b;
	size_t threads, others;

	assert_int_equal(fast->count, slow->count);
	for (size_t i = 0; i < fast->count; i++)
		assert_memory_equal(&fast->exit[i], &slow->exit[i],
				    offsetof(struct trap_exit, irq_name));
	assert_int_equal(fast->taken, slow->taken);
	assert_memory_equal(fast->seen, slow->seen, sizeof(fast->seen));
	a = pair_threads(fast->pair, &threads);
	b = pair_threads(slow->pair, &others);
	assert_int_equal(threads, others);
	assert_int_equal(threads, THREADS);
	assert_memory_equal(a, b, threads * sizeof(*a));
}

static void run(bool patched, bool both)
{
	struct host *host = calloc(1, sizeof(*host));
	struct way fast = { 0 }, slow = { 0 };
	struct records records;
	uint64_t ts = 1000000;

	assert_non_null(host);
	host->patched = patched;
	host->both = both;
	for (unsigned int i = 0; i < THREADS; i++)
		host->vcpu[i] = i;
	learn(&records);
	fast.until = slow.until = UINT64_MAX;
	fast.pair = pair_new(take, &fast);
	slow.pair = pair_new(take, &slow);
	for (int page = 0; page < 1500; page++) {
		const uint8_t *at = host->page;
		uint64_t now = ts;

		host->fill = 0;
		memset(host->page, 0xa5, sizeof(host->page));
		while (host->fill < PAGE - 300)
			add_exit(host);
		by_spans(&fast, &records, host, ts);
		while (at < host->page + host->fill)
			one_by_one(&slow, &records, &at, &now);
		ts = now + draw(1000);
		if (rarely()) {
			struct event lost = { .type = EV_LOST, .ts = ts };

			pair_event(fast.pair, &lost);
			pair_event(slow.pair, &lost);
		}
	}
	pair_finish(fast.pair);
	pair_finish(slow.pair);
	compare(&fast, &slow);
	/* or else nothing was tried */
	assert_int_equal(slow.like, 0);
	assert_true(fast.count > 20000);
	assert_true(fast.like > fast.count / 8);
	assert_true(fast.like < fast.count);
	pair_free(fast.pair);
	pair_free(slow.pair);
	free(fast.exit);
	free(slow.exit);
	records_free(&records);
	free(host);
}

static void test_stock(void **state)
{
	(void)state;
	seed = 1;
	run(false, false);
}

static void test_patched(void **state)
{
	(void)state;
	seed = 2;
	run(true, false);
}

static void test_both_events(void **state)
{
	(void)state;
	seed = 3;
	run(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stock),
		cmocka_unit_test(test_patched),
		cmocka_unit_test(test_both_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
