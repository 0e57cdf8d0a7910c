// SPDX-License-Identifier: GPL-2.0-only
#include "config-lkvm.h"

#include <errno.h>
#include <string.h>

/* Options that an lkvm user may try and that have no counterpart here. */
static const char *const lkvm_only[] = {
	"--9p",
	"--debug",
	"--debug-ioport",
	"--debug-mmio",
	"--dev",
	"--disable-mte",
	"--firmware",
	"-f",
	"--firmware-address",
	"--flash",
	"--force-pci",
	"--kaslr-seed",
	"--no-dhcp",
	"--no-pvtime",
	"--pmuv3",
	"--pvtime",
	"--sandbox",
	"--sdl",
	"--shmem",
	"--sve-max-vl",
	"--tty",
	"--vcpu-affinity",
	"--virtio-transport",
	"--vnc",
};

int config_unknown_option(const char *arg, struct error *err)
{
	size_t i, len = strcspn(arg, "=");

	for (i = 0; i < sizeof(lkvm_only) / sizeof(lkvm_only[0]); i++)
		if (strlen(lkvm_only[i]) == len &&
		    !strncmp(arg, lkvm_only[i], len))
			return error_set(err, TL_USAGE, EINVAL,
					 "option %s of lkvm is not in this "
					 "version (trapline run --help)",
					 lkvm_only[i]);
	return error_set(err, TL_USAGE, EINVAL,
			 "unknown option '%.100s' (trapline run --help)", arg);
}
