/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The rules of a topology's routers: HOST/etc/nftables.d/wgxdp.nft, one table, and the unit that
 * loads it. The host's own nftables.conf and its tables stay as they are. Without `tcp-ports` the
 * rules check only packets through WireGuard's devices. With it they also check packets to the host
 * itself, and a firewall has rules at all. Servers and clients have no rules, nor does
 * OpenWrt, which has a firewall of its own. Interfaces of a topology need no quoting beyond "".
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>
#include "gen/gen_host.h"
#include "gen/nft.h"
#include "lib/memory.h"
#include "net/wireguard.h"

#define TABLE "wgxdp_host"	/* name of our table, which exists beside the table of `gen nft` */
#define TRANSLATED "\t\tct status dnat accept comment \"what other rules of this host translate\"\n"
#define CLAMP_MSS "tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n"

/* Prints the rules for packets that the host accepts for itself, each in a line after `before`. */
static void put_own(FILE *out, const char *before, const struct topology *t,
		    const struct topology_host *h)
{
	bool edge = h->role == ROLE_EDGE, mesh = h->mesh.family;
	struct address at = gen_exporter(t, h);
	char device[GEN_BETWEEN], text[ADDRESS_STRLEN];

	if (mesh || h->role == ROLE_RELAY || h->role == ROLE_GATEWAY)
		fprintf(out, "%sudp dport %u accept comment \"WireGuard\"\n", before,
			ntohs(mesh ? t->mesh_port : h->port));
	for_each_other_relay(other, t, h) {
		gen_between(other, device);
		fprintf(out, "%sudp dport %u accept comment \"WireGuard to %s\"\n", before,
			gen_between_port(other), other->name);
		if (h->blind)
			fprintf(out, "%siifname \"%s\" tcp dport %d accept comment \"wgxdp's "
				"daemons\"\n", before, device, PAIR_PORT);
		else
			fprintf(out, "%siifname \"%s\" tcp dport 179 accept comment \"BGP\"\n"
				"%siifname \"%s\" udp dport 3784 accept comment \"BFD\"\n", before,
				device, before, device);
	}
	if (edge || gen_is_pair(t, h))
		fprintf(out, "%siifname \"%s\" meta l4proto vrrp accept\n", before,
			edge ? h->lan : h->interface);
	if (edge)
		fprintf(out, "%siifname \"%s\" icmpv6 type nd-router-solicit accept\n", before,
			h->lan);
	if (edge && t->hosts->blind)
		fprintf(out, "%siifname \"" WG_ROUTING "\" udp dport %d accept comment \"questions "
			"of the relay, which the kernel answers\"\n", before, WG_NUDGE_PORT);
	if (gen_runs_wgxdp(t, h) && at.family)
		fprintf(out, "%siifname \"%s\" %s daddr %s tcp dport %d accept comment "
			"\"Prometheus\"\n", before,
			h->role == ROLE_FIREWALL ? h->lan : gen_device(h), nft_ip(at.family),
			address_format(&at, text), GEN_EXPORTER_PORT);
}

