// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine at work, on a KVM that is none (fake_kvm.h), with each call failing
 * in turn: its guest writes to two disks and reads them, a client of its control
 * socket asks and commands.  What the guest was told is written is there,
 * whichever call failed.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "fault_world.h"

#define RAM_GPA     0x40000000
#define RINGS(slot) (0x1000000 + 0x10000 * (slot))
#define DATA_SIZE   4096
#define QUEUE_SIZE  8

/* What a disk's requests came to; by slot. */
static struct {
	uint8_t wrote, flushed, read;
	bool same; /* what was read is what was written */
} outcome[2];

static unsigned int spins; /* since the guest waits for one thing, in ms */

/* Long for a request, and for a client. */
#define LOST_MS 3000

/*
 * Three requests (virtio 1.2, 5.2.6), of three descriptors each but for the
 * flush, one behind the other: DATA of @val is written at sector 8, made to
 * stay, and read.
 */
enum { WRITE, FLUSH, READ, NR_REQUESTS };

struct rings {
	struct vring_desc desc[QUEUE_SIZE];
	struct {
		uint16_t flags, idx, ring[QUEUE_SIZE];
	} avail;
	uint8_t gap[0x1000 - 16 * QUEUE_SIZE - 4 - 2 * QUEUE_SIZE];
	struct {
		uint16_t flags, idx;
		struct vring_used_elem ring[QUEUE_SIZE];
	} used;
	struct virtio_blk_outhdr header;
	uint8_t status, pad[7];
	uint8_t out[DATA_SIZE], in[DATA_SIZE];
};

static struct vring_desc part(const struct rings *r, uint32_t slot,
			      const void *at, size_t len, unsigned int flags,
			      unsigned int next)
{
	return (struct vring_desc){
		.addr = RAM_GPA + RINGS(slot) +
			(uint64_t)((const uint8_t *)at - (const uint8_t *)r),
		.len = (uint32_t)len,
		.flags = (uint16_t)flags,
		.next = (uint16_t)next,
	};
}

static bool ask(uint8_t *ram, uint32_t slot, unsigned int what)
{
	struct rings *r = (struct rings *)(ram + RINGS(slot));
	static const uint32_t type[] = { VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH,
					 VIRTIO_BLK_T_IN };

	memset(r->out, 'a' + (int)slot, sizeof(r->out));
	r->header =
		(struct virtio_blk_outhdr){ .type = type[what],
					    .sector = what == FLUSH ? 0 : 8 };
	r->status = 0xff;
	r->desc[0] = part(r, slot, &r->header, sizeof(r->header),
			  VRING_DESC_F_NEXT, what == FLUSH ? 2 : 1);
	r->desc[1] = what == READ
			     ? part(r, slot, r->in, DATA_SIZE,
				    VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2)
			     : part(r, slot, r->out, DATA_SIZE,
				    VRING_DESC_F_NEXT, 2);
	r->desc[2] = part(r, slot, &r->status, 1, VRING_DESC_F_WRITE, 0);
	r->avail.ring[r->avail.idx % QUEUE_SIZE] = 0;
	__atomic_store_n(&r->avail.idx, r->avail.idx + 1, __ATOMIC_SEQ_CST);
	spins = 0;
	return true;
}

static bool ask_write(uint8_t *ram, uint32_t slot)
{
	return ask(ram, slot, WRITE);
}

static bool ask_flush(uint8_t *ram, uint32_t slot)
{
	return ask(ram, slot, FLUSH);
}

static bool ask_read(uint8_t *ram, uint32_t slot)
{
	return ask(ram, slot, READ);
}

/* The answer, or what there is after a while. */
static bool answered(uint8_t *ram, uint32_t slot, uint8_t *status)
{
	struct rings *r = (struct rings *)(ram + RINGS(slot));

	if (__atomic_load_n(&r->used.idx, __ATOMIC_SEQ_CST) != r->avail.idx &&
	    spins++ < LOST_MS)
		return false;
	*status = r->status;
	return true;
}

static bool wrote(uint8_t *ram, uint32_t slot)
{
	return answered(ram, slot, &outcome[slot].wrote);
}

static bool flushed(uint8_t *ram, uint32_t slot)
{
	return answered(ram, slot, &outcome[slot].flushed);
}

static bool was_read(uint8_t *ram, uint32_t slot)
{
	const struct rings *r = (struct rings *)(ram + RINGS(slot));

	if (!answered(ram, slot, &outcome[slot].read))
		return false;
	outcome[slot].same = !memcmp(r->in, r->out, DATA_SIZE);
	return true;
}

static bool client_done(uint8_t *ram, uint32_t val);

#define SET(slot, reg, val)                                                   \
	{                                                                     \
		FAKE_WRITE, FAULT_FIRST_SLOT + 0x200 * (slot) + (reg), (val), \
			NULL                                                  \
	}
#define DO(slot, act)                     \
	{                                 \
		FAKE_DO, 0, (slot), (act) \
	}

/* virtio 1.2, 4.2.3; VIRTIO_F_VERSION_1 and VIRTIO_BLK_F_FLUSH */
#define DRIVE(slot)                                                           \
	SET(slot, VIRTIO_MMIO_STATUS, 3),                                     \
		SET(slot, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0),                \
		SET(slot, VIRTIO_MMIO_DRIVER_FEATURES,                        \
		    1 << VIRTIO_BLK_F_FLUSH),                                 \
		SET(slot, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1),                \
		SET(slot, VIRTIO_MMIO_DRIVER_FEATURES, 1),                    \
		SET(slot, VIRTIO_MMIO_STATUS, 11),                            \
		SET(slot, VIRTIO_MMIO_QUEUE_SEL, 0),                          \
		SET(slot, VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE),                 \
		SET(slot, VIRTIO_MMIO_QUEUE_DESC_LOW, RAM_GPA + RINGS(slot)), \
		SET(slot, VIRTIO_MMIO_QUEUE_AVAIL_LOW,                        \
		    RAM_GPA + RINGS(slot) + offsetof(struct rings, avail)),   \
		SET(slot, VIRTIO_MMIO_QUEUE_USED_LOW,                         \
		    RAM_GPA + RINGS(slot) + offsetof(struct rings, used)),    \
		SET(slot, VIRTIO_MMIO_QUEUE_READY, 1),                        \
		SET(slot, VIRTIO_MMIO_STATUS, 15)

