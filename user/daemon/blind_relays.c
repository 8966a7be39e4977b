/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements blind_relays.h. A site is at the relay whose WireGuard heard it last: all relays have
 * one key, so the site's WireGuard sends to one relay at a time. Only that relay sends a session's
 * index with which the site sends, when it is confirmed.
 */
#include <stdlib.h>
#include <string.h>
#include "daemon/blind_relays.h"
#include "daemon/blind_sent.h"
#include "instance/run_counters.h"
#include "lib/log.h"

/* Time in ms that other relays have to say which sites they serve, after this relay begins. */
#define SPEAK_MS 5000
/* A site that was heard again is announced again after this time in ms. */
#define AGAIN_MS 5000

struct sent_lines {			/* the last lines for a number; zeros: none were sent */
	struct wg_key key;
	__be16 port;
	__u64 here;			/* as in struct blind_known */
	struct sent_site site;		/* since the here line */
};

struct relay {
	struct relays *all;
	struct relay_link *link;
	struct relay_config config;
	bool spoken;			/* lines have come */
	/* By lines that came, a site has moved, or a source port or a site's endpoint is new, and
	 * the maps do not have it yet. */
	bool moved, endpoints;
	bool ask[BLIND_SITES_MAX];	/* ask this relay whether it hears these sites */
	struct sent_lines sent_lines[BLIND_SITES_MAX];
	struct sent_sessions sent;
};

struct relays {
	struct sites *sites;
	struct relay_links *links;
	struct relay *list[RELAYS_MAX];
	size_t n;
	/* By sites_clock(): when the relays were configured, and before when apply() waits. */
	__u64 began, free;
	relays_asked *asked;
	void *data;			/* argument of asked() */
	struct run_counters counters;
};

/* ---- sending ---- */

static void begin(struct relay_link *l)
{
	struct relay *r = l->owner;

	memset(r->sent_lines, 0, r->all->sites->room * sizeof(*r->sent_lines));
	memset(r->ask, 0, r->all->sites->room * sizeof(*r->ask));
	sent_forget(&r->sent);
}

/* Returns whether the site with this number is at this relay. */
static bool is_here(const struct sites *s, __u32 number)
{
	const struct blind_known *k = &s->known[number];

	return number && *k->name && k->endpoint.family && k->here && !site_is_remote(k);
}

/* The following functions add a line about a site, if the other relay does not know it yet. They
 * return false if there is no room. */

/* Adds the source port of messages from the site. The site may send here at any time. */
static bool add_port(struct relay *r, __u32 number)
{
	const struct blind_known *k = &r->all->sites->known[number];
	struct sent_lines *sent = &r->sent_lines[number];
	__be16 port = r->all->sites->mapped[number].other_port;

	if (sent->port == port && !wg_key_compare(&sent->key, &k->key))
		return true;
	if (!relay_link_add(r->link, &(struct blind_line){
			    .word = BLIND_WORD_PORT, .user = k->key, .port = port }))
		return false;
	*sent = (struct sent_lines){ .key = k->key, .port = port };
	return true;
}

/* Adds when the site was heard, at once if it has come back from another relay. A site that has
 * moved to another relay may still send to this one for a while. */
static bool add_here(struct relay *r, __u32 number)
{
	const struct blind_known *k = &r->all->sites->known[number];
	struct sent_lines *sent = &r->sent_lines[number];
	bool here = is_here(r->all->sites, number), back = here && k->there > sent->here;
	__u64 now = sites_clock();

	if ((!here && !site_was_heard(k)) ||
	    (sent->here && k->here < sent->here + AGAIN_MS && !back))
		return true;
	if (!relay_link_add(r->link, &(struct blind_line){
			    .word = BLIND_WORD_HERE, .user = k->key,
			    .number = now > k->here ? now - k->here : 0 }))
		return false;
	sent->here = k->here;
	sent->site = (struct sent_site){ 0 };
	return true;
}

/* Adds the endpoint of a site of this relay, also after each here line: the other relay forgets it
 * when another one has the site. So the other relay knows the site as soon as it sends there. */
static bool add_endpoint(struct relay *r, __u32 number)
{
	return !is_here(r->all->sites, number) ||
	       sent_add_site(&r->sent_lines[number].site, r->link,
			     &r->all->sites->known[number]);
}

static void add_sites(struct relay *r)
{
	const struct sites *s = r->all->sites;

	for (__u32 n = 1; n < s->room; n++) {
		if (!*s->known[n].name || !s->mapped[n].other_port)
			continue;
		if (!add_port(r, n) || !add_here(r, n) || !add_endpoint(r, n))
			return;
	}
}

