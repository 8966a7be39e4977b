/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parts of nftables rules, and the rules of a router of sites: the packets that it accepts, and
 * those that a relay forwards.
 */
#include <string.h>
#include "lib/grow.h"
#include "gen/nft.h"
#include "net/wireguard.h"

void nft_devices_add(struct nft_devices *d, const char *name)
{
	for (size_t i = d->n; i--;)
		if (!strcmp(d->list[i].name, name))
			return;
	if (*name)
		strcpy(append(d->list, d->n)->name, name);
}

/* ---- tables and chains ---- */

void nft_begin(FILE *out, const char *table)
{
	/* The first line makes sure that there is a table to delete. */
	fprintf(out, "table inet %s\ndelete table inet %s\n\ntable inet %s {\n", table, table,
		table);
}

void nft_end(FILE *out)
{
	fputs("}\n", out);
}

void nft_chain(FILE *out, const char *name, const char *type, const char *hook,
	       const char *priority, const char *policy)
{
	fprintf(out, "\tchain %s {\n\t\ttype %s hook %s priority %s; policy %s\n", name, type, hook,
		priority, policy);
}

void nft_chain_end(FILE *out)
{
	fputs("\t}\n", out);
}

/* ---- words ---- */

/* Writes an interface name in quotes. nft would read a `*` at its end as a wildcard. */
static void put_name(FILE *out, const char *name)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '*')
		fprintf(out, "\"%.*s\\*\"", (int)n - 1, name);
	else
		fprintf(out, "\"%s\"", name);
}

void nft_put_device(FILE *out, const char *word, const char *name)
{
	fprintf(out, "%s ", word);
	put_name(out, name);
	putc(' ', out);
}

void nft_put_devices(FILE *out, const char *word, const struct nft_devices *d)
{
	if (d->n == 1) {
		nft_put_device(out, word, d->list[0].name);
		return;
	}
	fprintf(out, "%s {", word);
	for (size_t i = 0; i < d->n; i++) {
		fputs(i ? ", " : " ", out);
		put_name(out, d->list[i].name);
	}
	fputs(" } ", out);
}

const char *nft_ip(__u8 family)
{
	return family == FAMILY_IPV4 ? "ip" : "ip6";
}

void nft_put_address(FILE *out, const char *word, const struct address *a)
{
	char text[ADDRESS_STRLEN];

	fprintf(out, "%s %s %s ", nft_ip(a->family), word, address_format(a, text));
}

static void put_prefix(FILE *out, const char *word, const struct prefix *p)
{
	char text[ADDRESS_STRLEN];

	fprintf(out, "%s %s %s ", nft_ip(p->family), word, prefix_format(p, text));
}

/* Returns the types that a router can forward: hosts ignore forwarded neighbour discovery. */
static __u32 forwardable(__u32 types)
{
	const char *name;
	__u8 type;

	for (unsigned int i = 0; (name = icmpv6_name(i, &type)); i++)
		types &= strncmp(name, "nd-", 3) ? types : ~(1U << i);
	return types;
}

static void put_icmpv6(FILE *out, __u32 types)
{
	const char *name, *before = " ";
	__u8 type;

	fputs("icmpv6 type {", out);
	for (unsigned int i = 0; (name = icmpv6_name(i, &type)); i++)
		if (types & 1U << i) {
			fprintf(out, "%s%s", before, name);
			before = ", ";
		}
	fputs(" } ", out);
}

static void put_ranges(FILE *out, const char *protocol, const struct port_range *list, size_t n)
{
	fprintf(out, n > 1 ? "%s dport { " : "%s dport ", protocol);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", out);
		fprintf(out, list[i].first == list[i].last ? "%u" : "%u-%u", list[i].first,
			list[i].last);
	}
	fputs(n > 1 ? " } " : " ", out);
}

/* ---- rules ---- */

void nft_put_states(FILE *out)
{
	fputs("\t\tct state vmap { invalid : drop, established : accept, related : accept }\n",
	      out);
}

void nft_put_log(FILE *out, const char *what)
{
	fprintf(out, "\t\tlimit rate 10/second burst 20 packets log prefix \"wgxdp %s: \"\n", what);
}

void nft_tcp_ports(FILE *out, const char *table, const __u16 *ports, size_t n)
{
	fprintf(out, "\t# the TCP ports that chain input accepts; to add one: nft add element inet "
		     "%s tcp_ports { 22 }\n"
		     "\tset tcp_ports {\n"
		     "\t\ttype inet_service\n", table);
	for (size_t i = 0; i < n; i++)
		fprintf(out, i ? ", %u" : "\t\telements = { %u", ports[i]);
	fputs(n ? " }\n\t}\n" : "\t}\n", out);
}

