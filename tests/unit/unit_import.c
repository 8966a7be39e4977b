/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `import` turns sets of sources and rules into the configuration that they mean, or refuses them with the reason.
 * Texts that are cut or wrong are refused, and rules that only waste time too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/log.h"
#include "import_text.h"

static struct source_set set_of(struct source_work *w, const char *const *texts)
{
	struct prefix list[8];
	size_t n = 0;

	for (; *texts; texts++)
		assert_int_equal(prefix_parse(*texts, &list[n++]), 0);
	return sources_of(w, list, n);
}

static void set_is(const struct source_set *s, __u8 family, const char *expected)
{
	struct prefix *list = NULL;
	char text[400] = "", one[ADDRESS_STRLEN];
	size_t n = 0;

	sources_prefixes(s, family, &list, &n);
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "", prefix_format(&list[i], one));
	assert_string_equal(text, expected);
	free(list);
}

static void sets(void **state)
{
	struct source_work w = { .left = 1000 };
	struct source_set a = set_of(&w, (const char *const[]){ "10.0.0.0/24", "10.0.1.0/24", "10.0.0.7/32", NULL });
	struct source_set b = set_of(&w, (const char *const[]){ "10.0.0.64/26", "192.0.2.0/24", NULL });
	struct source_set all = sources_all(&w, FAMILY_IPV4), all6 = sources_all(&w, FAMILY_IPV6), none = { 0 };
	struct source_set s;
	struct address in, out;

	set_is(&a, FAMILY_IPV4, "10.0.0.0/23");
	set_is(&all, FAMILY_IPV4, "0.0.0.0/0");
	set_is(&all6, FAMILY_IPV6, "::/0");
	s = sources_and(&w, &a, &b);
	set_is(&s, FAMILY_IPV4, "10.0.0.64/26");
	sources_free(&s);
	s = sources_minus(&w, &a, &b);
	set_is(&s, FAMILY_IPV4, "10.0.0.0/26 10.0.0.128/25 10.0.1.0/24");
	address_parse("10.0.0.63", &in);
	address_parse("10.0.0.64", &out);
	assert_true(sources_have(&s, &in) && !sources_have(&s, &out));
	sources_free(&s);
	s = sources_or(&w, &a, &b);
	set_is(&s, FAMILY_IPV4, "10.0.0.0/23 192.0.2.0/24");
	sources_free(&s);
	s = sources_minus(&w, &all6, &all6);
	assert_int_equal(s.n, 0);
	s = sources_minus(&w, &all, &none);
	assert_true(sources_equal(&s, &all) && !sources_equal(&s, &a));
	sources_free(&s);
	assert_false(w.failed);
	w.left = 0;
	s = sources_or(&w, &a, &b);
	assert_true(w.failed);
	sources_free(&s);
	sources_free(&a);
	sources_free(&b);
	sources_free(&all);
	sources_free(&all6);
}

/* The first rule that matches decides, also through jumps. */
static void order(void **state)
{
	static const struct {
		const char *forward, *clients;	/* rules of the chain FORWARD, and the line that they make; "": none */
	} rows[] = {
		{ "", "" },
		{ "-A FORWARD -s 192.0.2.0/24 -j DROP\n", "deny: [ 192.0.2.0/24 ]" },
		{ ":FORWARD DROP\n-A FORWARD -s 192.0.2.0/24 -j ACCEPT\n", "allow: [ 192.0.2.0/24 ]" },
		{ "-A FORWARD -s 192.0.2.1 -j ACCEPT\n-A FORWARD -s 192.0.2.0/31 -j DROP\n", "deny: [ 192.0.2.0/32 ]" },
		{ "-A FORWARD ! -s 192.0.2.0/24 -j DROP\n", "allow: [ 192.0.2.0/24 ]" },
		{ "-A FORWARD -j list\n-A list -s 192.0.2.0/24 -j RETURN\n-A list -j DROP\n", "allow: [ 192.0.2.0/24 ]" },
		{ "-A FORWARD -g list\n-A FORWARD -j DROP\n-A list -s 192.0.2.0/24 -j DROP\n", "deny: [ 192.0.2.0/24 ]" },
		{ "-A FORWARD -p tcp -j DROP\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\n", "" },
		{ "-A FORWARD -i eth1 -j DROP\n-A FORWARD -d 192.168.1.11 -j DROP\n-A FORWARD -p udp --dport 51821 -j DROP\n", "" },
		{ "-I FORWARD -s 192.0.2.1 -j DROP\n-I FORWARD 1 -s 192.0.2.0/24 -j ACCEPT\n", "" },
		{ "-A FORWARD -s 192.0.2.0/255.255.255.128 -j DROP\n", "deny: [ 192.0.2.0/25 ]" },
	};
	char text[1000];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "*nat\n" DNAT "COMMIT\n*filter\n%sCOMMIT\n", rows[i].forward);
		imports_service("rules", text, rows[i].clients, "");
	}
}

