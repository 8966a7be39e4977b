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
	const char *family;		/* name of the metric family whose values follow */
};

/* List of label names and values, which { 0 } ends. */
#define LABELS(...) (const char *[][2]){ __VA_ARGS__, { 0 } }

void metric_family(struct metrics_text *t, const char *name, const char *type, const char *help);
/* Writes a value of the present family. labels: from LABELS(); NULL: none. */
void metric(struct metrics_text *t, const char *labels[][2], __u64 value);
void metric_seconds(struct metrics_text *t, const char *labels[][2], double value);

/* Writes the metrics that every exporter has of its own process. */
void process_families(struct metrics_text *t, pid_t process);
