/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes peers with a policy from WireGuard interfaces and what the rules do with samples between
 * them, and endpoints from peers whose endpoint is a DNS name.
 */
#include <netinet/icmp6.h>
#include <string.h>
#include "config/config_diff.h"
#include "config/config_check.h"
#include "config/config_sections.h"
#include "import/live.h"
#include "lib/grow.h"

#define OVERLAY_SHORTEST 7		/* lengths of an overlay, as relay_overlay_wrong() says */
#define OVERLAY_LONGEST 112

/* ---- policy ---- */

static bool belongs(const struct prefix *p, const struct prefix *overlay)
{
	return prefix_within(p, overlay) && !relay_prefix_wrong(p, overlay);
}

struct relay {
	struct import *im;
	struct rehearsal *r;
	struct policy_config *p;
	struct site {			/* a prefix of a peer */
		__u32 in;		/* ifindex of its WireGuard interface */
		struct prefix prefix;
	} *sites;
	size_t n;
	struct sample s;		/* from the first site to the last one */
};

static void find_sites(struct relay *y)
{
	for (size_t i = 0; i < y->im->devices.n; i++) {
		const struct import_device *d = &y->im->devices.list[i];
		__u32 index = live_index(y->r, d->name);

		for (size_t k = 0; k < d->n_peers && index; k++)
			for (size_t j = 0; j < d->peers[k].n_allowed; j++)
				*append(y->sites, y->n) = (struct site){
					index, d->peers[k].allowed[j] };
	}
}

/* Chooses the packet. Returns false if the overlay has no two hosts. */
static bool choose_sample(struct relay *y, const struct prefix *overlay)
{
	y->s = (struct sample){ .in = 0 };
	for (size_t i = 0; i < y->n; i++) {
		const struct prefix *p = &y->sites[i].prefix;

		if (!belongs(p, overlay))
			continue;
		y->s.to = (struct address){ p->addr, p->family };
		if (!y->s.in)
			y->s.from = y->s.to;
		y->s.in = y->s.in ?: y->sites[i].in;
		y->s.to.addr.b[15] |= p->len < 128;
	}
	return y->s.in && !address_equal(&y->s.from, &y->s.to);
}

static bool passes(struct relay *y, struct sample s, __u16 port)
{
	s.port = port;
	return sample_play(y->r, &s).end == SAMPLE_AWAY;
}

static bool is_edge(const struct rehearsal *r, const struct addr *a)
{
	size_t low = 0, high = r->n_edges, at;
	int order = 1;

	while (order && low < high) {
		at = (low + high) / 2;
		order = memcmp(a, &r->edges[at].addr, sizeof(*a));
		low = order > 0 ? at + 1 : low;
		high = order < 0 ? at : high;
	}
	return !order;
}

/* Returns whether the rules forward packets between sites only because their destination is in
 * this prefix: one behind its end is not forwarded by the same way. */
static bool is_overlay(struct relay *y, const struct prefix *p)
{
	struct addr last = prefix_last(p);
	struct prefix behind = { .addr = last, .family = p->family, .len = 128 };
	struct sample s;
	__u16 port = 0;

	if (!is_edge(y->r, &p->addr) || !is_edge(y->r, &last) || relay_overlay_wrong(p) ||
	    !choose_sample(y, p))
		return false;
	for (size_t i = 0; i < y->r->n_ports && !port; i++)
		port = passes(y, y->s, y->r->ports[i]) ? y->r->ports[i] : 0;
	for (int i = 15; i >= 0 && !++behind.addr.b[i]; i--)
		;
	if (!port || room_route(y->s.in, &behind, false, true))
		return false;
	s = y->s;
	s.to.addr = behind.addr;
	port = passes(y, s, port);
	room_route(y->s.in, &behind, false, false);
	return !port;
}

