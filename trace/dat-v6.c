// SPDX-License-Identifier: GPL-2.0-only
/* trace.dat, version 6: one thing after another, the options among them. */
#include <inttypes.h>
#include <string.h>

#include "dat-io.h"

/* "flyrecord", then where each CPU's pages are. */
static void take_cpus6(struct dat *dat, struct dat_cursor *c, int buffer)
{
	for (int cpu = 0; cpu < dat->cpus; cpu++) {
		struct dat_stream stream = {
			.buffer = buffer,
			.cpu = cpu,
			.page_size = dat->page_size,
		};
		uint64_t size;

		stream.offset = dat_take_number(c, 8);
		size = dat_take_number(c, 8);
		if (c->failed) {
			dat_damaged(dat, "cut short before its events");
			return;
		}
		dat_add_cpu(dat, stream, size);
	}
	dat->nr_buffers++;
}

static size_t take_options6(struct dat *dat, struct dat_cursor *c,
			    uint64_t *buffer)
{
	size_t count = 0;

	for (int n = 0; n < DAT_OPTIONS_MAX; n++) {
		unsigned int id = (unsigned int)dat_take_number(c, 2);
		uint64_t size, next;

		if (c->failed || id == DAT_OPTION_DONE)
			break;
		size = dat_take_number(c, 4);
		next = c->pos + size;
		if (id == DAT_OPTION_BUFFER && size >= 8 &&
		    count < DAT_BUFFERS_MAX)
			buffer[count++] = dat_take_number(c, 8);
		else if (id == DAT_OPTION_CPUCOUNT && size >= 4)
			dat_set_cpus(dat, dat_take_number(c, 4));
		if (next < c->pos)
			c->failed = true;
		dat_skip(c, next - c->pos);
	}
	return count;
}

static bool take_tag(struct dat_cursor *c, char tag[11])
{
	tag[10] = '\0';
	return dat_take(c, tag, 10);
}

static void take_buffer6(struct dat *dat, uint64_t offset, int number)
{
	struct dat_cursor c;
	char tag[11];

	dat_at(&c, dat, offset);
	if (take_tag(&c, tag) && !strncmp(tag, "flyrecord", 9))
		take_cpus6(dat, &c, number);
	else
		dat_damaged(dat, "buffer %d is not there", number);
	dat_cursor_free(&c);
}

void dat_read_version6(struct dat_opening *o, struct dat_cursor *c)
{
	struct dat *dat = o->dat;
	size_t count = 0;
	uint64_t events;
	char tag[11];

	dat_take_header_info(o, c);
	for (events = dat_take_number(c, 4); events && !c->failed; events--)
		dat_skip(c, dat_take_number(c, 8));
	dat_take_formats(o, c);
	dat_skip(c, dat_take_number(c, 4)); /* kallsyms */
	dat_skip(c, dat_take_number(c, 4)); /* printk formats */
	dat_skip(c, dat_take_number(c, 8)); /* command lines */
	dat_set_cpus(dat, dat_take_number(c, 4));
	if (!take_tag(c, tag) || o->ret)
		goto out;
	if (!strncmp(tag, "options", 7)) {
		count = take_options6(dat, c, o->buffer);
		if (!take_tag(c, tag))
			goto out;
	}
	if (strncmp(tag, "flyrecord", 9)) {
		dat_damaged(dat, "it has a \"%.9s\" where events should be",
			    tag);
		return;
	}
	take_cpus6(dat, c, 0);
	for (size_t i = 0; i < count; i++)
		take_buffer6(dat, o->buffer[i], (int)i + 1);
out:
	if (c->failed)
		dat_damaged(dat, "cut short before its events");
}
