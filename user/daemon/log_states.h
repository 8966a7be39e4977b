/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The log of states: a line where a service, interface or peer gets another state, or the same for
 * another reason, in the words of `wgxdp show`. Only the daemon includes it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "config/config_service.h"

struct told_listener {		/* an address of this host that a service listens at */
	char service[NAME_LEN];
	struct address address;
	bool seen, new;			/* in this round */
};

struct told_states {
	struct told_state {
		char what[96];		/* "service wg-end" */
		char is[320];		/* "waiting: no route to its backend 192.168.1.10" */
		bool seen;		/* in this round */
	} *list;
	size_t n;
	struct told_listener *listeners;
	size_t n_listeners;
};

/* Reads all states, and tells what has changed since the last call. Of the first call's, only those
 * that are not well are told. */
void tell_states(struct told_states *t, const char *instance);
