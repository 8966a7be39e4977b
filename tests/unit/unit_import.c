// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `import` refuses texts that are cut or wrong, with the reason, and names each line of wg-quick's files that it cannot
 * use. Secrets do not come out. It finds the interfaces that rules name, and loads no line that could run a program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "import/green.h"
#include "lib/log.h"
#include "lib/text.h"
#include "lib/yaml.h"
#include "capture_stderr.h"
#include "has_text.h"

#define KEY "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="

static int take(struct import *im, const char *name, const char *text)
{
	struct import_text in = { .name = name, .text = strdup(text), .n = strlen(text) };

	return import_text(im, &in);
}

/* Imports a text without rules. Returns the configuration for the caller to free, or NULL if it is refused. */
static char *import(const char *name, const char *text, struct captured *t)
{
	struct import im = { .wan = NULL };
	char *out = NULL;
	size_t n;
	FILE *f = text_open(&out, &n);
	int rc;

	capture_stderr(t);
	rc = take(&im, name, text);
	free(im.devices.n_commands ? im.devices.commands[0].line : NULL);
	if (im.devices.n_commands)
		im.devices.commands[0].line = NULL;
	im.devices.n_commands = 0;	/* a rehearsal needs root */
	rc = rc ? rc : import_make(&im);
	if (!rc) {
		assert_int_equal(import_write(&im, f), 0);
		import_warn(&im);
	}
	release_stderr(t);
	import_free(&im);
	assert_int_equal(fclose(f), 0);
	if (!rc)
		return out;
	free(out);
	return NULL;
}

static void refused(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "", "none of the formats" },
		{ "hello\n", "none of the formats" },
		{ "[{\"ifname\": \"eth0\"", "rules:1: byte" },
		{ "[]\n[{\n", "rules:2" },
		{ "[Interface]\nPrivateKey\n", "rules:2: this is not a setting" },
		{ "[Peer]\nPublicKey = secret\n", "rules:2: this is not a setting" },
		{ "wg0\ta\tb\tc\td\ne\tf\n", "rules:2: this is not a line of `wg show all dump`" },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_null(import("rules", rows[i].text, &t));
		has(t.text, rows[i].said);
		lacks(t.text, "secret");
	}
}

/* wg-quick's files: what cannot be used is named with its line. */
static void quick_lines(void **state)
{
	static const struct {
		const char *line, *has, *said;	/* has: NULL: no endpoint; said: "": nothing */
	} rows[] = {
		{ "Endpoint = vpn_host.example.net:51820", "host: vpn_host.example.net\n    port: 51820", "" },
		{ "Endpoint = _a.b_:51820", "host: \"_a.b_\"\n", "" },
		{ "Endpoint = vpn.example.net:https", "host: vpn.example.net\n    port: 443", "" },
		{ "Endpoint = 203.0.113.1:51820", NULL, "" }, { "Endpoint = 203.0.113.1:https", NULL, "" },
		{ "Endpoint = [2001:db8::1]:51820", NULL, "" },
		{ "Endpoint = vpn.example.net:none-such", NULL, "wg0.conf:6: import cannot use the endpoint vpn.example.net:none-such" },
		{ "Endpoint = :51820", NULL, "wg0.conf:6: import cannot use the endpoint :51820" },
		{ "Endpoint = vpn.example.net", NULL, "wg0.conf:6: import cannot use the endpoint vpn.example.net" },
		{ "Endpoint = vpn.example.net:70000", NULL, "wg0.conf:6: import cannot use" },
		{ "Endpoint = vpn.example.net/24:51820", NULL, "wg0.conf:6: import cannot use" },
		{ "Endpoint = 203.0.113.300:51820", NULL, "wg0.conf:6: import cannot use" },
		{ "AllowedIPs = 10.0.0.1/24 , 10.1.0.0/33, ::/0", NULL, "wg0.conf:6: AllowedIPs: 10.1.0.0/33 is not a prefix" },
		{ "AllowedIPs = 10.0.0.0/8x", NULL, "wg0.conf:6: AllowedIPs: 10.0.0.0/8x is not a prefix" },
		{ "AllowedIPs =\nPersistentKeepalive = 25\nPresharedKey = " KEY, NULL, "" },
	};
	struct captured t;
	char text[400], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "[Interface]\nPrivateKey = " KEY "\n\n[Peer]\nPublicKey = " KEY "\n%s\n", rows[i].line);
		out = import("wg0.conf", text, &t);
		(rows[i].has ? has : lacks)(out, rows[i].has ? rows[i].has : "endpoints:");
		if (*rows[i].said)
			has(t.text, rows[i].said);
		else
			assert_string_equal(t.text, "");
		free(out);
	}
}

