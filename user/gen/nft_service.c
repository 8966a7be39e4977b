/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes a service as nftables rules. Packets arrive for a service in several ways, each of which
 * needs at most one rule in each chain: refused clients, translation of the destination,
 * forwarding, translation of the source. conntrack translates the replies.
 */
#include "config/config_parts.h"
#include "lib/log.h"
#include "gen/nft_service.h"

enum way_in {
	IN_INTERFACE,			/* packets to an address of the listener's interface */
	IN_ADDRESS,		/* packets to a listed address, on the interface that has it */
	IN_WAN,		/* packets to a listed address that no interface has, on any wan */
	IN_LAN,				/* hairpin: packets from the LAN to an address as above */
	IN_DIRECT, /* packets to the backend itself, on the listener's interface or any wan */
};

struct way {
	const struct nft_config *n;
	const struct service_config *s;
	enum way_in in;
	struct address backend;
	__be16 port;			/* port of the backend */
};

typedef void put_way(FILE *out, const struct way *w);

static const __u8 families[] = { FAMILY_IPV4, FAMILY_IPV6 };

void nft_cannot(FILE *out, const char *service, const char *text)
{
	fprintf(out, "\t# nftables cannot do this%s%s: %s\n", service ? ", service " : "",
		service ?: "", text);
	if (service)
		log_warning("service %s: nftables cannot do this: %s", service, text);
	else
		log_warning("nftables cannot do this: %s", text);
}

/* ---- ways ---- */

static struct address backend_address(const struct nft_config *n, const struct backend_config *b,
				      __u8 family)
{
	struct address a;

	resolved_backends_address(n->answers, family == FAMILY_IPV4 ? b->ipv4 : b->ipv6, family,
				  &a);
	return a;
}

/* Returns whether the service may listen on an address of the family. */
static bool listens(const struct service_config *s, __u8 family)
{
	if (family == FAMILY_IPV6 &&
	    (s->nat == NAT_MASQUERADE ? s->ipv6 == IPV6_OFF : s->ipv6 != IPV6_DNAT))
		return false;
	for (size_t i = 0; i < s->n_listen_addresses; i++)
		if (s->listen_addresses[i].family == family)
			return true;
	return *s->listen_interface;
}

static void direct_ways(FILE *out, const struct nft_config *n, const struct service_config *s,
			__u8 family, put_way *put)
{
	for (size_t i = 0; i < backends_of(s); i++) {
		const struct backend_config *b = backend_at(s, i);
		struct way w = { n, s, IN_DIRECT, backend_address(n, b, family), b->port };

		if (w.backend.family)
			put(out, &w);
	}
}

/* Calls put() for each way on which packets of a service arrive. With several backends nft cannot
 * tell clients apart by their keys, so all go to the first backend. */
static void ways_of(FILE *out, const struct nft_config *n, const struct service_config *s,
		    put_way *put)
{
	for (size_t i = 0; i < 2; i++) {
		struct way w = { n, s, IN_INTERFACE,
				 backend_address(n, backend_at(s, 0), families[i]),
				 backend_at(s, 0)->port };

		if (service_is_direct(s, families[i]))
			direct_ways(out, n, s, families[i], put);
		if (s->nat == NAT_NONE || !listens(s, families[i]) || !w.backend.family)
			continue;
		if (!*s->listen_interface)
			w.in = IN_ADDRESS;
		put(out, &w);
		w.in = IN_WAN;
		if (!*s->listen_interface && n->wans.n)
			put(out, &w);
		w.in = IN_LAN;
		if (s->hairpin)
			put(out, &w);
	}
}

/* ---- matching packets before translation ---- */

/* Writes "daddr { … } " with the listed addresses. For an interface, `fib` in put_original()
 * matches its addresses. */
static void put_listened(FILE *out, const struct way *w)
{
	const struct service_config *s = w->s;
	const char *before = " ";
	char text[ADDRESS_STRLEN];

	if (*s->listen_interface) {
		fputs(w->backend.family == FAMILY_IPV4 ? "meta nfproto ipv4 " :
		      "ip6 daddr != fe80::/10 ", out);
		return;
	}
	fputs(w->backend.family == FAMILY_IPV4 ? "ip daddr {" : "ip6 daddr {", out);
	for (size_t i = 0; i < s->n_listen_addresses; i++)
		if (s->listen_addresses[i].family == w->backend.family) {
			fprintf(out, "%s%s", before, address_format(&s->listen_addresses[i], text));
			before = ", ";
		}
	fputs(" } ", out);
}

