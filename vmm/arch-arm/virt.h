/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine "virt": QEMU's virt memory map, so that what was built for that board
 * finds its devices.
 *
 *   0x00000000  flash (not populated)
 *   0x08000000  GIC distributor          64 KiB
 *   0x08010000  GICv2 CPU interface      64 KiB   (8 KiB used)
 *   0x080a0000  GICv3 redistributors     123 x 128 KiB
 *   0x09000000  PL011                    SPI 1
 *   0x09010000  PL031                    SPI 2
 *   0x09030000  PL061                    SPI 7
 *   0x090f0000  power register, only where the host has no PSCI 0.2
 *   0x0a000000  virtio-mmio n at + 0x200 x n, SPI 16 + n, n < 32
 *   0x40000000  RAM
 */
#ifndef TL_ARCH_ARM_VIRT_H
#define TL_ARCH_ARM_VIRT_H

#define VIRT_GICD_BASE     0x08000000UL
#define VIRT_GICD_SIZE     0x00010000UL
#define VIRT_GICC_BASE     0x08010000UL
#define VIRT_GICC_SIZE     0x00010000UL
#define VIRT_GICR_BASE     0x080a0000UL
#define VIRT_GICR_SIZE     0x00f60000UL
#define VIRT_UART_BASE     0x09000000UL
#define VIRT_UART_SPI      1
#define VIRT_RTC_BASE      0x09010000UL
#define VIRT_RTC_SPI       2
#define VIRT_GPIO_BASE     0x09030000UL
#define VIRT_GPIO_SPI      7
#define VIRT_GPIO_POWER    3 /* the power key's line, high while it is down */
#define VIRT_POWER_BASE    0x090f0000UL
#define VIRT_POWER_SIZE    0x00001000UL
#define VIRT_VIRTIO_BASE   0x0a000000UL
#define VIRT_VIRTIO_STRIDE 0x200UL
#define VIRT_VIRTIO_SPI    16
#define VIRT_VIRTIO_MAX    32
#define VIRT_RAM_BASE      0x40000000UL

/* PPIs (INTID = 16 + n), as QEMU's virt board and its device tree have them. */
#define VIRT_PPI_TIMER_HYP  10
#define VIRT_PPI_TIMER_VIRT 11
#define VIRT_PPI_TIMER_SEC  13
#define VIRT_PPI_TIMER_PHYS 14
#define VIRT_PPI_PMU        7

#endif
