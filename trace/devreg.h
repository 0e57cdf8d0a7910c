/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of the registers of the devices that ARM guests are given. */
#ifndef TL_TRACE_DEVREG_H
#define TL_TRACE_DEVREG_H

#include <stddef.h>
#include <stdint.h>

enum devreg_type {
	DEVREG_UNKNOWN,
	DEVREG_PL011,           /* DDI 0183 */
	DEVREG_PL031,           /* DDI 0224 */
	DEVREG_PL061,           /* DDI 0190 */
	DEVREG_VIRTIO_MMIO,     /* virtio 1.2, 4.2.2 */
	DEVREG_GICD,            /* IHI 0048 and IHI 0069 */
	DEVREG_GICC,            /* IHI 0048 */
	DEVREG_GICR,            /* IHI 0069 */
	DEVREG_SP804,           /* DDI 0271 */
	DEVREG_VEXPRESS_SYSREG, /* DUI 0447 */
};

/* From a side file's "type"; DEVREG_UNKNOWN for a name that is none of them. */
enum devreg_type devreg_type(const char *name);

/* The register at byte @offset; "+0x..." where it has no name. */
void devreg_name(enum devreg_type type, uint64_t offset, char *buf,
		 size_t size);

#endif
