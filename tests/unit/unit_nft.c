// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `gen nft` writes the right rules of each chain for each kind of listener, family and translation, and reports what
 * nftables cannot do. selftests/gen/gen-nft.sh checks that nft accepts them and that packets follow them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "gen/nft_service.h"
#include "instance/run_state.h"

#define BACKEND "    backend: { ipv4: 192.168.1.10, ipv6: \"2001:db8:2::10\", port: 51820 }\n"
#define ON_WAN "services:\n  - name: wg-end\n    listen: { interface: wan, ports: [ 51820, 443 ] }\n"
#define ON_ADDRESSES "services:\n  - name: wg-end\n    listen: { addresses: [ 203.0.113.2, \"2001:db8:5::1\" ], ports: [ 51820 ] }\n"
#define TO_BOTH "udp dport { 51820, 443 } "
#define HERE "fib daddr . iif type local "
#define NAMED " comment \"service wg-end\"\n"

/* no state here */
void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	strcpy(path, "/dev/null");
}

typedef void put(FILE *out, const struct nft_config *n, const struct service_config *s);

static char *text;

/* Returns the rules of a chain for the first service */
static const char *said(const char *yaml, put *put)
{
	struct resolved_backends answers = { 0 };
	struct nft_config n = { .answers = &answers };
	struct config *c = NULL;
	enum link_role role;
	const char *name;
	size_t size, at = 0;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	assert_int_equal(config_parse(yaml, "test", &c), 0);
	while ((name = config_interface(c, &at, &role)))
		nft_devices_add(role == ROLE_LAN ? &n.lans : &n.wans, name);
	n.config = c;
	put(out, &n, &c->services[0]);
	fclose(out);
	free(n.wans.list);
	free(n.lans.list);
	config_free(c);
	return text;
}

static void dnat_by_interface(void **state)
{
	const char *yaml = ON_WAN BACKEND;

	assert_string_equal(said(yaml, nft_service_prerouting),
			    "\t\tiifname \"wan\" meta nfproto ipv4 " HERE TO_BOTH "counter dnat ip to 192.168.1.10:51820" NAMED);
	assert_string_equal(said(yaml, nft_service_forward),
			    "\t\tct status dnat ip daddr 192.168.1.10 udp dport 51820 counter accept" NAMED
			    "\t\tiifname \"wan\" ip6 daddr 2001:db8:2::10 udp dport 51820 counter accept" NAMED);
	assert_string_equal(said(yaml, nft_service_clients), "");
	assert_string_equal(said(yaml, nft_service_postrouting), "");
	assert_string_equal(said(yaml, nft_service_sets), "");
	assert_string_equal(said(yaml, nft_service_notes), "");
	assert_null(strstr(said(ON_WAN BACKEND "    ipv6: off\n", nft_service_forward), "ip6"));
	assert_non_null(strstr(said(ON_WAN BACKEND "    ipv6: dnat\n", nft_service_prerouting),
			       "\t\tiifname \"wan\" ip6 daddr != fe80::/10 " HERE TO_BOTH "counter dnat ip6 to [2001:db8:2::10]:51820"));
}

/* The wan that has the address; if none has it, every known wan */
static void dnat_by_address(void **state)
{
	static const char no_wan[] = ON_ADDRESSES BACKEND "    ipv6: dnat\n";
	static const char a_wan[] = ON_ADDRESSES BACKEND "    ipv6: dnat\ninterfaces: [ { name: eth0, role: wan } ]\n";

	assert_string_equal(said(no_wan, nft_service_prerouting),
			    "\t\tip daddr { 203.0.113.2 } " HERE "udp dport 51820 counter dnat ip to 192.168.1.10:51820" NAMED
			    "\t\tip6 daddr { 2001:db8:5::1 } " HERE "udp dport 51820 counter dnat ip6 to [2001:db8:2::10]:51820" NAMED);
	assert_non_null(strstr(said(a_wan, nft_service_prerouting),
			       "\t\tiifname \"eth0\" ip daddr { 203.0.113.2 } fib daddr type != local udp dport 51820 counter dnat "));
}

static void clients(void **state)
{
	static const char yaml[] = ON_WAN BACKEND "    deny: [ 192.0.2.0/24 ]\n    allow: [ \"2001:db8:7::/48\" ]\n";
	const char *rules = said(yaml, nft_service_clients);

	assert_non_null(strstr(rules, "udp dport { 51820, 443 } ip saddr @deny4_wg-end counter drop"));
	assert_non_null(strstr(rules, "udp dport { 51820, 443 } counter drop"));	/* only IPv6 is allowed */
	assert_non_null(strstr(rules, "ip6 daddr 2001:db8:2::10 udp dport 51820 ip6 saddr != @allow6_wg-end counter drop"));
	rules = said(yaml, nft_service_sets);
	assert_non_null(strstr(rules, "set deny4_wg-end {\n\t\ttype ipv4_addr\n"));
	assert_non_null(strstr(rules, "\t\telements = { 192.0.2.0/24 }\n"));
	assert_null(strstr(rules, "deny6"));
	assert_null(strstr(rules, "allow4"));
}

