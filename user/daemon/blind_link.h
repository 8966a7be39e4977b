/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The connection to the daemon of the other blind relay of a pair, over which the relays exchange
 * lines. The relay with the lower address connects, and the other one listens. At
 * most one write is in progress, and nothing else is queued: while the other relay does not read,
 * the differences stay in the maps. blind_pair.c includes it.
 */
#pragma once
#include <stdint.h>
#include <time.h>
#include <uv.h>
#include "config/config.h"
#include "lib/addr.h"
#include "lib/wg_key.h"

/* ---- lines of text with the state: in the file of blind_save.c, and in the stream of a pair ----
 *
 * "time SECONDS": the file's first line, in seconds since 1970.
 * "key NUMBER KEY": the number by which entry lines of the file name a site.
 * "entry NUMBER NUMBER INDEX SECONDS FLAGS": a session line of the file, which has numbers in place
 * of the keys. 0 is this host.
 * "pair VERSION": the first line of a stream between the two relays of a pair.
 * "active" and "standby": whether the sender of the stream has the shared address.
 * "site KEY ENDPOINT": where a site is.
 * "session KEY KEY INDEX SECONDS FLAGS": the site that sends with the index, the site that chose
 * it, and for how long it is valid. 0 seconds: the index was removed.
 *
 * The keys are public ones. */

enum blind_word {
	BLIND_WORD_TIME, BLIND_WORD_PAIR, BLIND_WORD_ACTIVE, BLIND_WORD_STANDBY, BLIND_WORD_SITE,
	BLIND_WORD_SESSION, BLIND_WORD_KEY, BLIND_WORD_ENTRY, BLIND_WORDS
};

#define BLIND_LINE_LEN 192		/* longest line, with the NUL */
#define BLIND_STREAM_VERSION 3

struct blind_line {
	enum blind_word word;
	int64_t number;			/* SECONDS of a time line, or VERSION */
	/* Sender with an index, or the site of any other line; and the site that chose the
	 * index. */
	struct wg_key user, origin;
	/* Numbers of these sites in a key or entry line; 0: this host. */
	__u32 user_number, origin_number;
	struct address endpoint;
	__be16 port;
	__u32 index;			/* as in the key of an entry */
	unsigned int seconds, flags;
};

/* Parses a line without its newline. Returns 0, or -EINVAL if anything in it is wrong. */
int blind_line_parse(const char *text, struct blind_line *ret);
/* Writes the line with its newline. Returns its length. */
size_t blind_line_format(const struct blind_line *l, char buf[BLIND_LINE_LEN]);

/* ---- the stream between two relays ---- */

struct blind_stream {	/* a stream that a relay receives; zeros: its beginning */
	char line[BLIND_LINE_LEN];	/* beginning of a line whose end has not arrived */
	size_t n;
	bool greeted;			/* the first line has come */
	/* The last word of the sender about itself: it has the shared address. */
	bool active;
};

typedef void blind_stream_each(void *data, const struct blind_line *l);
/* Takes the next bytes of the stream, and calls each() for every complete line. Returns 0, or
 * -EPROTO if a line is too long, malformed or out of place. Then s->line contains this line, and
 * the stream must end. */
int blind_stream_take(struct blind_stream *s, const char *bytes, size_t n,
		      blind_stream_each *each, void *data);

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
