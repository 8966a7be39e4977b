/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show: peers, with their counters and their state in WireGuard, and routes.
 */
#include <stdlib.h>
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
