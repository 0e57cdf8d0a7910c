// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "arch-arm/fdt-vexpress.h"
#include "arch-arm/virt.h"
#include "arch-arm/zimage.h"
#include "board-vexpress.h"
#include "board.h"
#include "bootargs.h"
#include "lib/file.h"
#include "lib/log.h"

/* As much as a 32-bit guest can ever see; no archive comes near. */
#define INITRD_MAX (4095UL << 20)

/* COMMAND_LINE_SIZE in arch/arm and arch/arm64 (uapi/asm/setup.h). */
#define BOOTARGS_MAX_32 1024
#define BOOTARGS_MAX_64 2048

/* Room for a device tree: everything but the CPUs, and each CPU. */
#define DTB_FIXED      0x8000
#define DTB_PER_CPU    0x100

#define PRIMECELL_SIZE 0x1000

/* PL011, PL031, PL061, and the power register */
#define NR_FIXED 4

_Static_assert(VIRT_VIRTIO_MAX + NR_FIXED <= BOARD_MAX_DEVS,
	       "a row for every device");

struct board_dev *board_add(struct board *board, enum board_dev_kind kind,
			    uint64_t base, uint64_t size, unsigned int spi)
{
	struct board_dev *dev = &board->dev[board->nr_devs++];

	dev->kind = kind;
	dev->base = base;
	dev->size = size;
	dev->spi = spi;
	return dev;
}

static void add_primecell(struct board *board, enum board_dev_kind kind,
			  uint64_t base, unsigned int spi, const char *name)
{
	struct board_dev *dev;

	dev = board_add(board, kind, base, PRIMECELL_SIZE, spi);
	snprintf(dev->name, sizeof(dev->name), "%s", name);
}

/* The next slot; what there is no slot for is only counted in @nr. */
static void add_virtio(struct board *board, unsigned int *nr,
		       enum board_virtio kind, const char *name,
		       unsigned int index)
{
	const struct memmap *map = board->map;
	const unsigned int n = (*nr)++;
	struct board_dev *dev;

	if (n >= map->virtio_max)
		return;
	board->virtio[board->nr_devs] = kind;
	board->index[board->nr_devs] = index;
	dev = board_add(board, BOARD_VIRTIO,
			map->virtio_base + n * map->virtio_stride,
			map->virtio_stride, map->virtio_spi + n);
	snprintf(dev->name, sizeof(dev->name), "virtio%u-%s", n, name);
}

/* Disks first: the guest's names for them follow the order of the slots. */
static int fill_devices(struct board *board, const struct run_config *cfg,
			struct error *err)
{
	unsigned int i, nr = 0;

	if (board->map == &vexpress_memmap) {
		board_vexpress_add(board);
	} else {
		add_primecell(board, BOARD_PL011, VIRT_UART_BASE, VIRT_UART_SPI,
			      "pl011");
		add_primecell(board, BOARD_PL031, VIRT_RTC_BASE, VIRT_RTC_SPI,
			      "pl031");
		add_primecell(board, BOARD_PL061, VIRT_GPIO_BASE, VIRT_GPIO_SPI,
			      "pl061");
	}

	for (i = 0; i < cfg->nr_disks; i++)
		add_virtio(board, &nr, BOARD_VIRTIO_BLK, "blk", i);
	for (i = 0; i < cfg->nr_nets; i++)
		add_virtio(board, &nr, BOARD_VIRTIO_NET, "net", i);
	if (cfg->console == CONSOLE_VIRTIO || cfg->nr_ports)
		add_virtio(board, &nr, BOARD_VIRTIO_CONSOLE, "console", 0);
	if (cfg->rng)
		add_virtio(board, &nr, BOARD_VIRTIO_RNG, "rng", 0);
	if (cfg->balloon)
		add_virtio(board, &nr, BOARD_VIRTIO_BALLOON, "balloon", 0);
	if (cfg->vsock.cid)
		add_virtio(board, &nr, BOARD_VIRTIO_VSOCK, "vsock", 0);
	if (nr > board->map->virtio_max)
		return error_set(err, TL_USAGE, ENOSPC,
				 "%u virtio devices are too many: machine %s "
				 "has room for %u",
				 nr, board->map->name, board->map->virtio_max);
	return 0;
}

