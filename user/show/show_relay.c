/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show: peers, with their counters and their state in WireGuard, and routes.
 */
#include <stdlib.h>
#include <string.h>
#include "lib/memory.h"
#include "show/condition.h"
#include "show/show_parts.h"
#include "show/words.h"

/* Adds the counters of one direction. Only packets from a peer can be dropped or passed up; packets
 * to a peer are counted only when they are forwarded. */
static void show_direction(struct node row, const struct relay_view *v, __u32 id,
			   enum peer_direction direction, const struct dataplane_reason *reasons,
			   size_t n)
{
	struct node counters = document_map(row, direction == PEER_RX ? "rx" : "tx");
	struct total total = relay_view_total(v, id, direction);

	if (direction == PEER_RX)
		document_number(counters, "received", total_received(&total));
	document_number(counters, "forwarded", total.forwarded);
	if (direction == PEER_RX) {
		document_number(counters, "dropped",
				reasons_sum(reasons, n, PEER_ID | id, PEER_RX, ANY, true));
		document_number(counters, "passed",
				reasons_sum(reasons, n, PEER_ID | id, PEER_RX, ANY, false));
	}
	document_number(counters, "bytes", total.bytes);
	document_number(counters, "forwarded_xdp",
			v->totals[total_index(id, direction, PLANE_XDP)].forwarded);
	document_number(counters, "forwarded_tc",
			v->totals[total_index(id, direction, PLANE_TC)].forwarded);
}

void show_wireguard(struct node row, const struct wg_peer *p)
{
	char text[ADDRESS_STRLEN];

	document_text(row, "endpoint", p && p->endpoint.family ?
		      endpoint_format(&p->endpoint, p->endpoint_port, text) : NULL);
	document_time(row, "latest_handshake", p, p ? p->handshake : 0);
}