static void masquerade(void **state)
{
	static const char plain[] = ON_WAN BACKEND "    nat: masquerade\n    flows: { timeout: 200s, ports: 30000-30099 }\n";
	static const char source[] = ON_WAN BACKEND "    nat: masquerade\n"
		"    flows: { source: [ 192.168.1.1, \"2001:db8:2::1\", 192.168.1.2 ] }\n";
	static const char shared[] = ON_WAN BACKEND "    nat: masquerade\n"
		"  - name: other\n    listen: { interface: wan, ports: [ 99 ] }\n" BACKEND;

	assert_string_equal(said(plain, nft_service_postrouting),
			    "\t\tiifname \"wan\" ct status dnat ip daddr 192.168.1.10 udp dport 51820 "
			    "counter masquerade to :30000-30099" NAMED
			    "\t\tiifname \"wan\" ct status dnat ip6 daddr 2001:db8:2::10 udp dport 51820 "
			    "counter masquerade to :30000-30099" NAMED);
	assert_non_null(strstr(said(plain, nft_service_sets), "l3proto ip6\n\t\tpolicy = { replied : 200 }"));
	assert_non_null(strstr(said(source, nft_service_postrouting),
			       "snat ip to jhash ip saddr . udp sport mod 2 map { 0 : 192.168.1.1, 1 : 192.168.1.2 } : 20000-60999"));
	assert_non_null(strstr(text, "snat ip6 to [2001:db8:2::1]:20000-60999"));
	assert_non_null(strstr(said(shared, nft_service_postrouting), "udp dport 51820 ct original proto-dst 443 counter masquerade"));
	assert_null(strstr(said(ON_WAN BACKEND "    nat: masquerade\n    ipv6: off\n", nft_service_prerouting), "ip6"));
}

static void hairpin(void **state)
{
	const char *from_lan = "iifname \"br-lan\" meta nfproto ipv4 fib daddr type local fib daddr . iif type != local " TO_BOTH;
	static const char lan[] = ON_WAN BACKEND "    hairpin: true\ninterfaces: [ { name: br-lan, role: lan } ]\n";

	assert_non_null(strstr(said(lan, nft_service_prerouting), from_lan));
	assert_string_equal(said(lan, nft_service_postrouting),
			    "\t\tiifname != \"wan\" ct status dnat ip daddr 192.168.1.10 udp dport 51820 "
			    "counter masquerade to :20000-60999" NAMED);
	said(ON_WAN BACKEND "    hairpin: true\n", nft_service_prerouting);
	assert_non_null(strstr(text, "iifname != \"wan\" meta nfproto ipv4 "));
}

static void none(void **state)
{
	static const char yaml[] = "services:\n  - name: wg-end\n" BACKEND "    nat: none\n";

	assert_string_equal(said(yaml, nft_service_forward),
			    "\t\tip daddr 192.168.1.10 udp dport 51820 counter accept" NAMED
			    "\t\tip6 daddr 2001:db8:2::10 udp dport 51820 counter accept" NAMED);
	assert_string_equal(said(yaml, nft_service_prerouting), "");
	assert_non_null(strstr(said(yaml, nft_service_notes), "none is named"));
}

static void cannot(void **state)
{
	static const char cross[] = ON_WAN "    backend: { ipv6: \"2001:db8:2::10\", port: 51820 }\n    nat: masquerade\n";
	static const char keys[] = ON_WAN "    backends:\n"
		"      - { name: alpha, ipv4: 192.168.1.11, port: 1, public-key: \"YmJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\" }\n"
		"      - { name: beta, ipv4: 192.168.1.12, port: 2, public-key: \"Y2JjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\" }\n";

	assert_string_equal(said(cross, nft_service_notes),
			    "\t# nftables cannot do this, service wg-end: translate IPv4 to IPv6: clients with IPv4 cannot reach the backend\n");
	assert_null(strstr(said(cross, nft_service_prerouting), "ipv4"));
	assert_non_null(strstr(said(keys, nft_service_notes), "all packets go to alpha"));
	assert_non_null(strstr(said(keys, nft_service_prerouting), "dnat ip to 192.168.1.11:1"));
	assert_null(strstr(text, "192.168.1.12"));
	assert_non_null(strstr(said(ON_WAN BACKEND "    df: report\n", nft_service_notes), "df: report"));
}

/* A name that ends in * is no pattern */
static void devices(void **state)
{
	struct nft_devices d = { 0 };
	size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	nft_devices_add(&d, "eth0");
	nft_put_devices(out, "iifname", &d);
	nft_devices_add(&d, "eth*");
	nft_devices_add(&d, "eth0");
	nft_devices_add(&d, "");
	nft_put_devices(out, "iifname", &d);
	fclose(out);
	free(d.list);
	assert_string_equal(text, "iifname \"eth0\" iifname { \"eth0\", \"eth\\*\" } ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dnat_by_interface), cmocka_unit_test(dnat_by_address), cmocka_unit_test(clients),
		cmocka_unit_test(masquerade), cmocka_unit_test(hairpin), cmocka_unit_test(none), cmocka_unit_test(cannot),
		cmocka_unit_test(devices),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(text);
	return failed;
}
