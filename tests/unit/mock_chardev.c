// SPDX-License-Identifier: GPL-2.0-only
#include "mock_chardev.h"

#include <stdlib.h>
#include <string.h>

static size_t mock_write(struct chardev *dev, const uint8_t *buf, size_t len)
{
	struct mock_chardev *mock = (struct mock_chardev *)dev;

	if (len > mock->room)
		len = mock->room;
	mock->room -= len;
	if (mock->out_len + len <= sizeof(mock->out)) {
		memcpy(mock->out + mock->out_len, buf, len);
		mock->out_len += len;
	}
	return len;
}

static void mock_wake(struct chardev *dev)
{
	((struct mock_chardev *)dev)->wakes++;
}

static bool mock_size(struct chardev *dev, uint16_t *columns, uint16_t *rows)
{
	struct mock_chardev *mock = (struct mock_chardev *)dev;

	*columns = mock->columns;
	*rows = mock->rows;
	return mock->columns;
}

static void mock_close(struct chardev *dev)
{
	(void)dev;
}

static const struct chardev_ops mock_ops = {
	.write = mock_write,
	.wake = mock_wake,
	.size = mock_size,
	.close = mock_close,
};

void mock_chardev_init(struct mock_chardev *mock, struct evloop *loop)
{
	memset(mock, 0, sizeof(*mock));
	mock->room = SIZE_MAX;
	if (chardev_init(&mock->dev, &mock_ops, "mock", "mock", loop, NULL))
		abort();
}

void mock_chardev_fini(struct mock_chardev *mock)
{
	chardev_fini(&mock->dev);
}

static void stop(void *opaque)
{
	evloop_stop(opaque);
}

void mock_chardev_spin(struct evloop *loop)
{
	unsigned int i;

	/* One round may be what makes the next necessary. */
	for (i = 0; i < 4; i++) {
		evloop_post(loop, stop, loop);
		evloop_run(loop, NULL);
	}
}

void mock_chardev_drain(struct mock_chardev *mock, size_t n)
{
	mock->room += n;
	chardev_writable(&mock->dev);
}
