// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each kind of exit costs a guest, by its own counter: bare metal, for both
 * widths, on machine "virt" of any VMM.  It prints the counter's frequency and
 * then, for each operation, the ticks of each sample, all in hexadecimal:
 *
 *   freq HZ
 *   exit NAME OPERATIONS-A-SAMPLE TICKS...
 *   skip NAME WHY
 *   done
 *
 * and powers off.  An IPI needs a second vCPU, kick and irqfd a virtio-rng
 * device that is no legacy one.
 */
#include "exits.h"

#define RAM             0x40000000UL
#define FAULT_REGION    (RAM + (64UL << 20)) /* nobody puts anything there */
#define FAULT_STRIDE    (2UL << 20)
#define QUEUE           (RAM + (48UL << 20))

#define GICD            0x08000000UL
#define GICC            0x08010000UL
#define GICR            0x080a0000UL

#define GICD_CTLR       0x000
#define GICD_IGROUPR    0x080
#define GICD_ISENABLER  0x100
#define GICD_ITARGETSR  0x800
#define GICD_ICFGR      0xc00
#define GICD_SGIR       0xf00
#define GICD_IROUTER    0x6000
#define GICC_CTLR       0x00
#define GICC_PMR        0x04
#define GICC_IAR        0x0c
#define GICC_EOIR       0x10
#define GICR_WAKER      0x14
#define GICR_SGI_OFFSET 0x10000

#define PPI_VTIMER      27
#define SGI_PING        1
#define SGI_PONG        2
#define NO_IRQ          1020

enum { SAMPLES = 40, BATCH = 32 };

/* Where the image is, SP grows down from 1 MiB above it, 2 MiB for the second. */
#ifdef __aarch64__
__asm__(".section .text.start,\"ax\"\n"
	".globl _start\n"
	"_start:	adr x9, _start\n"
	"	add sp, x9, #0x100000\n"
	"	b payload_main\n"
	"secondary:	adr x9, _start\n"
	"	add sp, x9, #0x200000\n"
	"	b payload_secondary\n"
	".text\n");
#else
__asm__(".section .text.start,\"ax\"\n"
	".arch armv7ve\n.arm\n"
	".globl _start\n"
	"_start:	adr r9, _start\n"
	"	add sp, r9, #0x100000\n"
	"	b payload_main\n"
	"secondary:	adr r9, _start\n"
	"	add sp, r9, #0x200000\n"
	"	b payload_secondary\n"
	".text\n");
#endif

void payload_main(void);
void payload_secondary(void);
extern char secondary[] __attribute__((visibility("hidden")));

static void put(const char *text)
{
	while (*text)
		mmio_write(UART_DR, (uint8_t)*text++);
}

static void put_hex(uint64_t value)
{
	int shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4) {
		unsigned int digit = value >> shift & 15;

		mmio_write(UART_DR,
			   digit < 10 ? '0' + digit : 'a' + digit - 10);
	}
}

/* --- interrupts --- */

static void gic_init(int v3, int cpu)
{
	uintptr_t redist = GICR + (uintptr_t)cpu * 0x20000;

	if (!v3) {
		mmio_write(GICD + GICD_CTLR, 1);
		mmio_write(GICD + GICD_ISENABLER, 1u << PPI_VTIMER | 0xffff);
		mmio_write(GICC + GICC_PMR, 0xff);
		mmio_write(GICC + GICC_CTLR, 1);
		return;
	}
	/* EnableGrp1, ARE */
	mmio_write(GICD + GICD_CTLR, 0x12);
	mmio_write(redist + GICR_WAKER, 0);
	redist += GICR_SGI_OFFSET;
	mmio_write(redist + GICD_IGROUPR, ~0u);
	mmio_write(redist + GICD_ISENABLER, 1u << PPI_VTIMER | 0xffff);
	WRITE(ICC_SRE, 7);
	__asm__ volatile("isb");
	WRITE(ICC_PMR, 0xff);
	WRITE(ICC_IGRPEN1, 1);
	__asm__ volatile("isb");
}

