// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that means harm: on every vCPU at once, and for as many seconds as
 * "hostile.seconds=" on the command line says, it does one of these at random:
 *
 *  - reads or writes any register, or where none is, with every access size,
 *    aligned or not;
 *  - brings a virtio device up, with features, sizes and ring addresses that
 *    are plausible, or not;
 *  - fills rings with descriptors that loop, refer to themselves, wrap at the
 *    top of the address space, lie in holes, in devices or across the end of
 *    RAM, or have no length or 4 GiB;
 *  - rings doorbells of queues that are absent;
 *  - resets a device while the others use it;
 *  - storms the console;
 *  - calls the hypervisor with any function number that does not end the guest.
 *
 * "hostile.seed=" begins the same sequence again, as far as several vCPUs can.
 * Then it says how much it did and powers off.
 *
 * It keeps its own memory out of reach of the devices it drives: what they do
 * to the arena is their right, and it wants to live.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "defs.h"
#include "hostile.h"
#include "hostile-cpu.h"

#define VIRTIO(n)    (0x0a000000ul + 0x200ul * (n))
#define VIRTIO_SLOTS 32
#define UART_CR      0x09000030ul
#define UART_IMSC    0x09000038ul

/* virtio 1.2, 4.2.2 */
enum {
	MAGIC = 0x00,
	DEVICE_ID = 0x08,
	FEATURES = 0x10,
	FEATURES_SEL = 0x14,
	DRIVER = 0x20,
	DRIVER_SEL = 0x24,
	QUEUE_SEL = 0x30,
	QUEUE_NUM_MAX = 0x34,
	QUEUE_NUM = 0x38,
	QUEUE_READY = 0x44,
	NOTIFY = 0x50,
	ACK = 0x64,
	STATUS = 0x70,
	DESC = 0x80,
	AVAIL = 0x90,
	USED = 0xa0,
	CONFIG = 0x100,
};

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct chance {
	uint64_t state;
};

/* Not hidden, it would be reached by a table of absolute addresses. */
__attribute__((visibility("hidden"))) void hostile_secondary(void);
void hostile_main(unsigned long cpu, const uint8_t *dtb);

/* xorshift64* (Marsaglia 2003, Vigna 2016) */
static uint64_t any(struct chance *c)
{
	c->state ^= c->state >> 12;
	c->state ^= c->state << 25;
	c->state ^= c->state >> 27;
	return c->state * 0x2545f4914f6cdd1dull;
}

/* No division: a 32-bit guest has none of this width. */
static uint32_t below(struct chance *c, uint32_t n)
{
	return (uint32_t)((any(c) >> 32) * n >> 32);
}

static void reg(uint64_t at, uint32_t val)
{
	put(at, val, 2);
}

/* --- what it says --------------------------------------------------------- */

static void say(const char *s)
{
	for (; *s; s++)
		put(UART_DR, (uint8_t)*s, 0);
}

static void say_number(uint32_t n)
{
	char buf[24];
	char *p = buf + sizeof(buf) - 1;

	*p = 0;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	say(p);
}

/* The number after @name in the command line, which the device tree holds. */
static uint32_t option(const uint8_t *dtb, const char *name, uint32_t otherwise)
{
	const uint32_t size = (uint32_t)dtb[4] << 24 | dtb[5] << 16 |
			      dtb[6] << 8 | dtb[7];
	uint32_t val = 0;
	uint32_t i, j;

	for (i = 0; i < size; i++) {
		for (j = 0; name[j] && dtb[i + j] == (uint8_t)name[j]; j++)
			;
		if (name[j])
			continue;
		for (i += j; dtb[i] >= '0' && dtb[i] <= '9'; i++)
			val = val * 10 + dtb[i] - '0';
		return val;
	}
	return otherwise;
}

/* --- what it does --------------------------------------------------------- */

static uint64_t in_arena(struct chance *c)
{
	return HOSTILE_ARENA + below(c, HOSTILE_ARENA_SZ - 0x10000);
}

/* An address for a device to use; none from which it reaches our memory. */
static uint64_t some_address(struct chance *c)
{
	switch (below(c, 12)) {
	case 0:
		return -1ull - below(c, 0x10000); /* wraps */
	case 1:
		return HOSTILE_RAM_END - below(c, 0x1000); /* runs out of RAM */
	case 2:
		return HOSTILE_RAM_END + (any(c) >> 24);
	case 3:
		return VIRTIO(below(c, VIRTIO_SLOTS)); /* a device */
	case 4:
		return below(c, 0x08000000); /* a hole */
	case 5:
		return any(c) | 1ull << 40;
	default:
		return in_arena(c);
	}
}

static uint32_t some_length(struct chance *c)
{
	static const uint32_t usual[] = { 0,     1,        4,        8,   10,
					  12,    16,       44,       512, 4096,
					  65536, 1u << 20, 1u << 31, ~0u };

	return below(c, 8) ? usual[below(c, sizeof(usual) / 4)]
			   : (uint32_t)any(c);
}

