// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "analysis.h"
#include "format.h"
#include "make_dat.h"
#include "reader.h"
#include "record-format.h"

static uint64_t seed;

/* xorshift64*: the same on every machine. */
static uint64_t draw(uint64_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * 2685821657736338717ull >> 11) % below;
}

struct seen {
	struct event *event;
	size_t count, space;
	struct reader_info info;
	struct error err;
};

static int see(const struct event *event, void *opaque)
{
	struct seen *seen = opaque;

	if (seen->count == seen->space) {
		seen->space = 2 * seen->space + 64;
		seen->event =
			realloc(seen->event, seen->space * sizeof(*event));
		assert_non_null(seen->event);
	}
	seen->event[seen->count++] = *event;
	return 0;
}

static char path[] = "/tmp/trapline-test-XXXXXX";

static int make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd);
}

static int drop_path(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* 0, or what reader_open() or reader_run() said no with. */
static int read_it(const uint8_t *data, size_t size, struct seen *seen)
{
	struct reader *reader;
	int ret;

	memset(seen, 0, sizeof(*seen));
	write_file(data, size);
	reader = reader_open(path, &seen->err);
	if (!reader)
		return -1;
	ret = reader_run(reader, &(struct reader_sink){ see, NULL, seen },
			 &seen->err);
	seen->info = *reader_info(reader);
	reader_close(reader);
	return ret;
}

static void assert_in_order(const struct seen *seen)
{
	for (size_t i = 1; i < seen->count; i++)
		assert_true(seen->event[i - 1].ts <= seen->event[i].ts);
}

/*
 * Entries, exits and hypercalls with their number as the program counter, on
 * CPUs that take turns at random, between events that nobody knows.
 */
static void fill(struct make_dat *m, unsigned int events, uint64_t step)
{
	uint64_t ts = 1000000;

	for (unsigned int i = 0; i < events; i++) {
		int cpu = (int)draw((uint64_t)m->cpus);

		ts += 1 + draw(step);
		make_event(m, cpu, ts, MAKE_OTHER, 5, i, i);
		ts += 1 + draw(step);
		switch (i % 3) {
		case 0:
			make_event(m, cpu, ts, MAKE_ENTRY, 100 + cpu, i, 0);
			break;
		case 1:
			make_event(m, cpu, ts, MAKE_EXIT, 100 + cpu,
				   m->host32 ? 7 : 2, i % 64);
			break;
		default:
			make_event(m, cpu, ts, MAKE_HVC, 100 + cpu, i,
				   0x84000000 + i % 16);
			break;
		}
	}
	make_finish(m);
}

static void assert_event(const struct event *ev, unsigned int i)
{
	switch (i % 3) {
	case 0:
		assert_int_equal(ev->type, EV_ENTRY);
		assert_int_equal(ev->pc, i);
		break;
	case 1:
		assert_int_equal(ev->type, EV_EXIT);
		assert_int_equal(ev->exit.kind, EXIT_TRAP);
		assert_int_equal(ev->exit.ec, i % 64);
		break;
	default:
		assert_int_equal(ev->type, EV_HVC);
		assert_int_equal(ev->pc, i);
		assert_int_equal(ev->hvc.r0, 0x84000000 + i % 16);
		break;
	}
	assert_int_equal(ev->tid, 100 + ev->cpu);
}

#define EVENTS 3000u

static void round_trip(const struct make_dat *like, uint64_t step)
{
	struct make_dat m;
	struct seen seen;

	make_init(&m);
	m.big = like->big;
	m.host32 = like->host32;
	m.packed = like->packed;
	m.version = like->version;
	m.cpus = like->cpus;
	m.buffers = like->buffers;
	fill(&m, EVENTS, step);
	if (read_it(m.data, m.size, &seen))
		fail_msg("%s", seen.err.text);
	assert_string_equal(seen.info.damage, "");
	assert_int_equal(seen.count, EVENTS);
	assert_int_equal(seen.info.events, 2 * EVENTS);
	assert_int_equal(seen.info.lost, 0);
	assert_false(seen.info.lost_unknown);
	assert_int_equal(seen.info.host32, m.host32);
	assert_int_equal(seen.info.buffers, m.buffers);
	if (m.version == 6)
		assert_int_equal(seen.info.cpus, m.cpus);
	assert_in_order(&seen);
	for (unsigned int i = 0; i < EVENTS; i++)
		assert_event(&seen.event[i], i);
	free(seen.event);
	make_free(&m);
}

/* A field by its declaration, whatever its type looks like. */
static void test_field_declarations(void **state)
{
	static const char text[] =
		"name: irq_handler_entry\nID: 80\nformat:\n"
		"\tfield:int irq;\toffset:8;\tsize:4;\tsigned:1;\n"
		"\tfield:__data_loc char[] name;\toffset:12;\tsize:4;\n"
		"\tfield:char comm[16];\toffset:16;\tsize:8;\n"
		"\tfield:const char * where;\toffset:24;\tsize:8;\n"
		"\tfield:u8 odd[];\toffset:32;\tsize:3;\n";
	static const struct {
		const char *name;
		uint16_t offset;
		uint8_t size;
	} cases[] = {
		{ "irq", 8, 4 },    { "name", 12, 4 }, { "comm", 16, 8 },
		{ "where", 24, 8 }, { "odd", 0, 0 },   { "ame", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct field field =
			format_field(text, sizeof(text) - 1, cases[i].name);

		assert_int_equal(field.size, cases[i].size);
		assert_int_equal(field.offset, cases[i].offset);
	}
}

/* Every kind of host and file; near events, and some minutes apart. */
static void test_hosts(void **state)
{
	static const uint64_t steps[] = { 3, 1000, 400000000000 };

	(void)state;
	seed = 1;
	for (unsigned int kind = 0; kind < 48; kind++) {
		struct make_dat like = {
			.big = kind & 1,
			.host32 = kind & 2,
			.packed = kind / 4 % 3 == 2,
			.version = kind / 4 % 3 ? 7 : 6,
			.cpus = kind / 12 % 2 ? 4 : 1,
			.buffers = 1,
		};

		for (size_t i = 0; i < 3; i++)
			round_trip(&like, steps[i]);
	}
}

static void test_instance(void **state)
{
	struct make_dat like = { .version = 6, .cpus = 3, .buffers = 2 };

	(void)state;
	seed = 2;
	round_trip(&like, 1000);
	like.big = true;
	round_trip(&like, 1000);
}

static void test_lost(void **state)
{
	struct make_dat m;
	struct seen seen;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		make_init(&m);
		m.big = kind & 1;
		m.host32 = kind & 2;
		m.cpus = 2;
		make_event(&m, 0, 100, MAKE_ENTRY, 1, 1, 0);
		make_event(&m, 1, 5000, MAKE_ENTRY, 2, 1, 0);
		make_lost(&m, 0, 41);
		make_event(&m, 0, 200, MAKE_ENTRY, 1, 2, 0);
		make_lost(&m, 0, -1);
		make_finish(&m);
		assert_int_equal(read_it(m.data, m.size, &seen), 0);
		assert_int_equal(seen.count, 5);
		assert_int_equal(seen.event[1].type, EV_LOST);
		assert_int_equal(seen.event[1].cpu, 0);
		assert_int_equal(seen.event[1].ts, 101);
		assert_int_equal(seen.event[1].lost.count, 41);
		assert_int_equal(seen.event[2].type, EV_ENTRY);
		assert_int_equal(seen.event[3].type, EV_LOST);
		assert_int_equal(seen.event[3].lost.count, -1);
		assert_int_equal(seen.event[4].cpu, 1);
		assert_int_equal(seen.info.lost, 41);
		assert_true(seen.info.lost_unknown);
		assert_string_equal(seen.info.damage, "");
		free(seen.event);
		make_free(&m);
	}
}

/*
 * Cut anywhere: an error of one line, or the beginning of each CPU's events,
 * and then it says that it is not all.
 */
static void cut(bool packed, int version)
{
	size_t most = 0, step = 37;
	struct make_dat m;
	struct seen seen;

	make_init(&m);
	m.cpus = 3;
	m.version = version;
	m.packed = packed;
	fill(&m, 1200, 1000);
	for (size_t size = 1; size < m.size; size += step) {
		if (read_it(m.data, size, &seen)) {
			assert_int_equal(seen.err.status, TL_TRACE);
			assert_null(strchr(seen.err.text, '\n'));
			assert_int_equal(most, 0);
		} else {
			assert_string_not_equal(seen.info.damage, "");
			assert_in_order(&seen);
			assert_true(seen.count <= 1200);
			/* more file, more events */
			assert_true(seen.count >= most);
			most = seen.count;
		}
		free(seen.event);
	}
	/* without its last bytes most of it is still there */
	assert_true(most > 800);
	make_free(&m);
}

static void test_truncated(void **state)
{
	(void)state;
	seed = 3;
	cut(false, 6);
	cut(false, 7);
	cut(true, 7);
}

/* Version 7 has all that is needed to find the events behind the events. */
static void test_salvage(void **state)
{
	struct make_dat m;
	struct seen seen;

	(void)state;
	seed = 4;
	for (int packed = 0; packed < 2; packed++) {
		make_init(&m);
		m.cpus = 3;
		m.version = 7;
		m.packed = packed;
		fill(&m, 2000, 1000);
		assert_int_equal(read_it(m.data, m.size - 140, &seen), 0);
		assert_string_not_equal(seen.info.damage, "");
		assert_int_equal(seen.count, 2000);
		for (unsigned int i = 0; i < 2000; i++) {
			assert_int_equal(seen.event[i].cpu, -1);
			seen.event[i].cpu = seen.event[i].tid - 100;
			assert_event(&seen.event[i], i);
		}
		free(seen.event);
		make_free(&m);
	}
}

/* One bad page costs its own events only. */
static void test_bad_page(void **state)
{
	struct make_dat m;
	struct seen seen;
	uint8_t junk[64];

	(void)state;
	memset(junk, 0xff, sizeof(junk));
	make_init(&m);
	make_event(&m, 0, 100, MAKE_ENTRY, 1, 1, 0);
	make_page(&m, 0, 200, junk, sizeof(junk));
	m.fill[0] = MAKE_PAGE_SIZE;
	make_event(&m, 0, 300, MAKE_ENTRY, 1, 2, 0);
	make_finish(&m);
	assert_int_equal(read_it(m.data, m.size, &seen), 0);
	assert_string_not_equal(seen.info.damage, "");
	assert_int_equal(seen.event[0].pc, 1);
	assert_int_equal(seen.event[seen.count - 1].pc, 2);
	free(seen.event);
	make_free(&m);
}

/* The head of a page that its own description puts behind the page. */
static void test_bad_page_head(void **state)
{
	static const char was[] = "commit;\toffset:8;\tsize:8;\tsigned:1;";
	static const char is[] = "commit;\toffset:65530;\tsize:8;\tsign;";
	struct seen seen;

	(void)state;
	for (int version = 6; version <= 7; version++) {
		struct make_dat m;
		uint8_t *at;

		make_init(&m);
		m.version = version;
		make_event(&m, 0, 100, MAKE_ENTRY, 1, 1, 0);
		make_finish(&m);
		at = memmem(m.data, m.size, was, sizeof(was) - 1);
		assert_non_null(at);
		memcpy(at, is, sizeof(is) - 1);
		if (read_it(m.data, m.size, &seen))
			assert_int_equal(seen.err.status, TL_TRACE);
		free(seen.event);
		make_free(&m);
	}
}

/* Where a text is in its record: within it, or there is none. */
static void test_text(void **state)
{
	static const uint8_t data[] = "abcdefgh";
	char buf[8];

	(void)state;
	record_text(3 << 16 | 2, data, sizeof(data), buf, sizeof(buf));
	assert_string_equal(buf, "cde");
	record_text(9 << 16, data, sizeof(data), buf, sizeof(buf));
	assert_string_equal(buf, "abcdefg");
	record_text(8 << 16 | 2, data, sizeof(data), buf, sizeof(buf));
	assert_string_equal(buf, "");
	record_text(1 << 16 | 0xffff, data, sizeof(data), buf, sizeof(buf));
	assert_string_equal(buf, "");
	/* Where a size_t has 32 bits, such a length and the offset wrap. */
	record_text(UINT64_C(0xfffffff8) << 16 | 16, data, sizeof(data), buf,
		    sizeof(buf));
	assert_string_equal(buf, "");
}

static void assert_sums(const char *file)
{
	struct analysis a;
	struct error err = { 0 };
	uint64_t exits = 0;

	if (analysis_load(&a, file, NULL, &err)) {
		assert_true(err.status == TL_TRACE || err.status == TL_FAIL);
		assert_null(strchr(err.text, '\n'));
		return;
	}
	for (size_t i = 0; i < a.totals.count; i++)
		exits += a.totals.vcpu[i].exits;
	assert_int_equal(exits, a.totals.all.exits);
	assert_true(exits <= a.info.events);
	analysis_free(&a);
}

/* Real files with some bytes changed: no crash, and sums that are sums. */
static void test_corrupted(void **state)
{
	static const char *const name[] = {
		"tests/golden/patched-2vcpu.dat",
		"tests/golden/stock-v6.dat",
		"tests/golden/stock-instance.dat",
	};

	(void)state;
	seed = 5;
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		FILE *file = fopen(name[i], "r");
		uint8_t *data = malloc(1 << 20), *copy = malloc(1 << 20);
		size_t size;

		assert_non_null(data);
		assert_non_null(copy);
		if (!file)
			fail_msg("%s: run from the top of the tree", name[i]);
		size = fread(data, 1, 1 << 20, file);
		fclose(file);
		for (int round = 0; round < 150; round++) {
			memcpy(copy, data, size);
			for (uint64_t n = 1 + draw(8); n; n--)
				copy[draw(size)] = (uint8_t)draw(256);
			write_file(copy, size);
			assert_sums(path);
		}
		free(data);
		free(copy);
	}
}