static void put_wireguard(FILE *out, const struct nft_input *in)
{
	for (size_t i = 0; i < in->n_ports; i++)
		fprintf(out, "\t\tudp dport %u counter accept comment \"WireGuard\"\n",
			in->ports[i]);
}

static void put_between_relays(FILE *out, const struct nft_input *in)
{
	nft_put_devices(out, "\t\tiifname", in->between);
	if (in->blind) {
		fprintf(out, "tcp dport %d counter accept comment \"wgxdp's daemons\"\n",
			PAIR_PORT);
		return;
	}
	fputs("tcp dport 179 counter accept comment \"BGP\"\n\t\t", out);
	nft_put_devices(out, "iifname", in->between);
	fputs("udp dport 3784 accept comment \"BFD\"\n", out);
}

static void put_vrrp(FILE *out, const char *device)
{
	nft_put_device(out, "\t\tiifname", device);
	fputs("meta l4proto 112 accept comment \"VRRP\"\n", out);
}

static void put_inside(FILE *out, const struct nft_input *in)
{
	if (in->inside) {
		nft_put_device(out, "\t\tiifname", in->inside);
		fputs("accept comment \"the LAN\"\n", out);
	}
	if (in->tunnel && in->exporter.family) {
		nft_put_device(out, "\t\tiifname", in->tunnel);
		nft_put_address(out, "daddr", &in->exporter);
		fprintf(out, "tcp dport %u accept comment \"Prometheus\"\n", in->exporter_port);
	}
}

void nft_input(FILE *out, const struct nft_input *in)
{
	nft_chain(out, "input", "filter", "input", "filter", "drop");
	fputs("\t\tct state established,related accept\n"
	      "\t\tiif \"lo\" accept\n", out);
	put_wireguard(out, in);
	fputs("\t\tudp dport { 68, 546 } accept comment \"DHCP clients\"\n"
	      "\t\tudp dport 33434-33474 counter reject comment \"traceroute\"\n"
	      "\t\ticmp type { echo-request, echo-reply, destination-unreachable, time-exceeded } "
	      "accept\n\t\t", out);
	put_icmpv6(out, NFT_ICMPV6_ALL);
	/* Without answers to queries, a switch that snoops MLD no longer brings solicitations. */
	fputs("accept\n"
	      "\t\tip6 saddr fe80::/10 icmpv6 type { mld-listener-query, mld-listener-report, "
	      "mld-listener-done, mld2-listener-report } accept\n", out);
	if (in->lan) {
		put_vrrp(out, in->lan);
		nft_put_device(out, "\t\tiifname", in->lan);
		fputs("icmpv6 type nd-router-solicit accept\n", out);
	}
	if (in->between && in->between->n)
		put_between_relays(out, in);
	if (in->vrrp)
		put_vrrp(out, in->vrrp);
	if (in->asked) {
		nft_put_device(out, "\t\tiifname", in->asked);
		fprintf(out, "udp dport %d reject comment \"questions of the relay\"\n",
			WG_NUDGE_PORT);
	}
	put_inside(out, in);
	fputs("\t\ttcp dport @tcp_ports counter accept\n", out);
	nft_put_log(out, "input");
	fputs("\t\tcounter drop\n", out);
	nft_chain_end(out);
}

static void put_between(FILE *out, const struct nft_devices *tunnels, const struct policy_config *p)
{
	nft_put_devices(out, "\t\tiifname", tunnels);
	nft_put_devices(out, "oifname", tunnels);
	put_prefix(out, "daddr", &p->overlay);
}

static void put_allowed_ports(FILE *out, const struct nft_devices *tunnels,
			      const struct policy_config *p, const char *protocol,
			      const struct port_range *r, size_t n)
{
	if (!n)
		return;
	put_between(out, tunnels, p);
	put_ranges(out, protocol, r, n);
	fputs("counter accept\n", out);
}

void nft_relay_forward(FILE *out, const struct nft_devices *tunnels, const struct policy_config *p)
{
	static const char *const refuse[] = {
		[REJECT_ADDRESS] = "reject with icmpx host-unreachable",
		[REJECT_PROHIBITED] = "reject with icmpx admin-prohibited",
		[REJECT_SILENTLY] = "drop",
	};

	put_allowed_ports(out, tunnels, p, "udp", p->udp_ports, p->n_udp_ports);
	put_allowed_ports(out, tunnels, p, "tcp", p->tcp_ports, p->n_tcp_ports);
	if (forwardable(p->icmpv6)) {
		put_between(out, tunnels, p);
		put_icmpv6(out, forwardable(p->icmpv6));
		fputs("counter accept\n", out);
	}
	nft_put_log(out, "forward");
	fprintf(out, "\t\tcounter %s\n", refuse[p->reject]);
}
