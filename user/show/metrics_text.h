/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prometheus' text format. Included by metrics.c, show_guard.c and show_sites.c.
 */
#pragma once
#include <linux/types.h>
#include <stdio.h>
#include <sys/types.h>

struct metrics_text {
	FILE *out;
	const char *family;		/* the family whose values follow */
};

/* pairs of name and value, ended by { 0 } */
#define LABELS(...) (const char *[][2]){ __VA_ARGS__, { 0 } }

void metric_family(struct metrics_text *t, const char *name, const char *type, const char *help);
/* labels: NULL for none. */
void metric(struct metrics_text *t, const char *labels[][2], __u64 value);
void metric_seconds(struct metrics_text *t, const char *labels[][2], double value);

/* The metrics that every exporter has of its own process. */
void process_families(struct metrics_text *t, pid_t process);