/* Rules without a counterpart are named, and let in no client. */
static void named(void **state)
{
	static const struct {
		const char *rules, *said;
		bool serves;
	} rows[] = {
		{ "*filter\n:FORWARD DROP\n-A FORWARD -m limit --limit 1/s -j ACCEPT\n", "drops its packets", false },
		{ "*filter\n:FORWARD DROP\n", "drops its packets", false },
		{ "*filter\n-A FORWARD -m mark --mark 1 -j DROP\n", "by a condition that wgxdp lacks", true },
		{ "*filter\n-A FORWARD -j NFQUEUE --queue-num 1\n", "by a condition that wgxdp lacks", true },
		{ "*filter\n-A FORWARD -j nowhere\n", "by a condition that wgxdp lacks", true },
		{ "*filter\n-A FORWARD -s bad.example.org -j DROP\n", "by a condition that wgxdp lacks", true },
		{ "*filter\n-A FORWARD -p udp --dport openvpn -j DROP\n", "by a condition that wgxdp lacks", true },
		{ "*filter\n-A FORWARD -s 203.0.0.5/255.0.0.255 -j DROP\n", "by a condition that wgxdp lacks", true },
		{ "*filter\n-A FORWARD -p udp -m multiport --dports 1,openvpn -j DROP\n", "by a condition that wgxdp lacks", true },
		{ "*filter\n-A FORWARD -m addrtype --dst-type UNICAST -j DROP\n", "by a condition that wgxdp lacks", true },
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 1 -j REDIRECT --to-ports 2\n", "this host itself", true },
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 51820 -j DNAT --to-destination 192.168.1.11\n", "earlier rules", true },
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 1 -j DNAT --to-destination 127.0.0.1\n", "would be refused", true },
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 1 -j DNAT --to-destination 192.168.1.1-192.168.1.3\n", "several backends",
			true },
		{ "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\n", "write nat: masquerade", true },
		{ "*nat\n-A POSTROUTING -s 192.0.2.0/24 -d 192.168.1.10 -j MASQUERADE\n", "only some clients", true },
	};
	struct captured t;
	char text[1000], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "*nat\n" DNAT "COMMIT\n%sCOMMIT\n", rows[i].rules);
		out = import("rules", text, NULL, &t);
		has(t.text, rows[i].said);
		has(out, "# wgxdp has no counterpart");
		(rows[i].serves ? has : lacks)(out, "backend: { ipv4: 192.168.1.10, port: 51820 }");
		free(out);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "", "none of the formats" },
		{ "hello\n", "none of the formats" },
		{ "table ip nat {\n}\n", "nft -j list ruleset" },
		{ "{", "byte 2" },
		{ "{\"nftables\": 1}", "not a ruleset" },
		{ "*nat\nA\n", "rules:2: this is not a line of iptables-save" },
		/* the outputs of iptables-save and ip6tables-save, without their heads */
		{ "*filter\n:FORWARD DROP\nCOMMIT\n*filter\n:FORWARD ACCEPT\nCOMMIT\n", "rules:5: this table has this chain already" },
		{ "[Interface]\nPrivateKey\n", "rules:2: this is not a setting" },
		{ "[Peer]\nPublicKey = secret\n", "rules:2: this is not a setting" },
		{ "wg0\ta\tb\tc\td\ne\tf\n", "rules:2: this is not a line of `wg show all dump`" },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_null(import("rules", rows[i].text, NULL, &t));
		has(t.text, rows[i].said);
		lacks(t.text, "secret");
	}
}

