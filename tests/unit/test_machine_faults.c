// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole machine, from its options to its end and with a reset in between,
 * on a KVM that is none (fake_kvm.h).  Then the same with each call failing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fault_world.h"

#define UART_DR 0x09000000
#define MAGIC   0x74726976

static const struct fake_exit guest[] = {
	{ FAKE_WRITE, UART_DR, 'o', NULL },
	{ FAKE_READ, FAULT_FIRST_SLOT, 0, NULL },
	{ FAKE_RESET, 0, 0, NULL },
	{ FAKE_WRITE, UART_DR, 'k', NULL },
	{ FAKE_READ, FAULT_FIRST_SLOT, 0, NULL },
	{ FAKE_WRITE, FAULT_FIRST_SLOT + 0x70, 0, NULL },
	{ FAKE_READ, FAULT_FIRST_SLOT, 0, NULL },
	{ FAKE_OFF, 0, 0, NULL },
};

static void test_runs(void **state)
{
	struct fault_world *w = *state;
	char path[512], text[8] = "";
	FILE *f;

	fault_run_well(w, guest);
	assert_int_equal(fake_kvm_read(), MAGIC);
	snprintf(path, sizeof(path), "%s/serial", w->dir);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "ok");
}

static void nothing(struct fault_world *w)
{
	(void)w;
}

static void test_each_call_fails(void **state)
{
	/* What stays for good is there then. */
	fault_run_well(*state, guest);
	fault_each(*state, guest, nothing, nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runs, fault_setup,
						fault_teardown),
		cmocka_unit_test_setup_teardown(test_each_call_fails,
						fault_setup, fault_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
