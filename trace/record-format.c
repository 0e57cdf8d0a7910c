// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "record-format.h"

/*
 * Events by name, and for each role of its struct event the names that kernels
 * have had for the field.  A missing @needed field (the first ones) makes the
 * event unusable: it is then counted, not decoded.
 */
static const struct {
	const char *name;
	enum ev_type type;
	int needed;
	const char *field[RECORD_FIELDS][3];
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

/*
 * kvm_exit's return code is the host architecture's: asm/kvm_asm.h of arm64
 * (IRQ 0, EL1_SERROR 1, TRAP 2, IL 3), and of arm up to Linux 5.6 (the vector
 * of the HYP mode: DATA_ABORT 4, IRQ 5, FIQ 6, HVC 7).
 */
static const uint8_t kinds[2][RECORD_KINDS] = {
	{ EXIT_IRQ, EXIT_SERROR, EXIT_TRAP, EXIT_IL, EXIT_OTHER, EXIT_OTHER,
	  EXIT_OTHER, EXIT_OTHER },
	{ EXIT_OTHER, EXIT_OTHER, EXIT_OTHER, EXIT_OTHER, EXIT_SERROR, EXIT_IRQ,
	  EXIT_IRQ, EXIT_TRAP },
};

static struct record_field make_field(struct field field)
{
	struct record_field f = { .offset = field.offset, .size = field.size };

	if (field.size) {
		f.shift = (uint8_t)(64 - 8 * field.size);
		f.mask = UINT64_MAX >> f.shift;
	}
	return f;
}

static struct record_field find_field(const char *text, size_t size,
				      const char *const names[3])
{
	struct field field = { 0, 0 };

	for (int i = 0; i < 3 && names[i] && !field.size; i++)
		field = format_field(text, size, names[i]);
	return make_field(field);
}

static void raise_need(struct record_format *format,
		       const struct record_field *field)
{
	uint32_t end = (uint32_t)field->offset + field->size;

	if (end > format->need)
		format->need = end;
	format->need_words = (format->need + 3) / 4;
}

/* The entry of event @id, with nothing in it. */
static struct record_format *make_format(struct records *records, int id)
{
	if (!records->format)
		records->format = calloc(RECORD_IDS, sizeof(*records->format));
	if (!records->format)
		return NULL;
	if (id >= records->end)
		records->end = id + 1;
	free(records->format[id]);
	records->format[id] = calloc(1, sizeof(**records->format));
	return records->format[id];
}

/* Are the numbers of a system register neighbours, in their order? */
static bool in_a_row(const struct record_format *format)
{
	for (int i = 2; i < 7; i++) {
		const struct record_field *field = &format->field[i];

		if (field->size != 1 ||
		    field->offset != format->field[2].offset + i - 2)
			return false;
	}
	return true;
}

int record_learn(struct records *records, const struct dat *dat,
		 const char *system, const char *text, size_t size)
{
	struct record_format *format;
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
	if (!records->tid.mask) {
		records->id =
			make_field(format_field(text, size, "common_type"));
		records->tid =
			make_field(format_field(text, size, "common_pid"));
		records->big = dat->big;
		records->usual = !records->id.offset && records->id.size == 2 &&
				 records->tid.offset == 4 &&
				 records->tid.size == 4;
	}
	format = make_format(records, id);
	if (!format)
		return -ENOMEM;
	format->type = known[k].type;
	format->big = dat->big;
	format->kind = kinds[dat->host32];
	for (int i = 0; i < RECORD_FIELDS; i++) {
		if (!known[k].field[i][0])
			continue;
		format->field[i] = find_field(text, size, known[k].field[i]);
		raise_need(format, &format->field[i]);
		if (i < known[k].needed && !format->field[i].mask) {
			free(format);
			records->format[id] = NULL;
			return 0;
		}
	}
	format->row = format->type == EV_SYS_ACCESS && in_a_row(format);
	return 0;
}

void records_finish(struct records *records)
{
	for (int i = 0; i < records->end; i++) {
		if (!records->format[i])
			continue;
		records->format[i]->tid = records->tid;
		raise_need(records->format[i], &records->tid);
	}
}

void records_free(struct records *records)
{
	for (int i = 0; i < records->end; i++)
		free(records->format[i]);
	free(records->format);
	memset(records, 0, sizeof(*records));
}

void record_text(uint64_t loc, const uint8_t *data, size_t size, char *buf,
		 size_t buf_size)
{
	/* A format may say that the field has eight bytes. */
	uint64_t offset = loc & 0xffff, length = loc >> 16;

	memset(buf, 0, buf_size);
	if (!length || offset + length > size)
		return;
	if (length > buf_size - 1)
		length = buf_size - 1;
	memcpy(buf, data + offset, (size_t)length);
}

void record_read(const struct record_format *format, const uint8_t *data,
		 size_t size, struct event *event)
{
	if (size < format->need)
		record_fill(format, format->type, data, size, event, false,
			    format->big);
	else
		record_fill(format, format->type, data, size, event, true,
			    format->big);
}
