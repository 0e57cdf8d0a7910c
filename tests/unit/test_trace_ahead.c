// SPDX-License-Identifier: GPL-2.0-only
/* A compressed trace that is long enough for a thread to read ahead in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "make_dat.h"
#include "reader.h"

#define EVENTS 150000u

struct seen {
	uint64_t events, hash;
	uint64_t stop; /* after so many; 0: never */
	char damage[128];
};

static int take(const struct event *event, void *opaque)
{
	struct seen *seen = opaque;
	const uint64_t word[] = { (uint64_t)event->type, (uint64_t)event->tid,
				  (uint64_t)event->cpu, event->ts, event->pc };

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		seen->hash = (seen->hash ^ word[i]) * 0x9e3779b97f4a7c15u;
		seen->hash ^= seen->hash >> 32;
	}
	return ++seen->events == seen->stop ? -ECANCELED : 0;
}

static struct seen read_it(const char *path, uint64_t stop)
{
	struct seen seen = { .stop = stop };
	struct reader_sink sink = { take, NULL, &seen };
	struct error err = { 0 };
	struct reader *reader = reader_open(path, &err);

	if (!reader)
		fail_msg("%s", err.text);
	assert_int_equal(reader_run(reader, &sink, &err) != 0, stop != 0);
	memcpy(seen.damage, reader_info(reader)->damage, sizeof(seen.damage));
	reader_close(reader);
	return seen;
}

static void make_long(struct make_dat *m, bool packed)
{
	uint64_t ts = 1000000, seed = 1;

	make_init(m);
	m->version = 7;
	m->packed = packed;
	m->cpus = 2;
	for (unsigned int i = 0; i < EVENTS; i++) {
		int cpu;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		cpu = (int)(seed >> 33) % 2;
		ts += seed >> 54;
		make_event(m, cpu, ts, MAKE_ENTRY + i / 2 % 2, 100 + cpu,
			   seed >> 62, 7);
	}
	make_finish(m);
}

static char plain[] = "/tmp/trapline-test-XXXXXX";
static char packed[] = "/tmp/trapline-test-XXXXXX";
static struct make_dat file; /* what is in @packed */
static int fd;

static int store(const struct make_dat *m, char *path)
{
	int to = mkstemp(path);

	assert_true(to >= 0);
	assert_int_equal(write(to, m->data, m->size), m->size);
	return to;
}

static int setup(void **state)
{
	struct make_dat m;

	(void)state;
	make_long(&m, false);
	close(store(&m, plain));
	make_free(&m);
	make_long(&file, true);
	fd = store(&file, packed);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fd);
	unlink(plain);
	unlink(packed);
	make_free(&file);
	return 0;
}

static void the_same_as_unpacked(void **state)
{
	struct seen a = read_it(plain, 0), b = read_it(packed, 0);

	(void)state;
	assert_int_equal(a.events, EVENTS);
	assert_int_equal(b.events, EVENTS);
	assert_int_equal(a.hash, b.hash);
	assert_string_equal(b.damage, "");
}

/* What is before the damage is read, and it is said where that is. */
static void up_to_the_damage(void **state)
{
	const size_t step = file.size / 9;

	(void)state;
	for (size_t at = step; at < file.size - step; at += step) {
		uint8_t bad[64];
		struct seen seen;

		memset(bad, 0x5a, sizeof(bad));
		assert_int_equal(pwrite(fd, bad, sizeof(bad), (off_t)at), 64);
		seen = read_it(packed, 0);
		assert_non_null(strstr(seen.damage, "cannot be unpacked at "));
		assert_in_range(seen.events, EVENTS / 20, EVENTS - 1);
		assert_int_equal(
			pwrite(fd, file.data + at, sizeof(bad), (off_t)at), 64);
	}
	assert_int_equal(read_it(packed, 0).events, EVENTS);
}

/* Somebody has seen enough while the thread is at work. */
static void closed_early(void **state)
{
	(void)state;
	for (uint64_t stop = 1; stop < EVENTS; stop += 9973)
		assert_int_equal(read_it(packed, stop).events, stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_as_unpacked),
		cmocka_unit_test(up_to_the_damage),
		cmocka_unit_test(closed_early),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
