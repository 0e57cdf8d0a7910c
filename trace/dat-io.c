// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "dat-io.h"

/* No kernel's events need as much; a damaged length would ask for anything. */
#define BLOCK_MAX  (64u << 20)
#define STRING_MAX 4096

void dat_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void dat_damaged(struct dat *dat, const char *format, ...)
{
	va_list ap;

	if (dat->damage[0])
		return;
	va_start(ap, format);
	vsnprintf(dat->damage, sizeof(dat->damage), format, ap);
	va_end(ap);
	dat_printable(dat->damage);
}

bool dat_read(const struct dat *dat, uint64_t offset, void *to, size_t size)
{
	char *at = to;

	if (offset > dat->size || size > dat->size - offset)
		return false;
	while (size) {
		ssize_t n = pread(dat->fd, at, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return true;
}

static bool unzstd(struct dat *dat, const void *from, size_t packed, void *to,
		   size_t size)
{
	/* libtracecmd has written frames with and without their magic number */
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	bool bare = packed < sizeof(magic) ||
		    memcmp(from, magic, sizeof(magic));
	size_t ret;

	if (!dat->unzstd)
		dat->unzstd = ZSTD_createDCtx();
	if (!dat->unzstd)
		return false;
	/* ZSTD_d_format, ZSTD_f_zstd1_magicless */
	ret = ZSTD_DCtx_setParameter(dat->unzstd, ZSTD_d_experimentalParam1,
				     bare);
	if (ZSTD_isError(ret))
		return false;
	ret = ZSTD_decompressDCtx(dat->unzstd, to, size, from, packed);
	return !ZSTD_isError(ret) && ret == size;
}

bool dat_unpack(struct dat *dat, const void *from, size_t packed, void *to,
		size_t size)
{
	uLongf got = size;

	switch (dat->codec) {
	case DAT_ZSTD:
		return unzstd(dat, from, packed, to, size);
	case DAT_ZLIB:
		return uncompress(to, &got, from, packed) == Z_OK &&
		       got == size;
	default:
		return false;
	}
}

void dat_at(struct dat_cursor *cursor, struct dat *dat, uint64_t offset)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->dat = dat;
	cursor->pos = offset;
	cursor->end = dat->size;
	cursor->failed = offset > dat->size;
}

void dat_cursor_free(struct dat_cursor *cursor)
{
	free(cursor->mem);
	free(cursor->text);
	cursor->mem = NULL;
	cursor->text = NULL;
}

bool dat_take(struct dat_cursor *cursor, void *to, uint64_t size)
{
	if (cursor->failed || size > cursor->end - cursor->pos)
		cursor->failed = true;
	else if (cursor->mem)
		memcpy(to, cursor->mem + cursor->pos, (size_t)size);
	else if (!dat_read(cursor->dat, cursor->pos, to, (size_t)size))
		cursor->failed = true;
	if (cursor->failed)
		return false;
	cursor->pos += size;
	return true;
}

uint64_t dat_take_number(struct dat_cursor *cursor, int bytes)
{
	uint8_t raw[8];

	return dat_take(cursor, raw, (uint64_t)bytes)
		       ? dat_number(cursor->dat, raw, bytes)
		       : 0;
}

void dat_skip(struct dat_cursor *cursor, uint64_t size)
{
	if (cursor->failed || size > cursor->end - cursor->pos)
		cursor->failed = true;
	else
		cursor->pos += size;
}

static bool make_space(struct dat_cursor *cursor, uint64_t size)
{
	char *text;

	if (size > BLOCK_MAX || size > cursor->end - cursor->pos)
		cursor->failed = true;
	if (cursor->failed)
		return false;
	if (size < cursor->space)
		return true;
	text = realloc(cursor->text, (size_t)size + 1);
	if (!text) {
		cursor->failed = true;
		return false;
	}
	cursor->text = text;
	cursor->space = (size_t)size + 1;
	return true;
}

const char *dat_take_string(struct dat_cursor *cursor)
{
	uint64_t left = cursor->end - cursor->pos, length = 0;
	char *text;

	if (left > STRING_MAX)
		left = STRING_MAX;
	if (!make_space(cursor, left) || !dat_take(cursor, cursor->text, left))
		return NULL;
	text = cursor->text;
	while (length < left && text[length])
		length++;
	cursor->pos -= left;
	if (length == left) {
		cursor->failed = true;
		return NULL;
	}
	cursor->pos += length + 1;
	return text;
}

const char *dat_take_text(struct dat_cursor *cursor, uint64_t size)
{
	if (!make_space(cursor, size) || !dat_take(cursor, cursor->text, size))
		return NULL;
	cursor->text[size] = '\0';
	return cursor->text;
}

void dat_unpack_block(struct dat_cursor *cursor)
{
	size_t packed = (size_t)dat_take_number(cursor, 4);
	size_t size = (size_t)dat_take_number(cursor, 4);
	const char *from = dat_take_text(cursor, packed);
	uint8_t *mem;

	if (!from || size > BLOCK_MAX) {
		cursor->failed = true;
		return;
	}
	mem = malloc(size ? size : 1);
	if (!mem || !dat_unpack(cursor->dat, from, packed, mem, size)) {
		free(mem);
		cursor->failed = true;
		return;
	}
	free(cursor->mem);
	cursor->mem = mem;
	cursor->pos = 0;
	cursor->end = size;
}
