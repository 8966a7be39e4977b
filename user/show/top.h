/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rates of services, peers, pairs of blind sites and reasons: two readings of the maps, and what came between them.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "abi.h"
#include "dataplane/dataplane.h"

enum top_kind { TOP_SERVICE, TOP_PEER, TOP_PAIR, TOP_REASON };
enum top_sort { TOP_BY_RATE, TOP_BY_DROPPED, TOP_BY_PASSED, TOP_BY_NAME };
enum top_unit { TOP_BITS, TOP_BYTES, TOP_PACKETS };

struct top_count {			/* to: original, from a peer or a site; back: reply, to a peer. Of a reason to alone */
	double packets_to, bytes_to, packets_back, bytes_back, dropped, passed;
};

struct top_row {
	enum top_kind kind;
	char name[3 * NAME_LEN];	/* service, peer, "from > to"; of a reason "reason of whom, direction" */
	struct top_count count;		/* since they began */
	struct top_count rate;		/* a second; top_rates() */
};

struct top {				/* one reading */
	struct top_row *rows;		/* by kind and name; after top_sort() as wanted */
	size_t n;
	double at;			/* in seconds, of CLOCK_MONOTONIC */
};

extern const char *const top_sort_names[], *const top_unit_names[], *const top_kind_names[];	/* up to NULL */

/* 0 or -errno */
int top_read(const struct dataplane *dp, struct top *ret);
void top_free(struct top *t);
/* What is new, or counts anew, has no rate yet: 0 */
void top_rates(struct top *now, const struct top *before);
/* Largest first, kinds apart; rows whose name does not hold filter go (NULL: none) */
void top_sort(struct top *t, enum top_sort by, enum top_unit unit, const char *filter);
/* "12.3 M" in the unit */
void top_format(char ret[16], double rate);
double top_in_unit(const struct top_count *rate, enum top_unit unit, bool back);