static void put_input(FILE *out, const struct topology *t, const struct topology_host *h)
{
	if (!t->n_tcp_ports)
		return;
	fputs("\t# the TCP ports that chain input accepts; to add one: nft add element inet " TABLE
	      " tcp_ports { 22 }\n"
	      "\tset tcp_ports {\n"
	      "\t\ttype inet_service\n"
	      "\t\tflags interval\n"
	      "\t\telements = {", out);
	nft_put_ports(out, " ", t->tcp_ports, t->n_tcp_ports);
	fputs(" }\n\t}\n\n", out);
	nft_chain(out, "input", "filter", "input", "filter", "drop");
	fputs("\t\tct state established,related accept\n"
	      "\t\tiif \"lo\" accept\n", out);
	if (h->role != ROLE_FIREWALL)
		put_own(out, "\t\t", t, h); /* WireGuard's port may be one of traceroute's */
	else if (*h->lan)
		fprintf(out, "\t\tiifname \"%s\" accept comment \"the LAN\"\n", h->lan);
	fputs("\t\tudp dport { 68, 546 } accept comment \"DHCP clients\"\n"
	      "\t\tudp dport 33434-33474 counter reject comment \"traceroute\"\n"
	      "\t\ticmp type { echo-request, echo-reply, destination-unreachable, time-exceeded } "
	      "accept\n\t\t", out);
	nft_put_icmpv6(out, NFT_ICMPV6_ALL);
	/* Without answers to queries, a switch that snoops MLD no longer brings solicitations. */
	fputs("accept\n"
	      "\t\tip6 saddr fe80::/10 icmpv6 type { mld-listener-query, mld-listener-report, "
	      "mld-listener-done, mld2-listener-report } accept\n"
	      "\t\ttcp dport @tcp_ports counter accept\n", out);
	nft_put_log(out, "input");
	fputs("\t\tcounter drop\n", out);
	nft_chain_end(out);
	putc('\n', out);
}

static void begin_forward(FILE *out, const char *policy)
{
	nft_chain(out, "forward", "filter", "forward", "filter", policy);
}

/* Begins the chain forward of a relay or edge router. If all forwarding on the host is ours, the
 * chain checks every packet. Otherwise it checks only packets from a tunnel or into one. */
static void begin_strict_forward(FILE *out, const struct topology *t,
				 const struct nft_devices *tunnels)
{
	begin_forward(out, t->n_tcp_ports ? "drop" : "accept");
	if (t->n_tcp_ports)
		return;
	nft_put_devices(out, "\t\tiifname !=", tunnels);
	nft_put_devices(out, "oifname !=", tunnels);
	fputs("accept\n", out);
}

static void end_forward(FILE *out, const char *refuse)
{
	nft_put_log(out, "forward");
	fprintf(out, "\t\tcounter %s\n", refuse);
	nft_chain_end(out);
}

static const char *said_of_relay(const struct topology_host *h)
{
	if (h->blind)
		return "# This is a blind relay. Only wgxdp forwards packets between sites, and "
		       "they do not meet these rules.\n";
	return "# This is a relay. Packets that wgxdp forwards between sites do not meet these "
	       "rules.\n# If wgxdp does not run, the kernel forwards the same packets by these "
	       "rules.\n";
}

static void relay(FILE *out, const struct topology *t, const struct topology_host *h)
{
	struct device_name names[1 + TOPOLOGY_SHARING_MAX] = { { WG_ROUTING } };
	struct nft_devices tunnels = { names, 1 };

	for_each_other_relay(other, t, h)
		if (tunnels.n < sizeof(names) / sizeof(*names))
			gen_between(other, names[tunnels.n++].name);
	put_input(out, t, h);
	begin_strict_forward(out, t, &tunnels);
	if (h->blind) {
		end_forward(out, "drop");
		return;
	}
	nft_put_states(out);
	nft_relay_forward(out, &tunnels, &t->policy);
	nft_chain_end(out);
}

/* Prints the rules for IPv4 between the LANs of two sites. */
static void put_ipv4(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_site *own = &t->sites[h->site];
	char text[ADDRESS_STRLEN], other[ADDRESS_STRLEN];

	prefix_format(&own->ipv4, text);
	for_each_site(s, t) {
		if (!gen_joins_ipv4(own, s))
			continue;
		prefix_format(&s->ipv4, other);
		fprintf(out, "\t\tiifname \"%s\" oifname \"" WG_ROUTING "\" ip saddr %s "
			"ip daddr %s counter accept\n"
			"\t\tiifname \"" WG_ROUTING "\" oifname \"%s\" ip saddr %s ip daddr %s "
			"counter accept\n", h->lan, text, other, h->lan, other, text);
	}
}

