// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dat.h"
#include "dat-io.h"
#include "reader.h"
#include "ring.h"

/* Fields by role; what each holds depends on the event, see fill(). */
#define FIELDS 9

struct format {
	enum ev_type type;
	bool known;
	struct field field[FIELDS];
};

/*
 * Events by name, and for each role of its struct event the names that kernels
 * have had for the field.  A missing @needed field (the first ones) makes the
 * event unusable: it is then counted, not decoded.
 */
static const struct {
	const char *name;
	enum ev_type type;
	unsigned int needed;
	const char *field[FIELDS][3];
} known[] = {
	{ "kvm_entry", EV_ENTRY, 0, { { "vcpu_pc" } } },
	{ "kvm_exit",
	  EV_EXIT,
	  3,
	  { { "vcpu_pc" },
	    { "ret", "idx", "exit_code" },
	    { "esr_ec", "exit_reason", "hsr_ec" } } },
	{ "kvm_vcpu_exit",
	  EV_VCPU_EXIT,
	  4,
	  { { "pc" },
	    { "vcpu_id" },
	    { "kind" },
	    { "nr" },
	    { "ec" },
	    { "esr" },
	    { "far" },
	    { "ipa" } } },
	{ "kvm_exchvc",
	  EV_EXCHVC,
	  5,
	  { { "pc" }, { "vcpu_id" }, { "nr" }, { "cond_valid" }, { "esr" } } },
	{ "kvm_guest_fault",
	  EV_FAULT,
	  4,
	  { { "vcpu_pc" }, { "hsr", "esr" }, { "hxfar", "far" }, { "ipa" } } },
	{ "kvm_mmio", EV_MMIO, 3, { { NULL }, { "type" }, { "gpa" } } },
	{ "kvm_hvc", EV_HVC, 2, { { "vcpu_pc" }, { "r0" } } },
	{ "kvm_hvc_arm64", EV_HVC, 2, { { "vcpu_pc" }, { "r0" } } },
	{ "kvm_wfx", EV_WFX, 2, { { "vcpu_pc" }, { "is_wfe" } } },
	{ "kvm_wfx_arm64", EV_WFX, 2, { { "vcpu_pc" }, { "is_wfe" } } },
	{ "kvm_sys_access",
	  EV_SYS_ACCESS,
	  7,
	  { { "vcpu_pc" },
	    { "is_write" },
	    { "Op0" },
	    { "Op1" },
	    { "CRn" },
	    { "CRm" },
	    { "Op2" } } },
	{ "kvm_emulate_cp15_imp",
	  EV_SYS_ACCESS,
	  0,
	  { { NULL },
	    { "is_write" },
	    { NULL },
	    { "Op1" },
	    { "CRn" },
	    { "CRm" },
	    { "Op2" } } },
	{ "kvm_handle_sys_reg", EV_SYS_ESR, 2, { { NULL }, { "hsr" } } },
	{ "kvm_userspace_exit", EV_USER, 2, { { NULL }, { "reason" } } },
	{ "irq_handler_entry", EV_IRQ, 2, { { NULL }, { "irq" }, { "name" } } },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* KVM's numbers for kvm_mmio's type (include/trace/events/kvm.h). */
#define MMIO_WRITE 2

/* A stream, and the next event of it that matters. */
struct source {
	struct ring ring;
	const struct format *format; /* NULL: only that events were lost */
	bool used;
};

struct reader {
	char *path;
	struct dat dat;
	struct format *format; /* by event id */
	int nr_formats;
	struct field id, tid;
	struct reader_info info;
	struct source *source;
	size_t *heap; /* of sources, the earliest event on top */
	size_t nr_heap;
	int (*fn)(const struct event *event, void *opaque);
	void *opaque;
};

const struct reader_info *reader_info(const struct reader *reader)
{
	return &reader->info;
}

static struct field find_field(const char *text, size_t size,
			       const char *const names[3])
{
	struct field field = { 0, 0 };

	for (int i = 0; i < 3 && names[i] && !field.size; i++)
		field = format_field(text, size, names[i]);
	return field;
}

static int make_format(struct reader *reader, int id)
{
	struct format *format;

	if (id < reader->nr_formats)
		return 0;
	format = realloc(reader->format, ((size_t)id + 1) * sizeof(*format));
	if (!format)
		return -ENOMEM;
	memset(format + reader->nr_formats, 0,
	       (size_t)(id + 1 - reader->nr_formats) * sizeof(*format));
	reader->format = format;
	reader->nr_formats = id + 1;
	return 0;
}

/* Look up every event and field once, not for each record. */
static int learn_format(const char *system, const char *text, size_t size,
			void *opaque)
{
	struct reader *reader = opaque;
	struct format *format;
	size_t k = 0;
	int id;

	while (k < KNOWN &&
	       (strcmp(system, known[k].type == EV_IRQ ? "irq" : "kvm") ||
		!format_is(text, size, known[k].name)))
		k++;
	if (k == KNOWN)
		return 0;
	id = format_id(text, size);
	if (id < 0)
		return 0;
	if (make_format(reader, id))
		return -ENOMEM;
	format = &reader->format[id];
	memset(format, 0, sizeof(*format));
	format->known = true;
	format->type = known[k].type;
	for (unsigned int i = 0; i < FIELDS; i++) {
		if (!known[k].field[i][0])
			continue;
		format->field[i] = find_field(text, size, known[k].field[i]);
		if (i < known[k].needed && !format->field[i].size)
			format->known = false;
	}
	if (!reader->tid.size) {
		reader->id = format_field(text, size, "common_type");
		reader->tid = format_field(text, size, "common_pid");
	}
	return 0;
}

struct reader *reader_open(const char *path, struct error *err)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader || !(reader->path = strdup(path))) {
		free(reader);
		error_set(err, TL_FAIL, ENOMEM, "out of memory");
		return NULL;
	}
	if (dat_open(&reader->dat, path, learn_format, reader, err))
		goto fail;
	if (!reader->tid.size || !reader->id.size) {
		error_set(
			err, TL_TRACE, ENODATA,
			"%s: no KVM events in it; record with: trapline run --trace FILE, or trace-cmd record -e kvm",
			path);
		goto fail;
	}
	reader->info.host32 = reader->dat.host32;
	reader->info.cpus = reader->dat.cpus;
	return reader;
