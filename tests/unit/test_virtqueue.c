// SPDX-License-Identifier: GPL-2.0-only
/* Split virtqueues: what a driver may do, and each thing that it may not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mock_ring.h"

#define NUM        8
#define MAX        16

#define F_INDIRECT (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC)
#define F_EVENT    (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)

struct fixture {
	struct gmem gmem;
	struct mock_ring ring;
	struct virtq vq;
	struct virtq_chain chain;
	const char *why;
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	mock_gmem_init(&f.gmem);
	mock_ring_init(&f.ring, &f.gmem, NUM);
	if (virtq_init(&f.vq, MAX, NULL) ||
	    virtq_enable(&f.vq, &f.gmem, &f.ring.setup, &f.why))
		return -1;
	virtq_set_features(&f.vq, F_INDIRECT);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtq_destroy(&f->vq);
	gmem_destroy(&f->gmem);
	return 0;
}

/* A chain of one writable buffer. */
static uint16_t offer_one(struct fixture *f)
{
	struct mock_seg seg = { MOCK_RAM_GPA + 0x10000, 64, true };
	uint16_t head = mock_ring_chain(&f->ring, &seg, 1);

	mock_ring_offer(&f->ring, head);
	return head;
}

/* The offered chain breaks the queue for the reason given, and for good. */
static void assert_fault(struct fixture *f, const char *why)
{
	uint16_t used = f->ring.used->idx;

	assert_int_equal(virtq_pop(&f->vq, &f->chain), -EPROTO);
	assert_non_null(f->vq.fault);
	assert_string_equal(f->vq.fault, why);
	offer_one(f);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), -EPROTO);
	assert_int_equal(f->ring.used->idx, used);
	/* A reset heals it. */
	virtq_disable(&f->vq);
	assert_null(f->vq.fault);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 0);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(virtq_pop(&f->vq, &f->chain), 0);
	assert_null(f->vq.fault);
}

static void test_direct_chain(void **state)
{
	struct fixture *f = *state;
	struct mock_seg seg[] = { { MOCK_RAM_GPA + 0x1000, 16, false },
				  { MOCK_RAM_GPA + 0x2000, 512, false },
				  { MOCK_RAM_GPA + 0x3001, 7, true } };
	uint16_t head = mock_ring_chain(&f->ring, seg, 3);
	uint32_t id, len;

	mock_ring_offer(&f->ring, head);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(f->chain.head, head);
	assert_int_equal(f->chain.out.nr, 2);
	assert_int_equal(f->chain.in.nr, 1);
	assert_int_equal(f->chain.out_len, 528);
	assert_int_equal(f->chain.in_len, 7);
	assert_ptr_equal(f->chain.out.iov[1].iov_base,
			 gmem_ptr(&f->gmem, seg[1].gpa, 1));
	assert_ptr_equal(f->chain.in.iov[0].iov_base,
			 gmem_ptr(&f->gmem, seg[2].gpa, 1));

	assert_false(mock_ring_take(&f->ring, &id, &len));
	virtq_push(&f->vq, &f->chain, 7);
	assert_true(mock_ring_take(&f->ring, &id, &len));
	assert_int_equal(id, head);
	assert_int_equal(len, 7);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 0);
}

/* An indirect chain may be longer than the ring, up to the device's maximum. */
static void test_indirect_chain(void **state)
{
	struct fixture *f = *state;
	struct mock_seg seg[MAX];
	unsigned int i;

	for (i = 0; i < MAX; i++)
		seg[i] = (struct mock_seg){ MOCK_RAM_GPA + 0x10000 + 64 * i, 64,
					    i >= 4 };
	mock_ring_offer(&f->ring, mock_ring_indirect(&f->ring, seg, MAX));
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(f->chain.out.nr, 4);
	assert_int_equal(f->chain.in.nr, MAX - 4);
	assert_int_equal(f->chain.in_len, 64 * (MAX - 4));
}

