// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each kind of exit costs a guest, by its own counter: bare metal, for both
 * widths, on any machine whose VMM tells of it in a device tree, by the boot
 * protocol of Linux.  It prints the counter's frequency and then, for each
 * operation, the ticks of each sample, all in hexadecimal:
 *
 *   freq HZ
 *   read NAME REGISTER
 *   exit NAME OPERATIONS-A-SAMPLE TICKS...
 *   skip NAME WHY
 *   done
 *
 * and powers off; "read" says which register an operation's MMIO is to, where
 * machines differ.  Without a device tree or a UART in it, it powers off at once.
 * An IPI needs a second vCPU, kick and irqfd a virtio-rng device on virtio-mmio
 * that is no legacy one, and 256 MiB are enough for all.
 */
#include "exits.h"
#include "machine.h"

/* Above the start of memory, where no VMM puts anything with -m 256. */
#define QUEUE_OFFSET    (48UL << 20)
#define FAULT_OFFSET    (64UL << 20)
#define FAULT_STRIDE    (2UL << 20)
#define FAULTS          32

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
	"	mov r0, r2\n" /* there the device tree is */
	"	b payload_main\n"
	"secondary:	adr r9, _start\n"
	"	add sp, r9, #0x200000\n"
	"	b payload_secondary\n"
	".text\n");
#endif

void payload_main(uintptr_t tree);
void payload_secondary(const struct machine *m);
extern char secondary[] __attribute__((visibility("hidden")));

static void put_char(const struct machine *m, char c)
{
	if (m->uart_8250) {
		/* LSR.THRE: the last one is sent */
		while (!(mmio_read8(m->uart + 5) & 0x20))
			;
		mmio_write8(m->uart, (uint8_t)c);
	} else {
		mmio_write(m->uart, (uint8_t)c);
	}
}

static void put(const struct machine *m, const char *text)
{
	while (*text)
		put_char(m, *text++);
}

static void put_hex(const struct machine *m, uint64_t value)
{
	int shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4) {
		unsigned int digit = value >> shift & 15;

		put_char(m,
			 (char)(digit < 10 ? '0' + digit : 'a' + digit - 10));
	}
}

/* --- interrupts --- */

