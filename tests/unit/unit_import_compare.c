/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `import --compare` answers as rules and configuration do, reports each difference in its words, and keeps its
 * limits (user/import/compare*.c). tests/import lacks these cases. Named sets and AmneziaWG's settings that no
 * service can take are here too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "import/compare.h"
#include "lib/log.h"
#include "lib/text.h"
#include "capture_stderr.h"
#include "has_text.h"

struct result {
	char *text;			/* the report; NULL: an error */
	size_t n, agree, differ, undecided, left_out;
	struct captured said;
};

static struct import_text text_of(const char *name, const char *text)
{
	return (struct import_text){ .name = name, .text = strdup(text), .n = strlen(text) };
}

/* Compares rules with a configuration. The caller frees r->text. */
static void compare_limited(const char *rules, const char *yaml, bool json, size_t work, struct result *r)
{
	struct import im = { .work_max = work };
	struct import_text in = text_of("rules", rules);
	struct config *config = NULL;
	struct comparison c = { 0 };
	FILE *out = text_open(&r->text, &r->n);
	int rc;

	capture_stderr(&r->said);
	rc = import_text(&im, &in);
	rc = rc ? rc : import_rules(&im);
	if (!rc)
		rc = config_parse(yaml, "config", &config);
	if (!rc)
		rc = compare_run(&c, &im, config);
	if (!rc)
		(json ? compare_print_json : compare_print)(&c, false, out);
	release_stderr(&r->said);
	assert_int_equal(fclose(out), 0);
	r->agree = c.n_of[COMPARE_AGREES];
	r->differ = c.n_of[COMPARE_DIFFERS];
	r->undecided = c.n_of[COMPARE_UNDECIDED];
	r->left_out = c.left_out;
	r->n = c.n;
	compare_free(&c);
	config_free(config);
	import_free(&im);
	if (!rc)
		return;
	free(r->text);
	r->text = NULL;
}

static void compare(const char *rules, const char *yaml, struct result *r)
{
	compare_limited(rules, yaml, false, 0, r);
}

#define DNAT "-A PREROUTING -i eth0 -p udp --dport 51820 -j DNAT --to-destination 192.168.1.10:51820\n"
#define LISTEN "name: a, listen: { interface: eth0, ports: [ 51820 ] }"
#define SERVICE "services: [ { " LISTEN ", backend: { ipv4: 192.168.1.10, port: 51820 }%s } ]\n"

enum expected { AGREES, DIFFERS, UNDECIDED };

