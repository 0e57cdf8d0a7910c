/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The board as a table: which devices the configuration asks for, where they
 * are, and the kernel command line that fits them.  No KVM here, so the same
 * table makes the device tree, the machine and the profiler's device map.
 */
#ifndef TL_BOARD_H
#define TL_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "arch-arm/fdt.h"
#include "arch-arm/layout.h"
#include "arch-arm/memmap.h"
#include "config.h"

#define BOARD_MAX_DEVS 64

/* What is behind a row of kind BOARD_VIRTIO. */
enum board_virtio {
	BOARD_VIRTIO_BLK,
	BOARD_VIRTIO_NET,
	BOARD_VIRTIO_CONSOLE,
	BOARD_VIRTIO_RNG,
	BOARD_VIRTIO_BALLOON,
	BOARD_VIRTIO_VSOCK,
};

struct board {
	const struct memmap *map;
	struct image kernel;
	void *dtb;    /* the board's own tree, NULL for none */
	void *initrd; /* file contents, NULL for none */
	size_t initrd_size;
	struct board_dev dev[BOARD_MAX_DEVS];
	unsigned int nr_devs;
	/* For dev[i].kind == BOARD_VIRTIO. */
	enum board_virtio virtio[BOARD_MAX_DEVS];
	unsigned int index[BOARD_MAX_DEVS]; /* into cfg->disk[], cfg->net[] */
	struct layout layout;
	uint64_t dtb_size; /* bytes reserved at layout.dtb_gpa */
	char *bootargs;
};

/*
 * Load kernel and initrd, fill the device table of the machine, plan the
 * memory layout and compose the command line: the defaults
 * ("console=ttyAMA0 panic=-1", hvc0 with CONSOLE_VIRTIO, each left out where the user's params name the
 * key, all with --nodefaults), root=/dev/vda rw if there is a disk, no initrd
 * and no root= given ("ro" for a read-only disk), then the user's params.
 * Errors: TL_IMAGE, TL_MEMORY, and TL_USAGE for a command line that is longer
 * than the guest's kernel takes (1024 bytes for 32-bit, 2048 for 64-bit).
 * @native: width of a flat image that names none.
 */
int board_prepare(const struct run_config *cfg, enum guest_width native,
		  struct board *board, struct error *err);

/* A row without a name at the end of the table.  For board-*.c. */
struct board_dev *board_add(struct board *board, enum board_dev_kind kind,
			    uint64_t base, uint64_t size, unsigned int spi);

/*
 * Add the register that powers the board off, for a guest whose PSCI cannot.
 * After board_prepare().
 */
void board_add_power(struct board *board);

/*
 * The device tree for this board, at most @board->dtb_size bytes.  @gic_version 2 or 3, @mpidr one value a
 * vCPU, @cpu_compatible and @psci_version as struct fdt_request has them.
 * rng-seed and kaslr-seed are drawn from getrandom(2).
 */
int board_make_fdt(const struct board *board, const struct run_config *cfg,
		   unsigned int gic_version, const uint64_t *mpidr,
		   const char *cpu_compatible, uint32_t psci_version,
		   void **blob, size_t *size, struct error *err);

/* What --dump-dtb does: write the device tree to @path.  TL_FAIL. */
int board_dump_fdt(const char *path, const void *blob, size_t size,
		   struct error *err);

void board_free(struct board *board);

#endif
