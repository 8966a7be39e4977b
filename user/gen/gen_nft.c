/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * HOST/etc/nftables.conf: what routers of a topology let in, forward and translate. Servers and
 * clients have none, nor does OpenWrt, which has a firewall of its own. Tables of other programs,
 * as Docker's, stay.
 */
#include <string.h>
#include "gen/gen_host.h"
#include "gen/nft.h"

#define TABLE "wgxdp_host"			/* besides the table of `gen nft` */

static __u16 port_of(const struct topology_host *h)
{
	return h->port ? ntohs(h->port) : NFT_PORT;
}

static void begin(FILE *out, const char *what)
{
	fprintf(out, "%s# To be loaded as often as wanted; tables of others are left alone.\n",
		what);
	nft_begin(out, TABLE);
}

static void put_input(FILE *out, const struct topology *t, const struct topology_host *h,
		      const struct nft_devices *between)
{
	__u16 ports[1 + TOPOLOGY_SHARING_MAX] = { port_of(h) };
	size_t n = 1;

	for_each_other_relay(other, t, h)
		if (n < sizeof(ports) / sizeof(*ports))
			ports[n++] = gen_between_port(other);
	nft_tcp_ports(out, TABLE, t->tcp_ports, t->n_tcp_ports);
	putc('\n', out);
	nft_input(out, &(struct nft_input){ .ports = ports, .n_ports = n,
					    .lan = h->role == ROLE_EDGE ? h->lan : NULL,
					    .between = between });
	putc('\n', out);
}

/* ---- relays ---- */

static void relay(FILE *out, const struct topology *t, const struct topology_host *h)
{
	struct device_name names[1 + TOPOLOGY_SHARING_MAX] = { { WG_ROUTING } };
	struct nft_devices tunnels = { names, 1 }, between;
	struct port_range ports = { t->mesh_ports_first, t->mesh_ports_last };
	struct policy_config policy = { .overlay = t->overlay, .udp_ports = &ports,
					.n_udp_ports = 1, .icmpv6 = NFT_ICMPV6_ALL };

	for_each_other_relay(other, t, h)
		if (tunnels.n < sizeof(names) / sizeof(*names))
			gen_between(other, names[tunnels.n++].name);
	between = (struct nft_devices){ names + 1, tunnels.n - 1 };
	begin(out, h->shares ? "# One of several relays. What wgxdp forwards between sites, and "
			       "relays, meets none of this.\n" :
		   h->blind ? "# A blind relay: sites reach each other by wgxdp alone, of which "
			      "these rules see nothing.\n" :
			      "# A relay. What wgxdp forwards from site to site meets none of "
			      "this; without it the kernel forwards the same.\n");
	put_input(out, t, h, &between);
	nft_chain(out, "forward", "filter", "forward", "filter", "drop");
	if (h->blind) {
		nft_put_log(out, "forward");
		fputs("\t\tcounter drop\n", out);
	} else {
		nft_put_states(out);
		nft_relay_forward(out, &tunnels, &policy);
	}
	nft_chain_end(out);
	nft_end(out);
}

/* ---- edges ---- */

static void between(FILE *out, const char *from, const char *to, const struct prefix *dst)
{
	fputs("\t\t", out);
	nft_put_device(out, "iifname", from);
	nft_put_device(out, "oifname", to);
	nft_put_prefix(out, "daddr", dst);
}

static void edge(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct prefix *site = &t->sites[h->site].prefix;

	begin(out, "# An edge router of a site: its LAN, and the tunnel to the other sites. "
	      "IPv6 alone.\n");
	put_input(out, t, h, NULL);
	nft_chain(out, "forward", "filter", "forward", "filter", "drop");
	fputs("\t\tmeta nfproto ipv4 counter drop\n", out);
	nft_put_states(out);
	between(out, h->lan, WG_ROUTING, site);
	fputs("counter reject with icmpv6 port-unreachable\n", out);
	between(out, h->lan, WG_ROUTING, &t->overlay);
	fputs("counter accept\n", out);
	between(out, WG_ROUTING, h->lan, site);
	fputs("counter accept\n", out);
	nft_put_log(out, "forward");
	fputs("\t\tcounter reject with icmpv6 port-unreachable\n", out);
	nft_chain_end(out);
	nft_end(out);
}