/* Chains that jump twice each to the next one have 2^24 ways. */
static void endless(void **state)
{
	struct captured t;
	char *text = NULL;
	size_t n;
	FILE *f = text_open(&text, &n);

	fputs("*nat\n", f);
	for (int i = 0; i < 24; i++)
		fprintf(f, "-A %s%d -j C%d\n-A %s%d -j C%d\n", i ? "C" : "PREROUTING", i, i + 1, i ? "C" : "PREROUTING", i, i + 1);
	fputs("-A PREROUTING -j C1\n-A PREROUTING -j C1\n-A C24 -p udp --dport 1 -j DNAT --to 192.168.1.1\n", f);
	assert_int_equal(fclose(f), 0);
	assert_null(import("rules", text, "eth0", &t));
	has(t.text, "too many rules");
	free(text);
	/* a chain that jumps to itself, which the kernel refuses */
	assert_null(import("rules", "*nat\n" DNAT "COMMIT\n*filter\n-A FORWARD -j A\n-A A -j A\n", NULL, &t));
	has(t.text, "too many rules");
}

/* Text of rules cannot end a comment, and secrets do not come out. */
static void comments(void **state)
{
	struct captured t;
	char *out = import("rules", "{\"nftables\": [ {\"chain\": {\"family\": \"ip\", \"table\": \"nat\", \"name\": \"p\", "
				    "\"type\": \"nat\", "
				    "\"hook\": \"prerouting\", \"prio\": -100}}, {\"rule\": {\"family\": \"ip\", \"table\": \"nat\", "
				    "\"chain\": \"p\", \"handle\": 2, \"comment\": \"a\\nb: c\", \"expr\": [ {\"match\": {\"op\": \"==\", "
				    "\"left\": {\"meta\": {\"key\": \"iifname\"}}, \"right\": \"e\\nservices: x\"}}, {\"dnat\": "
				    "{\"addr\": \"192.168.1.1\"}} ]}} ]}", "eth0", &t);

	lacks(out, "\nservices: x");
	free(out);
	out = import("wg0.conf", "[Interface]\nPrivateKey = c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=\n[Peer]\nPublicKey = " KEY
		     "\nPresharedKey = c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=\nEndpoint = vpn.example.net:51820\n", NULL, &t);
	has(out, "host: vpn.example.net");
	has(out, "interface: wg0");
	lacks(out, "c2Vj");
	free(out);
}

#define RULE(chain, expr) ", {\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"" chain "\", \"expr\": [ " expr " ]}}"
#define MATCH(protocol, field, op, right) "{\"match\": {\"op\": \"" op "\", \"left\": {\"payload\": {\"protocol\": \"" protocol \
	"\", \"field\": \"" field "\"}}, \"right\": \"" right "\"}}"
#define IN(set) MATCH("ip", "saddr", "==", "@" set)