static void add_questions(struct relay *r)
{
	const struct sites *s = r->all->sites;

	for (__u32 n = 1; n < s->room; n++)
		r->ask[n] = r->ask[n] && !relay_link_add(r->link, &(struct blind_line){
				    .word = BLIND_WORD_ASK, .user = s->known[n].key });
}

/* Returns whether this entry is confirmed, and a site of this relay or of the other relay sends
 * with its index. The other relay may have restarted and lost its entries. */
static bool is_wanted(const struct relay_link *l, const struct blind_session *e)
{
	const struct relay *r = l->owner;
	const struct sites *s = r->all->sites;
	__u32 user = BLIND_USER(e->key);

	return e->key && e->value & BLIND_CONFIRMED && user < s->room &&
	       (is_here(s, user) || (site_is_remote(&s->known[user]) &&
				     address_equal(&s->known[user].relay, &r->config.address)));
}

/* Writes to the maps what has come from the other relay. With very many sites this takes long, so
 * it happens at most in a tenth of the time, and perhaps only at the next fill(). */
static void apply(struct relay *r)
{
	struct relays *all = r->all;
	__u64 began = sites_clock(), ended;

	if ((!r->moved && !r->endpoints) || began < all->free)
		return;
	if ((!r->moved || !sites_place(all->sites)) && r->endpoints)
		sites_write_endpoints(all->sites);
	r->moved = r->endpoints = false;
	ended = sites_clock();
	all->free = ended + 9 * (ended - began);
}

static void fill(struct relay_link *l, bool greet)
{
	struct relay *r = l->owner;

	apply(r);
	if (greet)
		relay_link_add(l, &(struct blind_line){ .word = BLIND_WORD_ACTIVE });
	add_sites(r);
	add_questions(r);
	sent_add(&r->sent, l, r->all->sites, is_wanted);
}

/* ---- receiving ---- */

/* Handles a here line: the site is at the sender, if no other relay has heard it later. */
static void on_here(struct relay *r, const struct blind_line *line)
{
	struct sites *s = r->all->sites;
	__u32 n = sites_number(s, &line->user, false);
	__u64 now = sites_clock(), age = line->number;
	struct blind_known *k = &s->known[n % s->room];
	__u64 when = age < now ? now - age : 1;

	if (n == s->room)
		return;
	if (!address_equal(&k->relay, &r->config.address) && k->relay.family && when <= k->there)
		return;
	if (!address_equal(&k->relay, &r->config.address))
		k->there_endpoint = (struct address){ 0 };
	k->relay = r->config.address;
	k->there = when;
	r->moved = true;
}

/* Handles a port line: the source port of the sender's messages from the site. */
static void on_port(struct relay *r, const struct blind_line *line)
{
	struct sites *s = r->all->sites;
	__u32 n = sites_number(s, &line->user, false);

	if (n < s->room)
		r->endpoints |= sites_take_port(s, &r->config.address, n, line->port);
}

/* Returns whether a site can be at this address. Another relay's address has messages of all sites
 * that are there. */
static bool is_possible(const struct sites *s, const struct address *a)
{
	char text[ADDRESS_STRLEN];

	return !sites_has_relay(s, a) && !address_wrong(address_format(a, text), 0, false);
}

/* Handles a site line: the endpoint from which a site of the sender sends. */
static void on_site(struct relay *r, const struct blind_line *line)
{
	struct sites *s = r->all->sites;
	__u32 n = sites_number(s, &line->user, false);
	struct blind_known *k = &s->known[n % s->room];

	if (n == s->room || !address_equal(&k->relay, &r->config.address) ||
	    !is_possible(s, &line->endpoint))
		return;
	r->endpoints |= !address_equal(&k->there_endpoint, &line->endpoint) ||
			k->there_port != line->port;
	k->there_endpoint = line->endpoint;
	k->there_port = line->port;
}

static void on_ask(const struct relay *r, const struct blind_line *line)
{
	__u32 n = sites_number(r->all->sites, &line->user, false);

	if (n < r->all->sites->room && is_here(r->all->sites, n))
		r->all->asked(r->all->data, n);
}

static void add_received(struct relay *r)
{
	char name[RELAY_COUNTER_LEN];

	relay_counter(PAIR_RECEIVED, &r->config.address, name);
	run_counters_set(&r->all->counters, name,
			 run_counters_value(&r->all->counters, name) + 1);
}

