// SPDX-License-Identifier: GPL-2.0-only
#include "mock_disk.h"

#include <stdlib.h>
#include <string.h>

/* A range check that the device should have made ends the test. */
static uint8_t *at(struct mock_disk *mock, uint64_t offset, size_t len)
{
	if (offset > mock->disk.size || len > mock->disk.size - offset)
		abort();
	return mock->data + offset;
}

static int mock_read(struct disk *disk, const struct iovec *iov, int iovcnt,
		     uint64_t offset)
{
	struct mock_disk *mock = (struct mock_disk *)disk;
	int i;

	mock->reads++;
	if (mock->entered)
		sem_post(mock->entered);
	if (mock->proceed)
		sem_wait(mock->proceed);
	if (mock->fail)
		return mock->fail;
	for (i = 0; i < iovcnt; offset += iov[i++].iov_len)
		memcpy(iov[i].iov_base, at(mock, offset, iov[i].iov_len),
		       iov[i].iov_len);
	return 0;
}

static int mock_write(struct disk *disk, const struct iovec *iov, int iovcnt,
		      uint64_t offset)
{
	struct mock_disk *mock = (struct mock_disk *)disk;
	int i;

	mock->writes++;
	if (mock->fail)
		return mock->fail;
	for (i = 0; i < iovcnt; offset += iov[i++].iov_len)
		memcpy(at(mock, offset, iov[i].iov_len), iov[i].iov_base,
		       iov[i].iov_len);
	return 0;
}

static int mock_discard(struct disk *disk, uint64_t offset, uint64_t len)
{
	struct mock_disk *mock = (struct mock_disk *)disk;

	mock->discards++;
	memset(at(mock, offset, len), 0xdd, mock->fail ? 0 : len);
	return mock->fail;
}

static int mock_write_zeroes(struct disk *disk, uint64_t offset, uint64_t len,
			     bool unmap)
{
	struct mock_disk *mock = (struct mock_disk *)disk;

	mock->zeroes++;
	mock->unmap = unmap;
	memset(at(mock, offset, len), 0, mock->fail ? 0 : len);
	return mock->fail;
}

static int mock_flush(struct disk *disk)
{
	struct mock_disk *mock = (struct mock_disk *)disk;

	mock->flushes++;
	return mock->fail;
}

static void mock_close(struct disk *disk)
{
	struct mock_disk *mock = (struct mock_disk *)disk;

	if (mock->closed)
		*mock->closed = true;
	free(mock->data);
	free(mock);
}

static const struct disk_ops mock_ops = {
	.read = mock_read,
	.write = mock_write,
	.discard = mock_discard,
	.write_zeroes = mock_write_zeroes,
	.flush = mock_flush,
	.close = mock_close,
};

struct mock_disk *mock_disk_new(uint64_t size, bool read_only)
{
	struct mock_disk *mock = calloc(1, sizeof(*mock));

	if (!mock)
		abort();
	mock->data = calloc(1, size);
	if (!mock->data)
		abort();
	mock->disk.ops = &mock_ops;
	mock->disk.size = size;
	mock->disk.read_only = read_only;
	memcpy(mock->disk.id, "mock", 4);
	return mock;
}