static int make_bootargs(struct board *board, const struct run_config *cfg,
			 struct error *err)
{
	const char *params = cfg->params ? cfg->params : "";
	const char *console = "", *panic = "", *root = "";
	size_t max = board->kernel.width == GUEST_32BIT ? BOOTARGS_MAX_32
							: BOOTARGS_MAX_64;
	char warning[120];
	size_t len;

	if (bootargs_tiny_mem(params, warning, sizeof(warning)))
		log_warn("%s", warning);
	if (bootargs_silent(params, warning, sizeof(warning)))
		log_warn("%s", warning);
	if (!cfg->nodefaults) {
		if (!bootargs_has(params, "console"))
			console = cfg->console == CONSOLE_VIRTIO
					  ? "console=hvc0 "
					  : "console=ttyAMA0 ";
		if (!bootargs_has(params, "panic"))
			panic = "panic=-1 ";
		if (cfg->nr_disks && !board->initrd &&
		    !bootargs_has(params, "root"))
			root = cfg->disk[0].read_only ? "root=/dev/vda ro "
						      : "root=/dev/vda rw ";
	}
	if (asprintf(&board->bootargs, "%s%s%s%s", console, panic, root,
		     params) < 0) {
		board->bootargs = NULL;
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory for the kernel command line");
	}
	len = strlen(board->bootargs);
	while (!*params && len && board->bootargs[len - 1] == ' ')
		board->bootargs[--len] = '\0';

	/* The kernel would cut it short without a word. */
	if (len >= max)
		return error_set(err, TL_USAGE, E2BIG,
				 "option -p: the kernel command line has %zu "
				 "bytes; a %d-bit kernel takes at most %zu",
				 len, board->kernel.width, max - 1);
	return 0;
}

static int load_initrd(struct board *board, const char *path, struct error *err)
{
	uint8_t *data;
	size_t size;
	int ret;

	ret = file_read(path, "initrd", INITRD_MAX, TL_IMAGE, &data, &size,
			err);
	if (ret < 0)
		return ret;
	board->initrd = data;
	board->initrd_size = size;
	if (size == 0)
		return error_set(err, TL_IMAGE, ENOEXEC,
				 "initrd %s is empty; leave out -i to boot "
				 "without one",
				 path);
	return 0;
}

static int load_kernel(const struct run_config *cfg, enum guest_width want,
		       struct image *kernel, struct error *err)
{
	char *path = NULL;
	struct kcache cache;
	int ret;

	if (!cfg->kernel_cache && !cfg->no_kernel_cache)
		path = kcache_default_dir();
	kcache_init(&cache, cfg->no_kernel_cache ? NULL
			    : path               ? path
						 : cfg->kernel_cache);
	ret = image_load(cfg->kernel, want, &cache, kernel, err);
	/* What cannot be unpacked here unpacks itself. */
	if (!ret && kernel->format == IMAGE_ZIMAGE && !cfg->guest_decompress &&
	    zimage_unpack(kernel, &cache))
		log_info("kernel %s is left to its own decompressor",
			 cfg->kernel);
	if (cache.why)
		log_print(cfg->kernel_cache ? LOG_WARN : LOG_INFO,
			  "no cache of unpacked kernels in %s: %s", cache.path,
			  strerror(-cache.why));
	kcache_close(&cache);
	free(path);
	return ret;
}

int board_prepare(const struct run_config *cfg, enum guest_width native,
		  struct board *board, struct error *err)
{
	enum guest_width want = cfg->width;
	struct layout_request req;
	int ret;