/* Writes a ruleset with these rules, n sets s0, s1 … without elements, and a rule for each that drops its clients. */
static char *ruleset(const char *rules, int n, int services)
{
	char *text = NULL;
	size_t length;
	FILE *f = text_open(&text, &length);

	fputs("{\"nftables\": [ {\"chain\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"p\", \"type\": \"nat\", "
	      "\"hook\": \"prerouting\", \"prio\": -100}}, {\"chain\": {\"family\": \"inet\", \"table\": \"t\", "
	      "\"name\": \"f\", \"type\": \"filter\", \"hook\": \"forward\", \"prio\": 0}}", f);
	fputs(", {\"set\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"good\", \"type\": \"ipv4_addr\", "
	      "\"elem\": [ \"192.0.2.1\" ]}}, {\"set\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"odd\", "
	      "\"type\": [ \"ipv4_addr\", \"mark\" ], \"elem\": [ \"192.0.2.1\" ]}}", f);
	for (int i = 0; i < n; i++)
		fprintf(f, ", {\"set\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"s%d\", \"type\": \"ipv4_addr\"}}", i);
	fputs(rules, f);
	for (int i = 0; i < n; i++)
		fprintf(f, RULE("f", MATCH("ip", "saddr", "==", "@s%d") ", {\"drop\": null}"), i);
	for (int i = 0; i < services; i++)
		fprintf(f, ", {\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"p\", \"handle\": %d, \"expr\": [ "
				"{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"iifname\"}}, \"right\": "
				"\"eth0\"}}, {\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"udp\", \"field\": "
				"\"dport\"}}, \"right\": %d}}, {\"dnat\": {\"family\": \"ip\", \"addr\": \"192.168.1.10\", \"port\": 51820}} ]}}",
			i, 50000 + i);
	fputs(" ]}", f);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* A service follows named sets only if allow and deny do the same with every content of the sets. */
static void followed(void **state)
{
	static const struct {
		const char *rules;
		int sets, services;
		const char *has, *said;		/* part of the configuration, and of the warnings; "": none */
	} rows[] = {
		{ "", 1, 1, "deny: [ { nft-set: \"inet t s0\" } ]", "" },
		{ "", 4, 1, "{ nft-set: \"inet t s3\" } ]", "" },
		{ "", 5, 1, "ipv6: direct\n\n", "copies the elements" },
		{ "", 9, 1, "ipv6: direct\n\n", "copies the elements" },
		{ "", 4, 17, "at most 64 lists", "at most 64 lists" },
		{ RULE("f", IN("good") ", {\"accept\": null}") RULE("f", "{\"drop\": null}"), 0, 1, "allow: [ { nft-set: \"inet t good\" } ]", "" },
		{ RULE("f", MATCH("ip", "saddr", "!=", "@good") ", {\"drop\": null}"), 0, 1, "allow: [ { nft-set: \"inet t good\" } ]", "" },
		{ RULE("f", MATCH("ip", "saddr", "!=", "@good") ", {\"drop\": null}"), 1, 1,
			"allow: [ { nft-set: \"inet t good\" } ]\n    deny: [ { nft-set: \"inet t s0\" } ]", "" },
		/* the good ones are let in, even if another rule drops them */
		{ RULE("f", IN("good") ", {\"accept\": null}"), 1, 1, "ipv6: direct\n\n", "copies the elements" },
		{ RULE("f", IN("good") ", " MATCH("ip", "saddr", "==", "192.0.2.1") ", {\"drop\": null}"), 0, 1, "deny: [ 192.0.2.1/32 ]",
			"copies the elements" },
		/* a set of one client: the others would need more prefixes than it is worth */
		{ RULE("f", IN("s0") ", {\"drop\": null}") RULE("f", MATCH("ip", "saddr", "==", "192.0.2.7") ", {\"accept\": null}")
		  RULE("f", "{\"drop\": null}"), 1, 1, "192.0.2.8/29", "" },
		{ RULE("f", IN("odd") ", {\"drop\": null}"), 0, 1, "deny: [ 192.0.2.1/32 ]", "" },
		{ RULE("f", MATCH("ip", "saddr", "==", "bad.example.org") ", {\"drop\": null}"), 0, 1, "ipv6: direct\n\n",
			"by a condition that wgxdp lacks" },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = ruleset(rows[i].rules, rows[i].sets, rows[i].services), *out = import("rules", text, NULL, &t);

		has(out, rows[i].has);
		has_said(&t, rows[i].said);
		free(out);
		free(text);
	}
}

#define HEAD(program) "# Generated by " program " v1.8.9 (nf_tables) on Sat Nov 28 17:00:00 2026\n"
#define DROPS4 "*nat\n" DNAT "COMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 192.0.2.0/24 -j ACCEPT\nCOMMIT\n"

#define L4PROTO "{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"l4proto\"}}, \"right\": \"udp\"}}"

/* In a table for both families, a field of the IPv4 header is only in IPv4 packets. */
static void one_family(void **state)
{
	static const struct {
		const char *protocol;
		bool is_ipv4;
	} rows[] = {
		{ MATCH("ip", "protocol", "==", "udp"), true }, { MATCH("ip6", "nexthdr", "==", "udp"), false },
		{ MATCH("ip", "protocol", "!=", "tcp"), true }, { MATCH("ip6", "nexthdr", "!=", "tcp"), false },
		{ L4PROTO, true },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char rules[600], *text, *out;

		snprintf(rules, sizeof(rules), RULE("f", "%s, {\"accept\": null}") RULE("f", IN("good") ", {\"drop\": null}"),
			 rows[i].protocol);
		text = ruleset(rules, 0, 1);
		out = import("rules", text, NULL, &t);
		(rows[i].is_ipv4 ? lacks : has)(out, "deny: [ { nft-set: \"inet t good\" } ]");
		free(out);
		free(text);
	}
}

/* The policy of ip6tables is none of iptables, in whatever order they come. */
static void two_families(void **state)
{
	static const char *const texts[] = {
		HEAD("iptables-save") DROPS4 HEAD("ip6tables-save") "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n",
		HEAD("ip6tables-save") "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n" HEAD("iptables-save") DROPS4,
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char *out = import("rules", texts[i], NULL, &t);

		has(out, "allow: [ 192.0.2.0/24 ]");
		free(out);
	}
}

#define NATIVE(family, table) "{\"nftables\": [ {\"chain\": {\"family\": \"" family "\", \"table\": \"" table \
	"\", \"name\": \"FORWARD\", \"type\": \"filter\", \"hook\": \"forward\", \"prio\": 0, \"policy\": \"drop\"}}, " \
	"{\"rule\": {\"family\": \"" family "\", \"table\": \"" table "\", \"chain\": \"FORWARD\", \"expr\": [ " \
	MATCH("ip", "saddr", "==", "192.0.2.1") ", {\"accept\": null} ]}} ]}"

/* import skips a table of nft only if iptables-save has written it. */
static void native_tables(void **state)
{
	static const struct {
		const char *nft, *more;		/* nft: NULL: none; more: from iptables-save */
		bool counts;
	} rows[] = {
		{ NATIVE("inet", "filter"), "", true },
		{ NATIVE("ip", "filter"), "# Table `filter' is incompatible, use 'nft' tool.\n", true },
		{ NATIVE("ip", "filter"), "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n", false },
		{ NULL, "# Table `filter' is incompatible, use 'nft' tool.\n", false },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[400], *out;

		snprintf(text, sizeof(text), HEAD("iptables-save") "*nat\n" DNAT "COMMIT\n%s", rows[i].more);
		out = import_two("ipt", text, rows[i].nft, NULL, &t);
		(rows[i].counts ? has : lacks)(out, "allow: [ 192.0.2.1/32 ]");
		(rows[i].nft ? lacks : has)(t.text, "left out tables");
		free(out);
	}
}

/* A limit of a set's elements is a condition. */
static void limits_of_elements(void **state)
{
	static const struct {
		const char *verdict, *said;
	} rows[] = {
		{ "accept", "drops its packets" },
		{ "drop", "by a condition that wgxdp lacks: wgxdp forwards these packets without it" },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = NULL, *out;
		size_t n;
		FILE *f = text_open(&text, &n);

		fprintf(f, RULE("f", "{\"set\": {\"op\": \"add\", \"elem\": {\"payload\": {\"protocol\": \"ip\", \"field\": "
				     "\"saddr\"}}, \"set\": \"@s\", \"stmt\": [ {\"limit\": {\"rate\": 10, \"per\": "
				     "\"second\"}} ]}}, {\"%s\": null}"), rows[i].verdict);
		if (!i)
			fputs(RULE("f", "{\"drop\": null}"), f);
		assert_int_equal(fclose(f), 0);
		out = text;
		text = ruleset(out, 0, 1);
		free(out);
		out = import("rules", text, NULL, &t);
		has(t.text, rows[i].said);
		if (i)
			has(t.text, "add @s { ip saddr limit rate 10/second }");
		(i ? has : lacks)(out, "backend: { ipv4: 192.168.1.10, port: 51820 }");
		free(out);
		free(text);
	}
}

/* OpenWrt: options have several words for no, and PPPoE's device is not the modem's. */
static void openwrt(void **state)
{
	static const char *const off[] = { "0", "no", "off", "false" };
	struct captured t;
	char text[1200], *out;

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		snprintf(text, sizeof(text), "network.wan.device='eth0.7'\nnetwork.wan.proto='pppoe'\n"
					     "firewall.z=zone\nfirewall.z.name='wan'\nfirewall.z.network='wan'\n"
					     "firewall.a=redirect\nfirewall.a.src='wan'\nfirewall.a.src_dport='51820'\n"
					     "firewall.a.proto='udp'\nfirewall.a.dest_ip='192.168.1.10'\nfirewall.a.target='DNAT'\n"
					     "firewall.b=redirect\nfirewall.b.enabled='%s'\nfirewall.b.src='wan'\n"
					     "firewall.b.src_dport='51821'\nfirewall.b.proto='udp'\n"
					     "firewall.b.dest_ip='192.168.1.11'\nfirewall.b.target='DNAT'\n", off[i]);
		out = import("uci", text, NULL, &t);
		has(out, "interface: pppoe-wan");
		has(out, "192.168.1.10");
		lacks(out, "192.168.1.11");
		lacks(out, "eth0.7");
		free(out);
	}
}

