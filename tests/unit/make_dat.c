// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "make_dat.h"

#define COMMON                                                                 \
	"format:\n"                                                            \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char "                                               \
	"common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"               \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

void make_init(struct make_dat *m)
{
	memset(m, 0, sizeof(*m));
	m->version = 6;
	m->cpus = 1;
	m->buffers = 1;
}

void make_free(struct make_dat *m)
{
	for (int cpu = 0; cpu < MAKE_CPUS_MAX; cpu++)
		free(m->page[cpu]);
	free(m->data);
	memset(m, 0, sizeof(*m));
}

static void store(const struct make_dat *m, uint8_t *to, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[m->big ? bytes - 1 - i : i] = (uint8_t)(v >> 8 * i);
}

/* --- pages -----------------------------------------------------------------*/

static size_t page_head(const struct make_dat *m)
{
	return m->host32 ? 12 : 16;
}

static uint8_t *last_page(struct make_dat *m, int cpu)
{
	return m->page[cpu] + (m->pages[cpu] - 1) * MAKE_PAGE_SIZE;
}

static void new_page(struct make_dat *m, int cpu, uint64_t ts)
{
	uint8_t *grown =
		realloc(m->page[cpu], (m->pages[cpu] + 1) * MAKE_PAGE_SIZE);

	if (!grown)
		abort();
	m->page[cpu] = grown;
	m->pages[cpu]++;
	memset(last_page(m, cpu), 0, MAKE_PAGE_SIZE);
	store(m, last_page(m, cpu), ts, 8);
	m->fill[cpu] = page_head(m);
	m->ts[cpu] = ts;
}

static void put_word(struct make_dat *m, int cpu, uint32_t word)
{
	store(m, last_page(m, cpu) + m->fill[cpu], word, 4);
	m->fill[cpu] += 4;
}

static void put_head(struct make_dat *m, int cpu, uint32_t type, uint32_t delta)
{
	put_word(m, cpu, m->big ? type << 27 | delta : delta << 5 | type);
}

static void commit(struct make_dat *m, int cpu, uint64_t flags)
{
	store(m, last_page(m, cpu) + 8, (m->fill[cpu] - page_head(m)) | flags,
	      m->host32 ? 4 : 8);
}

/* Where time leaps, as the kernel has it: extended, or absolute for a change. */
static void put_time(struct make_dat *m, int cpu, uint64_t ts)
{
	uint64_t delta = ts - m->ts[cpu];

	if (delta < 1u << 27)
		return;
	if (ts & 1) {
		put_head(m, cpu, 30, delta & ((1u << 27) - 1));
		put_word(m, cpu, (uint32_t)(delta >> 27));
	} else {
		put_head(m, cpu, 31, ts & ((1u << 27) - 1));
		put_word(m, cpu, (uint32_t)(ts >> 27));
	}
	m->ts[cpu] = ts;
}

void make_event(struct make_dat *m, int cpu, uint64_t ts, enum make_id id,
		int tid, uint64_t a, uint64_t b)
{
	int width = m->host32 ? 4 : 8;
	/* one event has its length apart, as long ones have */
	bool apart = id == MAKE_HVC;
	size_t size = (size_t)(8 + 2 * width);
	uint8_t *at;

	if (!m->pages[cpu] ||
	    m->fill[cpu] + size + 24 > MAKE_PAGE_SIZE - (size_t)width)
		new_page(m, cpu, ts);
	put_time(m, cpu, ts);
	/* an event that was discarded */
	if (ts % 7 == 0 && ts > m->ts[cpu]) {
		put_head(m, cpu, 29, 1);
		put_word(m, cpu, 4);
		m->ts[cpu]++;
	}
	put_head(m, cpu, apart ? 0 : (uint32_t)size / 4,
		 (uint32_t)(ts - m->ts[cpu]));
	if (apart)
		put_word(m, cpu, (uint32_t)size + 4);
	at = last_page(m, cpu) + m->fill[cpu];
	store(m, at, id, 2);
	store(m, at + 4, (uint32_t)tid, 4);
	store(m, at + 8, a, width);
	store(m, at + 8 + width, b, width);
	m->fill[cpu] += size;
	m->ts[cpu] = ts;
	commit(m, cpu, 0);
}

