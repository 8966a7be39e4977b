/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Connections to the daemons of other blind relays, over which the relays exchange lines
 * (blind_line.h). The relay with the lower address connects, and the other one listens. At most one
 * write is in progress, and nothing else is queued: while the other relay does not read, the
 * differences stay in the maps. blind_pair.c and blind_relays.c include it.
 */
#pragma once
#include <time.h>
#include <uv.h>
#include "config/config.h"
#include "daemon/blind_line.h"

struct relay_links;			/* all connections of the daemon */
struct connection;

struct relay_link {			/* to one other relay */
	struct relay_links *all;
	struct relay_link *next;
	const struct relay_link_ops *ops;
	void *owner;
	struct stream_config config;
	struct connection *connection;		/* NULL: there is no connection */
	/* Times in seconds since 1970: the first line of the connection came, the last message
	 * came; 0: none. */
	time_t connected, heard;
	time_t complained;		/* when a wrong line was logged last */
	int last_error;			/* error that was logged last; 0: none */
};

struct relay_link_ops {
	enum blind_word greeting;	/* word of the first line, in both directions */
	/* A connection begins, in which nothing has been sent. */
	void (*begin)(struct relay_link *l);
	/* Adds lines to the next message, by relay_link_add(). Called four times a second, after
	 * relay_link_send(), and again if there was no room. greet: the message is due to contain a
	 * word about this host, because a second has passed since the last one. */
	void (*fill)(struct relay_link *l, bool greet);
	/* Lines have come: before them (NULL: nothing), for each of them, and after them. */
	void (*before)(struct relay_link *l);
	void (*line)(struct relay_link *l, const struct blind_line *line);
	void (*after)(struct relay_link *l);
	/* Called once a second, when the first line comes, and when a connection ends. */
	void (*second)(struct relay_link *l);
};

/* Returns NULL if there is no memory. */
struct relay_links *relay_links_new(uv_loop_t *loop);
/* Adds a relay, to which it connects from now on. ops must stay valid. Returns NULL if there is no
 * memory. */
struct relay_link *relay_link_new(struct relay_links *all, const struct relay_link_ops *ops,
				  void *owner, const struct stream_config *config);
/* Ends the connection and forgets the relay. `why` is for the log. */
void relay_link_free(struct relay_link *l, const char *why);
/* Adds a line to the message. Returns false if there is no room; fill() is then called again after
 * this message. */
bool relay_link_add(struct relay_link *l, const struct blind_line *line);
/* Begins a new connection, in which everything is sent again. */
void relay_link_restart(struct relay_link *l);
/* Sends changes at once. */
void relay_link_send(struct relay_link *l);
