// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "esr.h"
#include "pair.h"

#define MAX 64

struct sink {
	struct trap_exit exit[MAX];
	size_t count;
	uint64_t total; /* also beyond MAX */
	uint64_t traps, timed;
};

static void take(const struct trap_exit *exit, void *opaque)
{
	struct sink *sink = opaque;

	if (sink->count < MAX)
		sink->exit[sink->count++] = *exit;
	sink->total++;
	sink->traps += exit->kind == EXIT_TRAP;
	sink->timed += !!(exit->have & HAVE_TIME);
}

struct fixture {
	struct sink sink;
	struct pair *pair;
	uint64_t ts;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->pair = pair_new(take, &f->sink);
	*state = f;
	return !f->pair;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pair_free(f->pair);
	free(f);
	return 0;
}

static void feed(struct fixture *f, struct event ev)
{
	f->ts += 10;
	if (!ev.ts)
		ev.ts = f->ts;
	assert_int_equal(pair_event(f->pair, &ev), 0);
}

static struct event entry(int tid)
{
	return (struct event){ .type = EV_ENTRY, .tid = tid };
}

static struct event stock(int tid, enum exit_kind kind, uint8_t ec, uint64_t pc)
{
	return (struct event){
		.type = EV_EXIT, .tid = tid, .pc = pc, .exit = { kind, ec }
	};
}

static struct event full(int tid, uint32_t vcpu, uint32_t kind, uint64_t nr,
			 uint64_t esr, uint64_t pc)
{
	return (struct event){ .type = EV_VCPU_EXIT,
			       .tid = tid,
			       .pc = pc,
			       .vexit = { .vcpu = vcpu,
					  .kind = kind,
					  .nr = nr,
					  .ec = (uint32_t)(esr >> 26),
					  .esr = esr,
					  .ipa = EV_NO_IPA } };
}

static struct event exchvc(int tid, uint32_t vcpu, uint64_t nr, uint64_t esr,
			   uint64_t pc)
{
	return (struct event){ .type = EV_EXCHVC,
			       .tid = tid,
			       .pc = pc,
			       .exchvc = { vcpu, true, nr, esr } };
}

static struct event user(int tid)
{
	return (struct event){ .type = EV_USER, .tid = tid };
}

static struct event irq(int tid, uint32_t number)
{
	return (struct event){ .type = EV_IRQ,
			       .tid = tid,
			       .irq = { number, "timer" } };
}

static const struct pair_thread *thread(struct fixture *f, size_t n)
{
	size_t count;
	const struct pair_thread *t = pair_threads(f->pair, &count);

	assert_true(n < count);
	return &t[n];
}

static void test_stock_exit(void **state)
{
	struct fixture *f = *state;

	feed(f, entry(7)); /* before the first exit: nobody's */
	feed(f, stock(7, EXIT_TRAP, EC_HVC32, 0x100));
	feed(f,
	     (struct event){ .type = EV_HVC, .tid = 7, .hvc.r0 = 0x84000000 });
	assert_int_equal(f->sink.count, 0);
	feed(f, entry(7));
	assert_int_equal(f->sink.count, 1);
	assert_int_equal(f->sink.exit[0].have,
			 HAVE_STOCK | HAVE_HVC | HAVE_TIME);
	assert_int_equal(f->sink.exit[0].ns, 20);
	assert_int_equal(f->sink.exit[0].r0, 0x84000000);
	assert_int_equal(f->sink.exit[0].vcpu, -1);
	assert_int_equal(thread(f, 0)->exits, 1);
	assert_int_equal(thread(f, 0)->stray, 0);
}

/* The patched kernel's three events of one exit are one exit. */
static void test_patched_exit(void **state)
{
	struct fixture *f = *state;

	feed(f, stock(7, EXIT_TRAP, EC_CP15_32, 0x100));
	feed(f, full(7, 3, 0, 1, 0x0fe20001, 0x100));
	feed(f, exchvc(7, 3, 1, 0x0fe20001, 0x100));
	feed(f, entry(7));
	assert_int_equal(f->sink.count, 1);
	assert_int_equal(f->sink.exit[0].vcpu, 3);
	assert_int_equal(f->sink.exit[0].esr, 0x0fe20001);
	assert_int_equal(f->sink.exit[0].ns, 30);
	assert_int_equal(thread(f, 0)->vcpu, 3);
	assert_int_equal(thread(f, 0)->traps, 1);
	assert_int_equal(thread(f, 0)->first_nr, 1);
	assert_int_equal(thread(f, 0)->lost_exits, 0);
}