/* Rules beside DNAT, keys of the service beside its backend, and the result for port 51820. */
static const struct {
	const char *rules, *keys;
	enum expected result;
	const char *said;
} rows[] = {
	{ "", "", AGREES, "3 packets: 3 agree, 0 differ, 0 could not be decided" },
	/* a condition that is not known matters only if it changes the verdict */
	{ "*filter\n-A FORWARD -m mark --mark 1 -j ACCEPT\n", "", AGREES, "" },
	{ "*filter\n:FORWARD DROP\n-A FORWARD -m mark --mark 1 -j ACCEPT\n", "", UNDECIDED, "because of rules:6 (-A FORWARD -m mark" },
	{ "*filter\n-A FORWARD -m mark --mark 1 -j DROP\n", "", UNDECIDED, "the rules cannot be decided" },
	{ "*filter\n-A FORWARD -s bad.example.org -j DROP\n", "", UNDECIDED, "because of rules:5 (-A FORWARD -s bad" },
	{ "*filter\n-A FORWARD -p udp --dport openvpn -j DROP\n", "", UNDECIDED, "the rules cannot be decided" },
	{ "*filter\n:FORWARD DROP\n-A FORWARD -m mark --mark 1 -j DROP\n", "", DIFFERS, "drop it by the policy of iptables filter FORWARD" },
	{ "*filter\n-A FORWARD -m mark --mark 1 -j RETURN\n-A FORWARD -j DROP\n", "", UNDECIDED, "" },
	{ "*raw\n-A PREROUTING -m mark --mark 1 -j DROP\n*filter\n-A FORWARD -j DROP\n", "", DIFFERS, "drop it by rules:7 (" },
	{ "*nat\n-A POSTROUTING -m mark --mark 1 -j MASQUERADE\n", "", UNDECIDED, "" },
	{ "*nat\n-A POSTROUTING -o eth9 -j MASQUERADE\n", "", UNDECIDED, "" },
	{ "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\n", "", AGREES, "" },
	{ "*nat\n-A POSTROUTING -d 192.168.1.10 -j MASQUERADE\n", "", DIFFERS, "masquerade it by rules:2 (" },
	{ "*nat\n-A POSTROUTING -d 192.168.1.10 -j MASQUERADE\n", ", nat: masquerade", AGREES, "" },
	{ "*filter\n-A FORWARD -o eth1 -j ACCEPT\n*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\n", ", nat: masquerade", AGREES, "" },
	{ "*nat\n-A POSTROUTING -d 192.168.1.10 -j SNAT --to-source 192.168.1.1\n", ", nat: masquerade", DIFFERS, "as 192.168.1.1" },
	{ "*nat\n-A POSTROUTING -d 192.168.1.10 -j SNAT --to-source 192.168.1.1\n", ", nat: masquerade, flows: { source: [ 192.168.1.1 ] }",
		AGREES, "" },
	/* the guard forwards the messages of clients */
	{ "", ", wireguard: { public-key: \"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\" }", AGREES, "" },
	/* prefixes decide before lists */
	{ "", ", allow: [ 0.0.0.0/0 ], deny: [ { file: /list } ]", AGREES, "" },
	{ "", ", deny: [ { file: /list } ]", UNDECIDED, "it has a list whose entries are not in the rules in { file: " },
	{ "", ", allow: [ { file: /list } ]", UNDECIDED, "it has a list whose entries are not in the rules" },
	{ "", ", allow: [ { file: /list } ], deny: [ 203.0.113.7 ]", DIFFERS, "service a would drop it: its deny has the client" },
	{ "", ", allow: [ 192.0.2.0/24 ]", DIFFERS, "service a would drop it: its allow lacks the client" },
};

static void answers(void **state)
{
	char rules[1000], yaml[1000], first[100];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct result r;

		snprintf(rules, sizeof(rules), "*nat\n" DNAT "COMMIT\n%sCOMMIT\n", rows[i].rules);
		snprintf(yaml, sizeof(yaml), SERVICE, rows[i].keys);
		compare(rules, yaml, &r);
		has(r.text, rows[i].said);
		snprintf(first, sizeof(first), "%s: ", rows[i].result == DIFFERS ? "differs" : "undecided");
		if (rows[i].result == AGREES)
			assert_int_equal(r.agree, r.n);
		else
			has(r.text, first);
		assert_int_equal(r.differ != 0, rows[i].result == DIFFERS);
		assert_true(rows[i].result == DIFFERS || (r.undecided != 0) == (rows[i].result == UNDECIDED));
		free(r.text);
	}
}