static void edge(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_site *own = &t->sites[h->site];
	struct device_name name = { WG_ROUTING };
	const struct nft_devices tunnel = { &name, 1 };
	char site[ADDRESS_STRLEN], overlay[ADDRESS_STRLEN], *match;

	prefix_format(&own->prefix, site);
	prefix_format(&t->overlay, overlay);
	put_input(out, t, h);
	begin_strict_forward(out, t, &tunnel);
	if (!own->ipv4.family)
		fputs("\t\tmeta nfproto ipv4 counter drop comment \"IPv4 stays in the LAN\"\n",
		      out);
	nft_put_states(out);
	fprintf(out, "\t\tiifname \"%s\" oifname \"" WG_ROUTING "\" ip6 daddr %s "
		"counter reject with icmpv6 port-unreachable comment \"addresses of this site\"\n",
		h->lan, site);
	fprintf(out, "\t\tiifname \"%s\" oifname \"" WG_ROUTING "\" ip6 daddr %s counter accept\n",
		h->lan, overlay);
	match = xasprintf("iifname \"" WG_ROUTING "\" oifname \"%s\" ip6 saddr %s ip6 daddr %s ",
			  h->lan, overlay, site);
	if (t->hosts->blind)
		fprintf(out, "\t\t%scounter accept\n", match);
	else
		nft_policy(out, match, &t->policy);
	free(match);
	put_ipv4(out, t, h);
	end_forward(out, "reject with icmpx admin-prohibited");
}

/* ---- gateways: a way out ---- */

/* Prints rules that lower the TCP MSS to what fits into the tunnel: path MTU discovery cannot be
 * relied on, because many paths drop ICMP errors. */
static void put_mss(FILE *out)
{
	fputs("\t\t# paths that drop ICMP errors\n"
	      "\t\toifname \"" WG_CLIENTS "\" " CLAMP_MSS "\t\tiifname \"" WG_CLIENTS "\" "
	      CLAMP_MSS, out);
}

/* Prints the rules for packets to clients with a global address, and to LANs behind roaming
 * routers. */
static void put_inbound(FILE *out, const struct topology *t, const struct topology_host *gateway)
{
	char text[ADDRESS_STRLEN];

	for_each_host(h, t) {
		if (!gen_comes_to(t, h, gateway))
			continue;
		for (size_t i = 0; i < h->n_inside; i++) {
			struct prefix p = gen_prefix_of(&h->inside[i]);

			if (topology_kind(&p) == NETWORK_GLOBAL)
				fprintf(out, "\t\tip6 daddr %s counter accept comment \"%s\"\n",
					address_format(&h->inside[i], text), h->name);
		}
		if (h->prefix.family == FAMILY_IPV6)
			fprintf(out, "\t\tip6 daddr %s counter accept comment \"behind %s\"\n",
				prefix_format(&h->prefix, text), h->name);
	}
}

static void put_snat(FILE *out, const struct topology_host *h, const struct prefix *network)
{
	bool ipv4 = network->family == FAMILY_IPV4;
	const struct address *snat = ipv4 ? &h->exit.snat4 : &h->exit.snat6;
	const char *ip = nft_ip(network->family);
	char text[ADDRESS_STRLEN];

	if ((!snat->family && !(ipv4 ? h->exit.masquerade4 : h->exit.masquerade6)) ||
	    topology_kind(network) == NETWORK_GLOBAL)
		return;
	fprintf(out, "\t\toifname \"%s\" %s saddr %s counter ", h->interface, ip,
		prefix_format(network, text));
	if (snat->family)
		fprintf(out, "snat %s to %s\n", ip, address_format(snat, text));
	else
		fputs("masquerade\n", out);
}

/* Prints the rule for a prefix that the provider routes to this host: without the tunnel its
 * packets would loop. Other prefixes need none. */
