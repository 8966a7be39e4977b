/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements blind_pair.h. The active relay compares the maps with a copy of what it has sent, four
 * times a second, and sends lines for what differs.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "daemon/blind_pair.h"
#include "daemon/blind_sent.h"
#include "instance/run_counters.h"
#include "show/blind_view.h"

struct partner {
	struct sites *sites;
	struct relay_links *links;
	struct relay_link *link;	/* NULL: the configuration has no pair */
	struct pair_config config;	/* the connection follows it */
	bool active;			/* this host is active, as the last message said */
	bool apply;		/* this host is on standby, so it uses what it receives */
	bool moved;			/* a site line has come */
	struct sent_site sent_sites[BLIND_SITES_MAX];
	struct sent_sessions sent;
	struct run_counters counters;
};

/* ---- who is active ---- */

static bool is_configured(const struct partner *p)
{
	return p->sites->mapped && *p->sites->config->blind.device &&
	       p->sites->config->blind.pair.stream.local.family;
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

static void begin(struct relay_link *l)
{
	struct partner *p = l->owner;

	memset(p->sent_sites, 0, p->sites->room * sizeof(*p->sent_sites));
	sent_forget(&p->sent);
}

static void add_sites(struct partner *p)
{
	for (__u32 n = 1; n < p->sites->room; n++) {
		const struct blind_known *k = &p->sites->known[n];

		if (*k->name && k->endpoint.family &&
		    !sent_add_site(&p->sent_sites[n], p->link, k))
			return;
	}
}

static void fill(struct relay_link *l, bool greet)
{
	struct partner *p = l->owner;
	bool active = has_shared_address(&p->config);

	if (greet || active != p->active)
		relay_link_add(l, &(struct blind_line){ .word = active ? BLIND_WORD_ACTIVE :
							BLIND_WORD_STANDBY });
	p->active = active;
	if (!active)
		return;
	add_sites(p);
	sent_add(&p->sent, l, p->sites, NULL);
}

void partner_send(struct partner *p)
{
	if (p->link)
		relay_link_send(p->link);
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
		sites_place(p->sites);
}

/* ---- beginning and ending ---- */

static void second(struct relay_link *l)
{
	struct partner *p = l->owner;

	run_counters_set(&p->counters, PAIR_CONNECTED, l->connected);
	run_counters_set(&p->counters, PAIR_HEARD, l->heard);
	run_counters_write(&p->counters);
}

static const struct relay_link_ops ops = {
	.greeting = BLIND_WORD_PAIR, .begin = begin, .fill = fill, .before = before,
	.line = on_line, .after = after, .second = second,
};

void partner_restart(struct partner *p)
{
	if (p->link)
		relay_link_restart(p->link);
}

void partner_reconfigure(struct partner *p)
{
	const struct pair_config *c = &p->sites->config->blind.pair;
	bool wanted = is_configured(p);

	if (p->link && (!wanted || memcmp(c, &p->config, sizeof(*c)))) {
		relay_link_free(p->link, wanted ? "the configuration changed" :
						  "the configuration has no pair");
		p->link = NULL;
		sent_forget(&p->sent);
	}
	if (!wanted || p->link)
		return;
	p->config = *c;
	p->counters.instance = p->sites->instance;
	p->counters.file = "pair";
	p->link = relay_link_new(p->links, &ops, p, &c->stream);
}

struct partner *partner_new(struct relay_links *links, struct sites *s)
{
	struct partner *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->sites = s;
	p->links = links;
	return p;
}