/* OpenWrt: the rules that drop packets of the redirected port. No such rule is lost. */
static void openwrt_rules(void **state)
{
	static const struct {
		const char *options, *clients, *said;	/* clients: "": neither allow nor deny; said: "": nothing */
	} rows[] = {
		{ "proto='udp'\nfirewall.b.src_ip='203.0.113.5' '203.0.113.8'", "deny: [ 203.0.113.5/32, 203.0.113.8/32 ]", "" },
		{ "proto='udp'\nfirewall.b.src_ip='!203.0.113.5' '! 203.0.113.8'", "allow: [ 203.0.113.5/32, 203.0.113.8/32 ]", "" },
		{ "src_ip='203.0.113.0/30' '!203.0.113.0'", "deny: [ 203.0.113.1/32, 203.0.113.2/31 ]", "" },
		{ "src_ip='203.0.113.8'\nfirewall.b.dest_ip='192.168.1.9' '192.168.1.10'", "deny: [ 203.0.113.8/32 ]", "" },
		{ "src_ip='203.0.113.8'\nfirewall.b.dest_port='123' '51820-51821'", "deny: [ 203.0.113.8/32 ]", "" },
		{ "src_ip='203.0.113.8'\nfirewall.b.dest_port='123' '124'", "", "" },
		{ "src_ip='203.0.113.8'\nfirewall.b.target='drop'", "deny: [ 203.0.113.8/32 ]", "" },
		{ "src_ip='203.0.113.8' 'bad.example.org'", "", LACKS },
		{ "dest_port='openvpn'", "", LACKS },
		{ "dest_ip='192.168.1.0/255.0.255.0'", "", LACKS },
	};
	char text[1200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), ZONES REDIRECT DROPS "firewall.b.%s\n%s", rows[i].options,
			 strstr(rows[i].options, "target") ? "" : "firewall.b.target='DROP'\n");
		imports_service("uci", text, rows[i].clients, rows[i].said);
	}
}

