/* SPDX-License-Identifier: GPL-2.0-only */
/* `trapline run`: argv to a validated structure, without side effects. */
#ifndef TL_CONFIG_H
#define TL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "arch-arm/image.h"
#include "arch-arm/memmap.h"
#include "backend/disk.h"
#include "config-net.h"
#include "config-vsock.h"
#include "core/gmem-huge.h"
#include "lib/error.h"
#include "lib/log.h"
#include "sandbox.h"

#define CONFIG_MAX_DISKS 32
#define CONFIG_MAX_NETS  8
/* GICv3 redistributors that machine "virt" has room for; 8 with GICv2.  What
 * KVM allows is asked at run time. */
#define CONFIG_MAX_CPUS 123
/* RAM in machine "virt" ends at 256 GiB at the latest. */
#define CONFIG_MAX_MEM         (255ULL << 30)
#define CONFIG_DEFAULT_MEM     (512ULL << 20)

#define CONFIG_MAX_DISK_QUEUES 8

/* The guest's console; chardev_kinds in backend/chardev.h says where to. */
enum config_console { CONSOLE_SERIAL, CONSOLE_VIRTIO };

#define CONFIG_MAX_PORTS 30 /* of the virtio console, besides the console */

struct config_port {
	const char *name;
	const char *where;
};

/* A reset that the guest asks for after its kernel panicked. */
enum config_panic { PANIC_EXIT, PANIC_RESET, PANIC_HOLD };

struct run_config {
	const char *kernel;
	const struct memmap *machine; /* NULL: virt */
	const char *dtb;              /* its device tree, NULL: look for it */
	const char *initrd;           /* NULL: none */
	const char *params; /* the user's part of the command line, or NULL */
	struct disk_options disk[CONFIG_MAX_DISKS]; /* text is in @arena */
	unsigned int nr_disks;
	struct config_net net[CONFIG_MAX_NETS];
	unsigned int nr_nets;
	enum config_console console;
	const char *console_where; /* CONSOLE_VIRTIO's; never NULL */
	const char *serial_where;  /* the PL011's, NULL: where the console is */
	struct config_port port[CONFIG_MAX_PORTS];
	unsigned int nr_ports;
	struct config_vsock vsock;
	bool rng;
	bool balloon;
	uint64_t balloon_size;  /* bytes it is to take from the start */
	unsigned int cpus;      /* 1 and more */
	uint64_t mem_size;      /* bytes, a multiple of 2 MiB */
	enum guest_width width; /* GUEST_32BIT with --aarch32, else ANY */
	unsigned int gic;       /* 2, 3, or 0: what the host has, 2 first */
	const char *name;       /* VM's name; never NULL after parsing */
	bool named;             /* with --name */
	const char *control;    /* path of the control socket; NULL: by name */
	bool no_control;        /* --control none */
	const char *dump_dtb;   /* write the device tree there, or NULL */
	const char *trace;      /* record to this trace.dat, or NULL */
	bool guest_decompress;  /* a zImage unpacks itself */
	const char *kernel_cache; /* of unpacked ones; NULL: the user's own */
	bool no_kernel_cache;
	bool virtio_legacy; /* virtio-mmio version 1 */
	bool nodefaults;    /* add nothing to the kernel command line */
	bool no_reboot;     /* a guest's reset ends the process */
	enum config_panic panic;
	const char *cpu_pin; /* config_pin_cpus() reads it, or NULL */
	bool pmu;
	bool hugetlb;               /* RAM in huge pages that are set aside */
	struct gmem_huge huge;      /* of this kind */
	unsigned int disabled_caps; /* core/host-cap.h */
	enum sandbox_mode sandbox;
	bool help; /* --help was given: nothing else is valid */
	enum log_level loglevel;
	char *arena; /* storage for values that were split; config_free() */
};

/*
 * Parse the arguments after "run".  argv[0] is the first option.  On error
 * -EINVAL with status TL_USAGE and one line.  Nothing is opened or created.
 */
int config_parse_run(int argc, char **argv, struct run_config *cfg,
		     struct error *err);
void config_free(struct run_config *cfg);

/* The text of `trapline run --help`. */
extern const char config_run_help[];

#endif