void make_lost(struct make_dat *m, int cpu, int64_t lost)
{
	uint64_t flags = 1u << 31;

	new_page(m, cpu, m->ts[cpu] + 1);
	make_event(m, cpu, m->ts[cpu], MAKE_OTHER, 1, 0, 0);
	if (lost > 0) {
		flags |= 1u << 30;
		store(m, last_page(m, cpu) + m->fill[cpu], (uint64_t)lost,
		      m->host32 ? 4 : 8);
	}
	commit(m, cpu, flags);
	/* what follows goes to a page of its own */
	m->fill[cpu] = MAKE_PAGE_SIZE;
}

void make_page(struct make_dat *m, int cpu, uint64_t ts, const uint8_t *data,
	       size_t size)
{
	new_page(m, cpu, ts);
	if (size > MAKE_PAGE_SIZE - 8)
		size = MAKE_PAGE_SIZE - 8;
	/* from the commit word on */
	memcpy(last_page(m, cpu) + 8, data, size);
}

/* --- the file --------------------------------------------------------------*/

static void put(struct make_dat *m, const void *from, size_t size)
{
	if (m->size + size > m->space) {
		m->space = 2 * (m->size + size);
		m->data = realloc(m->data, m->space);
		if (!m->data)
			abort();
	}
	if (size)
		memcpy(m->data + m->size, from, size);
	m->size += size;
}

static void put_number(struct make_dat *m, uint64_t v, int bytes)
{
	uint8_t raw[8];

	store(m, raw, v, bytes);
	put(m, raw, (size_t)bytes);
}

static void put_string(struct make_dat *m, const char *text)
{
	put(m, text, strlen(text) + 1);
}

static void put_text(struct make_dat *m, const char *text)
{
	put_number(m, strlen(text), 8);
	put(m, text, strlen(text));
}

static void align(struct make_dat *m)
{
	while (m->size % MAKE_PAGE_SIZE)
		put(m, "", 1);
}

static void put_header_info(struct make_dat *m)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
		 "\tfield: local_t commit;\toffset:8;\tsize:%d;\tsigned:1;\n"
		 "\tfield: char data;\toffset:%zu;\tsize:%zu;\tsigned:0;\n",
		 m->host32 ? 4 : 8, page_head(m),
		 MAKE_PAGE_SIZE - page_head(m));
	put_string(m, "header_page");
	put_text(m, text);
	put_string(m, "header_event");
	put_text(m, "# compressed entry header\n");
}

static void put_format(struct make_dat *m, const char *name, int id,
		       const char *a, const char *b)
{
	int width = m->host32 ? 4 : 8;
	char text[1024];

	snprintf(text, sizeof(text),
		 "name: %s\nID: %d\n" COMMON
		 "\tfield:unsigned long %s;\toffset:8;\tsize:%d;\tsigned:0;\n"
		 "\tfield:unsigned long %s;\toffset:%d;\tsize:%d;\tsigned:0;\n"
		 "\tfield:unsigned long %s;\toffset:%d;\tsize:%d;\tsigned:0;\n"
		 "\nprint fmt: \"%%lx\", REC->%s\n",
		 name, id, a, width, b, 8 + width, width,
		 id == MAKE_EXIT ? "vcpu_pc" : "y", 8 + width, width, a);
	put_text(m, text);
}

static void put_formats(struct make_dat *m)
{
	put_number(m, 2, 4);
	put_string(m, "sched");
	put_number(m, 1, 4);
	put_format(m, "kvm_entry", MAKE_OTHER, "vcpu_pc", "x");
	put_string(m, "kvm");
	put_number(m, 3, 4);
	put_format(m, "kvm_entry", MAKE_ENTRY, "vcpu_pc", "x");
	put_format(m, "kvm_exit", MAKE_EXIT, "ret", "esr_ec");
	put_format(m, "kvm_hvc", MAKE_HVC, "vcpu_pc", "r0");
}

static void patch(struct make_dat *m, size_t at, uint64_t v)
{
	store(m, m->data + at, v, 8);
}

static void put_cpus6(struct make_dat *m, size_t *where, int from, int to)
{
	put(m, "flyrecord\0", 10);
	for (int cpu = 0; cpu < m->cpus; cpu++) {
		where[cpu] = cpu >= from && cpu < to ? m->size : where[cpu];
		put_number(m, 0, 8);
		put_number(m, 0, 8);
	}
}