/* Configurations that differ from one rule in more than a key. */
static void configurations(void **state)
{
	static const struct {
		const char *yaml, *said;
	} others[] = {
		{ "services: [ { " LISTEN ", backend: { ipv4: wg.example.net, port: 51820 } } ]",
			"undecided: from 203.0.113.7 to an IPv4 address of eth0 port 51820: the rules forward it to 192.168.1.10 port 51820 by rules:2 (" },
		{ "services: [ { " LISTEN ", backend: { ipv4: wg.example.net, port: 51820 } } ]", "service a cannot be decided: its backend is a DNS name" },
		{ "services: [ { " LISTEN ", backends: [ { name: b, ipv4: 192.168.1.10, port: 51820, public-key: "
		  "\"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\" }, { name: c, ipv4: 192.168.1.11, port: 51820, public-key: "
		  "\"YmJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\" } ] } ]", "it has several backends" },
		{ "{}", "differs: from 203.0.113.7 to an IPv4 address of eth0 port 51820: the rules forward it to 192.168.1.10 port 51820" },
		{ "{}", "no service has it\n3 packets: 2 agree, 1 differ, 0 could not be decided\n" },
		{ "services: [ { name: a, listen: { interface: eth1, ports: [ 51820 ] }, backend: { ipv4: 192.168.1.10, port: 51820 } } ]",
			"an IPv4 address of eth1 port 51820: the rules leave it to this host; service a would forward it" },
		{ "interfaces: [ { name: eth0, role: wan } ]\nservices: [ { name: a, listen: { addresses: [ 198.51.100.1 ], ports: [ 51820 ] }, "
		  "backend: { ipv4: 192.168.1.10, port: 51820 } } ]", "an IPv4 address of eth0 port 51820" },
		{ "blind: { listen: { interface: eth0, port: 51820 }, device: wg0 }", "the blind relay takes it if it is a message of a site" },
		{ "services: [ { name: a, listen: { interface: eth0 }, nat: none, backend: { ipv4: 192.0.2.9, port: 53 } } ]", "no service has it" },
		{ "services: [ { " LISTEN ", nat: masquerade, backend: { ipv6: \"2001:db8::1\", port: 51820 } } ]",
			"would forward it to 2001:db8::1 port 51820 and masquerade it" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct result r;

		compare("*nat\n" DNAT, others[i].yaml, &r);
		has(r.text, others[i].said);
		free(r.text);
	}
}

/* Rules of one kind each, compared with no service. */
static void rule_kinds(void **state)
{
	static const struct {
		const char *rules, *said;
	} kinds[] = {
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 1 -j DNAT --to-destination 192.168.1.1-192.168.1.3\n",
			"undecided: from 203.0.113.7 to an IPv4 address of eth0 port 1: the rules cannot be decided because of rules:2 (" },
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 1 -j DNAT --to-destination 192.168.1.1-192.168.1.3\n", "several places" },
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 1 -j DNAT --to-destination 127.0.0.1\n", "2 packets: 2 agree" },
		{ "*nat\n-A PREROUTING -d 192.0.2.5 -p udp --dport 1 -j DNAT --to-destination 192.168.1.1\n", "to 192.0.2.5 port 1: the rules" },
		{ "*nat\n-A PREROUTING -i eth0 -p udp --dport 1 -j REDIRECT --to-ports 2\n", "neither the rules nor the configuration" },
		{ "firewall.@redirect[0]=redirect\nfirewall.@redirect[0].src='wan'\nfirewall.@redirect[0].proto='udp'\n"
		  "firewall.@redirect[0].src_dport='1'\nfirewall.@redirect[0].dest_ip='192.168.1.1'\nfirewall.@redirect[0].dest_port='2'\n",
			"to an IPv4 address of this host port 1: the rules forward it to 192.168.1.1 port 2" },
		{ "*nat\n-A PREROUTING -d 192.0.2.0/24 -p udp --dport 1 -j DNAT --to-destination 192.168.1.1\n", "undecided: " },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct result r;

		compare(kinds[i].rules, "{}", &r);
		has(r.text, kinds[i].said);
		free(r.text);
	}
}

static void json(void **state)
{
	struct result r;

	compare_limited("*nat\n" DNAT, "{}", true, 0, &r);
	has(r.text, "\"packets\": 3");
	has(r.text, "\"origin\": \"rules:2\"");
	has(r.text, "\"does\": \"kernel\"");
	lacks(r.text, "\"all\"");
	free(r.text);
}

/* Too many clients are thinned out, and too much work is an error. */
static void limits(void **state)
{
	char *rules = NULL;
	struct result r;
	size_t n;
	FILE *f = text_open(&rules, &n);

	fputs("*filter\n", f);
	for (int i = 0; i < 3000; i++)
		fprintf(f, "-A FORWARD -s 192.%d.%d.8 -j DROP\n", i / 256, i % 256);
	fputs("*nat\n" DNAT, f);
	assert_int_equal(fclose(f), 0);
	compare_limited(rules, "{}", false, 1000, &r);
	assert_null(r.text);
	has(r.said.text, "too many rules");
	compare(rules, "{}", &r);
	assert_true(r.left_out > 0 && r.differ > 0);
	has(r.text, "were not tried, because there are too many");
	free(r.text);
	free(rules);
}

int main(void)
{
	log_again(true);		/* the same warning twice is no mistake here */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers), cmocka_unit_test(configurations), cmocka_unit_test(rule_kinds), cmocka_unit_test(json),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
