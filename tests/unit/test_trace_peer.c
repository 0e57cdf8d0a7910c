// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <event-parse.h>
#include <trace-cmd.h>

#include "make_dat.h"
#include "pair.h"
#include "reader.h"
#include "record-format.h"

/*
 * The reader against libtracecmd, which reads the same files by other code: the
 * same events of each CPU, with the same fields, and the same losses.  And the
 * reader against itself: exits paired straight from the records are those paired
 * event by event.
 */
#define CPUS_MAX 8

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libtracecmd\nleak:vsscanf\n";
}

struct list {
	struct event *event;
	size_t count, space;
};

/* What one of the two read: events of each CPU, and records of any kind. */
struct seen {
	struct list cpu[CPUS_MAX];
	uint64_t records;
	bool host32;
};

static struct event *append(struct seen *seen, int cpu)
{
	struct list *list;

	assert_in_range(cpu, 0, CPUS_MAX - 1);
	list = &seen->cpu[cpu];
	if (list->count == list->space) {
		list->space = 2 * list->space + 64;
		list->event = realloc(list->event,
				      list->space * sizeof(*list->event));
		assert_non_null(list->event);
	}
	memset(&list->event[list->count], 0, sizeof(*list->event));
	return &list->event[list->count++];
}

static void seen_free(struct seen *seen)
{
	for (int i = 0; i < CPUS_MAX; i++)
		free(seen->cpu[i].event);
	memset(seen, 0, sizeof(*seen));
}

/* --- ours ------------------------------------------------------------------*/

static int take_ours(const struct event *event, void *opaque)
{
	struct seen *seen = opaque;

	*append(seen, event->cpu) = *event;
	return 0;
}

static void read_ours(const char *path, struct seen *seen)
{
	struct error err = { 0 };
	struct reader *reader = reader_open(path, &err);

	if (!reader)
		fail_msg("%s", err.text);
	assert_int_equal(
		reader_run(reader,
			   &(struct reader_sink){ take_ours, NULL, seen },
			   &err),
		0);
	assert_string_equal(reader_info(reader)->damage, "");
	seen->records = reader_info(reader)->events;
	reader_close(reader);
}

/* --- libtracecmd's ---------------------------------------------------------*/

/* Two names are what 32- and 64-bit kernels call the same. */
static uint64_t number(struct tep_event *event, struct tep_record *record,
		       const char *name, const char *other)
{
	struct tep_format_field *field = tep_find_any_field(event, name);
	unsigned long long value = 0;

	if (!field && other)
		field = tep_find_any_field(event, other);
	if (field)
		assert_int_equal(
			tep_read_number_field(field, record->data, &value), 0);
	return value;
}

static enum exit_kind kind(bool host32, uint64_t ret)
{
	ret &= 0x7fffffff;
	if (host32)
		return ret == 7               ? EXIT_TRAP
		       : ret == 4             ? EXIT_SERROR
		       : ret == 5 || ret == 6 ? EXIT_IRQ
					      : EXIT_OTHER;
	return ret == 0   ? EXIT_IRQ
	       : ret == 1 ? EXIT_SERROR
	       : ret == 2 ? EXIT_TRAP
	       : ret == 3 ? EXIT_IL
			  : EXIT_OTHER;
}

#define N(name)         number(event, record, name, NULL)
#define N2(name, other) number(event, record, name, other)