/* Finds the prefix that has a site and to which the rules let sites send. */
static bool find_overlay(struct relay *y)
{
	struct prefix p;

	for (size_t i = 0; i < y->n; i++) {
		p = y->sites[i].prefix;
		p.len = OVERLAY_LONGEST;
		for (; p.family == FAMILY_IPV6 && p.len >= OVERLAY_SHORTEST; p.len--) {
			prefix_clear_host(&p);
			if (!is_overlay(y, &p))
				continue;
			y->p->overlay = p;
			return true;
		}
	}
	return false;
}

/* Finds the ports that are forwarded. */
static void sweep(struct relay *y, __u8 protocol, struct port_range **list, size_t *n)
{
	struct sample_answer a[SAMPLES_MAX];
	struct sample s = y->s;

	s.protocol = protocol;
	for (unsigned int first = 1; first < 65536; first += SAMPLES_MAX) {
		size_t count = 65536 - first < SAMPLES_MAX ? 65536 - first : SAMPLES_MAX;

		s.port = first;
		sample_play_many(y->r, &s, count, a);
		for (unsigned int port = first; port < first + count; port++) {
			if (a[port - first].end != SAMPLE_AWAY)
				continue;
			if (!*n || (*list)[*n - 1].last + 1U != port)
				append(*list, *n)->first = port;
			(*list)[*n - 1].last = port;
		}
	}
}

/* Returns whether the rules do the same as the policy. */
static bool agrees(struct relay *y, const struct sample *s, __u16 port)
{
	bool allowed = false;

	for (size_t i = 0; i < y->p->n_udp_ports; i++)
		allowed |= port >= y->p->udp_ports[i].first && port <= y->p->udp_ports[i].last;
	return passes(y, *s, port) == allowed;
}

/* Sends samples from or to each edge of prefixes in the overlay: a policy is the same for all
 * sites. */
static void say_others(struct relay *y)
{
	char from[ADDRESS_STRLEN], to[ADDRESS_STRLEN];
	struct sample s, first = { .in = 0 };
	struct decision why;
	size_t wrong = 0;

	for (size_t i = 0; i < 2 * y->r->n_edges; i++) {
		const struct address *edge = &y->r->edges[i / 2];

		if (!prefix_covers(&y->p->overlay, edge) ||
		    !sample_comes_from(y->r, y->s.in, edge))
			continue;
		s = y->s;
		*(i % 2 ? &s.to : &s.from) = *edge;
		for (size_t k = 0; k < y->r->n_ports; k++) {
			s.port = y->r->ports[k];
			if (!agrees(y, &s, s.port) && !wrong++)
				first = s;
		}
	}
	if (!wrong)
		return;
	sample_trace(y->r, true);
	sample_decision(y->r, &first, &why);
	sample_trace(y->r, false);
	import_lose(&y->im->lost, "wgxdp's policy is the same for all sites: the rules do "
		    "something else for %zu samples, such as one from %s to %s port %u%s%s", wrong,
		    address_format(&first.from, from), address_format(&first.to, to), first.port,
		    why.by ? ": " : "", why.by ? why.text : "");
}

/* Tries rules with a condition that no sample can meet, as if it were met, one at a time. */
static void say_unknown(struct relay *y)
{
	char text[1200];

	for (size_t i = 0; i < y->r->n_unknown; i++) {
		size_t k = 0;

		if (rehearsal_assume(y->r, i, true, text, sizeof(text)))
			continue;
		while (k < y->r->n_ports && agrees(y, &y->s, y->r->ports[k]))
			k++;
		if (k < y->r->n_ports)
			import_lose(&y->im->lost, "%s decides about packets between sites: wgxdp "
				    "forwards without this rule", text);
		rehearsal_assume(y->r, i, false, text, sizeof(text));
	}
}