static void test_direct_then_indirect(void **state)
{
	struct fixture *f = *state;
	struct mock_seg seg = { MOCK_RAM_GPA + 0x10000, 32, true };
	uint16_t head = mock_ring_indirect(&f->ring, &seg, 1);

	mock_ring_desc(&f->ring, 5, MOCK_RAM_GPA, 8, VRING_DESC_F_NEXT, head);
	mock_ring_offer(&f->ring, 5);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(f->chain.head, 5);
	assert_int_equal(f->chain.out_len, 8);
	assert_int_equal(f->chain.in_len, 32);
}

/* 2.7.5.3: no alignment is asked of an indirect table. */
static void test_indirect_unaligned(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa = MOCK_RAM_GPA + 0x20003;
	struct vring_desc d = { .addr = MOCK_RAM_GPA + 0x30000, .len = 9 };

	gmem_write(&f->gmem, gpa, &d, sizeof(d));
	mock_ring_desc(&f->ring, 0, gpa, 16,
		       VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	mock_ring_offer(&f->ring, 0);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(f->chain.out_len, 9);
	assert_int_equal(f->chain.in_len, 0);
}

/* Indices are 16 bits wide and wrap; the ring is used lap after lap. */
static void test_index_wrap(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len, i;
	uint16_t head;

	mock_ring_wind(&f->ring, &f->vq, 65530);
	for (i = 0; i < 3 * NUM; i++) {
		head = offer_one(f);
		assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
		virtq_push(&f->vq, &f->chain, i);
		assert_true(mock_ring_take(&f->ring, &id, &len));
		assert_int_equal(id, head);
		assert_int_equal(len, i);
	}
	assert_int_equal(f->ring.used->idx, (uint16_t)(65530 + 3 * NUM));
}

static void test_full_ring_across_wrap(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	mock_ring_wind(&f->ring, &f->vq, 65533);
	for (i = 0; i < NUM; i++)
		offer_one(f);
	for (i = 0; i < NUM; i++)
		assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 0);
}

/* The driver changes a descriptor after the device looked: no effect. */
static void test_fields_are_copied(void **state)
{
	struct fixture *f = *state;
	uint16_t head = offer_one(f);

	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	mock_ring_desc(&f->ring, head, 0, UINT32_MAX, 0, 0);
	assert_int_equal(f->chain.in_len, 64);
	assert_int_equal(f->chain.in.iov[0].iov_len, 64);
}

/* --- faults --------------------------------------------------------------- */

static void test_avail_too_far(void **state)
{
	struct fixture *f = *state;

	f->ring.avail->idx = NUM + 1;
	assert_fault(f, "available index is ahead by more than the queue size");
}

static void test_avail_backwards(void **state)
{
	struct fixture *f = *state;

	f->ring.avail->idx = UINT16_MAX;
	assert_fault(f, "available index is ahead by more than the queue size");
}

static void test_head_out_of_range(void **state)
{
	struct fixture *f = *state;

	mock_ring_offer(&f->ring, NUM);
	assert_fault(f, "descriptor index out of range");
}

static void test_next_out_of_range(void **state)
{
	struct fixture *f = *state;

	mock_ring_desc(&f->ring, 0, MOCK_RAM_GPA, 4, VRING_DESC_F_NEXT, NUM);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "descriptor index out of range");
}

static void test_loop(void **state)
{
	struct fixture *f = *state;

	mock_ring_desc(&f->ring, 0, MOCK_RAM_GPA, 4, VRING_DESC_F_NEXT, 1);
	mock_ring_desc(&f->ring, 1, MOCK_RAM_GPA, 4, VRING_DESC_F_NEXT, 0);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "descriptor chain is a loop");
}

static void test_self_loop_in_table(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa = MOCK_RAM_GPA + 0x20000;
	struct vring_desc d = { .addr = MOCK_RAM_GPA,
				.len = 4,
				.flags = VRING_DESC_F_NEXT,
				.next = 0 };

	gmem_write(&f->gmem, gpa, &d, sizeof(d));
	mock_ring_desc(&f->ring, 0, gpa, 16 * 4, VRING_DESC_F_INDIRECT, 0);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "descriptor chain is a loop");
}