fail:
	reader_close(reader);
	return NULL;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	dat_close(&reader->dat);
	free(reader->source);
	free(reader->heap);
	free(reader->format);
	free(reader->path);
	free(reader);
}

/* A field's value; 0 for one that is absent or beyond the event's end. */
static inline uint64_t get(const struct reader *reader, const struct ring *ring,
			   struct field field)
{
	if (!field.size || (size_t)field.offset + field.size > ring->size)
		return 0;
	return dat_number(&reader->dat, ring->data + field.offset, field.size);
}

/*
 * kvm_exit's return code is the host architecture's: asm/kvm_asm.h of arm64
 * (IRQ 0, EL1_SERROR 1, TRAP 2, IL 3), and of arm up to Linux 5.6 (the vector
 * of the HYP mode: DATA_ABORT 4, IRQ 5, FIQ 6, HVC 7).
 */
static enum exit_kind kind_of(const struct reader *reader, uint64_t ret)
{
	static const enum exit_kind arm64[] = { EXIT_IRQ, EXIT_SERROR,
						EXIT_TRAP, EXIT_IL };

	/* ARM_EXIT_WITH_ABORT_BIT and its like are not part of the code */
	ret &= 0x7fffffff;
	if (reader->info.host32) {
		switch (ret) {
		case 4:
			return EXIT_SERROR;
		case 5:
		case 6:
			return EXIT_IRQ;
		case 7:
			return EXIT_TRAP;
		default:
			return EXIT_OTHER;
		}
	}
	return ret < 4 ? arm64[ret] : EXIT_OTHER;
}

