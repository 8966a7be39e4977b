// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenWrt's settings become the rules that fw4 makes from them, which `nft -f` loads. Sections that cannot be used are named,
 * and no text of the settings becomes a part of a rule unread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "import/read.h"
#include "lib/text.h"
#include "has_text.h"

/* Settings: zones, a redirect, and the begin of a rule */
#define ZONES "firewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.device='eth0'\n" \
	"firewall.l=zone\nfirewall.l.name='lan'\nfirewall.l.device='br-lan'\n" \
	"firewall.d=zone\nfirewall.d.name='dmz'\nfirewall.d.device='br-dmz'\n"
#define REDIRECT "firewall.a=redirect\nfirewall.a.src='wan'\nfirewall.a.src_dport='51820'\nfirewall.a.dest='lan'\n" \
	"firewall.a.proto='udp'\nfirewall.a.dest_ip='192.168.1.10'\nfirewall.a.target='DNAT'\n"
#define DROPS "firewall.b=rule\nfirewall.b.src='wan'\nfirewall.b.dest='lan'\n"

struct made {
	char *nft, *network, *said;	/* network: such as "eth0 192.0.2.1/24 br-lan via 192.168.1.10/32 " */
};

/* Loads the rules into a namespace of their own. */
static void load(const char *nft)
{
	FILE *out = popen("exec unshare -n nft -f - > /dev/null", "w");

	assert_non_null(out);
	fputs(nft, out);
	if (pclose(out))
		fail_msg("nft refuses these rules: %s", nft);
}

static struct made translate(const char *text, const char *wan)
{
	struct import_text t = { .name = "uci", .text = strdup(text), .n = strlen(text) };
	struct import_network network = { 0 };
	struct import_lost lost = { 0 };
	struct made m;
	size_t n[3];
	FILE *nft = text_open(&m.nft, &n[0]), *net = text_open(&m.network, &n[1]), *said = text_open(&m.said, &n[2]);
	char buf[ADDRESS_STRLEN];

	assert_int_equal(translate_uci(&network, nft, &lost, &t, wan), 0);
	for (size_t i = 0; i < network.n_addresses; i++) {
		const struct import_address *a = &network.addresses[i];

		if (a->address.family)
			fprintf(net, "%s %s/%u ", a->device, address_format(&a->address, buf), a->len);
		else
			fprintf(net, "%s ", a->device);
	}
	for (size_t i = 0; i < network.n_routes; i++)
		fprintf(net, "%s via %s ", network.routes[i].device, prefix_format(&network.routes[i].to, buf));
	for (size_t i = 0; i < lost.n; i++) {
		fprintf(said, "%s\n", lost.list[i]);
		free(lost.list[i]);
	}
	assert_int_equal(fclose(nft) | fclose(net) | fclose(said), 0);
	free(network.addresses);
	free(network.routes);
	free(lost.list);
	free(t.text);
	load(m.nft);
	return m;
}

static void forget(struct made *m)
{
	free(m->nft);
	free(m->network);
	free(m->said);
}

struct row {
	const char *text, *rule, *said;	/* rule: "": none of section b; said: "": nothing */
};

/* Translates each text behind zones and a redirect. */
static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[2000];
		struct made m;

		snprintf(text, sizeof(text), ZONES REDIRECT "%s", rows[i].text);
		m = translate(text, NULL);
		(*rows[i].rule ? has : lacks)(m.nft, *rows[i].rule ? rows[i].rule : "!fw4: b");
		if (*rows[i].said)
			has(m.said, rows[i].said);
		else
			assert_string_equal(m.said, "");
		forget(&m);
	}
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof(*rows))

#define RULE(options) DROPS "firewall.b.target='DROP'\nfirewall.b." options "\n"
#define B(type, src, options) "firewall.b=" type "\nfirewall.b.src='" src "'\nfirewall.b." options "\n"
#define DROP(protocols, conditions) \
	"add rule inet fw4 forward_wan meta l4proto " protocols conditions " oifname \"br-lan\" drop comment \"!fw4: b\"\n"
#define BOTH "{ tcp, udp }"

