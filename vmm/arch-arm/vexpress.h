/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine "vexpress-a15": the Versatile Express motherboard (V2M-P1) in its
 * "Cortex-A Series" memory map with the Cortex-A15 tile (V2P-CA15); Linux:
 * arch/arm/boot/dts/vexpress-v2m-rs1.dtsi and vexpress-v2p-ca15-tc1.dts.
 *
 *   0x1c010000  system registers
 *   0x1c090000  PL011, four of them          SPI 5, 6, 7, 8
 *   0x1c110000  SP804, two of them           SPI 2, 3
 *   0x1c130000  virtio-mmio n at + 0x200 x n, SPI 40 + n, n < 24
 *   0x1c170000  PL031                        SPI 4
 *   0x2c001000  GIC-400 distributor          4 KiB
 *   0x2c002000  GIC-400 CPU interface        8 KiB
 *   0x80000000  RAM
 *
 * The virtio devices are where QEMU's board of this name has its four; the
 * motherboard itself has none.  Of the interrupts, those up to 42 come from the
 * motherboard, and the tile's tree uses none between them and 68.
 */
#ifndef TL_ARCH_ARM_VEXPRESS_H
#define TL_ARCH_ARM_VEXPRESS_H

#define VEXPRESS_SYSREG_BASE   0x1c010000UL
#define VEXPRESS_UART_BASE     0x1c090000UL
#define VEXPRESS_UART_STRIDE   0x00010000UL
#define VEXPRESS_UART_SPI      5
#define VEXPRESS_NR_UARTS      4
#define VEXPRESS_TIMER_BASE    0x1c110000UL
#define VEXPRESS_TIMER_STRIDE  0x00010000UL
#define VEXPRESS_TIMER_SPI     2
#define VEXPRESS_NR_TIMERS     2
#define VEXPRESS_TIMER_HZ      1000000
#define VEXPRESS_VIRTIO_BASE   0x1c130000UL
#define VEXPRESS_VIRTIO_STRIDE 0x200UL
#define VEXPRESS_VIRTIO_SPI    40
#define VEXPRESS_VIRTIO_MAX    24
#define VEXPRESS_RTC_BASE      0x1c170000UL
#define VEXPRESS_RTC_SPI       4
#define VEXPRESS_GICD_BASE     0x2c001000UL
#define VEXPRESS_GICD_SIZE     0x00001000UL
#define VEXPRESS_GICC_BASE     0x2c002000UL
#define VEXPRESS_GICC_SIZE     0x00002000UL
#define VEXPRESS_RAM_BASE      0x80000000UL

#endif
