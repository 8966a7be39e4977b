/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Named numbers that the daemon stores in files in /run: for metrics, so that `show` can print them
 * too, and for later daemons. The files stay when the daemon ends, and `down` removes them. daemon/
 * and show/ include it.
 */
#pragma once
#include <linux/types.h>
#include "net/wireguard.h"

#define RUN_COUNTERS_FILES { "announce", "ddns", "endpoints", "pair" }

struct run_counter {
	char name[256];			/* name, without white space */
	__s64 value;
};

struct run_counters {
	const char *instance, *file;
	struct run_counter *list;
	size_t n;
};

/* Reads `file`, one of RUN_COUNTERS_FILES. Without such a file there are no counters. */
void run_counters_read(struct run_counters *n, const char *instance, const char *file);
/* Returns the counter with this name; 0 if it was never set. */
__s64 run_counters_value(const struct run_counters *n, const char *name);
void run_counters_set(struct run_counters *n, const char *name, __s64 value);
/* Writes all counters to their file. It reports no errors: the next call writes all again. */
void run_counters_write(const struct run_counters *n);
void run_counters_free(struct run_counters *n);
/* Names of the numbers in the file "pair", about the stream between two blind relays. Times are in
 * seconds since 1970; 0: none. */
#define PAIR_CONNECTED "connected"	/* time at which the connection began */
#define PAIR_HEARD "heard"		/* time of the last message */
#define PAIR_RECEIVED "received"	/* entries of sessions that came */
#define PAIR_OTHER_ACTIVE "other_active"	/* 1: the other relay has the shared address */
#define PAIR_SILENT_SECONDS 5	/* a connection without a message for this time is closed */
/* Writes the name that a peer's counter of endpoint changes has in the file "endpoints". */
#define ENDPOINT_COUNTER_LEN (IFNAMSIZ + WG_KEY_STRLEN)
const char *endpoint_counter(const char *interface, const struct wg_key *peer,
			     char ret[ENDPOINT_COUNTER_LEN]);
