// SPDX-License-Identifier: GPL-2.0-only
/* A domain description of any bytes; what is taken is written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct domain_facts facts = { GUEST_64BIT, 2, "quiet" };
	struct error err = { 0 };
	struct domain_args args;
	struct run_config cfg;
	char *text;
	int ret;

	if (domain_read((const char *)data, size, "x", &args, &err)) {
		if (!err.text[0] || args.argv)
			abort();
		return 0;
	}
	ret = config_parse_run(args.argc, args.argv, &cfg, &err);
	domain_args_free(&args);
	if (ret)
		return 0;
	if (!cfg.help) {
		text = domain_write(&cfg, &facts);
		if (!text || domain_read(text, strlen(text), "y", &args, NULL))
			abort();
		domain_args_free(&args);
		free(text);
	}
	config_free(&cfg);
	return 0;
}
