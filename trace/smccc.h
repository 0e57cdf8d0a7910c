/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest asks for with HVC or SMC: the function identifiers of the SMC
 * Calling Convention (DEN 0028), PSCI (DEN 0022), TRNG (DEN 0098), paravirtual
 * time (DEN 0057), and those of KVM itself.
 */
#ifndef TL_TRACE_SMCCC_H
#define TL_TRACE_SMCCC_H

#include <stddef.h>
#include <stdint.h>

/* Name of @id, or the service that owns its range and the number. */
void smccc_name(uint32_t id, char *buf, size_t size);

#endif