/* Writes the match for the LAN. Without a named lan, the LAN is every interface except the
 * listener's interface or the wans. */
static void put_lans(FILE *out, const struct way *w)
{
	if (w->n->lans.n)
		nft_put_devices(out, "iifname", &w->n->lans);
	else if (*w->s->listen_interface)
		nft_put_device(out, "iifname !=", w->s->listen_interface);
	else if (w->n->wans.n)
		nft_put_devices(out, "iifname !=", &w->n->wans);
}

static void put_original(FILE *out, const struct way *w)
{
	static const char *const whose[] = {
		[IN_INTERFACE] = "fib daddr . iif type local ",
		[IN_ADDRESS] = "fib daddr . iif type local ",
		[IN_WAN] = "fib daddr type != local ",
		[IN_LAN] = "fib daddr type local fib daddr . iif type != local ",
	};
	const struct service_config *s = w->s;

	fputs("\t\t", out);
	if (w->in == IN_LAN)
		put_lans(out, w);
	else if (*s->listen_interface)
		nft_put_device(out, "iifname", s->listen_interface);
	else if (w->in != IN_ADDRESS && w->n->wans.n)
		nft_put_devices(out, "iifname", &w->n->wans);
	if (w->in == IN_DIRECT) {
		nft_put_address(out, "daddr", &w->backend);
		fprintf(out, "udp dport %u ", ntohs(w->port));
		return;
	}
	put_listened(out, w);
	fputs(whose[w->in], out);
	fputs(s->n_ports > 1 ? "udp dport { " : "udp dport ", out);
	config_put_ports(out, s);
	fputs(s->n_ports > 1 ? " } " : " ", out);
}

static void put_service(FILE *out, const struct way *w)
{
	fprintf(out, " comment \"service %s\"\n", w->s->name);
}

/* ---- sets, and refused clients ---- */

static char digit(__u8 family)
{
	return family == FAMILY_IPV4 ? '4' : '6';
}

static size_t count(const struct prefix *list, size_t n, __u8 family)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += list[i].family == family;
	return found;
}

static void put_list(FILE *out, const struct service_config *s, const char *what,
		     const struct prefix *list, size_t n, __u8 family)
{
	const char *before = "";
	char text[ADDRESS_STRLEN];

	if (!count(list, n, family))
		return;
	fprintf(out, "\tset %s%c_%s {\n\t\ttype ipv%c_addr\n\t\tflags interval\n\t\tauto-merge\n"
		"\t\telements = { ", what, digit(family), s->name, digit(family));
	for (size_t i = 0; i < n; i++)
		if (list[i].family == family) {
			fprintf(out, "%s%s", before, prefix_format(&list[i], text));
			before = ",\n\t\t\t     ";
		}
	fputs(" }\n\t}\n", out);
}

void nft_service_sets(FILE *out, const struct nft_config *n, const struct service_config *s)
{
	for (size_t i = 0; i < 2; i++) {
		put_list(out, s, "allow", s->allow, s->n_allow, families[i]);
		put_list(out, s, "deny", s->deny, s->n_deny, families[i]);
		if (service_has_flows(s) && listens(s, families[i]) &&
		    backend_address(n, backend_at(s, 0), families[i]).family)
			fprintf(out, "\tct timeout flows%c_%s {\n\t\tprotocol udp\n\t\tl3proto %s\n"
				"\t\tpolicy = { replied : %u }\n\t}\n", digit(families[i]), s->name,
				i ? "ip6" : "ip", s->flows.timeout ?: FLOW_TIMEOUT);
	}
}

static void put_clients(FILE *out, const struct way *w)
{
	const struct service_config *s = w->s;
	char family = digit(w->backend.family);
	const char *ip = nft_ip(w->backend.family);

	if (count(s->deny, s->n_deny, w->backend.family)) {
		put_original(out, w);
		fprintf(out, "%s saddr @deny%c_%s counter drop", ip, family, s->name);
		put_service(out, w);
	}
	if (s->n_allow || s->n_allow_lists) {
		put_original(out, w);
		if (count(s->allow, s->n_allow, w->backend.family))
			fprintf(out, "%s saddr != @allow%c_%s ", ip, family, s->name);
		fputs("counter drop", out);
		put_service(out, w);
	}
	if (w->in == IN_LAN || (s->nat == NAT_MASQUERADE && w->in != IN_DIRECT)) {
		put_original(out, w);
		fprintf(out, "ct timeout set \"flows%c_%s\"", family, s->name);
		put_service(out, w);
	}
}