/* A shared interrupt, by its edge, to the first vCPU. */
static void gic_enable(int v3, unsigned int irq)
{
	uintptr_t config = GICD + GICD_ICFGR + irq / 16 * 4;
	uintptr_t group = GICD + GICD_IGROUPR + irq / 32 * 4;

	mmio_write(config, mmio_read(config) | 2u << irq % 16 * 2);
	if (v3) {
		mmio_write(group, mmio_read(group) | 1u << irq % 32);
		mmio_write(GICD + GICD_IROUTER + irq * 8, 0);
		mmio_write(GICD + GICD_IROUTER + irq * 8 + 4, 0);
	} else {
		mmio_write(GICD + GICD_ITARGETSR + (irq & ~3u), 0x01010101);
	}
	mmio_write(GICD + GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
}

static uint32_t gic_ack(int v3)
{
	uint32_t irq = v3 ? (uint32_t)READ(ICC_IAR1)
			  : mmio_read(GICC + GICC_IAR);

	cpu_dsb();
	return irq;
}

static void gic_eoi(int v3, uint32_t irq)
{
	if (v3) {
		WRITE(ICC_EOIR1, irq);
		__asm__ volatile("isb");
	} else {
		mmio_write(GICC + GICC_EOIR, irq);
	}
}

/* Sleep until @irq; it is acknowledged, not ended: the return is for that. */
static uint32_t gic_wait(int v3, uint32_t irq)
{
	for (;;) {
		uint32_t got = gic_ack(v3);

		if ((got & 0x3ff) == irq)
			return got;
		if ((got & 0x3ff) < NO_IRQ)
			gic_eoi(v3, got);
		else
			cpu_wfi();
	}
}

static void gic_sgi(int v3, uint32_t sgi, unsigned int cpu)
{
	cpu_dsb();
	if (v3)
		cpu_send_sgi((uint64_t)sgi << 24 | 1u << cpu);
	else
		mmio_write(GICD + GICD_SGIR, 1u << (16 + cpu) | sgi);
}

/* --- virtio-mmio (virtio 1.2, 4.2) --- */

struct desc {
	uint64_t address;
	uint32_t len;
	uint16_t flags, next;
};

#define VRING_DESC  ((volatile struct desc *)QUEUE)
#define VRING_AVAIL ((volatile uint16_t *)(QUEUE + 0x1000))
#define VRING_USED  ((volatile uint16_t *)(QUEUE + 0x2000))
#define VRING_DATA  (QUEUE + 0x3000)

/* The first device of kind 4, entropy; its number, -1 if there is none. */
static int virtio_find(void)
{
	int n;

	for (n = 0; n < 32; n++) {
		uintptr_t base = 0x0a000000UL + (uintptr_t)n * 0x200;

		if (mmio_read(base) == 0x74726976 && mmio_read(base + 4) == 2 &&
		    mmio_read(base + 8) == 4)
			return n;
	}
	return -1;
}

static void virtio_start(uintptr_t base)
{
	mmio_write(base + 0x70, 0);
	mmio_write(base + 0x70, 3);
	/* VIRTIO_F_VERSION_1 and nothing else */
	mmio_write(base + 0x24, 1);
	mmio_write(base + 0x20, 1);
	mmio_write(base + 0x24, 0);
	mmio_write(base + 0x20, 0);
	mmio_write(base + 0x70, 11);
	mmio_write(base + 0x30, 0);
	mmio_write(base + 0x38, 8);
	mmio_write(base + 0x80, QUEUE);
	mmio_write(base + 0x84, 0);
	mmio_write(base + 0x90, QUEUE + 0x1000);
	mmio_write(base + 0x94, 0);
	mmio_write(base + 0xa0, QUEUE + 0x2000);
	mmio_write(base + 0xa4, 0);
	mmio_write(base + 0x44, 1);
	mmio_write(base + 0x70, 15);
	VRING_DESC[0].address = VRING_DATA;
	VRING_DESC[0].len = 8;
	VRING_DESC[0].flags = 2; /* the device writes */
}

/* One buffer there and back, asleep until the interrupt. */
static void virtio_round(int v3, uintptr_t base, uint32_t irq, uint16_t index)
{
	uint32_t got;

	VRING_AVAIL[2 + index % 8] = 0;
	cpu_dsb();
	VRING_AVAIL[1] = (uint16_t)(index + 1);
	cpu_dsb();
	mmio_write(base + 0x50, 0);
	for (;;) {
		got = gic_wait(v3, irq);
		mmio_write(base + 0x64, 1);
		gic_eoi(v3, got);
		if (VRING_USED[1] == (uint16_t)(index + 1))
			return;
	}
}

/* --- what is measured --- */

static void begin(const char *name, unsigned int batch)
{
	put("exit ");
	put(name);
	put(" ");
	put_hex(batch);
}

/* Ticks of each of SAMPLES times @count operations; the first is to warm up. */
#define MEASURE(name, count, operation)                      \
	do {                                                 \
		uint64_t ticks_[SAMPLES + 1];                \
		unsigned int s_, b_;                         \
		for (s_ = 0; s_ <= SAMPLES; s_++) {          \
			uint64_t start_ = cpu_counter();     \
			for (b_ = 0; b_ < (count); b_++) {   \
				operation;                   \
			}                                    \
			ticks_[s_] = cpu_counter() - start_; \
		}                                            \
		begin(name, count);                          \
		for (s_ = 1; s_ <= SAMPLES; s_++) {          \
			put(" ");                            \
			put_hex(ticks_[s_]);                 \
		}                                            \
		put("\n");                                   \
	} while (0)

static void timer_wake(int v3)
{
	uint64_t late[SAMPLES], freq = READ(CNTFRQ);
	unsigned int s;
	uint32_t got;

	for (s = 0; s < SAMPLES; s++) {
		/* half a millisecond: longer than it takes to fall asleep */
		uint64_t deadline = cpu_counter() + (freq >> 11);

		cpu_timer(deadline);
		WRITE(CNTV_CTL, 1);
		got = gic_wait(v3, PPI_VTIMER);
		late[s] = cpu_counter() - deadline;
		WRITE(CNTV_CTL, 0);
		gic_eoi(v3, got);
	}
	begin("timer-wake", 1);
	for (s = 0; s < SAMPLES; s++) {
		put(" ");
		put_hex(late[s]);
	}
	put("\n");
}

static void faults(void)
{
	uint64_t ticks[32];
	unsigned int s;

	for (s = 0; s < 32; s++) {
		uint64_t start = cpu_counter();

		mmio_write(FAULT_REGION + s * FAULT_STRIDE, s);
		cpu_dsb();
		ticks[s] = cpu_counter() - start;
	}
	begin("stage2-fault", 1);
	for (s = 0; s < 32; s++) {
		put(" ");
		put_hex(ticks[s]);
	}
	put("\n");
}

static void virtio(int v3)
{
	int n = virtio_find();
	uintptr_t base = 0x0a000000UL + (uintptr_t)n * 0x200;
	uint16_t index = 0;

	if (n < 0) {
		put("skip kick no virtio-rng\nskip irqfd no virtio-rng\n");
		return;
	}
	gic_enable(v3, 48 + (unsigned int)n);
	virtio_start(base);
	MEASURE("irqfd", 1, virtio_round(v3, base, 48 + (uint32_t)n, index++));
	MEASURE("kick", BATCH, mmio_write(base + 0x50, 0));
}

void payload_main(void)
{
	int v3 = cpu_has_gicv3();

	put("freq ");
	put_hex(READ(CNTFRQ));
	put("\n");
	gic_init(v3, 0);
	/* before anything else touches memory there */
	faults();
	MEASURE("nothing", BATCH, __asm__ volatile(""));
	MEASURE("hypercall", BATCH, cpu_psci(PSCI_VERSION, 0, 0, 0));
	MEASURE("mmio-kernel", BATCH, mmio_read(GICD + GICD_CTLR));
	MEASURE("mmio-vmm", BATCH, mmio_read(GPIO_DIR));
	MEASURE("sysreg", BATCH, READ(ACTLR));
	MEASURE("ipi-self", BATCH, ({
			gic_sgi(v3, SGI_PONG, 0);
			gic_eoi(v3, gic_wait(v3, SGI_PONG));
		}));
	timer_wake(v3);
	virtio(v3);
	if (cpu_psci(PSCI_CPU_ON, 1, (unsigned long)secondary, 0) == 0) {
		gic_eoi(v3, gic_wait(v3, SGI_PONG));
		MEASURE("ipi-pair", 1, ({
				gic_sgi(v3, SGI_PING, 1);
				gic_eoi(v3, gic_wait(v3, SGI_PONG));
			}));
	} else {
		put("skip ipi-pair one vCPU\n");
	}
	/* Last: from then on KVM watches this vCPU's MMU. */
	MEASURE("set-way", BATCH, cpu_set_way());
	put("done\n");
	cpu_psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		cpu_wfi();
}

void payload_secondary(void)
{
	int v3 = cpu_has_gicv3();

	gic_init(v3, 1);
	for (;;) {
		gic_sgi(v3, SGI_PONG, 0);
		gic_eoi(v3, gic_wait(v3, SGI_PING));
	}
}
