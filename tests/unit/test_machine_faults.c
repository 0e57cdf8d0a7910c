// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole machine, from its options to its end and with a reset in between,
 * on a KVM that is none (fake_kvm.h).  Then the same with the first call
 * failing, the second, and so on until all have: each time it unwinds, says
 * what happened in one line, and leaves no thread, descriptor or memory behind.
 *
 * And the same of a machine at work: its guest writes to two disks and reads
 * them, a client of its control socket asks and commands.  What the guest was
 * told is written is there, whichever call failed.
 */
#include <dirent.h>
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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"
#include "fake_kvm.h"
#include "lib/log.h"
#include "machine.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define leaks() __lsan_do_recoverable_leak_check()
#else
#define leaks() 0
#endif

#define UART_DR    0x09000000
#define FIRST_SLOT 0x0a000000
#define MAGIC      0x74726976

/* No iteration takes seconds; one that hangs ends the program. */
#define PATIENCE_S 30

static const struct fake_exit guest[] = {
	{ FAKE_WRITE, UART_DR, 'o', NULL },
	{ FAKE_READ, FIRST_SLOT, 0, NULL },
	{ FAKE_RESET, 0, 0, NULL },
	{ FAKE_WRITE, UART_DR, 'k', NULL },
	{ FAKE_READ, FIRST_SLOT, 0, NULL },
	{ FAKE_WRITE, FIRST_SLOT + 0x70, 0, NULL },
	{ FAKE_READ, FIRST_SLOT, 0, NULL },
	{ FAKE_OFF, 0, 0, NULL },
};

struct world {
	char dir[64];
	char kernel[96], disk[128], base[128], serial[128], control[96];
	char vsock[128], port[128];
};

static void write_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("\x0f\x27\x18", f); /* a kernel, as far as anyone can tell */
	fflush(f);
	assert_int_equal(ftruncate(fileno(f), (off_t)size), 0);
	fclose(f);
}

static int setup(void **state)
{
	struct world *w;

	fake_kvm_fail(0);
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/trapline-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->kernel, sizeof(w->kernel), "%s/flat", w->dir);
	snprintf(w->disk, sizeof(w->disk), "%s/disk,queues=2", w->dir);
	snprintf(w->base, sizeof(w->base), "%s/base,snapshot", w->dir);
	snprintf(w->serial, sizeof(w->serial), "file:%s/serial", w->dir);
	snprintf(w->control, sizeof(w->control), "%s/control", w->dir);
	snprintf(w->vsock, sizeof(w->vsock), "cid=3,uds=%s/vsock", w->dir);
	snprintf(w->port, sizeof(w->port), "data=file:%s/port", w->dir);
	write_file(w->kernel, 64);
	*strchr(w->disk, ',') = *strchr(w->base, ',') = '\0';
	write_file(w->disk, 1 << 20);
	write_file(w->base, 1 << 20);
	w->disk[strlen(w->disk)] = w->base[strlen(w->base)] = ',';
	log_set_level(LOG_ERROR);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct dirent *entry;
	char path[512];
	DIR *dir = opendir(w->dir);

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, entry->d_name);
		unlink(path);
	}
	closedir(dir);
	rmdir(w->dir);
	free(w);
	return 0;
}

static unsigned int entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/*
 * In /proc a thread that was joined may be there for a moment more, and what a
 * sanitizer's own thread has open.
 */
static unsigned int least(const char *path)
{
	unsigned int i, now, n = entries(path);

	for (i = 0; i < 50; i++) {
		usleep(1000);
		now = entries(path);
		n = now < n ? now : n;
	}
	return n;
}

static bool becomes(const char *path, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 1000 && entries(path) != n; i++)
		usleep(1000);
	return entries(path) == n;
}

#define FDS   "/proc/self/fd"
#define TASKS "/proc/self/task"

static enum tl_status run(struct world *w, const struct fake_exit *exits,
			  unsigned int nth, struct error *err)
{
	char *argv[] = {
		"--kernel",  w->kernel,     "--aarch32", "-c",        "2",
		"-m",        "32",          "-d",        w->disk,     "-d",
		w->base,     "--serial",    w->serial,   "--port",    w->port,
		"--console", "virtio,none", "--rng",     "--balloon", "--vsock",
		w->vsock,    "--control",   w->control,  "--sandbox", "none",
	};
	struct run_config cfg;
	enum tl_status status;

	assert_int_equal(config_parse_run(sizeof(argv) / sizeof(argv[0]), argv,
					  &cfg, err),
			 0);
	fake_kvm_play(exits);
	fake_kvm_fail(nth);
	alarm(PATIENCE_S);
	status = machine_run(&cfg, err);
	alarm(0);
	config_free(&cfg);
	return status;
}