/* False for an event that the reader only counts. */
static bool translate(struct tep_event *event, struct tep_record *record,
		      bool host32, struct event *ev)
{
	const char *name = event->name;

	if (!strcmp(event->system, "irq")) {
		struct tep_format_field *field;
		unsigned long long loc;

		if (strcmp(name, "irq_handler_entry") != 0)
			return false;
		ev->type = EV_IRQ;
		ev->irq.number = (uint32_t)N("irq");
		field = tep_find_any_field(event, "name");
		assert_non_null(field);
		loc = tep_read_number(event->tep,
				      (char *)record->data + field->offset, 4);
		strncpy(ev->irq.name, (char *)record->data + (loc & 0xffff),
			sizeof(ev->irq.name) - 1);
		return true;
	}
	if (strcmp(event->system, "kvm") != 0)
		return false;
	ev->pc = N2("vcpu_pc", "pc");
	if (!strcmp(name, "kvm_entry")) {
		ev->type = EV_ENTRY;
	} else if (!strcmp(name, "kvm_exit")) {
		ev->type = EV_EXIT;
		ev->exit.kind = kind(host32, N2("ret", "idx"));
		ev->exit.ec = N2("esr_ec", "exit_reason") & 0x3f;
	} else if (!strcmp(name, "kvm_vcpu_exit")) {
		ev->type = EV_VCPU_EXIT;
		ev->vexit.vcpu = (uint32_t)N("vcpu_id");
		ev->vexit.kind = (uint32_t)N("kind");
		ev->vexit.ec = (uint32_t)N("ec");
		ev->vexit.nr = N("nr");
		ev->vexit.esr = N("esr");
		ev->vexit.far = N("far");
		ev->vexit.ipa = N("ipa");
	} else if (!strcmp(name, "kvm_exchvc")) {
		ev->type = EV_EXCHVC;
		ev->exchvc.vcpu = (uint32_t)N("vcpu_id");
		ev->exchvc.cond_valid = N("cond_valid");
		ev->exchvc.nr = N("nr");
		ev->exchvc.esr = N("esr");
	} else if (!strcmp(name, "kvm_guest_fault")) {
		ev->type = EV_FAULT;
		ev->fault.esr = N2("hsr", "esr");
		ev->fault.far = N2("hxfar", "far");
		ev->fault.ipa = N("ipa");
	} else if (!strcmp(name, "kvm_mmio")) {
		ev->type = EV_MMIO;
		ev->mmio.write = N("type") == 2;
		ev->mmio.gpa = N("gpa");
	} else if (!strcmp(name, "kvm_hvc") || !strcmp(name, "kvm_hvc_arm64")) {
		ev->type = EV_HVC;
		ev->hvc.r0 = N("r0");
	} else if (!strcmp(name, "kvm_wfx") || !strcmp(name, "kvm_wfx_arm64")) {
		ev->type = EV_WFX;
		ev->wfx.wfe = N("is_wfe");
	} else if (!strcmp(name, "kvm_sys_access") ||
		   !strcmp(name, "kvm_emulate_cp15_imp")) {
		ev->type = EV_SYS_ACCESS;
		ev->sys.write = N("is_write");
		ev->sys.op0 = N("Op0") & 0xf;
		ev->sys.op1 = N("Op1") & 0xf;
		ev->sys.crn = N("CRn") & 0xf;
		ev->sys.crm = N("CRm") & 0xf;
		ev->sys.op2 = N("Op2") & 0xf;
	} else if (!strcmp(name, "kvm_handle_sys_reg")) {
		ev->type = EV_SYS_ESR;
		ev->sys_esr.esr = N("hsr");
	} else if (!strcmp(name, "kvm_userspace_exit")) {
		ev->type = EV_USER;
		ev->user.reason = (uint32_t)N("reason");
	} else {
		return false;
	}
	return true;
}

static int take_theirs(struct tracecmd_input *input, struct tep_record *record,
		       int cpu, void *opaque)
{
	struct tep_handle *tep = tracecmd_get_tep(input);
	struct tep_event *event = tep_find_event_by_record(tep, record);
	struct seen *seen = opaque;
	/* @cpu counts on from buffer to buffer */
	struct event ev = { .ts = record->ts, .cpu = record->cpu };

	(void)cpu;
	seen->records++;
	if (record->missed_events) {
		ev.type = EV_LOST;
		ev.lost.count = record->missed_events;
		*append(seen, record->cpu) = ev;
		memset(&ev, 0, sizeof(ev));
		ev.ts = record->ts;
		ev.cpu = record->cpu;
	}
	if (event && translate(event, record, seen->host32, &ev)) {
		ev.tid = tep_data_pid(tep, record);
		*append(seen, record->cpu) = ev;
	}
	return 0;
}

static void read_theirs(const char *path, struct seen *seen)
{
	struct tracecmd_input *input, *handle[4];
	int nr = 1;

	input = tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!input)
		fail_msg("%s: libtracecmd cannot read it", path);
	seen->host32 = tep_get_long_size(tracecmd_get_tep(input)) == 4;
	handle[0] = input;
	for (int i = 0; i < tracecmd_buffer_instances(input) && nr < 4; i++)
		handle[nr++] = tracecmd_buffer_instance_handle(input, i);
	assert_int_equal(tracecmd_iterate_events_multi(handle, nr, take_theirs,
						       seen),
			 0);
	while (nr > 1)
		tracecmd_close(handle[--nr]);
	tracecmd_close(input);
}

/* --- by records, and event by event ----------------------------------------*/

struct exits {
	struct pair *pair;
	struct trap_exit *exit;
	size_t count, space;
	struct reader_info info;
	uint64_t spans; /* records that were taken from one */
	uint64_t like; /* exits that were known by the bytes of their records */
};

