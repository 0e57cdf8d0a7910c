/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exit statuses of the trapline command.  They are an interface: scripts and
 * CI tell from them what went wrong.  0..31 are ours, 32 and above say how the
 * guest ended (the numbers that crosvm's users already know).
 */
#ifndef TL_LIB_STATUS_H
#define TL_LIB_STATUS_H

enum tl_status {
	TL_OK = 0,       /* the guest powered off, the command did its job */
	TL_FAIL = 1,     /* anything without a status of its own */
	TL_USAGE = 2,    /* bad command line */
	TL_HOST = 3,     /* no /dev/kvm, no permission, missing capability */
	TL_IMAGE = 4,    /* kernel, initrd or device tree unusable */
	TL_MEMORY = 5,   /* guest memory too small or not to be had */
	TL_DISK = 6,     /* disk image missing or unusable */
	TL_CONSOLE = 7,  /* console back-end unusable */
	TL_TRACE = 8,    /* trace cannot be recorded or read */
	TL_NAME = 9,     /* VM name in use or unknown */
	TL_SANDBOX = 10, /* a system call that the sandbox does not allow */
	TL_GUEST_RESET =
		32, /* guest asked for a reset and --no-reboot is set */
	TL_GUEST_CRASH = 33, /* KVM could not go on running the guest */
	TL_GUEST_PANIC = 34, /* the guest's kernel panicked */
};

#endif
