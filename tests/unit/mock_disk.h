/* SPDX-License-Identifier: GPL-2.0-only */
/* A disk in memory, with errors and delays to order. */
#ifndef TL_TESTS_MOCK_DISK_H
#define TL_TESTS_MOCK_DISK_H

#include <semaphore.h>

#include "backend/disk.h"

struct mock_disk {
	struct disk disk;
	uint8_t *data;
	unsigned int reads;
	unsigned int writes;
	unsigned int flushes;
	unsigned int discards;
	unsigned int zeroes;
	bool unmap;     /* of the last write_zeroes */
	int fail;       /* -errno that every operation returns, or 0 */
	sem_t *entered; /* posted by each read, NULL: none */
	sem_t *proceed; /* and waited for before it goes on */
	bool *closed;   /* set by close */
};

/* @size bytes of zeroes, ID "mock"; ops->close() frees it. */
struct mock_disk *mock_disk_new(uint64_t size, bool read_only);

#endif
