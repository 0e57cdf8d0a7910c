/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A record of the ring buffer as a struct event: where in it the fields are is
 * found once, from the formats that the trace has, and not for each record.
 */
#ifndef TL_TRACE_RECORD_FORMAT_H
#define TL_TRACE_RECORD_FORMAT_H

#include <endian.h>
#include <string.h>

#include "dat.h"
#include "event.h"

/* Fields by role; what each holds depends on the event, see record-format.c. */
#define RECORD_FIELDS 9

/* Return codes of kvm_exit that have a meaning. */
#define RECORD_KINDS 8

/* KVM's numbers for kvm_mmio's type (include/trace/events/kvm.h). */
#define RECORD_MMIO_WRITE 2

/* A struct field, ready to be loaded as 8 bytes of which some are wanted. */
struct record_field {
	uint64_t mask; /* 0: there is no such field */
	uint16_t offset;
	uint8_t size, shift;
};

struct record_format {
	enum ev_type type;
	/* a record with all its fields has at least so many words, and bytes */
	uint32_t need_words, need;
	bool big;
	bool row;            /* EV_SYS_ACCESS: the fields from 2 on are */
	const uint8_t *kind; /* EV_EXIT: what the return codes stand for */
	struct record_field tid;
	struct record_field field[RECORD_FIELDS];
};

/* Events are told apart by 16 bits. */
#define RECORD_IDS 65536

struct records {
	/* by event id, NULL: not of use; most of it is never touched */
	struct record_format **format;
	int end; /* the highest that is of use, + 1 */
	bool big;
	/* which event it is and whose are its first 16 and second 32 bits */
	bool usual;
	struct record_field id, tid; /* in every record; no mask: none learnt */
};

/*
 * Records of one CPU, one behind another, of a host whose bytes are in the order
 * of ours and whose records->usual.
 */
struct record_span {
	const struct records *records;
	const uint8_t *at, *end; /* @at: moved behind what was taken */
	uint64_t ts;             /* of the record before @at, moved along */
	uint64_t until;          /* none of use from then on is to be taken */
	int cpu;
	uint64_t taken; /* records of any kind */
	uint64_t *seen; /* of those that are events, by type, to be counted */
};

/*
 * Take the format of an event as dat_format_fn has it; @dat is that which is
 * being opened.  0, also for one that nobody wants; or -ENOMEM.
 */
int record_learn(struct records *records, const struct dat *dat,
		 const char *system, const char *text, size_t size);

/* After the last format: what is in every record is known from one of them. */
void records_finish(struct records *records);
void records_free(struct records *records);

/*
 * All but @event's cpu and ts, from @size bytes at @data, behind which
 * DAT_SLACK more can be read.  A field beyond the record's end is 0.
 */
void record_read(const struct record_format *format, const uint8_t *data,
		 size_t size, struct event *event);

/* A __data_loc field: the text's offset, and its length in the upper half. */
void record_text(uint64_t loc, const uint8_t *data, size_t size, char *buf,
		 size_t buf_size);

static inline uint64_t record_load(const uint8_t *data,
				   const struct record_field *field, bool big)
{
	uint64_t v;

	memcpy(&v, data + field->offset, sizeof(v));
	if (big)
		return be64toh(v) >> field->shift & field->mask;
	return le64toh(v) & field->mask;
}

static inline uint64_t record_get(const uint8_t *data, size_t size,
				  const struct record_field *field, bool big)
{
	if ((size_t)field->offset + field->size > size)
		return 0;
	return record_load(data, field, big);
}

/* What of struct event a record becomes; NULL if nothing. */
static inline const struct record_format *
record_format(const struct records *records, const uint8_t *data, size_t size)
{
	uint64_t id = record_get(data, size, &records->id, records->big);

	return id < RECORD_IDS ? records->format[id] : NULL;
}

/*
 * record_read() for where each instruction counts: with constants.  @type and
 * @big are @format's; @whole: the record is known to have format->need bytes.
 */
static inline __attribute__((always_inline)) void
record_fill(const struct record_format *format, const enum ev_type type,
	    const uint8_t *data, size_t size, struct event *ev,
	    const bool whole, const bool big)
{
#define LOAD(f) \
	(whole ? record_load(data, (f), big) : record_get(data, size, (f), big))
#define GET(n) LOAD(&format->field[n])
	uint32_t row;
	uint64_t v;

	ev->type = type;
	ev->tid = (int)LOAD(&format->tid);
	ev->pc = GET(0);
	switch (type) {
	case EV_EXIT:
		/* ARM_EXIT_WITH_ABORT_BIT and its like are not part of it */
		v = GET(1) & 0x7fffffff;
		ev->exit.kind = v < RECORD_KINDS ? format->kind[v] : EXIT_OTHER;
		ev->exit.ec = GET(2) & 0x3f;
		break;
	case EV_VCPU_EXIT:
		ev->vexit.vcpu = (uint32_t)GET(1);
		ev->vexit.kind = (uint32_t)GET(2);
		ev->vexit.nr = GET(3);
		ev->vexit.ec = (uint32_t)GET(4);
		ev->vexit.esr = GET(5);
		ev->vexit.far = GET(6);
		ev->vexit.ipa = format->field[7].mask ? GET(7) : EV_NO_IPA;
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
		ev->mmio.write = GET(1) == RECORD_MMIO_WRITE;
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
		if (whole && format->row) {
			memcpy(&row, data + format->field[2].offset,
			       sizeof(row));
			row &= 0x0f0f0f0f;
			memcpy(&ev->sys, &row, sizeof(row));
			ev->sys.op2 = data[format->field[6].offset] & 0xf;
			break;
		}
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
		record_text(GET(2), data, size, ev->irq.name,
			    sizeof(ev->irq.name));
		break;
	default:
		break;
	}
#undef GET
#undef LOAD
}

#endif
