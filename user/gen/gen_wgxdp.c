/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes etc/wgxdp/wgxdp.yaml of relays, of edge routers with several relays, of firewalls, and of
 * gateways that keep names or follow roaming routers.
 */
#include <arpa/inet.h>
#include "gen/gen_host.h"
#include "gen/nft.h"
#include "lib/grow.h"

#define WITHIN 5	/* seconds after which an edge router leaves a silent relay */

static void exporter(FILE *out, const struct topology *t, const struct topology_host *h)
{
	struct address at = gen_exporter(t, h);
	char text[ADDRESS_STRLEN];

	if (!t->metrics)
		return;
	fprintf(out, "exporter: { listen: [ \"127.0.0.1:%d\"", GEN_EXPORTER_PORT);
	if (at.family)
		fprintf(out, ", \"%s\"", endpoint_format(&at, htons(GEN_EXPORTER_PORT), text));
	fputs(" ] }\n", out);
}

/* ---- relays ---- */

/* Writes the addresses that two relays share, and the ends of the tunnel between the relays,
 * through which their daemons talk. */
static void pair(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *shared = &t->shared;
	char text[ADDRESS_STRLEN], peer[ADDRESS_STRLEN];

	fputs("  pair: { address: [", out);
	for (size_t i = 0; i < shared->n_addresses; i++)
		fprintf(out, "%s \"%s\"", i ? "," : "",
			address_format(&shared->addresses[i], text));
	for_each_other_relay(other, t, h) {
		struct address own = topology_between(t, h, other);
		struct address others = topology_between(t, other, h);

		fprintf(out, " ], local: \"%s\", peer: \"%s\" }\n", address_format(&own, text),
			address_format(&others, peer));
	}
}

static void blind(FILE *out, const struct topology *t, const struct topology_host *h)
{
	fprintf(out, "# the sites are the peers of " WG_ROUTING
		"; their names are in the comments of its file\n"
		"blind:\n"
		"  listen: { interface: \"%s\", port: %u }\n"
		"  device: " WG_ROUTING "\n"
		"  mtu: %u\n", h->interface, ntohs(h->port), gen_tunnel_mtu(t, h));
	if (gen_is_pair(t, h))
		pair(out, t, h);
}

/* Writes the other relays that share the key as peers behind tunnels of their own, through which
 * BGP brings routes. `silent` lasts two of a site's keepalives. */
static void sharing(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	char device[GEN_BETWEEN], text[ADDRESS_STRLEN], key[WG_KEY_STRLEN];

	for_each_other_relay(other, t, h) {
		struct address at = topology_between(t, other, h);
		char back[GEN_BETWEEN];
		struct wg_key public = gen_public_key(g, other, gen_between(h, back));

		fprintf(out, "  - { name: \"%s\", device: %s, public-key: \"%s\", "
			"prefixes: [ \"%s/128\" ] }\n", other->name, gen_between(other, device),
			wg_key_format(&public, key), address_format(&at, text));
	}
	fprintf(out, "follow: { wireguard: [ " WG_ROUTING " ], routes: [ main ] }\n"
		"announce: { table: %d, silent: %us }\n", GEN_TABLE,
		2 * t->keepalive + (t->keepalive + 5) / 3);
}

static void routed(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	char overlay[ADDRESS_STRLEN], key[WG_KEY_STRLEN];

	fputs("# the prefixes of these peers are their AllowedIPs in " WG_ROUTING ".conf\n"
	      "peers:\n", out);
	for_each_site(s, t)
		fprintf(out, "  - { name: \"%s\", device: " WG_ROUTING ", public-key: \"%s\" }\n",
			s->name, wg_key_format(&s->public_key, key));
	if (h->shares)
		sharing(out, g, h);
	else
		fputs("# the daemon takes over what `wg set` changes\nfollow: { wireguard: [ " WG_ROUTING " ] }\n", out);
	fprintf(out, "# the ports to which sites may send to each other, besides ICMPv6; answers pass\n"
		"policy: { overlay: \"%s\", udp-ports: [", prefix_format(&t->overlay, overlay));
	nft_put_ports(out, " ", t->policy.udp_ports, t->policy.n_udp_ports);
	fputs(" ], tcp-ports: [", out);
	nft_put_ports(out, " ", t->policy.tcp_ports, t->policy.n_tcp_ports);
	fputs(" ] }\n", out);
}

/* ---- edge routers of relays that share a name ---- */

static void edge(FILE *out, const struct topology *t)
{
	char name[GEN_NAME], key[WG_KEY_STRLEN];

	fprintf(out, "# change to another relay when the present one no longer answers\n"
		     "endpoints:\n"
		     "  - { interface: " WG_ROUTING ", peer: \"%s\", host: \"%s\", "
		     "port: %u, within: %ds%s }\n", wg_key_format(&t->shared.public_key, key),
		gen_host_name(t, &t->shared, name), ntohs(t->shared.port), WITHIN,
		 t->hosts->blind ? ", together: true" : "");
}

/* ---- names ---- */

