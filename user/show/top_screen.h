/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp top on a whole terminal, with ncurses. Built with WITH_NCURSES=0 there is none, and `wgxdp
 * top`, which includes this, prints tables.
 */
#pragma once
#include "show/top.h"

struct top_view {			/* what keys change */
	enum top_sort sort;
	enum top_unit unit;
	double interval;		/* seconds */
	char filter[NAME_LEN];
};

/* Returns 0; -EOPNOTSUPP: no ncurses, or it does not know the terminal. */
int top_screen_begin(void);
void top_screen_end(void);
/* Shows t until the interval is over, and sorts it again at each key. Returns false if the user
 * quits, or ended() says that a signal came. */
bool top_screen_show(const struct top *t, const char *instance, struct top_view *v,
		     bool (*ended)(void));
