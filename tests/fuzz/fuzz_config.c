// SPDX-License-Identifier: GPL-2.0-only
/* Any command line, its arguments separated by line feeds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define MAX_ARGS 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_config(const struct run_config *cfg)
{
	unsigned int i;

	if (cfg->help)
		return;
	if (!cfg->kernel || !*cfg->kernel || !cfg->name || !*cfg->name ||
	    strchr(cfg->name, '/'))
		abort();
	if (cfg->cpus < 1 || cfg->cpus > CONFIG_MAX_CPUS || !cfg->mem_size ||
	    cfg->mem_size % (2 << 20) || cfg->mem_size > CONFIG_MAX_MEM)
		abort();
	if (cfg->gic != 0 && cfg->gic != 2 && cfg->gic != 3)
		abort();
	if (cfg->nr_disks > CONFIG_MAX_DISKS)
		abort();
	for (i = 0; i < cfg->nr_disks; i++)
		if (!*cfg->disk[i].path)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[MAX_ARGS + 1], *save = NULL, *arg;
	struct error err = { 0 };
	struct run_config cfg;
	int argc = 0;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	for (arg = strtok_r(text, "\n", &save); arg && argc < MAX_ARGS;
	     arg = strtok_r(NULL, "\n", &save))
		argv[argc++] = arg;
	argv[argc] = NULL;

	if (config_parse_run(argc, argv, &cfg, &err) == 0) {
		check_config(&cfg);
		config_free(&cfg);
	} else if (err.status != TL_USAGE || !err.text[0] || cfg.arena) {
		abort();
	}
	free(text);
	return 0;
}