void nft_service_clients(FILE *out, const struct nft_config *n, const struct service_config *s)
{
	ways_of(out, n, s, put_clients);
}

/* ---- translation ---- */

static void put_dnat(FILE *out, const struct way *w)
{
	char text[ADDRESS_STRLEN];

	if (w->in == IN_DIRECT)
		return;
	put_original(out, w);
	fprintf(out, "counter dnat %s to %s", nft_ip(w->backend.family),
		endpoint_format(&w->backend, w->port, text));
	put_service(out, w);
}

void nft_service_prerouting(FILE *out, const struct nft_config *n, const struct service_config *s)
{
	ways_of(out, n, s, put_dnat);
}

/* Writes "snat ip to ADDRESS:" or "masquerade to :", before the ports. If there are several
 * sources, each client gets one of them. */
static void put_sources(FILE *out, const struct way *w)
{
	const struct flows_config *f = &w->s->flows;
	bool ipv4 = w->backend.family == FAMILY_IPV4;
	struct address list[POOL_ADDRS];
	char text[ADDRESS_STRLEN];
	size_t n = 0;

	for (size_t i = 0; i < f->n_sources && n < POOL_ADDRS; i++)
		if (f->sources[i].family == w->backend.family)
			list[n++] = f->sources[i];
	if (!n)
		fputs("masquerade to :", out);
	else if (n == 1)
		fprintf(out, ipv4 ? "snat ip to %s:" : "snat ip6 to [%s]:",
			address_format(&list[0], text));
	else
		fprintf(out, "snat %s to jhash %s saddr . udp sport mod %zu map {",
			ipv4 ? "ip" : "ip6", ipv4 ? "ip" : "ip6", n);
	for (size_t i = 0; i < n && n > 1; i++)
		fprintf(out, "%s %zu : %s", i ? "," : "", i, address_format(&list[i], text));
	fputs(n > 1 ? " } : " : "", out);
}

static void put_source_rule(FILE *out, const struct way *w, __be16 asked)
{
	const struct flows_config *f = &w->s->flows;

	fputs("\t\t", out);
	/* This is not iifname as in put_original(), because packets that br_netfilter passes here
	 * have no such name. */
	if (w->in == IN_LAN && w->n->wans.n)
		nft_put_devices(out, "iifname !=", &w->n->wans);
	else if (w->in == IN_LAN)
		put_lans(out, w);
	else if (w->in == IN_INTERFACE)
		nft_put_device(out, "iifname", w->s->listen_interface);
	if (!*w->s->listen_interface) {
		fputs("ct original ", out);
		put_listened(out, w);
	}
	fputs("ct status dnat ", out);
	nft_put_address(out, "daddr", &w->backend);
	fprintf(out, "udp dport %u ", ntohs(w->port));
	if (asked)
		fprintf(out, "ct original proto-dst %u ", ntohs(asked));
	fputs("counter ", out);
	put_sources(out, w);
	fprintf(out, "%u-%u", f->ports.last ? f->ports.first : FLOW_PORT_FIRST,
		f->ports.last ?: FLOW_PORT_LAST);
	put_service(out, w);
}

/* Returns whether another service also sends to this backend and keeps the clients' addresses. Then
 * only the original port tells the packets of the two apart. */
static bool is_shared(const struct way *w)
{
	const struct config *c = w->n->config;

	for (size_t i = 0; i < c->n_services; i++) {
		const struct backend_config *b = backend_at(&c->services[i], 0);
		struct address a = backend_address(w->n, b, w->backend.family);

		if (c->services[i].nat == NAT_DNAT && &c->services[i] != w->s &&
		    b->port == w->port && address_equal(&a, &w->backend))
			return true;
	}
	return false;
}