static void take_exit(const struct trap_exit *exit, void *opaque)
{
	struct exits *e = opaque;

	if (e->count == e->space) {
		e->space = 2 * e->space + 64;
		e->exit = realloc(e->exit, e->space * sizeof(*e->exit));
		assert_non_null(e->exit);
	}
	e->like += exit->like != 0;
	e->exit[e->count] = *exit;
	e->exit[e->count++].like = 0;
}

static int to_pair(const struct event *event, void *opaque)
{
	struct exits *e = opaque;

	return pair_event(e->pair, event);
}

static int span_to_pair(struct record_span *span, void *opaque)
{
	struct exits *e = opaque;
	int ret = pair_span(e->pair, span);

	e->spans += span->taken;
	return ret;
}

static void read_exits(const char *path, bool spans, struct exits *e)
{
	struct reader_sink sink = { to_pair, spans ? span_to_pair : NULL, e };
	struct error err = { 0 };
	struct reader *reader = reader_open(path, &err);

	memset(e, 0, sizeof(*e));
	if (!reader)
		fail_msg("%s", err.text);
	e->pair = pair_new(take_exit, e);
	assert_non_null(e->pair);
	assert_int_equal(reader_run(reader, &sink, &err), 0);
	pair_finish(e->pair);
	e->info = *reader_info(reader);
	reader_close(reader);
}

/* How many records were taken from spans; and in @like, how many exits whole. */
static uint64_t compare_exits(const char *path, uint64_t *like)
{
	const struct pair_thread *a, *b;
	struct exits fast, slow;
	size_t threads, others;
	uint64_t spans;

	read_exits(path, true, &fast);
	read_exits(path, false, &slow);
	assert_int_equal(fast.count, slow.count);
	for (size_t i = 0; i < fast.count; i++) {
		const struct trap_exit *x = &fast.exit[i], *y = &slow.exit[i];

		assert_memory_equal(x, y, offsetof(struct trap_exit, irq_name));
		if (x->have & HAVE_IRQ)
			assert_string_equal(x->irq_name, y->irq_name);
	}
	a = pair_threads(fast.pair, &threads);
	b = pair_threads(slow.pair, &others);
	assert_int_equal(threads, others);
	if (threads)
		assert_memory_equal(a, b, threads * sizeof(*a));
	assert_int_equal(fast.info.events, slow.info.events);
	assert_int_equal(fast.info.first_ts, slow.info.first_ts);
	assert_int_equal(fast.info.last_ts, slow.info.last_ts);
	assert_int_equal(fast.info.lost, slow.info.lost);
	assert_int_equal(fast.info.lost_unknown, slow.info.lost_unknown);
	assert_int_equal(fast.info.buffers, slow.info.buffers);
	assert_memory_equal(fast.info.kvm, slow.info.kvm,
			    sizeof(fast.info.kvm));
	assert_int_equal(slow.spans, 0);
	assert_int_equal(slow.like, 0);
	spans = fast.spans;
	*like = fast.like;
	pair_free(fast.pair);
	pair_free(slow.pair);
	free(fast.exit);
	free(slow.exit);
	return spans;
}

/* --- both ------------------------------------------------------------------*/

static bool same(const struct event *a, const struct event *b)
{
	if (a->type != b->type || a->ts != b->ts || a->cpu != b->cpu ||
	    a->tid != b->tid || a->pc != b->pc)
		return false;
	switch (a->type) {
	case EV_EXIT:
		return a->exit.kind == b->exit.kind && a->exit.ec == b->exit.ec;
	case EV_VCPU_EXIT:
		return a->vexit.vcpu == b->vexit.vcpu &&
		       a->vexit.kind == b->vexit.kind &&
		       a->vexit.ec == b->vexit.ec &&
		       a->vexit.nr == b->vexit.nr &&
		       a->vexit.esr == b->vexit.esr &&
		       a->vexit.far == b->vexit.far &&
		       a->vexit.ipa == b->vexit.ipa;
	case EV_EXCHVC:
		return a->exchvc.vcpu == b->exchvc.vcpu &&
		       a->exchvc.cond_valid == b->exchvc.cond_valid &&
		       a->exchvc.nr == b->exchvc.nr &&
		       a->exchvc.esr == b->exchvc.esr;
	case EV_FAULT:
		return a->fault.esr == b->fault.esr &&
		       a->fault.far == b->fault.far &&
		       a->fault.ipa == b->fault.ipa;
	case EV_MMIO:
		return a->mmio.gpa == b->mmio.gpa &&
		       a->mmio.write == b->mmio.write;
	case EV_HVC:
		return a->hvc.r0 == b->hvc.r0;
	case EV_WFX:
		return a->wfx.wfe == b->wfx.wfe;
	case EV_SYS_ACCESS:
		return !memcmp(&a->sys, &b->sys, sizeof(a->sys));
	case EV_SYS_ESR:
		return a->sys_esr.esr == b->sys_esr.esr;
	case EV_USER:
		return a->user.reason == b->user.reason;
	case EV_IRQ:
		return a->irq.number == b->irq.number &&
		       !strncmp(a->irq.name, b->irq.name, sizeof(a->irq.name));
	case EV_LOST:
		return a->lost.count == b->lost.count;
	default:
		return true;
	}
}