#define REQUEST(slot, ask, is_done) \
	DO(slot, ask), SET(slot, VIRTIO_MMIO_QUEUE_NOTIFY, 0), DO(slot, is_done)
#define WORK(slot)                                    \
	DRIVE(slot), REQUEST(slot, ask_write, wrote), \
		REQUEST(slot, ask_flush, flushed),    \
		REQUEST(slot, ask_read, was_read)

static const struct fake_exit worker[] = {
	WORK(0),
	WORK(1),
	DO(0, client_done),
	{ FAKE_OFF, 0, 0, NULL },
};

/* --- and its client --------------------------------------------------------*/

static struct {
	pthread_t thread;
	struct fault_world *w;
	atomic_bool go;   /* one after the other, so that each call is met */
	atomic_bool over; /* there is no VM */
	atomic_bool done;
	unsigned int answers;
} client;

static bool client_done(uint8_t *ram, uint32_t val)
{
	(void)ram;
	(void)val;
	atomic_store(&client.go, true);
	return atomic_load(&client.done) || spins++ > LOST_MS;
}

static const char *const talk[] = {
	"", /* it begins */
	"{\"execute\":\"qmp_capabilities\"}\n",
	"{\"execute\":\"query-status\"}\n",
	"{\"execute\":\"query-stats\",\"arguments\":{\"target\":\"vcpu\"}}\n",
	"{\"execute\":\"query-block\"}\n",
	"{\"execute\":\"stop\"}\n",
	"{\"execute\":\"x-query-domain\"}\n",
	"{\"execute\":\"balloon\",\"arguments\":{\"value\":16777216}}\n",
	"{\"execute\":\"cont\"}\n",
	"{\"execute\":\"nonsense\"}\n",
};

#define NR_TALK (sizeof(talk) / sizeof(talk[0]))

/* Say it all, an answer or an event for each; how many came. */
static unsigned int converse(int fd)
{
	char buf[65536];
	unsigned int i;

	for (i = 0; i < NR_TALK; i++)
		if (send(fd, talk[i], strlen(talk[i]), MSG_NOSIGNAL) < 0 ||
		    recv(fd, buf, sizeof(buf), 0) <= 0)
			break;
	return i;
}

static void *be_client(void *opaque)
{
	int fd;

	fake_kvm_spared = true;
	while (!atomic_load(&client.over) && !atomic_load(&client.go))
		usleep(500);
	/* One that was thrown out may have left the guest stopped. */
	while (!atomic_load(&client.over) && client.answers < NR_TALK) {
		fd = fault_connect(client.w->control);
		if (fd >= 0) {
			client.answers = converse(fd);
			close(fd);
		}
		usleep(500);
	}
	atomic_store(&client.done, true);
	return opaque;
}

static void begin_work(struct fault_world *w)
{
	memset(outcome, 0xff, sizeof(outcome));
	spins = 0;
	client.w = w;
	client.answers = 0;
	client.go = client.over = client.done = false;
	fake_kvm_spared = true;
	assert_int_equal(pthread_create(&client.thread, NULL, be_client, NULL),
			 0);
	fake_kvm_spared = false;
}

/* And what is there for the next run is not this one's. */
static void is_on_disk(const struct fault_world *w)
{
	char path[512], text[DATA_SIZE];
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/disk", w->dir);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 8 * 512, SEEK_SET), 0);
	assert_int_equal(fread(text, 1, sizeof(text), f), sizeof(text));
	for (i = 0; i < sizeof(text); i++)
		assert_int_equal(text[i], 'a');
	memset(text, 0, sizeof(text));
	assert_int_equal(fseek(f, 8 * 512, SEEK_SET), 0);
	assert_int_equal(fwrite(text, 1, sizeof(text), f), sizeof(text));
	fclose(f);
}

static void end_work(struct fault_world *w)
{
	unsigned int slot;

	atomic_store(&client.over, true);
	fake_kvm_spared = true;
	pthread_join(client.thread, NULL);
	for (slot = 0; slot < 2; slot++)
		if (outcome[slot].wrote == VIRTIO_BLK_S_OK &&
		    outcome[slot].read == VIRTIO_BLK_S_OK &&
		    !outcome[slot].same)
			fail_msg("disk %u gave something else", slot);
	if (outcome[0].wrote == VIRTIO_BLK_S_OK &&
	    outcome[0].flushed == VIRTIO_BLK_S_OK)
		is_on_disk(w);
	fake_kvm_spared = false;
}

static void test_each_call_at_work_fails(void **state)
{
	unsigned int slot;

	begin_work(*state);
	fault_run_well(*state, worker);
	end_work(*state);
	for (slot = 0; slot < 2; slot++) {
		assert_int_equal(outcome[slot].wrote, VIRTIO_BLK_S_OK);
		assert_int_equal(outcome[slot].flushed, VIRTIO_BLK_S_OK);
		assert_int_equal(outcome[slot].read, VIRTIO_BLK_S_OK);
		assert_true(outcome[slot].same);
	}
	assert_int_equal(client.answers, NR_TALK);
	fault_each(*state, worker, begin_work, end_work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_call_at_work_fails,
						fault_setup, fault_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
