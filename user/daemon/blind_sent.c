/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements blind_sent.h.
 */
#include <stdlib.h>
#include <string.h>
#include "daemon/blind_sent.h"

/* Adds a line for the removal of the entry that was sent, if its key is no longer there. Returns
 * false if there is no room. */
static bool add_removal(struct relay_link *l, const struct sites *s, const struct blind_session *is,
			struct blind_session *sent)
{
	struct blind_line line;

	if (!sent->key || sent->key == is->key)
		return true;
	if (blind_line_of(s->known, sent, &line)) {
		line.seconds = 0;
		if (!relay_link_add(l, &line))
			return false;
	}
	*sent = (struct blind_session){ 0 };
	return true;
}

/* Adds a line for an entry that differs from the one that was sent. Returns false if there is no
 * room. */
static bool add_entry(struct relay_link *l, const struct sites *s, const struct blind_session *is,
		      struct blind_session *sent)
{
	struct blind_line line;

	if (blind_line_of(s->known, is, &line) && !relay_link_add(l, &line))
		return false;
	*sent = *is;
	return true;
}

/* Returns whether the copy has n entries. If not, makes an empty copy of that size. */
static bool fit_copy(struct sent_sessions *sent, size_t n)
{
	if (sent->n == n)
		return true;
	free(sent->entries);
	sent->entries = calloc(n, sizeof(*sent->entries));
	sent->n = sent->entries ? n : 0;
	return sent->entries;
}

/* Removed keys come first, because a key may have got another place. */
void sent_add(struct sent_sessions *sent, struct relay_link *l, const struct sites *s,
	      sent_wanted *wanted)
{
	size_t n = (size_t)s->n_buckets * BLIND_WAYS;
	bool room = true;

	for (int gone = !wanted; gone >= 0 && fit_copy(sent, n); gone--)
		for (size_t i = 0; i < n && room; i++) {
			struct blind_session is = sites_entry(s, i), *was = &sent->entries[i];

			if (is.key == was->key && is.value == was->value)
				continue;
			if (gone)
				room = add_removal(l, s, &is, was);
			else if (!wanted || wanted(l, &is))
				room = add_entry(l, s, &is, was);
		}
}

void sent_forget(struct sent_sessions *sent)
{
	free(sent->entries);
	*sent = (struct sent_sessions){ 0 };
}

bool sent_add_site(struct sent_site *sent, struct relay_link *l, const struct blind_known *k)
{
	if (address_equal(&sent->endpoint, &k->endpoint) && sent->port == k->port &&
	    !wg_key_compare(&sent->key, &k->key))
		return true;
	if (!relay_link_add(l, &(struct blind_line){ .word = BLIND_WORD_SITE, .user = k->key,
						     .endpoint = k->endpoint, .port = k->port }))
		return false;
	*sent = (struct sent_site){ k->key, k->endpoint, k->port };
	return true;
}
