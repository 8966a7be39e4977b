/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rates of services, peers, pairs of blind sites and reasons, from two readings of the maps. `wgxdp
 * top` includes it.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "abi.h"
#include "dataplane/dataplane.h"

enum top_kind { TOP_SERVICE, TOP_PEER, TOP_PAIR, TOP_REASON };
enum top_sort { TOP_BY_RATE, TOP_BY_DROPPED, TOP_BY_PASSED, TOP_BY_NAME };
enum top_unit { TOP_BITS, TOP_BYTES, TOP_PACKETS };

/* to: packets from clients, peers or sites. back: replies, or packets to a peer. A row of a reason
 * counts only dropped or only passed packets. */
struct top_count {
	double packets_to, bytes_to, packets_back, bytes_back, dropped, passed;
};

struct top_row {
	enum top_kind kind;
	/* A service, a peer, "SITE > SITE", or "REASON of SERVICE, DIRECTION". */
	char name[3 * NAME_LEN];
	struct top_count count;		/* since the counters began */
	struct top_count rate;		/* per second, from top_rates() */
};

struct top {				/* one reading of all counters */
	struct top_row *rows;	/* sorted by kind and name, until top_sort() */
	size_t n;
	double at;			/* time of the reading, in seconds of CLOCK_MONOTONIC */
};

/* The words for the values of these enums, each list ended by NULL. */
extern const char *const top_unit_names[], *const top_kind_names[];

/* Reads all counters. Returns 0 or -errno. */
int top_read(const struct dataplane *dp, struct top *ret);
void top_free(struct top *t);
/* Sets the rates in `now`. A row that is new, or whose counters restarted, has rate 0. */
void top_rates(struct top *now, const struct top *before);
/* Sorts the rows of each kind, the largest first. Drops rows whose name does not contain `filter`;
 * NULL: keeps all. */
void top_sort(struct top *t, enum top_sort by, enum top_unit unit, const char *filter);
/* Formats a rate per second in at most three digits, such as "12.3 M". */
void top_format(char ret[16], double rate);
double top_in_unit(const struct top_count *rate, enum top_unit unit, bool back);