static void run_well(struct world *w, const struct fake_exit *exits)
{
	struct error err = { 0 };

	if (run(w, exits, 0, &err) != TL_OK)
		fail_msg("status %d, \"%s\"", err.status, err.text);
}

static void test_runs(void **state)
{
	struct world *w = *state;
	char path[512], text[8] = "";
	FILE *f;

	run_well(w, guest);
	assert_int_equal(fake_kvm_read(), MAGIC);
	snprintf(path, sizeof(path), "%s/serial", w->dir);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "ok");
}

/* @after each run: what else is to hold. */
static void each_call_fails(struct world *w, const struct fake_exit *exits,
			    void (*before)(struct world *w),
			    void (*after)(struct world *w))
{
	unsigned int nth, fds, tasks, refused = 0, gone_on = 0;
	struct error err = { 0 };

	fds = least(FDS);
	tasks = least(TASKS);
	log_set_level(LOG_ERROR);
	for (nth = 1;; nth++) {
		enum tl_status status;

		err = (struct error){ 0 };
		before(w);
		status = run(w, exits, nth, &err);
		after(w);
		if (!fake_kvm_failed())
			break;
		if (status == TL_OK)
			gone_on++;
		else
			refused++;
		if (status != TL_OK && (!err.text[0] || strchr(err.text, '\n')))
			fail_msg("call %u, %s: status %d, \"%s\"", nth,
				 fake_kvm_failed(), status, err.text);
		if (!becomes(FDS, fds) || !becomes(TASKS, tasks))
			fail_msg("call %u, %s: %u descriptors instead of %u, "
				 "%u threads instead of %u, \"%s\"",
				 nth, fake_kvm_failed(), entries(FDS), fds,
				 entries(TASKS), tasks, err.text);
		if (fake_kvm_bad_closes())
			fail_msg("call %u, %s: something is closed that is not "
				 "open, \"%s\"",
				 nth, fake_kvm_failed(), err.text);
		if (leaks())
			fail_msg("call %u, %s leaks, \"%s\"", nth,
				 fake_kvm_failed(), err.text);
	}
	print_message("%u calls failed: %u times there was no VM, %u times "
		      "something else did it\n",
		      nth - 1, refused, gone_on);
	assert_true(refused > 100);
}

static void nothing(struct world *w)
{
	(void)w;
}

static void test_each_call_fails(void **state)
{
	/* What stays for good is there then. */
	run_well(*state, guest);
	each_call_fails(*state, guest, nothing, nothing);
}

/* --- at work ---------------------------------------------------------------*/

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

#define SET(slot, reg, val)                                                  \
	{                                                                    \
		FAKE_WRITE, FIRST_SLOT + 0x200 * (slot) + (reg), (val), NULL \
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
	struct world *w;
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
	const struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	fake_kvm_spared = true;
	memcpy(addr.sun_path, client.w->control, strlen(client.w->control) + 1);
	while (!atomic_load(&client.over) && !atomic_load(&client.go))
		usleep(500);
	/* One that was thrown out may have left the guest stopped. */
	while (!atomic_load(&client.over) && client.answers < NR_TALK) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			client.answers = converse(fd);
		close(fd);
		usleep(500);
	}
	atomic_store(&client.done, true);
	return opaque;
}

static void begin_work(struct world *w)
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
static void is_on_disk(const struct world *w)
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

static void end_work(struct world *w)
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
	run_well(*state, worker);
	end_work(*state);
	for (slot = 0; slot < 2; slot++) {
		assert_int_equal(outcome[slot].wrote, VIRTIO_BLK_S_OK);
		assert_int_equal(outcome[slot].flushed, VIRTIO_BLK_S_OK);
		assert_int_equal(outcome[slot].read, VIRTIO_BLK_S_OK);
		assert_true(outcome[slot].same);
	}
	assert_int_equal(client.answers, NR_TALK);
	each_call_fails(*state, worker, begin_work, end_work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_call_fails, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_each_call_at_work_fails,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
