// SPDX-License-Identifier: GPL-2.0-only
/*
 * All threads of a machine at once, for ThreadSanitizer above all: on a KVM that
 * is none (fake_kvm.h) four vCPUs bring devices up, give them rings of nonsense,
 * reset them and touch any register, while clients of the control socket pause,
 * resume, reset, balloon and question it, one only sends, and one connects to the
 * guest's vsock.  It goes on to the end, for STRESS_MS (2000).
 */
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fault_world.h"
#include "arch-arm/vexpress.h"
#include "lib/clock.h"
#include "make_vexpress_dtb.h"

#define CPUS       4
#define CLIENTS    3
#define SLOTS      7 /* two disks first; the balloon is the sixth */
#define BALLOON    5
#define QUEUES     5
#define QUEUE_SIZE 16
#define ARENA      (16u << 20)
#define RING_AREA  0x4000u
#define DATA_AREA  (ARENA / (SLOTS * QUEUES))
#define DATA_MAX   4096u

/* Ours, in the guest's memory.  The guest's races with devices are its own. */
#define GUEST __attribute__((no_sanitize("thread")))

/* Of a board: UART, RTC and what else has registers; virtio devices; RAM. */
static const struct board {
	uint32_t base[6];
	unsigned int nr;
	uint32_t virtio;
	uint32_t ram;
} virt = { { 0x09000000, 0x09010000, 0x09030000 }, 3, 0x0a000000, 0x40000000 },
  vexpress = { { VEXPRESS_SYSREG_BASE, VEXPRESS_UART_BASE, VEXPRESS_TIMER_BASE,
		 VEXPRESS_RTC_BASE },
	       4,
	       VEXPRESS_VIRTIO_BASE,
	       VEXPRESS_RAM_BASE },
  *board;

static uint64_t deadline_ns;
static atomic_uint exits, commands, served;
static atomic_bool over;
static atomic_uint seen[SLOTS][QUEUES]; /* of used indices */

struct chance {
	uint64_t state;
};

/* xorshift64* (Marsaglia 2003, Vigna 2016) */
static uint32_t any(struct chance *c)
{
	c->state ^= c->state >> 12;
	c->state ^= c->state << 25;
	c->state ^= c->state >> 27;
	return (uint32_t)((c->state * 0x2545f4914f6cdd1dull) >> 32);
}

static uint32_t below(struct chance *c, uint32_t n)
{
	return any(c) % n;
}

/* --- the guest -------------------------------------------------------------*/

static struct cpu {
	struct chance chance;
	struct fake_exit script[40]; /* to be done before anything else */
	unsigned int nr, at;
} cpus[CPUS];

static void plan(struct cpu *cpu, uint64_t addr, uint32_t val)
{
	cpu->script[cpu->nr++] = (struct fake_exit){ .what = FAKE_WRITE,
						     .addr = addr,
						     .val = val };
}

static uint32_t ring_at(uint32_t slot, uint32_t queue)
{
	return ARENA + (slot * QUEUES + queue) * RING_AREA;
}