#define WAY(zones, dest, rules) "firewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.device='eth0'\n" zones \
	"firewall.a=redirect\nfirewall.a.src='wan'\nfirewall.a.src_dport='51820'\nfirewall.a.proto='udp'\n" dest \
	"firewall.a.dest_ip='192.168.1.10'\n" rules
#define ZONE(zone, key, device) "firewall." zone "=zone\nfirewall." zone ".name='" zone "'\nfirewall." zone "." key "='" device "'\n"
#define TO_LAN "firewall.a.dest='lan'\n"
#define VIA(section, zone, more) "firewall." section "=rule\nfirewall." section ".src='wan'\nfirewall." section ".dest='" zone "'\n" \
	"firewall." section "." more "\n"
#define PUBLIC(zone) VIA("b", zone, "target='ACCEPT'")
#define DENY(zone) VIA("c", zone, "target='DROP'\nfirewall.c.src_ip='203.0.113.8'")
#define BOTH ZONE("lan", "device", "br-lan") ZONE("dmz", "device", "br-dmz")
#define NETWORK ZONE("lan", "network", "l") "network.l=interface\nnetwork.l.device='br-lan'\nnetwork.l.ipaddr='192.168.1.1'\n" \
	"network.l.netmask='255.255.255.0'\n" ZONE("dmz", "network", "d") "network.d=interface\nnetwork.d.device='br-dmz'\n" \
	"network.d.ipaddr='192.168.2.1/24'\n"

/* OpenWrt: a rule is for packets that leave by its zone. */
static void openwrt_zones(void **state)
{
	static const struct {
		const char *text;
		bool denies;
		const char *said;		/* "": nothing */
	} rows[] = {
		{ WAY(BOTH, TO_LAN, PUBLIC("dmz") DENY("lan")), true, "" },
		{ WAY(BOTH, TO_LAN, PUBLIC("lan") DENY("lan")), false, "" },
		{ WAY(BOTH, TO_LAN, PUBLIC("dmz") DENY("*")), true, "" },
		{ WAY(BOTH, TO_LAN, PUBLIC("*") DENY("lan")), false, "" },
		{ WAY(BOTH, TO_LAN, DENY("dmz")), false, "" },
		{ WAY(ZONE("lan", "device", "br-lan' 'br-guest") ZONE("dmz", "device", "br-dmz"), TO_LAN, PUBLIC("dmz") DENY("lan")), true, "" },
		/* OpenWrt finds the zone of a redirect without `dest` by the address */
		{ WAY(NETWORK, "", PUBLIC("dmz") DENY("lan")), true, "" },
		{ WAY(BOTH, "", DENY("lan")), false, LACKS },
		/* a zone without a known device */
		{ WAY("", TO_LAN, PUBLIC("dmz") DENY("lan")), true, "forwards no packet because of this rule" },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *out = import("uci", rows[i].text, NULL, &t);

		has(out, "backend: { ipv4: 192.168.1.10, port: 51820 }");
		(rows[i].denies ? has : lacks)(out, "deny: [ 203.0.113.8/32 ]");
		has_said(&t, rows[i].said);
		free(out);
	}
}

