/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements blind_sent.h.
 */
#include <stdlib.h>
#include <string.h>
#include "daemon/blind_sent.h"

struct adding {				/* one call of sent_add(), for one map */
	struct relay_link *link;
	const struct sites *sites;
	sent_wanted *wanted;
	enum blind_word word;
};

/* Makes the line of an entry. Returns false if the entry is invalid, or is an index of this host's
 * own WireGuard, which means nothing at the other relay. */
static bool line_of(const struct adding *a, const struct blind_session *e, struct blind_line *ret)
{
	return blind_line_of(a->sites->known, a->word, e, ret) && !wg_key_is_none(&ret->origin) &&
	       (a->word == BLIND_WORD_HINT || !wg_key_is_none(&ret->user));
}

/* Adds a line for the removal of the entry that was sent, if its key is no longer there. Returns
 * false if there is no room. */
static bool add_removal(const struct adding *a, const struct blind_session *is,
			struct blind_session *sent)
{
	static const struct blind_session none;
	struct blind_line line;

	if (!sent->key || sent->key == is->key)
		return true;
	if (line_of(a, sent, &line)) {
		line.seconds = 0;
		if (!relay_link_add(a->link, &line))
			return false;
	}
	*sent = none;
	return true;
}

/* Adds a line for an entry that differs from the one that was sent. Returns false if there is no
 * room. */
static bool add_entry(const struct adding *a, const struct blind_session *is,
		      struct blind_session *sent)
{
	struct blind_line line;

	if (is->key == sent->key && is->value == sent->value)
		return true;
	if (a->wanted && !a->wanted(a->sites, is, a->word == BLIND_WORD_HINT))
		return true;
	if (line_of(a, is, &line) && !relay_link_add(a->link, &line))
		return false;
	*sent = *is;
	return true;
}

/* Returns whether the copy of the map has n entries. If not, makes an empty copy of that size. */
static bool fit_copy(struct sent_map *m, size_t n)
{
	if (m->n == n)
		return true;
	free(m->entries);
	m->entries = calloc(n, sizeof(*m->entries));
	m->n = m->entries ? n : 0;
	return m->entries;
}

/* Adds lines for the entries of a map that have changed. Removed keys come first, because a key may
 * have got another place. */
static void add_entries(const struct adding *a, struct sent_map *sent)
{
	bool hint = a->word == BLIND_WORD_HINT, room = true;
	size_t n = (size_t)a->sites->n_buckets * BLIND_WAYS;

	for (int gone = !a->wanted; gone >= 0 && fit_copy(sent, n); gone--)
		for (size_t i = 0; i < n && room; i++) {
			struct blind_session is = sites_entry(a->sites, hint, i);

			if (memcmp(&is, &sent->entries[i], sizeof(is)))
				room = (gone ? add_removal : add_entry)(a, &is, &sent->entries[i]);
		}
}

void sent_add(struct sent_sessions *sent, struct relay_link *l, const struct sites *s,
	      sent_wanted *wanted)
{
	struct adding a = { .link = l, .sites = s, .wanted = wanted, .word = BLIND_WORD_SESSION };

	add_entries(&a, &sent->map[0]);
	a.word = BLIND_WORD_HINT;
	add_entries(&a, &sent->map[1]);
}

void sent_forget(struct sent_sessions *sent)
{
	for (int i = 0; i < 2; i++)
		free(sent->map[i].entries);
	*sent = (struct sent_sessions){ 0 };
}
