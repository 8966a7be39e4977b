/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp top on the whole screen of a terminal, by ncurses. Without it (WITH_NCURSES=0) there is none, and tables are printed.
 */
#pragma once
#include "show/top.h"

struct top_view {			/* what a key may change */
	enum top_sort sort;
	enum top_unit unit;
	double interval;		/* seconds */
	char filter[NAME_LEN];
};

/* 0; -EOPNOTSUPP: no ncurses, or a terminal that it does not know */
int top_screen_begin(void);
void top_screen_end(void);
/* Shows t, sorted anew by each key that is pressed within the interval. False: the user wants to go; a signal ends it too (ended). */
bool top_screen_show(const struct top *t, const char *instance, struct top_view *v, bool (*ended)(void));