static void test_table_next_out_of_range(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa = MOCK_RAM_GPA + 0x20000;
	struct vring_desc d = { .addr = MOCK_RAM_GPA,
				.len = 4,
				.flags = VRING_DESC_F_NEXT,
				.next = 2 };

	gmem_write(&f->gmem, gpa, &d, sizeof(d));
	mock_ring_desc(&f->ring, 0, gpa, 16 * 2, VRING_DESC_F_INDIRECT, 0);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "descriptor index out of range");
}

static void test_chain_too_long(void **state)
{
	struct fixture *f = *state;
	struct mock_seg seg[MAX + 1];
	unsigned int i;

	for (i = 0; i < MAX + 1; i++)
		seg[i] = (struct mock_seg){ MOCK_RAM_GPA, 4, true };
	mock_ring_offer(&f->ring, mock_ring_indirect(&f->ring, seg, MAX + 1));
	assert_fault(f, "chain longer than the queue");
}

static void test_read_after_write(void **state)
{
	struct fixture *f = *state;
	struct mock_seg seg[] = { { MOCK_RAM_GPA, 4, true },
				  { MOCK_RAM_GPA, 4, false } };

	mock_ring_offer(&f->ring, mock_ring_chain(&f->ring, seg, 2));
	assert_fault(f, "readable descriptor after a writable one");
}

static void test_zero_length(void **state)
{
	struct fixture *f = *state;
	struct mock_seg seg = { MOCK_RAM_GPA, 0, true };

	mock_ring_offer(&f->ring, mock_ring_chain(&f->ring, &seg, 1));
	assert_fault(f, "descriptor of length zero");
}

/* All in memory, each of them, so only the sum can be what is refused. */
static void test_total_length(void **state)
{
	struct fixture *f = *state;
	uint32_t len = 0x80000000;
	static uint8_t fake[1];
	struct gmem big = f->gmem;
	struct mock_seg seg[] = { { UINT64_C(0x100000000), len, false },
				  { UINT64_C(0x100000000), len - 1, true },
				  { UINT64_C(0x100000000), 1, true } };

	/* Never touched: popping a chain reads no buffer. */
	big.region[big.nr++] = (struct gmem_region){
		.gpa = UINT64_C(0x100000000),
		.size = len,
		.hva = fake,
	};
	f->vq.gmem = &big;
	mock_ring_offer(&f->ring, mock_ring_chain(&f->ring, seg, 2));
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(f->chain.out_len, len);
	assert_int_equal(f->chain.in_len, len - 1);
	mock_ring_offer(&f->ring, mock_ring_chain(&f->ring, seg, 3));
	assert_fault(f, "chain of more than 4 GiB");
}

static void test_buffer_outside(void **state)
{
	struct fixture *f = *state;
	struct mock_seg bad[] = {
		{ 0, 16, true },
		{ MOCK_RAM_GPA - 1, 2, true },
		{ MOCK_RAM_GPA + MOCK_RAM_SIZE - 1, 2, true },
		{ MOCK_RAM_GPA + MOCK_RAM_SIZE, 1, true },
		{ UINT64_MAX, 2, false },
		{ MOCK_RAM_GPA, UINT32_MAX, false },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		mock_ring_init(&f->ring, &f->gmem, NUM);
		assert_int_equal(virtq_enable(&f->vq, &f->gmem, &f->ring.setup,
					      &f->why),
				 0);
		mock_ring_offer(&f->ring,
				mock_ring_chain(&f->ring, &bad[i], 1));
		assert_fault(f, "buffer outside guest memory");
	}
}

static void test_indirect_not_negotiated(void **state)
{
	struct fixture *f = *state;
	struct mock_seg seg = { MOCK_RAM_GPA, 4, true };

	virtq_set_features(&f->vq, 0);
	mock_ring_offer(&f->ring, mock_ring_indirect(&f->ring, &seg, 1));
	assert_fault(f, "indirect descriptor was not negotiated");
}

static void test_indirect_nested(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa = MOCK_RAM_GPA + 0x20000;
	struct vring_desc d = { .addr = gpa,
				.len = 16,
				.flags = VRING_DESC_F_INDIRECT };

	gmem_write(&f->gmem, gpa, &d, sizeof(d));
	mock_ring_desc(&f->ring, 0, gpa, 16, VRING_DESC_F_INDIRECT, 0);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "indirect descriptor in an indirect table");
}

