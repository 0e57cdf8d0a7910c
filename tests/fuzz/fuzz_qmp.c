// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client may send: cut into messages in pieces of any size, parsed and
 * executed on a VM that has every device, with answers that must be JSON.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control-commands.h"

#define MAX_MESSAGE 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_paused(void *opaque)
{
	return *(bool *)opaque;
}

static void do_pause(void *opaque)
{
	*(bool *)opaque = true;
}

static void do_resume(void *opaque)
{
	*(bool *)opaque = false;
}

static void nothing(void *opaque)
{
	(void)opaque;
}

static int powerdown(void *opaque, struct error *err)
{
	(void)opaque;
	return error_set(err, TL_FAIL, ENODEV, "no key");
}

static unsigned int two(void *opaque)
{
	(void)opaque;
	return 2;
}

static void cpu(void *opaque, unsigned int n, struct control_cpu *out)
{
	(void)opaque;
	*out = (struct control_cpu){ .tid = (pid_t)n + 1, .width = 64 };
}

static void disk(void *opaque, unsigned int n, struct control_disk *out)
{
	(void)opaque;
	(void)n;
	*out = (struct control_disk){ "virtio0", "a", "raw", 512, false, false };
}

static int balloon_get(void *opaque, uint64_t *actual, struct error *err)
{
	(void)opaque;
	(void)err;
	*actual = 1 << 20;
	return 0;
}

static int balloon_set(void *opaque, uint64_t target, struct error *err)
{
	(void)opaque;
	if (!target || target > INT64_MAX)
		abort();
	return error_set(err, TL_FAIL, ERANGE, "%s", "no");
}

static int stats(void *opaque, int which,
		 int (*fn)(void *arg, const struct control_stat *stat),
		 void *arg, struct error *err)
{
	static const uint64_t value[] = { 1, UINT64_MAX };
	const struct control_stat stat = {
		.name = "exits", .type = "cumulative", .value = value, .nr = 2
	};

	(void)opaque;
	(void)err;
	if (which < CONTROL_STATS_VM || which > 1)
		abort();
	return fn(arg, &stat);
}

static const struct control_ops ops = {
	.is_paused = is_paused,
	.pause = do_pause,
	.resume = do_resume,
	.reset = nothing,
	.quit = nothing,
	.powerdown = powerdown,
	.nr_cpus = two,
	.cpu = cpu,
	.nr_disks = two,
	.disk = disk,
	.balloon_get = balloon_get,
	.balloon_set = balloon_set,
	.stats = stats,
};

static void handle(const char *text, size_t len)
{
	bool paused = false;
	const struct control_target target = { "vm", &ops, &paused };
	struct qmp_error error = { 0 };
	struct qmp_request request;
	json_t *value = NULL, *answer;
	char *dump;

	if (!len || len > MAX_MESSAGE || *text != '{' || text[len - 1] != '}')
		abort();
	if (!qmp_request_parse(text, len, &request, &error))
		value = control_execute(&target, request.command, request.args,
					&error);
	if (!value == !error.class)
		abort();
	answer = value ? qmp_return(value, request.id)
		       : qmp_failure(&error, request.id);
	dump = json_dumps(answer, JSON_COMPACT);
	if (!dump || strchr(dump, '\n'))
		abort();
	free(dump);
	json_decref(answer);
	qmp_request_free(&request);
}

/* The first byte is the size of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qmp_reader reader;
	const char *text;
	size_t step, len;

	if (!size)
		return 0;
	step = *data++ + 1u;
	size--;
	qmp_reader_init(&reader, MAX_MESSAGE);
	while (size) {
		size_t room = step < size ? step : size;
		char *p = qmp_reader_room(&reader, &room);
		enum qmp_piece piece;

		if (!p || !room)
			abort();
		memcpy(p, data, room);
		qmp_reader_filled(&reader, room);
		data += room;
		size -= room;
		while ((piece = qmp_reader_next(&reader, &text, &len)) !=
		       QMP_NONE) {
			if (piece == QMP_TOO_LONG)
				goto out;
			if (piece == QMP_MESSAGE)
				handle(text, len);
		}
	}
out:
	qmp_reader_free(&reader);
	return 0;
}