/* From the arena up, a length that leaves RAM's end to the VMM. */
static void some_desc(struct chance *c, struct desc *d, uint16_t num)
{
	d->addr = some_address(c);
	d->len = some_length(c);
	d->flags = (uint16_t)(below(c, 4) ? below(c, 4) : any(c) & 7);
	d->next = (uint16_t)(below(c, 8) ? below(c, num) : any(c));
}

/* A header that devices understand, so that they go on with the rest. */
static void some_header(struct chance *c, uint64_t at)
{
	volatile uint32_t *w = (volatile uint32_t *)(uintptr_t)(at & ~7ull);

	w[0] = below(c, 4) ? below(c, 16) : (uint32_t)any(c);
	w[1] = 0;
	w[2] = (uint32_t)(below(c, 4) ? below(c, 4096) : any(c));
	w[3] = (uint32_t)(below(c, 2) ? 0 : any(c));
	w[4] = (uint32_t)any(c);
	w[5] = (uint32_t)any(c);
}

static void fill_ring(struct chance *c, uint64_t ring, uint16_t num)
{
	struct desc *const desc = (struct desc *)(uintptr_t)ring;
	volatile uint16_t *const avail =
		(volatile uint16_t *)(uintptr_t)(ring + 0x1000);
	uint32_t i, n = 1 + below(c, num);

	for (i = 0; i < n; i++) {
		some_desc(c, &desc[i], num);
		if (desc[i].addr >= HOSTILE_ARENA &&
		    desc[i].addr < HOSTILE_ARENA + HOSTILE_ARENA_SZ)
			some_header(c, desc[i].addr);
	}
	if (!below(c, 4)) /* a table of its own, which may hold another */
		desc[below(c, num)] = (struct desc){ .addr = ring,
						     .len = 16u * num,
						     .flags = 4 };
	avail[0] = (uint16_t)(below(c, 2) ? 0 : any(c));
	for (i = 0; i < num; i++)
		avail[2 + i] =
			(uint16_t)(below(c, 16) ? below(c, num) : any(c));
	__asm__ volatile("dmb ish" ::: "memory");
	avail[1] += (uint16_t)(below(c, 16) ? below(c, num) : any(c));
}

static void set_address(struct chance *c, uint64_t dev, unsigned int at,
			uint64_t usual)
{
	const uint64_t addr = below(c, 16) ? usual : some_address(c);

	reg(dev + at, (uint32_t)addr);
	reg(dev + at + 4, (uint32_t)(addr >> 32));
}

static uint64_t ring_of(uint64_t dev, unsigned int queue)
{
	return HOSTILE_ARENA + (dev & 0x3fff) / 0x200 * 0x20000 +
	       (queue & 7) * 0x4000;
}

static void bring_up(struct chance *c, uint64_t dev)
{
	unsigned int q, queues = 1 + below(c, 9);
	uint32_t offered;

	reg(dev + STATUS, 0);
	reg(dev + STATUS, 3);
	for (q = 0; q < 2; q++) {
		reg(dev + FEATURES_SEL, q);
		offered = (uint32_t)get(dev + FEATURES, 2);
		reg(dev + DRIVER_SEL, q);
		reg(dev + DRIVER, below(c, 4) ? offered & ((uint32_t)any(c) | q)
					      : (uint32_t)any(c));
	}
	reg(dev + STATUS, 0xb);
	for (q = 0; q < queues; q++) {
		const uint64_t ring = ring_of(dev, q);

		reg(dev + QUEUE_SEL, q);
		reg(dev + QUEUE_NUM,
		    below(c, 8) ? 1u << below(c, 9) : (uint32_t)any(c));
		set_address(c, dev, DESC, ring);
		set_address(c, dev, AVAIL, ring + 0x1000);
		set_address(c, dev, USED, ring + 0x2000);
		reg(dev + QUEUE_READY, below(c, 16) ? 1 : (uint32_t)any(c));
	}
	reg(dev + STATUS, 0xf);
}

static void work_rings(struct chance *c, uint64_t dev)
{
	unsigned int n;

	for (n = 0; n < 8; n++) {
		const unsigned int q = below(c, 6);

		fill_ring(c, ring_of(dev, q), 1u << below(c, 9));
		reg(dev + NOTIFY, q);
	}
	reg(dev + ACK, 3);
}

static uint64_t some_register(struct chance *c)
{
	static const uint64_t base[] = {
		0x09000000,   0x09010000, 0x09030000,      0x08000000,
		0x08010000,   0x080a0000, 0x090f0000,      0x0a004000,
		0x00000000,   NOBODY,     HOSTILE_RAM_END, 0x3fffff00,
		0x7ffffff000,
	};

	if (below(c, 2))
		return VIRTIO(below(c, VIRTIO_SLOTS)) + below(c, 0x208);
	return base[below(c, sizeof(base) / 8)] + below(c, 0x1010);
}

/* No register that ends the test before its time is at these addresses. */
static bool spared(uint64_t at)
{
	return at >= 0x090effc0 && at < 0x090f1000;
}

