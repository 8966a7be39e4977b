/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes Prometheus' text format. metrics.c, show_guard.c and show_sites.c include it.
 */
#pragma once
#include <linux/types.h>
#include <stdio.h>
#include <sys/types.h>

struct metrics_text {
	FILE *out;
	const char *family;		/* metric family that is being written */
};

/* The labels of a metric: pairs of name and value, ended by { 0 }. */
#define LABELS(...) (const char *[][2]){ __VA_ARGS__, { 0 } }

void metric_family(struct metrics_text *t, const char *name, const char *type, const char *help);
/* Writes a line of the present family. labels: LABELS(…); NULL: none. */
void metric(struct metrics_text *t, const char *labels[][2], __u64 value);
void metric_seconds(struct metrics_text *t, const char *labels[][2], double value);

/* Writes the standard metrics of this process (process_*): CPU time, memory, descriptors. */
void process_families(struct metrics_text *t);