static void conditions(void **state)
{
	static const struct row rows[] = {
		{ RULE("proto='udp'"), DROP("udp", ""), "" },
		{ RULE("proto='17'\nfirewall.b.name='Bad \"]}; one'"), "drop comment \"!fw4: Bad _]}; one\"\n", "" },
		{ RULE("proto='udp'\nfirewall.b.src_ip='203.0.113.5' '!203.0.113.8'"),
		  DROP("udp", " ip saddr { 203.0.113.5/32 } ip saddr != { 203.0.113.8/32 } meta nfproto ipv4"), "" },
		{ RULE("src_ip='203.0.113.77/255.255.255.0' '! 203.0.113.1-203.0.113.3'"),
		  DROP(BOTH, " ip saddr { 203.0.113.0/24 } ip saddr != { 203.0.113.1-203.0.113.3 } meta nfproto ipv4"), "" },
		{ RULE("dest_ip='2001:db8::1'"), DROP(BOTH, " ip6 daddr { 2001:db8::1/128 } meta nfproto ipv6"), "" },
		{ RULE("dest_ip='2001:db8::1' '192.168.1.9'"), DROP(BOTH, " ip daddr { 192.168.1.9/32 } meta nfproto ipv4"), "" },
		{ RULE("dest_ip='2001:db8::1' '192.168.1.9'"), DROP(BOTH, " ip6 daddr { 2001:db8::1/128 } meta nfproto ipv6"), "" },
		{ RULE("dest_port='123' '51820:51821'\nfirewall.b.src_port='!9'"),
		  DROP(BOTH, " th sport != { 9 } th dport { 123, 51820-51821 }"), "" },
		{ RULE("family='ipv6'"), DROP(BOTH, " meta nfproto ipv6"), "" },
		{ RULE("proto='all'\nfirewall.b.dest_port='9'"), "forward_wan oifname \"br-lan\" drop", "" },
		{ RULE("enabled='off'"), "", "" },
		{ RULE("proto='icmp'"), "", "" },
		{ RULE("proto='tcp'"), DROP("tcp", ""), "" },
		/* fw4 ignores the '!' */
		{ RULE("proto='! tcp'"), DROP("tcp", ""), "" },
		{ RULE("proto='tcpudp'"), DROP(BOTH, ""), "" },
		{ B("rule", "*", "dest='*'\nfirewall.b.target='reject'"), "inet fw4 forward meta l4proto " BOTH " reject comment", "" },
		{ B("rule", "wan", "target='ACCEPT'"), "input_wan meta l4proto " BOTH " accept comment", "" },
		{ "firewall.b=rule\nfirewall.b.dest='wan'\nfirewall.b.target='ACCEPT'\n", "", "" },
		{ B("forwarding", "lan", "dest='wan'"), "forward_lan oifname \"eth0\" accept comment", "" },
	};

	CHECK(rows);
}

/* A section that cannot be translated is named if clients may meet it. */
static void named(void **state)
{
	static const struct row rows[] = {
		{ RULE("src_ip='203.0.113.8' 'bad.example.org'"), "", "uci:17: firewall.b: import cannot read one of its values" },
		{ RULE("dest_ip='192.168.1.0/255.0.255.0'"), "", "cannot read" },
		{ RULE("src_ip='203.0.113.8; drop'"), "", "cannot read" },
		{ RULE("dest_port='openvpn'"), "", "cannot read" },
		{ RULE("dest_port='9-70000'"), "", "cannot read" },
		{ RULE("src_mac='00:11:22:33:44:55'"), "", "uci:17: firewall.b: wgxdp has no counterpart of its option src_mac" },
		{ RULE("limit='1/second'"), "", "option limit" },
		{ B("rule", "wan", "dest='none'\nfirewall.b.target='DROP'"), "", "there is no zone none" },
		{ B("rule", "wan", "dest='*'\nfirewall.b.target='MARK'"), "", "does not know its target MARK" },
		{ B("rule", "wan", "dest='*'\nfirewall.b.target='MASQUERADE'"), "", "does not know its target MASQUERADE" },
		{ B("redirect", "wan", "target='SNAT'"), "", "does not know its target SNAT" },
		{ B("redirect", "none", "dest_ip='192.168.1.9'"), "", "there is no zone none" },
		{ B("redirect", "wan", "dest_ip='here.example.org'"), "", "cannot read" },
		{ B("rule", "lan", "dest='wan'\nfirewall.b.target='REJECT'\nfirewall.b.src_mac='00:11:22:33:44:55'"), "", "" },
		{ "firewall.b=zone\nfirewall.b.name='x } drop'\n", "", "uci:17: the name of this zone is not valid" },
		{ B("nat", "lan", "src_ip='10.0.0.0/8'"), "", "import knows no such section" },
	};

	CHECK(rows);
}