static void secrets(void **state)
{
	struct captured t;
	char *out = import("wg0.conf", "[Interface]\nPrivateKey = c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=\n[Peer]\nPublicKey = " KEY
			   "\nPresharedKey = c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=\nEndpoint = vpn.example.net:51820\n", &t);

	has(out, "host: vpn.example.net");
	has(out, "interface: wg0");
	lacks(out, "c2Vj");
	free(out);
}

static void network(void **state)
{
	struct import im = { .wan = NULL };
	const struct import_network *n = &im.network;
	char text[ADDRESS_STRLEN];

	assert_int_equal(take(&im, "ip", "[{\"ifname\":\"lo\",\"addr_info\":[{\"local\":\"127.0.0.1\",\"prefixlen\":8,\"scope\":\"host\"}]},"
			      "{\"ifname\":\"eth0\",\"addr_info\":[{\"local\":\"192.0.2.2\",\"prefixlen\":24,\"scope\":\"global\"},"
			      "{\"local\":\"fe80::1\",\"prefixlen\":64,\"scope\":\"link\"}]}]\n"
			      "[{\"dst\":\"default\",\"gateway\":\"192.0.2.1\",\"dev\":\"eth0\"},{\"dst\":\"10.0.0.0/8\",\"dev\":\"wg0\"},"
			      "{\"type\":\"blackhole\",\"dst\":\"10.1.0.0/16\",\"dev\":\"lo\"}]\n"
			      "[{\"dst\":\"fd00::1\",\"dev\":\"eth0\"},{\"dst\":\"default\",\"nexthops\":[{\"dev\":\"eth1\"}]}]\n"), 0);
	assert_int_equal(n->n_addresses, 3);
	assert_string_equal(n->addresses[0].device, "eth0");
	assert_string_equal(address_format(&n->addresses[1].address, text), "192.0.2.2");
	assert_int_equal(n->addresses[1].len, 24);
	assert_int_equal(n->addresses[2].address.family, 0);
	assert_int_equal(n->n_routes, 4);
	assert_string_equal(prefix_format(&n->routes[0].to, text), "0.0.0.0/0");
	assert_string_equal(prefix_format(&n->routes[1].to, text), "10.0.0.0/8");
	assert_string_equal(prefix_format(&n->routes[2].to, text), "fd00::1/128");
	assert_string_equal(prefix_format(&n->routes[3].to, text), "::/0");
	assert_string_equal(n->routes[3].device, "eth1");
	import_free(&im);
}