/* Two exits of the same instruction with no entry between stay two. */
static void test_lost_entry(void **state)
{
	struct fixture *f = *state;

	feed(f, stock(7, EXIT_TRAP, EC_CP15_32, 0x100));
	feed(f, full(7, 0, 0, 1, 0x0fe20001, 0x100));
	feed(f, stock(7, EXIT_TRAP, EC_CP15_32, 0x100));
	feed(f, full(7, 0, 0, 2, 0x0fe20001, 0x100));
	feed(f, entry(7));
	assert_int_equal(f->sink.count, 2);
	assert_false(f->sink.exit[0].have & HAVE_TIME);
	assert_true(f->sink.exit[1].have & HAVE_TIME);
	assert_int_equal(thread(f, 0)->unpaired, 1);
	assert_int_equal(thread(f, 0)->lost_exits, 0);
}

static void test_number_gaps(void **state)
{
	struct fixture *f = *state;

	feed(f, full(7, 0, 0, 5, 0x0fe20001, 0x100));
	feed(f, exchvc(7, 0, 4, 0x0fe20001, 0x100));
	feed(f, entry(7));
	feed(f, full(7, 0, 0, 9, 0x0fe20001, 0x104)); /* 6, 7, 8 */
	feed(f, exchvc(7, 0, 6, 0x0fe20001, 0x104));  /* 5 */
	feed(f, entry(7));
	assert_int_equal(thread(f, 0)->first_nr, 5);
	assert_int_equal(thread(f, 0)->lost_exits, 3);
	assert_int_equal(thread(f, 0)->lost_traps, 1);
	assert_int_equal(thread(f, 0)->exits, 2);
}

/* kvm_exit is there, its numbered companion is lost: counted, not missing. */
static void test_half_lost_exit(void **state)
{
	struct fixture *f = *state;

	feed(f, full(7, 0, 0, 1, 0x0fe20001, 0x100));
	feed(f, entry(7));
	feed(f, stock(7, EXIT_IRQ, 0, 0x200));
	feed(f, entry(7));
	feed(f, full(7, 0, 1, 3, 0, 0x300));
	feed(f, entry(7));
	assert_int_equal(thread(f, 0)->exits, 3);
	assert_int_equal(thread(f, 0)->lost_exits, 0);
}

/* Without numbers a second entry tells of an exit that is not there. */
static void test_lost_stock_exit(void **state)
{
	struct fixture *f = *state;

	feed(f, stock(7, EXIT_IRQ, 0, 0x200));
	feed(f, entry(7));
	feed(f, entry(7));
	assert_int_equal(thread(f, 0)->lost_exits, 1);
	assert_int_equal(thread(f, 0)->exits, 1);
}

/* No pairing over a gap: the entry there may have been another one. */
static void test_lost_events(void **state)
{
	struct fixture *f = *state;

	feed(f, stock(7, EXIT_IRQ, 0, 0x200));
	feed(f, (struct event){ .type = EV_LOST, .lost.count = 100 });
	feed(f, entry(7));
	assert_int_equal(f->sink.count, 1);
	assert_false(f->sink.exit[0].have & HAVE_TIME);
	assert_int_equal(thread(f, 0)->lost_exits, 0);
	assert_int_equal(thread(f, 0)->unpaired, 1);
}

/* The VM is rebuilt in the same thread: the numbers begin anew. */
static void test_restart(void **state)
{
	struct fixture *f = *state;

	feed(f, full(7, 0, 0, 1, 0x0fe20001, 0x100));
	feed(f, full(7, 0, 0, 2, 0x0fe20001, 0x104));
	feed(f, full(7, 0, 0, 1, 0x0fe20001, 0x100));
	feed(f, full(7, 0, 0, 2, 0x0fe20001, 0x104));
	pair_finish(f->pair);
	assert_int_equal(thread(f, 0)->exits, 4);
	assert_int_equal(thread(f, 0)->lost_exits, 0);
	assert_int_equal(thread(f, 0)->restarts, 1);
	assert_int_equal(thread(f, 0)->first_nr, 1);
}

