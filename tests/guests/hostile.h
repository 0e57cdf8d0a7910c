/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the hostile guest keeps its own things; it needs -m 256. */
#ifndef TESTS_GUESTS_HOSTILE_H
#define TESTS_GUESTS_HOSTILE_H

#define HOSTILE_TABLE  0x41000000
#define HOSTILE_STACKS 0x41010000
#define HOSTILE_STACK  0x4000 /* bytes for each vCPU */
#define HOSTILE_CPUS   4

/* Block descriptors: access flag, inner shareable, attribute 0 and 1. */
#define HOSTILE_TABLE_NC 0x701
#define HOSTILE_TABLE_WB 0x705

/* What devices may read and write: nothing of ours is in it. */
#define HOSTILE_ARENA    0x42000000
#define HOSTILE_ARENA_SZ 0x02000000
#define HOSTILE_RAM_END  0x50000000

#endif
