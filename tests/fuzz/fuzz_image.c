// SPDX-License-Identifier: GPL-2.0-only
/* Any file as a kernel: it is refused with a reason, or it can be placed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch-arm/image.h"
#include "arch-arm/layout.h"
#include "arch-arm/zimage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *path, enum guest_width want)
{
	struct error err = { 0 };
	struct layout_request req = { .ram_base = 0x40000000,
				      .ram_size = 1ULL << 30,
				      .initrd_size = 1 << 20,
				      .dtb_size = 0x8100 };
	struct layout out;
	struct image img;

	if (image_load(path, want, NULL, &img, &err) < 0) {
		if (err.status != TL_IMAGE || !err.text[0] || img.data)
			abort();
		return;
	}
	if (!img.data || img.footprint < img.size ||
	    (img.width != GUEST_32BIT && img.width != GUEST_64BIT) ||
	    (want != GUEST_WIDTH_ANY && want != img.width))
		abort();
	/* As much as it says, and no more than is quickly filled. */
	if (img.zimage.kernel_size <= 16 << 20 && !zimage_unpack(&img, NULL) &&
	    (img.format != IMAGE_KERNEL || img.footprint < img.size))
		abort();
	req.kernel = &img;
	if (layout_plan(&req, &out, &err) == 0) {
		if (out.kernel_gpa < req.ram_base ||
		    (out.kernel_gpa + img.footprint > out.dtb_gpa &&
		     out.dtb_gpa + req.dtb_size > out.kernel_gpa) ||
		    out.initrd_gpa + req.initrd_size >
			    req.ram_base + req.ram_size)
			abort();
	} else if (err.status != TL_MEMORY) {
		abort();
	}
	image_free(&img);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[40];
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check(path, GUEST_WIDTH_ANY);
	check(path, GUEST_32BIT);
	close(fd);
	return 0;
}