/* Finds out what the rules let sites send to each other. */
static void look_at_rules(struct relay *y)
{
	struct sample echo = y->s;
	struct decision why;

	sweep(y, 0, &y->p->udp_ports, &y->p->n_udp_ports);
	sweep(y, IPPROTO_TCP, &y->p->tcp_ports, &y->p->n_tcp_ports);
	echo.protocol = IPPROTO_ICMPV6;
	if (!passes(y, echo, ICMP6_ECHO_REQUEST))
		y->p->icmpv6 &= ~3U;	/* echo-request, echo-reply */
	say_others(y);
	say_unknown(y);
	sample_trace(y->r, true);
	for (size_t i = 0; i < y->p->n_udp_ports; i++) {
		y->s.port = y->p->udp_ports[i].first;
		sample_decision(y->r, &y->s, &why);
		for (size_t k = 0; k < y->r->n_way; k++)
			rules_list_add(&y->im->policy_rules, &y->im->n_policy_rules,
				       live_rule(y->im, &y->r->way[k]));
	}
	sample_trace(y->r, false);
}

static void make_policy(struct import *im)
{
	struct relay y = { .im = im, .r = im->rehearsal, .p = &im->config->policy };

	y.p->overlay = im->overlay;
	y.p->icmpv6 = ~0U;
	if (y.r && y.r->rules)
		find_sites(&y);
	if (im->overlay.family ? choose_sample(&y, &im->overlay) : find_overlay(&y))
		look_at_rules(&y);
	else if (im->overlay.family)
		*append(y.p->udp_ports, y.p->n_udp_ports) = (struct port_range){ 58000, 60000 };
	free(y.sites);
}

/* ---- peers ---- */

static void name_peer(const struct import *im, const struct import_peer *from, char ret[NAME_LEN])
{
	char text[WG_KEY_STRLEN];

	strcpy(ret, from->name);
	wg_key_format(&from->key, text);
	for (int n = 8; n < WG_KEY_STRLEN && config_peer(im->config, ret); n += 4)
		snprintf(ret, NAME_LEN, "%.*s", n, text);
}

static bool is_site(const struct import *im, const struct import_peer *p)
{
	for (size_t i = 0; i < p->n_allowed; i++)
		if (belongs(&p->allowed[i], &im->config->policy.overlay))
			return true;
	return false;
}

static void add_peer(struct import *im, const struct import_device *d,
		     const struct import_peer *from)
{
	char name[NAME_LEN], text[ADDRESS_STRLEN];
	struct peer_config *p;

	name_peer(im, from, name);
	p = append(im->config->peers, im->config->n_peers);
	strcpy(p->name, name);
	strcpy(p->device, d->name);
	p->key = from->key;
	for (size_t i = 0; i < from->n_allowed; i++) {
		const char *why = relay_prefix_wrong(&from->allowed[i],
						     &im->config->policy.overlay);

		if (why)
			import_lose(&im->lost, "%s: peer %s: the prefix %s %s", from->origin,
				    name, prefix_format(&from->allowed[i], text), why);
		else
			*append(p->prefixes, p->n_prefixes) = from->allowed[i];
	}
}

static void add_endpoint(struct import *im, const struct import_device *d,
			 const struct import_peer *from)
{
	struct peer_endpoint_config *e = append(im->config->endpoints, im->config->n_endpoints);

	strcpy(e->interface, d->name);
	strcpy(e->host, from->host);
	e->peer = from->key;
	e->port = from->port;
}

void import_relay(struct import *im)
{
	make_policy(im);
	for (size_t i = 0; i < im->devices.n; i++) {
		const struct import_device *d = &im->devices.list[i];

		for (size_t j = 0; j < d->n_peers; j++) {
			const struct import_peer *p = &d->peers[j];

			if (wg_key_is_none(&p->key))
				continue;
			if (*p->host)
				add_endpoint(im, d, p);
			if (im->config->policy.overlay.family && is_site(im, p))
				add_peer(im, d, p);
		}
	}
	if (im->config->n_peers)
		return;
	im->n_policy_rules = 0;
	free(im->config->policy.udp_ports);
	free(im->config->policy.tcp_ports);
	im->config->policy = (struct policy_config){ 0 };
}