static void finish6(struct make_dat *m)
{
	int top = m->buffers > 1 ? 1 : m->cpus;
	size_t where[MAKE_CPUS_MAX] = { 0 }, option = 0;

	put_header_info(m);
	put_number(m, 1, 4);
	put_text(m, "name: function\nID: 1\n");
	put_formats(m);
	put_number(m, 0, 4);
	put_number(m, 0, 4);
	put_number(m, 0, 8);
	put_number(m, (uint64_t)m->cpus, 4);
	if (m->buffers > 1) {
		put(m, "options  \0", 10);
		put_number(m, 3, 2);
		put_number(m, 11, 4);
		option = m->size;
		put_number(m, 0, 8);
		put_string(m, "vm");
		put_number(m, 0, 2);
	}
	put_cpus6(m, where, 0, top);
	if (m->buffers > 1) {
		patch(m, option, m->size);
		put_cpus6(m, where, top, m->cpus);
	}
	for (int cpu = 0; cpu < m->cpus; cpu++) {
		align(m);
		patch(m, where[cpu], m->size);
		patch(m, where[cpu] + 8, m->pages[cpu] * MAKE_PAGE_SIZE);
		put(m, m->page[cpu], m->pages[cpu] * MAKE_PAGE_SIZE);
	}
}

static size_t section(struct make_dat *m, unsigned int id, bool compressed)
{
	put_number(m, id, 2);
	put_number(m, compressed, 2);
	put_number(m, 0, 4);
	put_number(m, 0, 8);
	return m->size;
}

static void end_section(struct make_dat *m, size_t start)
{
	patch(m, start - 8, m->size - start);
}

/* Chunks of three pages. */
static void put_packed(struct make_dat *m, int cpu)
{
	static uint8_t packed[8 * MAKE_PAGE_SIZE];
	size_t left = m->pages[cpu];

	put_number(m, (left + 2) / 3, 4);
	for (size_t at = 0; left; at += 3) {
		size_t n = left < 3 ? left : 3;
		uLongf size = sizeof(packed);

		if (compress(packed, &size, m->page[cpu] + at * MAKE_PAGE_SIZE,
			     n * MAKE_PAGE_SIZE) != Z_OK)
			abort();
		put_number(m, size, 4);
		put_number(m, n * MAKE_PAGE_SIZE, 4);
		put(m, packed, size);
		left -= n;
	}
}

static void finish7(struct make_dat *m)
{
	size_t first, info, formats, buffer, at, size[MAKE_CPUS_MAX];
	size_t offset[MAKE_CPUS_MAX];

	put_string(m, m->packed ? "zlib" : "none");
	put_string(m, "1.2");
	first = m->size;
	put_number(m, 0, 8);
	info = section(m, 16, false);
	put_header_info(m);
	end_section(m, info);
	formats = section(m, 18, false);
	put_formats(m);
	end_section(m, formats);
	buffer = section(m, 3, m->packed);
	for (int cpu = 0; cpu < m->cpus; cpu++) {
		align(m);
		offset[cpu] = m->size;
		if (m->packed)
			put_packed(m, cpu);
		else
			put(m, m->page[cpu], m->pages[cpu] * MAKE_PAGE_SIZE);
		size[cpu] = m->size - offset[cpu];
	}
	end_section(m, buffer);
	patch(m, first, m->size);
	at = section(m, 0, false);
	put_number(m, 16, 2);
	put_number(m, 8, 4);
	put_number(m, info - 16, 8);
	put_number(m, 18, 2);
	put_number(m, 8, 4);
	put_number(m, formats - 16, 8);
	put_number(m, 3, 2);
	put_number(m, 8 + 1 + 5 + 4 + 4 + 20 * (uint64_t)m->cpus, 4);
	put_number(m, buffer - 16, 8);
	put_string(m, "");
	put_string(m, "mono");
	put_number(m, MAKE_PAGE_SIZE, 4);
	put_number(m, (uint64_t)m->cpus, 4);
	for (int cpu = 0; cpu < m->cpus; cpu++) {
		put_number(m, (uint64_t)cpu, 4);
		put_number(m, offset[cpu], 8);
		put_number(m, size[cpu], 8);
	}
	put_number(m, 0, 2);
	put_number(m, 8, 4);
	put_number(m, 0, 8);
	end_section(m, at);
}

void make_finish(struct make_dat *m)
{
	m->size = 0;
	put(m, "\x17\x08\x44tracing", 10);
	put_string(m, m->version == 6 ? "6" : "7");
	put_number(m, m->big, 1);
	put_number(m, m->host32 ? 4 : 8, 1);
	put_number(m, MAKE_PAGE_SIZE, 4);
	if (m->version == 6)
		finish6(m);
	else
		finish7(m);
}
