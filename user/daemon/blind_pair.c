/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The active relay compares the maps with a copy of what it has sent, four times a second, and
 * sends lines for what differs.
 */
#include <string.h>
#include "daemon/blind_sites.h"
#include "instance/run_counters.h"
#include "lib/memory.h"
#include "lib/timer.h"
#include "show/site_view.h"

struct sent_site {			/* the last site line for a number; zeros: none */
	struct wg_key key;
	struct address endpoint;
	__be16 port;
};

struct partner {
	struct sites *sites;
	struct relay_link link;		/* runs while the configuration has a pair */
	bool active;			/* this host is active, as the last message said */
	bool apply;		/* this host is on standby, so it uses what it receives */
	bool moved;			/* a site line has come */
	struct sent_site sent_sites[BLIND_SITES_MAX];
	struct blind_session *sent;	/* a copy of the map sessions as it was sent */
	size_t n_sent;
	struct run_counters counters;
};

/* ---- who is active ---- */

static bool is_configured(const struct partner *p)
{
	return p->sites->mapped && *p->sites->config->blind.device &&
	       p->sites->config->blind.pair.local.family;
}

static bool has_shared_address(const struct pair_config *c)
{
	struct host h = { 0 };
	bool has;

	if (nl_addresses(&h.addresses, &h.n_addresses))
		return true;		/* without memory: believe nothing of the other relay */
	has = pair_has_address(c, &h);
	host_free(&h);
	return has;
}

bool partner_is_standby(const struct partner *p)
{
	return is_configured(p) && !has_shared_address(&p->sites->config->blind.pair);
}

/* ---- sending ---- */

/* Adds a line for the removal of the entry that was sent, if its key is no longer there. Returns
 * false if there is no room. */
static bool add_removal(struct partner *p, const struct blind_session *is,
			struct blind_session *sent)
{
	struct blind_line line;

	if (!sent->key || sent->key == is->key)
		return true;
	if (blind_line_of(p->sites->known, sent, &line)) {
		line.seconds = 0;
		if (!relay_link_add(&p->link, &line))
			return false;
	}
	*sent = (struct blind_session){ 0 };
	return true;
}

/* Adds a line for an entry that differs from the one that was sent. Returns false if there is no
 * room. */
static bool add_entry(struct partner *p, const struct blind_session *is, struct blind_session *sent)
{
	struct blind_line line;

	if (blind_line_of(p->sites->known, is, &line) && !relay_link_add(&p->link, &line))
		return false;
	*sent = *is;
	return true;
}

/* Adds lines for the entries that are not as they were sent. Removed keys come first, because a key
 * may have got another place. */
static void add_sessions(struct partner *p)
{
	size_t n = (size_t)p->sites->n_buckets * BLIND_WAYS;
	bool room = true;

	if (p->n_sent != n) {
		free(p->sent);
		p->sent = xcalloc(n, sizeof(*p->sent));
		p->n_sent = n;
	}
	for (int gone = 1; gone >= 0; gone--)
		for (size_t i = 0; i < n && room; i++) {
			struct blind_session is = sites_entry(p->sites, i), *was = &p->sent[i];

			if (is.key != was->key || is.value != was->value)
				room = gone ? add_removal(p, &is, was) : add_entry(p, &is, was);
		}
}

/* Forgets what was sent, so that everything is sent again. */
static void forget_sent(struct partner *p)
{
	memset(p->sent_sites, 0, p->sites->room * sizeof(*p->sent_sites));
	free(p->sent);
	p->sent = NULL;
	p->n_sent = 0;
}

static void begin(struct relay_link *l)
{
	forget_sent(l->owner);
}

/* Adds lines with the endpoints of sites that were not sent. */
static void add_sites(struct partner *p)
{
	for (__u32 n = 1; n < p->sites->room; n++) {
		const struct blind_known *k = &p->sites->known[n];
		struct sent_site *sent = &p->sent_sites[n];

		if (!*k->name || !k->endpoint.family ||
		    (address_equal(&sent->endpoint, &k->endpoint) && sent->port == k->port &&
		     !wg_key_compare(&sent->key, &k->key)))
			continue;
		if (!relay_link_add(&p->link, &(struct blind_line){
				    .word = BLIND_WORD_SITE, .user = k->key,
				    .endpoint = k->endpoint, .port = k->port }))
			return;
		*sent = (struct sent_site){ k->key, k->endpoint, k->port };
	}
}

static void fill(struct relay_link *l, bool greet)
{
	struct partner *p = l->owner;
	bool active = has_shared_address(&l->config);

	if (greet || active != p->active)
		relay_link_add(l, &(struct blind_line){ .word = active ? BLIND_WORD_ACTIVE :
							BLIND_WORD_STANDBY });
	p->active = active;
	if (!active)
		return;
	add_sites(p);
	add_sessions(p);
}

void partner_send(struct partner *p)
{
	relay_link_send(&p->link);
}

/* ---- receiving ---- */

/* This host may have got the shared address since the last lines, so it looks for the address. */
static void before(struct relay_link *l)
{
	struct partner *p = l->owner;

	p->apply = partner_is_standby(p);
	p->moved = false;
}

static void on_line(struct relay_link *l, const struct blind_line *line)
{
	struct partner *p = l->owner;
	struct sites *s = p->sites;
	__u32 n;

	if (line->word == BLIND_WORD_ACTIVE || line->word == BLIND_WORD_STANDBY) {
		run_counters_set(&p->counters, PAIR_OTHER_ACTIVE, line->word == BLIND_WORD_ACTIVE);
	} else if (line->word == BLIND_WORD_SITE && p->apply) {
		n = sites_number(s, &line->user, false);
		if (n == s->room)
			return;
		s->known[n].last = line->endpoint;
		s->known[n].last_port = line->port;
		s->known[n].proven = p->moved = true;
	} else if (p->apply && sites_put_session(s, line) &&
		   line->word == BLIND_WORD_SESSION && line->seconds) {
		run_counters_set(&p->counters, PAIR_RECEIVED,
				 run_counters_value(&p->counters, PAIR_RECEIVED) + 1);
	}
}

static void after(struct relay_link *l)
{
	struct partner *p = l->owner;

	sites_write_sessions(p->sites);
	if (p->moved)
		sites_place(p->sites, false);
}

static void second(struct relay_link *l)
{
	struct partner *p = l->owner;

	run_counters_set(&p->counters, PAIR_CONNECTED, l->connected);
	run_counters_set(&p->counters, PAIR_HEARD, l->heard);
	run_counters_write(&p->counters);
}

static const struct relay_link_ops ops = {
	.begin = begin, .fill = fill, .before = before, .line = on_line, .after = after,
	.second = second,
};

void partner_restart(struct partner *p)
{
	relay_link_restart(&p->link);
}

void partner_reconfigure(struct partner *p)
{
	const struct pair_config *c = &p->sites->config->blind.pair;
	bool wanted = is_configured(p);

	if (timer_runs(&p->link.tick) && (!wanted || memcmp(c, &p->link.config, sizeof(*c)))) {
		relay_link_end(&p->link, wanted ? "the configuration changed" :
						  "the configuration has no pair");
		forget_sent(p);
	}
	if (!wanted || timer_runs(&p->link.tick))
		return;
	p->counters.instance = p->sites->instance;
	p->counters.file = "pair";
	relay_link_begin(&p->link, c);
}

struct partner *partner_new(uv_loop_t *loop, struct sites *s)
{
	struct partner *p = xcalloc(1, sizeof(*p));

	p->sites = s;
	relay_link_init(&p->link, loop, &ops, p);
	return p;
}