GUEST static void plan_bring_up(struct cpu *cpu, uint8_t *ram, uint32_t slot)
{
	const uint64_t dev = board->virtio + 0x200ull * slot;
	uint32_t queue = below(&cpu->chance, QUEUES), ring;
	unsigned int i;

	plan(cpu, dev + VIRTIO_MMIO_STATUS, 0);
	plan(cpu, dev + VIRTIO_MMIO_STATUS, 3);
	plan(cpu, dev + VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	plan(cpu, dev + VIRTIO_MMIO_DRIVER_FEATURES, 0);
	plan(cpu, dev + VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	plan(cpu, dev + VIRTIO_MMIO_DRIVER_FEATURES, 1);
	plan(cpu, dev + VIRTIO_MMIO_STATUS, 11);
	for (i = 0; i < 2; i++, queue = (queue + 1) % QUEUES) {
		ring = ring_at(slot, queue);
		*(volatile uint32_t *)(ram + ring + 0x1000) = 0;
		*(volatile uint32_t *)(ram + ring + 0x2000) = 0;
		ring += board->ram;
		plan(cpu, dev + VIRTIO_MMIO_QUEUE_SEL, queue);
		plan(cpu, dev + VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
		plan(cpu, dev + VIRTIO_MMIO_QUEUE_DESC_LOW, ring);
		plan(cpu, dev + VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring + 0x1000);
		plan(cpu, dev + VIRTIO_MMIO_QUEUE_USED_LOW, ring + 0x2000);
		plan(cpu, dev + VIRTIO_MMIO_QUEUE_READY, 1);
	}
	plan(cpu, dev + VIRTIO_MMIO_STATUS, 15);
}

/* Two devices in one buffer would race, and it would be the guest's doing. */
static uint32_t data_at(struct chance *c, uint32_t slot, uint32_t queue)
{
	return (slot * QUEUES + queue) * DATA_AREA +
	       below(c, DATA_AREA - DATA_MAX);
}

/*
 * Of part @i of a chain of three.  A disk's first part is for it to read and the
 * last for it to write.  Of others, queues with odd numbers are the guest's to
 * send, as are all of the balloon's.
 */
static unsigned int flags(struct chance *c, uint32_t slot, uint32_t queue,
			  unsigned int i)
{
	const unsigned int next = i < 2 ? VRING_DESC_F_NEXT : 0;
	bool writes = slot != BALLOON && queue % 2 == 0;

	if (slot < 2)
		writes = i == 2 || (i == 1 && below(c, 2));
	return next | (writes ? VRING_DESC_F_WRITE : 0);
}

/* Chains of a header that devices understand, buffers and a status. */
GUEST static void fill(struct cpu *cpu, uint8_t *ram, uint32_t slot,
		       uint32_t queue)
{
	struct vring_desc *desc =
		(struct vring_desc *)(ram + ring_at(slot, queue));
	volatile uint16_t *avail =
		(volatile uint16_t *)(ram + ring_at(slot, queue) + 0x1000);
	volatile uint32_t *header =
		(volatile uint32_t *)(ram + ring_at(slot, queue) + 0x3000);
	volatile uint16_t *used =
		(volatile uint16_t *)(ram + ring_at(slot, queue) + 0x2000);
	struct chance *c = &cpu->chance;
	unsigned int i, now, before;

	now = used[1];
	before = atomic_exchange(&seen[slot][queue], now);
	/* It begins anew with each reset. */
	atomic_fetch_add(&served, now < before ? now : now - before);
	header[0] = below(c, 16);
	header[2] = below(c, 2048);
	for (i = 0; i < QUEUE_SIZE; i++) {
		/* One in 64 is nonsense, and stops the device. */
		const bool odd = !below(c, 64), last = i % 3 == 2;

		desc[i].addr =
			board->ram + (i % 3 ? data_at(c, slot, queue)
					    : ring_at(slot, queue) + 0x3000);
		desc[i].len = last    ? 1
			      : i % 3 ? 512 * (1 + below(c, DATA_MAX / 512))
				      : 16;
		desc[i].flags = (uint16_t)flags(c, slot, queue, i % 3);
		desc[i].next = (uint16_t)(odd ? any(c) : i + 1);
	}
	for (i = 0; i < QUEUE_SIZE; i++)
		avail[2 + i] = (uint16_t)(3 * below(c, QUEUE_SIZE / 3));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if ((uint16_t)(avail[1] - used[1]) < QUEUE_SIZE)
		avail[1] = (uint16_t)(avail[1] + 1);
}

static void plan_work(struct cpu *cpu, uint8_t *ram, uint32_t slot)
{
	const uint64_t dev = board->virtio + 0x200ull * slot;
	uint32_t queue = below(&cpu->chance, QUEUES);

	fill(cpu, ram, slot, queue);
	plan(cpu, dev + VIRTIO_MMIO_QUEUE_NOTIFY, queue);
	plan(cpu, dev + VIRTIO_MMIO_INTERRUPT_ACK, 3);
}

/* Of the PL011, PL031, PL061, or virtio.  To write: where no ring of one device ends up in another's. */
static uint64_t some_register(struct chance *c, bool to_write)
{
	uint32_t reg = 4 * below(c, 0x200 / 4);

	if (to_write && reg >= VIRTIO_MMIO_QUEUE_DESC_LOW &&
	    reg <= VIRTIO_MMIO_QUEUE_USED_HIGH)
		reg = VIRTIO_MMIO_QUEUE_SEL;
	if (below(c, 4))
		return board->virtio + 0x200 * below(c, SLOTS) + reg;
	return board->base[below(c, board->nr)] + 4ull * below(c, 0x400);
}

static void guest(unsigned int vcpu, uint8_t *ram, struct fake_exit *next)
{
	struct cpu *cpu = &cpus[vcpu];
	struct chance *c = &cpu->chance;
	/* Two that bring one device up together get nowhere. */
	const uint32_t slot = (vcpu + CPUS * below(c, 2)) % SLOTS;

	atomic_fetch_add_explicit(&exits, 1, memory_order_relaxed);
	if (cpu->at == cpu->nr) {
		cpu->at = cpu->nr = 0;
		switch (below(c, 64)) {
		case 0:
		case 1:
			plan_bring_up(cpu, ram, slot);
			break;
		case 2:
			plan(cpu, some_register(c, true),
			     below(c, 2) ? any(c) : 0);
			break;
		case 3:
		case 4:
			*next = (struct fake_exit){ .what = FAKE_READ,
						    .addr = some_register(
							    c, false) };
			return;
		default:
			plan_work(cpu, ram, slot);
		}
	}
	*next = cpu->script[cpu->at++];
	if (monotonic_ns() > deadline_ns)
		next->what = vcpu ? FAKE_DO : FAKE_OFF;
}

/* --- the clients -----------------------------------------------------------*/

static const char *const talk[] = {
	"{\"execute\":\"stop\"}\n",
	"{\"execute\":\"cont\"}\n",
	"{\"execute\":\"cont\"}\n",
	"{\"execute\":\"cont\"}\n",
	"{\"execute\":\"query-status\"}\n",
	"{\"execute\":\"query-block\"}\n",
	"{\"execute\":\"query-cpus-fast\"}\n",
	"{\"execute\":\"query-balloon\"}\n",
	"{\"execute\":\"query-stats\",\"arguments\":{\"target\":\"vcpu\"}}\n",
	"{\"execute\":\"balloon\",\"arguments\":{\"value\":16777216}}\n",
	"{\"execute\":\"balloon\",\"arguments\":{\"value\":33554432}}\n",
	"{\"execute\":\"x-query-domain\"}\n",
	"{\"execute\":\"system_powerdown\"}\n",
	"{\"execute\":\"system_reset\"}\n",
};

#define NR_TALK (sizeof(talk) / sizeof(talk[0]))

struct client {
	pthread_t thread;
	const char *path;
	struct chance chance;
	bool deaf;
	bool of_vsock;
};

/* Ask for a connection to the guest, which is refused, or not, and send. */
static void knock(struct client *client, int fd)
{
	char buf[256] = "";
	int i, n;

	n = snprintf(buf, sizeof(buf), "CONNECT %u\n",
		     below(&client->chance, 4));
	for (i = 0; i < 20 && !over; i++, n = sizeof(buf)) {
		if (send(fd, buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return;
		recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		usleep(1000);
	}
}

static void converse(struct client *client, int fd)
{
	static const char begin[] = "{\"execute\":\"qmp_capabilities\"}\n";
	char buf[4096];
	unsigned int i;

	if (send(fd, begin, strlen(begin), MSG_NOSIGNAL) < 0)
		return;
	for (i = 0; i < 40 && !over; i++) {
		const char *text = talk[below(&client->chance, NR_TALK)];

		/* A life is to last. */
		if (strstr(text, "reset") && below(&client->chance, 20))
			continue;

		if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 ||
		    (!client->deaf && recv(fd, buf, sizeof(buf), 0) <= 0))
			return;
		atomic_fetch_add(&commands, 1);
	}
}

static void *be_client(void *opaque)
{
	struct client *client = opaque;

	while (!over) {
		int fd = fault_connect(client->path);

		if (fd < 0) {
			usleep(2000);
			continue;
		}
		if (client->of_vsock)
			knock(client, fd);
		else
			converse(client, fd);
		close(fd);
	}
	return NULL;
}

/* --- together --------------------------------------------------------------*/

/* What the guest sends comes back to it. */
static void play_passt(struct fault_world *w)
{
	static const char script[] =
		"#!/bin/sh\n"
		"while [ \"$1\" != --fd ]; do shift; done\n"
		"eval \"exec cat <&$2 >&$2\"\n";
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/passt", w->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(script, f);
	fclose(f);
	chmod(path, 0700);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", w->dir);
	setenv("PATH", path, 1);
	w->net = "user";
}

static void everything_at_once(struct fault_world *w)
{
	const char *ms = getenv("STRESS_MS");
	struct client client[CLIENTS + 2] = { 0 };
	const unsigned int vms = fake_kvm_vms();
	unsigned int i;

	exits = commands = served = 0;
	over = false;
	play_passt(w);
	w->cpus = "4";
	deadline_ns = monotonic_ns() +
		      (ms ? strtoul(ms, NULL, 10) : 2000) * UINT64_C(1000000);
	for (i = 0; i < CPUS; i++)
		cpus[i].chance.state = 0x9e3779b97f4a7c15ull * (i + 1);
	for (i = 0; i < CLIENTS + 2; i++) {
		client[i].deaf = i == CLIENTS;
		client[i].of_vsock = i == CLIENTS + 1;
		client[i].path = client[i].of_vsock
					 ? strstr(w->vsock, "uds=") + 4
					 : w->control;
		client[i].chance.state = 0xbf58476d1ce4e5b9ull * (i + 1);
		assert_int_equal(pthread_create(&client[i].thread, NULL,
						be_client, &client[i]),
				 0);
	}
	fake_kvm_improvise(guest);
	fault_run_well(w, NULL);
	over = true;
	for (i = 0; i < CLIENTS + 2; i++)
		pthread_join(client[i].thread, NULL);
	print_message("%u exits, %u requests served, %u commands, %u lives\n",
		      exits, served, commands, fake_kvm_vms() - vms);
	assert_true(exits > 1000);
	assert_true(served > 10);
	assert_true(commands > 10);
	assert_true(fake_kvm_vms() - vms > 1);
}

static void test_virt(void **state)
{
	board = &virt;
	everything_at_once(*state);
}

static void test_vexpress(void **state)
{
	struct fault_world *w = *state;
	uint8_t dtb[16384];
	char path[512];
	size_t size;
	FILE *f;

	size = make_vexpress_dtb(dtb, sizeof(dtb));
	snprintf(path, sizeof(path), "%s/dtb", w->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(dtb, 1, size, f), size);
	fclose(f);
	w->dtb = path;
	board = &vexpress;
	everything_at_once(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_virt, fault_setup,
						fault_teardown),
		cmocka_unit_test_setup_teardown(test_vexpress, fault_setup,
						fault_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
