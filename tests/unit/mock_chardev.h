/* SPDX-License-Identifier: GPL-2.0-only */
/* The far end of a serial device as a test wants it: in memory, one thread. */
#ifndef TL_TESTS_MOCK_CHARDEV_H
#define TL_TESTS_MOCK_CHARDEV_H

#include "backend/chardev-impl.h"

#define MOCK_CHARDEV_OUT 65536

struct mock_chardev {
	struct chardev dev; /* first: the two are cast */
	size_t room;        /* how much output it takes before it is full */
	uint8_t out[MOCK_CHARDEV_OUT];
	size_t out_len;
	unsigned int wakes; /* chardev_room() or a write that came short */
	uint16_t columns;   /* 0: it is no terminal */
	uint16_t rows;
};

void mock_chardev_init(struct mock_chardev *mock, struct evloop *loop);
void mock_chardev_fini(struct mock_chardev *mock);

/* Run what the loop has to do now. */
void mock_chardev_spin(struct evloop *loop);

/* Take @n bytes more of output, and say so. */
void mock_chardev_drain(struct mock_chardev *mock, size_t n);

#endif
