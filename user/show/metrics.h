/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What Prometheus is told of an instance: docs/metrics.md has the list.
 */
#pragma once
#include <stdio.h>

/* All of it, in the text format. 0 or -errno, told. */
int metrics_write(FILE *out, const char *instance);