#define VPN "firewall.v=zone\nfirewall.v.name='vpn'\nfirewall.v.device='wg9'\nfirewall.v.masq='1'\n"

static void redirects(void **state)
{
	static const struct row rows[] = {
		{ B("redirect", "wan", "dest_ip='192.168.1.9'\nfirewall.b.src_dport='80-90'\nfirewall.b.dest_port='81'\nfirewall.b.src_dip='192.0.2.1'"),
		  "dstnat_wan meta l4proto " BOTH " ip daddr { 192.0.2.1/32 } th dport { 80-90 } meta nfproto ipv4 dnat ip to 192.168.1.9:81", "" },
		{ B("redirect", "wan", "dest_ip='2001:db8::9'\nfirewall.b.proto='udp'\nfirewall.b.dest_port='81'"),
		  "dstnat_wan meta l4proto udp meta nfproto ipv6 dnat ip6 to [2001:db8::9]:81", "" },
		{ B("redirect", "wan", "dest_ip='192.168.1.9'\nfirewall.b.proto='all'\nfirewall.b.dest_port='81'"),
		  "dstnat_wan meta nfproto ipv4 dnat ip to 192.168.1.9 comment", "" },
		{ B("redirect", "wan", "src_dport='53'"), "th dport { 53 } meta nfproto ipv4 redirect comment", "" },
		{ B("redirect", "wan", "src_dport='53'\nfirewall.b.dest_port='54'"), "th dport { 53 } meta nfproto ipv4 redirect to :54 comment", "" },
		{ B("redirect", "wan", "src_dport='53'\nfirewall.b.family='any'"), "th dport { 53 } redirect comment", "" },
		{ VPN B("redirect", "vpn", "dest_ip='192.168.1.9'\nfirewall.b.dest='lan'\nfirewall.b.src_dport='9'"),
		  "dstnat_lan fib daddr type local fib daddr . iif type != local meta l4proto " BOTH " th dport { 9 } meta nfproto ipv4 dnat", "" },
		{ VPN "network.l.device='br-lan'\nnetwork.l.ipaddr='192.168.1.1/24'\n" B("redirect", "vpn", "dest_ip='192.168.1.9'\n"
		  "firewall.b.src_ip='203.0.113.1'"), "dstnat_lan fib daddr type local fib daddr . iif type != local meta l4proto " BOTH " meta nfproto ipv4 dnat", "" },
		{ VPN B("redirect", "vpn", "dest_ip='192.168.1.9'\nfirewall.b.dest='lan'\nfirewall.b.src_dport='9'"),
		  "srcnat_lan meta l4proto " BOTH " ip daddr { 192.168.1.9/32 } th dport { 9 } meta nfproto ipv4 iifname \"br-lan\" masquerade", "" },
		{ "firewall.b=zone\nfirewall.b.name='vpn'\nfirewall.b.device='wg9'\nfirewall.b.masq6='1'\nfirewall.b.masq_dest='!fd00::/8'\n",
		  "srcnat_vpn ip6 daddr != { fd00::/8 } meta nfproto ipv6 masquerade", "" },
	};

	CHECK(rows);
}

#define USES(set, options) "firewall.s=ipset\nfirewall.s.name='bad'\n" options RULE("ipset='" set "'\nfirewall.b.proto='udp'")
#define SET(options) USES("bad", options)

