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

/* to: original direction, or from a peer or a site; back: replies, or to a peer. A reason has
 * only dropped or only passed. */
struct top_count {
	double packets_to, bytes_to, packets_back, bytes_back, dropped, passed;
};

struct top_row {
	enum top_kind kind;
	/* Name in the list: a service, a peer, "from > to", or "reason of service, direction". */
	char name[3 * NAME_LEN];
	struct top_count count;		/* counts since the counters began */
	struct top_count rate;		/* counts per second; top_rates() sets them */
};

struct top {				/* one reading of all counters */
	struct top_row *rows;	/* rows, sorted by kind and name until top_sort() sorts them */
	size_t n;
	double at;			/* time of the reading by CLOCK_MONOTONIC, in seconds */
};

/* Names of the options' values. NULL ends each list. */
extern const char *const top_sort_names[], *const top_unit_names[], *const top_kind_names[];

/* Reads all counters. Returns 0 or -errno. */
int top_read(const struct dataplane *dp, struct top *ret);
void top_free(struct top *t);
double top_now(void);			/* returns the time by CLOCK_MONOTONIC, in seconds */
/* Sets now's rates. A row that is new, or whose counters restarted, has rate 0. */
void top_rates(struct top *now, const struct top *before);
/* Sorts each kind, the largest first, and drops rows whose name does not contain filter (NULL: keep
 * all). */
void top_sort(struct top *t, enum top_sort by, enum top_unit unit, const char *filter);
/* Formats a rate in at most three digits, such as "12.3 M". */
void top_format(char ret[16], double rate);
double top_in_unit(const struct top_count *rate, enum top_unit unit, bool back);

/* ---- the whole screen of a terminal; built with WITH_NCURSES=0 there is none ---- */

struct top_view {			/* settings that the user changes with keys */
	enum top_sort sort;
	enum top_unit unit;
	double interval;		/* time between two readings, in seconds */
	char filter[NAME_LEN];
};

/* Takes over the terminal. Returns 0, or -EOPNOTSUPP if ncurses is missing or does not know the
 * terminal. */
int top_screen_begin(void);
void top_screen_end(void);
/* Shows t until the interval is over, and sorts it again at each key. Returns false if the user
 * quits, or ended() says that a signal came. */
bool top_screen_show(const struct top *t, const char *instance, struct top_view *v,
		     bool (*ended)(void));