static int by_address(const void *a, const void *b)
{
	const struct relay_route *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

static int by_peer(const void *a, const void *b)
{
	const struct relay_route *x = a, *y = b;

	return (x->word > y->word) - (x->word < y->word) ?: by_address(a, b);
}

static void show_peer(struct node list, const struct conditions *k, const struct relay_view *v,
		      __u32 id, size_t *route, const struct dataplane_reason *reasons, size_t n)
{
	const struct relay_peer *p = &v->peers[id];
	const struct wg_key *key = (const void *)p->name.key;
	struct node row = document_row(list), prefixes;
	char text[ADDRESS_STRLEN], why[CONDITION_WHY];
	bool attached = peer_is_attached(k, v, id, why);

	document_text(row, "name", p->name.name);
	document_text(row, "public_key", wg_key_is_none(key) ? NULL : wg_key_format(key, text));
	document_text(row, "device", p->name.device);
	document_text(row, "state", attached ? "attached" : "waiting");
	document_text(row, "why", *why ? why : NULL);
	document_text(row, "followed", p->name.flags & PEER_NAME_FOLLOWED ? "yes" : "no");
	prefixes = document_list(row, "prefixes");
	while (*route < v->n_routes && v->routes[*route].word < id)
		++*route;
	for (; *route < v->n_routes && v->routes[*route].word == id; ++*route)
		document_append(prefixes, prefix_format(&v->routes[*route].prefix, text));
	show_wireguard(row, v->wireguard[id]);
	show_limits(row, k->config, "", p->name.name);
	show_direction(row, v, id, PEER_RX, reasons, n);
	show_direction(row, v, id, PEER_TX, reasons, n);
}

static void show_peers(struct document *d, const struct conditions *k, struct relay_view *v,
		       const struct dataplane_reason *reasons, size_t n)
{
	struct node list = document_list(document_root(d), "peers");
	size_t route = 0;

	if (v->n_routes)
		qsort(v->routes, v->n_routes, sizeof(*v->routes), by_peer);
	for (size_t id = 1; id < v->n_peers; id++)
		if (*v->peers[id].name.name)
			show_peer(list, k, v, id, &route, reasons, n);
}

static void show_routes(struct document *d, struct relay_view *v)
{
	struct node list = document_list(document_root(d), "routes");
	char text[ADDRESS_STRLEN];

	if (v->n_routes)
		qsort(v->routes, v->n_routes, sizeof(*v->routes), by_address);
	for (size_t i = 0; i < v->n_routes; i++) {
		struct node row = document_row(list);

		document_text(row, "prefix", prefix_format(&v->routes[i].prefix, text));
		document_text(row, "peer", v->routes[i].word < v->n_peers ?
			      v->peers[v->routes[i].word].name.name : "");
	}
}

int show_relay(struct document *d, const struct dataplane *dp, const struct conditions *k,
	       bool routes, const struct dataplane_reason *reasons, size_t n)
{
	struct relay_view v;
	int rc = relay_view_read(dp, true, &v);

	if (rc)
		return rc;
	if (k)
		show_peers(d, k, &v, reasons, n);
	if (routes)
		show_routes(d, &v);
	relay_view_free(&v);
	return 0;
}

/* ---- sites of the blind relay ---- */

static void show_site(struct node list, const struct conditions *k, const struct blind_view_site *s)
{
	struct node row = document_row(list);
	char text[ADDRESS_STRLEN], why[CONDITION_WHY];
	bool there = site_is_there(k, s, why);

	document_text(row, "name", s->name);
	document_text(row, "public_key", wg_key_format(&s->key, text));
	document_text(row, "state", there ? "authenticated" : "waiting");
	document_text(row, "why", *why ? why : NULL);
	document_text(row, "endpoint", s->endpoint.family ?
		      endpoint_format(&s->endpoint, s->port, text) : NULL);
	document_time(row, "since", s->endpoint.family, s->since);
	document_text(row, "initiation_waits", s->waited_for ? "yes" : "no");
	document_number(row, "challenges", s->challenges);
}

static void show_pair(struct node list, const struct blind_view *v, const struct blind_view_pair *p)
{
	struct node row = document_row(list);

	document_text(row, "from", v->sites[p->from].name);
	document_text(row, "to", v->sites[p->to].name);
	document_number(row, "sessions", p->sessions);
	document_number(row, "packets", p->packets);
	document_number(row, "bytes", p->bytes);
}

static int by_name(const void *a, const void *b, void *sites)
{
	const struct blind_view_site *list = sites;

	return strcmp(list[*(const __u32 *)a].name, list[*(const __u32 *)b].name);
}

static int pair_by_names(const void *a, const void *b, void *sites)
{
	const struct blind_view_pair *p = a, *q = b;

	return by_name(&p->from, &q->from, sites) ?: by_name(&p->to, &q->to, sites);
}

/* Adds sites and pairs, sorted by the sites' names. */
static void show_in_order(struct document *d, const struct conditions *k, struct blind_view *v)
{
	struct node list = document_list(document_root(d), "sites");
	__u32 *order = xmalloc((v->n + 1) * sizeof(*order));

	for (__u32 i = 0; i < v->n; i++)
		order[i] = i;
	qsort_r(order, v->n, sizeof(*order), by_name, v->sites);
	for (__u32 i = 0; i < v->n; i++)
		if (*v->sites[order[i]].name)
			show_site(list, k, &v->sites[order[i]]);
	free(order);
	list = document_list(document_root(d), "site_pairs");
	if (v->n_pairs)
		qsort_r(v->pairs, v->n_pairs, sizeof(*v->pairs), pair_by_names, v->sites);
	for (size_t i = 0; i < v->n_pairs; i++)
		show_pair(list, v, &v->pairs[i]);
}

/* Adds the other relay of a pair, if there is one. */
static void show_partner(struct document *d, const struct conditions *k, const struct blind_view *v)
{
	const struct pair_config *c = k->config ? &k->config->blind.pair : NULL;
	char text[ADDRESS_STRLEN];
	struct pair_view p;
	struct node row;

	if (!pair_view_read(k->dp->instance, k->config, &k->h, &p))
		return;
	row = document_row(document_list(document_root(d), "pairs"));
	document_text(row, "name", address_format(&c->shared[!c->shared[0].family], text));
	document_text(row, "state", p.active ? "active" : "standby");
	document_text(row, "other", address_format(&c->peer, text));
	document_text(row, "other_state", !p.connected ? NULL : p.other_active ? "active" :
		      "standby");
	document_time(row, "connected_since", true, p.connected);
	document_time(row, "last_message", true, p.heard);
	document_number(row, "sessions_received", p.received);
	document_number(row, "silenced", v->silenced);
}

int show_sites(struct document *d, const struct conditions *k, bool always)
{
	struct blind_view v;
	int rc = blind_view_read(k->dp, &v);

	if (rc || (!v.n && !always))
		return rc;
	show_in_order(d, k, &v);
	document_number(document_root(d), "sites_refused", v.refused);
	document_number(document_root(d), "sites_uncounted", v.uncounted);
	show_partner(d, k, &v);
	blind_view_free(&v);
	return 0;
}

/* ---- metrics ---- */

static void pair_family(struct metrics_text *t, const struct blind_view *v, const char *name,
			const char *type, const char *help, size_t offset)
{
	metric_family(t, name, type, help);
	for (size_t i = 0; i < v->n_pairs; i++) {
		const struct blind_view_pair *p = &v->pairs[i];

		metric(t, LABELS({ "from", v->sites[p->from].name },
				 { "to", v->sites[p->to].name }),
		       *(const __u64 *)((const char *)p + offset));
	}
}

static void site_family(struct metrics_text *t, const struct blind_view *v, const char *name,
			const char *type, const char *help, bool up)
{
	metric_family(t, name, type, help);
	for (__u32 i = 1; i < v->n; i++)
		if (*v->sites[i].name)
			metric(t, LABELS({ "site", v->sites[i].name }),
			       up ? !!v->sites[i].endpoint.family : v->sites[i].challenges);
}

/* Writes the metrics of a relay that shares its address with another one. */
static void partner_families(struct metrics_text *t, const struct conditions *k,
			     const struct blind_view *v)
{
	struct pair_view p;

	if (!pair_view_read(k->dp->instance, k->config, &k->h, &p))
		return;
	metric_family(t, "wgxdp_pair_active", "gauge", "1 if this blind relay has the address that it shares with another one.");
	metric(t, NULL, p.active);
	metric_family(t, "wgxdp_pair_connected", "gauge",
		      "1 if the daemon is connected to the other relay of the pair.");
	metric(t, NULL, !!p.connected);
	metric_family(t, "wgxdp_pair_last_message_timestamp_seconds", "gauge",
		      "Time of the last message from the other relay; 0 if there was none.");
	metric(t, NULL, p.heard);
	metric_family(t, "wgxdp_pair_received_sessions_total", "counter",
		      "Entries of sessions that the other relay has sent to this one.");
	metric(t, NULL, p.received);
	metric_family(t, "wgxdp_pair_silenced_packets_total", "counter",
		      "Messages of this relay's own WireGuard that were dropped, because they were not from the shared address.");
	metric(t, NULL, v->silenced);
}

void site_families(struct metrics_text *t, const struct conditions *k)
{
	struct blind_view v;

	if (blind_view_read(k->dp, &v))
		return;
	site_family(t, &v, "wgxdp_site_authenticated", "gauge",
		    "1 if WireGuard has authenticated the address of a blind relay's site.", true);
	site_family(t, &v, "wgxdp_site_challenges_total", "counter",
		    "Number of times that a site was asked whether it has moved.", false);
	pair_family(t, &v, "wgxdp_site_sessions", "gauge", "Confirmed receiver indices by which one site can send to another.",
		    offsetof(struct blind_view_pair, sessions));
	pair_family(t, &v, "wgxdp_site_packets_total", "counter",
		    "Packets that the blind relay forwarded from one site to another.",
		    offsetof(struct blind_view_pair, packets));
	pair_family(t, &v, "wgxdp_site_bytes_total", "counter", "Bytes that the blind relay forwarded from one site to another, including the IP header.",
		    offsetof(struct blind_view_pair, bytes));
	metric_family(t, "wgxdp_site_refused_total", "counter", "Handshakes between sites that were refused, because another site has the same index or a table is full.");
	if (v.n)
		metric(t, NULL, v.refused);
	metric_family(t, "wgxdp_site_uncounted_packets_total", "counter",
		      "Packets between blind sites for which there were no free counters.");
	if (v.n)
		metric(t, NULL, v.uncounted);
	partner_families(t, k, &v);
	blind_view_free(&v);
}
