/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The log of states: prints a line when a service, interface or peer gets another state, or the
 * same state for another reason, in the words of `wgxdp show`. Only daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct logged_listener {		/* an address of this host that a service listens on */
	char service[NAME_LEN];
	struct address address;
	bool seen, new;	/* new: no earlier round found the address. seen: this round did */
};

struct logged_states {
	struct logged_state {
		char what[96];		/* kind and name of the object, such as "service wg-end" */
		/* Its state, such as "waiting: backend 192.168.1.10 has no route on this host". */
		char is[320];
		bool seen;		/* the present round has found the object */
	} *list;
	size_t n;
	struct logged_listener *listeners;
	size_t n_listeners;
	const char *instance;
	struct child *child;	/* it reads the states; NULL: no child does */
	int file;			/* the child writes both lists to this file in memory */
};

/* Reads the states of all services, interfaces and peers, and logs those that changed since the
 * last call. The first call logs only those in which something does not work. */
void log_states(struct logged_states *t, const char *instance);
/* Does the same in a child. Returns false if a child is still at work. */
bool log_states_later(struct logged_states *t, uv_loop_t *loop, const char *instance);
