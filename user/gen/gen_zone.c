/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DIR/zone.DOMAIN: lines for the zone, with relative names, to be pasted or included.
 */
#include "gen/gen_host.h"

#define TTL 300				/* seconds, as wgxdp ddns writes */

static void record(FILE *out, const struct topology_host *h, const struct address *a)
{
	char text[ADDRESS_STRLEN];

	if (a->family)
		fprintf(out, "%-24s %d IN %-4s %s\n", h->name, TTL,
			a->family == FAMILY_IPV4 ? "A" : "AAAA", address_format(a, text));
}

/* A firewall's name leads clients to its own addresses, and by IPv6 to the gateway itself where
 * nothing is translated */
static void firewall(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *gateway = &t->hosts[h->gateway];
	const struct address *to = h->backend6.family ? &h->backend6 :
		gen_public_address(gateway, FAMILY_IPV6);
	bool direct = gen_is_direct(t, h, gateway);

	if (h->ddns)
		fprintf(out, "; %s: %s by `wgxdp ddns` there\n", h->name,
			h->forward6 ? "A and AAAA" : "A");
	for (size_t i = 0; i < h->n_addresses && !h->ddns; i++)
		if (h->forward6 || h->addresses[i].family == FAMILY_IPV4)
			record(out, h, &h->addresses[i]);
	if (direct && gateway->ddns)
		fprintf(out, "; %s: AAAA by `wgxdp ddns` on %s\n", h->name, gateway->name);
	else if (direct && to)
		record(out, h, to);
}

/* The addresses of the name that relays share */
static void shared(FILE *out, const struct topology *t)
{
	for_each_host(h, t)
		for (size_t i = 0; h->shares && i < h->n_addresses; i++)
			record(out, &t->shared, &h->addresses[i]);
}

static void gateway(FILE *out, const struct topology_host *h)
{
	if (h->ddns)
		fprintf(out, "; %s: AAAA by `wgxdp ddns` there\n", h->name);
	for (size_t i = 0; i < h->n_addresses; i++)
		if (!h->ddns || h->addresses[i].family == FAMILY_IPV4)
			record(out, h, &h->addresses[i]);
}

void gen_zone(const struct gen *g)
{
	const struct topology *t = g->t;
	FILE *out;

	if (!*t->domain)
		return;
	out = gen_file(g->files, 0644, "zone.%s", t->domain);
	fprintf(out, "; made by `wgxdp gen hosts`: lines for the zone %s\n", t->domain);
	shared(out, t);
	for_each_host(h, t) {
		if (h->role == ROLE_FIREWALL)
			firewall(out, t, h);
		else if (h->role == ROLE_GATEWAY)
			gateway(out, h);
		else if (h->role == ROLE_EDGE || h->role == ROLE_SERVER)
			record(out, h, &h->lan6);
		else
			for (size_t i = 0; i < h->n_addresses; i++)
				record(out, h, &h->addresses[i]);
	}
}