/* The ring itself named as a table: still nested, no endless recursion. */
static void test_indirect_is_ring(void **state)
{
	struct fixture *f = *state;

	mock_ring_desc(&f->ring, 0, f->ring.setup.desc, 16 * NUM,
		       VRING_DESC_F_INDIRECT, 0);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "indirect descriptor in an indirect table");
}

static void test_indirect_with_next(void **state)
{
	struct fixture *f = *state;

	mock_ring_desc(&f->ring, 0, MOCK_RAM_GPA + 0x20000, 16,
		       VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "indirect descriptor with a next one");
}

static void test_indirect_bad_length(void **state)
{
	struct fixture *f = *state;
	static const uint32_t len[] = { 0, 1, 15, 17, 40 };
	unsigned int i;

	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		mock_ring_init(&f->ring, &f->gmem, NUM);
		virtq_enable(&f->vq, &f->gmem, &f->ring.setup, &f->why);
		virtq_set_features(&f->vq, F_INDIRECT);
		mock_ring_desc(&f->ring, 0, MOCK_RAM_GPA + 0x20000, len[i],
			       VRING_DESC_F_INDIRECT, 0);
		mock_ring_offer(&f->ring, 0);
		assert_fault(f, "indirect table of a bad length");
	}
}

static void test_indirect_outside(void **state)
{
	struct fixture *f = *state;

	mock_ring_desc(&f->ring, 0, MOCK_RAM_GPA + MOCK_RAM_SIZE - 16, 32,
		       VRING_DESC_F_INDIRECT, 0);
	mock_ring_offer(&f->ring, 0);
	assert_fault(f, "indirect table outside guest memory");
}

/* --- set-up --------------------------------------------------------------- */

static void assert_refused(struct fixture *f, const struct virtq_setup *s,
			   const char *why)
{
	f->why = NULL;
	assert_int_equal(virtq_enable(&f->vq, &f->gmem, s, &f->why), -EINVAL);
	assert_string_equal(f->why, why);
	assert_false(f->vq.ready);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 0);
}

static void test_setup_size(void **state)
{
	struct fixture *f = *state;
	static const uint32_t bad[] = { 0,       3,          MAX + 1,
					2 * MAX, 0x10000008, UINT32_MAX };
	struct virtq_setup s;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = f->ring.setup;
		s.num = bad[i];
		assert_refused(f, &s,
			       "queue size is no power of two within the "
			       "maximum");
	}
	for (i = 1; i <= MAX; i *= 2) {
		s = f->ring.setup;
		s.num = i;
		s.driver = MOCK_RAM_GPA + 0x8000;
		s.device = MOCK_RAM_GPA + 0x9000;
		assert_int_equal(virtq_enable(&f->vq, &f->gmem, &s, &f->why),
				 0);
	}
}

static void test_setup_alignment(void **state)
{
	struct fixture *f = *state;
	struct virtq_setup s;

	s = f->ring.setup;
	s.desc += 8;
	assert_refused(f, &s, "ring is not aligned");
	s = f->ring.setup;
	s.driver += 1;
	assert_refused(f, &s, "ring is not aligned");
	s = f->ring.setup;
	s.device += 2;
	assert_refused(f, &s, "ring is not aligned");
}

/* The event index at the end of a ring has to be inside as well. */
static void test_setup_place(void **state)
{
	const uint64_t end = MOCK_RAM_GPA + MOCK_RAM_SIZE;
	struct fixture *f = *state;
	struct virtq_setup s;

	s = f->ring.setup;
	s.desc = end - 16 * NUM + 16;
	assert_refused(f, &s, "ring lies outside guest memory");
	s = f->ring.setup;
	s.driver = end - (4 + 2 * NUM);
	assert_refused(f, &s, "ring lies outside guest memory");
	s.driver = end - (6 + 2 * NUM);
	assert_int_equal(virtq_enable(&f->vq, &f->gmem, &s, &f->why), 0);
	s = f->ring.setup;
	s.device = end - (4 + 8 * NUM);
	assert_refused(f, &s, "ring lies outside guest memory");
	s.device = end - (8 + 8 * NUM);
	assert_int_equal(virtq_enable(&f->vq, &f->gmem, &s, &f->why), 0);
	s = f->ring.setup;
	s.device = UINT64_MAX - 3;
	assert_refused(f, &s, "ring lies outside guest memory");
}

