// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch-arm/fdt-vexpress.h"
#include "arch-arm/vexpress.h"
#include "board-vexpress.h"
#include "lib/file.h"
#include "lib/log.h"

#define DTB_NAME "vexpress-v2p-ca15-tc1.dtb"
/* Where linux-image-* packages of Debian's armhf have it. */
#define DTB_PACKAGED "/usr/lib/linux-image-*/" DTB_NAME
/* Linux takes no larger one. */
#define DTB_FILE_MAX  (2UL << 20)

#define REGS_SIZE     0x1000

#define GICV2_MAX_CPU 8

static void add(struct board *board, enum board_dev_kind kind, uint64_t base,
		unsigned int spi, const char *name)
{
	struct board_dev *dev = board_add(board, kind, base, REGS_SIZE, spi);

	snprintf(dev->name, sizeof(dev->name), "%s", name);
}

void board_vexpress_add(struct board *board)
{
	static const char *const uart[VEXPRESS_NR_UARTS] = { "pl011", "pl011-1",
							     "pl011-2",
							     "pl011-3" };
	static const char *const timer[VEXPRESS_NR_TIMERS] = { "sp804-01",
							       "sp804-23" };
	unsigned int i;

	for (i = 0; i < VEXPRESS_NR_UARTS; i++)
		add(board, BOARD_PL011,
		    VEXPRESS_UART_BASE + i * VEXPRESS_UART_STRIDE,
		    VEXPRESS_UART_SPI + i, uart[i]);
	add(board, BOARD_PL031, VEXPRESS_RTC_BASE, VEXPRESS_RTC_SPI, "pl031");
	for (i = 0; i < VEXPRESS_NR_TIMERS; i++)
		add(board, BOARD_SP804,
		    VEXPRESS_TIMER_BASE + i * VEXPRESS_TIMER_STRIDE,
		    VEXPRESS_TIMER_SPI + i, timer[i]);
	add(board, BOARD_VEXPRESS_SYSREG, VEXPRESS_SYSREG_BASE, 0, "sysreg");
}

static int check_config(const struct board *board, const struct run_config *cfg,
			struct error *err)
{
	if (board->kernel.width != GUEST_32BIT)
		return error_set(err, TL_USAGE, EINVAL,
				 "kernel %s is a 64-bit one, and a Cortex-A15 "
				 "has 32: leave out --machine",
				 cfg->kernel);
	if (cfg->gic == 3)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --irqchip: machine vexpress-a15 has a "
				 "GICv2");
	if (cfg->cpus > GICV2_MAX_CPU)
		return error_set(err, TL_USAGE, EINVAL,
				 "option -c: the GICv2 of machine vexpress-a15 "
				 "serves at most %d CPUs, not %u",
				 GICV2_MAX_CPU, cfg->cpus);
	if (cfg->pmu)
		return error_set(err, TL_USAGE, EINVAL,
				 "option --pmu: KVM has none for machine "
				 "vexpress-a15");
	return 0;
}

/* malloc'ed; NULL if there is none, or no memory. */
static char *beside_kernel(const char *kernel)
{
	const char *slash = strrchr(kernel, '/');
	char *path;

	if (asprintf(&path, "%.*s" DTB_NAME,
		     slash ? (int)(slash + 1 - kernel) : 0, kernel) < 0)
		return NULL;
	if (!access(path, R_OK))
		return path;
	free(path);
	return NULL;
}

/* The last one by name, which is the newest kernel's as a rule. */
static char *packaged(void)
{
	char *path = NULL;
	glob_t found;

	if (!glob(DTB_PACKAGED, 0, NULL, &found) && found.gl_pathc)
		path = strdup(found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return path;
}

int board_vexpress_load(struct board *board, const struct run_config *cfg,
			struct error *err)
{
	char *found = NULL;
	const char *path = cfg->dtb;
	uint8_t *data;
	size_t size;
	int ret;

	ret = check_config(board, cfg, err);
	if (ret)
		return ret;
	if (!path)
		path = found = beside_kernel(cfg->kernel);
	if (!path)
		path = found = packaged();
	if (!path)
		return error_set(err, TL_USAGE, ENOENT,
				 "machine vexpress-a15 wants its device tree: "
				 "give --dtb " DTB_NAME
				 ", which is in Debian's "
				 "linux-image-armmp-lpae, or put it beside the "
				 "kernel");
	ret = file_read(path, "device tree", DTB_FILE_MAX, TL_IMAGE, &data,
			&size, err);
	if (!ret) {
		board->dtb = data;
		board->dtb_size = size;
		ret = fdt_vexpress_check(path, data, size, err);
		log_info("device tree: %s", path);
	}
	free(found);
	return ret;
}