static void on_line(struct relay_link *l, const struct blind_line *line)
{
	struct relay *r = l->owner;

	r->spoken = true;
	if (line->word == BLIND_WORD_PORT)
		on_port(r, line);
	else if (line->word == BLIND_WORD_HERE)
		on_here(r, line);
	else if (line->word == BLIND_WORD_SITE)
		on_site(r, line);
	else if (line->word == BLIND_WORD_ASK)
		on_ask(r, line);
	else if (line->word == BLIND_WORD_SESSION && sites_add_session(r->all->sites, line))
		add_received(r);
}

static void after(struct relay_link *l)
{
	struct relay *r = l->owner;

	sites_write_sessions(r->all->sites);
	apply(r);
}

/* ---- counters ---- */

static void set_counter(struct relay *r, const char *what, __s64 value)
{
	char name[RELAY_COUNTER_LEN];

	run_counters_set(&r->all->counters, relay_counter(what, &r->config.address, name), value);
}

static void second(struct relay_link *l)
{
	struct relay *r = l->owner;

	set_counter(r, PAIR_CONNECTED, l->connected);
	set_counter(r, PAIR_HEARD, l->heard);
	run_counters_write(&r->all->counters);
}

static const struct relay_link_ops ops = {
	.greeting = BLIND_WORD_RELAYS, .begin = begin, .fill = fill,
	.line = on_line, .after = after, .second = second,
};

/* ---- beginning and ending ---- */

bool relays_have_spoken(const struct relays *r)
{
	size_t spoken = 0;

	for (size_t i = 0; i < r->n; i++)
		spoken += r->list[i]->spoken;
	return spoken == r->n || sites_clock() - r->began > SPEAK_MS;
}

void relays_restart(struct relays *r)
{
	r->began = sites_clock();
	for (size_t i = 0; i < r->n; i++) {
		r->list[i]->spoken = false;
		relay_link_restart(r->list[i]->link);
	}
}

void relays_send(struct relays *r)
{
	for (size_t i = 0; i < r->n; i++)
		relay_link_send(r->list[i]->link);
}

void relays_ask(struct relays *r, __u32 number)
{
	for (size_t i = 0; i < r->n; i++)
		if (address_equal(&r->list[i]->config.address, &r->sites->known[number].relay)) {
			r->list[i]->ask[number] = true;
			relay_link_send(r->list[i]->link);
		}
}

void relays_say_here(struct relays *r, __u32 number)
{
	for (size_t i = 0; i < r->n; i++)
		r->list[i]->sent_lines[number].here = 0;
	relays_send(r);
}

static void remove_relay(struct relays *r, size_t i, const char *why)
{
	struct relay *one = r->list[i];

	relay_link_free(one->link, why);
	sent_forget(&one->sent);
	free(one);
	r->list[i] = r->list[--r->n];
}

static void add_relay(struct relays *r, const struct relay_config *c)
{
	struct relay *one = calloc(1, sizeof(*one));

	if (!one)
		return;
	one->all = r;
	one->config = *c;
	one->link = relay_link_new(r->links, &ops, one, &c->stream);
	if (one->link)
		r->list[r->n++] = one;
	else
		free(one);
}

static bool has_relay(const struct relays *r, const struct relay_config *c)
{
	for (size_t i = 0; i < r->n; i++)
		if (!memcmp(&r->list[i]->config, c, sizeof(*c)))
			return true;
	return false;
}

static bool is_configured(const struct blind_config *b, const struct relay_config *c)
{
	for (size_t i = 0; i < b->n_relays; i++)
		if (!memcmp(&b->relays[i], c, sizeof(*c)))
			return true;
	return false;
}

void relays_reconfigure(struct relays *r)
{
	const struct blind_config *b = &r->sites->config->blind;

	for (size_t i = r->n; i--;)
		if (!r->sites->mapped || !is_configured(b, &r->list[i]->config))
			remove_relay(r, i, "the configuration changed");
	if (!r->sites->mapped)
		return;
	if (!r->n)
		r->began = sites_clock();
	r->counters.instance = r->sites->instance;
	r->counters.file = "relays";
	for (size_t i = 0; i < b->n_relays; i++)
		if (!has_relay(r, &b->relays[i]))
			add_relay(r, &b->relays[i]);
	sites_leave_relays(r->sites);
}

struct relays *relays_new(struct relay_links *links, struct sites *s, relays_asked *asked,
			  void *data)
{
	struct relays *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->sites = s;
	r->links = links;
	r->asked = asked;
	r->data = data;
	return r;
}