/* A __data_loc field: the text's offset, and its length in the upper half. */
static void get_text(const struct reader *reader, const struct ring *ring,
		     struct field field, char *buf, size_t size)
{
	uint64_t loc = get(reader, ring, field);
	size_t offset = loc & 0xffff, length = loc >> 16;

	if (!length || offset + length > ring->size)
		return;
	if (length > size - 1)
		length = size - 1;
	memcpy(buf, ring->data + offset, length);
}

static void fill(const struct reader *reader, const struct ring *ring,
		 const struct format *format, struct event *ev)
{
#define GET(n) get(reader, ring, format->field[n])
	ev->type = format->type;
	ev->pc = GET(0);
	switch (format->type) {
	case EV_EXIT:
		ev->exit.kind = kind_of(reader, GET(1));
		ev->exit.ec = GET(2) & 0x3f;
		break;
	case EV_VCPU_EXIT:
		ev->vexit.vcpu = (uint32_t)GET(1);
		ev->vexit.kind = (uint32_t)GET(2);
		ev->vexit.nr = GET(3);
		ev->vexit.ec = (uint32_t)GET(4);
		ev->vexit.esr = GET(5);
		ev->vexit.far = GET(6);
		ev->vexit.ipa = format->field[7].size ? GET(7) : EV_NO_IPA;
		break;
	case EV_EXCHVC:
		ev->exchvc.vcpu = (uint32_t)GET(1);
		ev->exchvc.nr = GET(2);
		ev->exchvc.cond_valid = GET(3);
		ev->exchvc.esr = GET(4);
		break;
	case EV_FAULT:
		ev->fault.esr = GET(1);
		ev->fault.far = GET(2);
		ev->fault.ipa = GET(3);
		break;
	case EV_MMIO:
		ev->mmio.write = GET(1) == MMIO_WRITE;
		ev->mmio.gpa = GET(2);
		break;
	case EV_HVC:
		ev->hvc.r0 = GET(1);
		break;
	case EV_WFX:
		ev->wfx.wfe = GET(1);
		break;
	case EV_SYS_ACCESS:
		ev->sys.write = GET(1);
		ev->sys.op0 = GET(2) & 0xf;
		ev->sys.op1 = GET(3) & 0xf;
		ev->sys.crn = GET(4) & 0xf;
		ev->sys.crm = GET(5) & 0xf;
		ev->sys.op2 = GET(6) & 0xf;
		break;
	case EV_SYS_ESR:
		ev->sys_esr.esr = GET(1);
		break;
	case EV_USER:
		ev->user.reason = (uint32_t)GET(1);
		break;
	case EV_IRQ:
		ev->irq.number = (uint32_t)GET(1);
		get_text(reader, ring, format->field[2], ev->irq.name,
			 sizeof(ev->irq.name));
		break;
	default:
		break;
	}
#undef GET
}

static int missed(struct reader *reader, const struct ring *ring)
{
	struct event ev = {
		.type = EV_LOST,
		.cpu = ring->stream->cpu,
		.ts = ring->ts,
	};

	/* the kernel's count, or -1 where it only knows that there are some */
	ev.lost.count = ring->missed;
	if (ring->missed > 0)
		reader->info.lost += (uint64_t)ring->missed;
	else
		reader->info.lost_unknown = true;
	return reader->fn(&ev, reader->opaque);
}

/*
 * To the next event that somebody wants to know of.  The others, the most of a
 * trace of all of KVM's events, only count: they take no part in the merging.
 */