#define VPN(more) ZONE("vpn", "device", "wg9") more

/* OpenWrt: a zone masquerades what leaves by it. */
static void openwrt_masquerade(void **state)
{
	static const char to_vpn[] = "firewall.a.dest='vpn'\n";
	static const struct {
		const char *zones, *dest, *has, *said;	/* said: "": nothing */
	} rows[] = {
		{ VPN("firewall.vpn.masq='1'\n"), to_vpn, "nat: masquerade", "" },
		{ VPN("firewall.vpn.masq='0'\n"), to_vpn, "nat: dnat", "" },
		{ VPN("firewall.vpn.masq6='1'\n"), to_vpn, "nat: dnat", "" },
		{ VPN("firewall.vpn.masq='1'\nfirewall.vpn.masq_dest='!10.0.0.0/8'\n"), to_vpn, "nat: dnat", LACKS },
		{ VPN("firewall.vpn.masq='1'\n") ZONE("lan", "device", "br-lan"), TO_LAN, "nat: dnat", "" },
		{ "firewall.w.masq='1'\n" ZONE("lan", "device", "br-lan"), TO_LAN, "nat: dnat", "" },
		/* zones without a known device */
		{ ZONE("vpn", "masq", "1"), to_vpn, "nat: dnat", LACKS },
		{ ZONE("vpn", "masq", "1"), TO_LAN, "nat: dnat", "" },
	};
	struct captured t;
	char text[1200], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), WAY("%s", "%s", ""), rows[i].zones, rows[i].dest);
		out = import("uci", text, NULL, &t);
		has(out, rows[i].has);
		has_said(&t, rows[i].said);
		free(out);
	}
	/* clients do not arrive by a zone because it masquerades */
	out = import("uci", VPN("firewall.vpn.masq='1'\n") REDIRECT, NULL, &t);
	has(t.text, "add --wan IF");
	free(out);
}

/* OpenWrt: the protocols of a rule. */
static void openwrt_protocols(void **state)
{
	static const struct {
		const char *value;
		bool has_udp;
	} rows[] = {
		{ "any", true }, { "*", true }, { "all", true }, { "17", true }, { "UDP", true }, { "tcpudp", true }, { "6 17", true },
		{ "tcp' 'udp", true }, { "!tcp", true }, { "! 6", true }, { "!tcpudp", true }, { "tcp", false }, { "6", false },
		{ "!udp", false }, { "!17", false }, { "! udp", false }, { "tcp !17", false }, { "udplite", false }, { "small", false },
	};
	struct captured t;
	char text[1200], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), ZONES REDIRECT DROPS "firewall.b.target='DROP'\nfirewall.b.src_ip='203.0.113.8'\n"
			 "firewall.b.proto='%s'\n", rows[i].value);
		out = import("uci", text, NULL, &t);
		(rows[i].has_udp ? has : lacks)(out, "deny: [ 203.0.113.8/32 ]");
		assert_string_equal(t.text, "");
		free(out);
	}
}

/* AmneziaWG's settings that no service can take are named. */
static void amneziawg(void **state)
{
	static const struct {
		const char *settings, *said;
	} rows[] = {
		{ "H1 = 5\n", "the file has no ListenPort" },
		{ "ListenPort = 51820\nH1 = 5\n", "no service has a backend with this port" },
		{ "ListenPort = 51820\nS1 = 2000\n", "larger than wgxdp allows" },
		{ "ListenPort = 51820\nH1 = 0\n", "not a setting" },
		{ "ListenPort = 51820\nH1 = 9-5\n", "not a setting" },
		{ "ListenPort = 51820\nS4 = many\n", "not a setting" },
	};
	struct captured t;
	char text[300], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "[Interface]\nPrivateKey = " KEY "\n%s", rows[i].settings);
		out = import("awg0.conf", text, NULL, &t);
		has(t.text, rows[i].said);
		lacks(t.text, KEY);
		free(out);
	}
}