static void put_source(FILE *out, const struct way *w)
{
	const struct service_config *s = w->s;

	if (w->in != IN_LAN && (s->nat != NAT_MASQUERADE || w->in == IN_WAN))
		return;
	if (w->in == IN_LAN || !is_shared(w)) {
		put_source_rule(out, w, 0);
		return;
	}
	/* The ports are written one by one, because nft lists a set of them as numbers that it
	 * cannot read. */
	for (size_t i = 0; i < s->n_ports; i++)
		put_source_rule(out, w, s->ports[i]);
}

void nft_service_postrouting(FILE *out, const struct nft_config *n, const struct service_config *s)
{
	ways_of(out, n, s, put_source);
}

/* ---- forwarding ---- */

static void put_forward(FILE *out, const struct way *w)
{
	if (w->in == IN_WAN || w->in == IN_LAN)
		return;			/* a rule of another way matches these packets too */
	if (w->in == IN_DIRECT) {
		put_original(out, w);
	} else {
		fputs("\t\tct status dnat ", out);
		nft_put_address(out, "daddr", &w->backend);
		fprintf(out, "udp dport %u ", ntohs(w->port));
	}
	fputs("counter accept", out);
	put_service(out, w);
}

void nft_service_forward(FILE *out, const struct nft_config *n, const struct service_config *s)
{
	ways_of(out, n, s, put_forward);
}

/* ---- what nftables cannot do ---- */

static void put_families(FILE *out, const struct service_config *s)
{
	bool ipv4 = service_has_family(s, FAMILY_IPV4), ipv6 = service_has_family(s, FAMILY_IPV6);

	if (s->nat != NAT_MASQUERADE)
		return;
	if (!ipv4 && listens(s, FAMILY_IPV4))
		nft_cannot(out, s->name, "translate IPv4 to IPv6: clients with IPv4 cannot reach "
					 "the backend");
	if (!ipv6 && listens(s, FAMILY_IPV6))
		nft_cannot(out, s->name, "translate IPv6 to IPv4: clients with IPv6 cannot reach "
					 "the backend");
}

static void put_name(FILE *out, const struct nft_config *n, const struct backend_config *b,
		     const char *text, __u8 family)
{
	struct address a, is = backend_address(n, b, family);
	char buf[ADDRESS_STRLEN];

	if (*text && (address_parse(text, &a) || !address_equal(&a, &is)))
		fprintf(out, "\t# the address of %s is %s now: run `wgxdp gen nft` again when it "
			"changes\n", text, address_format(&is, buf));
}

static void put_lists(FILE *out, const struct service_config *s, const char *what,
		      const struct list_config *lists, size_t n)
{
	char text[64 + LIST_NAME_LEN];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%s: the rules do not follow the list %s", what,
			 lists[i].name);
		nft_cannot(out, s->name, text);
	}
}

void nft_service_notes(FILE *out, const struct nft_config *n, const struct service_config *s)
{
	bool standby = false;
	char text[128 + NAME_LEN];

	put_lists(out, s, "allow", s->allow_lists, s->n_allow_lists);
	put_lists(out, s, "deny", s->deny_lists, s->n_deny_lists);

	for (size_t i = 0; i < backends_of(s); i++) {
		const struct backend_config *b = backend_at(s, i);

		standby |= backend_has_standby(b);
		put_name(out, n, b, b->ipv4, FAMILY_IPV4);
		put_name(out, n, b, b->ipv6, FAMILY_IPV6);
	}
	put_families(out, s);
	if (s->n_backends) {
		snprintf(text, sizeof(text), "backends: the rules cannot choose a backend by its "
			 "key, so all packets go to %s", backend_at(s, 0)->name);
		nft_cannot(out, s->name, text);
	} else if (service_has_guard(s)) {
		nft_cannot(out, s->name, "wireguard: the rules do not check WireGuard's messages");
	}
	if (standby)
		nft_cannot(out, s->name, "standby: the standby never takes over");
	if (s->df == DF_REPORT)
		nft_cannot(out, s->name, "df: report: packets that are too long are fragmented "
					 "without a report");
	if (s->flows.max)
		nft_cannot(out, s->name, "flows: max: conntrack has only one limit for all flows "
					 "(sysctl net.netfilter.nf_conntrack_max)");
	if (s->nat == NAT_NONE && !*s->listen_interface && !n->wans.n)
		nft_cannot(out, s->name, "limit clients to a wan, because none is named: add "
					 "interfaces: [ { name: eth0, role: wan } ]");
}
