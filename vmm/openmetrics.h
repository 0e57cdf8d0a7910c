/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics as text for Prometheus and its like: OpenMetrics 1.0
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/).
 */
#ifndef TL_OPENMETRICS_H
#define TL_OPENMETRICS_H

#include <stdio.h>

#include "sample.h"

/*
 * All of @sample, one family a statistic, "trapline_kvm_" in front of KVM's
 * name, labels vm, pid and, for a vCPU's own, vcpu.  Values come in base units,
 * that is seconds for nanoseconds.
 */
void openmetrics_print(FILE *out, const struct sample *sample);

#endif
