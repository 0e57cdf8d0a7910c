/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The overlay file: which clusters of a disk it holds, and where.  The format,
 * and what it promises after a crash, is docs/disk-overlay.md:
 *
 *   0       4096                 data_offset, a multiple of the cluster size
 *   | header | bitmap, 4 KiB blocks | cluster 0 | cluster 1 | ...   (sparse)
 *
 * A set bit says that its cluster is read from this file.  Bits are set in
 * memory when a cluster was written and reach the file in a flush, after the
 * data; none is ever cleared.
 */
#ifndef TL_BACKEND_OVERLAY_FILE_H
#define TL_BACKEND_OVERLAY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/block-file.h"
#include "lib/error.h"

#define OVERLAY_MAGIC        "TRAPLOVL" /* 8 bytes */
#define OVERLAY_VERSION      1
#define OVERLAY_CLUSTER      UINT64_C(65536) /* bytes */
#define OVERLAY_HEADER_BYTES 4096
#define OVERLAY_BLOCK        4096 /* the unit in which the bitmap is written */
/* Of the disk: its bitmap, 128 MiB, is held in memory. */
#define OVERLAY_MAX_SIZE      (UINT64_C(64) << 40)
#define OVERLAY_BASE_PATH_MAX (OVERLAY_HEADER_BYTES - 128 - 1)

/* The header's contents, in the host's byte order. */
struct overlay_header {
	uint64_t size; /* of the disk and of its base, bytes */
	uint64_t base_mtime_sec;
	uint32_t base_mtime_nsec;
	char base_path[OVERLAY_BASE_PATH_MAX + 1];
};

struct overlay_file {
	struct block_file file;
	uint64_t nr_clusters;
	uint64_t data_offset;
	size_t bitmap_size; /* bytes, whole blocks */
	uint8_t *bitmap;
	bool *dirty; /* a flag a block of the bitmap */
	bool any_dirty;
	bool temporary; /* nothing of it is to survive */
	bool read_only;
	bool failed; /* data may be lost that bits not yet written cover */
};

/* Fill @buf, OVERLAY_HEADER_BYTES long, checksum included. */
void overlay_header_encode(const struct overlay_header *header, uint8_t *buf);
/* NULL, or what is wrong with it. */
const char *overlay_header_decode(const uint8_t *buf,
				  struct overlay_header *header);

/*
 * Open the overlay @path of the base that @base describes, or create it where
 * it is missing or empty and not @read_only.  TL_DISK: no overlay, damaged,
 * made for another base or for an earlier state of this one, in use.
 */
int overlay_file_open(struct overlay_file *of, const char *path,
		      const struct overlay_header *base, bool read_only,
		      bool direct, struct error *err);

/* One without a name, for a disk of @size bytes. */
int overlay_file_temporary(struct overlay_file *of, uint64_t size, bool direct,
			   struct error *err);

static inline bool overlay_file_has(const struct overlay_file *of,
				    uint64_t cluster)
{
	return of->bitmap[cluster / 8] >> cluster % 8 & 1;
}

/* Cluster @cluster was written in full. */
void overlay_file_set(struct overlay_file *of, uint64_t cluster);

/*
 * What was written so far is there after a crash.  After a failure to write
 * data back, -EIO for good: see docs/disk-overlay.md.
 */
int overlay_file_flush(struct overlay_file *of);

/* Flush and close. */
void overlay_file_close(struct overlay_file *of);

#endif