/* ---- gateways: a way out ---- */

/* Tells both ends what fits through the tunnel: where that matters most, path MTU discovery is
 * broken */
static void put_mss(FILE *out)
{
	fputs("\t\toifname \"" WG_CLIENTS
	      "\" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n"
	      "\t\tiifname \"" WG_CLIENTS
	      "\" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n", out);
}

/* To clients with a global address, and to LANs behind roaming routers */
static void put_inbound(FILE *out, const struct topology *t, const struct topology_host *gateway)
{
	for_each_host(h, t) {
		if (!gen_comes_to(t, h, gateway))
			continue;
		for (size_t j = 0; j < h->n_inside; j++)
			if (gen_is_global6(&h->inside[j])) {
				fputs("\t\t", out);
				nft_put_address(out, "daddr", &h->inside[j]);
				fprintf(out, "counter accept comment \"%s\"\n", h->name);
			}
		if (h->role == ROLE_ROAMING && h->prefix.family == FAMILY_IPV6) {
			fputs("\t\t", out);
			nft_put_prefix(out, "daddr", &h->prefix);
			fprintf(out, "counter accept comment \"behind %s\"\n", h->name);
		}
	}
}

static void put_snat(FILE *out, const struct topology_host *h, const struct prefix *network)
{
	bool ipv4 = network->family == FAMILY_IPV4;
	const struct address *snat = ipv4 ? &h->exit.snat4 : &h->exit.snat6;
	char text[ADDRESS_STRLEN];

	if ((!snat->family && !(ipv4 ? h->exit.masquerade4 : h->exit.masquerade6)) ||
	    gen_is_global6(&(struct address){ .addr = network->addr, .family = network->family }))
		return;
	fputs("\t\t", out);
	nft_put_device(out, "oifname", h->interface);
	nft_put_prefix(out, "saddr", network);
	if (snat->family)
		fprintf(out, "counter snat %s to %s\n", ipv4 ? "ip" : "ip6",
			address_format(snat, text));
	else
		fputs("counter masquerade\n", out);
}

static void gateway(FILE *out, const struct topology *t, const struct topology_host *h)
{
	begin(out,
	      "# A way out for clients: their addresses are translated, but for global ones.\n");
	nft_chain(out, "forward", "filter", "forward", "filter", "accept");
	put_mss(out);
	fputs("\t\toifname != \"" WG_CLIENTS "\" accept\n\t\t", out);
	nft_put_device(out, "iifname !=", h->interface);
	fputs("accept\n\t\t# from the internet to clients\n", out);
	nft_put_states(out);
	if (h->exit.open)
		put_inbound(out, t, h);
	nft_put_log(out, "forward");
	fputs("\t\tcounter drop\n", out);
	nft_chain_end(out);
	putc('\n', out);
	nft_chain(out, "postrouting", "nat", "postrouting", "srcnat", "accept");
	for (size_t i = 0; i < h->n_networks; i++)
		put_snat(out, h, &h->networks[i]);
	nft_chain_end(out);
	nft_end(out);
}

/* ---- routers with a LAN ---- */

/* From the tunnel into the LAN: from the gateway's networks, and from everywhere if it lets others
 * through */
static void put_from_home(FILE *out, const struct topology_host *gateway)
{
	const struct { const struct prefix *list; size_t n; } from[] = {
		{ gateway->networks, gateway->n_networks }, { gateway->home, gateway->n_home },
	};

	if (gateway->exit.open) {
		fputs("\t\tiifname \"" WG_CLIENTS "\" counter accept\n", out);
		return;
	}
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < from[i].n; j++) {
			fputs("\t\tiifname \"" WG_CLIENTS "\" ", out);
			nft_put_prefix(out, "saddr", &from[i].list[j]);
			fputs("counter accept\n", out);
		}
}