/* How many events, lost ones included. */
static size_t compare(const char *path)
{
	struct seen ours = { 0 }, theirs = { 0 };
	size_t events = 0;

	read_ours(path, &ours);
	read_theirs(path, &theirs);
	assert_int_equal(ours.records, theirs.records);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		const struct list *a = &ours.cpu[cpu], *b = &theirs.cpu[cpu];

		for (size_t i = 0; i < a->count && i < b->count; i++) {
			if (!same(&a->event[i], &b->event[i]))
				fail_msg("%s: event %zu of CPU %d, type %d"
					 " and %d",
					 path, i, cpu, a->event[i].type,
					 b->event[i].type);
		}
		assert_int_equal(a->count, b->count);
		events += a->count;
	}
	seen_free(&ours);
	seen_free(&theirs);
	return events;
}

static void test_golden(void **state)
{
	unsigned int files = 0;
	uint64_t like;
	glob_t found;

	(void)state;
	if (glob("tests/golden/*.dat", 0, NULL, &found))
		fail_msg("run from the top of the tree");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (strstr(found.gl_pathv[i], "/no-kvm"))
			continue;
		assert_true(compare(found.gl_pathv[i]) > 100);
		assert_true(compare_exits(found.gl_pathv[i], &like) > 100);
		files++;
	}
	assert_true(files >= 7);
	globfree(&found);
}

#define EVENTS 5000u

static void fill(struct make_dat *m)
{
	uint64_t ts = 1000000, seed = 1;

	for (unsigned int i = 0; i < EVENTS; i++) {
		enum make_id id;
		int cpu;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		cpu = (int)(seed >> 33) % m->cpus;
		id = MAKE_ENTRY + (seed >> 40) % 4;
		/* now and then more than a time delta of 27 bits has room for */
		ts += (seed >> 50) % 64 ? (seed >> 50) : 1ull << 28;
		if (!((seed >> 20) % 200))
			make_lost(m, cpu, (seed >> 21) % 2 ? 7 : -1);
		make_event(m, cpu, ts, id, 100 + cpu, seed >> 35, seed >> 38);
	}
	make_finish(m);
}

/*
 * Hosts of either width and byte order, both versions, packed or not, with all
 * kinds of records: libtracecmd wants more of a file than these have.
 */
static void test_made(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		char path[] = "/tmp/trapline-test-XXXXXX";
		struct make_dat m;
		uint64_t like;
		int fd;

		make_init(&m);
		m.big = i & 1;
		m.host32 = i & 2;
		m.version = i & 4 ? 7 : 6;
		m.packed = i & 8;
		if (m.packed && m.version == 6) {
			make_free(&m);
			continue;
		}
		m.cpus = 3;
		fill(&m);
		fd = mkstemp(path);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, m.data, m.size), m.size);
		close(fd);
		/* those of another byte order have none */
		if (m.big)
			assert_int_equal(compare_exits(path, &like), 0);
		else
			assert_true(compare_exits(path, &like) > EVENTS / 4);
		unlink(path);
		make_free(&m);
	}
}

/* What is in every record is known, even if one of the formats does not say. */
static void test_damaged_format(void **state)
{
	static const char what[] = "common_pid;\toffset:4;\tsize:4";
	static char data[1 << 20];
	char path[] = "/tmp/trapline-test-XXXXXX";
	FILE *file = fopen("tests/golden/stock-v6.dat", "r");
	unsigned int formats = 0;
	uint64_t like;
	size_t size;
	char *at;
	int fd;

	(void)state;
	assert_non_null(file);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	at = data;
	while ((at = memmem(at, size - (size_t)(at - data), what,
			    sizeof(what) - 1))) {
		char *broken = at + sizeof(what) - 7;

		*broken = 'S';
		assert_int_equal(pwrite(fd, data, size, 0), size);
		compare_exits(path, &like);
		*broken = 's';
		at += sizeof(what);
		formats++;
	}
	assert_true(formats > 10);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_damaged_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