static void test_enable_starts_over(void **state)
{
	struct fixture *f = *state;

	offer_one(f);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	virtq_push(&f->vq, &f->chain, 0);
	virtq_disable(&f->vq);
	mock_ring_init(&f->ring, &f->gmem, NUM);
	assert_int_equal(
		virtq_enable(&f->vq, &f->gmem, &f->ring.setup, &f->why), 0);
	offer_one(f);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	virtq_push(&f->vq, &f->chain, 0);
	assert_int_equal(f->ring.used->idx, 1);
	assert_false(f->vq.indirect);
}

/* --- notifications -------------------------------------------------------- */

static void complete_one(struct fixture *f)
{
	offer_one(f);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	virtq_push(&f->vq, &f->chain, 0);
}

static void test_interrupt_flag(void **state)
{
	struct fixture *f = *state;

	complete_one(f);
	assert_true(virtq_should_interrupt(&f->vq));
	f->ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	complete_one(f);
	assert_false(virtq_should_interrupt(&f->vq));
	/* used_event means nothing without the feature. */
	mock_ring_set_used_event(&f->ring, 2);
	complete_one(f);
	assert_false(virtq_should_interrupt(&f->vq));
}

static void test_interrupt_event(void **state)
{
	struct fixture *f = *state;

	virtq_set_features(&f->vq, F_EVENT);
	/* Nor does the flag with it. */
	f->ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	mock_ring_set_used_event(&f->ring, 0);
	complete_one(f);
	assert_true(virtq_should_interrupt(&f->vq));
	complete_one(f);
	assert_false(virtq_should_interrupt(&f->vq));

	/* Three at once cross the mark in the middle. */
	mock_ring_set_used_event(&f->ring, 3);
	complete_one(f);
	complete_one(f);
	complete_one(f);
	assert_true(virtq_should_interrupt(&f->vq));
	/* No completion since: nothing to tell. */
	assert_false(virtq_should_interrupt(&f->vq));
}

static void test_interrupt_event_wrap(void **state)
{
	struct fixture *f = *state;

	virtq_set_features(&f->vq, F_EVENT);
	mock_ring_wind(&f->ring, &f->vq, 65534);
	mock_ring_set_used_event(&f->ring, 65535);
	complete_one(f);
	assert_false(virtq_should_interrupt(&f->vq));
	complete_one(f);
	assert_int_equal(f->ring.used->idx, 0);
	assert_true(virtq_should_interrupt(&f->vq));
	mock_ring_set_used_event(&f->ring, 0);
	complete_one(f);
	assert_true(virtq_should_interrupt(&f->vq));
}

static void test_notify_flag(void **state)
{
	struct fixture *f = *state;

	virtq_notify_off(&f->vq);
	assert_int_equal(f->ring.used->flags, VRING_USED_F_NO_NOTIFY);
	assert_false(virtq_notify_on(&f->vq));
	assert_int_equal(f->ring.used->flags, 0);

	/* One that came in while notifications were off is not lost. */
	virtq_notify_off(&f->vq);
	offer_one(f);
	assert_true(virtq_notify_on(&f->vq));
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_false(virtq_notify_on(&f->vq));
}

static void test_notify_event(void **state)
{
	struct fixture *f = *state;

	virtq_set_features(&f->vq, F_EVENT);
	complete_one(f);
	complete_one(f);
	assert_int_equal(mock_ring_avail_event(&f->ring), 0);
	virtq_notify_off(&f->vq);
	assert_int_equal(f->ring.used->flags, 0);
	assert_false(virtq_notify_on(&f->vq));
	assert_int_equal(mock_ring_avail_event(&f->ring), 2);
	offer_one(f);
	assert_true(virtq_notify_on(&f->vq));
}