static void gic_init(const struct machine *m, int cpu)
{
	const struct gic gic = m->gic;
	uintptr_t redist = m->redist + (uintptr_t)cpu * 0x20000;

	if (gic.cpu) {
		mmio_write(gic.dist + GICD_CTLR, 1);
		mmio_write(gic.dist + GICD_ISENABLER,
			   1u << PPI_VTIMER | 0xffff);
		mmio_write(gic.cpu + GICC_PMR, 0xff);
		mmio_write(gic.cpu + GICC_CTLR, 1);
		return;
	}
	/* EnableGrp1, ARE */
	mmio_write(gic.dist + GICD_CTLR, 0x12);
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
static void gic_enable(struct gic gic, unsigned int irq)
{
	uintptr_t config = gic.dist + GICD_ICFGR + irq / 16 * 4;
	uintptr_t group = gic.dist + GICD_IGROUPR + irq / 32 * 4;

	mmio_write(config, mmio_read(config) | 2u << irq % 16 * 2);
	if (!gic.cpu) {
		mmio_write(group, mmio_read(group) | 1u << irq % 32);
		mmio_write(gic.dist + GICD_IROUTER + irq * 8, 0);
		mmio_write(gic.dist + GICD_IROUTER + irq * 8 + 4, 0);
	} else {
		mmio_write(gic.dist + GICD_ITARGETSR + (irq & ~3u), 0x01010101);
	}
	mmio_write(gic.dist + GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
}

static uint32_t gic_ack(struct gic gic)
{
	uint32_t irq = gic.cpu ? mmio_read(gic.cpu + GICC_IAR)
			       : (uint32_t)READ(ICC_IAR1);

	cpu_dsb();
	return irq;
}

static void gic_eoi(struct gic gic, uint32_t irq)
{
	if (!gic.cpu) {
		WRITE(ICC_EOIR1, irq);
		__asm__ volatile("isb");
	} else {
		mmio_write(gic.cpu + GICC_EOIR, irq);
	}
}

/*
 * Sleep until @irq; it is acknowledged, not ended: the return is for that.
 * Inline, as a call would be part of what is measured.
 */
static inline __attribute__((always_inline)) uint32_t gic_wait(struct gic gic,
							       uint32_t irq)
{
	for (;;) {
		uint32_t got = gic_ack(gic);

		if ((got & 0x3ff) == irq)
			return got;
		if ((got & 0x3ff) < NO_IRQ)
			gic_eoi(gic, got);
		else
			cpu_wfi();
	}
}

static void gic_sgi(struct gic gic, uint32_t sgi, unsigned int cpu)
{
	cpu_dsb();
	if (!gic.cpu)
		cpu_send_sgi((uint64_t)sgi << 24 | 1u << cpu);
	else
		mmio_write(gic.dist + GICD_SGIR, 1u << (16 + cpu) | sgi);
}

/* --- virtio-mmio (virtio 1.2, 4.2) --- */

struct desc {
	uint64_t address;
	uint32_t len;
	uint16_t flags, next;
};

/* Where the rest of the queue is, from its descriptors on. */
enum { AVAIL = 0x1000, USED = 0x2000, DATA = 0x3000 };

static void virtio_start(uintptr_t base, uintptr_t ring)
{
	volatile struct desc *desc = (volatile struct desc *)ring;
	const uint32_t high = (uint32_t)((uint64_t)ring >> 32);

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
	mmio_write(base + 0x80, (uint32_t)ring);
	mmio_write(base + 0x84, high);
	mmio_write(base + 0x90, (uint32_t)(ring + AVAIL));
	mmio_write(base + 0x94, high);
	mmio_write(base + 0xa0, (uint32_t)(ring + USED));
	mmio_write(base + 0xa4, high);
	mmio_write(base + 0x44, 1);
	mmio_write(base + 0x70, 15);
	desc[0].address = ring + DATA;
	desc[0].len = 8;
	desc[0].flags = 2; /* the device writes */
}

/* One buffer there and back, asleep until the interrupt. */
static void virtio_round(struct gic gic, uintptr_t base, uintptr_t ring,
			 uint32_t irq, uint16_t index)
{
	volatile uint16_t *avail = (volatile uint16_t *)(ring + AVAIL);
	volatile uint16_t *used = (volatile uint16_t *)(ring + USED);
	uint32_t got;

	avail[2 + index % 8] = 0;
	cpu_dsb();
	avail[1] = (uint16_t)(index + 1);
	cpu_dsb();
	mmio_write(base + 0x50, 0);
	for (;;) {
		got = gic_wait(gic, irq);
		mmio_write(base + 0x64, 1);
		gic_eoi(gic, got);
		if (used[1] == (uint16_t)(index + 1))
			return;
	}
}

/* --- what is measured --- */

static void skip(const struct machine *m, const char *name, const char *why)
{
	put(m, "skip ");
	put(m, name);
	put(m, " ");
	put(m, why);
	put(m, "\n");
}

static void begin(const struct machine *m, const char *name, unsigned int batch)
{
	put(m, "exit ");
	put(m, name);
	put(m, " ");
	put_hex(m, batch);
}

static void show(const struct machine *m, const char *name, unsigned int batch,
		 const uint64_t *ticks, unsigned int count)
{
	begin(m, name, batch);
	for (; count; count--, ticks++) {
		put(m, " ");
		put_hex(m, *ticks);
	}
	put(m, "\n");
}

/* Ticks of each of SAMPLES times @count operations; the first is to warm up. */
#define MEASURE(m, name, count, operation)                   \
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
		show(m, name, count, ticks_ + 1, SAMPLES);   \
	} while (0)

static void timer_wake(const struct machine *m)
{
	const struct gic gic = m->gic;
	uint64_t late[SAMPLES], freq = READ(CNTFRQ);
	unsigned int s;
	uint32_t got;

	for (s = 0; s < SAMPLES; s++) {
		/* half a millisecond: longer than it takes to fall asleep */
		uint64_t deadline = cpu_counter() + (freq >> 11);

		cpu_timer(deadline);
		WRITE(CNTV_CTL, 1);
		got = gic_wait(gic, PPI_VTIMER);
		late[s] = cpu_counter() - deadline;
		WRITE(CNTV_CTL, 0);
		gic_eoi(gic, got);
	}
	show(m, "timer-wake", 1, late, SAMPLES);
}

static void faults(const struct machine *m)
{
	const uintptr_t region = m->ram + FAULT_OFFSET;
	uint64_t ticks[FAULTS];
	unsigned int s;

	if (m->ram_size < FAULT_OFFSET + FAULTS * FAULT_STRIDE) {
		skip(m, "stage2-fault", "less than 128 MiB");
		return;
	}
	for (s = 0; s < FAULTS; s++) {
		uint64_t start = cpu_counter();

		mmio_write(region + s * FAULT_STRIDE, s);
		cpu_dsb();
		ticks[s] = cpu_counter() - start;
	}
	show(m, "stage2-fault", 1, ticks, FAULTS);
}

static void mmio(const struct machine *m)
{
	const uintptr_t in_kernel = m->gic.dist + GICD_CTLR;
	uintptr_t in_vmm = 0;

	if (m->gic.dist)
		MEASURE(m, "mmio-kernel", BATCH, mmio_read(in_kernel));
	else
		skip(m, "mmio-kernel", "no GIC");
	if (m->gpio) {
		in_vmm = m->gpio + 0x400;
		put(m, "read mmio-vmm PL061 GPIODIR\n");
	} else if (m->rtc) {
		in_vmm = m->rtc + 0x04;
		put(m, "read mmio-vmm PL031 RTCMR\n");
	} else if (m->virtio) {
		in_vmm = m->virtio + 0x08;
		put(m, "read mmio-vmm virtio-mmio DeviceID\n");
	}
	if (in_vmm)
		MEASURE(m, "mmio-vmm", BATCH, mmio_read(in_vmm));
	else
		skip(m, "mmio-vmm", "no PL061, PL031 or virtio-mmio");
}

static void virtio(const struct machine *m)
{
	const uintptr_t base = m->rng, ring = m->ram + QUEUE_OFFSET;
	const struct gic gic = m->gic;
	const uint32_t irq = m->rng_irq;
	const char *why = !base ? "no virtio-rng" : "less than 49 MiB";
	uint16_t index = 0;

	if (!base || m->ram_size < QUEUE_OFFSET + (1UL << 20)) {
		skip(m, "kick", why);
		skip(m, "irqfd", why);
		return;
	}
	gic_enable(gic, irq);
	virtio_start(base, ring);
	MEASURE(m, "irqfd", 1, virtio_round(gic, base, ring, irq, index++));
	MEASURE(m, "kick", BATCH, mmio_write(base + 0x50, 0));
}

static void interrupts(const struct machine *m)
{
	const struct gic gic = m->gic;

	gic_init(m, 0);
	MEASURE(m, "ipi-self", BATCH, ({
			gic_sgi(gic, SGI_PONG, 0);
			gic_eoi(gic, gic_wait(gic, SGI_PONG));
		}));
	timer_wake(m);
	virtio(m);
	if (cpu_psci(PSCI_CPU_ON, 1, (unsigned long)secondary,
		     (unsigned long)m)) {
		skip(m, "ipi-pair", "one vCPU");
		return;
	}
	gic_eoi(gic, gic_wait(gic, SGI_PONG));
	MEASURE(m, "ipi-pair", 1, ({
			gic_sgi(gic, SGI_PING, 1);
			gic_eoi(gic, gic_wait(gic, SGI_PONG));
		}));
}

static void measure(const struct machine *m)
{
	put(m, "freq ");
	put_hex(m, READ(CNTFRQ));
	put(m, "\n");
	/* before anything else touches memory there */
	faults(m);
	MEASURE(m, "nothing", BATCH, __asm__ volatile(""));
	MEASURE(m, "hypercall", BATCH, cpu_psci(PSCI_VERSION, 0, 0, 0));
	mmio(m);
	MEASURE(m, "sysreg", BATCH, READ(ACTLR));
	if (m->gic.dist) {
		interrupts(m);
	} else {
		skip(m, "ipi-self", "no GIC");
		skip(m, "timer-wake", "no GIC");
		skip(m, "kick", "no GIC");
		skip(m, "irqfd", "no GIC");
		skip(m, "ipi-pair", "no GIC");
	}
	/* Last: from then on KVM watches this vCPU's MMU. */
	MEASURE(m, "set-way", BATCH, cpu_set_way());
	put(m, "done\n");
}

void payload_main(uintptr_t tree)
{
	struct machine machine;

	machine_find(&machine, tree);
	if (machine.uart)
		measure(&machine);
	cpu_psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		cpu_wfi();
}

void payload_secondary(const struct machine *m)
{
	const struct gic gic = m->gic;

	gic_init(m, 1);
	for (;;) {
		gic_sgi(gic, SGI_PONG, 0);
		gic_eoi(gic, gic_wait(gic, SGI_PING));
	}
}