	memset(board, 0, sizeof(*board));
	board->map = cfg->machine ? cfg->machine : &virt_memmap;
	/* An ARMv7 host has no other width; an arm64 host takes both, and a
	 * flat image is 64-bit there by default. */
	if (want == GUEST_WIDTH_ANY &&
	    (native == GUEST_32BIT || board->map == &vexpress_memmap))
		want = GUEST_32BIT;

	ret = load_kernel(cfg, want, &board->kernel, err);
	if (ret == 0 && cfg->initrd)
		ret = load_initrd(board, cfg->initrd, err);
	if (ret == 0 && board->map == &vexpress_memmap)
		ret = board_vexpress_load(board, cfg, err);
	if (ret < 0)
		goto fail;

	ret = fill_devices(board, cfg, err);
	if (ret < 0)
		goto fail;
	board->dtb_size += DTB_FIXED + (uint64_t)cfg->cpus * DTB_PER_CPU;
	req = (struct layout_request){
		.ram_base = board->map->ram_base,
		.ram_size = cfg->mem_size,
		.kernel = &board->kernel,
		.initrd_size = board->initrd_size,
		.dtb_size = board->dtb_size,
	};
	ret = layout_plan(&req, &board->layout, err);
	if (ret < 0)
		goto fail;
	ret = make_bootargs(board, cfg, err);
	if (ret < 0)
		goto fail;
	return 0;
fail:
	board_free(board);
	return ret;
}

void board_add_power(struct board *board)
{
	struct board_dev *dev;

	/* Others have one already. */
	if (board->map != &virt_memmap)
		return;
	dev = board_add(board, BOARD_POWER, VIRT_POWER_BASE, VIRT_POWER_SIZE,
			0);
	snprintf(dev->name, sizeof(dev->name), "power");
}

static int draw_seed(void *buf, size_t size, struct error *err)
{
	ssize_t n;

	do {
		n = getrandom(buf, size, 0);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)size)
		return error_set(err, TL_HOST, n < 0 ? errno : EIO,
				 "no random numbers for the guest's seeds "
				 "(getrandom): %s",
				 strerror(n < 0 ? errno : EIO));
	return 0;
}

int board_make_fdt(const struct board *board, const struct run_config *cfg,
		   unsigned int gic_version, const uint64_t *mpidr,
		   const char *cpu_compatible, uint32_t psci_version,
		   void **blob, size_t *size, struct error *err)
{
	struct fdt_request req = {
		.width = board->kernel.width,
		.nr_cpus = cfg->cpus,
		.mpidr = mpidr,
		.cpu_compatible = cpu_compatible,
		.gic_version = gic_version,
		.ram_base = board->map->ram_base,
		.ram_size = cfg->mem_size,
		.bootargs = board->bootargs,
		.initrd_gpa = board->layout.initrd_gpa,
		.initrd_size = board->initrd_size,
		.devs = board->dev,
		.nr_devs = board->nr_devs,
		.psci_version = psci_version,
		.pmu = cfg->pmu,
	};
	int ret;

	ret = draw_seed(req.rng_seed, sizeof(req.rng_seed), err);
	if (ret == 0)
		ret = draw_seed(&req.kaslr_seed, sizeof(req.kaslr_seed), err);
	if (ret == 0 && board->dtb)
		ret = fdt_vexpress(&req, board->dtb, blob, size, err);
	else if (ret == 0)
		ret = fdt_build(&req, blob, size, err);
	if (ret < 0)
		return ret;
	if (*size > board->dtb_size) {
		free(*blob);
		*blob = NULL;
		return error_set(err, TL_FAIL, ENOSPC,
				 "the device tree has %zu bytes, more than the "
				 "%llu kept free for it",
				 *size, (unsigned long long)board->dtb_size);
	}
	return 0;
}

int board_dump_fdt(const char *path, const void *blob, size_t size,
		   struct error *err)
{
	return file_write(path, "device tree", blob, size, TL_FAIL, err);
}

void board_free(struct board *board)
{
	image_free(&board->kernel);
	free(board->initrd);
	free(board->dtb);
	free(board->bootargs);
	memset(board, 0, sizeof(*board));
}