/* --- scattered buffers ---------------------------------------------------- */

static void test_iov(void **state)
{
	char a[] = "abc", b[] = "defgh", c[] = "i", out[16] = { 0 };
	struct iovec iov[] = { { a, 3 }, { b, 5 }, { c, 1 } };
	struct iov_buf buf = { iov, 3 };

	(void)state;
	assert_int_equal(iov_copy_out(&buf, out, 7), 7);
	assert_string_equal(out, "abcdefg");
	assert_int_equal(iov_copy_out(&buf, out, sizeof(out)), 9);
	assert_int_equal(iov_copy_in(&buf, "ABCD", 4), 4);
	assert_string_equal(a, "ABC");
	assert_string_equal(b, "Defgh");

	iov_trim_front(&buf, 4);
	assert_int_equal(buf.nr, 2);
	assert_ptr_equal(buf.iov->iov_base, b + 1);
	assert_int_equal(buf.iov->iov_len, 4);
	iov_trim_back(&buf, 2);
	assert_int_equal(buf.nr, 1);
	assert_int_equal(buf.iov->iov_len, 3);
	iov_trim_back(&buf, 3);
	assert_int_equal(buf.nr, 0);
	iov_trim_back(&buf, 1);
	iov_trim_front(&buf, 1);
	assert_int_equal(buf.nr, 0);
	assert_int_equal(iov_copy_in(&buf, "x", 1), 0);
}

/* Several chains at once: the driver's index moves once, over a wrap too. */
static void test_push_many(void **state)
{
	struct fixture *f = *state;
	struct virtq_done done[3];
	uint32_t id, len;
	unsigned int i;

	mock_ring_wind(&f->ring, &f->vq, 0xfffe);
	for (i = 0; i < 3; i++) {
		offer_one(f);
		assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
		done[i] = (struct virtq_done){ f->chain.head, 10 + i };
	}
	assert_false(mock_ring_take(&f->ring, &id, &len));
	virtq_push_many(&f->vq, done, 3);
	for (i = 0; i < 3; i++) {
		assert_true(mock_ring_take(&f->ring, &id, &len));
		assert_int_equal(id, done[i].head);
		assert_int_equal(len, 10 + i);
	}
	assert_false(mock_ring_take(&f->ring, &id, &len));
}

/* What is put back comes again, in order, and is checked again. */
static void test_unpop(void **state)
{
	struct fixture *f = *state;
	uint16_t first, second;

	mock_ring_wind(&f->ring, &f->vq, 0xffff);
	first = offer_one(f);
	second = offer_one(f);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 0);
	virtq_unpop(&f->vq, 2);
	assert_int_equal(virtq_pop(&f->vq, &f->chain), 1);
	assert_int_equal(f->chain.head, first);
	f->ring.desc[second].len = 0;
	assert_int_equal(virtq_pop(&f->vq, &f->chain), -EPROTO);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_empty),
		T(test_direct_chain),
		T(test_indirect_chain),
		T(test_direct_then_indirect),
		T(test_indirect_unaligned),
		T(test_index_wrap),
		T(test_full_ring_across_wrap),
		T(test_fields_are_copied),
		T(test_avail_too_far),
		T(test_avail_backwards),
		T(test_head_out_of_range),
		T(test_next_out_of_range),
		T(test_loop),
		T(test_self_loop_in_table),
		T(test_table_next_out_of_range),
		T(test_chain_too_long),
		T(test_read_after_write),
		T(test_zero_length),
		T(test_total_length),
		T(test_buffer_outside),
		T(test_indirect_not_negotiated),
		T(test_indirect_nested),
		T(test_indirect_is_ring),
		T(test_indirect_with_next),
		T(test_indirect_bad_length),
		T(test_indirect_outside),
		T(test_setup_size),
		T(test_setup_alignment),
		T(test_setup_place),
		T(test_enable_starts_over),
		T(test_interrupt_flag),
		T(test_interrupt_event),
		T(test_interrupt_event_wrap),
		T(test_notify_flag),
		T(test_notify_event),
		T(test_push_many),
		T(test_unpop),
		cmocka_unit_test(test_iov),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
