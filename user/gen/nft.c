/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parts of nftables rules, and the rules of a router of sites: the packets that it accepts, and
 * those that a relay forwards.
 */
#include <string.h>
#include "lib/grow.h"
#include "gen/nft.h"
#include "lib/text.h"

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

/* Returns the types that a router can forward: hosts ignore forwarded neighbour discovery. */
static __u32 forwardable(__u32 types)
{
	const char *name;
	__u8 type;

	for (unsigned int i = 0; (name = icmpv6_name(i, &type)); i++)
		types &= strncmp(name, "nd-", 3) ? types : ~(1U << i);
	return types;
}

void nft_put_icmpv6(FILE *out, __u32 types)
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

void nft_put_ports(FILE *out, const char *before, const struct port_range *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : before, out);
		fprintf(out, list[i].first == list[i].last ? "%u" : "%u-%u", list[i].first,
			list[i].last);
	}
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

static void put_allowed_ports(FILE *out, const char *match, const char *protocol,
			      const struct port_range *r, size_t n)
{
	if (!n)
		return;
	fprintf(out, n > 1 ? "\t\t%s%s dport { " : "\t\t%s%s dport ", match, protocol);
	nft_put_ports(out, "", r, n);
	fputs(n > 1 ? " } counter accept\n" : " counter accept\n", out);
}

void nft_policy(FILE *out, const char *match, const struct policy_config *p)
{
	put_allowed_ports(out, match, "udp", p->udp_ports, p->n_udp_ports);
	put_allowed_ports(out, match, "tcp", p->tcp_ports, p->n_tcp_ports);
	if (forwardable(p->icmpv6)) {
		fprintf(out, "\t\t%s", match);
		nft_put_icmpv6(out, forwardable(p->icmpv6));
		fputs("counter accept\n", out);
	}
}

void nft_relay_forward(FILE *out, const struct nft_devices *tunnels, const struct policy_config *p)
{
	static const char *const refuse[] = {
		[REJECT_ADDRESS] = "reject with icmpx host-unreachable",
		[REJECT_PROHIBITED] = "reject with icmpx admin-prohibited",
		[REJECT_SILENTLY] = "drop",
	};
	char overlay[ADDRESS_STRLEN], *match;
	size_t n;
	FILE *between = text_open(&match, &n);

	nft_put_devices(between, "iifname", tunnels);
	nft_put_devices(between, "oifname", tunnels);
	fprintf(between, "ip6 daddr %s ", prefix_format(&p->overlay, overlay));
	fclose(between);
	nft_policy(out, match, p);
	free(match);
	nft_put_log(out, "forward");
	fprintf(out, "\t\tcounter %s\n", refuse[p->reject]);
}