#define RELAY "wg0\taGVyZSBpcyBhIHByaXZhdGUga2V5IG9mIGEgcmVsYXk=\tZGJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\t51820\toff\n" \
	"wg0\tYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\t(none)\t(none)\tfd12:3456:789a:a::/64\t0\t0\t0\toff\n"
#define FORWARD(rule) "-A FORWARD -i wg0 -o wg0 " rule "\n"
#define ALLOWS "-d fd12:3456:789a::/48 -p udp --dport 4000:5000 -j ACCEPT"

/* A policy has an overlay and ports. Rules between tunnels with more conditions are named, and make no policy. */
static void policies(void **state)
{
	static const struct {
		const char *rules, *said;	/* NULL: nothing */
	} rows[] = {
		{ FORWARD(ALLOWS), NULL },
		{ FORWARD(ALLOWS) FORWARD("-j DROP"), NULL },
		{ FORWARD(ALLOWS) FORWARD("-s fd12:3456:789a:c::/64 -j DROP"), NULL },
		{ FORWARD("-s fd12:3456:789a:c::/64 -j DROP") FORWARD(ALLOWS), "wgxdp forwards these packets if" },
		{ "-A FORWARD -s fd12:3456:789a:c::/64 -j DROP\n" FORWARD(ALLOWS), "wgxdp forwards these packets if" },
		{ FORWARD("-m mark --mark 1 -j DROP") FORWARD(ALLOWS), "wgxdp forwards these packets if" },
		{ FORWARD(ALLOWS) FORWARD("-s fd12:3456:789a:a::/64 " ALLOWS), "a policy of wgxdp has only" },
		{ FORWARD("-s fd12:3456:789a:a::/64 " ALLOWS) FORWARD(ALLOWS), "a policy of wgxdp has only" },
		{ FORWARD("-j ACCEPT") FORWARD(ALLOWS), "a policy of wgxdp has only" },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[800], *out;

		snprintf(text, sizeof(text), HEAD("ip6tables-save") "*filter\n:FORWARD DROP [0:0]\n%sCOMMIT\n", rows[i].rules);
		out = import_two("ipt", text, RELAY, NULL, &t);
		has(out, "udp-ports: [ 4000-5000 ]");
		has(out, "fd12:3456:789a:a::/64");
		if (rows[i].said)
			has(t.text, rows[i].said);
		else
			lacks(t.text, "wgxdp");
		free(out);
	}
}

/* A peer whose endpoint has a name is a site of the relay like the others. */
static void named_endpoint(void **state)
{
	struct captured t;
	char *out = import_two("wg0.conf", "[Interface]\nPrivateKey = aGVyZSBpcyBhIHByaXZhdGUga2V5IG9mIGEgcmVsYXk=\n[Peer]\n"
			       "PublicKey = YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\nEndpoint = a.example:51820\n"
			       "AllowedIPs = fd12:3456:789a:a::/64\n", HEAD("ip6tables-save") "*filter\n:FORWARD DROP [0:0]\n"
			       FORWARD(ALLOWS) "COMMIT\n", NULL, &t);

	has(out, "host: a.example");
	has(out, "prefixes: [ \"fd12:3456:789a:a::/64\" ]");
	free(out);
}

int main(void)
{
	log_again(true);		/* the same warning twice is no mistake here */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets), cmocka_unit_test(order), cmocka_unit_test(named), cmocka_unit_test(refused),
		cmocka_unit_test(endless), cmocka_unit_test(comments), cmocka_unit_test(two_families),
		cmocka_unit_test(one_family),
		cmocka_unit_test(native_tables),
		cmocka_unit_test(limits_of_elements),
		cmocka_unit_test(openwrt), cmocka_unit_test(openwrt_rules), cmocka_unit_test(openwrt_protocols),
		cmocka_unit_test(openwrt_zones), cmocka_unit_test(openwrt_masquerade),
		cmocka_unit_test(followed), cmocka_unit_test(amneziawg), cmocka_unit_test(policies), cmocka_unit_test(named_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