static void test_user_time(void **state)
{
	struct fixture *f = *state;

	feed(f, stock(7, EXIT_TRAP, EC_DABT_LOW, 0x100));
	feed(f, user(7));
	feed(f, entry(7));
	assert_true(f->sink.exit[0].have & HAVE_USER);
	assert_int_equal(f->sink.exit[0].ns, 20);
	assert_int_equal(f->sink.exit[0].user_ns, 10);
}

static void test_page_and_offset(void **state)
{
	struct fixture *f = *state;
	struct event fault = { .type = EV_FAULT,
			       .tid = 7,
			       .fault = { 0x93810005, 0xc0800018, 0x9000000 } };

	feed(f, stock(7, EXIT_TRAP, EC_DABT_LOW, 0x100));
	feed(f, fault);
	feed(f, entry(7));
	assert_int_equal(f->sink.exit[0].ipa, 0x9000018);
	/* S1PTW: the far address is not that of the walk */
	feed(f, stock(7, EXIT_TRAP, EC_DABT_LOW, 0x100));
	fault.fault.esr |= 1 << 7;
	feed(f, fault);
	feed(f, entry(7));
	assert_int_equal(f->sink.exit[1].ipa, 0x9000000);
}

static void test_condition_failed(void **state)
{
	struct fixture *f = *state;
	struct event ev = exchvc(7, 0, 1, 0x0fe20001, 0x100);

	ev.exchvc.cond_valid = false;
	feed(f, ev); /* alone, it still makes an exit */
	feed(f, entry(7));
	assert_int_equal(f->sink.count, 1);
	assert_int_equal(f->sink.exit[0].ec, EC_CP15_32);
	assert_true(f->sink.exit[0].have & HAVE_COND_FAILED);
}

/* Two CPUs' clocks disagree: an entry before its exit has no duration. */
static void test_time_backwards(void **state)
{
	struct fixture *f = *state;
	struct event ev = entry(7);

	feed(f, stock(7, EXIT_IRQ, 0, 0x100));
	ev.ts = 1;
	feed(f, ev);
	assert_int_equal(f->sink.count, 1);
	assert_false(f->sink.exit[0].have & HAVE_TIME);
	assert_int_equal(f->sink.exit[0].ns, 0);
}

/* Taken before the exit is traced, or after it; of one interrupt, the first. */
static void test_interrupts(void **state)
{
	struct fixture *f = *state;
	const struct trap_exit *exit = f->sink.exit;

	feed(f, irq(1, 3)); /* before anything is known of the thread */
	feed(f, stock(1, EXIT_IRQ, 0, 0x10));
	feed(f, irq(1, 4));
	feed(f, irq(1, 5));
	feed(f, entry(1));
	feed(f, irq(1, 6));
	feed(f, irq(2, 7));
	feed(f, stock(1, EXIT_IRQ, 0, 0x10));
	feed(f, full(1, 0, EXIT_IRQ, 1, 0, 0x10));
	feed(f, irq(1, 8));
	feed(f, entry(1));
	feed(f, irq(1, 9)); /* a trap has its own cause */
	feed(f, stock(1, EXIT_TRAP, EC_WFX, 0x20));
	feed(f, irq(1, 10));
	feed(f, entry(1));
	feed(f, stock(1, EXIT_IRQ, 0, 0x10)); /* none was recorded */
	pair_finish(f->pair);
	assert_int_equal(f->sink.count, 4);
	assert_true(exit[0].have & HAVE_IRQ);
	assert_int_equal(exit[0].irq, 4);
	assert_string_equal(exit[0].irq_name, "timer");
	assert_true(exit[1].have & HAVE_IRQ);
	assert_int_equal(exit[1].irq, 6);
	assert_false(exit[2].have & HAVE_IRQ);
	assert_false(exit[3].have & HAVE_IRQ);
}