static void end_loop(FILE *out, const struct topology_host *h, const struct prefix *p)
{
	char text[ADDRESS_STRLEN];

	if (p->family && topology_kind(p) == NETWORK_GLOBAL)
		fprintf(out, "\t\tiifname \"%s\" oifname != \"" WG_CLIENTS "\" ip6 daddr %s "
			"counter reject with icmpv6 no-route comment \"no loop without the "
			"tunnel\"\n", h->interface, prefix_format(p, text));
}

static void put_home(FILE *out, const char *word, const struct prefix *list, size_t n)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < n; i++)
		fprintf(out, "\t\tiifname \"" WG_CLIENTS "\" %s %s %s counter accept\n",
			nft_ip(list[i].family), word, prefix_format(&list[i], text));
}

static const char *const private[] = { "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16",
				       "172.16.0.0/12", "192.168.0.0/16", "fc00::/7" };

/* Prints the rule for the internet as clients see it: everything behind `interface` except private
 * networks. */
static void put_internet(FILE *out, const struct topology_host *h, size_t first, size_t end)
{
	fprintf(out, "\t\tiifname \"" WG_CLIENTS "\" oifname \"%s\" %s daddr != {", h->interface,
		nft_ip(strchr(private[first], ':') ? FAMILY_IPV6 : FAMILY_IPV4));
	for (size_t i = first; i < end; i++)
		fprintf(out, i > first ? ", %s" : " %s", private[i]);
	fputs(" } counter accept\n", out);
}

/* Prints the rules for the clients' name servers in private networks. */
static void put_name_servers(FILE *out, const struct topology *t)
{
	for (size_t i = 0; i < t->n_dns; i++) {
		struct prefix own = gen_prefix_of(&t->dns[i]), p;

		for (size_t j = 0; j < sizeof(private) / sizeof(*private); j++)
			if (!prefix_parse(private[j], &p) && prefix_within(&own, &p))
				put_home(out, "daddr", &own, 1);
	}
}

static void gateway(FILE *out, const struct topology *t, const struct topology_host *h)
{
	begin_forward(out, "accept");
	put_mss(out);
	for (size_t i = 0; i < h->n_networks && !h->exit.proxy_ndp; i++)
		end_loop(out, h, &h->networks[i]);
	for_each_host(client, t)
		if (gen_comes_to(t, client, h))
			end_loop(out, h, &client->prefix);
	fprintf(out, "\t\tiifname != { \"%s\", \"" WG_CLIENTS "\" } accept\n"
		"\t\tiifname \"%s\" oifname != \"" WG_CLIENTS "\" accept\n",
		h->interface, h->interface);
	nft_put_states(out);
	fputs(TRANSLATED "\t\t# clients reach each other, home, and the internet\n"
	      "\t\tiifname \"" WG_CLIENTS "\" oifname \"" WG_CLIENTS "\" accept\n", out);
	put_home(out, "daddr", h->home, h->n_home);
	put_name_servers(out, t);
	put_internet(out, h, 0, 5);
	put_internet(out, h, 5, 6);
	fputs("\t\tiifname \"" WG_CLIENTS "\" counter reject with icmpx admin-prohibited\n", out);
	if (h->exit.open)
		put_inbound(out, t, h);
	end_forward(out, "drop");
	putc('\n', out);
	nft_chain(out, "postrouting", "nat", "postrouting", "srcnat", "accept");
	for (size_t i = 0; i < h->n_networks; i++)
		put_snat(out, h, &h->networks[i]);
	for_each_host(client, t)
		if (gen_comes_to(t, client, h) && client->prefix.family)
			put_snat(out, h, &client->prefix);
	nft_chain_end(out);
}

/* ---- routers with a LAN ---- */

/* Translates the LAN's IPv4. A roaming router does so in the tunnel too, because the gateway
 * accepts no other IPv4 address of it than its own. */