static void add_name(struct ddns_config *d, const char *name)
{
	struct ddns_text *place = append(d->names, d->n_names);

	snprintf(place->text, sizeof(place->text), "%s", name);
}

/* Writes the section ddns. A gateway keeps its AAAA record, also under the names of firewalls by
 * which its clients reach it directly. A firewall keeps the records that lead to it. */
static void ddns(FILE *out, const struct topology *t, const struct topology_host *h)
{
	struct ddns_config d = t->ddns;
	char name[GEN_NAME];

	strcpy(d.interface, h->interface);
	d.ipv4 = h->role == ROLE_FIREWALL;
	d.ipv6 = h->role == ROLE_GATEWAY || h->forward6;
	d.names = NULL;
	d.n_names = 0;
	add_name(&d, gen_host_name(t, h, name));
	for_each_host(f, t)
		if (gen_is_direct(t, f, h))
			add_name(&d, gen_host_name(t, f, name));
	fputs("ddns:\n", out);
	config_put_ddns_one(out, &d);
	free(d.names);
}

/* ---- gateways ---- */

static void gateway(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *r = gen_roaming_of(t, h);
	char key[WG_KEY_STRLEN];

	if (!r)
		return;
	fprintf(out, "interfaces:\n"
		"  - { name: \"%s\", role: wan }\n"
		"# follow %s when its address or NAT changes; an interface can follow one peer\n"
		"learn:\n"
		"  - { interface: " WG_CLIENTS ", peer: \"%s\"", h->interface, r->name,
		wg_key_format(&r->public_key, key));
	if (r->knock)
		fprintf(out, ", knock: { port: %u }", ntohs(r->knock));
	fputs(" }\n", out);
}

/* ---- firewalls ---- */

/* Writes where the firewall sends packets of a family: to the address given for the gateway behind
 * it, else to the gateway's permanent public address, else to the gateway's name. */
static void backend(FILE *out, const struct topology *t, const struct topology_host *gateway,
		    const struct address *said, __u8 family)
{
	const struct address *a = said->family ? said : gateway->ddns ? NULL :
		topology_address(gateway, family);
	char text[ADDRESS_STRLEN], name[GEN_NAME];

	fprintf(out, "%s: \"%s\", ", family == FAMILY_IPV4 ? "ipv4" : "ipv6",
		a ? address_format(a, text) : gen_host_name(t, gateway, name));
}

/* Returns whether the firewall sends IPv6 to the gateway's name. With masquerade, `ipv6: off` is
 * about the clients. A name that the gateway itself writes has only an AAAA record. */
static bool to_ipv6_name(const struct topology_host *h, const struct topology_host *gateway)
{
	bool masquerade = h->nat == NAT_MASQUERADE;

	if (masquerade && h->ipv6 == IPV6_OFF)
		return gateway->ddns && !h->backend4.family;
	return h->ipv6 != IPV6_OFF && !(masquerade && topology_is_ipv4_only(gateway));
}

static void firewall(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *gateway = &t->hosts[h->gateway];
	bool to_ipv6 = h->backend6.family || (!h->backend_given && to_ipv6_name(h, gateway));

	fprintf(out, "interfaces:\n  - { name: \"%s\", role: wan }\n", h->interface);
	if (*h->lan)
		fprintf(out, "  - { name: \"%s\", role: lan }\n", h->lan);
	fprintf(out, "services:\n"
		"  - name: \"%s\"\n"
		"    listen: { interface: \"%s\", ports: [ %u ] }\n"
		"    backend: { ", gateway->name, h->interface, ntohs(h->port));
	if (h->backend4.family || !to_ipv6)
		backend(out, t, gateway, &h->backend4, FAMILY_IPV4);
	if (to_ipv6)
		backend(out, t, gateway, &h->backend6, FAMILY_IPV6);
	fprintf(out, "port: %u }\n    nat: %s\n", ntohs(gateway->port),
		h->nat == NAT_MASQUERADE ? "masquerade" : "dnat");
	if (h->ipv6 != IPV6_DIRECT)
		fprintf(out, "    ipv6: %s\n", h->ipv6 == IPV6_OFF ? "off" : "dnat");
	if (*h->lan && h->nat == NAT_DNAT)
		fputs("    # clients in the LAN can use the public name too\n"
		      "    hairpin: true\n", out);
}

void gen_wgxdp(const struct gen *g, const struct topology_host *h)
{
	FILE *out;

	if (!gen_runs_wgxdp(g->t, h))
		return;
	out = gen_host_file(g, h, 0644, "#", "etc/wgxdp/wgxdp.yaml");
	if (h->role == ROLE_RELAY && h->blind)
		blind(out, g->t, h);
	else if (h->role == ROLE_RELAY)
		routed(out, g, h);
	else if (h->role == ROLE_EDGE)
		edge(out, g->t);
	else if (h->role == ROLE_FIREWALL)
		firewall(out, g->t, h);
	else
		gateway(out, g->t, h);
	if (h->ddns)
		ddns(out, g->t, h);
	exporter(out, g->t, h);
}