static void names(void **state)
{
	static const char before[] = "iif oif device devices dev", after[] = "iif iifname oif oifname device devices", saved[] = "-i -o";
	static const struct {
		const char *text, *keywords, *found;
		bool quoted;
	} rows[] = {
		{ "iif eth0 accept\niif { lo, eth1 } oif != eth2 accept", before, "eth0 eth1 eth2", false },
		{ "type filter hook ingress device eth0 priority 0; devices = { eth1, eth2 };", before, "eth0 eth1 eth2", false },
		{ "{\"meta\": {\"key\": \"iif\"}}, \"right\": {\"set\": [\"eth0\", \"eth1\"]}, \"dev\": \"eth2\"", before, "eth0 eth1 eth2", false },
		{ "iifname \"eth0\" udp dport 1 accept comment \"no\"\n\tlog prefix \"no\"", after, "eth0", true },
		{ "iifname { \"eth0\", \"ppp*\" } oifname . th dport { \"eth1\" . 1, \"eth2\" . 2 }", after, "eth0 ppp0 eth1 eth2", true },
		{ "iifname vmap { \"eth0\" : jump a, \"eth1\" comment \"no\" : drop }", after, "eth0 eth1", true },
		{ "iifname \"eth0", after, "eth0", true }, { "iifname \"", after, "", true },
		{ "iifname @wans accept\n\tlog prefix \"no\"", after, "", true },
		{ "type ifname . inet_service\n\t\telements = { \"eth0\" . 1,\n\t\t\t \"eth1\" . 2 }\n", "ifname", "eth0 eth1", true },
		{ "-A FORWARD -i eth0 ! -o wg+ -j DROP\n-A INPUT -i lo -j ACCEPT", saved, "eth0 wg0", false },
		{ "iifname \"a name that is too long\" iifname \"a/b\"", after, "", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct green g = { .n_names = 0 };
		char text[200] = "";

		green_find_names(&g, rows[i].text, rows[i].keywords, rows[i].quoted);
		for (size_t k = 0; k < g.n_names; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", k ? " " : "", g.names[k]);
		assert_string_equal(text, rows[i].found);
		free(g.names);
	}
}

static void unsafe(void **state)
{
	static const struct {
		const char *program, *line;
		bool is;
	} rows[] = {
		{ "iptables", "-A FORWARD -m statistic --mode nth --every 2 --packet 0 -j MASQUERADE", false },
		{ "iptables", "-A FORWARD -m comment --comment \"a; b $c\" -j DROP", true },
		{ "iptables", "-A FORWARD -m comment --comment 'a; b $c' -j DROP", false },
		{ "iptables", "-A FORWARD -M /tmp/a -m b", true }, { "iptables", "-A FORWARD -vM/tmp/a", true },
		{ "iptables", "-A FORWARD --modprobe=/tmp/a", true }, { "iptables", "-A FORWARD --mod /tmp/a", true },
		{ "iptables", "-A FORWARD -j LED --led-trigger-id a", true }, { "iptables", "-A FORWARD -jIDLETIMER", true },
		{ "iptables", "-A FORWARD --jump=AUDIT --type drop", true }, { "iptables", "-A FORWARD -j MY-AUDITS", false },
		{ "iptables", "# none", false }, { "ipset", "# none", true }, { "nft", "", true },
		{ "ipset", "add bad 192.0.2.1 -exist", false }, { "ipset", "create bad hash:ip family inet", false },
		{ "ipset", "save -file /tmp/a", true }, { "ipset", "add bad 192.0.2.1 -file /tmp/a", true },
		{ "nft", "add rule ip nat pre udp dport 1 dnat to 192.0.2.1", false }, { "nft", "-f /etc/a", true },
		{ "nft", "'include \"/etc/passwd\"'", true }, { "nft", "add chain ip a b '{ type nat hook prerouting priority -100; }'", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(green_is_unsafe(rows[i].program, rows[i].line), rows[i].is);
}

#define OBJECT(kind, family, key, table) "{\"" kind "\": {\"family\": \"" family "\", \"" key "\": \"" table "\"}}"

/* A ruleset of nft loses the tables that iptables-save has too, and no other one. */
static void saved_tables(void **state)
{
	static const struct {
		const char *saved, *nft;
		bool stays;
	} rows[] = {
		{ "# Generated by iptables-save v1.8.9 (nf_tables)\n*nat\nCOMMIT\n", OBJECT("table", "ip", "name", "nat"), false },
		{ "*nat\nCOMMIT\n", OBJECT("rule", "ip", "table", "nat"), false },
		{ "*nat\nCOMMIT\n", OBJECT("rule", "ip6", "table", "nat"), true },
		{ "*nat\nCOMMIT\n", OBJECT("rule", "ip", "table", "filter"), true },
		{ "*nat\nCOMMIT\n", OBJECT("rule", "inet", "table", "nat"), true },
		{ "# Table `nat' is incompatible, use 'nft' tool.\n*filter\nCOMMIT\n", OBJECT("chain", "ip", "table", "nat"), true },
		{ "# Generated by ip6tables-save v1.8.9\n*nat\nCOMMIT\n", OBJECT("chain", "ip6", "table", "nat"), false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct import im = { .wan = NULL };
		char text[400];
		size_t n;

		snprintf(text, sizeof(text), "{\"nftables\": [{\"first\": \"}\"}, %s]}", rows[i].nft);
		assert_int_equal(take(&im, "saved", rows[i].saved), 0);
		assert_int_equal(take(&im, "nft", text), 0);
		green_remove_saved(&im, &im.texts[1]);
		(rows[i].stays ? has : lacks)(im.texts[1].text, rows[i].nft);
		has(im.texts[1].text, "{\"first\": \"}\"}");
		assert_null(json_wrong(im.texts[1].text, strlen(im.texts[1].text), &n));
		import_free(&im);
	}
}

int main(void)
{
	log_again(true);		/* the same warning twice is no mistake here */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused), cmocka_unit_test(quick_lines), cmocka_unit_test(secrets), cmocka_unit_test(network),
		cmocka_unit_test(names), cmocka_unit_test(unsafe), cmocka_unit_test(saved_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
