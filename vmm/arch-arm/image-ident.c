// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "arch-arm/image-ident.h"

struct magic {
	size_t offset;
	const char *bytes;
	size_t len;
	const char *is;
};

#define MAGIC(at, text, is)                    \
	{                                      \
		at, text, sizeof(text) - 1, is \
	}

static const struct magic magics[] = {
	MAGIC(0,
	      "\xfd"
	      "7zXZ",
	      "compressed with xz; decompress it first: "
	      "xz -dc FILE > Image"),
	MAGIC(0, "\x28\xb5\x2f\xfd",
	      "compressed with zstd; decompress it "
	      "first: zstd -dc FILE > Image"),
	MAGIC(0, "\x04\x22\x4d\x18",
	      "compressed with lz4; decompress it "
	      "first: lz4 -dc FILE > Image"),
	MAGIC(0, "\x02\x21\x4c\x18",
	      "compressed with lz4; decompress it "
	      "first: lz4 -dc FILE > Image"),
	MAGIC(0, "BZh",
	      "compressed with bzip2; decompress it first: "
	      "bzip2 -dc FILE > Image"),
	MAGIC(0, "\x89LZO",
	      "compressed with lzop; decompress it first: "
	      "lzop -dc FILE > Image"),
	MAGIC(0, "\x5d\x00\x00",
	      "compressed with lzma; decompress it first: "
	      "lzma -dc FILE > Image"),
	/* Documentation/x86/boot.rst: boot_flag, header. */
	MAGIC(0x202, "HdrS",
	      "an x86 kernel (bzImage); an ARM guest needs a "
	      "zImage (32-bit) or an Image (64-bit)"),
	/* U-Boot include/image.h: IH_MAGIC, big-endian. */
	MAGIC(0, "\x27\x05\x19\x56",
	      "a U-Boot uImage; take the zImage or "
	      "Image it was made from, or strip its 64-byte header: "
	      "tail -c +65 FILE > zImage"),
	MAGIC(0, "\xd0\x0d\xfe\xed",
	      "a device tree or a FIT image; take the "
	      "zImage or Image inside it"),
	MAGIC(0, "070701",
	      "an initramfs (cpio archive); pass it with "
	      "-i and a kernel with -k"),
	MAGIC(0, "070702",
	      "an initramfs (cpio archive); pass it with "
	      "-i and a kernel with -k"),
	MAGIC(0, "!<arch>\n",
	      "an archive or a Debian package; the kernel is "
	      "inside it: dpkg -x FILE DIR"),
	MAGIC(0, "QFI\xfb",
	      "a qcow2 disk image; a disk goes with -d, a kernel "
	      "with -k"),
	MAGIC(0, "\x1f\x8b",
	      "compressed twice with gzip; decompress it once: "
	      "gzip -dc FILE > Image.gz"),
};

/* ELF-64 object file format, e_ident and e_machine. */
#define EI_CLASS    4
#define EI_DATA     5
#define E_MACHINE   18
#define EM_386      3
#define EM_ARM      40
#define EM_X86_64   62
#define EM_AARCH64  183
#define EM_RISCV    243
#define ELF_HDR_MIN 20

static const char *ident_elf(const uint8_t *data, size_t size, char *buf,
			     size_t buf_size)
{
	unsigned int machine;

	if (size < ELF_HDR_MIN)
		return "an ELF file cut short; take the kernel's zImage "
		       "(32-bit) or Image (64-bit)";

	machine = data[EI_DATA] == 2
			  ? data[E_MACHINE] << 8 | data[E_MACHINE + 1]
			  : image_le16(data + E_MACHINE);
	switch (machine) {
	case EM_AARCH64:
		return "an ELF file for arm64; take arch/arm64/boot/Image, or "
		       "make it: aarch64-linux-gnu-objcopy -O binary FILE "
		       "Image";
	case EM_ARM:
		return "an ELF file for 32-bit ARM; take arch/arm/boot/zImage, "
		       "or for a bare-metal program: "
		       "arm-linux-gnueabihf-objcopy -O binary FILE FILE.bin";
	case EM_386:
	case EM_X86_64:
		return "an ELF file for x86; an ARM guest needs a zImage "
		       "(32-bit) or an Image (64-bit)";
	case EM_RISCV:
		return "an ELF file for RISC-V; an ARM guest needs a zImage "
		       "(32-bit) or an Image (64-bit)";
	}
	snprintf(buf, buf_size,
		 "an ELF file for another machine (e_machine %u); an ARM guest "
		 "needs a zImage (32-bit) or an Image (64-bit)",
		 machine);
	return buf;
}

/* PE/COFF: the offset of the header is at 0x3c, its Machine after "PE\0\0". */
#define PE_OFFSET_AT 0x3c

static const char *ident_pe(const uint8_t *data, size_t size, char *buf,
			    size_t buf_size)
{
	uint32_t pe;

	if (size < PE_OFFSET_AT + 4 || memcmp(data, "MZ", 2))
		return NULL;
	pe = image_le32(data + PE_OFFSET_AT);
	if (pe > size - 6 || memcmp(data + pe, "PE\0\0", 4))
		return NULL;
	snprintf(buf, buf_size,
		 "an EFI or Windows program (machine 0x%04x), not a kernel; an "
		 "ARM guest needs a zImage (32-bit) or an Image (64-bit)",
		 image_le16(data + pe + 4));
	return buf;
}

/* Printable characters and white space only, in ASCII or (loosely) UTF-8. */
static bool is_text(const uint8_t *data, size_t size)
{
	size_t i, n = size < 4096 ? size : 4096;

	for (i = 0; i < n; i++) {
		unsigned int c = data[i], more = 0;

		if ((c >= 0x20 && c < 0x7f) || (c >= '\t' && c <= '\r') ||
		    c == 0x1b)
			continue;
		if (c >= 0xc2 && c < 0xe0)
			more = 1;
		else if (c >= 0xe0 && c < 0xf0)
			more = 2;
		else if (c >= 0xf0 && c < 0xf5)
			more = 3;
		else
			return false;
		while (more-- && i + 1 < n)
			if ((data[++i] & 0xc0) != 0x80)
				return false;
	}
	return n != 0;
}

static bool is_zeros(const uint8_t *data, size_t size)
{
	size_t n = size < 4096 ? size : 4096;

	return n && data[0] == 0 && !memcmp(data, data + 1, n - 1);
}

const char *image_ident(const uint8_t *data, size_t size, char *buf,
			size_t buf_size)
{
	const char *is;
	size_t i;

	if (size >= 4 && !memcmp(data,
				 "\x7f"
				 "ELF",
				 4))
		return ident_elf(data, size, buf, buf_size);

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (size >= m->len && m->offset <= size - m->len &&
		    !memcmp(data + m->offset, m->bytes, m->len))
			return m->is;
	}

	is = ident_pe(data, size, buf, buf_size);
	if (is)
		return is;
	if (is_text(data, size))
		return "a text file; a guest needs a kernel: zImage (32-bit), "
		       "Image or Image.gz (64-bit)";
	if (is_zeros(data, size))
		return "filled with zeros; the file was not copied or "
		       "downloaded in full";
	return NULL;
}
