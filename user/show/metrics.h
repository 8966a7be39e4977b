/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The Prometheus metrics of an instance; docs/metrics.md has the list. Included by the daemon's
 * exporter and by `wgxdp show metrics`.
 */
#pragma once
#include <stdio.h>

/* Writes all of them in the text format. Returns 0 or -errno, after logging it. */
int metrics_write(FILE *out, const char *instance);