static void test_many_threads(void **state)
{
	struct fixture *f = *state;
	size_t count;

	for (int tid = 1; tid <= 500; tid++)
		feed(f, stock(tid * 64, EXIT_IRQ, 0, 0x100));
	for (int tid = 1; tid <= 500; tid++)
		feed(f, entry(tid * 64));
	pair_threads(f->pair, &count);
	assert_int_equal(count, 500);
	assert_int_equal(f->sink.total, 500);
	assert_int_equal(f->sink.timed, 500);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static struct event random_event(uint32_t *seed)
{
	struct event ev;
	unsigned char *byte = (unsigned char *)&ev;

	for (size_t i = 0; i < sizeof(ev); i++)
		byte[i] = (unsigned char)random_next(seed);
	ev.type = random_next(seed) % EV_TYPES;
	ev.tid = (int)(random_next(seed) % 5);
	ev.pc = random_next(seed) % 3;
	ev.ts = random_next(seed) % 1000;
	/* fields of which only some values exist in C */
	if (ev.type == EV_EXIT)
		ev.exit.kind = random_next(seed) % EXIT_KINDS;
	if (ev.type == EV_EXCHVC)
		ev.exchvc.cond_valid = random_next(seed) & 1;
	if (ev.type == EV_MMIO)
		ev.mmio.write = random_next(seed) & 1;
	if (ev.type == EV_WFX)
		ev.wfx.wfe = random_next(seed) & 1;
	if (ev.type == EV_SYS_ACCESS)
		ev.sys.write = random_next(seed) & 1;
	return ev;
}

/* Whatever comes: the threads' sums are those of the exits handed on. */
static void test_random_events(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 300; round++) {
		struct sink sink = { .count = 0 };
		struct pair *pair = pair_new(take, &sink);
		uint64_t exits = 0, traps = 0, unpaired = 0, heads = 0;
		const struct pair_thread *t;
		uint32_t seed = round;
		size_t count;

		for (int i = 0; i < 400; i++) {
			struct event ev = random_event(&seed);

			heads += ev.type == EV_EXIT ||
				 ev.type == EV_VCPU_EXIT ||
				 ev.type == EV_EXCHVC;
			assert_int_equal(pair_event(pair, &ev), 0);
		}
		pair_finish(pair);
		t = pair_threads(pair, &count);
		for (size_t i = 0; i < count; i++) {
			exits += t[i].exits;
			traps += t[i].traps;
			unpaired += t[i].unpaired;
		}
		assert_int_equal(exits, sink.total);
		assert_int_equal(traps, sink.traps);
		assert_int_equal(unpaired, sink.total - sink.timed);
		assert_true(exits <= heads);
		pair_free(pair);
	}
}

/*
 * A well-formed run of which events are dropped at random: what is counted and
 * what is known to be lost add up to what there was, but for the end.
 */
static void test_dropped_events(void **state)
{
	(void)state;
	for (uint32_t round = 1; round < 200; round++) {
		struct sink sink = { .count = 0 };
		struct pair *pair = pair_new(take, &sink);
		uint64_t first = 0, last = 0;
		uint32_t seed = round;
		const struct pair_thread *t;
		size_t count;

		for (uint64_t nr = 1; nr <= 300; nr++) {
			struct event ev = full(9, 0, 0, nr, 0x0fe20001, nr);

			ev.ts = nr * 10;
			if (random_next(&seed) % 8) {
				assert_int_equal(pair_event(pair, &ev), 0);
				if (!first)
					first = nr;
				last = nr;
			}
			ev = entry(9);
			ev.ts = nr * 10 + 5;
			if (random_next(&seed) % 8)
				assert_int_equal(pair_event(pair, &ev), 0);
		}
		pair_finish(pair);
		t = pair_threads(pair, &count);
		assert_int_equal(count, 1);
		assert_int_equal(t->first_nr, first);
		assert_int_equal(t->exits + t->lost_exits, last - first + 1);
		pair_free(pair);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stock_exit),
		TEST(test_patched_exit),
		TEST(test_lost_entry),
		TEST(test_number_gaps),
		TEST(test_half_lost_exit),
		TEST(test_lost_stock_exit),
		TEST(test_lost_events),
		TEST(test_restart),
		TEST(test_user_time),
		TEST(test_page_and_offset),
		TEST(test_condition_failed),
		TEST(test_time_backwards),
		TEST(test_interrupts),
		TEST(test_many_threads),
		cmocka_unit_test(test_random_events),
		cmocka_unit_test(test_dropped_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
