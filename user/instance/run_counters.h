/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Named numbers that the daemon stores in files in /run for metrics, so that `show` can print them
 * too. The files stay when the daemon ends, and `down` removes them. daemon/ and show/ include
 * it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>
#include "net/wireguard.h"

#define RUN_COUNTERS_FILES { "ddns", "endpoints" }

struct run_counter {
	char name[256];			/* name of the counter, without white space */
	__s64 value;
};

struct run_counters {
	const char *instance, *file;
	struct run_counter *list;
	size_t n;
};

/* Reads one of RUN_COUNTERS_FILES. The list is empty if there is no file. */
void run_counters_read(struct run_counters *n, const char *instance, const char *file);
/* Returns the number with this name, or 0 if it was never set. */
__s64 run_counters_value(const struct run_counters *n, const char *name);
void run_counters_set(struct run_counters *n, const char *name, __s64 value);
/* Replaces the file. It reports no errors, because the next call writes everything again. */
void run_counters_write(const struct run_counters *n);
void run_counters_free(struct run_counters *n);
/* Writes the name of the counter for a peer's changed endpoints, in the file "endpoints". */
#define ENDPOINT_COUNTER_LEN (IFNAMSIZ + WG_KEY_STRLEN)
const char *endpoint_counter(const char *interface, const struct wg_key *peer,
			     char ret[ENDPOINT_COUNTER_LEN]);