static void put_lan_masquerade(FILE *out, const struct topology_host *h)
{
	putc('\n', out);
	nft_chain(out, "postrouting", "nat", "postrouting", "srcnat", "accept");
	fprintf(out, h->role == ROLE_ROAMING ?
		"\t\tiifname \"%s\" oifname { \"%s\", \"" WG_CLIENTS "\" } " :
		"\t\tiifname \"%s\" oifname \"%s\" ", h->lan, h->interface);
	fputs("meta nfproto ipv4 counter masquerade\n", out);
	nft_chain_end(out);
}

static void roaming(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *gateway = &t->hosts[h->gateway];

	begin_forward(out, "accept");
	put_mss(out);
	fprintf(out, "\t\t# no IPv6 of the LAN around the tunnel\n"
		     "\t\tiifname \"%s\" oifname \"%s\" meta nfproto ipv6 counter reject with "
		     "icmpv6 no-route\n"
		     "\t\tiifname != { \"%s\", \"" WG_CLIENTS "\" } accept\n",
		h->lan, h->interface, h->interface);
	nft_put_states(out);
	fputs(TRANSLATED, out);
	/* Only the gateway's networks and home may open connections from the tunnel into the LAN.
	 * With exit.open, all of the internet may. */
	if (gateway->exit.open) {
		fputs("\t\tiifname \"" WG_CLIENTS "\" counter accept\n", out);
	} else {
		put_home(out, "saddr", gateway->networks, gateway->n_networks);
		put_home(out, "saddr", gateway->home, gateway->n_home);
	}
	end_forward(out, "drop");
	put_lan_masquerade(out, h);
}

/* Prints the match of the gateway's address and port. If the provider may change the prefix of an
 * IPv6 address, it matches only the last 64 bits. */
static void put_backend(FILE *out, const struct topology_host *h, const struct address *a,
			__u16 port)
{
	struct address suffix = *a;
	char text[ADDRESS_STRLEN];

	if (!a->family)
		return;
	if (a->family == FAMILY_IPV6 && !h->n_addresses) {
		memset(&suffix.addr, 0, 8);
		fputs("\t\tip6 daddr & ::ffff:ffff:ffff:ffff ==", out);
	} else {
		fprintf(out, "\t\t%s daddr", nft_ip(a->family));
	}
	fprintf(out, " %s udp dport %u counter accept\n", address_format(&suffix, text), port);
}

/* Prints the rules for packets from the internet to the gateway and other hosts of the LAN. */
static void put_into_lan(FILE *out, const struct topology_host *h, __u16 port)
{
	put_backend(out, h, &h->backend4, port);
	if (h->ipv6 != IPV6_OFF)
		put_backend(out, h, &h->backend6, port);
	if (h->ipv6 == IPV6_DIRECT && !h->backend6.family)
		fprintf(out, "\t\toifname \"%s\" meta nfproto ipv6 udp dport %u counter accept\n",
			h->lan, port);
	fputs("\t\ticmpv6 type echo-request accept\n", out);
}

static void firewall(FILE *out, const struct topology *t, const struct topology_host *h)
{
	put_input(out, t, h);
	begin_forward(out, "accept");
	fprintf(out, "\t\tiifname != \"%s\" accept\n", h->interface);
	nft_put_states(out);
	fputs(TRANSLATED, out);
	if (*h->lan)
		put_into_lan(out, h, ntohs(t->hosts[h->gateway].port));
	end_forward(out, "drop");
	if (*h->lan)
		put_lan_masquerade(out, h);
}

/* Writes the unit that loads the rules. It is started after the host's own rules, and reloaded with
 * them, because these flush the ruleset. */