static bool advance(struct reader *reader, struct source *source)
{
	struct reader_info *info = &reader->info;
	struct ring *ring = &source->ring;
	uint64_t first = info->first_ts, last = info->last_ts, events = 0;
	const uint64_t nr = (uint64_t)reader->nr_formats;
	const bool plain = ring->plain && reader->id.size == 2;
	const size_t at = reader->id.offset;
	bool more;

	source->format = NULL;
	while ((more = ring_next(ring))) {
		uint64_t id;
		uint16_t v16;

		if (plain && at + sizeof(v16) <= ring->size) {
			memcpy(&v16, ring->data + at, sizeof(v16));
			id = v16;
		} else {
			id = get(reader, ring, reader->id);
		}
		events++;
		if (ring->ts < first)
			first = ring->ts;
		if (ring->ts > last)
			last = ring->ts;
		if (id < nr && reader->format[id].known)
			source->format = &reader->format[id];
		if (source->format || ring->missed)
			break;
	}
	source->used |= events;
	info->first_ts = first;
	info->last_ts = last;
	info->events += events;
	return more;
}

static bool earlier(const struct reader *reader, size_t a, size_t b)
{
	uint64_t ta = reader->source[a].ring.ts, tb = reader->source[b].ring.ts;

	return ta < tb || (ta == tb && a < b);
}

/* Restore the heap below @at. */
static void sift(struct reader *reader, size_t at)
{
	size_t *heap = reader->heap;

	for (;;) {
		size_t child = 2 * at + 1, top;

		if (child >= reader->nr_heap)
			return;
		if (child + 1 < reader->nr_heap &&
		    earlier(reader, heap[child + 1], heap[child]))
			child++;
		if (!earlier(reader, heap[child], heap[at]))
			return;
		top = heap[child];
		heap[child] = heap[at];
		heap[at] = top;
		at = child;
	}
}

static int start(struct reader *reader, struct error *err)
{
	size_t count = reader->dat.nr_streams;

	reader->source = calloc(count + 1, sizeof(*reader->source));
	reader->heap = calloc(count + 1, sizeof(*reader->heap));
	if (!reader->source || !reader->heap)
		return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	reader->info.first_ts = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		ring_init(&reader->source[i].ring, &reader->dat,
			  &reader->dat.stream[i]);
		if (advance(reader, &reader->source[i]))
			reader->heap[reader->nr_heap++] = i;
	}
	for (size_t i = reader->nr_heap / 2; i--;)
		sift(reader, i);
	return 0;
}

static int take_event(struct reader *reader, const struct source *source)
{
	const struct ring *ring = &source->ring;
	struct event ev;
	int ret = 0;

	if (ring->missed)
		ret = missed(reader, ring);
	if (ret || !source->format)
		return ret;
	memset(&ev, 0, sizeof(ev));
	ev.tid = (int)get(reader, ring, reader->tid);
	ev.cpu = ring->stream->cpu;
	ev.ts = ring->ts;
	fill(reader, ring, source->format, &ev);
	reader->info.kvm[ev.type]++;
	return reader->fn(&ev, reader->opaque);
}

/* Called when all has been read. */
static void finish(struct reader *reader)
{
	struct reader_info *info = &reader->info;
	const struct dat *dat = &reader->dat;
	int last = -1;

	/* streams of a buffer are neighbours */
	for (size_t i = 0; i < dat->nr_streams; i++) {
		if (!reader->source[i].used || dat->stream[i].buffer == last)
			continue;
		last = dat->stream[i].buffer;
		info->buffers++;
	}
	if (!info->events)
		info->first_ts = 0;
	memcpy(info->damage, dat->damage, sizeof(info->damage));
}

int reader_run(struct reader *reader,
	       int (*fn)(const struct event *event, void *opaque), void *opaque,
	       struct error *err)
{
	int ret = start(reader, err);

	if (ret)
		return ret;
	reader->fn = fn;
	reader->opaque = opaque;
	while (reader->nr_heap) {
		struct source *source = &reader->source[reader->heap[0]];

		ret = take_event(reader, source);
		if (ret)
			return error_set(err, TL_FAIL, -ret, "%s: %s",
					 reader->path, strerror(-ret));
		if (!advance(reader, source))
			reader->heap[0] = reader->heap[--reader->nr_heap];
		sift(reader, 0);
	}
	finish(reader);
	return 0;
}
