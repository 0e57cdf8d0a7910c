// SPDX-License-Identifier: GPL-2.0-only
/* trapline-libvirt DOMAIN: what libvirt knows of it; for trapline record. */
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "libvirt/ask.h"

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (argc != 2 || !strcmp(argv[1], "--help")) {
		fputs("usage: trapline-libvirt DOMAIN\n"
		      "Prints what libvirt knows of a domain, by name, UUID or "
		      "number.\n",
		      argc == 2 ? stdout : stderr);
		return argc == 2 ? TL_OK : TL_USAGE;
	}
	if (libvirt_ask("libvirt.so.0", argv[1], stdout, &err)) {
		log_error("%s", err.text);
		return (int)err.status;
	}
	return fflush(stdout) ? TL_FAIL : TL_OK;
}
