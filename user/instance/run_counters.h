/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers by name that the daemon notes in /run for the metrics, which commands print too. They
 * outlive the daemon, and `down` removes them. The daemon and show/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>
#include "net/wireguard.h"

#define RUN_COUNTERS_FILES { "ddns", "endpoints" }

struct run_counter {
	char name[256];			/* without white space */
	__s64 value;
};

struct run_counters {
	const char *instance, *file;
	struct run_counter *list;
	size_t n;
};

/* Reads a file, one of RUN_COUNTERS_FILES; nothing if there is none */
void run_counters_read(struct run_counters *n, const char *instance, const char *file);
/* 0: never noted */
__s64 run_counters_value(const struct run_counters *n, const char *name);
void run_counters_set(struct run_counters *n, const char *name, __s64 value);
/* Replaces the file. Errors are not reported: the next call writes everything again. */
void run_counters_write(const struct run_counters *n);
void run_counters_free(struct run_counters *n);
/* The name under which a peer's changes are noted in the file "endpoints" */
#define ENDPOINT_COUNTER_LEN (IFNAMSIZ + WG_KEY_STRLEN)
const char *endpoint_counter(const char *interface, const struct wg_key *peer,
			     char ret[ENDPOINT_COUNTER_LEN]);
