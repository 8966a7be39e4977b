/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lines of text that contain the state of the blind relay: in the file of blind_save.c, and in
 * the stream between two relays (blind_pair.c). It uses no map, so unit tests and fuzzers run it.
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
 * The keys are public ones. daemon/ includes it.
 */
#pragma once
#include <stdint.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

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