static void sets(void **state)
{
	static const struct row rows[] = {
		{ SET("firewall.s.match='src_net'\nfirewall.s.entry='198.51.100.0/24' 'x'\n"), "element inet fw4 bad { 198.51.100.0/24 }\n", "" },
		{ SET("firewall.s.match='src_net'\n"), DROP("udp", " ip saddr @bad"), "" },
		{ SET("firewall.s.match='src_ip'\nfirewall.s.family='ipv6'\nfirewall.s.entry='2001:db8::1' '192.0.2.1'\n"),
		  "element inet fw4 bad { 2001:db8::1 }\n", "" },
		{ SET("firewall.s.match='src_ip'\nfirewall.s.family='ipv6'\n"), DROP("udp", " ip6 saddr @bad"), "" },
		{ USES("! bad", "firewall.s.match='src_net'\n"), DROP("udp", " ip saddr != @bad"), "" },
		{ SET("firewall.s.match='src_net'\nfirewall.s.loadfile='/etc/bad'\n"), DROP("udp", " ip saddr @bad"), "has not read the addresses in /etc/bad" },
		{ SET("firewall.s.match='src_ip' 'dest_port'\n"), "", "no set of sources' addresses: bad" },
		{ SET("firewall.s.match='src_net'\nfirewall.s.enabled='0'\n"), "", "no set of sources' addresses" },
		{ RULE("ipset='bad; drop'"), "", "no set of sources' addresses" },
		{ "firewall.s=ipset\nfirewall.s.name='1'\nfirewall.s.match='src_net'\n" RULE("ipset='1'"), "", "no set of sources' addresses" },
	};

	CHECK(rows);
}

static void zones(void **state)
{
	static const struct {
		const char *text, *network, *rule, *said, *wan;
	} rows[] = {
		{ ZONES, "eth0 br-lan br-dmz ", "add rule inet fw4 forward iifname \"eth0\" jump forward_wan\n", "", NULL },
		{ ZONES REDIRECT, "eth0 br-lan br-dmz br-lan via 192.168.1.10/32 ", "policy drop", "", NULL },
		{ ZONES "firewall.d=defaults\nfirewall.d.input='ACCEPT'\nfirewall.d.forward='REJECT'\n", "eth0 br-lan br-dmz ",
		  "add rule inet fw4 input_wan accept\nadd rule inet fw4 forward_wan ct status dnat accept\n"
		  "add rule inet fw4 forward_wan oifname \"eth0\" reject\n", "", NULL },
		{ ZONES "network.l.device='br-lan'\nnetwork.l.ipaddr='192.168.1.1' '192.168.2.1/25'\nnetwork.l.netmask='255.255.255.0'\n"
		  "network.l.ip6addr='2001:db8::1/60'\n", "eth0 br-lan br-dmz br-lan 192.168.1.1/24 br-lan 192.168.2.1/25 br-lan 2001:db8::1/60 ",
		  "", "", NULL },
		{ "network.w.device='eth0.7'\nnetwork.w.proto='pppoe'\nfirewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.network='w'\n",
		  "pppoe-w ", "iifname \"pppoe-w\" jump", "", NULL },
		{ "network.w.device='a-name-of-16-byte'\nfirewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.network='w'\nfirewall.w.device='eth0\"'\n" REDIRECT,
		  "wan ", "", "uci:1: network w: uci does not give its network device", "wan" },
		{ "firewall.w=zone\nfirewall.w.name='wan'\nfirewall.l=zone\nfirewall.l.name='lan'\n" REDIRECT, "wan lan lan via 192.168.1.10/32 ",
		  "", "uci:1: zone wan: uci does not give its devices: add the output of `uci show network` or --wan IF", NULL },
		{ "firewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.network='w'\nfirewall.w.forward='ACCEPT'\n", "wan ", "iifname \"wan\" jump", "", NULL },
	};

	struct made only = translate("network.l.device='br-lan'\nnetwork.l.ipaddr='192.168.1.1/24'\n", NULL);

	assert_string_equal(only.nft, "");
	assert_string_equal(only.network, "br-lan 192.168.1.1/24 ");
	forget(&only);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct made m = translate(rows[i].text, rows[i].wan);

		assert_string_equal(m.network, rows[i].network);
		has(m.nft, rows[i].rule);
		if (*rows[i].said)
			has(m.said, rows[i].said);
		else
			assert_string_equal(m.said, "");
		forget(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions), cmocka_unit_test(named), cmocka_unit_test(redirects), cmocka_unit_test(sets),
		cmocka_unit_test(zones),
	};

	if (geteuid()) {
		puts("needs root, for a network namespace");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