static void roaming(FILE *out, const struct topology *t, const struct topology_host *h)
{
	struct device_name outside[] = { [1] = { WG_CLIENTS } };

	strcpy(outside[0].name, h->interface);
	begin(out, "# A router that roams: its LAN's IPv6 goes through the tunnel, IPv4 through "
	      "the local NAT.\n");
	nft_chain(out, "forward", "filter", "forward", "filter", "accept");
	put_mss(out);
	fputs("\t\t# no IPv6 of the LAN past the tunnel\n\t\t", out);
	nft_put_device(out, "iifname", h->lan);
	nft_put_device(out, "oifname", h->interface);
	fputs("meta nfproto ipv6 counter reject with icmpv6 no-route\n\t\t", out);
	nft_put_devices(out, "iifname !=", &(struct nft_devices){ outside, 2 });
	fputs("accept\n", out);
	nft_put_states(out);
	put_from_home(out, &t->hosts[h->gateway]);
	nft_put_log(out, "forward");
	fputs("\t\tcounter drop\n", out);
	nft_chain_end(out);
	putc('\n', out);
	nft_chain(out, "postrouting", "nat", "postrouting", "srcnat", "accept");
	fputs("\t\t", out);
	nft_put_device(out, "iifname", h->lan);
	nft_put_device(out, "oifname", h->interface);
	fputs("meta nfproto ipv4 counter masquerade\n", out);
	nft_chain_end(out);
	nft_end(out);
}

/* The gateway's address and port; any prefix where the provider may change it */
static void put_backend(FILE *out, const struct topology_host *h, const struct address *a,
			__u16 port)
{
	struct address suffix = *a;
	char text[ADDRESS_STRLEN];

	if (!a->family)
		return;
	fputs("\t\t", out);
	if (a->family == FAMILY_IPV6 && !h->n_addresses) {
		memset(&suffix.addr, 0, 8);
		fprintf(out, "ip6 daddr & ::ffff:ffff:ffff:ffff == %s ",
			address_format(&suffix, text));
	} else {
		nft_put_address(out, "daddr", a);
	}
	fprintf(out, "udp dport %u counter accept\n", port);
}

static void firewall(FILE *out, const struct topology *t, const struct topology_host *h)
{
	__u16 port = port_of(&t->hosts[h->gateway]);

	begin(out, "# A firewall before WireGuard: wgxdp forwards to it, and that meets none of "
	      "this; whatever else comes from outside does.\n"
	      "# On a host that has rules for what is forwarded, take the accepts over into those, "
	      "and leave the rest.\n");
	nft_chain(out, "forward", "filter", "forward", "filter", "accept");
	fputs("\t\t", out);
	nft_put_device(out, "iifname !=", h->interface);
	fputs("accept\n", out);
	nft_put_states(out);
	fputs("\t\tct status dnat accept comment \"what other rules of this host translate\"\n",
	      out);
	put_backend(out, h, &h->backend4, port);
	put_backend(out, h, &h->backend6, port);
	fputs("\t\ticmpv6 type echo-request accept\n", out);
	nft_put_log(out, "forward");
	fputs("\t\tcounter drop\n", out);
	nft_chain_end(out);
	nft_end(out);
}

void gen_nft(const struct gen *g, const struct topology_host *h)
{
	static void (*const put[])(FILE *out, const struct topology *t,
				   const struct topology_host *h) = {
		[ROLE_RELAY] = relay, [ROLE_EDGE] = edge, [ROLE_GATEWAY] = gateway,
			[ROLE_ROAMING] = roaming, [ROLE_FIREWALL] = firewall,
	};

	if (h->role >= sizeof(put) / sizeof(*put) ||
	    !put[h->role] || (h->role == ROLE_GATEWAY && !h->exit.there) ||
	    (h->role == ROLE_ROAMING && h->openwrt) || (h->role == ROLE_FIREWALL && !*h->lan))
		return;
	put[h->role](gen_host_file(g, h, 0755, "#!/usr/sbin/nft -f\n#", "etc/nftables.conf"), g->t,
		     h);
}
