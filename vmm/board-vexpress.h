/* SPDX-License-Identifier: GPL-2.0-only */
/* What machine "vexpress-a15" has on its board (arch-arm/vexpress.h). */
#ifndef TL_BOARD_VEXPRESS_H
#define TL_BOARD_VEXPRESS_H

#include "board.h"

/* The rows of the motherboard, the console's UART first. */
void board_vexpress_add(struct board *board);

/*
 * After the kernel: check that it is a 32-bit one and get the board's device
 * tree: --dtb's, or vexpress-v2p-ca15-tc1.dtb from beside the kernel or from
 * where Debian's kernel packages have it.  Adds its size to @board->dtb_size.
 * TL_USAGE, TL_IMAGE.
 */
int board_vexpress_load(struct board *board, const struct run_config *cfg,
			struct error *err);

#endif