static void unit(const struct gen *g, const struct topology_host *h)
{
	fputs("# This runs at boot, and after each start and reload of nftables.service, because "
	      "that removes all rules.\n"
	      "[Unit]\n"
	      "Description=nftables rules of wgxdp's topology\n"
	      "Documentation=man:wgxdp(8)\n"
	      "DefaultDependencies=no\n"
	      "Wants=network-pre.target\n"
	      "Before=network-pre.target shutdown.target\n"
	      "Conflicts=shutdown.target\n"
	      "After=nftables.service\n"
	      "PartOf=nftables.service\n"
	      "ReloadPropagatedFrom=nftables.service\n"
	      "\n"
	      "[Service]\n"
	      "Type=oneshot\n"
	      "RemainAfterExit=yes\n"
	      "ExecStart=/usr/sbin/nft -f /" GEN_RULES "\n"
	      "ExecReload=/usr/sbin/nft -f /" GEN_RULES "\n"
	      "ExecStop=-/usr/sbin/nft delete table inet " TABLE "\n"
	      "\n"
	      "[Install]\n"
	      "WantedBy=sysinit.target nftables.service\n",
	      gen_host_file(g, h, 0644, "#", "etc/systemd/system/" GEN_RULES_UNIT ".service"));
}

void gen_nft(const struct gen *g, const struct topology_host *h)
{
	static const struct {
		void (*put)(FILE *out, const struct topology *t, const struct topology_host *h);
		const char *said;
	} by_role[] = {
		[ROLE_RELAY] = { relay, NULL },
		[ROLE_EDGE] = { edge, "# This edge router forwards only between its LAN and the tunnel. It drops all else, such as packets of containers.\n"
				      "# From the tunnel, only what the relay passes gets into the LAN.\n" },
		[ROLE_GATEWAY] = { gateway, "# This gateway forwards clients' packets to the "
					    "internet, and translates their addresses, except "
					    "global ones.\n# The key `home` names the private "
					    "networks that clients reach.\n" },
		[ROLE_ROAMING] = { roaming, "# This router moves between networks: its LAN's IPv6 "
					    "goes only through the tunnel, and its LAN's IPv4 is "
					    "translated.\n" },
		[ROLE_FIREWALL] = { firewall, "# This is a firewall before a WireGuard host. "
					      "Packets that wgxdp forwards to that host do not "
					      "meet these rules.\n# All other packets from outside "
					      "do.\n" },
	};
	FILE *out;

	if (!by_role[h->role].put || (h->role == ROLE_GATEWAY && !h->exit.there) ||
	    (h->role == ROLE_ROAMING && h->openwrt) ||
	    (h->role == ROLE_FIREWALL && !g->t->n_tcp_ports))
		return;
	out = gen_host_file(g, h, 0755, "#!/usr/sbin/nft -f\n#", GEN_RULES);
	fprintf(out, "%s# Loading this file again replaces only its own table.\n",
		by_role[h->role].said ?: said_of_relay(h));
	nft_begin(out, TABLE);
	by_role[h->role].put(out, g->t, h);
	nft_end(out);
	unit(g, h);
}

/* ---- what the host's own rules have to accept ---- */

/* Prints the rules that let packets pass from the device's peers through the host, and to them. */
static void need_through(FILE *out, const char *device)
{
	fprintf(out, "    forward  iifname \"%s\" accept\n    forward  oifname \"%s\" accept\n",
		device, device);
}

void gen_nft_needs(FILE *out, const struct topology *t, const struct topology_host *h)
{
	char device[GEN_BETWEEN];

	put_own(out, "    input    ", t, h);
	if (h->blind && h->shares && !gen_is_pair(t, h))
		fputs("    input    iifname \"" WG_ROUTING "\" icmpv6 type echo-request accept\n",
		      out);
	if (h->role == ROLE_GATEWAY || h->role == ROLE_ROAMING)
		need_through(out, WG_CLIENTS);
	else if ((h->role == ROLE_RELAY && !h->blind) || h->role == ROLE_EDGE)
		need_through(out, WG_ROUTING);
	else if (h->role == ROLE_FIREWALL && *h->lan)
		fprintf(out, "    forward  iifname \"%s\" oifname \"%s\" udp dport %u accept\n",
			h->interface, h->lan, ntohs(t->hosts[h->gateway].port));
	if (h->blind)
		return;
	for_each_other_relay(other, t, h)
		need_through(out, gen_between(other, device));
}
