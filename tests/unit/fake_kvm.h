/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A KVM for tests, on any machine: the calls of a program that is linked with
 * -Wl,--wrap=CALL for each of FAKE_KVM_WRAPS in the Makefile come here, those on
 * /dev/kvm are answered, and any one of all can be made to fail.
 *
 * Its VM has a GICv2 and what a 32-bit host has.  vCPU 0 does what the test
 * wrote down for each boot, the others wait in the guest.
 */
#ifndef TESTS_FAKE_KVM_H
#define TESTS_FAKE_KVM_H

#include <stdbool.h>
#include <stdint.h>

/* What vCPU 0's next KVM_RUN returns for. */
struct fake_exit {
	enum { FAKE_READ, FAKE_WRITE, FAKE_DO, FAKE_RESET, FAKE_OFF } what;
	uint64_t addr;
	uint32_t val;
	/*
	 * FAKE_DO is no exit: what the guest does with its memory, which begins
	 * at @ram.  Called until it is true.
	 */
	bool (*act)(uint8_t *ram, uint32_t val);
};

/* From now on, vCPU 0 of any VM goes on with these; FAKE_OFF is the last. */
void fake_kvm_play(const struct fake_exit *exits);

/*
 * From now on, @guest says what each vCPU of any VM does next: an exit, FAKE_OFF
 * for good, or FAKE_DO to stay for a while; @ram as above.  On the vCPUs'
 * threads.  NULL: as fake_kvm_play() has it.
 */
void fake_kvm_improvise(void (*guest)(unsigned int vcpu, uint8_t *ram,
				      struct fake_exit *next));

/* VMs created so far. */
unsigned int fake_kvm_vms(void);

/* What the last FAKE_READ gave. */
uint32_t fake_kvm_read(void);

/*
 * Let the @nth wrapped call from now on fail, 1 for the next one; 0: none.  All
 * threads count that do not set fake_kvm_spared.  read() and write() fail on
 * files alone: on an eventfd or a timerfd they cannot.
 */
extern _Thread_local bool fake_kvm_spared;

void fake_kvm_fail(unsigned int nth);

/* The name of the call that failed, or NULL: there were not that many. */
const char *fake_kvm_failed(void);

/* How often something was closed that was not open. */
unsigned int fake_kvm_bad_closes(void);

#endif
