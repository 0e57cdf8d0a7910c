/* SPDX-License-Identifier: GPL-2.0-only */
/* The value of --cpu-pin: "0=2,1=4-5,7" puts vCPU 0 on 2, vCPU 1 on 4, 5, 7. */
#ifndef TL_CONFIG_PIN_H
#define TL_CONFIG_PIN_H

#include <sched.h>
#include <stdbool.h>

#include "lib/error.h"

/* Is @text such a list?  -EINVAL with TL_USAGE. */
int config_pin_check(const char *text, struct error *err);

/* Does it, if not NULL, name no vCPU that @cpus of them lack?  Likewise. */
int config_pin_fits(const char *text, unsigned int cpus, struct error *err);

/*
 * Host CPUs for vCPU @n by @text, which was checked or is NULL; false if it may
 * run on any.
 */
bool config_pin_cpus(const char *text, unsigned int n, cpu_set_t *cpus);

#endif
