/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The connection to the daemon of the other blind relay of a pair, over which the relays exchange
 * lines (blind_line.h). The relay with the lower address connects, and the other one listens. At
 * most one write is in progress, and nothing else is queued: while the other relay does not read,
 * the differences stay in the maps. blind_pair.c includes it.
 */
#pragma once
#include <time.h>
#include <uv.h>
#include "config/config.h"
#include "daemon/blind_line.h"

struct connection;

struct relay_link {
	uv_timer_t tick;		/* runs from relay_link_begin() to relay_link_end() */
	unsigned int ticks;
	const struct relay_link_ops *ops;
	void *owner;
	struct pair_config config;
	struct connection *connection;		/* NULL: there is no connection */
	uv_tcp_t *listener;			/* NULL: this host does not listen */
	/* Times in seconds since 1970: the first line of the connection came, the last message
	 * came; 0: none. */
	time_t connected, heard;
	time_t complained;		/* when a wrong line was logged last */
	int last_error;			/* error that was logged last; 0: none */
};

struct relay_link_ops {
	/* A connection begins, in which nothing has been sent. */
	void (*begin)(struct relay_link *l);
	/* Adds lines to the next message, by relay_link_add(). Called four times a second, after
	 * relay_link_send(), and again if there was no room. greet: the message is due to contain a
	 * word about this host, because a second has passed since the last one. */
	void (*fill)(struct relay_link *l, bool greet);
	/* Lines have come: before them, for each of them, and after them. */
	void (*before)(struct relay_link *l);
	void (*line)(struct relay_link *l, const struct blind_line *line);
	void (*after)(struct relay_link *l);
	/* Called once a second, when the first line comes, and when a connection ends. */
	void (*second)(struct relay_link *l);
};

/* ops must stay valid. */
void relay_link_init(struct relay_link *l, uv_loop_t *loop, const struct relay_link_ops *ops,
		     void *owner);
/* Connects to the other relay from now on, or waits for its connection. */
void relay_link_begin(struct relay_link *l, const struct pair_config *config);
/* Ends the connection, and connects no more. `why` is for the log. */
void relay_link_end(struct relay_link *l, const char *why);
/* Adds a line to the message. Returns false if there is no room; fill() is then called again after
 * this message. */
bool relay_link_add(struct relay_link *l, const struct blind_line *line);
/* Begins a new connection, in which everything is sent again. */
void relay_link_restart(struct relay_link *l);
/* Sends changes at once. */
void relay_link_send(struct relay_link *l);