static void touch(struct chance *c)
{
	unsigned int n, log2;
	uint64_t at;

	for (n = 0; n < 32; n++) {
		log2 = below(c, MAX_LOG2 + 1);
		at = some_register(c);
		if (below(c, 8))
			at &= ~((1ull << log2) - 1);
		if (below(c, 2))
			get(at, log2);
		else if (!spared(at))
			put(at, below(c, 2) ? below(c, 16) : any(c), log2);
	}
}

static void doorbells(struct chance *c)
{
	unsigned int n;

	for (n = 0; n < 32; n++)
		reg(VIRTIO(below(c, VIRTIO_SLOTS)) + NOTIFY,
		    below(c, 2) ? below(c, 64) : (uint32_t)any(c));
}

static void storm(struct chance *c)
{
	unsigned int n;

	reg(UART_CR, 0x301);
	for (n = 0; n < 512; n++)
		put(UART_DR, any(c), 0);
}

/* PSCI CPU_OFF, SUSPEND, SYSTEM_OFF, RESET and RESET2 are what it must not. */
static void calls(struct chance *c)
{
	uint64_t function;
	unsigned int n;

	for (n = 0; n < 8; n++) {
		function = any(c);
		if (below(c, 2))
			function = (function & 0xc0000000) | 0x80000000 |
				   below(c, 0x30);
		switch (function & 0x3f00ffff) {
		case 0x01:
		case 0x02:
		case 0x08:
		case 0x09:
		case 0x0e:
		case 0x12:
			continue;
		}
		/* CPU_ON would start one of us where nothing is. */
		if ((function & 0x3fffffff) == 3)
			continue;
		call((unsigned long)function, (unsigned long)any(c),
		     (unsigned long)any(c), (unsigned long)any(c));
	}
}

static void act(struct chance *c)
{
	const uint64_t dev = VIRTIO(below(c, VIRTIO_SLOTS));

	switch (below(c, 16)) {
	case 0:
	case 1:
	case 2:
		touch(c);
		break;
	case 3:
	case 4:
	case 5:
		bring_up(c, dev);
		work_rings(c, dev);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
		work_rings(c, dev);
		break;
	case 11:
		reg(dev + STATUS, 0);
		break;
	case 12:
		doorbells(c);
		break;
	case 13:
		if (!below(c, 4))
			storm(c);
		break;
	case 14:
		calls(c);
		break;
	default:
		/* The first words are those that some device lets be written. */
		put(dev + CONFIG + 4 * below(c, 8), any(c), below(c, 3));
		get(dev + CONFIG + below(c, 0x100), below(c, MAX_LOG2 + 1));
	}
}

/* --- and for how long ------------------------------------------------------*/

struct tally {
	volatile uint32_t steps;
	volatile uint32_t done;
};

/* What vCPU 0 tells the others. */
struct plan {
	uint64_t end;
	uint32_t seed;
};

static struct tally *tally_of(unsigned long cpu)
{
	return (struct tally *)(HOSTILE_STACKS + HOSTILE_CPUS * HOSTILE_STACK) +
	       cpu;
}

static void start(struct plan *plan, const uint8_t *dtb)
{
	unsigned long i;

	forget_faults();
	plan->seed = option(dtb, "hostile.seed=", (uint32_t)ticks() | 1);
	plan->end = ticks() +
		    ticks_per_second() * option(dtb, "hostile.seconds=", 10);
	say("hostile: seed ");
	say_number(plan->seed);
	say("\n");
	for (i = 1; i < HOSTILE_CPUS; i++) /* those that exist */
		call(PSCI_CPU_ON, i, (unsigned long)hostile_secondary, i);
}

static void conclude(void)
{
	uint32_t steps = 0, vcpus = 0;
	unsigned long i;

	for (i = 1; i < HOSTILE_CPUS; i++)
		while (tally_of(i)->steps && !tally_of(i)->done)
			;
	reg(UART_IMSC, 0);
	reg(UART_CR, 0x301);
	say("\nhostile: ");
	for (i = 0; i < HOSTILE_CPUS; i++) {
		steps += tally_of(i)->steps;
		vcpus += tally_of(i)->steps > 0;
	}
	say_number(steps);
	say(" steps on ");
	say_number(vcpus);
	say(" vCPUs, ");
	say_number((uint32_t)faults());
	say(" faults on vCPU 0\n");
	call(PSCI_SYSTEM_OFF, 0, 0, 0);
}

void hostile_main(unsigned long cpu, const uint8_t *dtb)
{
	struct plan *const plan = (struct plan *)tally_of(HOSTILE_CPUS);
	struct tally *const tally = tally_of(cpu);
	struct chance c;

	if (cpu == 0)
		start(plan, dtb);
	c.state =
		plan->seed * 0x9e3779b97f4a7c15ull + cpu * 0x100000001b3ull + 1;
	while (ticks() < plan->end) {
		act(&c);
		tally->steps++;
	}
	tally->done = 1;
	__asm__ volatile("dsb sy" ::: "memory");
	if (cpu == 0)
		conclude();
	for (;;)
		__asm__ volatile("wfi");
}