/* Events that are lost, doubled or out of order never add up wrongly. */
static void test_shuffled(void **state)
{
	struct make_dat m;

	(void)state;
	seed = 6;
	for (int round = 0; round < 50; round++) {
		uint64_t ts = 1000;

		make_init(&m);
		m.cpus = 4;
		for (int i = 0; i < 400; i++) {
			int cpu = (int)draw(4);

			ts += draw(50);
			if (!draw(40))
				make_lost(&m, cpu, (int64_t)draw(3) - 1);
			if (ts < m.ts[cpu])
				ts = m.ts[cpu];
			make_event(&m, cpu, ts, MAKE_ENTRY + (int)draw(4),
				   100 + (int)draw(3), draw(8), draw(64));
		}
		make_finish(&m);
		write_file(m.data, m.size);
		assert_sums(path);
		make_free(&m);
	}
}

static void assert_refused(const uint8_t *data, size_t size, const char *why)
{
	struct seen seen;

	assert_int_not_equal(read_it(data, size, &seen), 0);
	assert_int_equal(seen.err.status, TL_TRACE);
	if (!strstr(seen.err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", seen.err.text, why);
}

static void test_refused(void **state)
{
	struct make_dat m;

	(void)state;
	make_init(&m);
	make_event(&m, 0, 100, MAKE_ENTRY, 1, 1, 0);
	make_finish(&m);
	assert_refused(m.data, 5, "not a trace.dat");
	assert_refused(m.data, 16, "head is incomplete");
	m.data[10] = '9';
	assert_refused(m.data, m.size, "version \"9\"");
	m.data[10] = '6';
	m.data[12] = 7;
	assert_refused(m.data, m.size, "truncated or damaged");
	m.data[12] = 0;
	memset(m.data + 14, 0, 4);
	assert_refused(m.data, m.size, "truncated or damaged");
	make_free(&m);
	make_init(&m);
	m.version = 7;
	m.packed = true;
	make_event(&m, 0, 100, MAKE_ENTRY, 1, 1, 0);
	make_finish(&m);
	memcpy(m.data + 18, "lzma", 4);
	assert_refused(m.data, m.size, "compressed with \"lzma\"");
	make_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field_declarations),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_salvage),
		cmocka_unit_test(test_bad_page),
		cmocka_unit_test(test_bad_page_head),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_corrupted),
		cmocka_unit_test(test_shuffled),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, make_path, drop_path);
}
