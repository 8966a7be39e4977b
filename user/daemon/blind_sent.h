/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Remembers the sessions and endpoints that were sent to another blind relay, so that only
 * differences are sent. blind_pair.c and blind_relays.c include it.
 */
#pragma once
#include "daemon/blind_link.h"
#include "daemon/blind_sites.h"

struct sent_sessions {			/* a copy of the map sessions as it was sent */
	struct blind_session *entries;
	size_t n;
};

/* Returns whether the other relay needs an entry of the map sessions. */
typedef bool sent_wanted(const struct relay_link *l, const struct blind_session *e);

/* Adds lines to the message of l for the entries that are not as they were sent. wanted: adds only
 * these entries, and no lines for removed entries. NULL: adds all. */
void sent_add(struct sent_sessions *sent, struct relay_link *l, const struct sites *s,
	      sent_wanted *wanted);
/* Forgets what was sent, so that everything is sent again. */
void sent_forget(struct sent_sessions *sent);

struct sent_site {			/* the last site line for a number; zeros: none */
	struct wg_key key;
	struct address endpoint;
	__be16 port;
};

/* Adds a line with the endpoint of a site, unless it was sent. Returns false if there is no
 * room. */
bool sent_add_site(struct sent_site *sent, struct relay_link *l, const struct blind_known *k);
